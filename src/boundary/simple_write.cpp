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

// Fills in the row that is to be inserted.
void
fill_row(const SimpleWrite &write, const RowValues &row)
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

RowValues::RowValues(Relation relation)
{
    const int columns = RelationGetDescr(relation)->natts;
    values = static_cast<Datum *>(palloc0(columns * sizeof(Datum)));
    nulls = static_cast<bool *>(palloc(columns));
    given = static_cast<bool *>(palloc0(columns));
    std::memset(nulls, true, columns);
}

void
RowValues::set(AttrNumber column, Datum value)
{
    values[column - 1] = value;
    nulls[column - 1] = false;
    given[column - 1] = true;
}

void
RowValues::set(AttrNumber column, std::optional<Datum> value)
{
    if (value)
        set(column, *value);
    else
        given[column - 1] = true;
}

bool
insert_row(Relation relation, const RowValues &values)
{
    PushActiveSnapshot(GetTransactionSnapshot());
    const SimpleWrite write = begin(relation, NIL);
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
begin_update(Relation relation, List *updated_columns)
{
    return begin(relation, updated_columns);
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
