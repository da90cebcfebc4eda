#include "../boundary/clock.h"
#include "../boundary/errors.h"
#include "../boundary/guard.h"
#include "../boundary/owner.h"
#include "../core/version.h"
#include "../storage/changed_fields.h"
#include "../storage/history.h"
#include "../storage/save_in_progress.h"
#include "../storage/status.h"
#include "triggers.h"

namespace crm {

namespace {

// A fired trigger of a customers table.
struct Fired
{
    AttachedTable &table;
    TriggerData *data;
    TupleDesc columns;
};

Datum
value_of(const Fired &fired, HeapTuple row, AttrNumber column, bool &is_null)
{
    return heap_getattr(row, column, fired.columns, &is_null);
}

Key
key_of(const Fired &fired, HeapTuple row)
{
    bool is_null;
    return stored_key(fired.table, value_of(fired, row, fired.table.key, is_null));
}

std::optional<core::Timestamp>
version_of(const Fired &fired, HeapTuple row)
{
    bool is_null;
    const Datum version = value_of(fired, row, fired.table.version, is_null);
    if (is_null)
        return std::nullopt;
    return core::Timestamp{DatumGetTimestampTz(version)};
}

std::optional<std::string_view>
status_of(const Fired &fired, HeapTuple row)
{
    bool is_null;
    const Datum status = value_of(fired, row, fired.table.status, is_null);
    if (is_null)
        return std::nullopt;
    return status_text(fired.table, status);
}

HeapTuple
with_version(const Fired &fired, HeapTuple row, core::Timestamp version)
{
    int column = fired.table.version;
    Datum value = TimestampTzGetDatum(version.us);
    bool is_null = false;
    return heap_modify_tuple_by_cols(row, fired.columns, 1, &column, &value, &is_null);
}

core::Timestamp
require_next(const Fired &fired, const Key &key, std::optional<core::Timestamp> current)
{
    const std::optional<core::Timestamp> next = core::next_version(current, clock_now());
    if (!next)
        errors::versions_exhausted(fired.table.customers, key_text(key));
    return *next;
}

// The version of a row that is inserted: its own where it comes above the chain or restores its head.
core::Timestamp
version_of_insert(const Fired &fired, HeapTuple row)
{
    const Key key = key_of(fired, row);
    const std::optional<core::Timestamp> given = version_of(fired, row);
    if (given && !core::is_version_to_give(*given))
        errors::impossible_version(fired.table.customers);

    const std::optional<ChainHead> head = chain_head(fired.table, key);
    if (!head)
        return given ? *given : require_next(fired, key, std::nullopt);
    if (given && (core::is_successor(*given, head->version) || (*given == head->version && !head->is_delete)))
        return *given;
    return require_next(fired, key, head->version);
}

// The version of a row that is updated: the next one, or a later one that an application chose itself.
core::Timestamp
version_of_update(const Fired &fired, HeapTuple before, HeapTuple after)
{
    const Key key = key_of(fired, before);
    const Key new_key = key_of(fired, after);
    if (!same_key(key, new_key))
        errors::key_changed(fired.table.customers, key_text(key), key_text(new_key));

    const std::optional<core::Timestamp> current = version_of(fired, before);
    if (SaveInProgress *save = save_that_fired(fired.table, key, Step::update_customer))
    {
        // Triggers of the comment may have touched the row since the base was checked, but not saved from the same base.
        if ((!current || !core::same_version(*current, save->checked)) &&
            is_base_used(fired.table, key, save->checked))
            errors::base_used_meanwhile(fired.table.customers, key_text(key));
        save->version = require_next(fired, key, current);
        return *save->version;
    }
    if (fired.table.refuses_plain_updates && status_of(fired, before) != status_of(fired, after))
        errors::plain_update_refused(fired.table.customers, key_text(key));
    const std::optional<core::Timestamp> given = version_of(fired, after);
    if (given && current && core::is_successor(*given, *current) && core::is_version_to_give(*given))
        return *given;
    return require_next(fired, key, current);
}

// Gives a row that was inserted while another transaction deleted its predecessor a version above that deletion. The
// triggers of this update record it as the insertion that it is.
void
lift_above_chain(const Fired &fired, const Key &key, core::Timestamp version, core::Timestamp head)
{
    AttachedTable &table = fired.table;
    SaveInProgress lift = {};
    lift.table = &table;
    lift.key = key;
    lift.lifted_above = head;
    lift.step = Step::lift_customer;

    Arguments arguments = arguments_of(key);
    arguments.add(require_next(fired, key, std::max(version, head)));
    with_save_in_progress(lift, [&] {
        // An older snapshot would show the deleted row as well.
        execute_latest_as(
            table.customers_owner, table.customers_path, table.plan(Statement::lift),
            [&] {
                return psprintf("UPDATE %s SET %s = $2 WHERE %s OPERATOR(pg_catalog.=) $1", table.customers_sql,
                                table.version_sql, table.key_sql);
            },
            arguments);
    });
    if (lift.step != Step::none)
        errors::write_suppressed(table.customers, key_text(key));
}

void
record_insert(const Fired &fired, HeapTuple row)
{
    const Key key = key_of(fired, row);
    const std::optional<core::Timestamp> version = version_of(fired, row);
    if (!version || !core::is_possible_version(*version))
        errors::version_overruled(fired.table.customers, key_text(key));

    HistoryRow change = {};
    change.version = *version;
    change.operation = Operation::insert;
    if (const std::optional<ChainHead> head = chain_head(fired.table, key))
    {
        if (head->version == *version && !head->is_delete)
            return;
        change.previous = head->version;
        if (!core::is_successor(*version, head->version))
        {
            // Either a trigger that fired before this one has changed the row again, or the chain grew meanwhile.
            if (!is_followed(fired.table, key, *version))
            {
                lift_above_chain(fired, key, *version, head->version);
                return;
            }
            change.previous = version_before(fired.table, key, *version);
        }
    }
    change.status_to = status_of(fired, row);
    change.fields = changed_fields(fired.table, fired.columns, nullptr, row);
    insert_history(fired.table, key, change);
}

void
record_update(const Fired &fired, HeapTuple before, HeapTuple after)
{
    const Key key = key_of(fired, after);
    const std::optional<core::Timestamp> previous = version_of(fired, before);
    const std::optional<core::Timestamp> version = version_of(fired, after);
    if (!version || !core::is_possible_version(*version) || (previous && !core::is_successor(*version, *previous)))
        errors::version_overruled(fired.table.customers, key_text(key));

    HistoryRow change = {};
    change.version = *version;
    change.status_to = status_of(fired, after);
    if (SaveInProgress *lift = save_that_fired(fired.table, key, Step::lift_customer))
    {
        change.operation = Operation::insert;
        change.previous = lift->lifted_above;
        change.fields = changed_fields(fired.table, fired.columns, nullptr, after);
        lift->step = Step::none;
    }
    else
    {
        change.operation = Operation::update;
        change.previous = previous;
        change.status_from = status_of(fired, before);
        if (SaveInProgress *erasure = save_that_fired(fired.table, key, Step::erase_customer))
        {
            change.fields = erased_fields();
            erasure->step = Step::none;
        }
        else
            change.fields = changed_fields(fired.table, fired.columns, before, after);
    }
    if (SaveInProgress *save = save_that_fired(fired.table, key, Step::update_customer))
    {
        change.author = save->author;
        change.based_on = save->based_on;
        change.comment_id = save->comment_id;
        change.request = save->request;
        save->version = *version;
        save->step = Step::none;
    }
    insert_history(fired.table, key, change);
}

void
record_delete(const Fired &fired, HeapTuple row)
{
    const Key key = key_of(fired, row);
    HistoryRow change = {};
    change.previous = version_of(fired, row);
    change.version = require_next(fired, key, change.previous);
    change.operation = Operation::remove;
    change.status_from = status_of(fired, row);
    change.fields = changed_fields(fired.table, fired.columns, row, nullptr);
    insert_history(fired.table, key, change);
}

}  // namespace

}  // namespace crm

CRM_FUNCTION(crm_customers_version)
{
    using namespace crm;

    constexpr const char *expected = "BEFORE INSERT OR UPDATE, for each row";
    TriggerData *data = require_row_trigger(fcinfo, true, "crm_customers_version", expected);
    const bool is_update = TRIGGER_FIRED_BY_UPDATE(data->tg_event);
    if (!is_update && !TRIGGER_FIRED_BY_INSERT(data->tg_event))
        errors::misused_trigger("crm_customers_version", expected);
    HeapTuple row = is_update ? data->tg_newtuple : data->tg_trigtuple;

    AttachedTable *table = attached_or_restoring(fcinfo, data, &AttachedTable::customers);
    if (table == nullptr)
        return PointerGetDatum(row);
    const Fired fired = {*table, data, RelationGetDescr(data->tg_relation)};
    bool key_is_null;
    value_of(fired, row, table->key, key_is_null);
    if (key_is_null)
        return PointerGetDatum(row);

    const MemoryContext caller = CurrentMemoryContext;
    SPI_connect();
    const core::Timestamp version =
        is_update ? version_of_update(fired, data->tg_trigtuple, row) : version_of_insert(fired, row);
    SPI_finish();
    MemoryContextSwitchTo(caller);

    if (version_of(fired, row) == version)
        return PointerGetDatum(row);
    return PointerGetDatum(with_version(fired, row, version));
}

CRM_FUNCTION(crm_customers_key)
{
    using namespace crm;

    constexpr const char *expected = "BEFORE UPDATE OF key, status, version, for each row";
    TriggerData *data = require_row_trigger(fcinfo, true, "crm_customers_key", expected);
    if (!TRIGGER_FIRED_BY_UPDATE(data->tg_event))
        errors::misused_trigger("crm_customers_key", expected);
    AttachedTable *table = attached_or_restoring(fcinfo, data, &AttachedTable::customers);
    const Fired fired = {*table, data, RelationGetDescr(data->tg_relation)};
    const Key before = key_of(fired, data->tg_trigtuple);
    const Key after = key_of(fired, data->tg_newtuple);
    if (!same_key(before, after))
        errors::key_changed(table->customers, key_text(before), key_text(after));
    return PointerGetDatum(data->tg_newtuple);
}

CRM_FUNCTION(crm_customers_history)
{
    using namespace crm;

    TriggerData *data = require_row_trigger(fcinfo, false, "crm_customers_history",
                                            "AFTER INSERT OR UPDATE OR DELETE, for each row");
    AttachedTable *table = attached_or_restoring(fcinfo, data, &AttachedTable::customers);
    if (table == nullptr)
        return PointerGetDatum(nullptr);
    const Fired fired = {*table, data, RelationGetDescr(data->tg_relation)};

    SPI_connect();
    if (TRIGGER_FIRED_BY_UPDATE(data->tg_event))
        record_update(fired, data->tg_trigtuple, data->tg_newtuple);
    else if (TRIGGER_FIRED_BY_INSERT(data->tg_event))
        record_insert(fired, data->tg_trigtuple);
    else
        record_delete(fired, data->tg_trigtuple);
    SPI_finish();
    return PointerGetDatum(nullptr);
}
