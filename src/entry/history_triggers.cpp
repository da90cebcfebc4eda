#include "../boundary/errors.h"
#include "../boundary/guard.h"
#include "../boundary/role.h"
#include "../boundary/settings.h"
#include "../records/history.h"
#include "../tables/attached_tables.h"
#include "triggers.h"

// The trigger of the history table, and that of every guarded table against TRUNCATE, which would leave a gap in it.

// pg_dump loads customers before their history. What the customers' insertion wrote there gives way to the row that the
// dump has for the same version.
CRM_FUNCTION(crm_history_restore)
{
    using namespace crm;

    TriggerData *data =
        require_row_trigger(fcinfo, Timing::before, "crm_history_restore", "BEFORE INSERT, for each row");
    if (!TRIGGER_FIRED_BY_INSERT(data->tg_event))
        errors::misused_trigger("crm_history_restore", "BEFORE INSERT, for each row");
    HeapTuple row = data->tg_trigtuple;
    const std::optional<AttachedTable> table = attached_or_restoring(fcinfo, data, Part::history);
    if (!table)
        return PointerGetDatum(row);

    const TableDescription &known = **table;
    const TupleDesc columns = RelationGetDescr(data->tg_relation);
    bool is_null[3];
    const Datum customer = heap_getattr(row, known.history.customer_id, columns, &is_null[0]);
    const Datum version = heap_getattr(row, known.history.version, columns, &is_null[1]);
    const Datum recorded_at = heap_getattr(row, known.history.recorded_at, columns, &is_null[2]);
    if (is_null[0] || is_null[1] || is_null[2])
        return PointerGetDatum(row);

    in_spi([&](MemoryContext) {
        forget_inserted(*table, stored_reference(*table, customer), {DatumGetTimestampTz(version)},
                        {DatumGetTimestampTz(recorded_at)});
    });
    return PointerGetDatum(row);
}

CRM_FUNCTION(crm_refuse_truncate)
{
    using namespace crm;

    constexpr const char *expected = "BEFORE TRUNCATE, for each statement";
    if (!CALLED_AS_TRIGGER(fcinfo))
        errors::misused_trigger("crm_refuse_truncate", expected);
    const TriggerData *data = reinterpret_cast<TriggerData *>(fcinfo->context);
    if (!TRIGGER_FIRED_BY_TRUNCATE(data->tg_event) || !TRIGGER_FIRED_BEFORE(data->tg_event))
        errors::misused_trigger("crm_refuse_truncate", expected);

    const Oid table = RelationGetRelid(data->tg_relation);
    if (!settings::allow_truncate() || !caller_owns(table))
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("cannot truncate table \"%s\"", errors::name_of(table)),
                        errdetail("It is guarded by crm_concurrency; TRUNCATE would go unrecorded."),
                        errhint("As its owner, SET LOCAL crm_concurrency.allow_truncate = on.")));
    ereport(NOTICE, (errmsg("TRUNCATE sets nothing aside of table \"%s\"", errors::name_of(table)),
                     errdetail("Its rows cannot be restored.")));
    return static_cast<Datum>(0);
}
