#include "../boundary/clock.h"
#include "../boundary/guard.h"
#include "../boundary/role.h"
#include "../boundary/transaction.h"
#include "../reading/reading.h"
#include "arguments.h"
#include "results.h"

// What owners remove: the personal data of a customer, and the old ends of the history.

CRM_FUNCTION(crm_erase_customer)
{
    using namespace crm;

    require_writable("crm_erase_customer()");
    require_argument(fcinfo, 0, "id");
    const AttachedTable table = attached_by_search_path(extension_schema_of(fcinfo), Purpose::administer);
    const Key key = key_argument(fcinfo, 0, table);
    require_triggers(table);
    for (const Oid relation : {table->customers.oid, table->comments.oid, table->history.oid})
        require_ownership(relation);

    return in_spi([&](MemoryContext caller) { return copied_value(erase_customer(table, key), caller); });
}

CRM_FUNCTION(crm_prune_history)
{
    using namespace crm;

    require_writable("crm_prune_history()");
    require_argument(fcinfo, 0, "keep");
    require_argument(fcinfo, 1, "batch");
    const Interval *keep = PG_GETARG_INTERVAL_P(0);
    const std::int32_t batch = PG_GETARG_INT32(1);
    if (batch < 1)
        errors::wrong_batch();
    const TimestampTz now = clock_now().us;
    const TimestampTz before = DatumGetTimestampTz(
        DirectFunctionCall2(timestamptz_mi_interval, TimestampTzGetDatum(now), IntervalPGetDatum(keep)));
    if (before > now)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("keep must not be negative"),
                        errdetail("It is how long changes are kept. Nothing was removed."),
                        errhint("Pass an interval such as '2 years'.")));
    const AttachedTable table = attached_by_search_path(extension_schema_of(fcinfo), Purpose::prune);
    require_ownership(table->history.oid);

    return in_spi([&](MemoryContext) { return Int64GetDatum(prune_history(table, {before}, batch)); });
}
