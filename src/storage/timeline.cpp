#include "timeline.h"

#include "../boundary/snapshot.h"

#include "../core/comment_tree.h"
#include "../core/version.h"
#include "comments.h"
#include "history.h"

namespace crm {

namespace {

const char *
select_changes(const AttachedTable &table)
{
    return psprintf("(SELECT recorded_at AS at, 'change'::pg_catalog.text AS kind, version, operation, author, db_user, "
                    "status_from, status_to, fields, comment_id, NULL::pg_catalog.int8 AS reply_to, "
                    "NULL::pg_catalog.text AS body, NULL::pg_catalog.bool AS save_refused "
                    "FROM %s WHERE customer_id OPERATOR(pg_catalog.=) $1 AND recorded_at OPERATOR(pg_catalog.<) $3 "
                    "ORDER BY pg_catalog.date_trunc('milliseconds', recorded_at) DESC FETCH FIRST $2 ROWS WITH TIES)",
                    table.history_sql);
}

const char *
select_comments(const AttachedTable &table)
{
    return psprintf("(SELECT created_at AS at, 'comment'::pg_catalog.text AS kind, NULL::pg_catalog.timestamptz AS version, "
                    "NULL::pg_catalog.text AS operation, author, NULL::pg_catalog.name AS db_user, "
                    "NULL::pg_catalog.text AS status_from, NULL::pg_catalog.text AS status_to, "
                    "NULL::pg_catalog.jsonb AS fields, id AS comment_id, reply_to, body, save_refused "
                    "FROM %s WHERE customer_id OPERATOR(pg_catalog.=) $1 AND created_at OPERATOR(pg_catalog.<) $3 "
                    "ORDER BY pg_catalog.date_trunc('milliseconds', created_at) DESC FETCH FIRST $2 ROWS WITH TIES)",
                    table.comments_sql);
}

// A page ends where a millisecond does, because many clients keep no more of a time that they send as before.
const char *
select_timeline(const AttachedTable &table, bool with_changes, bool with_comments)
{
    return psprintf("SELECT at, kind, version, operation, author, db_user, status_from, status_to, fields, comment_id, reply_to, "
                    "NULL::pg_catalog.int8 AS thread, NULL::pg_catalog.int4 AS depth, body, save_refused "
                    "FROM (SELECT * FROM (%s%s%s) u "
                    "ORDER BY pg_catalog.date_trunc('milliseconds', at) DESC FETCH FIRST $2 ROWS WITH TIES) t "
                    "ORDER BY at DESC, kind, comment_id DESC",
                    with_changes ? select_changes(table) : "", with_changes && with_comments ? " UNION ALL " : "",
                    with_comments ? select_comments(table) : "");
}

// The columns of the rows that the threads of comments are told by.
constexpr int comment_id_column = 9;
constexpr int reply_to_column = 10;
constexpr int thread_column = 11;
constexpr int depth_column = 12;
constexpr int column_count = 15;

// The rows that were read, and what the threads of their comments are made of: these and all that they answer, once each.
struct Page
{
    SPITupleTable *table;
    std::uint64_t count;
    core::Reply *comments = nullptr;
    core::ThreadPlace *places = nullptr;
    std::uint64_t comment_count = 0;

    std::span<const core::Reply>
    known() const
    {
        return {comments, comment_count};
    }
};

std::optional<std::int64_t>
optional_bigint(const Page &page, std::uint64_t row, int column)
{
    bool is_null;
    const Datum value = SPI_getbinval(page.table->vals[row], page.table->tupdesc, column + 1, &is_null);
    return is_null ? std::nullopt : std::optional{DatumGetInt64(value)};
}

// The comments of the page that answer others, as an array.
Datum
replies_of(const Page &page)
{
    Datum *ids = static_cast<Datum *>(palloc((page.count + 1) * sizeof(Datum)));
    int count = 0;
    for (std::uint64_t row = 0; row < page.count; row++)
        if (optional_bigint(page, row, reply_to_column))
            ids[count++] = Int64GetDatum(*optional_bigint(page, row, comment_id_column));
    return PointerGetDatum(construct_array(ids, count, INT8OID, sizeof(std::int64_t), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

// LIMIT 1 makes each step up a look-up by the primary key, never a join with all comments.
void
read_threads(AttachedTable &table, const Key &key, Page &page, Snapshot snapshot)
{
    Arguments arguments = arguments_of(key);
    arguments.add(INT8ARRAYOID, replies_of(page));
    const std::uint64_t rows = execute(
        table.plan(Statement::threads),
        [&] {
            return psprintf("WITH RECURSIVE above AS (SELECT id, reply_to FROM %1$s "
                            "WHERE customer_id OPERATOR(pg_catalog.=) $1 AND id OPERATOR(pg_catalog.=) ANY ($2) "
                            "UNION SELECT c.id, c.reply_to FROM above a CROSS JOIN LATERAL (SELECT id, reply_to FROM %1$s "
                            "WHERE customer_id OPERATOR(pg_catalog.=) $1 AND id OPERATOR(pg_catalog.=) a.reply_to LIMIT 1) c) "
                            "SELECT id, reply_to FROM above ORDER BY id",
                            table.comments_sql);
        },
        arguments, snapshot);
    page.comments = static_cast<core::Reply *>(MemoryContextAllocHuge(CurrentMemoryContext, (rows + 1) * sizeof(core::Reply)));
    page.places = static_cast<core::ThreadPlace *>(
        MemoryContextAllocHuge(CurrentMemoryContext, (rows + 1) * sizeof(core::ThreadPlace)));
    page.comment_count = rows;
    for (std::uint64_t row = 0; row < rows; row++)
        page.comments[row] = {result_bigint(row, 0), result_optional_bigint(row, 1)};
    core::find_threads(page.known(), {page.places, rows});
}

void
add_row(const RowSet &rows, const Page &page, std::uint64_t row)
{
    Datum values[column_count];
    bool nulls[column_count];
    heap_deform_tuple(page.table->vals[row], page.table->tupdesc, values, nulls);

    if (text_of(values[1]) == "comment")
    {
        const std::int64_t id = DatumGetInt64(values[comment_id_column]);
        const int position = nulls[reply_to_column] ? -1 : core::position_of(page.known(), id);
        const core::ThreadPlace place = position < 0 ? core::ThreadPlace{id, 0} : page.places[position];
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
read_timeline(AttachedTable &table, const Key &key, std::int32_t max_rows, core::Timestamp before, const RowSet &rows)
{
    const bool with_changes = may_read_history(table);
    const bool with_comments = may_read_comments(table);
    if (!with_changes && !with_comments)
        aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, get_rel_name(table.history));

    const Statement statement = !with_comments  ? Statement::timeline_of_changes
                                : !with_changes ? Statement::timeline_of_comments
                                                : Statement::timeline;
    Arguments arguments = arguments_of(key);
    arguments.add(std::optional<std::int64_t>{max_rows});
    arguments.add(core::is_finite(before) ? core::cut_to_millisecond(before) : before);
    const Snapshot snapshot = RegisterSnapshot(new_snapshot());
    const std::uint64_t count = execute(
        table.plan(statement), [&] { return select_timeline(table, with_changes, with_comments); }, arguments, snapshot);
    Page page = {SPI_tuptable, count};
    if (with_comments)
        read_threads(table, key, page, snapshot);
    UnregisterSnapshot(snapshot);
    for (std::uint64_t row = 0; row < count; row++)
        add_row(rows, page, row);
}

}  // namespace crm
