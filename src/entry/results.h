#pragma once

#include "../boundary/spi.h"

// Returning rows and values of any length, which are made while SPI is connected.
namespace crm {

// The columns of the row type that the function returns, for result_row().
inline TupleDesc
result_columns(FunctionCallInfo fcinfo)
{
    return lookup_rowtype_tupdesc(get_func_rettype(fcinfo->flinfo->fn_oid), -1);
}

// A row with these columns, which are given back.
inline Datum
result_row(TupleDesc columns, Datum *values, bool *nulls)
{
    const HeapTuple row = heap_form_tuple(columns, values, nulls);
    ReleaseTupleDesc(columns);
    return HeapTupleGetDatum(row);
}

// A copy of a varlena value in another memory context.
inline Datum
copied_value(Datum value, MemoryContext context)
{
    return made_in(context, [value] { return datumCopy(value, false, -1); });
}

}  // namespace crm
