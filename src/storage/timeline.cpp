#include "timeline.h"

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
                    "ORDER BY recorded_at DESC FETCH FIRST $2 ROWS WITH TIES)",
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
                    "ORDER BY created_at DESC FETCH FIRST $2 ROWS WITH TIES)",
                    table.comments_sql);
}

// The comment that begins the thread of a comment, and how many steps it is away.
const char *
select_root(const AttachedTable &table)
{
    return psprintf("LEFT JOIN LATERAL (WITH RECURSIVE above AS ("
                    "SELECT t.comment_id AS id, t.reply_to, 0 AS depth WHERE t.kind OPERATOR(pg_catalog.=) 'comment' "
                    "UNION ALL SELECT c.id, c.reply_to, a.depth OPERATOR(pg_catalog.+) 1 FROM above a "
                    "JOIN %s c ON c.customer_id OPERATOR(pg_catalog.=) $1 AND c.id OPERATOR(pg_catalog.=) a.reply_to) "
                    "SELECT id, depth FROM above ORDER BY depth DESC LIMIT 1) root ON true",
                    table.comments_sql);
}

const char *
select_timeline(const AttachedTable &table, bool with_changes, bool with_comments)
{
    return psprintf("SELECT t.at, t.kind, t.version, t.operation, t.author, t.db_user, t.status_from, t.status_to, t.fields, "
                    "t.comment_id, t.reply_to, %s, t.body, t.save_refused "
                    "FROM (SELECT * FROM (%s%s%s) u ORDER BY at DESC FETCH FIRST $2 ROWS WITH TIES) t %s "
                    "ORDER BY t.at DESC, t.kind, t.comment_id DESC",
                    with_comments ? "root.id AS thread, root.depth"
                                  : "NULL::pg_catalog.int8 AS thread, NULL::pg_catalog.int4 AS depth",
                    with_changes ? select_changes(table) : "", with_changes && with_comments ? " UNION ALL " : "",
                    with_comments ? select_comments(table) : "", with_comments ? select_root(table) : "");
}

}  // namespace

std::uint64_t
read_timeline(AttachedTable &table, const Key &key, std::int32_t max_rows, core::Timestamp before)
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
    arguments.add(before);
    return execute(table.plan(statement), [&] { return select_timeline(table, with_changes, with_comments); }, arguments);
}

}  // namespace crm
