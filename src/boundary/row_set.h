#pragma once

#include "pg.h"

namespace crm {

// The rows that a set-returning function returns, gathered before it returns.
struct RowSet
{
    TupleDesc columns;
    Tuplestorestate *store;
    MemoryContext memory;  // of both

    void add(HeapTuple row) const;

    // Where a query may send rows of this type.
    DestReceiver *receiver() const;
};

// Prepares the call of a set-returning function to return rows of its declared type; raises 0A000 where a set cannot be
// returned.
RowSet begin_row_set(FunctionCallInfo fcinfo);

}  // namespace crm
