#pragma once

#include "guard.h"

namespace crm {

// Runs work(); the message of an error that it raises begins with what prefix() says then.
template <typename Prefix, typename Work>
void
with_error_prefix(Prefix prefix, Work work)
{
    const MemoryContext caller = CurrentMemoryContext;
    PG_TRY();
    {
        guarded(work);
    }
    PG_CATCH();
    {
        MemoryContextSwitchTo(caller);
        ErrorData *error = CopyErrorData();
        FlushErrorState();
        error->message = psprintf("%s: %s", prefix(), error->message);
        ReThrowError(error);
    }
    PG_END_TRY();
}

}  // namespace crm
