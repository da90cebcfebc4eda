#pragma once

#include <cstdint>
#include <string_view>

// Which of several databases has a record, as scale/ spreads them.
namespace crm::core {

// Whether there can be so many partitions: a power of two.
bool is_partition_count(std::int64_t partitions);

// The number of the partition of a key, from 0, where there can be so many; the key is in its one spelling, in UTF-8.
int partition_of(std::string_view key, int partitions);

}  // namespace crm::core
