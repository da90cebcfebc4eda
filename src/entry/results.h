#pragma once

#include "../boundary/spi.h"

// Returning rows and values of any length, which are made while SPI is connected.
namespace crm {

// The columns of the row type that the function returns.
inline TupleDesc
result_columns(FunctionCallInfo fcinfo)
{
    TupleDesc columns;
    if (get_call_result_type(fcinfo, nullptr, &columns) != TYPEFUNC_COMPOSITE)
        elog(ERROR, "return type must be a row type");
    return BlessTupleDesc(columns);
}

// A copy of a varlena value in another memory context.
inline Datum
copied_value(Datum value, MemoryContext context)
{
    return made_in(context, [value] { return datumCopy(value, false, -1); });
}

}  // namespace crm
