#pragma once

#include "new_row.h"
#include "prepared_write.h"

// Writing one row of an ordinary table by the table and index access methods alone, where the executor would add
// nothing to that. What it would have to refuse is left to it, for the error is its own.
namespace crm {

// Whether a row may be inserted so, when the foreign keys of some constraints need not be checked.
bool may_insert_bare(const PreparedWrite *prepared, std::span<const Oid> skipped_constraints);

// Whether a row may be updated so in these columns (a list of integers).
bool may_update_bare(const PreparedWrite *prepared, List *updated_columns, TupleTableSlot *locked);

// Fills in the defaults of the columns that are not given; they live until the next row.
void fill_defaults(const BareWrite &bare, NewRow &row);

// Whether a row meets NOT NULL and CHECK constraints.
bool meets_constraints(Relation relation, const BareWrite &bare, const NewRow &row);

// Makes a slot for a row that is to be inserted with others, in the current memory context.
TupleTableSlot *slot_of(Relation relation, const BareWrite &bare, const NewRow &row);

// Inserts rows that meet the constraints, in the order in which they stand in their slots.
void insert_many_bare(Relation relation, const BareWrite &bare, std::span<TupleTableSlot *> rows);

// Inserts a row. False, with nothing written, where a constraint is not met.
bool insert_bare(Relation relation, const BareWrite &bare, const NewRow &row);

// Writes a row in place of the locked one, from which it differs in these columns (a list of integers) alone, and
// returns it. Nullptr, with nothing written, where a constraint is not met.
HeapTuple update_bare(Relation relation, const BareWrite &bare, List *updated_columns, TupleTableSlot *locked,
                      const NewRow &row);

}  // namespace crm
