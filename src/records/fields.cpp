#include "fields.h"

#include "../boundary/errors.h"
#include "../boundary/isolated.h"
#include "../boundary/json.h"
#include "../boundary/role.h"
#include "../boundary/spi.h"
#include "../boundary/value_json.h"

namespace crm {

namespace {

[[noreturn]] void
unknown_field(Oid table, const char *name)
{
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
                    errmsg("column \"%s\" of relation \"%s\" does not exist", name, errors::name_of(table)),
                    errdetail("It is named in fields; nothing was saved."),
                    errhint("Names in fields are those of columns, as they are stored: case matters.")));
}

// What stands for a value that is too large for jsonb: it is no JSON, and so differs from every other.
constexpr std::string_view too_large = "too large";

// 1.50 and 1.5 are the same number, and clients seldom send it as it is stored.
JsonbValue
with_trimmed_number(const JsonbValue &value)
{
    JsonbValue copy = value;
    if (copy.type == jbvNumeric)
        copy.val.numeric = DatumGetNumeric(DirectFunctionCall1(numeric_trim_scale, NumericGetDatum(value.val.numeric)));
    return copy;
}

Datum
with_trimmed_numbers(JsonbContainer *container)
{
    JsonBuilder json;
    JsonbIterator *iterator = JsonbIteratorInit(container);
    JsonbValue value;
    for (;;)
        switch (JsonbIteratorNext(&iterator, &value, false))
        {
            case WJB_BEGIN_OBJECT:
                json.open_object();
                break;
            case WJB_END_OBJECT:
                json.close_object();
                break;
            case WJB_BEGIN_ARRAY:
                json.open_array();
                break;
            case WJB_END_ARRAY:
                json.close_array();
                break;
            case WJB_KEY:
                json.key({value.val.string.val, static_cast<std::size_t>(value.val.string.len)});
                break;
            case WJB_VALUE:
            case WJB_ELEM:
                json.add(with_trimmed_number(value));
                break;
            case WJB_DONE:
                return json.finish();
        }
}

std::string_view
json_text(const JsonbValue &value)
{
    return jsonb_text(value.type == jbvBinary ? with_trimmed_numbers(value.val.binary.data)
                                              : jsonb_datum(with_trimmed_number(value)));
}

core::Value
canonical(const JsonbValue &value)
{
    return value.type == jbvNull ? core::Value{} : core::Value{json_text(value)};
}

bool
find_value(Datum object, const char *key, JsonbValue &value)
{
    return getKeyJsonValueFromContainer(&DatumGetJsonbP(object)->root, key, static_cast<int>(std::strlen(key)),
                                        &value) != nullptr;
}

// The column that a key of the argument names, where it is there.
Field
field_of(const AttachedTable &table, const char *name)
{
    Field field = {};
    field.name = pstrdup(name);
    const AttrNumber column = get_attnum(table->customers.oid, name);
    if (column <= 0)
        return field;
    if (column == table->customers.key || column == table->customers.status || column == table->customers.version)
        ereport(
            ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("fields must not hold column \"%s\"", name),
             errdetail("The key cannot be changed, the version follows by itself, and the status is an argument of its "
                       "own. Nothing was saved."),
             errhint("Leave the column out of fields.")));
    if (is_bumped(table->also_bump, column))
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("fields must not hold column \"%s\"", name),
                        errdetail("It is bumped by every change. Nothing was saved."),
                        errhint("Leave the column out of fields: expected_ts is what is checked.")));
    require_column_rights(table->customers.oid, {column}, ACL_UPDATE);
    require_column_rights(table->customers.oid, {column}, ACL_SELECT);
    field.column = column;
    field.type = get_atttype(table->customers.oid, column);
    return field;
}

// Runs the query that converts a jsonb object. Most saves ask for the same few columns: their plans are kept.
int
run_conversion(const AttachedTable &table, const Sql &query, Datum object)
{
    Arguments arguments;
    arguments.add(JSONBOID, object);
    SPIPlanPtr *plan = table->plan_of_text(query.text());
    if (plan == nullptr)
        return SPI_execute_with_args(query.text(), arguments.count, arguments.types, arguments.values, nullptr, true,
                                     1);
    if (*plan == nullptr)
        *plan = prepare_statement(query, arguments);
    return SPI_execute_plan(*plan, arguments.values, nullptr, true, 1);
}

// Converts the values to the types of their columns, as the columns would store them.
void
convert(const AttachedTable &table, Datum object, std::span<Field> fields)
{
    Sql *columns = static_cast<Sql *>(palloc0(fields.size() * sizeof(Sql)));
    std::size_t count = 0;
    for (const Field &field : fields)
    {
        if (!field.is_there())
            continue;
        std::int32_t typmod;
        Oid type, collation;
        get_atttypetypmodcoll(table->customers.oid, field.column, &type, &typmod, &collation);
        columns[count++] =
            sql("{name} {type}", {{"name", sql_identifier(field.name)}, {"type", sql_type(type, typmod)}});
    }
    if (count == 0)
        return;
    const Sql list = sql_joined(", ", {columns, count});
    const Sql query = sql("SELECT r.* FROM pg_catalog.jsonb_to_record($1) AS r({columns})", {{"columns", list}});

    const int settings = fix_formats();
    if (run_conversion(table, query, object) != SPI_OK_SELECT || SPI_processed != 1)
        elog(ERROR, "could not convert the fields");
    AtEOXact_GUC(true, settings);
    int converted = 0;
    for (Field &field : fields)
        if (field.is_there())
            field.value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, ++converted, &field.is_null);
}

// Renders the values as the history and the detail of a conflict do.
void
render(Datum given, std::span<Field> fields)
{
    JsonBuilder json;
    ValueRenderer renderer{json};
    bool *is_rendered = static_cast<bool *>(palloc(fields.size()));
    json.open_object();
    for (std::size_t i = 0; i < fields.size(); i++)
    {
        is_rendered[i] = true;
        if (!fields[i].is_there())
            continue;
        json.key(fields[i].name);
        is_rendered[i] = renderer.add(fields[i].value, fields[i].is_null, fields[i].type);
    }
    renderer.finish();
    json.close_object();
    const Datum rendered = json.finish();
    for (std::size_t i = 0; i < fields.size(); i++)
    {
        const Datum object = fields[i].is_there() ? rendered : given;
        fields[i].json = is_rendered[i] ? value_in(object, fields[i].name) : core::Value{too_large};
        fields[i].shown = value_shown_in(object, fields[i].name);
    }
}

}  // namespace

Fields
read_fields(const AttachedTable &table, Datum argument)
{
    Jsonb *object = DatumGetJsonbP(argument);
    if (!JB_ROOT_IS_OBJECT(object))
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("fields must be a JSON object"),
                        errdetail("Nothing was saved."),
                        errhint("Pass the columns to change and their values, as in {\"phone\": \"555 0100\"}.")));
    const int count = static_cast<int>(JB_ROOT_COUNT(object));
    if (count == 0)
        return {};
    Field *fields = static_cast<Field *>(palloc(count * sizeof(Field)));

    int found = 0;
    each_key(&object->root, [&](const char *name) { fields[found++] = field_of(table, name); });
    const std::span all(fields, static_cast<std::size_t>(count));
    convert(table, argument, all);
    render(argument, all);
    return all;
}

Fields
watched_fields(const AttachedTable &table, const core::Request &request, Fields asked)
{
    if (table->merge_groups.groups.empty())
        return asked;
    const AttrNumber status = table->customers.status;
    const auto is_asked = [&](AttrNumber column) {
        return (request.status && column == status) ||
               std::ranges::any_of(asked, [column](const Field &field) { return field.column == column; });
    };
    Field *watched = static_cast<Field *>(palloc0((asked.size() + table->columns->natts) * sizeof(Field)));
    std::size_t count = asked.size();
    std::ranges::copy(asked, watched);
    for (const MergeGroup &group : table->merge_groups.groups)
        if (std::ranges::any_of(group, is_asked))
            for (const AttrNumber column : group)
                if (column > 0 && column != status && !is_asked(column))
                    watched[count++] = {.column = column,
                                        .name = get_attname(table->customers.oid, column, false),
                                        .type = get_atttype(table->customers.oid, column),
                                        .value = 0,
                                        .is_null = true,
                                        .json = std::nullopt,
                                        .shown = 0,
                                        .is_asked = false};
    return {watched, count};
}

void
require_columns(const AttachedTable &table, Fields fields)
{
    for (const Field &field : fields)
        if (!field.is_there())
            unknown_field(table->customers.oid, field.name);
}

void
require_assignable(const AttachedTable &table, Fields fields)
{
    for (const Field &field : fields)
    {
        HeapTuple tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(table->customers.oid), Int16GetDatum(field.column));
        if (!HeapTupleIsValid(tuple))
            unknown_field(table->customers.oid, field.name);
        const FormData_pg_attribute *form = reinterpret_cast<FormData_pg_attribute *>(GETSTRUCT(tuple));
        const bool is_generated = form->attgenerated != '\0';
        const bool is_identity = form->attidentity == ATTRIBUTE_IDENTITY_ALWAYS;
        ReleaseSysCache(tuple);
        if (is_generated || is_identity)
            ereport(ERROR, (errcode(ERRCODE_GENERATED_ALWAYS),
                            errmsg("column \"%s\" can only be updated to DEFAULT", field.name),
                            is_generated ? errdetail("Column \"%s\" is a generated column.", field.name)
                                         : errdetail("Column \"%s\" is an identity column defined as GENERATED ALWAYS.",
                                                     field.name),
                            errhint("Leave it out of fields.")));
    }
}

std::string_view
text_of_fields(Fields fields)
{
    StringInfoData text;
    initStringInfo(&text);
    for (const Field &field : fields)
    {
        const std::string_view json = field.json.value_or("null");
        appendStringInfo(&text, "%s\n", field.name);
        appendBinaryStringInfo(&text, json.data(), static_cast<int>(json.size()));
        appendStringInfoChar(&text, '\n');
        if (json == too_large)
        {
            Oid output;
            bool is_varlena;
            getTypeOutputInfo(field.type, &output, &is_varlena);
            appendStringInfoString(&text, OidOutputFunctionCall(output, field.value));
        }
    }
    return {text.data, static_cast<std::size_t>(text.len)};
}

core::Value
value_in(Datum object, const char *key)
{
    JsonbValue value;
    return find_value(object, key, value) ? canonical(value) : core::Value{};
}

Datum
value_shown_in(Datum object, const char *key)
{
    JsonbValue value;
    if (!find_value(object, key, value))
        value.type = jbvNull;
    return jsonb_datum(value);
}

core::Value
value_of(Datum jsonb)
{
    Jsonb *root = DatumGetJsonbP(jsonb);
    JsonbValue value;
    if (JB_ROOT_IS_SCALAR(root))
        JsonbExtractScalar(&root->root, &value);
    else
    {
        value.type = jbvBinary;
        value.val.binary.data = &root->root;
        value.val.binary.len = static_cast<int>(VARSIZE(root)) - VARHDRSZ;
    }
    return canonical(value);
}

core::Value
meaning_of_json(const core::Value &value)
{
    if (!value)
        return value;
    std::optional<Datum> meaning;
    const char *problem = isolated([&] {
        // What was recorded when the column had another type, or by hand, may be no text.
        JsonbValue text;
        if (JsonbExtractScalar(&DatumGetJsonbP(jsonb_of(value))->root, &text) && text.type == jbvString)
            meaning =
                DirectFunctionCall1(jsonb_in, CStringGetDatum(pnstrdup(text.val.string.val, text.val.string.len)));
    });
    return problem == nullptr && meaning ? value_of(*meaning) : value;
}

Datum
jsonb_of(const core::Value &value)
{
    const std::string_view text = value.value_or("null");
    return DirectFunctionCall1(jsonb_in, CStringGetDatum(pnstrdup(text.data(), text.size())));
}

}  // namespace crm
