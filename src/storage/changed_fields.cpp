#include "changed_fields.h"

#include "../boundary/value_json.h"

namespace crm {

namespace {

struct Field
{
    Datum value = static_cast<Datum>(0);
    bool is_null = true;
};

Field
field_of(HeapTuple row, AttrNumber column, TupleDesc columns)
{
    Field field;
    if (row != nullptr)
        field.value = heap_getattr(row, column, columns, &field.is_null);
    return field;
}

// Whether both are the same value out of line, which an update keeps without reading it.
bool
is_same_toast(Datum a, Datum b)
{
    const struct varlena *x = reinterpret_cast<struct varlena *>(DatumGetPointer(a));
    const struct varlena *y = reinterpret_cast<struct varlena *>(DatumGetPointer(b));
    return VARATT_IS_EXTERNAL_ONDISK(x) && VARATT_IS_EXTERNAL_ONDISK(y) &&
           std::memcmp(x, y, VARSIZE_EXTERNAL(x)) == 0;
}

bool
differ(const Field &a, const Field &b, const FormData_pg_attribute *column)
{
    if (a.is_null || b.is_null)
        return a.is_null != b.is_null;
    if (column->attlen == -1 && is_same_toast(a.value, b.value))
        return false;
    return !datum_image_eq(a.value, b.value, column->attbyval, column->attlen);
}

}  // namespace

std::optional<Datum>
changed_fields(const AttachedTable &table, TupleDesc columns, HeapTuple before, HeapTuple after)
{
    JsonBuilder json;
    ValueRenderer renderer{json};

    for (int i = 0; i < columns->natts; i++)
    {
        const FormData_pg_attribute *column = TupleDescAttr(columns, i);
        if (column->attisdropped || column->attnum == table.key || column->attnum == table.status ||
            column->attnum == table.version)
            continue;
        const Field from = field_of(before, column->attnum, columns);
        const Field to = field_of(after, column->attnum, columns);
        if (!differ(from, to, column))
            continue;
        if (json.is_empty())
            json.open_object();
        json.key(NameStr(column->attname));
        json.open_object();
        if (before != nullptr)
        {
            json.key("from");
            renderer.add(from.value, from.is_null, column->atttypid);
        }
        if (after != nullptr)
        {
            json.key("to");
            renderer.add(to.value, to.is_null, column->atttypid);
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
