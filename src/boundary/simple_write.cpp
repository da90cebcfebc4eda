#include "simple_write.h"

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
has_other_than_builtin(Node *node, void *context)
{
    if (node == nullptr)
        return false;
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
        Node *check = static_cast<Node *>(stringToNode(constraints->check[i].ccbin));
        if (has_other_than_builtin(check, nullptr))
            return nullptr;
        checks[i] = ExecPrepareExpr(reinterpret_cast<Expr *>(check), estate);
    }
    return checks;
}

void
take_prepared(ResultRelInfo *result, const PreparedWrite &prepared)
{
    const TriggerDesc *triggers = result->ri_TrigDesc;
    if ((triggers == nullptr ? 0 : triggers->numtriggers) == prepared.trigger_count && prepared.trigger_count > 0)
    {
        std::memcpy(result->ri_TrigFunctions, prepared.functions, prepared.trigger_count * sizeof(FmgrInfo));
        std::memcpy(result->ri_TrigWhenExprs, prepared.conditions, prepared.trigger_count * sizeof(ExprState *));
    }
    const TupleConstr *constraints = RelationGetDescr(result->ri_RelationDesc)->constr;
    if (prepared.checks != nullptr && constraints != nullptr && constraints->num_check == prepared.check_count)
        set_prepared_checks(result, prepared.checks);
}

void
skip_constraint(TriggerDesc *triggers, Oid constraint)
{
    for (int i = 0; i < triggers->numtriggers; i++)
        if (triggers->triggers[i].tgconstraint == constraint)
            triggers->triggers[i].tgenabled = TRIGGER_DISABLED;
}

SimpleWrite
begin(Relation relation, List *updated_columns, const PreparedWrite *prepared)
{
    SimpleWrite write = {};
    write.estate = CreateExecutorState();
    const MemoryContext caller = MemoryContextSwitchTo(write.estate->es_query_cxt);

    init_range_table(write.estate, relation, updated_columns);
    write.estate->es_output_cid = GetCurrentCommandId(true);
    write.estate->es_snapshot = RegisterSnapshot(GetActiveSnapshot());
    write.result = static_cast<ResultRelInfo *>(palloc0(sizeof(ResultRelInfo) + room_for_growth));
    InitResultRelInfo(write.result, relation, 1, nullptr, 0);
    if (prepared != nullptr)
        take_prepared(write.result, *prepared);
    write.estate->es_opened_result_relations = lappend(write.estate->es_opened_result_relations, write.result);
    ExecOpenIndices(write.result, false);
    write.row = ExecInitExtraTupleSlot(write.estate, RelationGetDescr(relation), table_slot_callbacks(relation));
    AfterTriggerBeginQuery();

    MemoryContextSwitchTo(caller);
    return write;
}

// Fills in the row that is to be inserted.
void
fill_row(const SimpleWrite &write, const NewRow &row)
{
    const Relation relation = write.result->ri_RelationDesc;
    const TupleDesc columns = RelationGetDescr(relation);
    ExecClearTuple(write.row);
    for (int i = 0; i < columns->natts; i++)
    {
        const FormData_pg_attribute *column = TupleDescAttr(columns, i);
        write.row->tts_values[i] = row.values[i];
        write.row->tts_isnull[i] = row.nulls[i];
        if (row.given[i] || column->attisdropped || column->attgenerated != '\0')
            continue;
        if (Node *expression = build_column_default(relation, i + 1))
            write.row->tts_values[i] =
                ExecEvalExprSwitchContext(ExecPrepareExpr(reinterpret_cast<Expr *>(expression), write.estate),
                                          GetPerTupleExprContext(write.estate), &write.row->tts_isnull[i]);
    }
    ExecStoreVirtualTuple(write.row);
    ExecMaterializeSlot(write.row);
}

}  // namespace

PreparedWrite *
prepare_write(Relation relation, List *known_functions)
{
    EState *estate = CreateExecutorState();
    const MemoryContext caller = MemoryContextSwitchTo(estate->es_query_cxt);
    PreparedWrite *prepared = static_cast<PreparedWrite *>(palloc0(sizeof(PreparedWrite)));

    const TriggerDesc *triggers = relation->trigdesc;
    if (triggers != nullptr)
    {
        prepared->trigger_count = triggers->numtriggers;
        prepared->functions = static_cast<FmgrInfo *>(palloc0(triggers->numtriggers * sizeof(FmgrInfo)));
        prepared->conditions = static_cast<ExprState **>(palloc0(triggers->numtriggers * sizeof(ExprState *)));
    }
    for (int i = 0; i < prepared->trigger_count; i++)
    {
        const Trigger &trigger = triggers->triggers[i];
        if (trigger.tgfoid >= FirstGenbkiObjectId && !list_member_oid(known_functions, trigger.tgfoid))
            continue;
        fmgr_info(trigger.tgfoid, &prepared->functions[i]);
        if (trigger.tgqual != nullptr)
            prepared->conditions[i] = prepare_condition(trigger.tgqual, estate);
    }
    if (const TupleConstr *constraints = RelationGetDescr(relation)->constr)
    {
        prepared->check_count = constraints->num_check;
        if (constraints->num_check > 0)
            prepared->checks = prepare_checks(constraints, estate);
    }
    MemoryContextSwitchTo(caller);
    return prepared;
}

NewRow::NewRow(Relation relation)
{
    const int columns = RelationGetDescr(relation)->natts;
    values = static_cast<Datum *>(palloc0(columns * sizeof(Datum)));
    nulls = static_cast<bool *>(palloc(columns));
    given = static_cast<bool *>(palloc0(columns));
    std::memset(nulls, true, columns);
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
insert_row(Relation relation, const NewRow &values, const PreparedWrite *prepared, Oid skipped_constraint)
{
    PushActiveSnapshot(GetTransactionSnapshot());
    const SimpleWrite write = begin(relation, NIL, prepared);
    if (OidIsValid(skipped_constraint))
        skip_constraint(write.result->ri_TrigDesc, skipped_constraint);
    const MemoryContext caller = MemoryContextSwitchTo(write.estate->es_query_cxt);
    fill_row(write, values);
    ItemPointerSetInvalid(&write.row->tts_tid);
    ExecSimpleRelationInsert(write.result, write.estate, write.row);
    MemoryContextSwitchTo(caller);
    const bool is_written = ItemPointerIsValid(&write.row->tts_tid);
    end_write(write);
    PopActiveSnapshot();
    return is_written;
}

SimpleWrite
begin_update(Relation relation, List *updated_columns, const PreparedWrite *prepared)
{
    return begin(relation, updated_columns, prepared);
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
end_write(const SimpleWrite &write)
{
    AfterTriggerEndQuery(write.estate);
    UnregisterSnapshot(write.estate->es_snapshot);
    ExecCloseResultRelations(write.estate);
    ExecCloseRangeTableRelations(write.estate);
    ExecResetTupleTable(write.estate->es_tupleTable, false);
    FreeExecutorState(write.estate);
    CommandCounterIncrement();
}

}  // namespace crm
