#pragma once

#include "../boundary/json.h"
#include "../core/decision.h"
#include "../tables/attached_tables.h"
#include "../tables/key.h"
#include "fields.h"
#include "history.h"

// What happened to a customer since the base of a save, read in one pass.
namespace crm {

// The first change after a base.
struct FirstChange
{
    std::optional<core::Timestamp> previous;
    std::optional<core::Value> status_from;  // nullopt for an insertion, or where nothing is asked of the status
};

// A request found in the history.
struct AppliedRequest
{
    core::Timestamp version;
    std::optional<std::int64_t> comment_id;
};

// What a field of the save was at its base, as the first change after it that touched the field recorded it: jsonb, none when
// that is not known.
struct FieldWas
{
    bool is_changed;
    std::optional<Datum> was;
};

struct ChangesSince
{
    // These are read with the rights of the history's owner, whatever the caller's are.
    core::Timestamp base;
    std::optional<AppliedRequest> applied;            // the request of the save, when it was applied to its base
    std::optional<core::Timestamp> base_recorded_at;  // by the clock; none when the history does not have the base
    std::optional<FirstChange> first;                 // the first change
    std::optional<core::Timestamp> head;              // the version that the last one made
    bool are_updates = true;                          // of columns that are there still: told field by field
    std::span<FieldWas> fields;                       // of those that the save watches

    // These as far as the caller may read the history; under row security on it, nothing before read_visible().
    Readable readable = Readable::nothing;
    std::int64_t total = 0;
    std::span<const JsonbValue> latest;  // at most 50 as they are told, newest first
    std::string_view last_author;        // who made the latest

    // Whether the history has the change that followed the base.
    bool is_base_followed() const;
};

// Reads them as a snapshot shows them; fields are those that the save watches.
ChangesSince read_changes_since(const AttachedTable &table, const Key &key, const core::Request &request, Fields fields,
                                Snapshot snapshot);

// Reads what row security on the history shows the caller of them, where there is any.
void read_visible(const AttachedTable &table, const Key &key, Snapshot snapshot, ChangesSince &changes);

// Adds the latest changes, oldest first, and how many there are in all, to an open object, if the caller may read any.
void add_changes(JsonBuilder &json, const ChangesSince &changes);

}  // namespace crm
