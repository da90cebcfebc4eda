#include "jsonb_bytes.h"

namespace crm {

namespace {

// Writes what JsonbValueToJsonb() does, byte for byte: each object and array as its header, an entry for each key and
// value, and then what these are.
class Writer
{
public:
    explicit Writer(std::size_t size) : room(size), bytes(static_cast<char *>(palloc(size))) {}
    JEntry add(const JsonbValue &value);
    JEntry add_array(const JsonbValue *elements, int count, std::uint32_t flags);
    JEntry add_object(const JsonbKeys &keys, const JsonbValue *values);
    Datum finish();

private:
    template <typename Item>
    JEntry add_container(const char *what, std::uint32_t header, int entries, Item item);

    template <typename Item>
    void add_items(const char *what, std::size_t entries, std::size_t first_item, int first, int end, Item item);

    JEntry add_numeric(Numeric number);
    void add_bytes(const void *from, std::size_t count);
    void align();
    char *extend(std::size_t count);

    std::size_t length = VARHDRSZ;
    std::size_t room;
    char *bytes;
};

inline char *
Writer::extend(std::size_t count)
{
    if (length + count > room)
    {
        room = std::max(2 * room, length + count);
        bytes = static_cast<char *>(repalloc(bytes, room));
    }
    char *const end = bytes + length;
    length += count;
    return end;
}

inline void
Writer::add_bytes(const void *from, std::size_t count)
{
    std::memcpy(extend(count), from, count);
}

inline void
Writer::align()
{
    while (length != INTALIGN(length))
        *extend(1) = '\0';
}

inline std::uint32_t
length_of(const char *what, std::size_t bytes)
{
    if (bytes > JENTRY_OFFLENMASK)
        ereport(ERROR,
                (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                 errmsg("total size of jsonb %s elements exceeds the maximum of %d bytes", what, JENTRY_OFFLENMASK)));
    return static_cast<std::uint32_t>(bytes);
}

// Adds items whose entries have their place, and sets these.
template <typename Item>
inline void
Writer::add_items(const char *what, std::size_t entries, std::size_t first_item, int first, int end, Item item)
{
    for (int i = first; i < end; i++)
    {
        JEntry entry = add(item(i));
        const std::uint32_t end_of_item = length_of(what, length - first_item);
        if (i % JB_OFFSET_STRIDE == 0)
            entry = (entry & JENTRY_TYPEMASK) | end_of_item | JENTRY_HAS_OFF;
        std::memcpy(bytes + entries + static_cast<std::size_t>(i) * sizeof(JEntry), &entry, sizeof(JEntry));
    }
}

template <typename Item>
JEntry
Writer::add_container(const char *what, std::uint32_t header, int entries, Item item)
{
    const std::size_t begin = length;
    align();
    add_bytes(&header, sizeof(header));
    const std::size_t first_entry = length;
    extend(static_cast<std::size_t>(entries) * sizeof(JEntry));
    add_items(what, first_entry, length, 0, entries, item);
    return JENTRY_ISCONTAINER | length_of(what, length - begin);
}

JEntry
Writer::add_array(const JsonbValue *elements, int count, std::uint32_t flags)
{
    return add_container("array", static_cast<std::uint32_t>(count) | JB_FARRAY | flags, count,
                         [elements](int i) -> const JsonbValue & { return elements[i]; });
}

JEntry
Writer::add_object(const JsonbKeys &keys, const JsonbValue *values)
{
    const std::size_t begin = length;
    const std::uint32_t header = static_cast<std::uint32_t>(keys.count) | JB_FOBJECT;
    align();
    add_bytes(&header, sizeof(header));
    const std::size_t first_entry = length;
    add_bytes(keys.entries, keys.count * sizeof(JEntry));
    extend(keys.count * sizeof(JEntry));
    const std::size_t first_key = length;
    add_bytes(keys.bytes, keys.length);
    const int count = static_cast<int>(keys.count);
    add_items("object", first_entry, first_key, count, 2 * count,
              [values, count](int i) -> const JsonbValue & { return values[i - count]; });
    return JENTRY_ISCONTAINER | length_of("object", length - begin);
}

JEntry
Writer::add_numeric(Numeric number)
{
    const std::size_t begin = length;
    align();
    add_bytes(number, VARSIZE_ANY(number));
    return JENTRY_ISNUMERIC | static_cast<JEntry>(length - begin);
}

JEntry
Writer::add(const JsonbValue &value)
{
    switch (value.type)
    {
        case jbvNull:
            return JENTRY_ISNULL;
        case jbvBool:
            return value.val.boolean ? JENTRY_ISBOOL_TRUE : JENTRY_ISBOOL_FALSE;
        case jbvString:
            add_bytes(value.val.string.val, static_cast<std::size_t>(value.val.string.len));
            return JENTRY_ISSTRING | static_cast<JEntry>(value.val.string.len);
        case jbvNumeric:
            return add_numeric(value.val.numeric);
        case jbvBinary:
        {
            const std::size_t begin = length;
            align();
            add_bytes(value.val.binary.data, static_cast<std::size_t>(value.val.binary.len));
            return JENTRY_ISCONTAINER | length_of("array", length - begin);
        }
        case jbvArray:
            return add_array(value.val.array.elems, value.val.array.nElems, 0);
        case jbvObject:
        {
            const JsonbPair *pairs = value.val.object.pairs;
            const int count = value.val.object.nPairs;
            return add_container(
                "object", static_cast<std::uint32_t>(count) | JB_FOBJECT, 2 * count,
                [=](int i) -> const JsonbValue & { return i < count ? pairs[i].key : pairs[i - count].value; });
        }
        default:
            elog(ERROR, "unexpected type %d of a value in JSON", static_cast<int>(value.type));
    }
}

Datum
Writer::finish()
{
    SET_VARSIZE(bytes, length);
    return PointerGetDatum(bytes);
}

}  // namespace

JsonbValue
jsonb_object(const JsonbKeys &keys, const JsonbValue *values)
{
    constexpr std::size_t usual_size = 512;
    Writer writer{usual_size};
    writer.add_object(keys, values);
    return jsonb_value(writer.finish());
}

JsonbValue
jsonb_value(Datum datum)
{
    Jsonb *jsonb = DatumGetJsonbP(datum);
    JsonbValue value;
    if (JB_ROOT_IS_SCALAR(jsonb))
    {
        JsonbExtractScalar(&jsonb->root, &value);
        return value;
    }
    value.type = jbvBinary;
    value.val.binary.data = &jsonb->root;
    value.val.binary.len = static_cast<int>(VARSIZE(jsonb)) - VARHDRSZ;
    return value;
}

Datum
jsonb_datum(const JsonbValue &value)
{
    constexpr std::size_t usual_size = 1024;
    Writer writer{usual_size};
    if (IsAJsonbScalar(&value))
        writer.add_array(&value, 1, JB_FSCALAR);
    else
        writer.add(value);
    return writer.finish();
}

}  // namespace crm
