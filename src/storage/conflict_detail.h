#pragma once

#include "../core/base_diagnosis.h"
#include "../core/decision.h"
#include "access_path.h"
#include "attached_tables.h"
#include "edit_locks.h"
#include "fields.h"
#include "key.h"

// What a refused or replayed save is told, as far as the caller may read it.
namespace crm {

// The customer as the caller may read it, read in one snapshot.
struct ReadableCustomer
{
    core::Timestamp version;
    std::optional<std::string_view> status;
    Datum row;  // jsonb: the columns that the caller may read
};

// Reads the customer for a detail; empty when it is not there.
std::optional<ReadableCustomer> read_customer(AttachedTable &table, const Key &key,
                                              Snapshot snapshot = InvalidSnapshot);

// The detail of a conflict and what its message needs.
struct ConflictDetail
{
    Datum json;
    std::int64_t changes;
    std::string_view last_author;
    std::optional<core::BaseProblem> base_problem;
};

// own_comment: the comment kept from this save, which is not news to the caller. lock: what the save is refused for when
// its base is current.
ConflictDetail conflict_detail(AttachedTable &table, const Key &key, const core::Request &request, Fields fields,
                               const ReadableCustomer &customer, std::optional<std::int64_t> own_comment,
                               const std::optional<EditLock> &lock);

// What others changed since the base of a save that is merged now, as far as the caller may read it: to be read before
// the save is written.
struct MergedChanges
{
    std::optional<Datum> changes;  // jsonb
    std::int64_t total;
};

MergedChanges merged_changes(AttachedTable &table, const Key &key, core::Timestamp base);

// The detail of a save that was merged.
Datum merge_detail(const MergedChanges &changes, const ReadableCustomer &customer);

}  // namespace crm
