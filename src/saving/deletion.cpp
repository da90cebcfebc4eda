#include "saving.h"

#include "../boundary/errors.h"
#include "../boundary/role.h"
#include "../boundary/snapshot.h"
#include "../boundary/statistics.h"
#include "../core/version.h"
#include "../records/customer_changes.h"
#include "../records/request_digest.h"
#include "../tables/statements.h"
#include "attempt.h"

namespace crm {

namespace {

// With the rights of the owner, since it takes DELETE alone. Nobody may begin to refer to the row until it is deleted.
constexpr SqlStatement lock_to_delete{
    "SELECT {version} FROM {customers} WHERE {key} OPERATOR(pg_catalog.=) $1 FOR UPDATE", As::owner};

constexpr SqlStatement delete_row{"DELETE FROM {customers} WHERE {key} OPERATOR(pg_catalog.=) $1", As::caller};

// The row, locked; empty when it is gone.
std::optional<CustomerRow>
lock_for_deletion(const AttachedTable &table, const Key &key)
{
    if (execute(table, lock_to_delete, arguments_of(key)) == 0)
        return std::nullopt;
    if (result_is_null(0, 0))
        errors::null_version(table->customers.oid, key_text(key));
    return CustomerRow{.version = result_time(0, 0)};
}

// Stores the comment of the deletion, or adopts the one that an earlier refusal has kept of it, before it goes with the others.
void
store_comment(const Attempt &deletion, SaveInProgress &progress)
{
    const std::optional<std::int64_t> adopted = find_adoptable_comment(deletion.table, deletion.key, deletion.request);
    if (!adopted)
        return insert_comment(deletion, progress);
    progress.comment_id = adopted;
    progress.step = Step::adopt_comment;
    adopt_comment(deletion.table, deletion.key, *adopted, *progress.version);
    statistics::count(statistics::Counter::comments_adopted);
}

SaveResult
apply(const Attempt &deletion, const CustomerRow &locked)
{
    const AttachedTable &table = deletion.table;
    SaveInProgress progress = in_progress(deletion);
    progress.checked = locked.version;
    progress.request = request_digest(deletion.key, deletion.request);
    progress.version = require_next_version(table, deletion.key, locked.version);
    with_save_in_progress(progress, [&] {
        if (deletion.request.comment)
            store_comment(deletion, progress);
        progress.step = Step::delete_customer;
        if (execute(table, delete_row, arguments_of(deletion.key)) == 0)
            errors::hidden_by_row_security(table->customers.oid, key_text(deletion.key));
        if (progress.step != Step::none)
            errors::triggers_did_not_fire(table->customers.oid);
    });
    SaveResult result = {};
    result.outcome = core::Outcome::deleted;
    result.version = progress.version;
    result.comment_id = progress.comment_id;
    result.message = message_of(facts_of(deletion, result.outcome));
    return result;
}

// Answers a deletion whose customer is there; empty when it cannot be locked.
std::optional<SaveResult>
try_to_delete(const Attempt &deletion, const CustomerRow &seen)
{
    if (is_settled(deletion, seen))
        return refuse(deletion, seen, std::nullopt);
    // Before the row is locked, so that who waits for the comment seldom holds the row.
    if (deletion.request.comment)
        await_kept_comment(deletion.table, deletion.key, deletion.request);
    const std::optional<CustomerRow> locked = lock_for_deletion(deletion.table, deletion.key);
    if (!locked)
        return std::nullopt;

    core::Situation situation =
        core::situation_of(deletion.request, {.version = locked->version, .status = std::nullopt});
    if (!situation.is_current)
        return refuse(deletion, *locked, std::nullopt);
    const std::optional<EditLock> lock = lock_of_another(deletion);
    situation.is_locked = lock.has_value();
    const core::Outcome outcome = core::decide(situation, core::Intent::deletion);
    if (outcome != core::Outcome::deleted)
        return refuse(deletion, *locked, lock);
    return deletion.stage == Stage::decision ? decided(deletion, outcome, *locked) : apply(deletion, *locked);
}

SaveResult
result_of_deletion(const Attempt &deletion)
{
    const AttachedTable &table = deletion.table;
    if (pg_class_aclcheck(table->customers.oid, GetUserId(), ACL_DELETE) != ACLCHECK_OK)
        deny_table(table->customers.oid, ACL_DELETE);
    if (deletion.request.comment)
        require_comment_rights(table, deletion.request);
    for (std::optional<core::Timestamp> tried;;)
    {
        CHECK_FOR_INTERRUPTS();
        const std::optional<CustomerRow> seen = deletion.path().fetch(table, deletion.key);
        if (!seen)
            return missing(deletion);
        // A row that is gone and comes back has another version.
        if (tried == seen->version)
            errors::hidden_by_row_security(table->customers.oid, key_text(deletion.key));
        if (const std::optional<SaveResult> result = try_to_delete(deletion, *seen))
            return *result;
        tried = seen->version;
    }
}

}  // namespace

SaveResult
delete_customer(const AttachedTable &table, const Key &key, const core::Request &request, Stage stage)
{
    const SaveResult result = result_of_deletion(Attempt{table, key, request, {}, {}, {}, stage});
    count(stage, result.outcome);
    return result;
}

}  // namespace crm
