#pragma once

#include "../boundary/json.h"
#include "../core/decision.h"
#include "attached_tables.h"
#include "key.h"

// Reading and writing the history. Unless said otherwise with the rights of its owner, whatever the caller's are.
namespace crm {

enum class Operation
{
    insert,
    update,
    remove,
};

// A row of the history to be written.
struct HistoryRow
{
    core::Timestamp version;
    std::optional<core::Timestamp> previous;
    std::optional<core::Timestamp> based_on;
    Operation operation;
    std::optional<std::string_view> author;  // none: the authenticated user, if one is known
    std::optional<std::string_view> status_from;
    std::optional<std::string_view> status_to;
    std::optional<Datum> fields;  // jsonb
    std::optional<std::int64_t> comment_id;
    std::optional<Datum> request;  // uuid
};

// The latest row of a customer's chain.
struct ChainHead
{
    core::Timestamp version;
    bool is_delete;
    std::optional<std::string_view> author;
    std::string_view db_user;
};

// A request found in the history.
struct AppliedRequest
{
    core::Timestamp version;
    std::optional<std::int64_t> comment_id;
};

// The first change after a base.
struct FirstChange
{
    std::optional<core::Timestamp> previous;
    std::optional<core::Value> status_from;  // nullopt for an insertion
};

// The head of the chain as the newest committed state has it, also where the transaction's own snapshot is older.
std::optional<ChainHead> chain_head(AttachedTable &table, const Key &key);

// Writes one row.
void insert_history(AttachedTable &table, const Key &key, const HistoryRow &row);

// The request with this digest that was applied to this base.
std::optional<AppliedRequest> find_request(AttachedTable &table, const Key &key, core::Timestamp base, Datum digest);

// Whether a save from this base gave the customer a version.
bool is_base_used(AttachedTable &table, const Key &key, core::Timestamp base);

// Whether the history has a change that follows this version directly, but not the version itself.
bool is_followed(AttachedTable &table, const Key &key, core::Timestamp version);

// Whether the history has the change that followed this base.
bool is_base_followed(AttachedTable &table, const Key &key, core::Timestamp base);

// The latest version before this one.
std::optional<core::Timestamp> version_before(AttachedTable &table, const Key &key, core::Timestamp version);

// Removes the row that the insertion of a customer wrote at this version after a time, to make room for what a restore
// knows of it. With the caller's rights.
void forget_inserted(AttachedTable &table, const Key &key, core::Timestamp version, core::Timestamp after);

// The first change that came after the base.
std::optional<FirstChange> first_change(AttachedTable &table, const Key &key, core::Timestamp base);

// Whether all changes after the base were updates of columns that are there still: what others changed since can be told
// field by field.
bool are_updates_of(AttachedTable &table, const Key &key, core::Timestamp base, Datum column_names);

// The values that fields had at the base and have no longer, as the first changes after it recorded them: the rows of the
// result are name and value, jsonb, null where it is not known.
std::uint64_t read_changed_since(AttachedTable &table, const Key &key, core::Timestamp base, Datum column_names);

// When the change that made this version was recorded by the clock; empty when the history does not have it.
std::optional<core::Timestamp> recorded_at(AttachedTable &table, const Key &key, core::Timestamp version);

// Whether the caller may read the history table; and whether all of its rows.
bool may_read_history(const AttachedTable &table);
bool may_read_all_history(const AttachedTable &table);

// What list_changes() counted, and who made the latest change.
struct ChangesSince
{
    std::int64_t total;
    std::string_view last_author;
};

// The latest changes since the base, oldest first, at most 50, into the builder as an array. With the caller's rights,
// which must suffice.
ChangesSince list_changes(AttachedTable &table, const Key &key, core::Timestamp base, JsonBuilder &json);

// Reads the changes after a time that a snapshot shows, newest first: the rows of the result are version, previous,
// operation, status_from, fields. With the caller's rights.
std::uint64_t read_changes_after(AttachedTable &table, const Key &key, core::Timestamp after, Snapshot snapshot);

// The kept versions within reach of a diagnosis of the base, newest first, at most limit; returns how many.
std::size_t nearby_versions(AttachedTable &table, const Key &key, core::Timestamp base, core::Timestamp *versions,
                            std::size_t limit);

}  // namespace crm
