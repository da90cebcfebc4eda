#include "postgres.h"

#include "fmgr.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(noop);

/* Does nothing, to show what any call costs. */
Datum
noop(PG_FUNCTION_ARGS)
{
    PG_RETURN_NULL();
}
