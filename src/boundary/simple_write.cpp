#include "simple_write.h"

#include "snapshot.h"

namespace crm {

namespace {

// Minor releases have made the structure larger at its end: what InitResultRelInfo() clears is the server's size of it.
constexpr std::size_t room_for_growth = 256;

bool
calls_other_than_builtin(Oid function, void *)
{
    return function >= FirstGenbkiObjectId;
}

bool
is_whole_row(const Node *node)
{
    return IsA(node, Var) && reinterpret_cast<const Var *>(node)->varattno == InvalidAttrNumber;
}

// A domain, too: its constraints may change while the table's definition stays. And whole rows: what the executor finds out
// about them lives no longer than one write.
bool
has_other_than_builtin(Node *node, void *context)
{
    if (node == nullptr)
        return false;
    if (IsA(node, CoerceToDomain) || IsA(node, ConvertRowtypeExpr) || is_whole_row(node))
        return true;
    if (check_functions_in_node(node, calls_other_than_builtin, context))
        return true;
    return walk_expression(node, has_other_than_builtin, context);
}

ExprState *
prepare_condition(const char *text, EState *estate)
{
    Node *condition = static_cast<Node *>(stringToNode(text));
    if (has_other_than_builtin(condition, nullptr))
        return nullptr;
    // As the executor does for WHEN: OLD and NEW are the inner and the outer row.
    ChangeVarNodes(condition, PRS2_OLD_VARNO, INNER_VAR, 0);
    ChangeVarNodes(condition, PRS2_NEW_VARNO, OUTER_VAR, 0);
    return ExecPrepareQual(make_ands_implicit(reinterpret_cast<Expr *>(condition)), estate);
}

// The CHECK constraints, or nullptr when one of them calls other functions.
ExprState **
prepare_checks(const TupleConstr *constraints, EState *estate)
{
    ExprState **checks = static_cast<ExprState **>(palloc0(constraints->num_check * sizeof(ExprState *)));
    for (int i = 0; i < constraints->num_check; i++)
    {
        // The executor passes by what has no expression.
        if (!is_enforced(constraints->check[i]))
            continue;
        Node *check = static_cast<Node *>(stringToNode(constraints->check[i].ccbin));
        if (has_other_than_builtin(check, nullptr))
            return nullptr;
        checks[i] = ExecPrepareExpr(reinterpret_cast<Expr *>(check), estate);
    }
    return checks;
}

// The defaults by column, or nullptr when one of them calls other functions.
ExprState **
prepare_defaults(Relation relation, EState *estate)
{
    const TupleDesc columns = RelationGetDescr(relation);
    ExprState **defaults = static_cast<ExprState **>(palloc0(columns->natts * sizeof(ExprState *)));
    for (int i = 0; i < columns->natts; i++)
    {
        const FormData_pg_attribute *column = TupleDescAttr(columns, i);
        Node *expression =
            column->attisdropped || column->attgenerated != '\0' ? nullptr : build_column_default(relation, i + 1);
        if (has_other_than_builtin(expression, nullptr))
            return nullptr;
        if (expression != nullptr)
            defaults[i] = ExecPrepareExpr(reinterpret_cast<Expr *>(expression), estate);
    }
    return defaults;
}

// Fills in what an index computes, where it calls PostgreSQL's functions alone; returns whether it does.
bool
prepare_index(IndexInfo *info, EState *estate)
{
    Node *expressions = reinterpret_cast<Node *>(info->ii_Expressions);
    Node *conditions = reinterpret_cast<Node *>(info->ii_Predicate);
    if (has_other_than_builtin(expressions, nullptr) || has_other_than_builtin(conditions, nullptr))
        return false;
    if (expressions != nullptr)
        info->ii_ExpressionsState = ExecPrepareExprList(info->ii_Expressions, estate);
    if (conditions != nullptr)
        info->ii_PredicateState = ExecPrepareQual(info->ii_Predicate, estate);
    return true;
}

template <typename T>
T *
copy_of(const T *from, std::size_t count)
{
    T *copy = static_cast<T *>(palloc(count * sizeof(T)));
    std::memcpy(copy, from, count * sizeof(T));
    return copy;
}

// Keeps triggers of these constraints from being fired by one write.
void
skip_constraints(ResultRelInfo *result, std::span<const Oid> constraints)
{
    if (constraints.empty() || result->ri_TrigDesc == nullptr)
        return;
    result->ri_TrigDesc = copy_of(result->ri_TrigDesc, 1);
    const int count = result->ri_TrigDesc->numtriggers;
    result->ri_TrigDesc->triggers = copy_of(result->ri_TrigDesc->triggers, count);
    for (Trigger &trigger : std::span(result->ri_TrigDesc->triggers, count))
        if (OidIsValid(trigger.tgconstraint) &&
            std::ranges::find(constraints, trigger.tgconstraint) != constraints.end())
            trigger.tgenabled = TRIGGER_DISABLED;
}

// Takes triggers (a list of OIDs) away from what is written.
void
leave_out(ResultRelInfo *result, List *without)
{
    TriggerDesc *triggers = result->ri_TrigDesc;
    if (triggers == nullptr || without == NIL)
        return;
    Trigger *const end =
        std::remove_if(triggers->triggers, triggers->triggers + triggers->numtriggers,
                       [without](const Trigger &trigger) { return list_member_oid(without, trigger.tgoid); });
    triggers->numtriggers = static_cast<int>(end - triggers->triggers);

    triggers->trig_insert_before_row = false;
    triggers->trig_insert_after_row = false;
    triggers->trig_update_before_row = false;
    triggers->trig_update_after_row = false;
    triggers->trig_delete_before_row = false;
    triggers->trig_delete_after_row = false;
    for (const Trigger &trigger : std::span(triggers->triggers, end))
    {
        const bool is_before = TRIGGER_FOR_BEFORE(trigger.tgtype);
        if (!TRIGGER_FOR_ROW(trigger.tgtype))
            continue;
        if (TRIGGER_FOR_INSERT(trigger.tgtype))
            (is_before ? triggers->trig_insert_before_row : triggers->trig_insert_after_row) = true;
        if (TRIGGER_FOR_UPDATE(trigger.tgtype))
            (is_before ? triggers->trig_update_before_row : triggers->trig_update_after_row) = true;
        if (TRIGGER_FOR_DELETE(trigger.tgtype))
            (is_before ? triggers->trig_delete_before_row : triggers->trig_delete_after_row) = true;
    }
    if (triggers->numtriggers == 0)
        result->ri_TrigDesc = nullptr;
}

// What is written, in the current memory context. What the executor works out on demand, it leaves in copies.
ResultRelInfo *
result_of(Relation relation, const PreparedWrite *prepared)
{
    constexpr std::size_t size = sizeof(ResultRelInfo) + room_for_growth;
    ResultRelInfo *result = static_cast<ResultRelInfo *>(palloc0(size));
    if (prepared == nullptr)
    {
        InitResultRelInfo(result, relation, 1, nullptr, 0);
        return result;
    }
    std::memcpy(result, prepared->result, size);
    result->ri_RelationDesc = relation;
    if (result->ri_TrigDesc != nullptr)
    {
        const int count = result->ri_TrigDesc->numtriggers;
        result->ri_TrigFunctions = copy_of(result->ri_TrigFunctions, count);
        result->ri_TrigWhenExprs = copy_of(result->ri_TrigWhenExprs, count);
    }
    return result;
}

// What is known of an index. It may be ready since, or new, though the table is locked: CREATE INDEX CONCURRENTLY.
IndexInfo *
index_info(Relation index, const PreparedWrite *prepared)
{
    if (prepared != nullptr)
        for (const PreparedIndex &known : prepared->indexes)
            if (known.index == RelationGetRelid(index))
            {
                IndexInfo *info = copy_of(known.info, 1);
                info->ii_ReadyForInserts = index->rd_index->indisready;
                info->ii_Context = CurrentMemoryContext;
                return info;
            }
    return BuildIndexInfo(index);
}

// As ExecOpenIndices() does.
void
open_indexes(ResultRelInfo *result, const PreparedWrite *prepared)
{
    if (!RelationGetForm(result->ri_RelationDesc)->relhasindex)
        return;
    List *indexes = RelationGetIndexList(result->ri_RelationDesc);
    result->ri_IndexRelationDescs = static_cast<Relation *>(palloc(list_length(indexes) * sizeof(Relation)));
    result->ri_IndexRelationInfo = static_cast<IndexInfo **>(palloc(list_length(indexes) * sizeof(IndexInfo *)));
    ListCell *cell;
    foreach (cell, indexes)
    {
        Relation index = index_open(lfirst_oid(cell), RowExclusiveLock);
        result->ri_IndexRelationDescs[result->ri_NumIndices] = index;
        result->ri_IndexRelationInfo[result->ri_NumIndices++] = index_info(index, prepared);
    }
    list_free(indexes);
}

SimpleWrite
begin(Relation relation, List *inserted_columns, List *updated_columns, const PreparedWrite *prepared)
{
    SimpleWrite write = {};
    write.estate = CreateExecutorState();
    const MemoryContext caller = MemoryContextSwitchTo(write.estate->es_query_cxt);

    init_range_table(write.estate, relation, inserted_columns, updated_columns);
    write.estate->es_output_cid = GetCurrentCommandId(true);
    write.estate->es_snapshot = RegisterSnapshot(GetActiveSnapshot());
    write.result = result_of(relation, prepared);
    write.estate->es_opened_result_relations = lappend(write.estate->es_opened_result_relations, write.result);
    open_indexes(write.result, prepared);
    write.row = ExecInitExtraTupleSlot(write.estate, RelationGetDescr(relation), table_slot_callbacks(relation));
    // Constraints and generated columns may look at it before the row is stored.
    write.row->tts_tableOid = RelationGetRelid(relation);
    AfterTriggerBeginQuery();

    MemoryContextSwitchTo(caller);
    return write;
}

// The default of a column, or nullptr.
ExprState *
default_of(const SimpleWrite &write, const PreparedWrite *prepared, int column)
{
    if (prepared != nullptr && prepared->defaults != nullptr)
        return prepared->defaults[column];
    Node *expression = build_column_default(write.result->ri_RelationDesc, column + 1);
    return expression == nullptr ? nullptr : ExecPrepareExpr(reinterpret_cast<Expr *>(expression), write.estate);
}

// Fills in the row that is to be inserted.
void
fill_row(const SimpleWrite &write, const PreparedWrite *prepared, NewRow &row)
{
    const TupleDesc columns = RelationGetDescr(write.result->ri_RelationDesc);
    ExecClearTuple(write.row);
    for (int i = 0; i < columns->natts; i++)
    {
        const FormData_pg_attribute *column = TupleDescAttr(columns, i);
        if (!row.given[i] && !column->attisdropped && column->attgenerated == '\0')
            if (ExprState *expression = default_of(write, prepared, i))
                row.values[i] =
                    ExecEvalExprSwitchContext(expression, GetPerTupleExprContext(write.estate), &row.nulls[i]);
        write.row->tts_values[i] = row.values[i];
        write.row->tts_isnull[i] = row.nulls[i];
    }
    ExecStoreVirtualTuple(write.row);
    ExecMaterializeSlot(write.row);
}

}  // namespace

PreparedWrite *
prepare_write(Relation relation, CmdType command, List *known_functions, List *without)
{
    EState *estate = CreateExecutorState();
    const MemoryContext caller = MemoryContextSwitchTo(estate->es_query_cxt);
    PreparedWrite *prepared = static_cast<PreparedWrite *>(palloc0(sizeof(PreparedWrite)));
    ResultRelInfo *result = result_of(relation, nullptr);
    prepared->result = result;
    leave_out(result, without);

    const TriggerDesc *triggers = result->ri_TrigDesc;
    for (int i = 0; triggers != nullptr && i < triggers->numtriggers; i++)
    {
        const Trigger &trigger = triggers->triggers[i];
        if (trigger.tgfoid >= FirstGenbkiObjectId && !list_member_oid(known_functions, trigger.tgfoid))
        {
            prepared->calls_others = true;
            continue;
        }
        fmgr_info(trigger.tgfoid, &result->ri_TrigFunctions[i]);
        if (trigger.tgqual == nullptr)
            continue;
        result->ri_TrigWhenExprs[i] = prepare_condition(trigger.tgqual, estate);
        prepared->calls_others |= result->ri_TrigWhenExprs[i] == nullptr;
    }

    const TupleConstr *constraints = RelationGetDescr(relation)->constr;
    if (constraints != nullptr && constraints->num_check > 0)
    {
        ExprState **checks = prepare_checks(constraints, estate);
        set_prepared_checks(result, checks);
        prepared->calls_others |= checks == nullptr;
    }
    prepared->calls_others |= constraints != nullptr && constraints->has_generated_stored;
    if (command == CMD_INSERT)
    {
        prepared->defaults = prepare_defaults(relation, estate);
        prepared->calls_others |= prepared->defaults == nullptr;
    }

    List *indexes = RelationGetIndexList(relation);
    PreparedIndex *known = static_cast<PreparedIndex *>(palloc(list_length(indexes) * sizeof(PreparedIndex)));
    std::size_t count = 0;
    ListCell *cell;
    foreach (cell, indexes)
    {
        Relation index = index_open(lfirst_oid(cell), AccessShareLock);
        known[count] = {lfirst_oid(cell), BuildIndexInfo(index)};
        if (prepare_index(known[count].info, estate))
            count++;
        else
            prepared->calls_others = true;
        index_close(index, AccessShareLock);
    }
    prepared->indexes = {known, count};

    MemoryContextSwitchTo(caller);
    return prepared;
}

NewRow::NewRow(Relation relation)
{
    count = RelationGetDescr(relation)->natts;
    values = static_cast<Datum *>(palloc0(count * sizeof(Datum)));
    nulls = static_cast<bool *>(palloc(count));
    given = static_cast<bool *>(palloc0(count));
    std::memset(nulls, true, count);
}

List *
NewRow::columns() const
{
    List *columns = NIL;
    for (int i = 0; i < count; i++)
        if (given[i])
            columns = lappend_int(columns, i + 1);
    return columns;
}

void
NewRow::set(AttrNumber column, Datum value)
{
    values[column - 1] = value;
    nulls[column - 1] = false;
    given[column - 1] = true;
}

void
NewRow::set(AttrNumber column, std::optional<Datum> value)
{
    if (value)
        set(column, *value);
    else
        given[column - 1] = true;
}

bool
insert_row(Relation relation, NewRow &values, List *inserted_columns, const PreparedWrite *prepared,
           std::span<const Oid> skipped_constraints)
{
    PushActiveSnapshot(new_snapshot());
    const SimpleWrite write = begin(relation, inserted_columns, NIL, prepared);
    const MemoryContext caller = MemoryContextSwitchTo(write.estate->es_query_cxt);
    skip_constraints(write.result, skipped_constraints);
    fill_row(write, prepared, values);
    ItemPointerSetInvalid(&write.row->tts_tid);
    ExecSimpleRelationInsert(write.result, write.estate, write.row);
    MemoryContextSwitchTo(caller);
    const bool is_written = ItemPointerIsValid(&write.row->tts_tid);
    fire_triggers(write);
    end_write(write);
    PopActiveSnapshot();
    return is_written;
}

SimpleWrite
begin_update(Relation relation, List *updated_columns, const PreparedWrite *prepared)
{
    return begin(relation, NIL, updated_columns, prepared);
}

bool
update_row(const SimpleWrite &write, TupleTableSlot *locked)
{
    EPQState no_recheck;
    init_no_recheck(&no_recheck, write.estate);
    ItemPointerSetInvalid(&write.row->tts_tid);
    const MemoryContext caller = MemoryContextSwitchTo(write.estate->es_query_cxt);
    ExecSimpleRelationUpdate(write.result, write.estate, &no_recheck, locked, write.row);
    MemoryContextSwitchTo(caller);
    EvalPlanQualEnd(&no_recheck);
    return ItemPointerIsValid(&write.row->tts_tid);
}

void
fire_triggers(const SimpleWrite &write)
{
    AfterTriggerEndQuery(write.estate);
}

void
end_write(const SimpleWrite &write)
{
    UnregisterSnapshot(write.estate->es_snapshot);
    ExecCloseResultRelations(write.estate);
    ExecCloseRangeTableRelations(write.estate);
    ExecResetTupleTable(write.estate->es_tupleTable, false);
    FreeExecutorState(write.estate);
    CommandCounterIncrement();
}

}  // namespace crm
