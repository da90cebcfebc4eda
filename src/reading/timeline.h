#pragma once

#include "../boundary/row_set.h"
#include "../tables/attached_tables.h"
#include "../tables/key.h"

namespace crm {

// Adds the latest changes and comments of a customer before the millisecond of a time, newest first: the rows of
// crm_timeline(). More than max_rows only where the last ones are of one millisecond. With the caller's rights: what they
// may not read is left out. Raises 42501 for who may read neither.
void read_timeline(const AttachedTable &table, const Key &key, std::int32_t max_rows, core::Timestamp before,
                   const RowSet &rows);

}  // namespace crm
