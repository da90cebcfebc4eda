#include "reading.h"

#include "../boundary/clock.h"
#include "../boundary/encoding.h"
#include "../boundary/errors.h"
#include "../boundary/guard.h"
#include "../boundary/role.h"
#include "../core/comment_text.h"
#include "../records/comments.h"
#include "../tables/statements.h"

namespace crm {

namespace {

constexpr SqlStatement select_all_comments{
    "SELECT author, body, created_at, id FROM {comments} WHERE customer_id OPERATOR(pg_catalog.=) $1 "
    "ORDER BY created_at, id",
    As::reader, Part::comments};

constexpr SqlStatement insert_imported{
    "WITH given AS ("
    "SELECT author, body, created_at, is_dated, ord, CASE WHEN is_dated THEN created_at END AS at "
    "FROM ROWS FROM (pg_catalog.unnest($2), pg_catalog.unnest($3), pg_catalog.unnest($4), "
    "pg_catalog.unnest($5)) WITH ORDINALITY AS u (author, body, created_at, is_dated, ord)), "
    "numbered AS (SELECT *, pg_catalog.row_number() OVER (PARTITION BY author, body, at ORDER BY ord) AS n "
    "FROM given), "
    "stored AS (SELECT author, body, pg_catalog.date_trunc('second', created_at) AS at, "
    "pg_catalog.row_number() OVER (PARTITION BY author, body, pg_catalog.date_trunc('second', created_at)) AS n, "
    "pg_catalog.row_number() OVER (PARTITION BY author, body) AS n_undated "
    "FROM {texts} WHERE customer_id OPERATOR(pg_catalog.=) $1) "
    "INSERT INTO {comments} (customer_id, author, body, created_at) "
    "SELECT $1, g.author, g.body, g.created_at FROM numbered g WHERE NOT EXISTS ("
    "SELECT FROM stored s WHERE g.is_dated AND s.author OPERATOR(pg_catalog.=) g.author "
    "AND s.body OPERATOR(pg_catalog.=) g.body AND s.at OPERATOR(pg_catalog.=) g.at "
    "AND s.n OPERATOR(pg_catalog.=) g.n) AND NOT EXISTS ("
    "SELECT FROM stored s WHERE NOT g.is_dated AND s.author OPERATOR(pg_catalog.=) g.author "
    "AND s.body OPERATOR(pg_catalog.=) g.body AND s.n_undated OPERATOR(pg_catalog.=) g.n) ORDER BY g.ord",
    As::owner, Part::comments};

// Who is given as the author of an entry without a stamp.
constexpr std::string_view unknown_author = "unknown";

core::LocalTime
local_time(core::Timestamp time, Datum time_zone, std::int64_t comment_id)
{
    const Timestamp local =
        DatumGetTimestamp(DirectFunctionCall2(timestamptz_zone, time_zone, TimestampTzGetDatum(time.us)));
    struct pg_tm tm;
    fsec_t fraction;
    if (timestamp2tm(local, nullptr, &tm, &fraction, nullptr, nullptr) != 0 || tm.tm_year < 1 || tm.tm_year > 9999)
        ereport(ERROR,
                (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
                 errmsg("the time of comment %lld cannot be written as text", static_cast<long long>(comment_id)),
                 errdetail("The text form of comments has times of the years 1 to 9999."),
                 errhint("Read the comments with crm_get_customer() or crm_timeline().")));
    return {tm.tm_year, tm.tm_mon, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec};
}

core::Timestamp
time_in_zone(const core::LocalTime &time, Datum time_zone)
{
    struct pg_tm tm = {};
    tm.tm_year = time.year;
    tm.tm_mon = time.month;
    tm.tm_mday = time.day;
    tm.tm_hour = time.hour;
    tm.tm_min = time.minute;
    tm.tm_sec = time.second;
    Timestamp local;
    if (tm2timestamp(&tm, 0, nullptr, &local) != 0)
        elog(ERROR, "timestamp out of range");
    return {DatumGetTimestampTz(DirectFunctionCall2(timestamp_zone, time_zone, TimestampGetDatum(local)))};
}

// The entries of a text as columns.
struct ParsedText
{
    int count = 0;
    int capacity = 0;
    Datum *authors = nullptr;
    Datum *bodies = nullptr;
    Datum *times = nullptr;
    Datum *dated = nullptr;  // whether the text gives the time, and it is in the past

    void add(std::string_view author, std::string_view body, core::Timestamp time, bool is_dated)
    {
        if (count == capacity)
        {
            capacity = std::max(2 * capacity, 64);
            for (Datum **column : {&authors, &bodies, &times, &dated})
            {
                const std::size_t size = static_cast<std::size_t>(capacity) * sizeof(Datum);
                *column = static_cast<Datum *>(*column == nullptr ? palloc(size) : repalloc_huge(*column, size));
            }
        }
        authors[count] = text_datum(author);
        bodies[count] = text_datum(body);
        times[count] = TimestampTzGetDatum(time.us);
        dated[count++] = BoolGetDatum(is_dated);
    }
};

ParsedText
parse(std::string_view text, Datum time_zone)
{
    // Before every clock reading of the trigger, which takes it for a time of the past.
    const core::Timestamp now = core::shifted(clock_now(), -core::millisecond);
    ParsedText parsed;
    core::CommentTextReader reader{text, white_space()};
    while (const std::optional<core::TextEntry> entry = reader.next())
    {
        CHECK_FOR_INTERRUPTS();
        if (!entry->time)
        {
            parsed.add(unknown_author, entry->body, now, false);
            continue;
        }
        const core::Timestamp time = time_in_zone(*entry->time, time_zone);
        parsed.add(entry->author, entry->body, std::min(time, now), time <= now);
        // An entry without a stamp stands before this one, and is no younger.
        if (parsed.count == 2 && text_of(parsed.authors[0]) == unknown_author && !DatumGetBool(parsed.dated[0]))
            parsed.times[0] = parsed.times[1];
    }
    return parsed;
}

Datum
array_of(Datum *values, int count, Oid type, int length, bool by_value, char align)
{
    return PointerGetDatum(construct_array(values, count, type, length, by_value, align));
}

}  // namespace

Datum
export_comments(const AttachedTable &table, const Key &key, Datum time_zone)
{
    if (!may_name(table->comments.oid))
        deny_schema(get_rel_namespace(table->comments.oid), ACL_USAGE);
    require_column_rights(table->comments.oid,
                          {table->comments.customer_id, table->comments.id, table->comments.author,
                           table->comments.body, table->comments.created_at},
                          ACL_SELECT);
    const core::WhiteSpace &space = white_space();
    const std::uint64_t rows = execute(table, select_all_comments, arguments_of(key));

    StringInfoData text;
    initStringInfo(&text);
    for (std::uint64_t row = 0; row < rows; row++)
    {
        const core::TextEntry entry = {local_time(result_time(row, 2), time_zone, result_bigint(row, 3)),
                                       result_text(row, 0), result_text(row, 1)};
        const std::string_view rendered = guarded_text([&] { return core::render(entry, space); });
        if (row > 0)
            appendStringInfoString(&text, "\n\n");
        appendBinaryStringInfo(&text, rendered.data(), static_cast<int>(rendered.size()));
    }
    return text_datum({text.data, static_cast<std::size_t>(text.len)});
}

std::int64_t
import_comments(const AttachedTable &table, const Key &key, std::string_view text, Datum time_zone)
{
    const ParsedText parsed = parse(text, time_zone);
    if (parsed.count == 0)
        return 0;

    Arguments arguments = arguments_of(key);
    arguments.add(TEXTARRAYOID, array_of(parsed.authors, parsed.count, TEXTOID, -1, false, TYPALIGN_INT));
    arguments.add(TEXTARRAYOID, array_of(parsed.bodies, parsed.count, TEXTOID, -1, false, TYPALIGN_INT));
    arguments.add(TIMESTAMPTZARRAYOID, array_of(parsed.times, parsed.count, TIMESTAMPTZOID, 8, true, TYPALIGN_DOUBLE));
    arguments.add(BOOLARRAYOID, array_of(parsed.dated, parsed.count, BOOLOID, 1, true, TYPALIGN_CHAR));

    lock_imports(table);
    // Each comment of the text is matched with one of the table, or an earlier text of one: by its time to the second where the
    // text gives one.
    const std::uint64_t rows = execute(table, insert_imported, arguments);
    return static_cast<std::int64_t>(rows);
}

}  // namespace crm
