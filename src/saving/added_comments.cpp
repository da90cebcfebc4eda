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

constexpr SqlStatement select_first_text{
    "SELECT c.id FROM {comments} c WHERE c.customer_id OPERATOR(pg_catalog.=) $1 AND c.id OPERATOR(pg_catalog.=) ANY ($2) "
    "AND {first_text} OPERATOR(pg_catalog.=) $3 ORDER BY c.id DESC LIMIT 1",
    As::owner, Part::comments};

// How far back the latest comments are looked at: to where the window begins, which so many that are older tell, for
// imported ones may stand between; but no more than these where they come so fast; and no more than that at all.
constexpr int most_older = 5;
constexpr int most_at_once = 30;
constexpr core::Microseconds at_once = core::second / 10;
constexpr int most = 1000;

// A search among the latest comments, those of transactions in flight included.
struct Search
{
    const AttachedTable &table;
    const core::Request &comment;
    core::Microseconds window;
    bool is_ordered;  // the last ones come first
    core::Timestamp clock = {};
    int looked_at = 0;
    int older = 0;
    bool may_be_there = false;                      // as far as rows themselves tell it
    TransactionId writer = InvalidTransactionId;    // another transaction that is adding the same comment
    std::optional<std::int64_t> id = std::nullopt;  // of the same comment, added within the window
    ArrayBuildState *edited = nullptr;              // those whose first text may be the same

    void begin()
    {
        looked_at = 0;
        older = 0;
        may_be_there = false;
        writer = InvalidTransactionId;
        id = std::nullopt;
        edited = nullptr;
    }
};

bool
is_within_window(const Search &search, const CommentsRow &row)
{
    const std::optional<core::Timestamp> created_at = row.optional_time(&CommentsFacts::created_at);
    return created_at && core::is_within(*created_at, search.clock, search.window);
}

// Whether rows behind this one are looked at.
bool
reaches_further(Search &search, const CommentsRow &row)
{
    if (!search.is_ordered)
        return true;
    const int number = ++search.looked_at;
    // Their times would cost more than they could spare.
    if (number > most_older && number < most_at_once)
        return true;
    if (!is_within_window(search, row))
        return ++search.older < most_older;
    if (number == most_at_once)
        return !core::is_within(row.time(&CommentsFacts::created_at), search.clock, at_once);
    return number < most;
}

bool
take_stored(void *context, const CommentsRow &row)
{
    Search &search = *static_cast<Search *>(context);
    search.may_be_there = (row.may_have_text(&CommentsFacts::body, *search.comment.comment) ||
                           row.has_later_value(&CommentsFacts::edited_at)) &&
                          row.may_have_text(&CommentsFacts::author, search.comment.author);
    return !search.may_be_there && reaches_further(search, row);
}

bool
take(void *context, const CommentsRow &row, TransactionId writer)
{
    Search &search = *static_cast<Search *>(context);
    const bool is_edited = row.has_later_value(&CommentsFacts::edited_at);
    if (row.has_text(&CommentsFacts::author, search.comment.author) &&
        (is_edited || row.has_text(&CommentsFacts::body, *search.comment.comment)) &&
        row.optional_bigint(&CommentsFacts::reply_to) == search.comment.reply_to &&
        !row.optional_time(&CommentsFacts::based_on))
    {
        if (TransactionIdIsValid(writer))
            search.writer = is_edited ? search.writer : writer;
        else if (is_within_window(search, row) && is_edited)
            search.edited = accumArrayResult(search.edited, Int64GetDatum(row.bigint(&CommentsFacts::id)), false,
                                             INT8OID, CurrentMemoryContext);
        else if (is_within_window(search, row))
            search.id = row.bigint(&CommentsFacts::id);
    }
    return !TransactionIdIsValid(search.writer) && !search.id && reaches_further(search, row);
}

// Looks for the comment among what is stored. Most rows are told from it by their texts alone; only where one is not,
// it is found out who sees them.
void
look(Search &search, const Key &key)
{
    const LookupIndex &index = search.table->comments.index;
    search.begin();
    if (search.is_ordered)
    {
        each_stored_comment(search.table, key, take_stored, &search);
        if (!search.may_be_there)
            return;
        search.begin();
    }
    each_comment_now(search.table, index, key, take, &search);
}

// The comment that was found, or one that is another by now and was the same first.
std::optional<std::int64_t>
found_by_first_text(const Search &search, const Key &key)
{
    if (search.id || search.edited == nullptr)
        return search.id;
    Arguments arguments = arguments_of(key);
    arguments.add(INT8ARRAYOID, makeArrayResult(search.edited, CurrentMemoryContext));
    arguments.add(*search.comment.comment);
    const std::uint64_t rows = execute(search.table, select_first_text, arguments);
    if (rows == 0)
        return std::nullopt;
    return result_bigint(0, 0);
}

std::int64_t
insert(const AttachedTable &table, const Key &key, const core::Request &comment,
       const std::optional<CustomerRow> &customer)
{
    SaveInProgress progress = {};
    progress.table = table;
    progress.key = key;
    progress.step = Step::add_comment;
    progress.in_hand = customer ? customer->in_hand : nullptr;
    with_save_in_progress(progress, [&] {
        if (!access_path(table).insert_comment(progress, comment, CustomerLocked{customer.has_value()}))
            errors::write_suppressed(table->comments.oid, key_text(key));
    });
    if (progress.step != Step::none)
        errors::comment_not_stored(table->comments.oid);
    return *progress.comment_id;
}

// Adds the comment unless it was added within the window, by a transaction that has committed or is in flight: that is waited
// for.
std::int64_t
insert_once(const AttachedTable &table, const Key &key, const core::Request &comment,
            const std::optional<CustomerRow> &customer, core::Microseconds window)
{
    Search search = {
        .table = table, .comment = comment, .window = window, .is_ordered = OidIsValid(table->comments.index.index)};
    const LOCKTAG lock = comment_lock(LockClass::added_comment, table, key, comment);
    lock_comment(lock, ExclusiveLock, [&] {
        search.clock = clock_now();
        look(search, key);
        return search.writer;
    });
    // Under row security it is one that the caller sees.
    const bool is_filtered = is_under_row_security(table->comments.oid);
    if (is_filtered || !can_look_up(table->comments.index))
    {
        search.begin();
        search.is_ordered = true;
        if (!is_filtered || may_read_comments(table))
            each_row(table, latest_comments, key, std::nullopt, latest_snapshot(),
                     [&](const CommentsRow &row) { return take(&search, row, InvalidTransactionId); });
    }
    const std::optional<std::int64_t> found = found_by_first_text(search, key);
    const std::int64_t id = found ? *found : insert(table, key, comment, customer);
    unlock_comment(lock, ExclusiveLock);
    if (found)
        await_standbys_at_commit();
    return id;
}

}  // namespace

std::int64_t
add_comment(const AttachedTable &table, const Key &key, const core::Request &comment)
{
    require_comment_rights(table, comment);
    const AccessPath &path = access_path(table);
    const std::optional<CustomerRow> customer = path.find_reference(table, key);
    // Whom the policies do not let comment is not told what is there: the foreign keys are checked after the policies.
    if (!is_under_row_security(table->comments.oid))
    {
        if (!customer && !customer_exists(table, key))
            errors::no_such_row(row_name(table, key));
        if (comment.reply_to && !comment_exists(table, key, *comment.reply_to))
            errors::no_such_comment(*comment.reply_to, row_name(table, key));
    }
    const core::Microseconds window = settings::repeated_comment_window();
    const std::int64_t id =
        window > 0 ? insert_once(table, key, comment, customer, window) : insert(table, key, comment, customer);
    // Last, as a foreign key does: the longer a row is locked, the more transactions lock it together, which costs
    // each of them more. Of a comment that a trigger deleted with its customer, a foreign key says nothing.
    if (customer && !path.lock_reference(table, key, *customer) && comment_exists(table, key, id))
        errors::no_such_row(row_name(table, key));
    if (customer)
        path.give_back(*customer);
    return id;
}

}  // namespace crm
