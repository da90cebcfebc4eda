#pragma once

#include "../tables/attached_tables.h"
#include "../tables/key.h"

// What deletions set aside: the deleted rows with their comments, as the text forms of their columns, until they are restored,
// pruned or erased. An attachment that was made by version 1.0 sets nothing aside.
namespace crm {

// Sets a row aside that was deleted with this version, or one of its comments.
void set_row_aside(const AttachedTable &table, const Key &key, core::Timestamp version, TupleDesc columns,
                   HeapTuple row);
void set_comment_aside(const AttachedTable &table, const Key &key, core::Timestamp version, std::int64_t comment_id,
                       TupleDesc columns, HeapTuple comment);

// The transaction that deleted a row.
struct Deleting
{
    std::int64_t transaction;
    core::Timestamp began;
};

// A deleted row.
struct DeletedRow
{
    Datum values;  // jsonb
    Deleting deleting;
};

// Raises 42501 without SELECT on the numbers of what is set aside, or row-level security hides rows of the table from
// the caller and there is none for what is set aside of it; 55000 where nothing is set aside.
void require_deletions(const AttachedTable &table);

// Whether require_deletions() would raise nothing.
bool may_read_deletions(const AttachedTable &table);

// The row that was deleted with this version; empty when it is kept no longer, or the caller's policies hide it.
std::optional<DeletedRow> find_deleted(const AttachedTable &table, const Key &key, core::Timestamp version,
                                       Snapshot snapshot = InvalidSnapshot);

// Waits until nobody else restores the row, or removes what is set aside of it, and keeps others waiting until the transaction
// ends.
void lock_restoration(const AttachedTable &table, const Key &key);

// Inserts the row, or its comments, again, and returns how many. Raises 42703 for a value whose column is there no longer. The row
// with the caller's rights, the comments with those of their owner; both by steps of the restoration in progress.
void insert_row_again(const AttachedTable &table, const Key &key, Datum values);
std::int64_t insert_comments_again(const AttachedTable &table, const Key &key, core::Timestamp version);

// Removes what a deletion has set aside.
void forget_deleted(const AttachedTable &table, const Key &key, core::Timestamp version);

// Rows of a table that refer to a deleted row by a foreign key that CASCADEs, and that one transaction deleted with it: their
// keys, whatever the caller may read.
List *deleted_children(const AttachedTable &child, const AttachedTable &parent, const DeletedRow &row);

}  // namespace crm
