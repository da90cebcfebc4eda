#include "json.h"

#include "../core/iso8601.h"
#include "../core/version.h"

namespace crm {

namespace {

// The order in which jsonb keeps keys.
bool
comes_before(const JsonbPair &a, const JsonbPair &b)
{
    const auto &x = a.key.val.string;
    const auto &y = b.key.val.string;
    if (x.len != y.len)
        return x.len < y.len;
    return std::memcmp(x.val, y.val, static_cast<std::size_t>(x.len)) < 0;
}

template <typename T>
T *
grown(T *items, int capacity)
{
    const std::size_t size = static_cast<std::size_t>(capacity) * sizeof(T);
    return static_cast<T *>(items == nullptr ? palloc(size) : repalloc(items, size));
}

}  // namespace

JsonbValue
json_null()
{
    JsonbValue value = {};
    value.type = jbvNull;
    return value;
}

JsonbValue
json_text(std::string_view text)
{
    JsonbValue value = {};
    value.type = jbvString;
    value.val.string.val = const_cast<char *>(text.data());
    value.val.string.len = static_cast<int>(text.size());
    return value;
}

JsonbValue
json_number(std::int64_t number)
{
    JsonbValue value = {};
    value.type = jbvNumeric;
    value.val.numeric = int64_to_numeric(number);
    return value;
}

JsonbValue
json_time(core::Timestamp time)
{
    if (core::is_possible_version(time))
    {
        const core::Iso8601 *iso = new (palloc(sizeof(core::Iso8601))) core::Iso8601{time};
        return json_text(iso->text());
    }
    const int utc = 0;
    char *buffer = static_cast<char *>(palloc(MAXDATELEN + 1));
    JsonEncodeDateTime(buffer, TimestampTzGetDatum(time.us), TIMESTAMPTZOID, &utc);
    return json_text(buffer);
}

void
JsonBuilder::begin(bool is_object)
{
    Container *container = static_cast<Container *>(palloc0(sizeof(Container)));
    container->outer = open;
    container->is_object = is_object;
    container->is_sorted = true;
    open = container;
}

void
JsonBuilder::end()
{
    Container *container = open;
    open = container->outer;
    JsonbValue value = {};
    if (container->is_object)
    {
        if (!container->is_sorted)
            std::sort(container->pairs, container->pairs + container->count, comes_before);
        value.type = jbvObject;
        value.val.object.nPairs = container->count;
        value.val.object.pairs = container->pairs;
    }
    else
    {
        value.type = jbvArray;
        value.val.array.nElems = container->count;
        value.val.array.elems = container->elements;
        value.val.array.rawScalar = false;
    }
    pfree(container);
    add(value);
}

void
JsonBuilder::key(std::string_view name)
{
    if (open->count == open->capacity)
    {
        open->capacity = std::max(2 * open->capacity, 16);
        open->pairs = grown(open->pairs, open->capacity);
    }
    JsonbPair &pair = open->pairs[open->count];
    pair.key = json_text(name);
    pair.order = static_cast<std::uint32_t>(open->count);
    open->is_sorted = open->is_sorted && (open->count == 0 || comes_before(open->pairs[open->count - 1], pair));
}

void
JsonBuilder::add(const JsonbValue &value)
{
    if (open == nullptr)
        result = value;
    else if (open->is_object)
        open->pairs[open->count++].value = value;
    else
    {
        if (open->count == open->capacity)
        {
            open->capacity = std::max(2 * open->capacity, 16);
            open->elements = grown(open->elements, open->capacity);
        }
        open->elements[open->count++] = value;
    }
}

void
JsonBuilder::open_object()
{
    begin(true);
}

void
JsonBuilder::close_object()
{
    end();
}

void
JsonBuilder::open_array()
{
    begin(false);
}

void
JsonBuilder::close_array()
{
    end();
}

void
JsonBuilder::null()
{
    add(json_null());
}

void
JsonBuilder::boolean(bool flag)
{
    JsonbValue value = {};
    value.type = jbvBool;
    value.val.boolean = flag;
    add(value);
}

void
JsonBuilder::number(std::int64_t number)
{
    add(json_number(number));
}

void
JsonBuilder::text(std::string_view text)
{
    add(json_text(text));
}

void
JsonBuilder::time(core::Timestamp time)
{
    add(json_time(time));
}

void
JsonBuilder::jsonb(Datum datum)
{
    add(jsonb_value(datum));
}

Datum
JsonBuilder::finish()
{
    return jsonb_datum(result);
}

const char *
jsonb_text(Datum value)
{
    Jsonb *jsonb = DatumGetJsonbP(value);
    return JsonbToCString(nullptr, &jsonb->root, static_cast<int>(VARSIZE(jsonb)));
}

}  // namespace crm
