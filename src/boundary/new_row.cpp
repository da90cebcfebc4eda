#include "new_row.h"

namespace crm {

NewRow::NewRow(int columns)
{
    count = columns;
    values = static_cast<Datum *>(palloc0(count * (sizeof(Datum) + 2 * sizeof(bool))));
    nulls = reinterpret_cast<bool *>(values + count);
    given = nulls + count;
}

NewRow::NewRow(Relation relation) : NewRow(RelationGetDescr(relation)->natts)
{
    std::memset(nulls, true, count);
}

NewRow::NewRow(TupleTableSlot *row) : NewRow(row->tts_tupleDescriptor->natts)
{
    slot_getallattrs(row);
    std::memcpy(values, row->tts_values, count * sizeof(Datum));
    std::memcpy(nulls, row->tts_isnull, count * sizeof(bool));
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
    set(column, value.value_or(static_cast<Datum>(0)));
    nulls[column - 1] = !value;
}

void
NewRow::store_in(TupleTableSlot *slot) const
{
    ExecClearTuple(slot);
    std::memcpy(slot->tts_values, values, count * sizeof(Datum));
    std::memcpy(slot->tts_isnull, nulls, count * sizeof(bool));
    ExecStoreVirtualTuple(slot);
    ExecMaterializeSlot(slot);
}

}  // namespace crm
