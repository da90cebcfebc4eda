#include "partition.h"

#include <bit>

#include <nettle/sha2.h>

namespace crm::core {

bool
is_partition_count(std::int64_t partitions)
{
    return partitions > 0 && std::has_single_bit(static_cast<std::uint64_t>(partitions));
}

// The first four bytes of the SHA-256 of the key, big-endian, modulo the number of partitions.
int
partition_of(std::string_view key, int partitions)
{
    sha256_ctx digest;
    sha256_init(&digest);
    sha256_update(&digest, key.size(), reinterpret_cast<const std::uint8_t *>(key.data()));
    std::uint8_t bytes[4];
    sha256_digest(&digest, sizeof bytes, bytes);
    std::uint32_t hash = 0;
    for (const std::uint8_t byte : bytes)
        hash = hash << 8 | byte;
    return static_cast<int>(hash % static_cast<std::uint32_t>(partitions));
}

}  // namespace crm::core
