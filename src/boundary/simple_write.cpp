#include "simple_write.h"

namespace crm {

namespace {

// Minor releases have made the structure larger at its end: what InitResultRelInfo() clears is the server's size of it.
constexpr std::size_t room_for_growth = 256;

SimpleWrite
begin(Relation relation, List *updated_columns)
{
    SimpleWrite write = {};
    write.estate = CreateExecutorState();
    const MemoryContext caller = MemoryContextSwitchTo(write.estate->es_query_cxt);

    init_range_table(write.estate, relation, updated_columns);
    write.estate->es_output_cid = GetCurrentCommandId(true);
    write.estate->es_snapshot = RegisterSnapshot(GetActiveSnapshot());
    write.result = static_cast<ResultRelInfo *>(palloc0(sizeof(ResultRelInfo) + room_for_growth));
    InitResultRelInfo(write.result, relation, 1, nullptr, 0);
    write.estate->es_opened_result_relations = lappend(write.estate->es_opened_result_relations, write.result);
    ExecOpenIndices(write.result, false);
    write.row = ExecInitExtraTupleSlot(write.estate, RelationGetDescr(relation), table_slot_callbacks(relation));
    AfterTriggerBeginQuery();

    MemoryContextSwitchTo(caller);
    return write;
}

}  // namespace

SimpleWrite
begin_insert(Relation relation)
{
    return begin(relation, NIL);
}

SimpleWrite
begin_update(Relation relation, List *updated_columns)
{
    return begin(relation, updated_columns);
}

void
fill_row(const SimpleWrite &write, const Datum *values, const bool *nulls, const bool *given)
{
    const Relation relation = write.result->ri_RelationDesc;
    const TupleDesc columns = RelationGetDescr(relation);
    const MemoryContext caller = MemoryContextSwitchTo(write.estate->es_query_cxt);

    ExecClearTuple(write.row);
    for (int i = 0; i < columns->natts; i++)
    {
        const FormData_pg_attribute *column = TupleDescAttr(columns, i);
        write.row->tts_values[i] = static_cast<Datum>(0);
        write.row->tts_isnull[i] = true;
        if (given[i])
        {
            write.row->tts_values[i] = values[i];
            write.row->tts_isnull[i] = nulls[i];
        }
        else if (!column->attisdropped && column->attgenerated == '\0')
        {
            if (Node *expression = build_column_default(relation, i + 1))
                write.row->tts_values[i] =
                    ExecEvalExprSwitchContext(ExecPrepareExpr(reinterpret_cast<Expr *>(expression), write.estate),
                                              GetPerTupleExprContext(write.estate), &write.row->tts_isnull[i]);
        }
    }
    ExecStoreVirtualTuple(write.row);
    ExecMaterializeSlot(write.row);
    MemoryContextSwitchTo(caller);
}

bool
insert_row(const SimpleWrite &write)
{
    ItemPointerSetInvalid(&write.row->tts_tid);
    const MemoryContext caller = MemoryContextSwitchTo(write.estate->es_query_cxt);
    ExecSimpleRelationInsert(write.result, write.estate, write.row);
    MemoryContextSwitchTo(caller);
    return ItemPointerIsValid(&write.row->tts_tid);
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
