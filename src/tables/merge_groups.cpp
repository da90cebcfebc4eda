#include "merge_groups.h"

namespace crm {

MergeGroup
MergeGroups::of(AttrNumber column) const
{
    // Columns that are not there have no number.
    for (const MergeGroup &group : groups)
        if (column > 0 && std::ranges::find(group, column) != group.end())
            return group;
    return {};
}

MergeGroups
merge_groups_of(Oid table, std::string_view registered)
{
    if (registered.empty())
        return {};
    const Datum json = DirectFunctionCall1(jsonb_in, CStringGetDatum(pnstrdup(registered.data(), registered.size())));
    // The columns are counted first, for the spans point to them.
    std::size_t group_count = 0, column_count = 0;
    const bool is_well_formed = each_group_column(json, [&](std::size_t group, const char *) {
        group_count = group + 1;
        column_count++;
    });
    if (!is_well_formed)
        return {.groups = {}, .is_broken = true};

    MergeGroup *groups = static_cast<MergeGroup *>(palloc0(group_count * sizeof(MergeGroup)));
    AttrNumber *columns = static_cast<AttrNumber *>(palloc(column_count * sizeof(AttrNumber)));
    bool is_broken = false;
    each_group_column(json, [&](std::size_t group, const char *name) {
        *columns = get_attnum(table, name);
        is_broken = is_broken || *columns <= 0;
        groups[group] =
            groups[group].empty() ? MergeGroup{columns, 1} : MergeGroup{groups[group].data(), groups[group].size() + 1};
        columns++;
    });
    return {{groups, group_count}, is_broken};
}

}  // namespace crm
