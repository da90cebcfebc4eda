#include "../boundary/clock.h"
#include "../boundary/guard.h"
#include "../boundary/role.h"
#include "../boundary/transaction.h"
#include "../reading/reading.h"
#include "arguments.h"
#include "results.h"

// What owners remove: the personal data of a customer, and the old ends of the history.

namespace crm {

namespace {

Datum
erase(FunctionCallInfo fcinfo, Naming naming, const char *function)
{
    require_writable(function);
    require_named_row(fcinfo, naming);
    const AttachedTable table = named_table(fcinfo, naming, Purpose::administer);
    const Key key = key_argument(fcinfo, after_key(naming, 0), table);
    require_triggers(table);
    for (const Oid relation : {table->customers.oid, table->comments.oid, table->history.oid})
        require_ownership(relation);
    if (table->has(Part::comment_edits))
        require_ownership(table->comment_edits.oid);

    return in_spi([&](MemoryContext caller) { return copied_value(erase_customer(table, key), caller); });
}

// The arguments are those of a row without its key.
Datum
prune(FunctionCallInfo fcinfo, Naming naming, const char *function)
{
    require_writable(function);
    if (naming == Naming::record)
        require_argument(fcinfo, 0, "record_table");
    const int keep_argument = after_key(naming, 0);
    const int batch_argument = after_key(naming, 1);
    require_argument(fcinfo, keep_argument, "keep");
    require_argument(fcinfo, batch_argument, "batch");
    const Interval *keep = PG_GETARG_INTERVAL_P(keep_argument);
    const std::int32_t batch = PG_GETARG_INT32(batch_argument);
    if (batch < 1)
        errors::wrong_batch();
    const TimestampTz now = clock_now().us;
    const TimestampTz before = DatumGetTimestampTz(
        DirectFunctionCall2(timestamptz_mi_interval, TimestampTzGetDatum(now), IntervalPGetDatum(keep)));
    if (before > now)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("keep must not be negative"),
                        errdetail("It is how long changes are kept. Nothing was removed."),
                        errhint("Pass an interval such as '2 years'.")));
    const AttachedTable table = named_table(fcinfo, naming, Purpose::prune);
    require_ownership(table->history.oid);

    return in_spi([&](MemoryContext) { return Int64GetDatum(prune_history(table, {before}, batch)); });
}

}  // namespace

}  // namespace crm

CRM_FUNCTION(crm_erase_customer)
{
    return crm::erase(fcinfo, crm::Naming::customer, "crm_erase_customer()");
}

CRM_FUNCTION(crm_erase_record)
{
    return crm::erase(fcinfo, crm::Naming::record, "crm_erase_record()");
}

CRM_FUNCTION(crm_prune_history)
{
    return crm::prune(fcinfo, crm::Naming::customer, "crm_prune_history()");
}

CRM_FUNCTION(crm_prune_record_history)
{
    return crm::prune(fcinfo, crm::Naming::record, "crm_prune_record_history()");
}
