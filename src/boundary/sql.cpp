#include "sql.h"

#include "../core/statement_template.h"
#include "errors.h"

namespace crm {

// Only of what the functions of this file have made of templates and quoted names.
Sql
sql_of(const char *finished)
{
    return Sql{finished};
}

Sql
sql(SqlTemplate statement, std::span<const SqlName> names)
{
    StringInfoData text;
    initStringInfo(&text);
    const auto meaning = [names](std::string_view name) -> std::string_view {
        for (const SqlName &known : names)
            if (known.name == name)
                return known.value.text();
        elog(ERROR, "a statement of crm_concurrency has no value for {%.*s}", static_cast<int>(name.size()),
             name.data());
    };
    core::fill(statement.text(), meaning, [&text](std::string_view part) {
        appendBinaryStringInfo(&text, part.data(), static_cast<int>(part.size()));
    });
    return sql_of(text.data);
}

Sql
sql(SqlTemplate statement, std::initializer_list<SqlName> names)
{
    return sql(statement, std::span(names.begin(), names.size()));
}

Sql
sql_identifier(const char *name)
{
    return sql_of(quote_identifier(name));
}

Sql
sql_qualified(Oid schema, const char *relation)
{
    return sql("{schema}.{relation}", {{"schema", sql_schema(schema)}, {"relation", sql_identifier(relation)}});
}

Sql
sql_relation(Oid relation)
{
    const char *name = get_rel_name(relation);
    if (name == nullptr)
        errors::missing_table(relation);
    return sql_qualified(get_rel_namespace(relation), name);
}

Sql
sql_schema(Oid schema)
{
    const char *name = get_namespace_name(schema);
    if (name == nullptr)
        errors::missing_schema(schema);
    return sql_identifier(name);
}

Sql
sql_type(Oid type, std::int32_t typmod)
{
    return sql_of(format_type_extended(type, typmod, FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY));
}

Sql
sql_collation(Oid collation)
{
    HeapTuple tuple = SearchSysCache1(COLLOID, ObjectIdGetDatum(collation));
    if (!HeapTupleIsValid(tuple))
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("the collation of the key does not exist any more"),
                        errdetail("Its OID was %u. Nothing was changed.", collation), errhint("Send the same again.")));
    const FormData_pg_collation *form = reinterpret_cast<FormData_pg_collation *>(GETSTRUCT(tuple));
    const Sql name = sql_qualified(form->collnamespace, NameStr(form->collname));
    ReleaseSysCache(tuple);
    return name;
}

Sql
sql_literal(const char *text)
{
    return sql_of(quote_literal_cstr(text));
}

Sql
sql_parameter(int number)
{
    return sql_of(psprintf("$%d", number));
}

Sql
sql_joined(SqlTemplate separator, std::span<const Sql> parts)
{
    StringInfoData text;
    initStringInfo(&text);
    for (const Sql &part : parts)
    {
        if (text.len > 0)
            appendBinaryStringInfo(&text, separator.text().data(), static_cast<int>(separator.text().size()));
        appendStringInfoString(&text, part.text());
    }
    return sql_of(text.data);
}

Sql
copied(const Sql &text, MemoryContext context)
{
    return sql_of(MemoryContextStrdup(context, text.text()));
}

}  // namespace crm
