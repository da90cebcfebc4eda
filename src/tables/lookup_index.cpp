#include "lookup_index.h"

namespace crm {

namespace {

// Whether every row with a value in the column is in the index. The condition is looked at as it is stored: relcache would
// call the functions in it.
bool
has_all_values_of(Relation index, AttrNumber column)
{
    bool is_null;
    const Datum stored = SysCacheGetAttr(INDEXRELID, index->rd_indextuple, Anum_pg_index_indpred, &is_null);
    if (is_null)
        return true;
    const NullTest *test = static_cast<const NullTest *>(stringToNode(TextDatumGetCString(stored)));
    return IsA(test, NullTest) && test->nulltesttype == IS_NOT_NULL && IsA(test->arg, Var) &&
           reinterpret_cast<const Var *>(test->arg)->varattno == column;
}

// Whether a look-up in an index with values of these types calls PostgreSQL's own functions alone: it runs as whoever looks.
bool
compares_by_builtin(Relation index, std::span<const Oid> types)
{
    for (int i = 0; i < IndexRelationGetNumberOfKeyAttributes(index); i++)
        if (index_getprocid(index, static_cast<AttrNumber>(i + 1), BTORDER_PROC) >= FirstGenbkiObjectId)
            return false;
    for (std::size_t i = 0; i < types.size(); i++)
    {
        const Oid equal =
            get_opfamily_member(index->rd_opfamily[i], index->rd_opcintype[i], types[i], BTEqualStrategyNumber);
        if (!OidIsValid(equal) || get_opcode(equal) >= FirstGenbkiObjectId)
            return false;
    }
    return true;
}

// Whether a look-up by these columns, compared with values of these types, finds all rows in an index.
bool
serves(Relation index, Relation relation, std::span<const AttrNumber> columns, std::span<const Oid> types)
{
    const FormData_pg_index *form = index->rd_index;
    if (!form->indisvalid || index->rd_rel->relam != BTREE_AM_OID ||
        form->indnkeyatts < static_cast<int>(columns.size()))
        return false;
    for (std::size_t i = 0; i < columns.size(); i++)
        if (form->indkey.values[i] != columns[i] || (index->rd_indoption[i] & INDOPTION_DESC) ||
            index->rd_indcollation[i] != TupleDescAttr(RelationGetDescr(relation), columns[i] - 1)->attcollation)
            return false;
    return compares_by_builtin(index, types) && has_all_values_of(index, columns.back());
}

// How the first columns of an index are compared with values of these types.
LookupIndex
lookup_index(Relation index, std::span<const Oid> types)
{
    LookupIndex lookup = {RelationGetRelid(index), {}};
    for (std::size_t i = 0; i < types.size(); i++)
    {
        const Oid equal =
            get_opfamily_member(index->rd_opfamily[i], index->rd_opcintype[i], types[i], BTEqualStrategyNumber);
        ScanKeyEntryInitialize(&lookup.keys[i], 0, static_cast<AttrNumber>(i + 1), BTEqualStrategyNumber, types[i],
                               index->rd_indcollation[i], get_opcode(equal), static_cast<Datum>(0));
    }
    return lookup;
}

}  // namespace

bool
is_ordinary(Relation relation)
{
    const FormData_pg_class *form = relation->rd_rel;
    return form->relkind == RELKIND_RELATION && !form->relispartition && !form->relhassubclass &&
           relation->rd_rules == nullptr && form->relam == HEAP_TABLE_AM_OID && !has_virtual_columns(relation);
}

LookupIndex
index_of(Relation relation, std::initializer_list<AttrNumber> columns, std::initializer_list<Oid> types)
{
    LookupIndex found = {};
    if (!is_ordinary(relation))
        return found;
    ListCell *cell;
    foreach (cell, RelationGetIndexList(relation))
    {
        Relation index = index_open(lfirst_oid(cell), AccessShareLock);
        if (serves(index, relation, {columns.begin(), columns.size()}, {types.begin(), types.size()}))
            found = lookup_index(index, {types.begin(), types.size()});
        index_close(index, AccessShareLock);
    }
    return found;
}

LookupIndex
key_index(const Customers &customers, Relation relation)
{
    LookupIndex found = {};
    ListCell *cell;
    foreach (cell, RelationGetIndexList(relation))
    {
        Relation index = index_open(lfirst_oid(cell), AccessShareLock);
        const FormData_pg_index *form = index->rd_index;
        if (form->indisunique && form->indimmediate && form->indnkeyatts == 1 &&
            serves(index, relation, std::span(&customers.key, 1), std::span(&customers.key_type, 1)) &&
            heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, nullptr))
            found = lookup_index(index, std::span(&customers.key_type, 1));
        index_close(index, AccessShareLock);
    }
    return found;
}

}  // namespace crm
