#include "guard.h"

namespace crm {

void
report_exception(const char *what, bool out_of_memory)
{
    if (out_of_memory)
        ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory"),
                        errdetail("The C++ runtime of crm_concurrency could not allocate memory.")));
    ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("unexpected exception in crm_concurrency"),
                    errdetail("%s", what), errhint("Please report this as a bug.")));
}

}  // namespace crm
