#include "attempt.h"

#include "../boundary/errors.h"
#include "../boundary/guard.h"
#include "../boundary/role.h"
#include "../boundary/statistics.h"
#include "../core/version.h"
#include "../records/history.h"
#include "../records/request_digest.h"
#include "../tables/status.h"

namespace crm {

Fields
prepare(const AttachedTable &table, core::Request &request, std::optional<Datum> fields)
{
    if (request.status && !table->customers.has_status())
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("table \"%s\" has no status", errors::name_of(table->customers.oid)),
                        errdetail("It was attached with status_column => NULL. Nothing was saved."),
                        errhint("Pass NULL as status; other columns go into fields.")));
    if (request.status)
        request.status = canonical_status(table, *request.status);
    if (!fields)
        return {};
    const Fields read = read_fields(table, *fields);
    if (request.intent != core::Intent::reversion)
        request.fields = text_of_fields(read);
    return read;
}

void
require_save_rights(const AttachedTable &table, const core::Request &request)
{
    require_update_right(table);
    if (request.comment)
        require_comment_rights(table, request);
}

std::string_view
message_of(const core::MessageFacts &facts)
{
    if (const std::optional<core::PlainMessage> plain = core::plain_message(facts.outcome, facts.intent))
    {
        const std::string_view message = joined_text({plain->before, facts.row, plain->after});
        if (plain->before.empty())
            *const_cast<char *>(message.data()) = static_cast<char>(pg_ascii_toupper(message.front()));
        return message;
    }
    return guarded_text([&facts] { return core::message(facts); });
}

core::MessageFacts
facts_of(const Attempt &save, core::Outcome outcome)
{
    core::MessageFacts facts = {};
    facts.outcome = outcome;
    facts.intent = save.request.intent;
    facts.row = row_name(save.table, save.key);
    facts.asked_change = save.request.status.has_value() || !save.fields.empty();
    return facts;
}

SaveResult
decided(const Attempt &save, core::Outcome outcome, const CustomerRow &locked)
{
    save.path().give_back(locked);
    if (save.request.comment)
        lock_kept_comment(save.table, save.key, save.request);
    SaveResult result = {};
    result.outcome = outcome;
    return result;
}

bool
is_end(Stage stage, core::Outcome outcome)
{
    const bool is_change =
        outcome == core::Outcome::updated || outcome == core::Outcome::merged || outcome == core::Outcome::deleted;
    return stage == Stage::whole || !is_change;
}

void
count(Stage stage, core::Outcome outcome)
{
    if (is_end(stage, outcome))
        statistics::count(outcome);
}

SaveInProgress
in_progress(const Attempt &save)
{
    SaveInProgress progress = {};
    progress.table = save.table;
    progress.key = save.key;
    progress.author = save.request.author;
    progress.based_on = save.request.base;
    progress.checked = save.request.base;
    if (save.reversion != nullptr)
        progress.reverts = save.reversion->version;
    return progress;
}

void
insert_comment(const Attempt &save, SaveInProgress &progress)
{
    if (save.request.reply_to && !comment_exists(save.table, save.key, *save.request.reply_to))
        errors::no_such_comment(*save.request.reply_to, row_name(save.table, save.key));
    progress.step = Step::insert_comment;
    if (!save.path().insert_comment(progress, save.request, CustomerLocked::yes))
        errors::write_suppressed(save.table->comments.oid, key_text(save.key));
    if (progress.step != Step::none)
        errors::comment_not_stored(save.table->comments.oid);
}

void
update_customer(const Attempt &save, const Write &write, CustomerRow &row, SaveInProgress &progress)
{
    require_assignable(save.table, write.fields);
    progress.step = Step::update_customer;
    if (!save.path().update(progress, write, row))
        errors::write_suppressed(save.table->customers.oid, key_text(save.key));
    if (progress.step != Step::none)
        errors::triggers_did_not_fire(save.table->customers.oid);
}

ChangesSince
changes_since(const Attempt &save, Snapshot snapshot)
{
    return read_changes_since(save.table, save.key, save.request, save.watched, snapshot);
}

bool
is_settled(const Attempt &save, const CustomerRow &row)
{
    if (save.request.merge || core::same_version(save.request.base, row.version))
        return false;
    return !IsolationUsesXactSnapshot() || save.request.base < row.version;
}

std::optional<EditLock>
lock_of_another(const Attempt &save)
{
    const std::optional<EditLock> lock = live_edit_lock(save.table, save.key);
    return lock && lock->author != save.request.author ? lock : std::nullopt;
}

bool
is_applied_late(const Attempt &save, const KeptComment &comment)
{
    return comment.adopted_version &&
           is_applied_from_earlier(save.table, save.key, *comment.adopted_version,
                                   request_digest(save.key, save.request), save.request.base);
}

}  // namespace crm
