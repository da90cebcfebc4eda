#pragma once

#include "../boundary/row_set.h"
#include "../tables/attached_tables.h"
#include "../tables/key.h"

// What is read of customers, and what keeps their tables in order.
namespace crm {

// A customer with its comments and its edit lock, jsonb, as far as the caller may read it; empty for a customer that is
// not there, or was not then. SPI must be connected. row_label: the name of the row in it; at: a time in the past, or
// nothing for now.
std::optional<Datum> view_customer(const AttachedTable &table, const Key &key, std::string_view row_label,
                                   std::optional<core::Timestamp> at, std::int32_t max_comments);

// The row of a customer as it was at a time, jsonb, by undoing what the history recorded since; empty when it was not
// there then. Raises 42501 for who may not read all of the history, and 22023 for a time before what is kept of it.
std::optional<Datum> customer_then(const AttachedTable &table, const Key &key, core::Timestamp at, Snapshot snapshot);

// Adds the latest changes and comments of a customer before the millisecond of a time, newest first: the rows of
// crm_timeline(). More than max_rows only where the last ones are of one millisecond. With the caller's rights: what they
// may not read is left out. Raises 42501 for who may read neither.
void read_timeline(const AttachedTable &table, const Key &key, std::int32_t max_rows, core::Timestamp before,
                   const RowSet &rows);

// The comments of a customer that the caller may read, oldest first, as one text in the form of core/comment_text.h. Times in
// it are those of a time zone.
Datum export_comments(const AttachedTable &table, const Key &key, Datum time_zone);

// Stores the comments of a text that are not there yet, and returns how many. The caller must own the comments; the
// customer must be there.
std::int64_t import_comments(const AttachedTable &table, const Key &key, std::string_view text, Datum time_zone);

// Adds what must never be in the data of one customer, or of all: key, invariant, problem, detail. In one snapshot and with
// the caller's rights; raises 42501 where they do not show every row. Of all customers, it tells by NOTICEs how far it is.
void add_violations(const AttachedTable &table, const std::optional<Key> &key, const RowSet &rows);

// Adds the deleted customers that can be restored, latest first: the rows of crm_deleted(). Raises 42501 for who may not read
// what is set aside.
void list_deleted(const AttachedTable &table, std::int32_t max_rows, core::Timestamp before, const RowSet &rows);

// Adds the refused saves that are kept and wait, of one author or of all, of one customer or of all, latest first: the rows of
// crm_refused_saves(), as far as the caller may read the customers and their columns. Raises 42501 for who may not read the table of
// refused saves, and 55000 where there is none.
void list_refused(const AttachedTable &table, std::optional<std::string_view> author, const std::optional<Key> &key,
                  const RowSet &rows);

// Adds how often saves were refused and kept, by field in conflict, by customer and by author: the rows of crm_refused_counts().
// Raises as above, and 42501 where policies hide customers from the caller.
void count_refused(const AttachedTable &table, const RowSet &rows);

// Removes changes that were made before a time from the old ends of the chains, at most batch of them and never the last
// change of a customer, and then deletions that are set aside, and refused saves that are kept, since before it; returns how many.
// The caller must own the history.
std::int64_t prune_history(const AttachedTable &table, core::Timestamp before, std::int32_t batch);

// Blanks what is personal of a customer: the columns of the row, the texts of the comments, the values and digests in the
// history. The chain of versions stays. Returns what was done, jsonb. SPI must be connected; the caller must own the
// tables. Raises 23503 for a customer of whom nothing is known.
Datum erase_customer(const AttachedTable &table, const Key &key);

// Removes a comment's texts: what it says, what it said before, the digests of its save, and what was set aside of it when
// its customer was deleted. Returns how many rows of each, jsonb. SPI must be connected; the caller must own the tables.
// Raises 23503 where there is nothing of the comment.
Datum redact_comment(const AttachedTable &table, const Key &key, std::int64_t comment_id);

}  // namespace crm
