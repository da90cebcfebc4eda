#pragma once

#include "../tables/attached_tables.h"
#include "../tables/key.h"

namespace crm {

// Looks for what must never be in the data of one customer, or of all: the rows of the result are key, invariant, problem,
// detail. In one snapshot and with the caller's rights; raises 42501 where they do not show every row.
std::uint64_t read_violations(const AttachedTable &table, const std::optional<Key> &key);

}  // namespace crm
