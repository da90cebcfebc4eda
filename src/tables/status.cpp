#include "status.h"

#include "../boundary/spi.h"

namespace crm {

namespace {

bool
is_citext(Oid type)
{
    HeapTuple tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
    if (!HeapTupleIsValid(tuple))
        return false;
    const FormData_pg_type *form = reinterpret_cast<FormData_pg_type *>(GETSTRUCT(tuple));
    const bool result = std::strcmp(NameStr(form->typname), "citext") == 0 && form->typlen == -1 &&
                        form->typcategory == TYPCATEGORY_STRING;
    ReleaseSysCache(tuple);
    return result;
}

}  // namespace

bool
can_be_status(Oid type)
{
    const Oid base = getBaseType(type);
    switch (base)
    {
        case TEXTOID:
        case VARCHAROID:
        case INT2OID:
        case INT4OID:
        case INT8OID:
            return true;
        default:
            return type_is_enum(base) || is_citext(base);
    }
}

std::string_view
status_text(const AttachedTable &table, Datum status)
{
    if (table->customers.status_type == TEXTOID || table->customers.status_type == VARCHAROID)
        return text_of(status);
    Oid output;
    bool is_varlena;
    getTypeOutputInfo(table->customers.status_type, &output, &is_varlena);
    return OidOutputFunctionCall(output, status);
}

Datum
status_datum(const AttachedTable &table, std::string_view text)
{
    if (table->customers.status_type == TEXTOID)
        return text_datum(text);
    Oid input, element;
    getTypeInputInfo(table->customers.status_type, &input, &element);
    return OidInputFunctionCall(input, pnstrdup(text.data(), text.size()), element, table->customers.status_typmod);
}

std::string_view
canonical_status(const AttachedTable &table, std::string_view text)
{
    return table->customers.status_type == TEXTOID ? text : status_text(table, status_datum(table, text));
}

}  // namespace crm
