#pragma once

#include "../core/decision.h"
#include "../tables/attached_tables.h"
#include "../tables/key.h"

// Reading the history. Unless said otherwise with the rights of its owner, whatever the caller's are.
namespace crm {

// The latest row of a customer's chain.
struct ChainHead
{
    core::Timestamp version;
    bool is_delete;
    std::optional<std::string_view> author;
    std::string_view db_user;
};

// The first change that the history has kept of a customer.
struct OldestChange
{
    std::optional<core::Timestamp> previous;
};

// The head of the chain as the newest committed state has it, also where the transaction's own snapshot is older.
std::optional<ChainHead> chain_head(const AttachedTable &table, const Key &key);

// Whether a save from this base gave the customer a version.
bool is_base_used(const AttachedTable &table, const Key &key, core::Timestamp base);

// Whether this version was made by a request with this digest from an earlier base than this one.
bool is_applied_from_earlier(const AttachedTable &table, const Key &key, core::Timestamp version, Datum digest,
                             core::Timestamp base);

// Whether the history has a change that follows this version directly, but not the version itself.
bool is_followed(const AttachedTable &table, const Key &key, core::Timestamp version);

// The latest version before this one.
std::optional<core::Timestamp> version_before(const AttachedTable &table, const Key &key, core::Timestamp version);

// The deletion that ended the life in which a customer was at a time, as a snapshot shows it; empty where it has not ended, or
// was restored.
std::optional<core::Timestamp> end_of_life(const AttachedTable &table, const Key &key, core::Timestamp at,
                                           Snapshot snapshot);

// Removes the row that the insertion of a customer wrote at this version after a time, to make room for what a restore
// knows of it. With the caller's rights.
void forget_inserted(const AttachedTable &table, const Key &key, core::Timestamp version, core::Timestamp after);

// Empty for a customer without history.
std::optional<OldestChange> oldest_change(const AttachedTable &table, const Key &key);

// What of the history table the caller may read.
enum class Readable
{
    nothing,
    by_row_security,  // what row security shows the caller
    everything,
};
Readable readable_history(const AttachedTable &table);

// Whether the caller may read the history table; and whether all of its rows.
bool may_read_history(const AttachedTable &table);
bool may_read_all_history(const AttachedTable &table);

// Reads the changes after a time that a snapshot shows, newest first: the rows of the result are version, previous,
// operation, status_from, fields. With the caller's rights.
std::uint64_t read_changes_after(const AttachedTable &table, const Key &key, core::Timestamp after, Snapshot snapshot);

// The kept versions within reach of a diagnosis of the base, newest first, at most limit; returns how many.
std::size_t nearby_versions(const AttachedTable &table, const Key &key, core::Timestamp base, core::Timestamp *versions,
                            std::size_t limit);

}  // namespace crm
