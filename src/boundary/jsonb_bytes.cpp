#include "jsonb_bytes.h"

namespace crm {

namespace {

// Writes what JsonbValueToJsonb() does, byte for byte: each object and array as its header, an entry for each key and value,
// and then what these are.
class Writer
{
public:
    JEntry add(const JsonbValue &value);
    JEntry add_array(const JsonbValue *elements, int count, std::uint32_t flags);
    Datum finish();

private:
    template <typename Item>
    JEntry add_container(const char *what, std::uint32_t header, int entries, Item item);

    JEntry add_numeric(Numeric number);
    void add_bytes(const void *from, std::size_t count);
    void align();
    char *extend(std::size_t count);

    std::size_t length = VARHDRSZ;
    std::size_t room = 1024;
    char *bytes = static_cast<char *>(palloc(room));
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

template <typename Item>
JEntry
Writer::add_container(const char *what, std::uint32_t header, int entries, Item item)
{
    const std::size_t begin = length;
    align();
    add_bytes(&header, sizeof(header));
    const std::size_t first_entry = length;
    extend(static_cast<std::size_t>(entries) * sizeof(JEntry));
    const std::size_t first_item = length;
    for (int i = 0; i < entries; i++)
    {
        JEntry entry = add(item(i));
        const std::uint32_t end = length_of(what, length - first_item);
        if (i % JB_OFFSET_STRIDE == 0)
            entry = (entry & JENTRY_TYPEMASK) | end | JENTRY_HAS_OFF;
        std::memcpy(bytes + first_entry + static_cast<std::size_t>(i) * sizeof(JEntry), &entry, sizeof(JEntry));
    }
    return JENTRY_ISCONTAINER | length_of(what, length - begin);
}

JEntry
Writer::add_array(const JsonbValue *elements, int count, std::uint32_t flags)
{
    return add_container("array", static_cast<std::uint32_t>(count) | JB_FARRAY | flags, count,
                         [elements](int i) -> const JsonbValue & { return elements[i]; });
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

Datum
jsonb_datum(const JsonbValue &value)
{
    Writer writer;
    if (IsAJsonbScalar(&value))
        writer.add_array(&value, 1, JB_FSCALAR);
    else
        writer.add(value);
    return writer.finish();
}

}  // namespace crm
