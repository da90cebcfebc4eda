#pragma once

#include "../tables/attached_tables.h"

// The rows of the history that one statement leaves for many rows are written together: one insertion into a page, one opening
// of each index and one change of rights serve many.
namespace crm {

// Keeps a row of the history, which is open, until the statement ends; with the rights of its owner. False, with nothing
// kept, where it has to be written at once.
bool gather_change(const AttachedTable &table, Relation history, const PreparedWrite *prepared, NewRow &row);

// Writes what is gathered.
void write_gathered_changes();

// Sees to it that a transaction that ends leaves nothing gathered: what a statement without an end left is written before
// the commit. Called once when the library is loaded.
void watch_gathered_changes();

}  // namespace crm
