#pragma once

#include "../tables/attached_tables.h"

namespace crm {

// The columns beside key, status and version in which two rows differ, as {"column": {"from": …, "to": …}}; without a row
// before or after, its side is left out and so are nulls. Empty when there are none.
std::optional<Datum> changed_fields(const AttachedTable &table, TupleDesc columns, HeapTuple before, HeapTuple after);

// What is recorded of an erasure, {"": "erased"}: no column has this name, so that nothing is merged across it.
Datum erased_fields();

}  // namespace crm
