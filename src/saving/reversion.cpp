#include "saving.h"

#include "../boundary/errors.h"
#include "../boundary/json.h"
#include "../boundary/role.h"
#include "../boundary/snapshot.h"
#include "../boundary/statistics.h"
#include "../core/version.h"
#include "../records/fields.h"
#include "../records/history.h"
#include "../tables/statements.h"
#include "attempt.h"

namespace crm {

namespace {

// Newest first, down to the change itself.
constexpr SqlStatement select_since{
    "SELECT version, operation, status_from, status_to, fields, author, db_user::pg_catalog.text FROM {history} "
    "WHERE customer_id OPERATOR(pg_catalog.=) $1 AND version OPERATOR(pg_catalog.>=) $2 ORDER BY version DESC",
    As::reader, Part::history};

[[noreturn]] void
cannot_undo(const AttachedTable &table, const Key &key, const char *reason, const char *hint)
{
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("that change of %s cannot be undone", row_name(table, key).data()), errdetail("%s", reason),
                    errhint("%s", hint)));
}

// The changes from one on, newest first, in the latest result of SPI.
struct Changes
{
    const AttachedTable &table;
    const Key &key;
    std::uint64_t count;

    std::uint64_t first() const { return count - 1; }
    static std::string_view operation(std::uint64_t row) { return result_text(row, 1); }
    static std::optional<std::string_view> status_from(std::uint64_t row)
    {
        return result_optional(result_text, row, 2);
    }
    static std::optional<std::string_view> status_to(std::uint64_t row) { return result_optional(result_text, row, 3); }
    bool changes_status(std::uint64_t row) const
    {
        return table->customers.has_status() && status_from(row) != status_to(row);
    }
    static std::optional<Datum> fields(std::uint64_t row)
    {
        return result_is_null(row, 4) ? std::nullopt : std::optional{result_datum(row, 4, JSONBOID)};
    }

    // What a change recorded of a field; empty where it did not change it.
    static std::optional<JsonbValue> entry(std::uint64_t row, const char *name)
    {
        const std::optional<Datum> recorded = fields(row);
        JsonbValue value;
        if (!recorded || getKeyJsonValueFromContainer(&DatumGetJsonbP(*recorded)->root, name,
                                                      static_cast<int>(std::strlen(name)), &value) == nullptr)
            return std::nullopt;
        return value;
    }
};

// Reads the changes from a version on, and raises what stands in the way of undoing them.
Changes
read_changes(const AttachedTable &table, const Key &key, const Reversion &wanted, Snapshot snapshot = InvalidSnapshot)
{
    Arguments arguments = arguments_of(key);
    arguments.add(core::earliest_of_version(wanted.version));
    const Changes changes = {table, key, execute(table, select_since, arguments, snapshot)};
    if (changes.count == 0 || !core::same_version(result_time(changes.first(), 0), wanted.version))
        cannot_undo(table, key, "The history has no change that made this version, or has it no longer.",
                    "Pass the version of a change of crm_timeline().");
    const std::uint64_t undone = wanted.whole ? changes.first() : changes.count;
    for (std::uint64_t row = 0; row < changes.count; row++)
    {
        if (row < undone && changes.entry(row, ""))
            cannot_undo(table, key, "It was erased since: what it was is not known.", "Enter it again.");
        if (changes.operation(row) != "update" && (row < undone || changes.operation(row) == "delete"))
            cannot_undo(table, key, "It was created, deleted or restored by it or since.",
                        "Use crm_delete_customer() or crm_restore_customer().");
    }
    return changes;
}

// What is to be what it was, by column.
struct Wanted
{
    std::optional<std::string_view> status;
    const char **names = nullptr;
    std::uint64_t *rows = nullptr;  // the change that recorded what it was
    int count = 0;

    void add(const char *name, std::uint64_t row)
    {
        for (int i = 0; i < count; i++)
            if (std::strcmp(names[i], name) == 0)
            {
                rows[i] = row;
                return;
            }
        const std::size_t room = static_cast<std::size_t>(count) + 1;
        names = static_cast<const char **>(names == nullptr ? palloc(sizeof(char *))
                                                            : repalloc(names, room * sizeof(char *)));
        rows = static_cast<std::uint64_t *>(rows == nullptr ? palloc(sizeof(std::uint64_t))
                                                            : repalloc(rows, room * sizeof(std::uint64_t)));
        names[count] = name;
        rows[count++] = row;
    }
};

bool
is_named(const Reversion &wanted, const char *name)
{
    return wanted.columns.empty() ||
           std::ranges::any_of(wanted.columns, [name](const char *column) { return std::strcmp(column, name) == 0; });
}

const char *
status_name(const AttachedTable &table)
{
    return table->customers.has_status() ? get_attname(table->customers.oid, table->customers.status, false) : nullptr;
}

// What the changes have made of what is to be undone: of the one change, or of all after it.
Wanted
what_was(const Changes &changes, const Reversion &reversion)
{
    Wanted wanted;
    bool has_status = false;
    const std::uint64_t begin = reversion.whole ? 0 : changes.first();
    const std::uint64_t end = reversion.whole ? changes.first() : changes.count;
    const char *status = status_name(changes.table);
    for (std::uint64_t row = begin; row < end; row++)
    {
        if (const std::optional<Datum> fields = changes.fields(row))
            each_key(&DatumGetJsonbP(*fields)->root, [&](const char *name) {
                if (is_named(reversion, name) &&
                    !is_bumped(changes.table->also_bump, get_attnum(changes.table->customers.oid, name)))
                    wanted.add(name, row);
            });
        if (!changes.changes_status(row) || !is_named(reversion, status))
            continue;
        has_status = true;
        wanted.status = changes.status_from(row);
    }
    if (has_status && !wanted.status)
        cannot_undo(changes.table, changes.key, "The status was null before, which a save cannot make it.",
                    "Name the other columns in fields, or UPDATE the status.");
    for (const char *column : reversion.columns)
        if (!(has_status && std::strcmp(column, status) == 0) &&
            std::none_of(wanted.names, wanted.names + wanted.count,
                         [column](const char *name) { return std::strcmp(name, column) == 0; }))
            cannot_undo(changes.table, changes.key, psprintf("It did not change column \"%s\".", column),
                        "Name columns that it changed, as crm_timeline() shows them.");
    return wanted;
}

// One side of what a change recorded of a field; raises where it has the size alone.
Datum
side_of(const Changes &changes, std::uint64_t row, const char *name, const char *side)
{
    const Datum entry = jsonb_datum(*changes.entry(row, name));
    if (value_in(entry, "omitted"))
        cannot_undo(changes.table, changes.key, psprintf("Column \"%s\" was too large to be kept.", name),
                    "Name the other columns in fields.");
    return value_shown_in(entry, side);
}

// A value of the history as a save passes it, and as values are compared: of json the history has the text.
core::Value
meaning_of(const AttachedTable &table, const char *name, Datum shown)
{
    const AttrNumber column = get_attnum(table->customers.oid, name);
    const bool is_json = column > 0 && getBaseType(get_atttype(table->customers.oid, column)) == JSONOID;
    return is_json ? meaning_of_json(value_of(shown)) : value_of(shown);
}

// The fields of the save, as an object.
Datum
fields_of(const Changes &changes, const Wanted &wanted)
{
    JsonBuilder json;
    json.open_object();
    for (int i = 0; i < wanted.count; i++)
    {
        json.key(wanted.names[i]);
        json.jsonb(jsonb_of(
            meaning_of(changes.table, wanted.names[i], side_of(changes, wanted.rows[i], wanted.names[i], "from"))));
    }
    json.close_object();
    return json.finish();
}

void
add_superseded(JsonBuilder &json, const char *name, std::uint64_t by)
{
    json.open_object();
    json.key("field");
    json.text(name);
    json.key("version");
    json.time(result_time(by, 0));
    json.key("author");
    json.optional_text(result_optional(result_text, by, 5));
    json.key("db_user");
    json.text(result_text(by, 6));
    json.close_object();
}

std::optional<Datum>
superseded_of(const Changes &changes, const Wanted &wanted, const ReadableCustomer &customer)
{
    JsonBuilder json;
    bool is_any = false;
    json.open_array();
    const auto look = [&](const char *name, core::Merge merged, auto is_changed_by) {
        if (merged != core::Merge::collide)
            return;
        is_any = true;
        std::uint64_t by = 0;
        while (by < changes.first() && !is_changed_by(by))
            by++;
        add_superseded(json, name, by);
    };
    if (wanted.status)
        look(status_name(changes.table),
             core::merge(core::Value{changes.status_to(changes.first())}, core::Value{wanted.status},
                         core::Value{customer.status}),
             [&](std::uint64_t row) { return changes.changes_status(row); });
    for (int i = 0; i < wanted.count; i++)
    {
        const char *name = wanted.names[i];
        const auto side = [&](const char *which) {
            return meaning_of(changes.table, name, side_of(changes, wanted.rows[i], name, which));
        };
        look(name,
             core::merge(side("to"), side("from"),
                         meaning_of(changes.table, name, value_shown_in(customer.row.object, name))),
             [&](std::uint64_t row) { return changes.entry(row, name).has_value(); });
    }
    json.close_array();
    return is_any ? std::optional{json.finish()} : std::nullopt;
}

// The same for requests that ask the same, whatever has become of the customer since.
std::string_view
text_of(const Reversion &wanted)
{
    StringInfoData text;
    initStringInfo(&text);
    appendStringInfo(&text, "revert %s%lld", wanted.whole ? "to " : "",
                     static_cast<long long>(core::earliest_of_version(wanted.version).us));
    for (const char *column : wanted.columns)
        appendStringInfo(&text, "\n%s", column);
    return {text.data, static_cast<std::size_t>(text.len)};
}

SaveResult
counted(const SaveResult &result)
{
    statistics::count(result.outcome);
    return result;
}

}  // namespace

std::optional<Datum>
superseded(const Attempt &save, const ReadableCustomer &customer, Snapshot snapshot)
{
    if (save.reversion == nullptr || save.reversion->whole)
        return std::nullopt;
    const Changes changes = read_changes(save.table, save.key, *save.reversion, snapshot);
    return superseded_of(changes, what_was(changes, *save.reversion), customer);
}

SaveResult
revert_customer(const AttachedTable &table, const Key &key, core::Request request, const Reversion &wanted)
{
    if (table->history.reverts == InvalidAttrNumber)
        errors::missing_later_column(table->history.oid, "reverts");
    if (!may_read_all_history(table))
        deny_table(table->history.oid, ACL_SELECT);
    request.fields = text_of(wanted);
    Attempt reversion = {table, key, request, {}};
    if (!reversion.path().fetch(table, key))
        return counted(missing(reversion));
    // What was done is found before what it undid, of which less may be known by now.
    if (const std::optional<AppliedRequest> applied = changes_since(reversion, new_snapshot()).applied)
        return counted(replayed(reversion, *applied, reversion.path().fetch(table, key)));
    const Changes changes = read_changes(table, key, wanted);
    const Wanted was = what_was(changes, wanted);
    const Datum fields = fields_of(changes, was);
    request.status = was.status;
    return save_customer(table, key, request, fields, &wanted);
}

}  // namespace crm
