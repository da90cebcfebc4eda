#pragma once

#include "../boundary/pg.h"

// The columns of an attached table that belong together, and merge as one field.
namespace crm {

using MergeGroup = std::span<const AttrNumber>;

struct MergeGroups
{
    std::span<const MergeGroup> groups;
    bool is_broken;  // a column of one is not there by its name: nothing can be merged

    // The group of a column; empty where it is in none.
    MergeGroup of(AttrNumber column) const;
};

// Calls take(group, name), with groups counted from 0, for the columns that jsonb groups name, an array of arrays of strings; false where it is something else, or
// has a group of fewer than two columns.
template <typename Take>
bool
each_group_column(Datum groups, Take take)
{
    Jsonb *json = DatumGetJsonbP(groups);
    if (!JB_ROOT_IS_ARRAY(json) || JB_ROOT_IS_SCALAR(json))
        return false;
    JsonbIterator *iterator = JsonbIteratorInit(&json->root);
    JsonbValue value;
    int depth = 0;
    int columns = 0;
    std::size_t group = 0;
    for (;;)
        switch (JsonbIteratorNext(&iterator, &value, false))
        {
            case WJB_BEGIN_ARRAY:
                if (++depth > 2)
                    return false;
                columns = 0;
                break;
            case WJB_ELEM:
                if (depth != 2 || value.type != jbvString)
                    return false;
                columns++;
                take(group, pnstrdup(value.val.string.val, value.val.string.len));
                break;
            case WJB_END_ARRAY:
                if (depth-- == 1)
                    break;
                if (columns < 2)
                    return false;
                group++;
                break;
            case WJB_DONE:
                return true;
            default:
                return false;
        }
}

// The groups that the registry has for a table, as text of jsonb, in the current memory context.
MergeGroups merge_groups_of(Oid table, std::string_view registered);

}  // namespace crm
