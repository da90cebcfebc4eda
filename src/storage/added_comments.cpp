#include "added_comments.h"

#include "../boundary/clock.h"
#include "../boundary/errors.h"
#include "../boundary/role.h"
#include "../boundary/settings.h"
#include "../boundary/standby.h"
#include "access_path.h"
#include "comments.h"
#include "comments_in_flight.h"
#include "save.h"
#include "save_in_progress.h"
#include "statements.h"

namespace crm {

namespace {

// So many of the customer's latest comments are looked at: a double click is among them.
constexpr int most_recent = 30;

// A search among the latest comments, those of transactions in flight included.
struct Search
{
    const AttachedTable &table;
    const core::Request &comment;
    core::Timestamp clock;
    core::Microseconds window;
    int looked_at;
    TransactionId writer;            // another transaction that is adding the same comment
    std::optional<std::int64_t> id;  // of the same comment, added within the window
};

bool
take(void *context, const StoredRow &row, TransactionId writer)
{
    Search &search = *static_cast<Search *>(context);
    const TableDescription &table = *search.table;
    if (row.has_text(table.comments.author, search.comment.author) &&
        row.has_text(table.comments.body, *search.comment.comment) &&
        row.optional_bigint(table.comments.reply_to) == search.comment.reply_to &&
        !row.optional_time(table.comments.based_on))
    {
        if (TransactionIdIsValid(writer))
            search.writer = writer;
        else if (core::is_within(row.time(table.comments.created_at), search.clock, search.window))
            search.id = DatumGetInt64(row.value(table.comments.id));
    }
    return ++search.looked_at < most_recent && !TransactionIdIsValid(search.writer) && !search.id;
}

// The same comment as the newest committed state has it for the caller, whom policies may not show every comment.
std::optional<std::int64_t>
select_repeated(const AttachedTable &table, const Key &key, const core::Request &comment, core::Microseconds window)
{
    const core::Timestamp clock = clock_now();
    Arguments arguments = arguments_of(key);
    arguments.add(comment.author);
    arguments.add(comment.comment);
    arguments.add(comment.reply_to);
    arguments.add(core::shifted(clock, -window));
    arguments.add(core::shifted(clock, window));
    arguments.add(std::optional<std::int64_t>{most_recent});
    const Snapshot latest = RegisterSnapshot(GetLatestSnapshot());
    const std::uint64_t rows =
        execute_for_caller(table, Part::comments, Statement::find_added_comment,
                           "SELECT c.id FROM (SELECT id, author, body, reply_to, created_at, based_on FROM {comments} "
                           "WHERE customer_id OPERATOR(pg_catalog.=) $1 ORDER BY id DESC LIMIT $7) c "
                           "WHERE c.author OPERATOR(pg_catalog.=) $2 AND c.body OPERATOR(pg_catalog.=) $3 "
                           "AND (c.reply_to OPERATOR(pg_catalog.=) $4 OR (c.reply_to IS NULL AND $4 IS NULL)) "
                           "AND c.created_at OPERATOR(pg_catalog.>) $5 AND c.created_at OPERATOR(pg_catalog.<=) $6 "
                           "AND c.based_on IS NULL "
                           "ORDER BY c.id DESC LIMIT 1",
                           arguments, latest);
    UnregisterSnapshot(latest);
    if (rows == 0)
        return std::nullopt;
    return result_bigint(0, 0);
}

std::int64_t
insert(const AttachedTable &table, const Key &key, const core::Request &comment, bool is_checked)
{
    SaveInProgress progress = {};
    progress.table = table;
    progress.key = key;
    progress.step = Step::add_comment;
    with_save_in_progress(progress, [&] {
        if (!access_path(table).insert_comment(table, key, comment, is_checked))
            errors::write_suppressed(table->comments.oid, key_text(key));
    });
    if (progress.step != Step::none)
        errors::comment_not_stored(table->comments.oid);
    return *progress.comment_id;
}

// Adds the comment unless it was added within the window, by a transaction that has committed or is in flight: that is waited
// for.
std::int64_t
insert_once(const AttachedTable &table, const Key &key, const core::Request &comment, bool is_checked,
            core::Microseconds window)
{
    Search search = {table, comment, {}, window, 0, InvalidTransactionId, std::nullopt};
    const LOCKTAG lock = comment_lock(LockClass::added_comment, table, key, comment);
    lock_comment(lock, ExclusiveLock, [&] {
        search.clock = clock_now();
        search.looked_at = 0;
        search.writer = InvalidTransactionId;
        each_comment_now(table, table->comments.index, key, take, &search);
        return search.writer;
    });
    // Under row security it is one that the caller sees.
    const bool is_filtered = is_under_row_security(table->comments.oid);
    if (is_filtered)
        search.id = may_read_comments(table) ? select_repeated(table, key, comment, window) : std::nullopt;
    else if (!can_look_up(table->comments.index))
        search.id = select_repeated(table, key, comment, window);
    const std::int64_t id = search.id ? *search.id : insert(table, key, comment, is_checked);
    unlock_comment(lock, ExclusiveLock);
    if (search.id)
        await_standbys_at_commit();
    return id;
}

}  // namespace

std::int64_t
add_comment(const AttachedTable &table, const Key &key, const core::Request &comment)
{
    require_comment_rights(table, comment);
    const bool is_checked = access_path(table).check_reference(table, key);
    // Whom the policies do not let comment is not told what is there: the foreign keys are checked after the policies.
    if (!is_under_row_security(table->comments.oid))
    {
        if (!is_checked && !customer_exists(table, key))
            errors::no_such_customer(key_text(key));
        if (comment.reply_to && !comment_exists(table, key, *comment.reply_to))
            errors::no_such_comment(*comment.reply_to, key_text(key));
    }
    if (const core::Microseconds window = settings::repeated_comment_window(); window > 0)
        return insert_once(table, key, comment, is_checked, window);
    return insert(table, key, comment, is_checked);
}

}  // namespace crm
