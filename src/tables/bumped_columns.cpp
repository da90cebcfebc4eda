#include "bumped_columns.h"

namespace crm {

bool
can_be_bumped(Oid type)
{
    switch (type)
    {
        case INT2OID:
        case INT4OID:
        case INT8OID:
        case TIMESTAMPOID:
        case TIMESTAMPTZOID:
            return true;
        default:
            return false;
    }
}

bool
is_bumped(BumpedColumns columns, AttrNumber column)
{
    return std::ranges::find(columns, column, &BumpedColumn::column) != columns.end();
}

BumpedColumns
bumped_columns_of(Oid table, std::string_view registered, std::initializer_list<AttrNumber> left_out)
{
    if (registered.empty())
        return {};
    const Datum names = DirectFunctionCall1(jsonb_in, CStringGetDatum(pnstrdup(registered.data(), registered.size())));
    std::size_t count = 0;
    each_bumped_name(names, [&count](const char *) { count++; });
    BumpedColumn *columns = static_cast<BumpedColumn *>(palloc0((count + 1) * sizeof(BumpedColumn)));
    std::size_t found = 0;
    each_bumped_name(names, [&](const char *name) {
        BumpedColumn &column = columns[found];
        column.column = get_attnum(table, name);
        if (column.column <= 0 || std::ranges::find(left_out, column.column) != left_out.end() ||
            get_attgenerated(table, column.column) != '\0')
            return;
        Oid collation;
        get_atttypetypmodcoll(table, column.column, &column.type, &column.typmod, &collation);
        if (can_be_bumped(column.type))
            found++;
    });
    return {columns, found};
}

}  // namespace crm
