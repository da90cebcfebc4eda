#include "comments.h"

#include "../boundary/clock.h"
#include "../boundary/errors.h"
#include "../boundary/owner.h"
#include "../boundary/role.h"
#include "../boundary/settings.h"
#include "../boundary/transaction.h"
#include "../core/decision.h"
#include "../core/version.h"
#include "events.h"
#include "index_lookup.h"
#include "lock_class.h"
#include "request_digest.h"

namespace crm {

namespace {

// From this many comments on, a transaction locks them all, so that it does not fill the server's lock table.
constexpr int most_comment_locks = 256;

int comment_locks = 0;
std::uint64_t comment_locks_of = 0;

LOCKTAG
lock_of_kept(const AttachedTable &table, Datum digest)
{
    std::uint64_t start;
    std::memcpy(&start, DatumGetUUIDP(digest)->data, sizeof start);
    return lock_tag(LockClass::kept_comment, table.comments, start);
}

LOCKTAG
lock_of_all_kept(const AttachedTable &table)
{
    return lock_tag(LockClass::all_kept_comments, table.comments, 0);
}

LOCKTAG
lock_of_added(const AttachedTable &table, const Key &key, const core::Request &comment)
{
    std::uint64_t number = comment.reply_to ? static_cast<std::uint64_t>(*comment.reply_to) : 0;
    for (const std::string_view part : {std::string_view{key_text(key)}, comment.author, *comment.comment})
        number = number_of(part, number);
    return lock_tag(LockClass::added_comment, table.comments, number);
}

// Locks one comment until the transaction ends, or all of its kind when the transaction has locked many.
void
lock_comment(const LOCKTAG &one, const LOCKTAG &all)
{
    if (comment_locks_of != transaction_number())
    {
        comment_locks_of = transaction_number();
        comment_locks = 0;
    }
    if (++comment_locks > most_comment_locks)
    {
        LockAcquire(&all, ExclusiveLock, false, false);
        return;
    }
    LockAcquire(&all, RowExclusiveLock, false, false);
    LockAcquire(&one, ExclusiveLock, false, false);
}

// A comment kept from a refused save.
struct Kept
{
    std::int64_t id;
    core::KeptComment comment;
};

std::span<Kept>
look_up_kept_comments(const AttachedTable &table, const Key &key, Datum digest)
{
    Kept *kept = nullptr;
    std::size_t count = 0;
    const IndexLookup lookup = begin_latest_lookup(table.comments, table.kept_index, {key.value, digest});
    for (std::size_t room = 0; lookup.next(); count++)
    {
        if (count == room)
        {
            room = 2 * room + 8;
            kept = static_cast<Kept *>(kept == nullptr ? palloc(room * sizeof(Kept)) : repalloc(kept, room * sizeof(Kept)));
        }
        kept[count] = {DatumGetInt64(lookup.value(table.comment_id)),
                       {lookup.optional_time(table.comment_based_on).value_or(core::minus_infinity),
                        lookup.time(table.comment_created_at),
                        lookup.optional_time(table.comment_adopted_version)}};
    }
    end_lookup(lookup);
    std::sort(kept, kept + count, [](const Kept &a, const Kept &b) { return a.id > b.id; });
    return {kept, count};
}

// The comments kept from refused saves with this digest, newest first.
std::span<Kept>
find_kept_comments(AttachedTable &table, const Key &key, Datum digest)
{
    if (can_look_up(table.kept_index))
        return look_up_kept_comments(table, key, digest);
    Arguments arguments = arguments_of(key);
    arguments.add(UUIDOID, digest);

    const std::uint64_t rows = execute_latest_as(
        table.comments_owner, nullptr, table.plan(Statement::find_kept_comments),
        [&] {
            return psprintf("SELECT id, based_on, created_at, adopted_version FROM %s "
                            "WHERE customer_id OPERATOR(pg_catalog.=) $1 "
                            "AND refused_request OPERATOR(pg_catalog.=) $2 ORDER BY id DESC",
                            table.comments_sql);
        },
        arguments);
    Kept *kept = static_cast<Kept *>(palloc((rows + 1) * sizeof(Kept)));
    for (std::uint64_t row = 0; row < rows; row++)
        kept[row] = {result_bigint(row, 0),
                     {result_optional_time(row, 1).value_or(core::minus_infinity), result_time(row, 2),
                      result_optional_time(row, 3)}};
    return {kept, rows};
}

// The same of a request. Most customers have none at all, which costs no digest.
std::span<Kept>
find_kept_comments(AttachedTable &table, const Key &key, const core::Request &request)
{
    if (can_look_up(table.kept_index))
    {
        const IndexLookup lookup = begin_latest_lookup(table.comments, table.kept_index, {key.value});
        const bool has_any = lookup.next();
        end_lookup(lookup);
        if (!has_any)
            return {};
    }
    return find_kept_comments(table, key, comment_digest(key, request));
}

// Whether other transactions are keeping comments.
bool
are_comments_being_kept(const AttachedTable &table)
{
    const LOCKTAG all = lock_of_all_kept(table);
    int count;
    pfree(GetLockConflicts(&all, ShareLock, &count));
    return count > 0;
}

// So many of the latest comments are listed, of so many that are looked at: no index tells when they were created.
constexpr std::size_t most_listed = 50;
constexpr int most_looked_at = 1000;

// Reads the latest comments after a time, newest first, and returns how many there are in all.
std::int64_t
look_up_comments(const AttachedTable &table, const Key &key, core::Timestamp after, std::optional<std::int64_t> except,
                 Snapshot snapshot, Comment *comments, std::size_t &count)
{
    const IndexLookup lookup = begin_lookup(table.comments, table.comments_index, {key.value}, snapshot);
    std::int64_t total = 0;
    for (int i = 0; i < most_looked_at && lookup.previous(); i++)
    {
        if (lookup.time(table.comment_created_at) <= after)
            continue;
        const std::int64_t id = DatumGetInt64(lookup.value(table.comment_id));
        if (id == except)
            continue;
        total++;
        if (count < most_listed)
            comments[count++] = {id,
                                 text_of(lookup.value(table.comment_body)),
                                 text_of(lookup.value(table.comment_author)),
                                 lookup.time(table.comment_created_at),
                                 lookup.optional_bigint(table.comment_reply_to),
                                 DatumGetBool(lookup.value(table.comment_save_refused))};
    }
    end_lookup(lookup);
    return total;
}

std::int64_t
select_comments(AttachedTable &table, const Key &key, core::Timestamp after, std::optional<std::int64_t> except,
                Snapshot snapshot, Comment *comments, std::size_t &count)
{
    Arguments arguments = arguments_of(key);
    arguments.add(after);
    arguments.add(except);
    const std::uint64_t rows = execute(
        table.plan(Statement::list_comments),
        [&] {
            return psprintf("SELECT id, body, author, created_at, reply_to, save_refused, pg_catalog.count(*) OVER () "
                            "FROM (SELECT id, body, author, created_at, reply_to, save_refused FROM %s "
                            "WHERE customer_id OPERATOR(pg_catalog.=) $1 ORDER BY id DESC LIMIT %d) c "
                            "WHERE created_at OPERATOR(pg_catalog.>) $2 "
                            "AND ($3 IS NULL OR id OPERATOR(pg_catalog.<>) $3) ORDER BY id DESC LIMIT %d",
                            table.comments_sql, most_looked_at, static_cast<int>(most_listed));
        },
        arguments, snapshot);
    for (; count < rows; count++)
        comments[count] = comment_in_result(count);
    return rows == 0 ? 0 : result_bigint(0, 6);
}

// The text of a comment; a long one is cut in a list, which has an end.
void
add_text(JsonBuilder &json, std::string_view text, CommentText form)
{
    constexpr int limit = 10'000;

    const int length = form == CommentText::cut
                           ? pg_mbcharcliplen(text.data(), static_cast<int>(text.size()), limit)
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
    const Oid schema = get_rel_namespace(table.comments);
    // The search_path, which found the customers, has none that may not be used.
    if (schema != table.schema && !may_name(table.comments))
        aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_SCHEMA, get_namespace_name(schema));
    require_column_rights(table.comments, {table.comment_customer, table.comment_author, table.comment_body}, ACL_INSERT);
    if (request.reply_to)
        require_column_rights(table.comments, {table.comment_reply_to}, ACL_INSERT);
}

void
lock_kept_comment(const AttachedTable &table, Datum digest)
{
    lock_comment(lock_of_kept(table, digest), lock_of_all_kept(table));
}

void
lock_added_comment(const AttachedTable &table, const Key &key, const core::Request &comment)
{
    lock_comment(lock_of_added(table, key, comment), lock_tag(LockClass::all_added_comments, table.comments, 0));
}

void
lock_imports(const AttachedTable &table)
{
    const LOCKTAG tag = lock_tag(LockClass::import, table.comments, 0);
    LockAcquire(&tag, ExclusiveLock, false, false);
}

void
await_kept_comment(const AttachedTable &table, const Key &key, const core::Request &request)
{
    if (!are_comments_being_kept(table))
        return;
    const LOCKTAG all = lock_of_all_kept(table);
    const LOCKTAG one = lock_of_kept(table, comment_digest(key, request));
    LockAcquire(&all, RowShareLock, false, false);
    LockAcquire(&one, ShareLock, false, false);
    LockRelease(&one, ShareLock, false);
    LockRelease(&all, RowShareLock, false);
}

std::optional<std::int64_t>
find_repeated_comment(AttachedTable &table, const Key &key, Datum digest, core::Timestamp base)
{
    for (const Kept &kept : find_kept_comments(table, key, digest))
        if (core::repeats(kept.comment, base, clock_now(), settings::refused_comment_window()))
            return kept.id;
    return std::nullopt;
}

std::optional<std::int64_t>
find_adopted_comment(AttachedTable &table, const Key &key, const core::Request &request)
{
    for (const Kept &kept : find_kept_comments(table, key, request))
        if (kept.comment.adopted_version &&
            core::repeats(kept.comment, request.base, clock_now(), settings::refused_comment_window()))
            return kept.id;
    return std::nullopt;
}

std::optional<std::int64_t>
find_comment_of_base(AttachedTable &table, const Key &key, const core::Request &request)
{
    Arguments arguments = arguments_of(key);
    arguments.add(request.author);
    arguments.add(request.comment);
    arguments.add(request.reply_to);
    arguments.add(core::earliest_of_version(request.base));
    arguments.add(core::latest_of_version(request.base));

    const std::uint64_t rows = execute_as(
        table.comments_owner, nullptr, table.plan(Statement::find_comment_of_base),
        [&] {
            return psprintf("SELECT id FROM %s WHERE customer_id OPERATOR(pg_catalog.=) $1 "
                            "AND author OPERATOR(pg_catalog.=) $2 AND body OPERATOR(pg_catalog.=) $3 "
                            "AND (reply_to OPERATOR(pg_catalog.=) $4 OR (reply_to IS NULL AND $4 IS NULL)) "
                            "AND based_on OPERATOR(pg_catalog.>=) $5 AND based_on OPERATOR(pg_catalog.<=) $6 "
                            "ORDER BY id LIMIT 1",
                            table.comments_sql);
        },
        arguments);
    if (rows == 0)
        return std::nullopt;
    return result_bigint(0, 0);
}

std::optional<std::int64_t>
find_adoptable_comment(AttachedTable &table, const Key &key, const core::Request &request)
{
    for (const Kept &kept : find_kept_comments(table, key, request))
        if (core::adopts(kept.comment, clock_now(), settings::refused_comment_window()))
            return kept.id;
    return std::nullopt;
}

bool
comment_exists(AttachedTable &table, const Key &key, std::int64_t comment_id)
{
    Arguments arguments = arguments_of(key);
    arguments.add(std::optional<std::int64_t>{comment_id});
    const std::uint64_t rows = execute_as(
        table.comments_owner, nullptr, table.plan(Statement::comment_exists),
        [&] {
            return psprintf("SELECT 1 FROM %s WHERE customer_id OPERATOR(pg_catalog.=) $1 "
                            "AND id OPERATOR(pg_catalog.=) $2",
                            table.comments_sql);
        },
        arguments);
    return rows > 0;
}

void
adopt_comment(AttachedTable &table, const Key &key, std::int64_t comment_id, core::Timestamp version)
{
    Arguments arguments = arguments_of(key);
    arguments.add(std::optional<std::int64_t>{comment_id});
    arguments.add(version);

    const std::uint64_t rows = execute_as(
        table.comments_owner, table.comments_path, table.plan(Statement::adopt_comment),
        [&] {
            return psprintf("UPDATE %s SET save_refused = false, adopted_version = $3 "
                            "WHERE customer_id OPERATOR(pg_catalog.=) $1 AND id OPERATOR(pg_catalog.=) $2",
                            table.comments_sql);
        },
        arguments);
    if (rows == 0 && IsolationUsesXactSnapshot())
        errors::changed_since_snapshot();
    if (rows == 0)
        errors::write_suppressed(table.comments, key_text(key));
    send_adoption_event(table, key, comment_id, version);
}

bool
may_read_comments(const AttachedTable &table)
{
    return may_name(table.comments) && pg_class_aclcheck(table.comments, GetUserId(), ACL_SELECT) == ACLCHECK_OK;
}

Comment
comment_in_result(std::uint64_t row)
{
    return {result_bigint(row, 0), result_text(row, 1),            result_text(row, 2),
            result_time(row, 3),   result_optional_bigint(row, 4), DatumGetBool(result_datum(row, 5))};
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

std::int64_t
list_comments(AttachedTable &table, const Key &key, core::Timestamp after, std::optional<std::int64_t> except,
              Snapshot snapshot, JsonBuilder &json)
{
    Comment *comments = static_cast<Comment *>(palloc(most_listed * sizeof(Comment)));
    std::size_t count = 0;
    const std::int64_t total = can_look_up(table.comments_index) && !is_under_row_security(table.comments)
                                   ? look_up_comments(table, key, after, except, snapshot, comments, count)
                                   : select_comments(table, key, after, except, snapshot, comments, count);
    json.open_array();
    while (count > 0)
    {
        json.open_object();
        add_comment_values(json, comments[--count], CommentText::cut);
        json.close_object();
    }
    json.close_array();
    return total;
}

}  // namespace crm
