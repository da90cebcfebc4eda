#include "save_items.h"

#include "../boundary/json.h"
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

// What may be asked in an item, and who takes it.
struct ItemOperation
{
    std::string_view name;
    core::Intent intent;
    const char *kind;  // in messages
    const char *hint;  // on its arguments
    std::span<const std::string_view> keys;
};

constexpr std::string_view keys_of_update[] = {"operation", "table",  "id",    "key",      "expected_ts", "status",
                                               "comment",   "author", "merge", "reply_to", "fields"};
constexpr std::string_view keys_of_delete[] = {"operation", "table", "id", "key", "expected_ts", "comment", "author"};
constexpr std::string_view keys_of_check[] = {"operation", "table", "id", "key", "expected_ts"};

constexpr ItemOperation operations[] = {
    {"update", core::Intent::save, "a save",
     "Its arguments are those of crm_update_customer(), with id or key; other columns go into fields.", keys_of_update},
    {"delete", core::Intent::deletion, "a deletion",
     "Its arguments are those of crm_delete_customer(), with id or key.", keys_of_delete},
    {"check", core::Intent::check, "a check", "It takes table, id or key, and expected_ts.", keys_of_check},
};

void
require_known_keys(JsonbContainer *object, const ItemOperation &operation, Operations allowed)
{
    each_key(object, [&](const char *name) {
        const bool is_known = std::ranges::find(operation.keys, std::string_view{name}) != operation.keys.end() &&
                              (allowed == Operations::all || std::string_view{name} != "operation");
        if (!is_known)
            ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                            errmsg("%s has no argument \"%s\"", operation.kind, name),
                            errdetail("No save of the call was made."), errhint("%s", operation.hint)));
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

const ItemOperation &
find_operation(JsonbContainer *object, Operations allowed)
{
    const std::optional<std::string_view> name =
        allowed == Operations::all ? find_text(object, "operation") : std::nullopt;
    if (!name)
        return operations[0];
    const auto *found = std::ranges::find(operations, *name, &ItemOperation::name);
    if (found == std::end(operations))
        ereport(ERROR,
                (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                 errmsg("there is no operation \"%s\"", std::string_view{*name}.data()),
                 errdetail("No save of the call was made."), errhint("An operation is update, delete or check.")));
    return *found;
}

Purpose
purpose_of(core::Intent intent)
{
    switch (intent)
    {
        case core::Intent::deletion:
            return Purpose::remove;
        case core::Intent::check:
            return Purpose::read;
        default:
            return Purpose::save;
    }
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

// The attached table that an item names, or the one that the search_path finds.
AttachedTable
find_table(JsonbContainer *object, ItemTables &tables, Purpose purpose)
{
    if (const std::optional<std::string_view> name = find_text(object, "table"))
        return tables.by_name(name->data(), purpose);
    return tables.by_search_path(purpose);
}

core::Request
checked_check(std::optional<core::Timestamp> base)
{
    if (!base)
        errors::null_base();
    core::Request request = {};
    request.base = *base;
    request.fields = "check";
    request.intent = core::Intent::check;
    return request;
}

core::Request
checked(const SaveArguments &arguments, core::Intent intent)
{
    switch (intent)
    {
        case core::Intent::deletion:
            return checked_deletion(arguments);
        case core::Intent::check:
            return checked_check(arguments.base);
        default:
            return checked_request(arguments);
    }
}

}  // namespace

AttachedTable
ItemTables::by_name(const char *name, Purpose purpose) const
{
    const AttachedTable table = attached_by_name(
        DatumGetObjectId(DirectFunctionCall1(regclassin, CStringGetDatum(name))), extension_schema, purpose);
    require_triggers(table);
    return table;
}

AttachedTable
ItemTables::by_search_path(Purpose purpose)
{
    if (customers && purpose == Purpose::save)
        return *customers;
    const AttachedTable table = attached_by_search_path(extension_schema, purpose);
    require_triggers(table);
    if (purpose == Purpose::save)
        customers = table;
    return table;
}

void
read_item(SaveItem &item, const JsonbValue &value, ItemTables &tables, Operations allowed)
{
    if (value.type != jbvBinary || !JsonContainerIsObject(value.val.binary.data))
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a save must be a JSON object"),
                        errdetail("No save of the call was made."),
                        errhint("Its keys are those of the arguments of crm_update_customer().")));
    JsonbContainer *object = value.val.binary.data;
    const ItemOperation &operation = find_operation(object, allowed);
    require_known_keys(object, operation, allowed);

    SaveArguments arguments = {};
    item.table = find_table(object, tables, purpose_of(operation.intent));
    item.key = find_key(object, item.table);
    arguments.base = find_time(object, "expected_ts");
    arguments.status = find_text(object, "status");
    arguments.comment = find_text(object, "comment");
    arguments.author = find_text(object, "author");
    arguments.merge = find_boolean(object, "merge");
    arguments.reply_to = find_bigint(object, "reply_to");
    item.request = checked(arguments, operation.intent);
    if (std::optional<JsonbValue> fields = find(object, "fields"))
        item.fields = jsonb_datum(*fields);
}

}  // namespace crm
