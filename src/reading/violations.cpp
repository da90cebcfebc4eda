#include "reading.h"

#include "../boundary/errors.h"
#include "../boundary/value_json.h"
#include "../core/version.h"
#include "../records/deletions.h"
#include "../tables/statements.h"
#include "suspects.h"

namespace crm {

namespace {

// How many customers are looked at closely by one statement, at most.
constexpr int most_suspects = 1000;

// Every part is about some customers. The search_path is pg_catalog alone.
constexpr SqlTemplate statement = R"(
WITH h AS (
    SELECT customer_id, version, previous, based_on, operation, status_from, status_to, comment_id, earlier_pruned,
           lag(version) OVER w AS before, lag(status_to) OVER w AS status_before, lead(version) OVER w AS after
    FROM {history} WHERE {of_companion} WINDOW w AS (PARTITION BY customer_id ORDER BY version)
),
c AS (SELECT {key}::{key_type} AS customer_id, {version} AS version, CASE WHEN {status} IS NOT NULL THEN format('%s', {status}) END AS status FROM {customers} WHERE {of_customers}),
m AS (SELECT customer_id, id, reply_to, based_on, save_refused, refused_request, adopted_version FROM {comments} WHERE {of_companion})
SELECT v.customer_id::text, v.invariant, v.problem, v.detail FROM (

    SELECT customer_id, 'one_successor' AS invariant, 'a version has more than one successor' AS problem,
           jsonb_build_object('previous', previous, 'versions', jsonb_agg(version ORDER BY version)) AS detail
    FROM h WHERE previous IS NOT NULL GROUP BY customer_id, previous HAVING count(*) > 1

    UNION ALL
    SELECT customer_id, 'one_chain', 'a change does not follow the one before it',
           jsonb_build_object('version', version, 'previous', previous, 'before', before)
    FROM h WHERE before IS NOT NULL AND previous IS DISTINCT FROM before

    UNION ALL
    SELECT customer_id, 'one_chain', 'a change in the middle of the history says that those before it were pruned',
           jsonb_build_object('version', version)
    FROM h WHERE before IS NOT NULL AND earlier_pruned

    UNION ALL
    SELECT h.customer_id, 'head', 'the customer is there, but was deleted by the last change',
           jsonb_build_object('version', h.version)
    FROM h JOIN c USING (customer_id) WHERE h.after IS NULL AND h.operation = 'delete'

    UNION ALL
    SELECT h.customer_id, 'head', 'the customer is gone, but not by the last change',
           jsonb_build_object('version', h.version, 'operation', h.operation)
    FROM h LEFT JOIN c USING (customer_id) WHERE h.after IS NULL AND h.operation <> 'delete' AND c.customer_id IS NULL

    UNION ALL
    SELECT h.customer_id, 'head', 'the version of the customer is not that of the last change',
           jsonb_build_object('version', c.version, 'last', h.version)
    FROM h JOIN c USING (customer_id) WHERE h.after IS NULL AND h.operation <> 'delete' AND c.version IS DISTINCT FROM h.version

    UNION ALL
    SELECT customer_id, 'versions_increase', 'a version is less than a millisecond later than the one before it',
           jsonb_build_object('version', version, 'before', greatest(before, previous))
    FROM h WHERE version < greatest(before, previous) + interval '1 ms'

    UNION ALL
    SELECT customer_id, 'versions_possible', 'the version of the customer is null, infinite or out of range',
           jsonb_build_object('version', version)
    FROM c WHERE version IS NULL OR NOT (version >= $1 AND version <= $2)

    UNION ALL
    SELECT customer_id, 'versions_possible', 'the version of a change is infinite or out of range',
           jsonb_build_object('version', version)
    FROM h WHERE NOT (version >= $1 AND version <= $2)

    UNION ALL
    SELECT customer_id, 'status', 'a change begins at another status than the one before it ended with',
           jsonb_build_object('version', version, 'status_from', status_from, 'before', status_before)
    FROM h WHERE previous = before AND status_from IS DISTINCT FROM status_before AND {are_labels}

    UNION ALL
    SELECT h.customer_id, 'status', 'the status of the customer is not that of the last change',
           jsonb_build_object('status', c.status, 'last', h.status_to)
    FROM h JOIN c ON c.customer_id = h.customer_id AND c.version = h.version
    WHERE h.after IS NULL AND h.operation <> 'delete' AND c.status IS DISTINCT FROM h.status_to AND {is_label}

    UNION ALL
    SELECT h.customer_id, 'comments_kept', 'the comment of a change does not exist',
           jsonb_build_object('version', h.version, 'comment_id', h.comment_id)
    FROM h JOIN c USING (customer_id)
    WHERE h.comment_id IS NOT NULL AND NOT EXISTS (SELECT FROM m WHERE m.customer_id = h.customer_id AND m.id = h.comment_id)
      AND NOT EXISTS (SELECT FROM h d WHERE d.customer_id = h.customer_id AND d.operation = 'delete' AND d.version >= h.version)

    UNION ALL
    SELECT m.customer_id, 'comments_kept', 'a comment was adopted by a change that does not exist',
           jsonb_build_object('comment_id', m.id, 'adopted_version', m.adopted_version)
    FROM m JOIN (SELECT customer_id, min(version) AS version FROM h GROUP BY customer_id) oldest USING (customer_id)
    WHERE m.adopted_version >= oldest.version
      AND NOT EXISTS (SELECT FROM h WHERE h.customer_id = m.customer_id AND h.version = m.adopted_version)

    UNION ALL
    SELECT m.customer_id, 'comments_kept', 'a comment is both refused and adopted', jsonb_build_object('comment_id', m.id)
    FROM m WHERE m.save_refused AND m.adopted_version IS NOT NULL

    UNION ALL
    SELECT m.customer_id, 'comments_kept', 'a comment is of a customer that is gone', jsonb_build_object('comment_id', m.id)
    FROM m WHERE NOT EXISTS (SELECT FROM c WHERE c.customer_id = m.customer_id)

    UNION ALL
    SELECT customer_id, 'refused_once', 'the comment of a refused save is stored more than once',
           jsonb_build_object('based_on', based_on, 'comment_ids', jsonb_agg(id ORDER BY id))
    FROM m WHERE refused_request IS NOT NULL GROUP BY customer_id, refused_request, based_on HAVING count(*) > 1

    UNION ALL
    SELECT customer_id, 'applied_once', 'a save was applied more than once',
           jsonb_build_object('based_on', based_on, 'versions', jsonb_agg(version ORDER BY version))
    FROM {history} WHERE {of_companion} AND request IS NOT NULL GROUP BY customer_id, request, based_on HAVING count(*) > 1

    UNION ALL
    SELECT m.customer_id, 'threads', 'a reply answers a comment that is not there or not earlier',
           jsonb_build_object('comment_id', m.id, 'reply_to', m.reply_to)
    FROM m WHERE m.reply_to IS NOT NULL AND (m.reply_to >= m.id
      OR NOT EXISTS (SELECT FROM m p WHERE p.customer_id = m.customer_id AND p.id = m.reply_to))
) v ORDER BY v.customer_id, v.invariant, v.problem, v.detail)";

// What is wrong with what is set aside: an index finds each of these, so that all are looked at.
constexpr SqlTemplate statement_of_deletions = R"(
WITH d AS (SELECT customer_id, version, comment_id FROM {deletions} WHERE {of_companion})
SELECT v.customer_id::text, 'set_aside', v.problem, v.detail FROM (

    SELECT customer_id, 'what is set aside was not deleted' AS problem, jsonb_build_object('version', version) AS detail
    FROM d WHERE comment_id IS NULL
      AND EXISTS (SELECT FROM {history} h WHERE h.customer_id = d.customer_id AND h.version <= d.version)
      AND NOT EXISTS (SELECT FROM {history} h WHERE h.customer_id = d.customer_id AND h.version = d.version AND h.operation = 'delete')

    UNION ALL
    SELECT customer_id, 'a comment is set aside without its customer', jsonb_build_object('version', version, 'comment_id', comment_id)
    FROM d WHERE comment_id IS NOT NULL AND NOT EXISTS (SELECT FROM {deletions} r
        WHERE r.customer_id = d.customer_id AND r.version = d.version AND r.comment_id IS NULL)

    UNION ALL
    SELECT d.customer_id, 'a comment is there and set aside', jsonb_build_object('version', d.version, 'comment_id', d.comment_id)
    FROM d JOIN {comments} m ON m.customer_id = d.customer_id AND m.id = d.comment_id
) v ORDER BY v.customer_id, v.problem, v.detail)";

// Raises 42501 unless the caller may read these columns of a table and sees every row of it.
void
require_readable(Oid relation, std::initializer_list<AttrNumber> columns)
{
    require_all_rows(relation);
    if (!may_name(relation))
        deny_schema(get_rel_namespace(relation), ACL_USAGE);
    require_column_rights(relation, columns, ACL_SELECT);
}

// Whether a status of the history can be compared: a label that the type of the column has no more was renamed.
Sql
is_label(const AttachedTable &table, SqlTemplate status)
{
    const Oid type = table->customers.has_status() ? getBaseType(table->customers.status_type) : InvalidOid;
    if (!OidIsValid(type) || !type_is_enum(type))
        return sql("true");
    return sql("coalesce({status} = ANY (ARRAY(SELECT enumlabel::text FROM pg_enum WHERE enumtypid = {type})), true)",
               {{"status", sql(status)}, {"type", sql_literal(psprintf("%u", type))}});
}

// Adds what is wrong with the customers whose keys meet a condition, or are in an array.
void
report(const AttachedTable &table, SqlTemplate condition, std::optional<Datum> keys, const RowSet &rows)
{
    const Oid key_type = table->customers.key_type;
    Arguments arguments;
    arguments.add(core::first_possible_version);
    arguments.add(core::last_possible_version);
    if (keys)
        arguments.add(get_array_type(key_type), *keys);
    const Sql query =
        sql(table, statement,
            {
                // The type in which the other tables store it.
                {"key_type", sql_type(key_type)},
                {"of_companion", sql(condition, {{"key", sql("customer_id")}})},
                {"of_customers", sql(condition, {{"key", table->customers.key_sql}})},
                {"are_labels", sql("{from} AND {before}", {{"from", is_label(table, "status_from")},
                                                           {"before", is_label(table, "status_before")}})},
                {"is_label", is_label(table, "h.status_to")},
            });
    read_with_fixed_formats(query, arguments, rows);
}

// Where the caller may read what is set aside.
void
report_deletions(const AttachedTable &table, const std::optional<Key> &key, const RowSet &rows)
{
    const Sql condition = key ? sql("customer_id = $1") : sql("true");
    read_with_fixed_formats(sql(table, statement_of_deletions, {{"of_companion", condition}}),
                            key ? arguments_of(*key) : Arguments{}, rows);
}

constexpr SqlTemplate is_in_array = "{key} = ANY ($3)";

void
report_one(const AttachedTable &table, const Key &key, const RowSet &rows)
{
    ArrayBuildState *keys = accumArrayResult(nullptr, key.value, false, key.type, CurrentMemoryContext);
    report(table, is_in_array, makeArrayResult(keys, CurrentMemoryContext), rows);
}

void
report_all(const AttachedTable &table, const RowSet &rows)
{
    Suspects suspects{table};
    const MemoryContext some = AllocSetContextCreate(CurrentMemoryContext, "suspects", ALLOCSET_DEFAULT_SIZES);
    const MemoryContext all = MemoryContextSwitchTo(some);
    while (const std::optional<Datum> keys = suspects.next(most_suspects))
    {
        report(table, is_in_array, keys, rows);
        MemoryContextReset(some);
    }
    MemoryContextSwitchTo(all);
    MemoryContextDelete(some);
    if (suspects.has_rows_without_key())
        report(table, "{key} IS NULL", std::nullopt, rows);
    suspects.close();
}

}  // namespace

void
add_violations(const AttachedTable &table, const std::optional<Key> &key, const RowSet &rows)
{
    const TableDescription &known = *table;
    require_readable(known.customers.oid, {known.customers.key, known.customers.version, known.customers.status});
    require_readable(known.comments.oid,
                     {known.comments.customer_id, known.comments.id, known.comments.reply_to, known.comments.based_on,
                      known.comments.save_refused, known.comments.refused_request, known.comments.adopted_version});
    require_readable(known.history.oid,
                     {known.history.customer_id, known.history.version, known.history.previous, known.history.based_on,
                      known.history.operation, known.history.status_from, known.history.status_to,
                      known.history.comment_id, known.history.request, known.history.earlier_pruned});
    if (known.comments.owner.role != known.customers.owner.role ||
        known.history.owner.role != known.customers.owner.role)
        ereport(ERROR,
                (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                 errmsg("the tables that belong to \"%s\" have different owners", errors::name_of(known.customers.oid)),
                 errdetail("One of them would read the rows of the others."),
                 errhint("Use ALTER TABLE ... OWNER TO the owner of the customers.")));
    const bool with_deletions = may_read_deletions(table) && !is_under_row_security(known.deletions.oid) &&
                                known.deletions.owner.role == known.customers.owner.role;
    as_owner(table, Part::customers, [&] {
        if (key)
            report_one(table, *key, rows);
        else
            report_all(table, rows);
        if (with_deletions)
            report_deletions(table, key, rows);
        return true;
    });
}

}  // namespace crm
