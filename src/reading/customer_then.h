#pragma once

#include "../tables/attached_tables.h"
#include "../tables/key.h"

namespace crm {

// The row of a customer as it was at a time, jsonb, by undoing what the history recorded since; empty when it was not
// there then. Raises 42501 for who may not read all of the history, and 22023 for a time before what is kept of it.
std::optional<Datum> customer_then(const AttachedTable &table, const Key &key, core::Timestamp at, Snapshot snapshot);

}  // namespace crm
