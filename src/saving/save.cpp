#include "saving.h"

#include "../boundary/errors.h"
#include "../boundary/settings.h"
#include "../boundary/snapshot.h"
#include "../boundary/statistics.h"
#include "../boundary/transaction.h"
#include "../core/version.h"
#include "../records/refused_saves.h"
#include "../records/request_digest.h"
#include "attempt.h"
#include "conflict_detail.h"
#include "three_way.h"

namespace crm {

namespace {

// What is known of a save whose row is locked, and what of it differs from what is there.
struct SavePlan
{
    core::Situation situation;
    Write write;
    std::optional<std::int64_t> stored_comment;  // when the comment is there already
    std::optional<AppliedRequest> applied;       // what is replayed
};

// Writes a save whose row is locked.
SaveResult
apply(const Attempt &save, core::Outcome outcome, const SavePlan &plan, const CustomerRow &locked, ChangesSince changes)
{
    SaveInProgress progress = in_progress(save);
    progress.checked = locked.version;
    progress.in_hand = locked.in_hand;
    CustomerRow row = locked;
    progress.request = request_digest(save.key, save.request);
    if (outcome == core::Outcome::merged)
        read_visible(save.table, save.key, new_snapshot(), changes);

    with_save_in_progress(progress, [&] {
        std::optional<std::int64_t> adopted;
        if (save.request.comment && !plan.stored_comment)
            adopted = find_adoptable_comment(save.table, save.key, save.request);
        if (adopted || plan.stored_comment)
            progress.comment_id = adopted ? adopted : plan.stored_comment;
        else if (save.request.comment)
            insert_comment(save, progress);

        update_customer(save, plan.write, row, progress);
        if (adopted)
        {
            progress.step = Step::adopt_comment;
            adopt_comment(save.table, save.key, *adopted, *progress.version);
            progress.called_others = true;
            statistics::count(statistics::Counter::comments_adopted);
        }
    });

    SaveResult result = {};
    result.outcome = outcome;
    result.comment_id = progress.comment_id;
    result.message = message_of(facts_of(save, outcome));
    if (outcome == core::Outcome::merged)
    {
        const std::optional<ReadableCustomer> merged = save.path().read(save.table, save.key, new_snapshot(), {}, row);
        if (merged)
        {
            result.status = merged->status;
            result.version = merged->version;
            result.detail = merge_detail(save.key, changes, *merged);
        }
        return result;
    }
    // Triggers of others may have changed the row again.
    std::optional<CustomerRow> now = row;
    if (progress.called_others)
        now = save.path().fetch(save.table, save.key, row.tid);
    if (now)
    {
        result.status = now->status;
        result.version = now->version;
    }
    return result;
}

SaveResult
unchanged(const Attempt &save, const CustomerRow &row, std::optional<std::int64_t> stored_comment)
{
    await_standbys_at_commit();
    SaveResult result = {};
    result.outcome = core::Outcome::unchanged;
    result.status = row.status;
    result.version = row.version;
    result.comment_id = stored_comment;
    result.message = message_of(facts_of(save, result.outcome));
    return result;
}

// Fills in what of the save differs from what is there; false where it collides with what others changed.
bool
fill_write(const Attempt &save, ThreeWays items, Write &write)
{
    Field *fields = static_cast<Field *>(palloc((save.fields.size() + 1) * sizeof(Field)));
    std::size_t count = 0;
    for (const ThreeWay &item : items)
    {
        if (item.merged() == core::Merge::collide)
            return false;
        if (item.merged() == core::Merge::leave)
            continue;
        if (item.field == nullptr)
            write.status = item.mine;
        else
            fields[count++] = *item.field;
    }
    write.fields = {fields, count};
    return true;
}

// Whether the history tells everything that happened since the base, and it is only updates of columns that are there; and
// whether it is known which columns merge as one.
bool
can_be_merged(const AttachedTable &table, const ChangesSince &changes, core::Timestamp current)
{
    return !table->merge_groups.is_broken && changes.head == current && changes.is_base_followed() &&
           changes.are_updates;
}

// Fills in a merge: whether it is possible, and where its comment is if a late repeat of a refused save brings it, whose
// comment a later one took over.
void
plan_merge(const Attempt &save, const ReadableCustomer &customer, const ChangesSince &changes, SavePlan &plan)
{
    plan.situation.can_be_merged =
        fill_write(save, compare_with_base(save.table, save.request, save.watched, customer, changes), plan.write);
    if (!plan.situation.can_be_merged || !save.request.comment)
        return;
    const std::optional<KeptComment> adopted = find_adopted_comment(save.table, save.key, save.request);
    if (!adopted)
        return;
    plan.stored_comment = adopted->id;
    if (is_applied_late(save, *adopted))
        plan.applied = AppliedRequest{*adopted->adopted_version, adopted->id};
}

// Plans a save whose row is locked, or has another version than the save wants; empty when the row cannot be read.
std::optional<SavePlan>
plan_of(const Attempt &save, const CustomerRow &row, const ChangesSince &changes)
{
    SavePlan plan = {};
    plan.situation = core::situation_of(save.request, {.version = row.version, .status = row.status});
    plan.applied = changes.applied;
    plan.write.status = save.request.status;
    const bool is_current = plan.situation.is_current;
    plan.situation.is_applied = plan.applied.has_value();
    if (plan.situation.is_applied || (is_current && save.fields.empty()))
        return plan;
    if (!is_current && (!save.request.merge || !can_be_merged(save.table, changes, row.version)))
        return plan;
    // The request that was found applied may have been pruned since.
    require_columns(save.table, save.fields);

    std::optional<ReadableCustomer> customer = ReadableCustomer{row.version, row.status, {}};
    const Fields wanted = is_current ? save.fields : save.watched;
    if (!wanted.empty())
        customer = save.path().read(save.table, save.key, new_snapshot(), wanted, row);
    if (!customer)
        return std::nullopt;
    plan.write.status = std::nullopt;
    if (is_current)
        fill_write(save, compare_with_current(save.table, save.request, save.fields, *customer), plan.write);
    else
        plan_merge(save, *customer, changes, plan);
    plan.situation.is_applied = plan.applied.has_value();
    plan.situation.changes_anything =
        (save.request.comment && !plan.stored_comment) || plan.write.status || !plan.write.fields.empty();
    return plan;
}

// Whether what a save undoes was changed again before its row was locked.
bool
is_superseded(const Attempt &save, const CustomerRow &locked)
{
    if (save.reversion == nullptr)
        return false;
    const Snapshot snapshot = RegisterSnapshot(new_snapshot());
    const std::optional<ReadableCustomer> customer = save.path().read(save.table, save.key, snapshot, {}, locked);
    const bool is_superseded = customer && superseded(save, *customer, snapshot);
    UnregisterSnapshot(snapshot);
    return is_superseded;
}

// Answers a save whose customer is there; empty when it cannot be locked.
std::optional<SaveResult>
try_to_save(const Attempt &save, const CustomerRow &seen)
{
    const AccessPath &path = save.path();
    if (is_settled(save, seen))
        return refuse(save, seen, std::nullopt);
    const core::Situation at_first = core::situation_of(save.request, {.version = seen.version, .status = seen.status});
    if (save.stage == Stage::whole && save.fields.empty() && core::decide(at_first) == core::Outcome::unchanged &&
        !lock_of_another(save))
        return unchanged(save, seen, std::nullopt);

    // Before the row is locked, so that who waits for the comment seldom holds the row.
    if (save.request.comment)
        await_kept_comment(save.table, save.key, save.request);
    const std::optional<CustomerRow> locked = path.lock(
        save.table, save.key, save.fields, seen, save.request.merge ? std::nullopt : std::optional{save.request.base});
    if (!locked)
        return std::nullopt;
    ChangesSince changes = {};
    if (!core::same_version(save.request.base, locked->version))
        changes = changes_since(save, new_snapshot());
    std::optional<SavePlan> plan = plan_of(save, *locked, changes);
    if (!plan)
        return std::nullopt;

    // The edit lock decides about what would be saved alone.
    core::Outcome outcome = core::decide(plan->situation);
    std::optional<EditLock> lock;
    if (outcome != core::Outcome::replayed && outcome != core::Outcome::conflict)
    {
        lock = lock_of_another(save);
        plan->situation.is_locked = lock.has_value();
        outcome = core::decide(plan->situation);
    }
    if (outcome != core::Outcome::replayed && outcome != core::Outcome::conflict && is_superseded(save, *locked))
        return refuse(save, *locked, std::nullopt);
    if (outcome == core::Outcome::updated || outcome == core::Outcome::merged)
        return save.stage == Stage::decision ? decided(save, outcome, *locked)
                                             : apply(save, outcome, *plan, *locked, changes);
    switch (outcome)
    {
        case core::Outcome::unchanged:
            return unchanged(save, *locked, plan->stored_comment);
        case core::Outcome::replayed:
            path.give_back(*locked);
            return replayed(save, *plan->applied, *locked);
        default:
            return refuse(save, *locked, lock);
    }
}

SaveResult
result_of_save(const AttachedTable &table, const Key &key, core::Request request, std::optional<Datum> fields,
               const Reversion *reversion, Stage stage)
{
    require_save_rights(table, request);
    Attempt save = {table, key, request, prepare(table, request, fields), {}, reversion, stage, fields};
    save.watched = watched_fields(table, request, save.fields);
    // Where it was applied, a column may have been dropped since.
    if (!std::ranges::all_of(save.fields, &Field::is_there) && !changes_since(save, new_snapshot()).applied)
        require_columns(table, save.fields);

    for (std::optional<core::Timestamp> tried;;)
    {
        CHECK_FOR_INTERRUPTS();
        const AccessPath &path = save.path();
        const std::optional<CustomerRow> seen = path.take(table, key);
        if (!seen)
            return missing(save);
        // A row that is gone and comes back has another version.
        if (tried == seen->version)
            errors::hidden_by_row_security(table->customers.oid, key_text(key));
        const std::optional<SaveResult> result = try_to_save(save, *seen);
        path.give_back(*seen);
        if (result)
            return *result;
        tried = seen->version;
    }
}

}  // namespace

SaveResult
save_customer(const AttachedTable &table, const Key &key, const core::Request &request, std::optional<Datum> fields,
              const Reversion *reversion, Stage stage)
{
    const SaveResult result = result_of_save(table, key, request, fields, reversion, stage);
    count(stage, result.outcome);
    if (settings::keep_refused() == settings::keep_all && is_end(stage, result.outcome) &&
        !core::is_refusal(result.outcome) && table->has(Part::refused_saves))
        end_included_saves(table, key, {request, fields});
    return result;
}

}  // namespace crm
