#include "reading.h"

#include "../boundary/json.h"
#include "../boundary/snapshot.h"
#include "../core/comment_tree.h"
#include "../records/comments.h"
#include "../records/deletions.h"
#include "../records/edit_locks.h"
#include "../records/history.h"
#include "../saving/access_path.h"
#include "../tables/statements.h"

namespace crm {

namespace {

constexpr SqlStatement select_latest_comments{
    "SELECT id, body, author, created_at, reply_to, save_refused, adopted_version, {corrections} FROM {comments} "
    "WHERE customer_id OPERATOR(pg_catalog.=) $1 AND created_at OPERATOR(pg_catalog.<=) $2 "
    "ORDER BY id DESC LIMIT $3",
    As::reader, Part::comments};

// Of a life that ended with the deletion $4.
constexpr SqlStatement select_latest_set_aside{
    "SELECT comment_id, row_values OPERATOR(pg_catalog.->>) 'body', row_values OPERATOR(pg_catalog.->>) 'author', "
    "created_at, (row_values OPERATOR(pg_catalog.->>) 'reply_to')::pg_catalog.int8, "
    "(row_values OPERATOR(pg_catalog.->>) 'save_refused')::pg_catalog.bool, "
    "(row_values OPERATOR(pg_catalog.->>) 'adopted_version')::pg_catalog.timestamptz, "
    "(row_values OPERATOR(pg_catalog.->>) 'edited_at')::pg_catalog.timestamptz, "
    "row_values OPERATOR(pg_catalog.->>) 'edited_by', "
    "(row_values OPERATOR(pg_catalog.->>) 'withdrawn_at')::pg_catalog.timestamptz "
    "FROM {deletions}, LATERAL (SELECT (row_values OPERATOR(pg_catalog.->>) 'created_at')::pg_catalog.timestamptz) "
    "t (created_at) WHERE customer_id OPERATOR(pg_catalog.=) $1 AND version OPERATOR(pg_catalog.=) $4 "
    "AND comment_id IS NOT NULL AND created_at OPERATOR(pg_catalog.<=) $2 ORDER BY comment_id DESC LIMIT $3",
    As::reader, Part::deletions};

constexpr SqlStatement count_set_aside{
    "SELECT pg_catalog.count(*) FROM {deletions} WHERE customer_id OPERATOR(pg_catalog.=) $1 "
    "AND version OPERATOR(pg_catalog.=) $3 AND comment_id IS NOT NULL "
    "AND (row_values OPERATOR(pg_catalog.->>) 'created_at')::pg_catalog.timestamptz OPERATOR(pg_catalog.<=) $2",
    As::reader, Part::deletions};

constexpr SqlStatement count_comments{
    "SELECT pg_catalog.count(*) FROM {comments} WHERE customer_id OPERATOR(pg_catalog.=) $1 "
    "AND created_at OPERATOR(pg_catalog.<=) $2",
    As::reader, Part::comments};

// Deeper threads stand side by side: JSON of any depth is more than most parsers take.
constexpr int deepest_reply = 100;

// Comments that were read, in the latest result of SPI by descending id, and their places in the tree by ascending id.
struct CommentsRead
{
    std::uint64_t count;
    std::optional<core::Timestamp> at;
    core::TreeNode *tree;

    std::uint64_t row_of(int position) const { return count - 1 - static_cast<std::uint64_t>(position); }
};

void
add_comments(JsonBuilder &json, const CommentsRead &comments, int first)
{
    json.open_array();
    for (int i = first; i >= 0; i = comments.tree[i].next)
    {
        const std::uint64_t row = comments.row_of(i);
        const std::optional<core::Timestamp> adopted = result_optional(result_time, row, 6);
        json.open_object();
        Comment comment = comment_in_result(row);
        comment.save_refused |= comments.at && adopted && *adopted > *comments.at;
        add_comment_values(json, comment, CommentText::whole);
        add_corrections(json, corrections_in_result(row, 7));
        json.key("replies");
        add_comments(json, comments, comments.tree[i].first_reply);
        json.close_object();
    }
    json.close_array();
}

// Adds the comments of the customer, or (ended_by) those that the deletion has set aside that ended this life.
void
add_comments(JsonBuilder &json, const AttachedTable &table, const Key &key, std::optional<core::Timestamp> at,
             std::int32_t max_comments, std::optional<core::Timestamp> ended_by, Snapshot snapshot)
{
    Arguments arguments = arguments_of(key);
    arguments.add(at.value_or(core::infinity));
    arguments.add(std::optional<std::int64_t>{max_comments});
    if (ended_by)
        arguments.add(*ended_by);
    const std::uint64_t rows =
        execute(table, ended_by ? select_latest_set_aside : select_latest_comments, arguments, snapshot);

    CommentsRead comments = {rows, at, static_cast<core::TreeNode *>(palloc(rows * sizeof(core::TreeNode) + 1))};
    core::Reply *replies = static_cast<core::Reply *>(palloc(rows * sizeof(core::Reply) + 1));
    for (std::uint64_t i = 0; i < rows; i++)
        replies[i] = {result_bigint(rows - 1 - i, 0), result_optional(result_bigint, rows - 1 - i, 4)};
    const int first = core::arrange({replies, rows}, {comments.tree, rows}, deepest_reply);
    json.key("comments");
    add_comments(json, comments, first);

    Arguments of_count = arguments_of(key);
    of_count.add(at.value_or(core::infinity));
    if (ended_by)
        of_count.add(*ended_by);
    execute(table, ended_by ? count_set_aside : count_comments, of_count, snapshot);
    json.key("comments_total");
    json.number(result_bigint(0, 0));
}

// Whether the comments that went with a deletion are known to the caller.
bool
is_set_aside(const AttachedTable &table, const Key &key, core::Timestamp deletion, Snapshot snapshot)
{
    return may_read_deletions(table) && find_deleted(table, key, deletion, snapshot);
}

std::optional<Datum>
read_row(const AttachedTable &table, const Key &key, std::optional<core::Timestamp> at, Snapshot snapshot)
{
    if (at)
        return customer_then(table, key, *at, snapshot);
    const std::optional<ReadableCustomer> customer = access_path(table).read(table, key, snapshot);
    return customer ? std::optional<Datum>{customer->row.object} : std::nullopt;
}

}  // namespace

std::optional<Datum>
view_customer(const AttachedTable &table, const Key &key, std::string_view row_label, std::optional<core::Timestamp> at,
              std::int32_t max_comments)
{
    // Row, history and comments are those of one moment.
    const Snapshot snapshot = RegisterSnapshot(new_snapshot());
    const std::optional<Datum> row = read_row(table, key, at, snapshot);
    if (!row)
    {
        UnregisterSnapshot(snapshot);
        return std::nullopt;
    }

    JsonBuilder json;
    json.open_object();
    json.key("key");
    json.text(key_text(key));
    json.key(row_label);
    json.jsonb(*row);
    const std::optional<core::Timestamp> ended_by = at ? end_of_life(table, key, *at, snapshot) : std::nullopt;
    if (ended_by && !is_set_aside(table, key, *ended_by, snapshot))
        for (const char *unknown : {"comments", "comments_total"})
        {
            json.key(unknown);
            json.null();
        }
    else if (may_read_comments(table))
        add_comments(json, table, key, at, max_comments, ended_by, snapshot);
    UnregisterSnapshot(snapshot);
    json.key("lock");
    const std::optional<EditLock> lock = at ? std::nullopt : live_edit_lock(table, key);
    if (lock)
        add_edit_lock(json, *lock);
    else
        json.null();
    json.close_object();
    return json.finish();
}

}  // namespace crm
