#pragma once

#include "new_row.h"
#include "prepared_write.h"

// Writing one row of an ordinary table through the executor's simple calls: with row triggers, constraints, generated
// columns and indexes, without parsing or planning. They check no privileges, no row-level security and no read-only
// transaction, and fire no statement triggers: the caller has to know that nothing of it applies.
namespace crm {

// A write in progress. It ends with fire_triggers() and end_write(), or by an error.
struct SimpleWrite
{
    EState *estate;
    ResultRelInfo *result;
    TupleTableSlot *row;  // the new row: filled in by the caller before write_row()
};

// Inserts a row, in a new snapshot (the transaction's own under REPEATABLE READ), and fires the triggers that wait for the
// end of the statement, except those of some constraints. Errors show the inserted columns (a list of integers) to who may not
// read the whole table. False when a trigger suppressed it.
bool insert_row(Relation relation, NewRow &values, List *inserted_columns, const PreparedWrite *prepared,
                std::span<const Oid> skipped_constraints);

// Begins the update of a row. updated_columns are the attribute numbers that are set, as a list of integers.
SimpleWrite begin_update(Relation relation, List *updated_columns, const PreparedWrite *prepared);

// Writes the row in place of the locked one. False when a trigger suppressed it.
bool update_row(const SimpleWrite &write, TupleTableSlot *locked);

// Fires the triggers that wait for the end of the statement.
void fire_triggers(const SimpleWrite &write);

// Makes the write visible to the transaction.
void end_write(const SimpleWrite &write);

}  // namespace crm
