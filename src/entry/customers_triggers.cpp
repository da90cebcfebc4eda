#include "../boundary/errors.h"
#include "../boundary/guard.h"
#include "../boundary/spi.h"
#include "../records/customer_changes.h"
#include "../records/gathered_changes.h"
#include "triggers.h"

namespace crm {

namespace {

// The time of a version in the precision of a column, later than what is there.
Datum
bumped_time(const BumpedColumn &column, core::Timestamp version, std::optional<Datum> current)
{
    TimestampTz unit = 1;
    for (int digits = column.typmod; digits >= 0 && digits < 6; digits++)
        unit *= 10;
    // Without a zone it is UTC's: the same number.
    TimestampTz after = version.us - version.us % unit;
    if (current)
    {
        const TimestampTz before = DatumGetTimestampTz(*current);
        if (TIMESTAMP_NOT_FINITE(before))
            return *current;
        after = std::max(after, before + unit);
    }
    if (!IS_VALID_TIMESTAMP(after))
        ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("timestamp out of range"),
                        errdetail("A column of also_bump has no later value."), errhint("Set it to an earlier time.")));
    return TimestampTzGetDatum(after);
}

// NULL, which applications take for a number or a time that was never set, goes to the first.
Datum
bumped(const BumpedColumn &column, core::Timestamp version, std::optional<Datum> current)
{
    switch (column.type)
    {
        case INT2OID:
            return DirectFunctionCall2(int2pl, current.value_or(Int16GetDatum(0)), Int16GetDatum(1));
        case INT4OID:
            return DirectFunctionCall2(int4pl, current.value_or(Int32GetDatum(0)), Int32GetDatum(1));
        case INT8OID:
            return DirectFunctionCall2(int8pl, current.value_or(Int64GetDatum(0)), Int64GetDatum(1));
        default:
            return bumped_time(column, version, current);
    }
}

// The row with its version, and after an update with the columns bumped that it leaves alone.
HeapTuple
with_version(const CustomerRows &rows, HeapTuple before, HeapTuple row, core::Timestamp version)
{
    const std::size_t room = rows.table->also_bump.size() + 1;
    int *columns = static_cast<int *>(palloc(room * sizeof(int)));
    Datum *values = static_cast<Datum *>(palloc(room * sizeof(Datum)));
    bool *nulls = static_cast<bool *>(palloc0(room * sizeof(bool)));
    columns[0] = rows.table->customers.version;
    values[0] = TimestampTzGetDatum(version.us);
    int count = 1;
    if (before != nullptr)
        for (const BumpedColumn &column : rows.table->also_bump)
        {
            bool was_null;
            bool is_null;
            const Datum was = heap_getattr(before, column.column, rows.columns, &was_null);
            const Datum now = heap_getattr(row, column.column, rows.columns, &is_null);
            const FormData_pg_attribute *type = TupleDescAttr(rows.columns, column.column - 1);
            if (was_null != is_null || (!is_null && !datum_image_eq(was, now, type->attbyval, type->attlen)))
                continue;
            columns[count] = column.column;
            values[count++] = bumped(column, version, is_null ? std::nullopt : std::optional(now));
        }
    return heap_modify_tuple_by_cols(row, rows.columns, count, columns, values, nulls);
}

// Whether the row has no key, for which there is no Key: the NOT NULL constraint is checked after the triggers.
bool
is_key_null(const CustomerRows &rows, HeapTuple row)
{
    bool is_null;
    heap_getattr(row, rows.table->customers.key, rows.columns, &is_null);
    return is_null;
}

// The save whose step fired the running trigger for the customer of this row, or nullptr.
SaveInProgress *
save_of(const CustomerRows &rows, HeapTuple row)
{
    const Key key = key_of(rows, row);
    for (const Step step : {Step::update_customer, Step::lift_customer, Step::erase_customer, Step::delete_customer,
                            Step::restore_customer})
        if (SaveInProgress *save = save_that_fired(rows.table, key, step))
            return save;
    return nullptr;
}

bool
is_end_of_statement(FunctionCallInfo fcinfo)
{
    if (!CALLED_AS_TRIGGER(fcinfo))
        return false;
    const TriggerEvent event = reinterpret_cast<const TriggerData *>(fcinfo->context)->tg_event;
    return TRIGGER_FIRED_AFTER(event) && TRIGGER_FIRED_FOR_STATEMENT(event) &&
           (TRIGGER_FIRED_BY_INSERT(event) || TRIGGER_FIRED_BY_UPDATE(event));
}

// A deletion may be followed by others' triggers, which CASCADE fires, before the statement ends; what a save writes
// tells nobody of its end.
Written
when_recorded(const AttachedTable &table, TriggerEvent event)
{
    const bool is_told_of_end = table->customers.may_be_recorded_at_end && innermost_save == nullptr &&
                                SessionReplicationRole != SESSION_REPLICATION_ROLE_REPLICA;
    return is_told_of_end && !TRIGGER_FIRED_BY_DELETE(event) ? Written::with_others : Written::at_once;
}

}  // namespace

}  // namespace crm

CRM_FUNCTION(crm_customers_version)
{
    using namespace crm;

    constexpr const char *expected = "BEFORE INSERT OR UPDATE, for each row";
    TriggerData *data = require_row_trigger(fcinfo, Timing::before, "crm_customers_version", expected);
    const bool is_update = TRIGGER_FIRED_BY_UPDATE(data->tg_event);
    if (!is_update && !TRIGGER_FIRED_BY_INSERT(data->tg_event))
        errors::misused_trigger("crm_customers_version", expected);
    HeapTuple row = is_update ? data->tg_newtuple : data->tg_trigtuple;

    const std::optional<AttachedTable> table = attached_or_restoring(fcinfo, data, Part::customers);
    if (!table)
        return PointerGetDatum(row);
    const CustomerRows rows = {*table, RelationGetDescr(data->tg_relation)};
    if (is_key_null(rows, row))
        return PointerGetDatum(row);

    const core::Timestamp version = in_spi([&](MemoryContext) {
        return is_update ? version_of_update(rows, data->tg_trigtuple, row, save_of(rows, data->tg_trigtuple))
                         : version_of_insert(rows, row);
    });
    if (version_of(rows, row) == version && (!is_update || (*table)->also_bump.empty()))
        return PointerGetDatum(row);
    return PointerGetDatum(with_version(rows, is_update ? data->tg_trigtuple : nullptr, row, version));
}

CRM_FUNCTION(crm_customers_key)
{
    using namespace crm;

    constexpr const char *expected = "BEFORE UPDATE OF key, for each row";
    TriggerData *data = require_row_trigger(fcinfo, Timing::before, "crm_customers_key", expected);
    if (!TRIGGER_FIRED_BY_UPDATE(data->tg_event))
        errors::misused_trigger("crm_customers_key", expected);
    const std::optional<AttachedTable> table = attached_or_restoring(fcinfo, data, Part::customers);
    const CustomerRows rows = {*table, RelationGetDescr(data->tg_relation)};
    const Key before = key_of(rows, data->tg_trigtuple);
    if (is_key_null(rows, data->tg_newtuple))
        errors::key_changed((*table)->customers.oid, key_text(before), "NULL");
    const Key after = key_of(rows, data->tg_newtuple);
    if (!same_key(before, after))
        errors::key_changed((*table)->customers.oid, key_text(before), key_text(after));
    return PointerGetDatum(data->tg_newtuple);
}

CRM_FUNCTION(crm_customers_history)
{
    using namespace crm;

    if (is_end_of_statement(fcinfo))
    {
        write_gathered_changes();
        return static_cast<Datum>(0);
    }
    TriggerData *data = require_row_trigger(
        fcinfo, Timing::after, "crm_customers_history",
        "AFTER INSERT OR UPDATE OR DELETE, for each row, and AFTER INSERT OR UPDATE, for each statement");
    const std::optional<AttachedTable> table = attached_or_restoring(fcinfo, data, Part::customers);
    if (!table)
        return static_cast<Datum>(0);
    const CustomerRows rows = {*table, RelationGetDescr(data->tg_relation), when_recorded(*table, data->tg_event)};

    in_spi([&](MemoryContext) {
        if (TRIGGER_FIRED_BY_UPDATE(data->tg_event))
            record_update(rows, data->tg_trigtuple, data->tg_newtuple, save_of(rows, data->tg_newtuple));
        else if (TRIGGER_FIRED_BY_INSERT(data->tg_event))
            record_insert(rows, data->tg_trigtuple, save_of(rows, data->tg_trigtuple));
        else
            record_delete(rows, data->tg_trigtuple, save_of(rows, data->tg_trigtuple));
    });
    return static_cast<Datum>(0);
}
