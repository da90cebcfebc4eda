#pragma once

#include "../core/base_diagnosis.h"
#include "../core/decision.h"
#include "../records/changes_since.h"
#include "../records/edit_locks.h"
#include "../records/fields.h"
#include "../tables/attached_tables.h"
#include "../tables/key.h"
#include "access_path.h"

// What a refused or replayed save is told, as far as the caller may read it.
namespace crm {

// The detail of a conflict and what its message needs.
struct ConflictDetail
{
    Datum json;
    std::int64_t changes;
    std::string_view last_author;
    std::optional<core::BaseProblem> base_problem;
    bool is_superseded;
};

// What a refused save finds, in one snapshot.
struct ConflictContext
{
    ReadableCustomer customer;
    ChangesSince changes;
    Snapshot snapshot;
    std::optional<Datum> superseded = std::nullopt;  // jsonb: what is to be undone was changed again
};

// own_comment: the comment kept from this save, which is not news to the caller. lock: what the save is refused for when
// its base is current.
ConflictDetail conflict_detail(const AttachedTable &table, const Key &key, const core::Request &request, Fields watched,
                               ConflictContext context, std::optional<std::int64_t> own_comment,
                               const std::optional<EditLock> &lock);

// The detail of a save that was merged: what others had changed since its base, and the customer as it is now.
Datum merge_detail(const Key &key, const ChangesSince &changes, const ReadableCustomer &customer);

}  // namespace crm
