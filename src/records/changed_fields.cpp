#include "fields.h"

#include "../boundary/value_json.h"

namespace crm {

namespace {

// The values of a row; all null where there is no row.
struct Row
{
    Datum *values;
    bool *nulls;
};

Row
values_of(HeapTuple row, TupleDesc columns)
{
    const Row values = {static_cast<Datum *>(palloc(columns->natts * sizeof(Datum))),
                        static_cast<bool *>(palloc(columns->natts))};
    if (row == nullptr)
        std::fill_n(values.nulls, columns->natts, true);
    else
        heap_deform_tuple(row, columns, values.values, values.nulls);
    return values;
}

// Whether both are the same value out of line, which an update keeps without reading it.
bool
is_same_toast(Datum a, Datum b)
{
    const struct varlena *x = reinterpret_cast<struct varlena *>(DatumGetPointer(a));
    const struct varlena *y = reinterpret_cast<struct varlena *>(DatumGetPointer(b));
    return VARATT_IS_EXTERNAL_ONDISK(x) && VARATT_IS_EXTERNAL_ONDISK(y) && std::memcmp(x, y, VARSIZE_EXTERNAL(x)) == 0;
}

bool
differ(const Row &a, const Row &b, int i, const FormData_pg_attribute *column)
{
    if (a.nulls[i] || b.nulls[i])
        return a.nulls[i] != b.nulls[i];
    if (column->attlen == -1 && is_same_toast(a.values[i], b.values[i]))
        return false;
    return !datum_image_eq(a.values[i], b.values[i], column->attbyval, column->attlen);
}

// Adds a value of one of the rows, if there is that row; false where the value was left out for its size.
bool
add(JsonBuilder &json, ValueRenderer &renderer, HeapTuple row, std::string_view key, Datum value, bool is_null,
    Oid type)
{
    if (row == nullptr)
        return true;
    json.key(key);
    return renderer.add(value, is_null, type);
}

}  // namespace

std::optional<Datum>
changed_fields(const AttachedTable &table, TupleDesc columns, HeapTuple before, HeapTuple after)
{
    JsonBuilder json;
    ValueRenderer renderer{json};
    const Row from = values_of(before, columns);
    const Row to = values_of(after, columns);

    for (int i = 0; i < columns->natts; i++)
    {
        const FormData_pg_attribute *column = TupleDescAttr(columns, i);
        // What is generated follows from the other columns, what is bumped from the version.
        if (column->attisdropped || column->attgenerated != '\0' || column->attnum == table->customers.key ||
            column->attnum == table->customers.status || column->attnum == table->customers.version ||
            is_bumped(table->also_bump, column->attnum))
            continue;
        if (!differ(from, to, i, column))
            continue;
        if (json.is_empty())
            json.open_object();
        json.key(NameStr(column->attname));
        json.open_object();
        const bool has_from = add(json, renderer, before, "from", from.values[i], from.nulls[i], column->atttypid);
        const bool has_to = add(json, renderer, after, "to", to.values[i], to.nulls[i], column->atttypid);
        // A value may look like the size of one that is left out.
        if (!has_from || !has_to)
        {
            json.key("omitted");
            json.open_array();
            if (!has_from)
                json.text("from");
            if (!has_to)
                json.text("to");
            json.close_array();
        }
        json.close_object();
    }
    renderer.finish();
    if (json.is_empty())
        return std::nullopt;
    json.close_object();
    return json.finish();
}

Datum
erased_fields()
{
    JsonBuilder json;
    json.open_object();
    json.key("");
    json.text("erased");
    json.close_object();
    return json.finish();
}

}  // namespace crm
