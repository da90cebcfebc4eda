#include "reading.h"

#include "../boundary/errors.h"
#include "../boundary/json.h"
#include "../boundary/role.h"
#include "../records/fields.h"
#include "../records/history.h"
#include "../saving/access_path.h"

namespace crm {

namespace {

[[noreturn]] void
not_in_history(std::string_view row, std::optional<core::Timestamp> oldest)
{
    const int utc = 0;
    char *time = static_cast<char *>(palloc(MAXDATELEN + 1));
    if (oldest)
        JsonEncodeDateTime(time, TimestampTzGetDatum(oldest->us), TIMESTAMPTZOID, &utc);
    ereport(
        ERROR,
        (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("what %s was at that time is not known", row.data()),
         errdetail("The history that is kept of it begins later, or misses what was written while triggers were off."),
         oldest ? errhint("Ask for %s or a later time.", time)
                : errhint("See what is wrong with the history: SELECT * FROM crm_verify(...).")));
}

// The columns of a row, by name.
struct Columns
{
    int count = 0;
    int capacity = 0;
    const char **names = nullptr;
    Datum *values = nullptr;  // jsonb

    void set(const char *name, Datum value)
    {
        for (int i = 0; i < count; i++)
            if (std::strcmp(names[i], name) == 0)
            {
                values[i] = value;
                return;
            }
        if (count == capacity)
        {
            capacity = std::max(2 * capacity, 32);
            const std::size_t size = static_cast<std::size_t>(capacity) * sizeof(Datum);
            names = static_cast<const char **>(names == nullptr ? palloc(size) : repalloc(names, size));
            values = static_cast<Datum *>(values == nullptr ? palloc(size) : repalloc(values, size));
        }
        names[count] = name;
        values[count++] = value;
    }
};

Datum
jsonb_of_text(std::optional<std::string_view> text)
{
    JsonbValue value;
    value.type = text ? jbvString : jbvNull;
    if (text)
    {
        value.val.string.val = const_cast<char *>(text->data());
        value.val.string.len = static_cast<int>(text->size());
    }
    return jsonb_datum(value);
}

Datum
jsonb_of_time(core::Timestamp time)
{
    JsonBuilder json;
    json.open_array();
    json.time(time);
    json.close_array();
    return jsonb_datum(*getIthJsonbValueFromContainer(&DatumGetJsonbP(json.finish())->root, 0));
}

// The row while its changes are undone.
struct Row
{
    const AttachedTable &table;
    const char *status;  // nullptr: the table has none
    const char *version;
    bool is_there;
    Columns columns;

    // A name that the table has no more may be that of a column that was renamed: it takes the right to all columns.
    bool may_read(const char *name) const
    {
        const AttrNumber column = get_attnum(table->customers.oid, name);
        if (column <= 0)
            return pg_class_aclcheck(table->customers.oid, GetUserId(), ACL_SELECT) == ACLCHECK_OK;
        return has_column_right(table->customers.oid, column, ACL_SELECT);
    }

    void set_recorded(Datum fields)
    {
        each_key(&DatumGetJsonbP(fields)->root, [&](const char *name) {
            // The name that stands for an erasure is none of a column.
            if (name[0] != '\0' && may_read(name))
                columns.set(name, value_shown_in(value_shown_in(fields, name), "from"));
        });
    }

    // The history does not say what was generated from the columns of a row, which was recorded in older ones.
    void remove_generated()
    {
        int left = 0;
        for (int i = 0; i < columns.count; i++)
            if (!is_generated(columns.names[i]))
            {
                columns.names[left] = columns.names[i];
                columns.values[left++] = columns.values[i];
            }
        columns.count = left;
    }

    bool is_generated(const char *name) const
    {
        const AttrNumber column = get_attnum(table->customers.oid, name);
        return column > 0 && get_attgenerated(table->customers.oid, column) != '\0';
    }

    // Before it is filled with what a deletion recorded, which leaves out nulls.
    void begin(const Key &key)
    {
        columns = Columns{};
        Relation relation = table_open(table->customers.oid, NoLock);
        const TupleDesc descriptor = RelationGetDescr(relation);
        for (int i = 0; i < descriptor->natts; i++)
        {
            const FormData_pg_attribute *column = TupleDescAttr(descriptor, i);
            if (!column->attisdropped && may_read(NameStr(column->attname)))
                columns.set(pstrdup(NameStr(column->attname)), jsonb_of_text(std::nullopt));
        }
        table_close(relation, NoLock);
        columns.set(get_attname(table->customers.oid, table->customers.key, false),
                    key.type == INT8OID ? jsonb_of(core::Value{key_text(key)}) : jsonb_of_text(key_text(key)));
    }

    Datum finish() const
    {
        JsonBuilder json;
        json.open_object();
        for (int i = 0; i < columns.count; i++)
        {
            json.key(columns.names[i]);
            json.jsonb(columns.values[i]);
        }
        json.close_object();
        return json.finish();
    }
};

// Raises 22023 where the changes that were read, newest first, do not lead back from the row as it is now without a gap:
// what was written while triggers were off is not known.
void
require_unbroken(const AttachedTable &table, const Key &key, std::uint64_t changes, std::optional<core::Timestamp> now)
{
    if (now ? result_time(0, 0) != *now : result_text(0, 2) != "delete")
        not_in_history(row_name(table, key), now);
    for (std::uint64_t i = 0; i + 1 < changes; i++)
        if (result_optional(result_time, i, 1) != result_time(i + 1, 0))
            not_in_history(row_name(table, key), result_optional(result_time, i, 1));
}

// A status in the form in which the row shows it: integers as numbers.
Datum
shown_status(const AttachedTable &table, std::optional<std::string_view> status)
{
    if (status && key_type_of(getBaseType(table->customers.status_type)) == INT8OID)
        return jsonb_of(core::Value{status});
    return jsonb_of_text(status);
}

}  // namespace

std::optional<Datum>
customer_then(const AttachedTable &table, const Key &key, core::Timestamp at, Snapshot snapshot)
{
    if (!may_read_all_history(table))
        deny_table(table->history.oid, ACL_SELECT);
    const std::optional<ReadableCustomer> now = access_path(table).read(table, key, snapshot);
    // What row security hides may be there.
    if (!now && is_under_row_security(table->customers.oid))
        return std::nullopt;

    Row row = {table,
               table->customers.has_status() ? get_attname(table->customers.oid, table->customers.status, false)
                                             : nullptr,
               get_attname(table->customers.oid, table->customers.version, false),
               now.has_value(),
               {}};
    if (now)
        each_key(&DatumGetJsonbP(now->row.object)->root,
                 [&](const char *name) { row.columns.set(name, value_shown_in(now->row.object, name)); });

    const std::uint64_t changes = read_changes_after(table, key, at, snapshot);
    if (changes == 0)
    {
        if (now && now->version > at)
            not_in_history(row_name(table, key), now->version);
        return now ? std::optional<Datum>{row.finish()} : std::nullopt;
    }
    require_unbroken(table, key, changes, now ? std::optional{now->version} : std::nullopt);
    for (std::uint64_t i = 0; i < changes; i++)
    {
        const std::string_view operation = result_text(i, 2);
        row.is_there = operation != "insert" && operation != "restore";
        if (operation == "delete")
            row.begin(key);
        if (!result_is_null(i, 4))
            row.set_recorded(result_datum(i, 4, JSONBOID));
        if (row.status != nullptr && row.may_read(row.status))
            row.columns.set(row.status, shown_status(table, result_optional(result_text, i, 3)));
    }
    const std::optional<core::Timestamp> version = result_optional(result_time, changes - 1, 1);
    if (version && *version > at)
        not_in_history(row_name(table, key), *version);
    if (!row.is_there)
        return std::nullopt;
    if (version)
        row.columns.set(row.version, jsonb_of_time(*version));
    row.remove_generated();
    return row.finish();
}

}  // namespace crm
