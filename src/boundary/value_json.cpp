#include "value_json.h"

#include "role.h"
#include "spi.h"

extern "C" {
#include "utils/fmgroids.h"
}

namespace crm {

namespace {

constexpr std::int64_t largest_value = std::int64_t{16} * 1024 * 1024;

// Whether anybody but a superuser may have written what a function does.
bool
is_of_others(Oid function)
{
    HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
    if (!HeapTupleIsValid(tuple))
        return true;
    const FormData_pg_proc *form = reinterpret_cast<FormData_pg_proc *>(GETSTRUCT(tuple));
    const bool is_native = form->prolang == INTERNALlanguageId || form->prolang == ClanguageId;
    const Oid owner = form->proowner;
    ReleaseSysCache(tuple);
    return !is_native && !superuser_arg(owner);
}

// Whether to_jsonb() would call a function of others for a value of a type, or for what is in it.
bool
calls_cast_of_others(Oid type)
{
    check_stack_depth();
    type = getBaseType(type);
    if (type < FirstNormalObjectId)
        return OidIsValid(get_element_type(type)) && calls_cast_of_others(get_element_type(type));
    if (const Oid element = get_element_type(type); OidIsValid(element))
        return calls_cast_of_others(element);
    if (type_is_rowtype(type))
    {
        const TupleDesc columns = lookup_rowtype_tupdesc(type, -1);
        bool calls = false;
        for (int i = 0; i < columns->natts && !calls; i++)
            calls =
                !TupleDescAttr(columns, i)->attisdropped && calls_cast_of_others(TupleDescAttr(columns, i)->atttypid);
        ReleaseTupleDesc(columns);
        return calls;
    }
    Oid cast;
    return find_coercion_pathway(JSONOID, type, COERCION_EXPLICIT, &cast) == COERCION_PATH_FUNC && is_of_others(cast);
}

// Whether values of a type need no function of PostgreSQL's: texts, numbers that are bigint, times.
bool
is_rendered_here(Oid type)
{
    return type == TEXTOID || type == VARCHAROID || type == JSONOID || type == INT8OID || type == TIMESTAMPTZOID;
}

ParamListInfo
parameters_of(const Arguments &arguments)
{
    const ParamListInfo parameters = makeParamList(arguments.count);
    for (int i = 0; i < arguments.count; i++)
        parameters->params[i] = {.value = arguments.values[i],
                                 .isnull = arguments.nulls[i] == 'n',
                                 .pflags = PARAM_FLAG_CONST,
                                 .ptype = arguments.types[i]};
    return parameters;
}

void
set_format(const char *name, const char *value)
{
    set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

}  // namespace

int
fix_formats()
{
    const int level = NewGUCNestLevel();
    set_format("TimeZone", "UTC");
    set_format("DateStyle", "ISO, YMD");
    set_format("IntervalStyle", "postgres");
    set_format("extra_float_digits", "1");
    set_format("bytea_output", "hex");
    set_format("lc_monetary", "C");
    set_format("quote_all_identifiers", "off");
    return level;
}

void
read_with_fixed_formats(const Sql &statement, const Arguments &arguments, const RowSet &rows)
{
    const int level = fix_formats();
    set_search_path("pg_catalog, pg_temp");
    SPIExecuteOptions options = {};
    options.params = parameters_of(arguments);
    options.read_only = true;
    options.dest = rows.receiver();
    const int result = SPI_execute_extended(statement.text(), &options);
    AtEOXact_GUC(true, level);
    if (result != SPI_OK_SELECT)
        elog(ERROR, "could not execute a query of crm_concurrency: %s", SPI_result_code_string(result));
}

void
ValueRenderer::add_size(std::int64_t bytes)
{
    json.open_object();
    json.key("omitted_bytes");
    json.number(bytes);
    json.close_object();
}

bool
ValueRenderer::add(Datum value, bool is_null, Oid type)
{
    if (is_null)
    {
        json.null();
        return true;
    }
    const Oid base = is_rendered_here(type) ? type : getBaseType(type);
    if (base == INT8OID)
    {
        json.number(DatumGetInt64(value));
        return true;
    }
    if (base == TIMESTAMPTZOID)
    {
        json.time({DatumGetTimestampTz(value)});
        return true;
    }
    const bool is_text = is_rendered_here(base);
    if (is_text || get_typlen(type) == -1)
    {
        const std::int64_t size = static_cast<std::int64_t>(toast_raw_datum_size(value));
        if (size > std::min(largest_value, room))
        {
            add_size(size);
            return false;
        }
    }
    if (!is_text)
        return add_by_function(value, type);
    const varlena *plain = pg_detoast_datum_packed(reinterpret_cast<varlena *>(DatumGetPointer(value)));
    const std::string_view text{VARDATA_ANY(plain), VARSIZE_ANY_EXHDR(plain)};
    room -= static_cast<std::int64_t>(text.size());
    json.text(text);
    return true;
}

bool
ValueRenderer::add_by_function(Datum value, Oid type)
{
    if (settings_level == 0)
    {
        settings_level = fix_formats();
        // Names of tables are shown with their schemas.
        set_search_path("pg_catalog, pg_temp");
    }
    if (calls_cast_of_others(type))
    {
        Oid output;
        bool is_varlena;
        getTypeOutputInfo(type, &output, &is_varlena);
        const std::string_view text = OidOutputFunctionCall(output, value);
        if (static_cast<std::int64_t>(text.size()) > room)
        {
            add_size(static_cast<std::int64_t>(text.size()));
            return false;
        }
        room -= static_cast<std::int64_t>(text.size());
        json.text(text);
        return true;
    }
    // to_jsonb is polymorphic: it reads the type of its argument from the call's expression.
    FmgrInfo function;
    fmgr_info(F_TO_JSONB, &function);
    FuncExpr *call = makeFuncExpr(F_TO_JSONB, JSONBOID, list_make1(makeNullConst(type, -1, InvalidOid)), InvalidOid,
                                  InvalidOid, COERCE_EXPLICIT_CALL);
    fmgr_info_set_expr(reinterpret_cast<Node *>(call), &function);
    const Datum rendered = FunctionCall1(&function, value);
    const std::int64_t size = VARSIZE_ANY(DatumGetPointer(rendered));
    if (size > room)
    {
        add_size(size);
        return false;
    }
    room -= size;
    json.jsonb(rendered);
    return true;
}

void
ValueRenderer::finish()
{
    if (settings_level != 0)
        AtEOXact_GUC(true, settings_level);
    settings_level = 0;
}

RowAsJson
row_as_json(TupleDesc columns, const Datum *values, const bool *nulls, const bool *left_out)
{
    JsonBuilder json;
    ValueRenderer renderer{json};
    List *omitted = NIL;
    json.open_object();
    for (int i = 0; i < columns->natts; i++)
    {
        const FormData_pg_attribute *column = TupleDescAttr(columns, i);
        if (left_out[i])
            continue;
        json.key(NameStr(column->attname));
        if (!renderer.add(values[i], nulls[i], column->atttypid))
            omitted = lappend(omitted, pstrdup(NameStr(column->attname)));
    }
    renderer.finish();
    json.close_object();
    return {json.finish(), omitted};
}

}  // namespace crm
