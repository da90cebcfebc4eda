#include "bare_plan.h"

namespace crm {

namespace {

// The columns of this table that a foreign key is about.
Bitmapset *
add_columns_of(Oid constraint, AttrNumber which, Bitmapset *columns)
{
    HeapTuple tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
    if (!HeapTupleIsValid(tuple))
        return columns;
    bool is_null;
    const Datum stored = SysCacheGetAttr(CONSTROID, tuple, which, &is_null);
    if (!is_null)
    {
        const ArrayType *array = DatumGetArrayTypeP(stored);
        const std::span numbers(reinterpret_cast<const std::int16_t *>(ARR_DATA_PTR(array)), ARR_DIMS(array)[0]);
        for (const std::int16_t number : numbers)
            columns = bms_add_member(columns, number);
    }
    ReleaseSysCache(tuple);
    return columns;
}

// Whether all row triggers of a command are those of foreign keys; fills in these.
bool
are_foreign_keys(const TriggerDesc *triggers, CmdType command, BareWrite &bare)
{
    for (int i = 0; triggers != nullptr && i < triggers->numtriggers; i++)
    {
        const Trigger &trigger = triggers->triggers[i];
        const bool is_for_command =
            command == CMD_UPDATE ? TRIGGER_FOR_UPDATE(trigger.tgtype) : TRIGGER_FOR_INSERT(trigger.tgtype);
        if (!is_for_command || !TRIGGER_FOR_ROW(trigger.tgtype))
            continue;
        const int type = RI_FKey_trigger_type(trigger.tgfoid);
        if (type == RI_TRIGGER_NONE)
            return false;
        bare.constraints = list_append_unique_oid(bare.constraints, trigger.tgconstraint);
        bare.in_keys = add_columns_of(trigger.tgconstraint,
                                      type == RI_TRIGGER_FK ? Anum_pg_constraint_conkey : Anum_pg_constraint_confkey,
                                      bare.in_keys);
    }
    return true;
}

// The column of an expression that is nothing but a column; 0 for others.
AttrNumber
column_in(const Node *expression)
{
    if (expression == nullptr || !IsA(expression, Var))
        return 0;
    return std::max<AttrNumber>(reinterpret_cast<const Var *>(expression)->varattno, 0);
}

// The column that rows in a partial index have a value in; empty for other conditions.
std::optional<AttrNumber>
column_of_condition(List *conditions)
{
    if (conditions == NIL)
        return 0;
    if (list_length(conditions) != 1)
        return std::nullopt;
    const NullTest *test = static_cast<const NullTest *>(linitial(conditions));
    if (!IsA(test, NullTest) || test->nulltesttype != IS_NOT_NULL || test->argisrow)
        return std::nullopt;
    const AttrNumber column = column_in(reinterpret_cast<const Node *>(test->arg));
    return column > 0 ? std::optional{column} : std::nullopt;
}

// The column whose null meets a CHECK constraint: one that is to be null, or without which a comparison has no result.
AttrNumber
met_by_null(const Node *check)
{
    if (IsA(check, NullTest))
    {
        const NullTest *test = reinterpret_cast<const NullTest *>(check);
        return column_in(test->nulltesttype == IS_NULL ? reinterpret_cast<const Node *>(test->arg) : nullptr);
    }
    if (!IsA(check, OpExpr) || !func_strict(get_opcode(reinterpret_cast<const OpExpr *>(check)->opno)))
        return 0;
    return column_in(static_cast<const Node *>(linitial(reinterpret_cast<const OpExpr *>(check)->args)));
}

// The CHECK constraints that are enforced.
std::span<const BareCheck>
bare_checks(const TupleConstr &constraints, std::span<ExprState *const> states)
{
    BareCheck *checks = static_cast<BareCheck *>(palloc(states.size() * sizeof(BareCheck)));
    std::size_t count = 0;
    for (std::size_t i = 0; i < states.size(); i++)
        if (states[i] != nullptr)
            checks[count++] = {states[i], met_by_null(static_cast<Node *>(stringToNode(constraints.check[i].ccbin)))};
    return {checks, count};
}

// The column of which an index keeps the least and the greatest time of each range of blocks; 0 for other indexes.
AttrNumber
summarized_column(Relation relation, Relation index)
{
    if (index->rd_rel->relam != BRIN_AM_OID || IndexRelationGetNumberOfAttributes(index) != 1 ||
        index_getprocid(index, 1, BRIN_PROCNUM_OPCINFO) != F_BRIN_MINMAX_OPCINFO)
        return 0;
    const AttrNumber number = index->rd_index->indkey.values[0];
    const FormData_pg_attribute *column = number > 0 ? TupleDescAttr(RelationGetDescr(relation), number - 1) : nullptr;
    const bool is_time = column != nullptr && column->atttypid == TIMESTAMPTZOID && column->attnotnull;
    return is_time ? number : AttrNumber{0};
}

// Whether the index can be written so; fills in how.
bool
fill_index(Relation relation, const PreparedIndex &known, BareIndex &bare)
{
    Relation index = index_open(known.index, AccessShareLock);
    const bool is_btree = index->rd_rel->relam == BTREE_AM_OID;
    const std::optional<AttrNumber> covers = column_of_condition(known.info->ii_Predicate);
    const bool is_possible = covers && known.info->ii_Expressions == NIL && known.info->ii_ExclusionOps == nullptr &&
                             index->rd_index->indimmediate && (is_btree || index->rd_rel->relam == BRIN_AM_OID);
    bare = {known.index, known.info, covers.value_or(0), is_btree, summarized_column(relation, index)};
    index_close(index, NoLock);
    return is_possible;
}

}  // namespace

BareWrite *
bare_write(Relation relation, CmdType command, const PreparedWrite &prepared)
{
    const TupleDesc columns = RelationGetDescr(relation);
    const TupleConstr *constraints = columns->constr;
    if (prepared.calls_others || (constraints != nullptr && constraints->has_generated_stored))
        return nullptr;
    BareWrite *bare = static_cast<BareWrite *>(palloc0(sizeof(BareWrite)));
    if (!are_foreign_keys(prepared.result->ri_TrigDesc, command, *bare))
        return nullptr;

    BareIndex *indexes = static_cast<BareIndex *>(palloc(prepared.indexes.size() * sizeof(BareIndex) + 1));
    std::size_t count = 0;
    for (const PreparedIndex &known : prepared.indexes)
        if (!fill_index(relation, known, indexes[count++]))
            return nullptr;
    bare->indexes = {indexes, count};

    if (constraints != nullptr && constraints->num_check > 0)
        bare->checks = bare_checks(*constraints, prepared_checks(prepared.result, constraints->num_check));
    bare->defaults = command == CMD_INSERT ? prepared.defaults : nullptr;
    bare->context = CreateStandaloneExprContext();
    bare->row = MakeSingleTupleTableSlot(CreateTupleDescCopy(columns), &TTSOpsVirtual);
    return bare;
}

}  // namespace crm
