#include "attempt.h"

#include "../boundary/errors.h"
#include "../boundary/role.h"
#include "../boundary/settings.h"
#include "../boundary/snapshot.h"
#include "../boundary/statistics.h"
#include "../boundary/transaction.h"
#include "../core/version.h"
#include "../records/comments_in_flight.h"
#include "../records/history.h"
#include "../records/refused_saves.h"
#include "../records/request_digest.h"
#include "conflict_detail.h"

namespace crm {

namespace {

// SQLSTATEs that PostgREST answers with the HTTP status they carry.
constexpr int conflict_state = MAKE_SQLSTATE('P', 'T', '4', '0', '9');
constexpr int locked_state = MAKE_SQLSTATE('P', 'T', '4', '2', '3');

// Stores the comment of a refused save, once however often it is refused.
KeptComment
keep_comment(const Attempt &save, const ChangesSince &changes)
{
    const Datum digest = comment_digest(save.key, save.request);
    const LOCKTAG lock = lock_kept_comment(save.table, save.key, save.request);
    std::optional<KeptComment> stored = find_repeated_comment(save.table, save.key, digest, save.request.base);
    // What was made of an earlier arrival of this request may be pruned from the history.
    if (!stored && !changes.is_base_followed())
        if (const std::optional<std::int64_t> id = find_comment_of_base(save.table, save.key, save.request))
            stored = KeptComment{.id = *id};
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
    return {.id = *progress.comment_id};
}

// Keeps what a refused save asked for beside its comment, where that is wanted, and names it in the answer.
void
keep_asked(const Attempt &save, SaveResult &result)
{
    const bool asks = save.request.status || !save.fields.empty();
    if (settings::keep_refused() != settings::keep_all || settings::on_conflict() == settings::on_conflict_raise ||
        save.request.intent != core::Intent::save || !asks || !save.table->has(Part::refused_saves))
        return;
    const std::int64_t id =
        keep_refused_save(save.table, save.key, {save.request, save.given}, *result.detail, result.comment_id);
    statistics::count(statistics::Counter::saves_kept);
    JsonBuilder json;
    json.open_object();
    json.key("refused_id");
    json.number(id);
    json.close_object();
    result.detail = DirectFunctionCall2(jsonb_concat, *result.detail, json.finish());
}

core::MessageFacts
refusal_facts(const Attempt &save, core::Outcome outcome, const ConflictDetail &detail, bool comment_kept)
{
    core::MessageFacts facts = facts_of(save, outcome);
    facts.changes = detail.changes;
    facts.last_author = detail.last_author;
    facts.base_problem = detail.base_problem;
    facts.comment_kept = comment_kept;
    facts.is_superseded = detail.is_superseded && detail.changes == 0;
    return facts;
}

[[noreturn]] void
refuse_by_error(const Attempt &save, const std::optional<EditLock> &lock, const ConflictDetail &detail)
{
    statistics::count(lock ? core::Outcome::locked : core::Outcome::conflict);
    if (lock)
        ereport(ERROR, (errcode(locked_state),
                        errmsg("%s is locked for editing by another user", row_name(save.table, save.key).data()),
                        errdetail_internal("%s", jsonb_text(detail.json)),
                        errdetail_log("The detail that the client received is not logged: it holds data of customers."),
                        errhint("Save again when the lock is released or has expired. Nothing was kept, not even the "
                                "comment.")));
    ereport(ERROR, (errcode(conflict_state),
                    errmsg("%s is not at the expected version", row_name(save.table, save.key).data()),
                    errdetail_internal("%s", jsonb_text(detail.json)),
                    errdetail_log("The detail that the client received is not logged: it holds data of customers."),
                    errhint("Read it again and save from its current version. Nothing was kept, not even "
                            "the comment.")));
}

// Keeps the comment of a save whose customer is locked, for which it may have to wait.
KeptComment
keep_comment_of_locked(const Attempt &save)
{
    const Snapshot snapshot = RegisterSnapshot(new_snapshot());
    const KeptComment kept = keep_comment(save, changes_since(save, snapshot));
    UnregisterSnapshot(snapshot);
    return kept;
}

// The answer to a refused save by what a snapshot shows; empty when the customer is gone.
std::optional<SaveResult>
refusal(const Attempt &save, const CustomerRow &row, const std::optional<EditLock> &lock,
        std::optional<std::int64_t> kept, const ChangesSince &changes, Snapshot snapshot)
{
    const std::optional<ReadableCustomer> customer = save.path().read(save.table, save.key, snapshot, {}, row);
    save.path().give_back(row);
    if (!customer)
        return std::nullopt;
    const ConflictDetail detail =
        conflict_detail(save.table, save.key, save.request, save.watched,
                        {*customer, changes, snapshot, superseded(save, *customer, snapshot)}, kept, lock);
    if (settings::on_conflict() == settings::on_conflict_raise)
        refuse_by_error(save, lock, detail);
    const core::Outcome outcome = lock ? core::Outcome::locked : core::Outcome::conflict;
    core::MessageFacts facts = refusal_facts(save, outcome, detail, kept.has_value());
    if (lock)
        facts.locked_by = lock->author;
    return SaveResult{.outcome = outcome,
                      .status = customer->status,
                      .version = customer->version,
                      .comment_id = kept,
                      .message = message_of(facts),
                      .detail = detail.json};
}

// Keeps the comment of a refused save, for which it may have to wait, and answers by what is there then.
std::optional<SaveResult>
refuse_with_comment(const Attempt &save, const CustomerRow &row, const std::optional<EditLock> &lock,
                    const ChangesSince &changes)
{
    save.path().give_back(row);
    if (!save.path().lock_for_reference(save.table, save.key))
        return std::nullopt;
    const KeptComment kept = keep_comment(save, changes);
    if (is_applied_late(save, kept))
        return replayed(save, {*kept.adopted_version, kept.id}, save.path().fetch(save.table, save.key));
    const Snapshot snapshot = RegisterSnapshot(new_snapshot());
    const auto result = refusal(save, row, lock, kept.id, changes_since(save, snapshot), snapshot);
    UnregisterSnapshot(snapshot);
    return result;
}

}  // namespace

SaveResult
replayed(const Attempt &save, const AppliedRequest &applied, const std::optional<CustomerRow> &row)
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

    SaveResult result = {};
    result.outcome = core::Outcome::replayed;
    result.comment_id = applied.comment_id;
    result.message = message_of(facts);
    result.detail = json.finish();
    if (row)
    {
        result.status = row->status;
        result.version = row->version;
    }
    return result;
}

SaveResult
missing(const Attempt &save)
{
    core::Situation situation = {};
    situation.is_filtered = is_under_row_security(save.table->customers.oid);
    std::optional<AppliedRequest> applied;
    if (!situation.is_filtered)
    {
        applied = changes_since(save, new_snapshot()).applied;
        situation.is_applied = applied.has_value();
        situation.is_in_history = oldest_change(save.table, save.key).has_value();
    }
    const core::Outcome outcome = core::decide(situation);
    if (outcome == core::Outcome::replayed)
        return replayed(save, *applied, std::nullopt);
    SaveResult result = {};
    result.outcome = outcome;
    result.message = message_of(facts_of(save, outcome));
    return result;
}

std::optional<SaveResult>
refuse(const Attempt &save, const CustomerRow &row, const std::optional<EditLock> &lock)
{
    const Snapshot snapshot = RegisterSnapshot(new_snapshot());
    const ChangesSince changes = changes_since(save, snapshot);
    std::optional<SaveResult> result;
    if (changes.applied)
    {
        save.path().give_back(row);
        result = replayed(save, *changes.applied, row);
    }
    else if (save.request.comment && settings::on_conflict() != settings::on_conflict_raise)
        result = refuse_with_comment(save, row, lock, changes);
    else
        result = refusal(save, row, lock, std::nullopt, changes, snapshot);
    UnregisterSnapshot(snapshot);
    if (result && core::is_refusal(result->outcome))
        keep_asked(save, *result);
    return result;
}

SaveResult
fail_with_others(const AttachedTable &table, const Key &key, core::Request request, std::optional<Datum> fields,
                 const Refused &refused)
{
    Attempt save = {table, key, request, prepare(table, request, fields)};
    save.given = fields;
    SaveResult result = {};
    result.outcome = core::Outcome::failed_dependency;
    core::MessageFacts facts = facts_of(save, result.outcome);
    facts.refused = refused.numbers;
    if (request.comment)
    {
        result.comment_id = keep_comment_of_locked(save).id;
        facts.comment_kept = true;
    }
    if (const std::optional<CustomerRow> row = save.path().fetch(table, key))
    {
        result.status = row->status;
        result.version = row->version;
    }
    result.message = message_of(facts);
    result.detail = refused.json;
    keep_asked(save, result);
    statistics::count(result.outcome);
    return result;
}

void
raise_refusal(const Attempt &save, const std::optional<EditLock> &lock)
{
    const Snapshot snapshot = RegisterSnapshot(new_snapshot());
    if (const std::optional<ReadableCustomer> customer = save.path().read(save.table, save.key, snapshot))
        refuse_by_error(save, lock,
                        conflict_detail(save.table, save.key, save.request, save.watched,
                                        {*customer, changes_since(save, snapshot), snapshot}, std::nullopt, lock));
    UnregisterSnapshot(snapshot);
}

}  // namespace crm
