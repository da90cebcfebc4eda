#pragma once

#include "attached_tables.h"
#include "key.h"

namespace crm {

// Reads the latest changes and comments of a customer before a time, newest first: the columns of crm_timeline(). More
// than max_rows only where the last ones have the same time. With the caller's rights: what they may not read is left out.
// Raises 42501 for who may read neither.
std::uint64_t read_timeline(AttachedTable &table, const Key &key, std::int32_t max_rows, core::Timestamp before);

}  // namespace crm
