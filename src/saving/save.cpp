#include "save.h"

#include "../boundary/errors.h"
#include "../boundary/guard.h"
#include "../boundary/role.h"
#include "../boundary/settings.h"
#include "../boundary/snapshot.h"
#include "../boundary/standby.h"
#include "../boundary/statistics.h"
#include "../core/message.h"
#include "../core/version.h"
#include "../records/changes_since.h"
#include "../records/comments.h"
#include "../records/comments_in_flight.h"
#include "../records/history.h"
#include "../records/request_digest.h"
#include "../records/save_in_progress.h"
#include "../tables/statements.h"
#include "../tables/status.h"
#include "access_path.h"
#include "conflict_detail.h"
#include "three_way.h"

namespace crm {

namespace {

constexpr SqlStatement select_customer_by_key{"SELECT 1 FROM {customers} WHERE {key} OPERATOR(pg_catalog.=) $1",
                                              As::owner, Part::customers};

// One save on its way to its result.
struct Save
{
    const AttachedTable &table;
    const Key &key;
    const core::Request &request;
    Fields fields;

    // As the table is now: triggers of others may have changed it.
    const AccessPath &path() const { return access_path(table); }
};

// What is to become of a save whose row is locked, and what of it differs from what is there.
struct SavePlan
{
    core::Outcome outcome;  // updated, merged, unchanged, replayed or conflict
    std::optional<std::string_view> status;
    Fields fields;
    std::optional<std::int64_t> stored_comment;  // when the comment is there already
    core::Timestamp applied;                     // the version to replay
};

// The rights that a save needs beside SELECT, which its queries check.
void
require_rights(const AttachedTable &table, const core::Request &request)
{
    require_column_rights(table->customers.oid, {table->customers.status}, ACL_UPDATE);
    if (request.comment)
        require_comment_rights(table, request);
}

std::string_view
message_of(const core::MessageFacts &facts)
{
    return guarded_text([&facts] { return core::message(facts); });
}

core::MessageFacts
facts_of(const Save &save, core::Outcome outcome)
{
    core::MessageFacts facts = {};
    facts.outcome = outcome;
    facts.customer = key_text(save.key);
    facts.asked_change = save.request.status.has_value() || !save.fields.empty();
    return facts;
}

SaveInProgress
in_progress(const Save &save)
{
    SaveInProgress progress = {};
    progress.table = save.table;
    progress.key = save.key;
    progress.author = save.request.author;
    progress.based_on = save.request.base;
    progress.checked = save.request.base;
    return progress;
}

void
insert_comment(const Save &save, SaveInProgress &progress)
{
    if (save.request.reply_to && !comment_exists(save.table, save.key, *save.request.reply_to))
        errors::no_such_comment(*save.request.reply_to, key_text(save.key));
    progress.step = Step::insert_comment;
    if (!save.path().insert_comment(save.table, save.key, save.request, true))
        errors::write_suppressed(save.table->comments.oid, key_text(save.key));
    if (progress.step != Step::none)
        errors::comment_not_stored(save.table->comments.oid);
}

void
update_customer(const Save &save, const SavePlan &plan, ItemPointerData &place, SaveInProgress &progress)
{
    require_assignable(save.table, plan.fields);
    progress.step = Step::update_customer;
    if (!save.path().update(save.table, save.key, plan.status, plan.fields, place))
        errors::write_suppressed(save.table->customers.oid, key_text(save.key));
    if (progress.step != Step::none)
        errors::triggers_did_not_fire(save.table->customers.oid);
}

// Writes a save whose row is locked.
SaveResult
apply(const Save &save, const SavePlan &plan, const CustomerRow &locked, ChangesSince changes)
{
    SaveInProgress progress = in_progress(save);
    progress.checked = locked.version;
    ItemPointerData place = locked.place;
    progress.request = request_digest(save.key, save.request);
    if (plan.outcome == core::Outcome::merged)
        read_visible(save.table, save.key, new_snapshot(), changes);

    with_save_in_progress(progress, [&] {
        std::optional<std::int64_t> adopted;
        if (save.request.comment && !plan.stored_comment)
            adopted = find_adoptable_comment(save.table, save.key, save.request);
        if (adopted || plan.stored_comment)
            progress.comment_id = adopted ? adopted : plan.stored_comment;
        else if (save.request.comment)
            insert_comment(save, progress);

        update_customer(save, plan, place, progress);
        if (adopted)
        {
            progress.step = Step::adopt_comment;
            adopt_comment(save.table, save.key, *adopted, *progress.version);
            statistics::count(statistics::Counter::comments_adopted);
        }
    });

    SaveResult result = {};
    result.outcome = plan.outcome;
    result.comment_id = progress.comment_id;
    result.message = message_of(facts_of(save, plan.outcome));
    // Other triggers may have changed the row again.
    if (plan.outcome == core::Outcome::merged)
    {
        const std::optional<ReadableCustomer> row = save.path().read(save.table, save.key, new_snapshot(), {}, place);
        if (row)
        {
            result.status = row->status;
            result.version = row->version;
            result.detail = merge_detail(save.table, changes, *row);
        }
    }
    else if (const std::optional<CustomerRow> row = save.path().look(save.table, save.key, place))
    {
        result.status = row->status;
        result.version = row->version;
    }
    return result;
}

// Whether this very request was applied from an earlier base by the save that took its comment over: an arrival that was
// late, of which the user, who has gone on to a later base, was not told.
bool
is_applied_late(const Save &save, const KeptComment &comment)
{
    return comment.adopted_version &&
           is_applied_from_earlier(save.table, save.key, *comment.adopted_version,
                                   request_digest(save.key, save.request), save.request.base);
}

// Stores the comment of a refused save, once however often it is refused.
KeptComment
keep_comment(const Save &save, const ChangesSince &changes)
{
    const Datum digest = comment_digest(save.key, save.request);
    const LOCKTAG lock = lock_kept_comment(save.table, save.key, save.request);
    std::optional<KeptComment> stored = find_repeated_comment(save.table, save.key, digest, save.request.base);
    // What was made of an earlier arrival of this request may be pruned from the history.
    if (!stored && !changes.is_base_followed())
        if (const std::optional<std::int64_t> id = find_comment_of_base(save.table, save.key, save.request))
            stored = KeptComment{*id, std::nullopt};
    if (stored)
    {
        unlock_comment(lock, ExclusiveLock);
        await_standbys_at_commit();
        return *stored;
    }

    SaveInProgress progress = in_progress(save);
    progress.refused_request = digest;
    with_save_in_progress(progress, [&] { insert_comment(save, progress); });
    unlock_comment(lock, ExclusiveLock);
    statistics::count(statistics::Counter::comments_kept);
    return {*progress.comment_id, std::nullopt};
}

SaveResult
unchanged(const Save &save, const CustomerRow &row, std::optional<std::int64_t> stored_comment)
{
    await_standbys_at_commit();
    return {core::Outcome::unchanged,
            row.status,
            row.version,
            stored_comment,
            message_of(facts_of(save, core::Outcome::unchanged)),
            std::nullopt};
}

SaveResult
replayed(const Save &save, const AppliedRequest &applied, const std::optional<CustomerRow> &row)
{
    await_standbys_at_commit();
    const std::optional<ChainHead> head = chain_head(save.table, save.key);
    core::MessageFacts facts = facts_of(save, core::Outcome::replayed);
    facts.is_current = row && core::same_version(row->version, applied.version);
    facts.is_gone = !row;

    JsonBuilder json;
    json.open_object();
    json.key("version");
    json.time(applied.version);
    json.key("current");
    json.boolean(facts.is_current);
    if (!facts.is_current && head && may_read_all_history(save.table))
    {
        json.key("superseded_by");
        json.open_object();
        json.key("version");
        json.time(head->version);
        json.key("author");
        json.optional_text(head->author);
        json.key("db_user");
        json.text(head->db_user);
        json.close_object();
    }
    json.close_object();

    SaveResult result = {core::Outcome::replayed, std::nullopt,      std::nullopt,
                         applied.comment_id,      message_of(facts), json.finish()};
    if (row)
    {
        result.status = row->status;
        result.version = row->version;
    }
    return result;
}

// What happened since the base of the save, as a snapshot shows it.
ChangesSince
changes_since(const Save &save, Snapshot snapshot)
{
    return read_changes_since(save.table, save.key, save.request, save.fields, snapshot);
}

// The outcome of a save whose customer the caller does not see.
SaveResult
missing(const Save &save)
{
    const bool under_row_security = is_under_row_security(save.table->customers.oid);
    const std::optional<AppliedRequest> applied =
        under_row_security ? std::nullopt : changes_since(save, new_snapshot()).applied;
    const bool in_history = !under_row_security && oldest_change(save.table, save.key);
    const core::Outcome outcome = core::decide_missing(applied.has_value(), in_history, under_row_security);

    if (outcome == core::Outcome::replayed)
        return replayed(save, *applied, std::nullopt);
    return {outcome, std::nullopt, std::nullopt, std::nullopt, message_of(facts_of(save, outcome)), std::nullopt};
}

core::MessageFacts
refusal_facts(const Save &save, core::Outcome outcome, const ConflictDetail &detail, bool comment_kept)
{
    core::MessageFacts facts = facts_of(save, outcome);
    facts.changes = detail.changes;
    facts.last_author = detail.last_author;
    facts.base_problem = detail.base_problem;
    facts.comment_kept = comment_kept;
    return facts;
}

[[noreturn]] void
refuse_by_error(const Save &save, const std::optional<EditLock> &lock, const ConflictDetail &detail)
{
    statistics::count(lock ? core::Outcome::locked : core::Outcome::conflict);
    if (lock)
        errors::locked(key_text(save.key), jsonb_text(detail.json));
    errors::conflict(key_text(save.key), jsonb_text(detail.json));
}

// Raises the conflict, or the lock that refuses the save, unless the customer went in the meantime.
void
raise_refusal(const Save &save, const std::optional<EditLock> &lock)
{
    const Snapshot snapshot = RegisterSnapshot(new_snapshot());
    if (const std::optional<ReadableCustomer> customer = save.path().read(save.table, save.key, snapshot))
        refuse_by_error(save, lock,
                        conflict_detail(save.table, save.key, save.request, save.fields,
                                        {*customer, changes_since(save, snapshot), snapshot}, std::nullopt, lock));
    UnregisterSnapshot(snapshot);
}

// The answer to a refused save by what a snapshot shows; empty when the customer is gone.
std::optional<SaveResult>
refusal(const Save &save, const CustomerRow &row, const std::optional<EditLock> &lock, std::optional<std::int64_t> kept,
        const ChangesSince &changes, Snapshot snapshot)
{
    const std::optional<ReadableCustomer> customer = save.path().read(save.table, save.key, snapshot, {}, row.place);
    if (!customer)
        return std::nullopt;
    const ConflictDetail detail =
        conflict_detail(save.table, save.key, save.request, save.fields, {*customer, changes, snapshot}, kept, lock);
    if (settings::on_conflict() == settings::on_conflict_raise)
        refuse_by_error(save, lock, detail);
    const core::Outcome outcome = lock ? core::Outcome::locked : core::Outcome::conflict;
    core::MessageFacts facts = refusal_facts(save, outcome, detail, kept.has_value());
    if (lock)
        facts.locked_by = lock->author;
    return SaveResult{outcome, customer->status, customer->version, kept, message_of(facts), detail.json};
}

// Keeps the comment of a refused save, for which it may have to wait, and answers by what is there then.
std::optional<SaveResult>
refuse_with_comment(const Save &save, const CustomerRow &row, const std::optional<EditLock> &lock,
                    const ChangesSince &changes)
{
    if (!save.path().lock_for_reference(save.table, save.key))
        return std::nullopt;
    const KeptComment kept = keep_comment(save, changes);
    if (is_applied_late(save, kept))
        return replayed(save, {*kept.adopted_version, kept.id}, save.path().look(save.table, save.key));
    const Snapshot snapshot = RegisterSnapshot(new_snapshot());
    const auto result = refusal(save, row, lock, kept.id, changes_since(save, snapshot), snapshot);
    UnregisterSnapshot(snapshot);
    return result;
}

// Answers a save whose base is not the customer's version, or that a lock refuses. Empty when the customer went in the
// meantime, or when row security does not let the caller refer to it.
std::optional<SaveResult>
refuse(const Save &save, const CustomerRow &row, const std::optional<EditLock> &lock)
{
    const Snapshot snapshot = RegisterSnapshot(new_snapshot());
    const ChangesSince changes = changes_since(save, snapshot);
    std::optional<SaveResult> result;
    if (changes.applied)
        result = replayed(save, *changes.applied, row);
    else if (save.request.comment && settings::on_conflict() != settings::on_conflict_raise)
        result = refuse_with_comment(save, row, lock, changes);
    else
        result = refusal(save, row, lock, std::nullopt, changes, snapshot);
    UnregisterSnapshot(snapshot);
    return result;
}

// What of the save differs from what is there.
SavePlan
plan_of(const Save &save, core::Outcome outcome, ThreeWays items)
{
    SavePlan plan = {outcome, std::nullopt, {}, std::nullopt, {}};
    Field *fields = static_cast<Field *>(palloc((save.fields.size() + 1) * sizeof(Field)));
    std::size_t count = 0;
    for (const ThreeWay &item : items)
    {
        if (item.merged() == core::Merge::collide)
            return {core::Outcome::conflict, std::nullopt, {}, std::nullopt, {}};
        if (item.merged() == core::Merge::leave)
            continue;
        if (item.field == nullptr)
            plan.status = item.mine;
        else
            fields[count++] = *item.field;
    }
    plan.fields = {fields, count};
    return plan;
}

// Whether the history tells everything that happened since the base, and it is only updates of columns that are there.
bool
can_be_merged(const ChangesSince &changes, core::Timestamp current)
{
    return changes.head == current && changes.is_base_followed() && changes.are_updates;
}

// Decides on a save whose row is locked, or has another version than the save wants; empty when the row cannot be read.
std::optional<SavePlan>
decide_locked(const Save &save, const CustomerRow &row, const ChangesSince &changes)
{
    const bool is_current = core::same_version(save.request.base, row.version);
    if (is_current && save.fields.empty())
        return SavePlan{
            core::decide(save.request, {row.version, row.status, false}), save.request.status, {}, std::nullopt, {}};
    if (!is_current && (!save.request.merge || !can_be_merged(changes, row.version)))
        return SavePlan{core::Outcome::conflict, std::nullopt, {}, std::nullopt, {}};

    std::optional<ReadableCustomer> customer = ReadableCustomer{row.version, row.status, {}};
    if (!save.fields.empty())
        customer = save.path().read(save.table, save.key, new_snapshot(), save.fields, row.place);
    if (!customer)
        return std::nullopt;
    if (is_current)
    {
        SavePlan plan = plan_of(save, core::Outcome::updated,
                                compare_with_current(save.table, save.request, save.fields, *customer));
        plan.outcome = core::decide(save.request, {row.version, row.status, !plan.fields.empty()});
        return plan;
    }
    SavePlan plan = plan_of(save, core::Outcome::merged,
                            compare_with_base(save.table, save.request, save.fields, *customer, changes));
    if (plan.outcome != core::Outcome::merged)
        return plan;
    // A late repeat of a refused save, whose comment a later one took over.
    if (save.request.comment)
        if (const std::optional<KeptComment> adopted = find_adopted_comment(save.table, save.key, save.request))
        {
            plan.stored_comment = adopted->id;
            if (is_applied_late(save, *adopted))
                return SavePlan{core::Outcome::replayed, std::nullopt, {}, adopted->id, *adopted->adopted_version};
        }
    if ((!save.request.comment || plan.stored_comment) && !plan.status && plan.fields.empty())
        plan.outcome = core::Outcome::unchanged;
    return plan;
}

// Whether the version seen settles that the save is refused: it does not come back. Where the transaction keeps one
// snapshot, a later base may be the version that others have made since.
bool
is_settled(const Save &save, const CustomerRow &row)
{
    if (save.request.merge || core::same_version(save.request.base, row.version))
        return false;
    return !IsolationUsesXactSnapshot() || save.request.base < row.version;
}

// The live edit lock of somebody else, which refuses the save.
std::optional<EditLock>
lock_of_another(const AttachedTable &table, const Key &key, std::string_view author)
{
    const std::optional<EditLock> lock = live_edit_lock(table, key);
    return lock && lock->author != author ? lock : std::nullopt;
}

// Answers a save whose customer is there; empty when it cannot be locked.
std::optional<SaveResult>
try_to_save(const Save &save, const CustomerRow &seen)
{
    if (is_settled(save, seen))
        return refuse(save, seen, std::nullopt);
    if (save.fields.empty() &&
        core::decide(save.request, {seen.version, seen.status, false}) == core::Outcome::unchanged &&
        !lock_of_another(save.table, save.key, save.request.author))
        return unchanged(save, seen, std::nullopt);

    // Before the row is locked, so that who waits for the comment seldom holds the row.
    if (save.request.comment)
        await_kept_comment(save.table, save.key, save.request);
    const std::optional<CustomerRow> locked = save.path().lock(
        save.table, save.key, save.fields, seen, save.request.merge ? std::nullopt : std::optional{save.request.base});
    if (!locked)
        return std::nullopt;
    ChangesSince changes = {};
    if (!core::same_version(save.request.base, locked->version))
        changes = changes_since(save, new_snapshot());
    if (changes.applied)
        return replayed(save, *changes.applied, *locked);
    const std::optional<SavePlan> plan = decide_locked(save, *locked, changes);
    if (!plan)
        return std::nullopt;
    if (plan->outcome != core::Outcome::conflict && plan->outcome != core::Outcome::replayed)
        if (const auto lock = lock_of_another(save.table, save.key, save.request.author))
            return refuse(save, *locked, lock);
    switch (plan->outcome)
    {
        case core::Outcome::updated:
        case core::Outcome::merged:
            return apply(save, *plan, *locked, changes);
        case core::Outcome::unchanged:
            return unchanged(save, *locked, plan->stored_comment);
        case core::Outcome::replayed:
            return replayed(save, {plan->applied, plan->stored_comment}, *locked);
        default:
            return refuse(save, *locked, std::nullopt);
    }
}

SaveResult
result_of_save(const AttachedTable &table, const Key &key, core::Request request, std::optional<Datum> fields)
{
    require_rights(table, request);
    if (request.status)
        request.status = canonical_status(table, *request.status);
    Save save = {table, key, request, {}};
    if (fields)
    {
        save.fields = read_fields(table, *fields);
        request.fields = text_of_fields(save.fields);
    }

    for (std::optional<core::Timestamp> tried;;)
    {
        CHECK_FOR_INTERRUPTS();
        const std::optional<CustomerRow> seen = save.path().look(table, key);
        if (!seen)
            return missing(save);
        // A row that is gone and comes back has another version.
        if (tried == seen->version)
            errors::hidden_by_row_security(table->customers.oid, key_text(key));
        if (const std::optional<SaveResult> result = try_to_save(save, *seen))
            return *result;
        tried = seen->version;
    }
}

}  // namespace

SaveResult
save_customer(const AttachedTable &table, const Key &key, const core::Request &request, std::optional<Datum> fields)
{
    const SaveResult result = result_of_save(table, key, request, fields);
    statistics::count(result.outcome);
    return result;
}

void
check_versioned_comment(const AttachedTable &table, const Key &key, const core::Request &request)
{
    require_rights(table, request);
    const Save save = {table, key, request, {}};

    for (std::optional<core::Timestamp> tried;;)
    {
        CHECK_FOR_INTERRUPTS();
        std::optional<CustomerRow> row = save.path().look(table, key);
        if (!row)
        {
            const bool is_filtered = is_under_row_security(table->customers.oid);
            // Whom policies keep from comments is not told whether it is there.
            if (is_filtered && is_under_row_security(table->comments.oid))
                errors::customer_hidden(table->customers.oid, key_text(key));
            if (!customer_exists(table, key))
                return;
            if (is_filtered)
                errors::customer_hidden(table->customers.oid, key_text(key));
            // It has come since the look.
            if (IsolationUsesXactSnapshot())
                errors::concurrent_update();
            continue;
        }
        if (tried == row->version)
            errors::hidden_by_row_security(table->customers.oid, key_text(key));
        tried = row->version;
        if (!is_settled(save, *row))
            row = save.path().lock(table, key, {}, *row, request.base);
        if (!row)
            continue;
        if (!core::same_version(request.base, row->version))
            raise_refusal(save, std::nullopt);
        else if (const auto lock = lock_of_another(table, key, request.author))
            raise_refusal(save, lock);
        return;
    }
}

void
apply_versioned_comment(const AttachedTable &table, const Key &key, const core::Request &request,
                        std::int64_t comment_id)
{
    const Save save = {table, key, request, {}};

    const std::optional<CustomerRow> row = save.path().lock(table, key, {});
    if (!row)
        errors::write_suppressed(table->customers.oid, key_text(key));
    // Other triggers of this statement may have changed the customer since the check; another save from the same base must
    // not have.
    if (!core::same_version(request.base, row->version) && is_base_used(table, key, request.base))
        raise_refusal(save, std::nullopt);

    SaveInProgress progress = in_progress(save);
    progress.comment_id = comment_id;
    const SavePlan plan = {core::Outcome::updated, std::nullopt, {}, std::nullopt, {}};
    ItemPointerData place = row->place;
    with_save_in_progress(progress, [&] { update_customer(save, plan, place, progress); });
    statistics::count(core::Outcome::updated);
}

bool
customer_exists(const AttachedTable &table, const Key &key)
{
    return execute_latest(table, select_customer_by_key, arguments_of(key)) > 0;
}

}  // namespace crm
