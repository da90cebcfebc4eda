#pragma once

#include "../core/decision.h"
#include "../tables/attached_tables.h"
#include "../tables/key.h"

namespace crm {

// Adds a comment without a save, and returns its id; the same one that was added a moment before is not added again.
// SPI must be connected. Raises 42501 without the rights on the comments, and 23503 where the customer, or the comment
// that it answers, is not there.
std::int64_t add_comment(const AttachedTable &table, const Key &key, const core::Request &comment);

}  // namespace crm
