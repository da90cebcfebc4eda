#include "key.h"

#include "../boundary/errors.h"

namespace crm {

Oid
key_type_of(Oid column_type)
{
    switch (column_type)
    {
        case INT2OID:
        case INT4OID:
        case INT8OID:
            return INT8OID;
        case UUIDOID:
            return UUIDOID;
        case TEXTOID:
        case VARCHAROID:
            return TEXTOID;
    }
    return InvalidOid;
}

Key
stored_key(const AttachedTable &table, Datum value)
{
    switch (table->customers.key_column_type)
    {
        case INT2OID:
            return {INT8OID, Int64GetDatum(DatumGetInt16(value))};
        case INT4OID:
            return {INT8OID, Int64GetDatum(DatumGetInt32(value))};
        default:
            return {table->customers.key_type, value};
    }
}

Key
stored_reference(const AttachedTable &table, Datum value)
{
    return {table->customers.key_type, value};
}

Key
key_of_bigint(const AttachedTable &table, std::int64_t id)
{
    if (table->customers.key_type != INT8OID)
        ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
                        errmsg("keys of customers table \"%s\" have type %s", errors::name_of(table->customers.oid),
                               format_type_be(table->customers.key_column_type)),
                        errdetail("The function takes a number; nothing was done."),
                        errhint("Use the function of the same name that ends in _by_key: it takes the key as text.")));
    return {INT8OID, Int64GetDatum(id)};
}

Key
key_of_text(const AttachedTable &table, std::string_view text)
{
    if (table->customers.key_type == TEXTOID)
        return {TEXTOID, text_datum(text)};
    Oid input, element;
    getTypeInputInfo(table->customers.key_type, &input, &element);
    return {table->customers.key_type, OidInputFunctionCall(input, pnstrdup(text.data(), text.size()), element, -1)};
}

bool
same_key(const Key &a, const Key &b)
{
    if (a.type != b.type)
        return false;
    switch (a.type)
    {
        case UUIDOID:
            return std::memcmp(DatumGetUUIDP(a.value), DatumGetUUIDP(b.value), UUID_LEN) == 0;
        case TEXTOID:
            return datum_image_eq(a.value, b.value, false, -1);
        default:
            return DatumGetInt64(a.value) == DatumGetInt64(b.value);
    }
}

int
compare_keys(const Key &a, const Key &b)
{
    switch (a.type)
    {
        case UUIDOID:
            return std::memcmp(DatumGetUUIDP(a.value), DatumGetUUIDP(b.value), UUID_LEN);
        case TEXTOID:
            return text_of(a.value).compare(text_of(b.value));
        default:
        {
            const std::int64_t x = DatumGetInt64(a.value);
            const std::int64_t y = DatumGetInt64(b.value);
            return x < y ? -1 : x > y;
        }
    }
}

const char *
key_text(const Key &key)
{
    switch (key.type)
    {
        case UUIDOID:
            return DatumGetCString(DirectFunctionCall1(uuid_out, key.value));
        case TEXTOID:
            return TextDatumGetCString(key.value);
        default:
        {
            constexpr int longest = 21;  // with sign and end
            char *text = static_cast<char *>(palloc(longest));
            pg_lltoa(DatumGetInt64(key.value), text);
            return text;
        }
    }
}

std::string_view
row_name(const AttachedTable &table, const Key &key)
{
    if (table->is_customers)
        return joined_text({"customer ", key_text(key)});
    return joined_text({"record ", key_text(key), " of ", errors::name_of(table->customers.oid)});
}

Key
copied_key(const Key &key, MemoryContext context)
{
    const MemoryContext caller = MemoryContextSwitchTo(context);
    Key copy = key;
    if (key.type == UUIDOID)
        copy.value = datumCopy(key.value, false, UUID_LEN);
    else if (key.type == TEXTOID)
        copy.value = PointerGetDatum(PG_DETOAST_DATUM_COPY(key.value));
    MemoryContextSwitchTo(caller);
    return copy;
}

Arguments
arguments_of(const Key &key)
{
    Arguments arguments;
    arguments.add(key.type, key.value);
    return arguments;
}

}  // namespace crm
