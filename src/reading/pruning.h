#pragma once

#include "../tables/attached_tables.h"

namespace crm {

// Removes changes that were made before a time from the old ends of the chains, at most batch of them and never the last
// change of a customer; returns how many. The caller must own the history.
std::int64_t prune_history(const AttachedTable &table, core::Timestamp before, std::int32_t batch);

}  // namespace crm
