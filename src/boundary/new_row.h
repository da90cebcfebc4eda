#pragma once

#include "pg.h"

namespace crm {

// The values of a row that is to be written, by attribute number.
struct NewRow
{
    Datum *values;
    bool *nulls;
    bool *given;
    int count;

    // A row to be inserted. The columns that are not given get their defaults; those that are passed by value stand here
    // afterwards.
    explicit NewRow(Relation relation);

    // A row to be written in place of another. Its values live as long as the other's.
    explicit NewRow(TupleTableSlot *row);

    void set(AttrNumber column, Datum value);
    void set(AttrNumber column, std::optional<Datum> value);

    // The columns that are set so far, as a list of integers.
    List *columns() const;

    Datum value(AttrNumber column) const { return values[column - 1]; }

    // Stores a copy of the row in a slot.
    void store_in(TupleTableSlot *slot) const;

private:
    explicit NewRow(int columns);
};

}  // namespace crm
