#pragma once

#include "../boundary/pg.h"

// Columns by which an application checks what it saves, beside the version: every change that leaves them alone bumps them.
namespace crm {

struct BumpedColumn
{
    AttrNumber column;
    Oid type;
    std::int32_t typmod;
};

using BumpedColumns = std::span<const BumpedColumn>;

// Whether columns of the type can be bumped: integers, and times.
bool can_be_bumped(Oid type);

bool is_bumped(BumpedColumns columns, AttrNumber column);

// Calls take(name) for the columns that a jsonb array names; false where it is something else.
template <typename Take>
bool
each_bumped_name(Datum names, Take take)
{
    Jsonb *array = DatumGetJsonbP(names);
    if (!JB_ROOT_IS_ARRAY(array) || JB_ROOT_IS_SCALAR(array))
        return false;
    for (std::uint32_t i = 0; i < JB_ROOT_COUNT(array); i++)
    {
        const JsonbValue *name = getIthJsonbValueFromContainer(&array->root, i);
        if (name->type != jbvString)
            return false;
        take(pnstrdup(name->val.string.val, name->val.string.len));
    }
    return true;
}

// Those that the registry names for a table, as text of jsonb, in the current memory context. A column that is there no longer, or
// has another type, is none of them; nor is one of those left out, whose owner may have given it the name of another.
BumpedColumns bumped_columns_of(Oid table, std::string_view registered, std::initializer_list<AttrNumber> left_out);

}  // namespace crm
