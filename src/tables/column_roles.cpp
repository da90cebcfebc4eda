#include "column_roles.h"

#include "status.h"

namespace crm {

namespace {

bool
is_time(Relation customers, AttrNumber column)
{
    return getBaseType(TupleDescAttr(RelationGetDescr(customers), column - 1)->atttypid) == TIMESTAMPTZOID;
}

// Whether a column cannot but be the version, whatever became of its type.
bool
is_no_status(Relation customers, AttrNumber column)
{
    return !can_be_status(TupleDescAttr(RelationGetDescr(customers), column - 1)->atttypid);
}

// Finds the version among one or two columns besides the key; the other one is the status.
std::optional<ColumnRoles>
told_apart(Relation customers, AttrNumber key, std::span<const AttrNumber> columns)
{
    for (const auto is_version : {is_time, is_no_status})
    {
        ColumnRoles roles = {key, InvalidAttrNumber, InvalidAttrNumber};
        std::size_t versions = 0;
        for (const AttrNumber column : columns)
        {
            if (column == key)
                continue;
            const bool is_its_version = is_version(customers, column);
            versions += is_its_version ? 1 : 0;
            (is_its_version ? roles.version : roles.status) = column;
        }
        if (versions == 1)
            return roles;
    }
    return std::nullopt;
}

}  // namespace

AttrNumber
primary_key(Oid table)
{
    Oid constraint;
    Bitmapset *columns = get_primary_key_attnos(table, false, &constraint);
    if (columns == nullptr || bms_membership(columns) != BMS_SINGLETON)
        return InvalidAttrNumber;
    return static_cast<AttrNumber>(bms_singleton_member(columns) + FirstLowInvalidHeapAttributeNumber);
}

Oid
column_roles_object(Relation customers)
{
    Oid found = InvalidOid;
    ListCell *cell;
    foreach (cell, RelationGetStatExtList(customers))
    {
        HeapTuple tuple = SearchSysCache1(STATEXTOID, ObjectIdGetDatum(lfirst_oid(cell)));
        if (!HeapTupleIsValid(tuple))
            continue;
        const auto *form = reinterpret_cast<FormData_pg_statistic_ext *>(GETSTRUCT(tuple));
        if (std::string_view{NameStr(form->stxname)}.ends_with(column_roles_label))
            found = lfirst_oid(cell);
        ReleaseSysCache(tuple);
    }
    return found;
}

std::optional<ColumnRoles>
column_roles(Relation customers, Oid extension_schema)
{
    const Trigger *trigger = find_trigger(customers, key_trigger, extension_schema);
    const std::span<const AttrNumber> guarded = trigger == nullptr
                                                    ? std::span<const AttrNumber>{}
                                                    : std::span<const AttrNumber>(trigger->tgattr, trigger->tgnattr);
    if (guarded.size() == 2)
        return ColumnRoles{guarded[0], InvalidAttrNumber, guarded[1]};
    if (guarded.size() == 3)
        return ColumnRoles{guarded[0], guarded[1], guarded[2]};

    const Oid object = column_roles_object(customers);
    HeapTuple tuple = OidIsValid(object) ? SearchSysCache1(STATEXTOID, ObjectIdGetDatum(object)) : nullptr;
    if (!HeapTupleIsValid(tuple))
        return std::nullopt;
    const int2vector &columns = reinterpret_cast<FormData_pg_statistic_ext *>(GETSTRUCT(tuple))->stxkeys;
    const AttrNumber key = guarded.empty() ? primary_key(RelationGetRelid(customers)) : guarded[0];
    std::optional<ColumnRoles> roles;
    if (guarded.size() <= 1 && columns.dim1 <= 3)
        roles = told_apart(customers, key, {columns.values, static_cast<std::size_t>(columns.dim1)});
    ReleaseSysCache(tuple);
    return roles;
}

std::optional<ColumnRoles>
column_roles(Oid customers, Oid extension_schema)
{
    Relation relation = RelationIdGetRelation(customers);
    if (!RelationIsValid(relation))
        return std::nullopt;
    const std::optional<ColumnRoles> roles = column_roles(relation, extension_schema);
    RelationClose(relation);
    return roles;
}

}  // namespace crm
