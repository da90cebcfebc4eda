#pragma once

#include "../tables/attached_tables.h"
#include "../tables/key.h"

namespace crm {

// Blanks what is personal of a customer: the columns of the row, the texts of the comments, the values and digests in the
// history. The chain of versions stays. Returns what was done, jsonb. SPI must be connected; the caller must own the
// tables. Raises 23503 for a customer of whom nothing is known.
Datum erase_customer(const AttachedTable &table, const Key &key);

}  // namespace crm
