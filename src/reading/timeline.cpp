#include "reading.h"

#include "../boundary/snapshot.h"

#include "../core/comment_tree.h"
#include "../core/version.h"
#include "../records/comments.h"
#include "../records/deletions.h"
#include "../records/history.h"
#include "../tables/statements.h"

namespace crm {

namespace {

constexpr SqlStatement select_threads{
    "WITH RECURSIVE above AS (SELECT id, reply_to FROM {comments} "
    "WHERE customer_id OPERATOR(pg_catalog.=) $1 AND id OPERATOR(pg_catalog.=) ANY ($2) "
    "UNION SELECT c.id, c.reply_to FROM above a CROSS JOIN LATERAL (SELECT id, reply_to FROM {comments} "
    "WHERE customer_id OPERATOR(pg_catalog.=) $1 AND id OPERATOR(pg_catalog.=) a.reply_to LIMIT 1) c) "
    "SELECT id, reply_to FROM above ORDER BY id",
    As::reader, Part::comments};

// The rows of changes and of comments, alike, as they are returned: $2 and what is of the same millisecond as the last one. A
// page ends where a millisecond does, because many clients keep no more of a time that they send as before.
constexpr SqlStatement select_changes{
    "SELECT recorded_at AS at, 'change'::pg_catalog.text AS kind, version, operation, author, "
    "db_user::pg_catalog.name, status_from, status_to, fields, comment_id, NULL::pg_catalog.int8 AS reply_to, "
    "NULL::pg_catalog.int8 AS thread, NULL::pg_catalog.int4 AS depth, NULL::pg_catalog.text AS body, "
    "NULL::pg_catalog.bool AS save_refused, "
    "NULL::pg_catalog.timestamptz AS edited_at, NULL::pg_catalog.text AS edited_by, "
    "NULL::pg_catalog.timestamptz AS withdrawn_at, {reverts} AS reverts "
    "FROM {history} WHERE customer_id OPERATOR(pg_catalog.=) $1 AND recorded_at OPERATOR(pg_catalog.<) $3 "
    "ORDER BY pg_catalog.date_trunc('milliseconds', recorded_at) DESC FETCH FIRST $2 ROWS WITH TIES",
    As::reader, Part::history};

constexpr SqlStatement select_comments{
    "SELECT created_at AS at, 'comment'::pg_catalog.text AS kind, NULL::pg_catalog.timestamptz AS version, "
    "NULL::pg_catalog.text AS operation, author, NULL::pg_catalog.name AS db_user, NULL::pg_catalog.text AS status_from, "
    "NULL::pg_catalog.text AS status_to, NULL::pg_catalog.jsonb AS fields, id AS comment_id, reply_to, "
    "NULL::pg_catalog.int8 AS thread, NULL::pg_catalog.int4 AS depth, body, save_refused, {corrections}, "
    "NULL::pg_catalog.timestamptz AS reverts "
    "FROM {comments} WHERE customer_id OPERATOR(pg_catalog.=) $1 AND created_at OPERATOR(pg_catalog.<) $3 "
    "ORDER BY pg_catalog.date_trunc('milliseconds', created_at) DESC FETCH FIRST $2 ROWS WITH TIES",
    As::reader, Part::comments};

// Those that deletions have set aside.
constexpr SqlStatement select_set_aside{
    "SELECT created_at AS at, 'comment'::pg_catalog.text AS kind, NULL::pg_catalog.timestamptz AS version, "
    "NULL::pg_catalog.text AS operation, row_values OPERATOR(pg_catalog.->>) 'author' AS author, "
    "NULL::pg_catalog.name AS db_user, NULL::pg_catalog.text AS status_from, NULL::pg_catalog.text AS status_to, "
    "NULL::pg_catalog.jsonb AS fields, comment_id, (row_values OPERATOR(pg_catalog.->>) 'reply_to')::pg_catalog.int8, "
    "NULL::pg_catalog.int8 AS thread, NULL::pg_catalog.int4 AS depth, row_values OPERATOR(pg_catalog.->>) 'body', "
    "(row_values OPERATOR(pg_catalog.->>) 'save_refused')::pg_catalog.bool, "
    "(row_values OPERATOR(pg_catalog.->>) 'edited_at')::pg_catalog.timestamptz, "
    "row_values OPERATOR(pg_catalog.->>) 'edited_by', "
    "(row_values OPERATOR(pg_catalog.->>) 'withdrawn_at')::pg_catalog.timestamptz, NULL::pg_catalog.timestamptz "
    "FROM {deletions}, LATERAL (SELECT (row_values OPERATOR(pg_catalog.->>) 'created_at')::pg_catalog.timestamptz) "
    "t (created_at) WHERE customer_id OPERATOR(pg_catalog.=) $1 AND comment_id IS NOT NULL "
    "AND created_at OPERATOR(pg_catalog.<) $3 "
    "ORDER BY pg_catalog.date_trunc('milliseconds', created_at) DESC FETCH FIRST $2 ROWS WITH TIES",
    As::reader, Part::deletions};

constexpr SqlStatement select_replies_set_aside{
    "SELECT comment_id, (row_values OPERATOR(pg_catalog.->>) 'reply_to')::pg_catalog.int8 FROM {deletions} "
    "WHERE customer_id OPERATOR(pg_catalog.=) $1 AND comment_id IS NOT NULL ORDER BY comment_id",
    As::reader, Part::deletions};

// The columns of the rows that the threads of comments are told by.
constexpr int comment_id_column = 9;
constexpr int reply_to_column = 10;
constexpr int thread_column = 11;
constexpr int depth_column = 12;
constexpr int column_count = 19;  // a function of version 1.0 returns but the first 15

enum class RowKind
{
    change,
    comment,
};

// A row of the timeline.
struct TimelineRow
{
    HeapTuple tuple;
    TupleDesc columns;
    RowKind kind;
    core::Timestamp at;
    std::optional<std::int64_t> comment_id;
    std::optional<std::int64_t> reply_to;
};

// The rows that were read, and what the threads of their comments are made of: these and all that they answer, once each.
struct Page
{
    TimelineRow *rows = nullptr;
    std::size_t count = 0;
    core::Reply *comments = nullptr;
    core::ThreadPlace *places = nullptr;
    std::uint64_t comment_count = 0;

    std::span<const core::Reply> known() const { return {comments, comment_count}; }
};

// Adds the rows of the latest result of SPI.
void
add_result(Page &page, std::uint64_t count, RowKind kind)
{
    const std::size_t size = (page.count + count + 1) * sizeof(TimelineRow);
    page.rows = static_cast<TimelineRow *>(page.rows == nullptr ? MemoryContextAllocHuge(CurrentMemoryContext, size)
                                                                : repalloc_huge(page.rows, size));
    for (std::uint64_t row = 0; row < count; row++)
        page.rows[page.count++] = {SPI_tuptable->vals[row],
                                   SPI_tuptable->tupdesc,
                                   kind,
                                   result_time(row, 0),
                                   result_optional(result_bigint, row, comment_id_column),
                                   result_optional(result_bigint, row, reply_to_column)};
}

// Newest first; of one moment the changes, and then the comments by descending id.
int
compare_rows(const void *a, const void *b)
{
    const TimelineRow &x = *static_cast<const TimelineRow *>(a);
    const TimelineRow &y = *static_cast<const TimelineRow *>(b);
    if (x.at != y.at)
        return x.at > y.at ? -1 : 1;
    if (x.kind != y.kind)
        return x.kind == RowKind::comment ? 1 : -1;
    if (x.comment_id == y.comment_id)
        return 0;
    return !x.comment_id || (y.comment_id && *x.comment_id > *y.comment_id) ? -1 : 1;
}

core::Timestamp
millisecond_of(core::Timestamp time)
{
    return core::is_finite(time) ? core::cut_to_millisecond(time) : time;
}

// Orders the rows, and leaves those that are among the first max_rows, or of the same millisecond as the last of them.
void
cut(Page &page, std::int32_t max_rows)
{
    qsort(page.rows, page.count, sizeof(TimelineRow), compare_rows);
    const std::size_t most = static_cast<std::size_t>(max_rows);
    if (page.count <= most)
        return;
    std::size_t count = most;
    while (count > 0 && count < page.count &&
           millisecond_of(page.rows[count].at) == millisecond_of(page.rows[most - 1].at))
        count++;
    page.count = count;
}

// The comments of the page that answer others, as an array.
Datum
replies_of(const Page &page)
{
    Datum *ids = static_cast<Datum *>(palloc((page.count + 1) * sizeof(Datum)));
    int count = 0;
    for (const TimelineRow &row : std::span(page.rows, page.count))
        if (row.reply_to)
            ids[count++] = Int64GetDatum(*row.comment_id);
    return PointerGetDatum(
        construct_array(ids, count, INT8OID, sizeof(std::int64_t), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

// Adds the comments of the latest result, which are in the order of their ids.
void
add_known(Page &page, std::uint64_t rows)
{
    const std::size_t size = (page.comment_count + rows + 1) * sizeof(core::Reply);
    page.comments =
        static_cast<core::Reply *>(page.comments == nullptr ? MemoryContextAllocHuge(CurrentMemoryContext, size)
                                                            : repalloc_huge(page.comments, size));
    for (std::uint64_t row = 0; row < rows; row++)
        page.comments[page.comment_count++] = {result_bigint(row, 0), result_optional(result_bigint, row, 1)};
}

// LIMIT 1 makes each step up a look-up by the primary key, never a join with all comments.
void
read_threads(const AttachedTable &table, const Key &key, Page &page, bool with_set_aside, Snapshot snapshot)
{
    Arguments arguments = arguments_of(key);
    arguments.add(INT8ARRAYOID, replies_of(page));
    add_known(page, execute(table, select_threads, arguments, snapshot));
    if (with_set_aside)
    {
        add_known(page, execute(table, select_replies_set_aside, arguments_of(key), snapshot));
        std::sort(page.comments, page.comments + page.comment_count,
                  [](const core::Reply &a, const core::Reply &b) { return a.id < b.id; });
    }
    page.places = static_cast<core::ThreadPlace *>(
        MemoryContextAllocHuge(CurrentMemoryContext, (page.comment_count + 1) * sizeof(core::ThreadPlace)));
    core::find_threads(page.known(), {page.places, page.comment_count});
}

void
add_row(const RowSet &rows, const Page &page, const TimelineRow &row)
{
    Datum values[column_count];
    bool nulls[column_count];
    heap_deform_tuple(row.tuple, row.columns, values, nulls);

    if (row.kind == RowKind::comment)
    {
        const int position = row.reply_to ? core::position_of(page.known(), *row.comment_id) : -1;
        const core::ThreadPlace place = position < 0 ? core::ThreadPlace{*row.comment_id, 0} : page.places[position];
        values[thread_column] = Int64GetDatum(place.thread);
        values[depth_column] = Int32GetDatum(place.depth);
        nulls[thread_column] = nulls[depth_column] = false;
    }
    HeapTuple tuple = heap_form_tuple(rows.columns, values, nulls);
    rows.add(tuple);
    heap_freetuple(tuple);
}

}  // namespace

void
read_timeline(const AttachedTable &table, const Key &key, std::int32_t max_rows, core::Timestamp before,
              const RowSet &rows)
{
    const bool with_changes = may_read_history(table);
    const bool with_comments = may_read_comments(table);
    if (!with_changes && !with_comments)
        deny_table(table->history.oid, ACL_SELECT);

    Arguments arguments = arguments_of(key);
    arguments.add(std::optional<std::int64_t>{max_rows});
    arguments.add(core::is_finite(before) ? core::cut_to_millisecond(before) : before);
    const Snapshot snapshot = RegisterSnapshot(new_snapshot());
    Page page;
    if (with_changes)
        add_result(page, execute(table, select_changes, arguments, snapshot), RowKind::change);
    if (with_comments)
        add_result(page, execute(table, select_comments, arguments, snapshot), RowKind::comment);
    std::uint64_t set_aside = 0;
    if (with_comments && may_read_deletions(table))
    {
        set_aside = execute(table, select_set_aside, arguments, snapshot);
        add_result(page, set_aside, RowKind::comment);
    }
    cut(page, max_rows);
    if (with_comments)
        read_threads(table, key, page, set_aside > 0, snapshot);
    UnregisterSnapshot(snapshot);
    for (const TimelineRow &row : std::span(page.rows, page.count))
        add_row(rows, page, row);
}

}  // namespace crm
