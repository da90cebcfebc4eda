#include "saving.h"

#include "../boundary/clock.h"
#include "../boundary/errors.h"
#include "../boundary/role.h"
#include "../boundary/settings.h"
#include "../boundary/snapshot.h"
#include "../boundary/transaction.h"
#include "../records/comments.h"
#include "../records/comments_in_flight.h"
#include "../records/save_in_progress.h"
#include "access_path.h"

namespace crm {

namespace {

constexpr RowQuery<Comments> latest_comments{
    .as = As::reader, .column = &CommentsFacts::id, .order = Order::backward, .expected = 30};

// So many of the customer's latest comments are looked at: a double click is among them.
constexpr int most_recent = 30;

// A search among the latest comments, those of transactions in flight included.
struct Search
{
    const AttachedTable &table;
    const core::Request &comment;
    core::Microseconds window;
    int most;
    core::Timestamp clock = {};
    int looked_at = 0;
    TransactionId writer = InvalidTransactionId;    // another transaction that is adding the same comment
    std::optional<std::int64_t> id = std::nullopt;  // of the same comment, added within the window
};

bool
take(void *context, const CommentsRow &row, TransactionId writer)
{
    Search &search = *static_cast<Search *>(context);
    if (row.has_text(&CommentsFacts::author, search.comment.author) &&
        row.has_text(&CommentsFacts::body, *search.comment.comment) &&
        row.optional_bigint(&CommentsFacts::reply_to) == search.comment.reply_to &&
        !row.optional_time(&CommentsFacts::based_on))
    {
        if (TransactionIdIsValid(writer))
            search.writer = writer;
        else if (core::is_within(row.time(&CommentsFacts::created_at), search.clock, search.window))
            search.id = row.bigint(&CommentsFacts::id);
    }
    return ++search.looked_at < search.most && !TransactionIdIsValid(search.writer) && !search.id;
}

std::int64_t
insert(const AttachedTable &table, const Key &key, const core::Request &comment, CustomerLocked is_locked)
{
    SaveInProgress progress = {};
    progress.table = table;
    progress.key = key;
    progress.step = Step::add_comment;
    with_save_in_progress(progress, [&] {
        if (!access_path(table).insert_comment(progress, comment, is_locked))
            errors::write_suppressed(table->comments.oid, key_text(key));
    });
    if (progress.step != Step::none)
        errors::comment_not_stored(table->comments.oid);
    return *progress.comment_id;
}

// Adds the comment unless it was added within the window, by a transaction that has committed or is in flight: that is waited
// for.
std::int64_t
insert_once(const AttachedTable &table, const Key &key, const core::Request &comment, CustomerLocked is_locked,
            core::Microseconds window)
{
    // Without an index the latest comments are not the first that are found.
    const int most = OidIsValid(table->comments.index.index) ? most_recent : INT_MAX;
    Search search = {.table = table, .comment = comment, .window = window, .most = most};
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
    if (is_filtered || !can_look_up(table->comments.index))
    {
        search.id = std::nullopt;
        search.most = most_recent;
        search.looked_at = 0;
        if (!is_filtered || may_read_comments(table))
            each_row(table, latest_comments, key, std::nullopt, latest_snapshot(),
                     [&](const CommentsRow &row) { return take(&search, row, InvalidTransactionId); });
    }
    const std::int64_t id = search.id ? *search.id : insert(table, key, comment, is_locked);
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
    const CustomerLocked is_locked{access_path(table).check_reference(table, key)};
    // Whom the policies do not let comment is not told what is there: the foreign keys are checked after the policies.
    if (!is_under_row_security(table->comments.oid))
    {
        if (is_locked == CustomerLocked::no && !customer_exists(table, key))
            errors::no_such_customer(key_text(key));
        if (comment.reply_to && !comment_exists(table, key, *comment.reply_to))
            errors::no_such_comment(*comment.reply_to, key_text(key));
    }
    if (const core::Microseconds window = settings::repeated_comment_window(); window > 0)
        return insert_once(table, key, comment, is_locked, window);
    return insert(table, key, comment, is_locked);
}

}  // namespace crm
