#include "row_set.h"

namespace crm {

void
RowSet::add(HeapTuple row) const
{
    tuplestore_puttuple(store, row);
}

DestReceiver *
RowSet::receiver() const
{
    DestReceiver *receiver = CreateTuplestoreDestReceiver();
    SetTuplestoreDestReceiverParams(receiver, store, memory, false, nullptr, nullptr);
    return receiver;
}

RowSet
begin_row_set(FunctionCallInfo fcinfo)
{
    ReturnSetInfo *result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
    if (result == nullptr || !IsA(result, ReturnSetInfo) || (result->allowedModes & SFRM_Materialize) == 0)
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                        errmsg("set-valued function called in context that cannot accept a set"),
                        errhint("Call it in FROM.")));

    const MemoryContext caller = MemoryContextSwitchTo(result->econtext->ecxt_per_query_memory);
    TupleDesc columns;
    if (get_call_result_type(fcinfo, nullptr, &columns) != TYPEFUNC_COMPOSITE)
        elog(ERROR, "return type must be a row type");
    const bool random_access = (result->allowedModes & SFRM_Materialize_Random) != 0;
    result->returnMode = SFRM_Materialize;
    result->setResult = tuplestore_begin_heap(random_access, false, work_mem);
    result->setDesc = CreateTupleDescCopy(columns);
    MemoryContextSwitchTo(caller);
    return {result->setDesc, result->setResult, result->econtext->ecxt_per_query_memory};
}

}  // namespace crm
