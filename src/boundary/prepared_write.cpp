#include "prepared_write.h"

#include "bare_plan.h"

namespace crm {

namespace {

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

// Whether the operator classes of an index call PostgreSQL's functions alone.
bool
has_builtin_support(Relation index)
{
    for (int i = 1; i <= IndexRelationGetNumberOfKeyAttributes(index); i++)
        for (std::uint16_t number = 1; number <= index->rd_indam->amsupport; number++)
            if (index_getprocid(index, static_cast<AttrNumber>(i), number) >= FirstGenbkiObjectId)
                return false;
    return true;
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

}  // namespace

ResultRelInfo *
new_result_info(Relation relation)
{
    ResultRelInfo *result = static_cast<ResultRelInfo *>(palloc0(size_of_result_info));
    InitResultRelInfo(result, relation, 1, nullptr, 0);
    return result;
}

PreparedWrite *
prepare_write(Relation relation, CmdType command, List *known_functions, List *without)
{
    EState *estate = CreateExecutorState();
    const MemoryContext caller = MemoryContextSwitchTo(estate->es_query_cxt);
    PreparedWrite *prepared = static_cast<PreparedWrite *>(palloc0(sizeof(PreparedWrite)));
    ResultRelInfo *result = new_result_info(relation);
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
        prepared->calls_others |= !has_builtin_support(index);
        index_close(index, AccessShareLock);
    }
    prepared->indexes = {known, count};
    prepared->bare = bare_write(relation, command, *prepared);

    MemoryContextSwitchTo(caller);
    return prepared;
}

}  // namespace crm
