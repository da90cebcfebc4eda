#pragma once

#include "../tables/attached_tables.h"
#include "../tables/key.h"

namespace crm {

// A customer with its comments and its edit lock, jsonb, as far as the caller may read it; empty for a customer that is
// not there, or was not then. SPI must be connected. at: a time in the past, or nothing for now.
std::optional<Datum> view_customer(const AttachedTable &table, const Key &key, std::optional<core::Timestamp> at,
                                   std::int32_t max_comments);

}  // namespace crm
