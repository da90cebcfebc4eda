#pragma once

#include "pg.h"

// What is read directly is read as a statement of a volatile function would read it: with what the calling statement has
// written so far.
namespace crm {

// A new snapshot; the transaction's own under REPEATABLE READ.
inline Snapshot
new_snapshot()
{
    CommandCounterIncrement();
    return GetTransactionSnapshot();
}

// The newest committed state, and what the transaction itself has written.
inline Snapshot
latest_snapshot()
{
    CommandCounterIncrement();
    return GetLatestSnapshot();
}

}  // namespace crm
