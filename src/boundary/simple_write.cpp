#include "simple_write.h"

#include "bare_write.h"
#include "snapshot.h"

namespace crm {

namespace {

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

// What is written, in the current memory context. What the executor works out on demand, it leaves in copies.
ResultRelInfo *
result_of(Relation relation, const PreparedWrite *prepared)
{
    if (prepared == nullptr)
        return new_result_info(relation);
    ResultRelInfo *result = static_cast<ResultRelInfo *>(palloc(size_of_result_info));
    std::memcpy(result, prepared->result, size_of_result_info);
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

bool
insert_row(Relation relation, NewRow &values, List *inserted_columns, const PreparedWrite *prepared,
           std::span<const Oid> skipped_constraints)
{
    if (may_insert_bare(prepared, skipped_constraints))
    {
        fill_defaults(*prepared->bare, values);
        if (insert_bare(relation, *prepared->bare, values))
            return true;
    }
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
