#include "comments.h"

#include "../boundary/clock.h"
#include "../boundary/errors.h"
#include "../boundary/role.h"
#include "../boundary/settings.h"
#include "../boundary/snapshot.h"
#include "../core/decision.h"
#include "../core/version.h"
#include "comments_in_flight.h"
#include "events.h"
#include "request_digest.h"
#include "rows.h"

namespace crm {

namespace {

constexpr RowQuery<Comments> kept_with_digest{
    .index = &CommentsAccess::kept_index, .column = &CommentsFacts::refused_request, .bound = Bound::equal};

constexpr RowQuery<Comments> latest_comments{.as = As::reader, .column = &CommentsFacts::id, .order = Order::backward};

constexpr SqlStatement select_comment_of_base{
    "SELECT id FROM {comments} c WHERE customer_id OPERATOR(pg_catalog.=) $1 "
    "AND author OPERATOR(pg_catalog.=) $2 AND {first_text} OPERATOR(pg_catalog.=) $3 "
    "AND (reply_to OPERATOR(pg_catalog.=) $4 OR (reply_to IS NULL AND $4 IS NULL)) "
    "AND based_on OPERATOR(pg_catalog.>=) $5 AND based_on OPERATOR(pg_catalog.<=) $6 "
    "ORDER BY id LIMIT 1",
    As::owner, Part::comments};

constexpr SqlStatement select_comment{"SELECT 1 FROM {comments} WHERE customer_id OPERATOR(pg_catalog.=) $1 "
                                      "AND id OPERATOR(pg_catalog.=) $2",
                                      As::owner, Part::comments};

constexpr SqlStatement update_adopted{"UPDATE {comments} SET save_refused = false, adopted_version = $3 "
                                      "WHERE customer_id OPERATOR(pg_catalog.=) $1 AND id OPERATOR(pg_catalog.=) $2",
                                      As::owner, Part::comments};

// A comment kept from a refused save.
struct Kept
{
    std::int64_t id;
    core::KeptComment comment;
};

// The comments kept from refused saves with this digest, newest first.
std::span<Kept>
find_kept_comments(const AttachedTable &table, const Key &key, Datum digest)
{
    Kept *kept = nullptr;
    std::size_t count = 0;
    std::size_t room = 0;
    each_row(table, kept_with_digest, key, digest, latest_snapshot(), [&](const CommentsRow &row) {
        if (count == room)
        {
            room = 2 * room + 8;
            const std::size_t size = room * sizeof(Kept);
            kept = static_cast<Kept *>(kept == nullptr ? palloc(size) : repalloc(kept, size));
        }
        kept[count++] = {row.bigint(&CommentsFacts::id),
                         {row.optional_time(&CommentsFacts::based_on).value_or(core::minus_infinity),
                          row.time(&CommentsFacts::created_at), row.optional_time(&CommentsFacts::adopted_version)}};
        return true;
    });
    std::sort(kept, kept + count, [](const Kept &a, const Kept &b) { return a.id > b.id; });
    return {kept, count};
}

// The comments kept from refusals of a request. Most customers have none at all, which costs no digest.
std::span<Kept>
find_kept_comments(const AttachedTable &table, const Key &key, const core::Request &request)
{
    if (can_look_up(table->comments.kept_index))
    {
        const IndexLookup lookup =
            begin_lookup(table->comments.oid, table->comments.kept_index, {key.value}, latest_snapshot());
        const bool has_any = lookup.next();
        end_lookup(lookup);
        if (!has_any)
            return {};
    }
    return find_kept_comments(table, key, comment_digest(key, request));
}

// A search for comments with a digest that other transactions are keeping.
struct KeptInFlight
{
    const AttachedTable &table;
    const Key &key;
    const core::Request &request;
    std::optional<Datum> digest = std::nullopt;  // worked out when it is first needed
    TransactionId writer = InvalidTransactionId;
};

bool
take_kept(void *context, const CommentsRow &row, TransactionId writer)
{
    KeptInFlight &search = *static_cast<KeptInFlight *>(context);
    if (!TransactionIdIsValid(writer))
        return true;
    if (!search.digest)
        search.digest = comment_digest(search.key, search.request);
    if (row.has_uuid(&CommentsFacts::refused_request, *search.digest))
        search.writer = writer;
    return !TransactionIdIsValid(search.writer);
}

// Another transaction that is keeping the comment of a request.
TransactionId
keeper_of(const AttachedTable &table, const Key &key, const core::Request &request)
{
    KeptInFlight search = {.table = table, .key = key, .request = request};
    each_comment_now(table, table->comments.kept_index, key, take_kept, &search);
    return search.writer;
}

// So many of the latest comments are listed, of so many that are looked at: no index tells when they were created.
constexpr std::size_t most_listed = 50;
constexpr int most_looked_at = 1000;

Comment
comment_in(const CommentsRow &row)
{
    return {row.bigint(&CommentsFacts::id),
            row.text(&CommentsFacts::body),
            row.text(&CommentsFacts::author),
            row.time(&CommentsFacts::created_at),
            row.optional_bigint(&CommentsFacts::reply_to),
            row.boolean(&CommentsFacts::save_refused)};
}

Corrections
corrections_in(const AttachedTable &table, const CommentsRow &row)
{
    if (!table->has_corrections())
        return {};
    return {row.optional_time(&CommentsFacts::edited_at), row.optional_text(&CommentsFacts::edited_by),
            row.optional_time(&CommentsFacts::withdrawn_at)};
}

// A comment as it is listed.
struct Listed
{
    Comment comment;
    Corrections corrections;
};

// The text of a comment; a long one is cut in a list, which has an end.
void
add_text(JsonBuilder &json, std::string_view text, CommentText form)
{
    constexpr int limit = 10'000;

    const int length = form == CommentText::cut ? pg_mbcharcliplen(text.data(), static_cast<int>(text.size()), limit)
                                                : static_cast<int>(text.size());
    json.key("text");
    json.text(text.substr(0, length));
    if (static_cast<std::size_t>(length) < text.size())
    {
        json.key("text_is_cut");
        json.boolean(true);
    }
}

}  // namespace

void
require_comment_rights(const AttachedTable &table, const core::Request &request)
{
    const Oid schema = get_rel_namespace(table->comments.oid);
    // The search_path, which found the customers, has none that may not be used.
    if (schema != table->schema && !may_name(table->comments.oid))
        deny_schema(schema, ACL_USAGE);
    require_column_rights(table->comments.oid,
                          {table->comments.customer_id, table->comments.author, table->comments.body}, ACL_INSERT);
    if (request.reply_to)
        require_column_rights(table->comments.oid, {table->comments.reply_to}, ACL_INSERT);
}

LOCKTAG
lock_kept_comment(const AttachedTable &table, const Key &key, const core::Request &request)
{
    const LOCKTAG lock = comment_lock(LockClass::kept_comment, table, key, request);
    lock_comment(lock, ExclusiveLock, [&] { return keeper_of(table, key, request); });
    return lock;
}

void
lock_imports(const AttachedTable &table)
{
    const LOCKTAG tag = lock_tag(LockClass::import, table->comments.oid, 0);
    LockAcquire(&tag, ExclusiveLock, false, false);
}

void
await_kept_comment(const AttachedTable &table, const Key &key, const core::Request &request)
{
    const LOCKTAG lock = comment_lock(LockClass::kept_comment, table, key, request);
    lock_comment(lock, ShareLock, [&] { return keeper_of(table, key, request); });
    unlock_comment(lock, ShareLock);
}

std::optional<KeptComment>
find_repeated_comment(const AttachedTable &table, const Key &key, Datum digest, core::Timestamp base)
{
    for (const Kept &kept : find_kept_comments(table, key, digest))
        if (core::repeats(kept.comment, base, clock_now(), settings::refused_comment_window()))
            return KeptComment{kept.id, kept.comment.adopted_version};
    return std::nullopt;
}

std::optional<KeptComment>
find_adopted_comment(const AttachedTable &table, const Key &key, const core::Request &request)
{
    for (const Kept &kept : find_kept_comments(table, key, request))
        if (kept.comment.adopted_version &&
            core::repeats(kept.comment, request.base, clock_now(), settings::refused_comment_window()))
            return KeptComment{kept.id, kept.comment.adopted_version};
    return std::nullopt;
}

std::optional<std::int64_t>
find_comment_of_base(const AttachedTable &table, const Key &key, const core::Request &request)
{
    Arguments arguments = arguments_of(key);
    arguments.add(request.author);
    arguments.add(request.comment);
    arguments.add(request.reply_to);
    arguments.add(core::earliest_of_version(request.base));
    arguments.add(core::latest_of_version(request.base));

    const std::uint64_t rows = execute(table, select_comment_of_base, arguments);
    if (rows == 0)
        return std::nullopt;
    return result_bigint(0, 0);
}

std::optional<std::int64_t>
find_adoptable_comment(const AttachedTable &table, const Key &key, const core::Request &request)
{
    for (const Kept &kept : find_kept_comments(table, key, request))
        if (core::adopts(kept.comment, clock_now(), settings::refused_comment_window()))
            return kept.id;
    return std::nullopt;
}

bool
comment_exists(const AttachedTable &table, const Key &key, std::int64_t comment_id)
{
    Arguments arguments = arguments_of(key);
    arguments.add(std::optional<std::int64_t>{comment_id});
    const std::uint64_t rows = execute(table, select_comment, arguments);
    return rows > 0;
}

void
adopt_comment(const AttachedTable &table, const Key &key, std::int64_t comment_id, core::Timestamp version)
{
    Arguments arguments = arguments_of(key);
    arguments.add(std::optional<std::int64_t>{comment_id});
    arguments.add(version);

    const std::uint64_t rows = execute(table, update_adopted, arguments);
    if (rows == 0 && IsolationUsesXactSnapshot())
        errors::changed_since_snapshot();
    if (rows == 0)
        errors::write_suppressed(table->comments.oid, key_text(key));
    send_adoption_event(table, key, comment_id, version);
}

bool
may_read_comments(const AttachedTable &table)
{
    return may_name(table->comments.oid) &&
           pg_class_aclcheck(table->comments.oid, GetUserId(), ACL_SELECT) == ACLCHECK_OK;
}

Comment
comment_in_result(std::uint64_t row)
{
    return {result_bigint(row, 0),
            result_text(row, 1),
            result_text(row, 2),
            result_time(row, 3),
            result_optional(result_bigint, row, 4),
            result_boolean(row, 5)};
}

void
add_comment_values(JsonBuilder &json, const Comment &comment, CommentText text)
{
    json.key("id");
    json.number(comment.id);
    add_text(json, comment.body, text);
    json.key("author");
    json.text(comment.author);
    json.key("timestamp");
    json.time(comment.created_at);
    json.key("reply_to");
    json.optional_number(comment.reply_to);
    json.key("save_refused");
    json.boolean(comment.save_refused);
}

void
add_corrections(JsonBuilder &json, const Corrections &corrections)
{
    if (corrections.edited_at)
    {
        json.key("edited_at");
        json.time(*corrections.edited_at);
        json.key("edited_by");
        json.optional_text(corrections.edited_by);
    }
    if (corrections.withdrawn_at)
    {
        json.key("withdrawn_at");
        json.time(*corrections.withdrawn_at);
    }
}

Corrections
corrections_in_result(std::uint64_t row, int column)
{
    return {result_optional(result_time, row, column), result_optional(result_text, row, column + 1),
            result_optional(result_time, row, column + 2)};
}

std::int64_t
list_comments(const AttachedTable &table, const Key &key, core::Timestamp after, std::optional<std::int64_t> except,
              Snapshot snapshot, JsonBuilder &json)
{
    Listed *comments = static_cast<Listed *>(palloc(most_listed * sizeof(Listed)));
    std::size_t count = 0;
    std::int64_t total = 0;
    int looked_at = 0;
    each_row(table, latest_comments, key, std::nullopt, snapshot, [&](const CommentsRow &row) {
        if (row.time(&CommentsFacts::created_at) > after && row.bigint(&CommentsFacts::id) != except)
        {
            total++;
            if (count < most_listed)
                comments[count++] = {comment_in(row), corrections_in(table, row)};
        }
        return ++looked_at < most_looked_at;
    });
    json.open_array();
    while (count > 0)
    {
        json.open_object();
        add_comment_values(json, comments[--count].comment, CommentText::cut);
        add_corrections(json, comments[count].corrections);
        json.close_object();
    }
    json.close_array();
    return total;
}

}  // namespace crm
