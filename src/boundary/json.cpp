#include "json.h"

namespace crm {

namespace {

JsonbValue
string_value(std::string_view text)
{
    JsonbValue value;
    value.type = jbvString;
    value.val.string.val = const_cast<char *>(text.data());
    value.val.string.len = static_cast<int>(text.size());
    return value;
}

// A value stands in an array as an element, in an object as a value.
void
push(JsonBuilder &builder, JsonbValue &value)
{
    const bool in_array = builder.state->contVal.type == jbvArray;
    builder.result = pushJsonbValue(&builder.state, in_array ? WJB_ELEM : WJB_VALUE, &value);
}

}  // namespace

void
JsonBuilder::open_object()
{
    result = pushJsonbValue(&state, WJB_BEGIN_OBJECT, nullptr);
}

void
JsonBuilder::close_object()
{
    result = pushJsonbValue(&state, WJB_END_OBJECT, nullptr);
}

void
JsonBuilder::open_array()
{
    result = pushJsonbValue(&state, WJB_BEGIN_ARRAY, nullptr);
}

void
JsonBuilder::close_array()
{
    result = pushJsonbValue(&state, WJB_END_ARRAY, nullptr);
}

void
JsonBuilder::key(std::string_view name)
{
    JsonbValue value = string_value(name);
    result = pushJsonbValue(&state, WJB_KEY, &value);
}

void
JsonBuilder::null()
{
    JsonbValue value;
    value.type = jbvNull;
    push(*this, value);
}

void
JsonBuilder::boolean(bool flag)
{
    JsonbValue value;
    value.type = jbvBool;
    value.val.boolean = flag;
    push(*this, value);
}

void
JsonBuilder::number(std::int64_t number)
{
    JsonbValue value;
    value.type = jbvNumeric;
    value.val.numeric = int64_to_numeric(number);
    push(*this, value);
}

void
JsonBuilder::text(std::string_view text)
{
    JsonbValue value = string_value(text);
    push(*this, value);
}

void
JsonBuilder::time(core::Timestamp time)
{
    const int utc = 0;
    char *buffer = static_cast<char *>(palloc(MAXDATELEN + 1));
    JsonEncodeDateTime(buffer, TimestampTzGetDatum(time.us), TIMESTAMPTZOID, &utc);
    text(buffer);
}

void
JsonBuilder::jsonb(Datum datum)
{
    Jsonb *jsonb = DatumGetJsonbP(datum);
    JsonbValue value;

    if (JB_ROOT_IS_SCALAR(jsonb))
    {
        JsonbExtractScalar(&jsonb->root, &value);
        push(*this, value);
        return;
    }
    value.type = jbvBinary;
    value.val.binary.data = &jsonb->root;
    value.val.binary.len = static_cast<int>(VARSIZE(jsonb)) - VARHDRSZ;
    push(*this, value);
}

void
JsonBuilder::optional_number(std::optional<std::int64_t> value)
{
    if (value)
        number(*value);
    else
        null();
}

void
JsonBuilder::optional_text(std::optional<std::string_view> value)
{
    if (value)
        text(*value);
    else
        null();
}

void
JsonBuilder::optional_time(std::optional<core::Timestamp> value)
{
    if (value)
        time(*value);
    else
        null();
}

Datum
JsonBuilder::finish() const
{
    return JsonbPGetDatum(JsonbValueToJsonb(result));
}

const char *
jsonb_text(Datum value)
{
    Jsonb *jsonb = DatumGetJsonbP(value);
    return JsonbToCString(nullptr, &jsonb->root, static_cast<int>(VARSIZE(jsonb)));
}

}  // namespace crm
