#include "added_comments.h"

#include "../boundary/clock.h"
#include "../boundary/errors.h"
#include "../boundary/owner.h"
#include "../boundary/role.h"
#include "../boundary/settings.h"
#include "../boundary/standby.h"
#include "access_path.h"
#include "comments.h"
#include "index_lookup.h"
#include "save.h"
#include "save_in_progress.h"

namespace crm {

namespace {

// So many of the customer's latest comments are looked at: a double click is among them.
constexpr int most_recent = 30;

std::optional<std::int64_t>
look_up_repeated(const AttachedTable &table, const Key &key, const core::Request &comment, core::Timestamp clock,
                 core::Microseconds window)
{
    const IndexLookup lookup = begin_latest_lookup(table.comments, table.comments_index, {key.value});
    std::optional<std::int64_t> found;
    for (int i = 0; i < most_recent && !found && lookup.previous(); i++)
        if (lookup.has_text(table.comment_author, comment.author) &&
            lookup.has_text(table.comment_body, *comment.comment) &&
            core::is_within(lookup.time(table.comment_created_at), clock, window) &&
            lookup.optional_bigint(table.comment_reply_to) == comment.reply_to &&
            !lookup.optional_time(table.comment_based_on))
            found = DatumGetInt64(lookup.value(table.comment_id));
    end_lookup(lookup);
    return found;
}

// The same comment, if it was added within the window, as the newest committed state has it. Under row security it is one
// that the caller sees.
std::optional<std::int64_t>
find_repeated(AttachedTable &table, const Key &key, const core::Request &comment, core::Microseconds window)
{
    const core::Timestamp clock = clock_now();
    const bool is_filtered = is_under_row_security(table.comments);
    if (is_filtered && !may_read_comments(table))
        return std::nullopt;
    if (!is_filtered && can_look_up(table.comments_index))
        return look_up_repeated(table, key, comment, clock, window);
    Arguments arguments = arguments_of(key);
    arguments.add(comment.author);
    arguments.add(comment.comment);
    arguments.add(comment.reply_to);
    arguments.add(core::shifted(clock, -window));
    arguments.add(core::shifted(clock, window));

    const auto select = [&] {
        return psprintf("SELECT c.id FROM (SELECT id, author, body, reply_to, created_at, based_on FROM %s "
                        "WHERE customer_id OPERATOR(pg_catalog.=) $1 ORDER BY id DESC LIMIT %d) c "
                        "WHERE c.author OPERATOR(pg_catalog.=) $2 AND c.body OPERATOR(pg_catalog.=) $3 "
                        "AND (c.reply_to OPERATOR(pg_catalog.=) $4 OR (c.reply_to IS NULL AND $4 IS NULL)) "
                        "AND c.created_at OPERATOR(pg_catalog.>) $5 AND c.created_at OPERATOR(pg_catalog.<=) $6 "
                        "AND c.based_on IS NULL "
                        "ORDER BY c.id DESC LIMIT 1",
                        table.comments_sql, most_recent);
    };
    SPIPlanPtr &plan = table.plan(Statement::find_added_comment);
    std::uint64_t rows;
    if (is_filtered)
    {
        const Snapshot latest = RegisterSnapshot(GetLatestSnapshot());
        rows = execute(plan, select, arguments, latest);
        UnregisterSnapshot(latest);
    }
    else
        rows = execute_latest_as(table.comments_owner, nullptr, plan, select, arguments);
    if (rows == 0)
        return std::nullopt;
    return result_bigint(0, 0);
}

}  // namespace

std::int64_t
add_comment(AttachedTable &table, const Key &key, const core::Request &comment)
{
    require_comment_rights(table, comment);
    const AccessPath &path = access_path(table);
    const bool is_checked = path.check_reference(table, key);
    // Whom the policies do not let comment is not told what is there: the foreign keys are checked after the policies.
    if (!is_under_row_security(table.comments))
    {
        if (!is_checked && !customer_exists(table, key))
            errors::no_such_customer(key_text(key));
        if (comment.reply_to && !comment_exists(table, key, *comment.reply_to))
            errors::no_such_comment(*comment.reply_to, key_text(key));
    }
    if (const core::Microseconds window = settings::repeated_comment_window(); window > 0)
    {
        lock_added_comment(table, key, comment);
        if (const auto repeated = find_repeated(table, key, comment, window))
        {
            await_standbys_at_commit();
            return *repeated;
        }
    }

    SaveInProgress progress = {};
    progress.table = &table;
    progress.key = key;
    progress.step = Step::add_comment;
    with_save_in_progress(progress, [&] {
        if (!path.insert_comment(table, key, comment, is_checked))
            errors::write_suppressed(table.comments, key_text(key));
    });
    if (progress.step != Step::none)
        errors::comment_not_stored(table.comments);
    return *progress.comment_id;
}

}  // namespace crm
