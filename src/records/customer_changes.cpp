#include "customer_changes.h"

#include "../boundary/clock.h"
#include "../boundary/errors.h"
#include "../core/version.h"
#include "../tables/statements.h"
#include "../tables/status.h"
#include "deletions.h"
#include "fields.h"
#include "fresh_keys.h"
#include "history.h"

namespace crm {

namespace {

[[noreturn]] void
version_overruled(Oid table, const char *key)
{
    ereport(ERROR, (errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
                    errmsg("another trigger overruled the version of row %s of \"%s\"", key, errors::name_of(table)),
                    errdetail("Stored, it would not follow the version before; the write was undone."),
                    errhint("Drop the trigger that sets the version column, or rename it so that it fires first.")));
}

constexpr SqlStatement update_version{"UPDATE {customers} SET {version} = $2 WHERE {key} OPERATOR(pg_catalog.=) $1",
                                      As::owner, Part::customers};

Datum
value_of(const CustomerRows &rows, HeapTuple row, AttrNumber column, bool &is_null)
{
    return heap_getattr(row, column, rows.columns, &is_null);
}

std::optional<std::string_view>
status_of(const CustomerRows &rows, HeapTuple row)
{
    if (!rows.table->customers.has_status())
        return std::nullopt;
    bool is_null;
    const Datum status = value_of(rows, row, rows.table->customers.status, is_null);
    if (is_null)
        return std::nullopt;
    return status_text(rows.table, status);
}

// Whether a version that is given is not to be kept for being ahead of the clock. What a dump has, whose script turns off
// check_function_bodies, comes back as it was.
bool
is_ahead(core::Timestamp version)
{
    return check_function_bodies && core::is_ahead(version, clock_now());
}

// Gives a row that was inserted with a version that cannot follow the head of its chain the one that does. The triggers of
// this update record it as the insertion that it is.
void
lift_above_chain(const CustomerRows &rows, const Key &key, core::Timestamp head)
{
    const AttachedTable &table = rows.table;
    SaveInProgress lift = {};
    lift.table = table;
    lift.key = key;
    lift.lifted_above = head;
    lift.step = Step::lift_customer;

    Arguments arguments = arguments_of(key);
    arguments.add(require_next_version(rows.table, key, head));
    with_save_in_progress(lift, [&] {
        // An older snapshot would show the deleted row as well.
        execute_latest(table, update_version, arguments);
    });
    if (lift.step != Step::none)
        errors::write_suppressed(table->customers.oid, key_text(key));
}

// Fills in what a change has of the save that makes it.
void
fill_of_save(RecordedChange &change, const SaveInProgress &save)
{
    change.author = save.author;
    change.based_on = save.based_on;
    change.comment_id = save.comment_id;
    change.request = save.request;
    change.reverts = save.reverts;
}

}  // namespace

core::Timestamp
require_next_version(const AttachedTable &table, const Key &key, std::optional<core::Timestamp> current)
{
    const std::optional<core::Timestamp> next = core::next_version(current, clock_now());
    if (!next)
        ereport(
            ERROR,
            (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
             errmsg("no version is left for row %s of \"%s\"", key_text(key), errors::name_of(table->customers.oid)),
             errdetail("Its version has reached the end of year 9999."),
             errhint(
                 "Only a write past the triggers gives such a version. As the owner of the table, correct it in the "
                 "same way.")));
    return *next;
}

std::optional<core::Timestamp>
version_of(const CustomerRows &rows, HeapTuple row)
{
    bool is_null;
    const Datum version = value_of(rows, row, rows.table->customers.version, is_null);
    if (is_null)
        return std::nullopt;
    return core::Timestamp{DatumGetTimestampTz(version)};
}

Key
key_of(const CustomerRows &rows, HeapTuple row)
{
    bool is_null;
    const Datum key = value_of(rows, row, rows.table->customers.key, is_null);
    if (is_null)
        ereport(
            ERROR,
            (errcode(ERRCODE_NOT_NULL_VIOLATION),
             errmsg("null value in column \"%s\" of relation \"%s\"",
                    get_attname(rows.table->customers.oid, rows.table->customers.key, false),
                    errors::name_of(rows.table->customers.oid)),
             errdetail("A customer has a key."),
             errhint("Give the table its primary key back. As its owner, delete rows without a key while its triggers "
                     "are disabled.")));
    return stored_key(rows.table, key);
}

core::Timestamp
version_of_insert(const CustomerRows &rows, HeapTuple row)
{
    const Key key = key_of(rows, row);
    const std::optional<core::Timestamp> given = version_of(rows, row);
    if (given && !core::is_version_to_give(*given))
        ereport(ERROR,
                (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
                 errmsg("version of a row of \"%s\" is out of range", errors::name_of(rows.table->customers.oid)),
                 errdetail("A version that is given is finite and lies within years 1 to 9998."),
                 errhint("Leave the version column out: the trigger sets it.")));

    // What is no longer so when the row is inserted, record_insert() puts right.
    static FreshKeys fresh = {};
    std::optional<ChainHead> head;
    if (!is_fresh(fresh, rows.table, key, GetCurrentCommandId(false)))
        head = chain_head(rows.table, key);
    // The customer is there: the statement fails, or ON CONFLICT compares what was given.
    if (given && head && !head->is_delete)
        return *given;
    if (given && (!head || core::is_successor(*given, head->version)) && !is_ahead(*given))
        return *given;
    return require_next_version(rows.table, key, head ? std::optional{head->version} : std::nullopt);
}

core::Timestamp
version_of_save(const AttachedTable &table, const Key &key, std::optional<core::Timestamp> current,
                SaveInProgress &save)
{
    // Triggers of the comment may have touched the row since the base was checked, but not saved from the same base.
    if ((!current || !core::same_version(*current, save.checked)) && is_base_used(table, key, save.checked))
        ereport(ERROR, (errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
                        errmsg("another trigger saved row %s of \"%s\" from the version of this save", key_text(key),
                               errors::name_of(table->customers.oid)),
                        errdetail("One version has one successor; the save was undone."),
                        errhint("Let the trigger change the row by a plain UPDATE.")));
    save.version = require_next_version(table, key, current);
    return *save.version;
}

core::Timestamp
version_of_update(const CustomerRows &rows, HeapTuple before, HeapTuple after, SaveInProgress *save)
{
    const Key key = key_of(rows, before);
    const Key new_key = key_of(rows, after);
    if (!same_key(key, new_key))
        errors::key_changed(rows.table->customers.oid, key_text(key), key_text(new_key));

    const std::optional<core::Timestamp> current = version_of(rows, before);
    if (save != nullptr && save->step == Step::update_customer)
        return version_of_save(rows.table, key, current, *save);
    if (rows.table->refuses_plain_updates && status_of(rows, before) != status_of(rows, after))
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("cannot change the status of row %s of \"%s\" by a plain UPDATE", key_text(key),
                               errors::name_of(rows.table->customers.oid)),
                        errdetail("The table was attached with plain_updates => 'refuse'; nothing was changed."),
                        errhint("Save with crm_update_customer(), which checks the version that its author saw.")));
    const std::optional<core::Timestamp> given = version_of(rows, after);
    // Whatever triggers of others have made of what was asked.
    if (save != nullptr && save->step == Step::lift_customer)
        return require_next_version(rows.table, key, save->lifted_above);
    if (given && current && core::is_successor(*given, *current) && !is_ahead(*given))
        return *given;
    return require_next_version(rows.table, key, current);
}

void
record_insert(const CustomerRows &rows, HeapTuple row, SaveInProgress *save)
{
    const Key key = key_of(rows, row);
    const std::optional<core::Timestamp> version = version_of(rows, row);
    if (!version || !core::is_possible_version(*version))
        version_overruled(rows.table->customers.oid, key_text(key));

    RecordedChange change = {};
    change.version = *version;
    change.operation = Operation::insert;
    // All rows of a command were inserted before its first AFTER trigger looks: since then nobody else can use their keys.
    static FreshKeys fresh = {};
    // One that was touched since then may have another command's number.
    const bool is_untouched =
        (row->t_data->t_infomask & HEAP_XMAX_INVALID) && !(row->t_data->t_infomask & HEAP_COMBOCID);
    std::optional<ChainHead> head;
    if (!is_untouched || !is_fresh(fresh, rows.table, key, HeapTupleHeaderGetRawCommandId(row->t_data)))
        head = chain_head(rows.table, key);
    if (head)
    {
        if (head->version == *version && !head->is_delete)
            return;
        change.previous = head->version;
        // A trigger that fired before this one may have changed the row again.
        if (!is_untouched && is_followed(rows.table, key, *version))
            change.previous = version_before(rows.table, key, *version);
        // That of a restoration is the server's own, and the clock may have been set back since.
        else if (!core::is_successor(*version, head->version) || (save == nullptr && is_ahead(*version)))
        {
            lift_above_chain(rows, key, head->version);
            return;
        }
    }
    change.status_to = status_of(rows, row);
    if (save != nullptr)
    {
        // The deletion has recorded the fields.
        change.operation = Operation::restore;
        fill_of_save(change, *save);
        save->version = *version;
        save->step = Step::none;
    }
    else
        change.fields = changed_fields(rows.table, rows.columns, nullptr, row);
    insert_history(rows.table, key, change, rows.recorded);
}

void
record_update(const CustomerRows &rows, HeapTuple before, HeapTuple after, SaveInProgress *save)
{
    const Key key = key_of(rows, after);
    const std::optional<core::Timestamp> previous = version_of(rows, before);
    const std::optional<core::Timestamp> version = version_of(rows, after);
    const Step step = save == nullptr ? Step::none : save->step;
    if (!version || !core::is_possible_version(*version) ||
        (previous && step != Step::lift_customer && !core::is_successor(*version, *previous)))
        version_overruled(rows.table->customers.oid, key_text(key));

    RecordedChange change = {};
    change.version = *version;
    change.status_to = status_of(rows, after);
    if (step == Step::lift_customer)
    {
        change.operation = Operation::insert;
        change.previous = save->lifted_above;
        change.fields = changed_fields(rows.table, rows.columns, nullptr, after);
    }
    else
    {
        change.operation = Operation::update;
        change.previous = previous;
        change.status_from = status_of(rows, before);
        change.fields =
            step == Step::erase_customer ? erased_fields() : changed_fields(rows.table, rows.columns, before, after);
    }
    if (step == Step::update_customer)
    {
        fill_of_save(change, *save);
        save->version = *version;
    }
    if (save != nullptr)
        save->step = Step::none;
    insert_history(rows.table, key, change, rows.recorded);
}

void
record_saved_status(const AttachedTable &table, const Key &key, core::Timestamp previous,
                    std::optional<std::string_view> status_from, std::optional<std::string_view> status_to,
                    SaveInProgress &save)
{
    RecordedChange change = {};
    change.version = *save.version;
    change.previous = previous;
    change.operation = Operation::update;
    change.status_from = status_from;
    change.status_to = status_to;
    fill_of_save(change, save);
    save.step = Step::none;
    insert_history(table, key, change, Written::at_once);
}

void
record_delete(const CustomerRows &rows, HeapTuple row, SaveInProgress *save)
{
    const Key key = key_of(rows, row);
    RecordedChange change = {};
    change.previous = version_of(rows, row);
    change.version = require_next_version(rows.table, key, change.previous);
    change.operation = Operation::remove;
    change.status_from = status_of(rows, row);
    change.fields = changed_fields(rows.table, rows.columns, row, nullptr);
    if (save != nullptr)
    {
        fill_of_save(change, *save);
        // A comment that it adopts has been told which version does.
        if (save->version && (!change.previous || core::is_successor(*save->version, *change.previous)))
            change.version = *save->version;
        save->version = change.version;
        save->step = Step::none;
    }
    set_row_aside(rows.table, key, change.version, rows.columns, row);
    insert_history(rows.table, key, change, rows.recorded);
}

}  // namespace crm
