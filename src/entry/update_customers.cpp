#include "../boundary/guard.h"
#include "../boundary/json.h"
#include "../boundary/row_set.h"
#include "../boundary/transaction.h"
#include "../boundary/value_json.h"
#include "saves.h"

namespace crm {

namespace {

[[noreturn]] void
wrong_save_value(const char *key, const char *expected)
{
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s must be %s", key, expected),
                    errdetail("No save of the call was made."), errhint("Mend the value of \"%s\".", key)));
}

// One of many saves.
struct OneOfMany
{
    int ord;  // from 1, as given
    AttachedTable table;
    Key key;
    core::Request request;
    std::optional<Datum> fields;
    HeapTuple row;
};

// Runs work() on the nth save; an error names it.
template <typename Work>
void
on_item(int ord, Work work)
{
    with_error_prefix([ord] { return psprintf("save %d", ord); }, work);
}

constexpr std::string_view item_keys[] = {"table",   "id",     "key",   "expected_ts", "status",
                                          "comment", "author", "merge", "reply_to",    "fields"};

void
require_known_keys(JsonbContainer *object)
{
    each_key(object, [](const char *name) {
        if (std::ranges::find(item_keys, std::string_view{name}) == std::end(item_keys))
            ereport(
                ERROR,
                (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a save has no argument \"%s\"", name),
                 errdetail("No save of the call was made."),
                 errhint(
                     "Its arguments are those of crm_update_customer(), with id or key; other columns go into fields.")));
    });
}

// The value of a key; empty when it is missing or null.
std::optional<JsonbValue>
find(JsonbContainer *object, const char *key)
{
    JsonbValue value;
    if (getKeyJsonValueFromContainer(object, key, static_cast<int>(std::strlen(key)), &value) == nullptr ||
        value.type == jbvNull)
        return std::nullopt;
    return value;
}

// A string, or a number as its text.
std::optional<std::string_view>
find_text(JsonbContainer *object, const char *key)
{
    const std::optional<JsonbValue> value = find(object, key);
    if (!value)
        return std::nullopt;
    if (value->type == jbvNumeric)
        return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
    if (value->type != jbvString)
        wrong_save_value(key, "a string");
    const std::size_t length = static_cast<std::size_t>(value->val.string.len);
    return std::string_view{pnstrdup(value->val.string.val, length), length};
}

std::optional<std::int64_t>
find_bigint(JsonbContainer *object, const char *key)
{
    const std::optional<std::string_view> text = find_text(object, key);
    if (!text)
        return std::nullopt;
    return DatumGetInt64(DirectFunctionCall1(int8in, CStringGetDatum(text->data())));
}

std::optional<bool>
find_boolean(JsonbContainer *object, const char *key)
{
    const std::optional<JsonbValue> value = find(object, key);
    if (!value)
        return std::nullopt;
    if (value->type != jbvBool)
        wrong_save_value(key, "true, false or null");
    return value->val.boolean;
}

// A time without a zone is UTC, whatever the session's zone is.
std::optional<core::Timestamp>
find_time(JsonbContainer *object, const char *key)
{
    const std::optional<std::string_view> text = find_text(object, key);
    if (!text)
        return std::nullopt;
    const int settings = fix_formats();
    const Datum time = DirectFunctionCall3(timestamptz_in, CStringGetDatum(text->data()), ObjectIdGetDatum(InvalidOid),
                                           Int32GetDatum(-1));
    AtEOXact_GUC(true, settings);
    return core::Timestamp{DatumGetTimestampTz(time)};
}

Key
find_key(JsonbContainer *object, const AttachedTable &table)
{
    const std::optional<std::int64_t> id = find_bigint(object, "id");
    const std::optional<std::string_view> key = find_text(object, "key");
    if (id && key)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a save must not have both id and key"),
                        errdetail("No save of the call was made."), errhint("Leave one of them out.")));
    if (!id && !key)
        errors::null_argument("id");
    return id ? key_of_bigint(table, *id) : key_of_text(table, *key);
}

// The tables of the saves of a call: the one that the search_path finds, if one of them needs it, or those that they name.
struct Tables
{
    Oid extension_schema;
    std::optional<AttachedTable> customers;

    AttachedTable find(JsonbContainer *object)
    {
        if (const std::optional<std::string_view> name = find_text(object, "table"))
            return checked(
                attached_by_name(DatumGetObjectId(DirectFunctionCall1(regclassin, CStringGetDatum(name->data()))),
                                 extension_schema, Purpose::save));
        if (!customers)
            customers = checked(attached_by_search_path(extension_schema, Purpose::save));
        return *customers;
    }

    static AttachedTable checked(const AttachedTable &table)
    {
        require_triggers(table);
        return table;
    }
};

void
read_item(OneOfMany &item, const JsonbValue &value, Tables &tables)
{
    if (value.type != jbvBinary || !JsonContainerIsObject(value.val.binary.data))
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a save must be a JSON object"),
                        errdetail("No save of the call was made."),
                        errhint("Its keys are those of the arguments of crm_update_customer().")));
    JsonbContainer *object = value.val.binary.data;
    require_known_keys(object);

    SaveArguments arguments = {};
    item.table = tables.find(object);
    item.key = find_key(object, item.table);
    arguments.base = find_time(object, "expected_ts");
    arguments.status = find_text(object, "status");
    arguments.comment = find_text(object, "comment");
    arguments.author = find_text(object, "author");
    arguments.merge = find_boolean(object, "merge");
    arguments.reply_to = find_bigint(object, "reply_to");
    item.request = checked_request(arguments);
    if (std::optional<JsonbValue> fields = find(object, "fields"))
        item.fields = jsonb_datum(*fields);
}

void
save(OneOfMany &item, TupleDesc columns)
{
    item.row = in_spi([&](MemoryContext caller) {
        const SaveResult result = save_customer(item.table, item.key, item.request, item.fields);
        return made_in(caller, [&] {
            RowValues row;
            row.add(std::optional<Datum>{Int32GetDatum(item.ord)});
            row.add(result);
            return heap_form_tuple(columns, row.values, row.nulls);
        });
    });
}

// By table and key, so that calls which save the same rows do not deadlock; those of one row in the order given.
int
compare_items(const void *a, const void *b)
{
    const OneOfMany &x = **static_cast<OneOfMany *const *>(a);
    const OneOfMany &y = **static_cast<OneOfMany *const *>(b);
    if (!x.table.is_same(y.table))
        return x.table->customers.oid < y.table->customers.oid ? -1 : 1;
    const int order = compare_keys(x.key, y.key);
    return order != 0 ? order : x.ord - y.ord;
}

}  // namespace

}  // namespace crm

CRM_FUNCTION(crm_update_customers)
{
    using namespace crm;

    require_writable("crm_update_customers()");
    require_argument(fcinfo, 0, "saves");
    Jsonb *saves = PG_GETARG_JSONB_P(0);
    if (!JB_ROOT_IS_ARRAY(saves) || JB_ROOT_IS_SCALAR(saves))
        ereport(
            ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("saves must be a JSON array"),
             errdetail("Nothing was saved."),
             errhint("Pass one object for each save, as in [{\"id\": 1, \"expected_ts\": ..., \"author\": ...}].")));
    Tables tables = {extension_schema_of(fcinfo), std::nullopt};
    const RowSet rows = begin_row_set(fcinfo);

    const int count = static_cast<int>(JB_ROOT_COUNT(saves));
    OneOfMany *items = static_cast<OneOfMany *>(palloc0(count * sizeof(OneOfMany) + 1));
    OneOfMany **sorted = static_cast<OneOfMany **>(palloc(count * sizeof(OneOfMany *) + 1));
    for (int i = 0; i < count; i++)
    {
        items[i].ord = i + 1;
        sorted[i] = &items[i];
        on_item(i + 1, [&] {
            read_item(items[i], *getIthJsonbValueFromContainer(&saves->root, static_cast<std::uint32_t>(i)), tables);
        });
    }
    qsort(sorted, count, sizeof(OneOfMany *), compare_items);

    for (int i = 0; i < count; i++)
        on_item(sorted[i]->ord, [&] { save(*sorted[i], rows.columns); });
    for (int i = 0; i < count; i++)
        rows.add(items[i].row);
    return static_cast<Datum>(0);
}
