#pragma once

#include "guard.h"

namespace crm {

// Whether an error is about the session, not about what it was doing: it was cancelled, or ran into its statement_timeout.
// Code of others can raise the same SQLSTATE, but not from there.
inline bool
is_cancel(const ErrorData &error)
{
    return error.sqlerrcode == ERRCODE_QUERY_CANCELED && error.funcname != nullptr &&
           std::strcmp(error.funcname, "ProcessInterrupts") == 0;
}

// Runs work() in a subtransaction of its own, which end() ends. Returns the error that it raised, whose work is undone
// then, or nullptr. A cancelled statement ends all the same.
template <typename Work>
ErrorData *
in_subtransaction(void (*end)(), Work work)
{
    const MemoryContext caller = CurrentMemoryContext;
    const ResourceOwner owner = CurrentResourceOwner;
    ErrorData *volatile raised = nullptr;
    BeginInternalSubTransaction(nullptr);
    MemoryContextSwitchTo(caller);
    PG_TRY();
    {
        guarded(work);
        end();
    }
    PG_CATCH();
    {
        MemoryContextSwitchTo(caller);
        ErrorData *error = CopyErrorData();
        FlushErrorState();
        RollbackAndReleaseCurrentSubTransaction();
        MemoryContextSwitchTo(caller);
        CurrentResourceOwner = owner;
        if (is_cancel(*error))
            ReThrowError(error);
        raised = error;
    }
    PG_END_TRY();
    MemoryContextSwitchTo(caller);
    CurrentResourceOwner = owner;
    return raised;
}

// Runs work() in a subtransaction that is rolled back in the end, so that the locks it took are released. Returns the
// message of the error that it raised, or nullptr. In a parallel query, where there are no subtransactions, errors are
// raised.
template <typename Work>
const char *
isolated(Work work)
{
    if (IsInParallelMode())
    {
        guarded(work);
        return nullptr;
    }
    const ErrorData *error = in_subtransaction(RollbackAndReleaseCurrentSubTransaction, work);
    return error == nullptr ? nullptr : error->message;
}

}  // namespace crm
