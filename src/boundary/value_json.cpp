#include "value_json.h"

#include "role.h"
#include "spi.h"

extern "C" {
#include "utils/fmgroids.h"
}

namespace crm {

namespace {

constexpr std::int64_t largest_value = 16 * 1024 * 1024;

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

std::uint64_t
read_with_fixed_formats(const char *sql, const Arguments &arguments)
{
    const int level = fix_formats();
    set_search_path("pg_catalog, pg_temp");
    const int result =
        SPI_execute_with_args(sql, arguments.count, const_cast<Oid *>(arguments.types),
                              const_cast<Datum *>(arguments.values), arguments.nulls, true, 0);
    AtEOXact_GUC(true, level);
    if (result != SPI_OK_SELECT)
        elog(ERROR, "could not execute a query of crm_concurrency: %s", SPI_result_code_string(result));
    return SPI_processed;
}

void
ValueRenderer::add(Datum value, bool is_null, Oid type)
{
    if (is_null)
    {
        json.null();
        return;
    }
    if (get_typlen(type) == -1 && static_cast<std::int64_t>(toast_raw_datum_size(value)) > largest_value)
    {
        json.open_object();
        json.key("omitted_bytes");
        json.number(static_cast<std::int64_t>(toast_raw_datum_size(value)));
        json.close_object();
        return;
    }
    switch (getBaseType(type))
    {
        case TEXTOID:
        case VARCHAROID:
        case JSONOID:
            json.text(text_of(value));
            break;
        case INT8OID:
            json.number(DatumGetInt64(value));
            break;
        case TIMESTAMPTZOID:
            json.time({DatumGetTimestampTz(value)});
            break;
        default:
            add_by_to_jsonb(value, type);
    }
}

void
ValueRenderer::add_by_to_jsonb(Datum value, Oid type)
{
    if (settings_level == 0)
    {
        settings_level = fix_formats();
        // Names of tables are shown with their schemas.
        set_search_path("pg_catalog, pg_temp");
    }
    // to_jsonb is polymorphic: it reads the type of its argument from the call's expression.
    FmgrInfo function;
    fmgr_info(F_TO_JSONB, &function);
    FuncExpr *call = makeFuncExpr(F_TO_JSONB, JSONBOID, list_make1(makeNullConst(type, -1, InvalidOid)), InvalidOid,
                                  InvalidOid, COERCE_EXPLICIT_CALL);
    fmgr_info_set_expr(reinterpret_cast<Node *>(call), &function);
    json.jsonb(FunctionCall1(&function, value));
}

void
ValueRenderer::finish()
{
    if (settings_level != 0)
        AtEOXact_GUC(true, settings_level);
    settings_level = 0;
}

Datum
row_as_json(TupleDesc columns, const Datum *values, const bool *nulls, const bool *left_out)
{
    JsonBuilder json;
    ValueRenderer renderer{json};
    json.open_object();
    for (int i = 0; i < columns->natts; i++)
    {
        const FormData_pg_attribute *column = TupleDescAttr(columns, i);
        if (left_out[i])
            continue;
        json.key(NameStr(column->attname));
        renderer.add(values[i], nulls[i], column->atttypid);
    }
    renderer.finish();
    json.close_object();
    return json.finish();
}

}  // namespace crm
