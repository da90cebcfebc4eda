#include "bare_write.h"

namespace crm {

// An index that is written.
struct BareIndex
{
    Oid index;
    IndexInfo *info;
    AttrNumber covers;  // the rows that have a value in this column; 0 for all
    bool is_btree;
};

// A CHECK constraint.
struct BareCheck
{
    ExprState *state;
    AttrNumber met_by_null;  // it is met where this column is null; 0 for none
};

struct BareWrite
{
    ExprContext *context;  // of defaults and CHECK constraints
    TupleTableSlot *row;   // that CHECK constraints look at
    std::span<const BareCheck> checks;
    ExprState **defaults;
    std::span<const BareIndex> indexes;
    List *constraints;   // the foreign keys that a write may have to check, as OIDs
    Bitmapset *in_keys;  // the columns that these are about, by attribute number
};

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

// Whether an index calls PostgreSQL's functions alone: it is written as whoever writes.
bool
is_builtin(Relation index)
{
    if (index->rd_rel->relam != BTREE_AM_OID && index->rd_rel->relam != BRIN_AM_OID)
        return false;
    for (int i = 1; i <= IndexRelationGetNumberOfKeyAttributes(index); i++)
        for (std::uint16_t number = 1; number <= index->rd_indam->amsupport; number++)
            if (index_getprocid(index, static_cast<AttrNumber>(i), number) >= FirstGenbkiObjectId)
                return false;
    return true;
}

// Whether the index can be written so; fills in how.
bool
fill_index(const PreparedIndex &known, BareIndex &bare)
{
    Relation index = index_open(known.index, AccessShareLock);
    const std::optional<AttrNumber> covers = column_of_condition(known.info->ii_Predicate);
    const bool is_possible = covers && known.info->ii_Expressions == NIL && known.info->ii_ExclusionOps == nullptr &&
                             index->rd_index->indimmediate && is_builtin(index);
    bare = {known.index, known.info, covers.value_or(0), index->rd_rel->relam == BTREE_AM_OID};
    index_close(index, NoLock);
    return is_possible;
}

// Whether NOT NULL and CHECK constraints are met.
bool
meets_constraints(Relation relation, const BareWrite &bare, const NewRow &row)
{
    const TupleDesc columns = RelationGetDescr(relation);
    for (int i = 0; i < columns->natts; i++)
        if (row.nulls[i] && TupleDescAttr(columns, i)->attnotnull)
            return false;
    const auto is_to_be_evaluated = [&row](const BareCheck &check) {
        return check.met_by_null == 0 || !row.nulls[check.met_by_null - 1];
    };
    if (std::ranges::none_of(bare.checks, is_to_be_evaluated))
        return true;

    ExecClearTuple(bare.row);
    std::memcpy(bare.row->tts_values, row.values, columns->natts * sizeof(Datum));
    std::memcpy(bare.row->tts_isnull, row.nulls, columns->natts * sizeof(bool));
    ExecStoreVirtualTuple(bare.row);
    bare.row->tts_tableOid = RelationGetRelid(relation);
    bare.context->ecxt_scantuple = bare.row;
    const bool are_met = std::ranges::all_of(bare.checks, [&](const BareCheck &check) {
        return !is_to_be_evaluated(check) || ExecCheck(check.state, bare.context);
    });
    ExecClearTuple(bare.row);
    return are_met;
}

// Whether the values of an index are those that they were, as the executor tells its access method.
bool
is_unchanged(const IndexInfo &info, List *updated_columns)
{
    for (int i = 0; i < info.ii_NumIndexKeyAttrs; i++)
        if (list_member_int(updated_columns, info.ii_IndexAttrNumbers[i]))
            return false;
    return true;
}

void
insert_entry(Relation relation, Relation index, const BareIndex &bare, const NewRow &row, ItemPointer tid,
             bool is_unchanged)
{
    Datum entry[INDEX_MAX_KEYS];
    bool is_null[INDEX_MAX_KEYS];
    for (int i = 0; i < bare.info->ii_NumIndexAttrs; i++)
    {
        const int column = bare.info->ii_IndexAttrNumbers[i] - 1;
        entry[i] = row.values[column];
        is_null[i] = row.nulls[column];
    }
    const IndexUniqueCheck check = index->rd_index->indisunique ? UNIQUE_CHECK_YES : UNIQUE_CHECK_NO;
    if (bare.is_btree)
    {
        index_insert(index, entry, is_null, tid, relation, check, is_unchanged, bare.info);
        return;
    }
    // It keeps something there until the end of the statement.
    IndexInfo info = *bare.info;
    info.ii_Context = CurrentMemoryContext;
    info.ii_AmCache = nullptr;
    index_insert(index, entry, is_null, tid, relation, check, is_unchanged, &info);
    clean_up_insertion(index, &info);
}

void
insert_entries(Relation relation, const BareWrite &bare, IndexesToUpdate which, const NewRow &row, ItemPointer tid,
               List *updated_columns)
{
    for (const BareIndex &known : bare.indexes)
    {
        if (known.covers != 0 && row.nulls[known.covers - 1])
            continue;
        Relation index = index_open(known.index, RowExclusiveLock);
        if (index->rd_index->indisready && (which == IndexesToUpdate::all || is_summarizing(index)))
            insert_entry(relation, index, known, row, tid,
                         updated_columns != NIL && is_unchanged(*known.info, updated_columns));
        index_close(index, NoLock);
    }
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
        if (!fill_index(known, indexes[count++]))
            return nullptr;
    bare->indexes = {indexes, count};

    if (constraints != nullptr && constraints->num_check > 0)
        bare->checks = bare_checks(*constraints, prepared_checks(prepared.result, constraints->num_check));
    bare->defaults = command == CMD_INSERT ? prepared.defaults : nullptr;
    bare->context = CreateStandaloneExprContext();
    bare->row = MakeSingleTupleTableSlot(CreateTupleDescCopy(columns), &TTSOpsVirtual);
    return bare;
}

bool
may_insert_bare(const PreparedWrite *prepared, std::span<const Oid> skipped_constraints)
{
    if (prepared == nullptr || prepared->bare == nullptr)
        return false;
    ListCell *cell;
    foreach (cell, prepared->bare->constraints)
        if (std::ranges::find(skipped_constraints, lfirst_oid(cell)) == skipped_constraints.end())
            return false;
    return true;
}

bool
may_update_bare(const PreparedWrite *prepared, List *updated_columns, TupleTableSlot *locked)
{
    if (prepared == nullptr || prepared->bare == nullptr)
        return false;
    if (prepared->bare->constraints == NIL)
        return true;
    ListCell *cell;
    foreach (cell, updated_columns)
        if (bms_is_member(lfirst_int(cell), prepared->bare->in_keys))
            return false;
    // The check of a row that this transaction inserted may be due yet, and looks at the newest version of it.
    bool is_null;
    const Datum writer = slot_getsysattr(locked, MinTransactionIdAttributeNumber, &is_null);
    return !TransactionIdIsCurrentTransactionId(DatumGetTransactionId(writer));
}

void
fill_defaults(const BareWrite &bare, NewRow &row)
{
    ResetExprContext(bare.context);
    for (int i = 0; i < row.count; i++)
        if (!row.given[i] && bare.defaults[i] != nullptr)
        {
            row.values[i] = ExecEvalExprSwitchContext(bare.defaults[i], bare.context, &row.nulls[i]);
            row.given[i] = true;
        }
}

bool
insert_bare(Relation relation, const BareWrite &bare, const NewRow &row)
{
    if (!meets_constraints(relation, bare, row))
        return false;
    HeapTuple tuple = heap_form_tuple(RelationGetDescr(relation), row.values, row.nulls);
    tuple->t_tableOid = RelationGetRelid(relation);
    heap_insert(relation, tuple, GetCurrentCommandId(true), 0, nullptr);
    insert_entries(relation, bare, IndexesToUpdate::all, row, &tuple->t_self, NIL);
    return true;
}

HeapTuple
update_bare(Relation relation, const BareWrite &bare, List *updated_columns, TupleTableSlot *locked, const NewRow &row)
{
    ResetExprContext(bare.context);
    if (!meets_constraints(relation, bare, row))
        return nullptr;
    CheckCmdReplicaIdentity(relation, CMD_UPDATE);
    HeapTuple tuple = heap_form_tuple(RelationGetDescr(relation), row.values, row.nulls);
    tuple->t_tableOid = RelationGetRelid(relation);
    const IndexesToUpdate which = update_locked_row(relation, &locked->tts_tid, tuple);
    if (which != IndexesToUpdate::none)
        insert_entries(relation, bare, which, row, &tuple->t_self, updated_columns);
    return tuple;
}

}  // namespace crm
