#include "reading.h"

#include "../tables/lock_class.h"
#include "../tables/statements.h"

namespace crm {

namespace {

constexpr SqlStatement delete_pruned{
    "WITH doomed AS (SELECT h.customer_id, h.version FROM (SELECT customer_id, version, "
    "pg_catalog.max(recorded_at) OVER (PARTITION BY customer_id ORDER BY version ROWS UNBOUNDED PRECEDING) AS recorded "
    "FROM {history} WHERE version OPERATOR(pg_catalog.<) $1) h WHERE h.recorded OPERATOR(pg_catalog.<) $1 "
    "AND (SELECT n.version FROM {history} n WHERE n.customer_id OPERATOR(pg_catalog.=) h.customer_id "
    "AND n.version OPERATOR(pg_catalog.>) h.version ORDER BY n.version LIMIT 1) IS NOT NULL "
    "ORDER BY h.customer_id, h.version LIMIT $2), "
    "deleted AS (DELETE FROM {history} h USING doomed d WHERE h.customer_id OPERATOR(pg_catalog.=) d.customer_id "
    "AND h.version OPERATOR(pg_catalog.=) d.version RETURNING 1), "
    "marked AS (UPDATE {history} h SET earlier_pruned = true FROM (SELECT l.customer_id, "
    "(SELECT n.version FROM {history} n WHERE n.customer_id OPERATOR(pg_catalog.=) l.customer_id "
    "AND n.version OPERATOR(pg_catalog.>) l.version ORDER BY n.version LIMIT 1) AS version "
    "FROM (SELECT DISTINCT ON (customer_id) customer_id, version FROM doomed "
    "ORDER BY customer_id, version DESC) l) first "
    "WHERE h.customer_id OPERATOR(pg_catalog.=) first.customer_id "
    "AND h.version OPERATOR(pg_catalog.=) first.version AND NOT h.earlier_pruned) "
    "SELECT pg_catalog.count(*) FROM deleted",
    As::owner, Part::history};

// Whole deletions: one that has lost some of its comments must not be restored.
constexpr SqlStatement delete_pruned_deletions{
    "WITH doomed AS (SELECT customer_id, version FROM {deletions} WHERE comment_id IS NULL "
    "AND version OPERATOR(pg_catalog.<) $1 AND deleted_at OPERATOR(pg_catalog.<) $1 ORDER BY version LIMIT $2), "
    "deleted AS (DELETE FROM {deletions} d USING doomed WHERE d.customer_id OPERATOR(pg_catalog.=) doomed.customer_id "
    "AND d.version OPERATOR(pg_catalog.=) doomed.version RETURNING 1) SELECT pg_catalog.count(*) FROM doomed",
    As::owner, Part::deletions};

// Also those that wait: nobody came back to them in all that time.
constexpr SqlStatement delete_pruned_refused{
    "WITH doomed AS (SELECT id FROM {refused_saves} WHERE refused_at OPERATOR(pg_catalog.<) $1 ORDER BY id LIMIT $2), "
    "deleted AS (DELETE FROM {refused_saves} r USING doomed WHERE r.id OPERATOR(pg_catalog.=) doomed.id RETURNING 1) "
    "SELECT pg_catalog.count(*) FROM deleted",
    As::owner, Part::refused_saves};

}  // namespace

std::int64_t
prune_history(const AttachedTable &table, core::Timestamp before, std::int32_t batch)
{
    // One after the other: both would choose the same rows. Neither saves nor VACUUM wait for it.
    const LOCKTAG one_pruning = lock_tag(LockClass::pruning, table->history.oid, 0);
    LockAcquire(&one_pruning, ExclusiveLock, false, false);
    Arguments arguments;
    arguments.add(before);
    arguments.add(std::optional<std::int64_t>{batch});

    execute(table, delete_pruned, arguments);
    std::int64_t removed = result_bigint(0, 0);
    if (table->has(Part::deletions) && removed < batch)
    {
        execute(table, delete_pruned_deletions, arguments);
        removed = std::min<std::int64_t>(removed + result_bigint(0, 0), batch);
    }
    if (table->has(Part::refused_saves) && removed < batch)
    {
        execute(table, delete_pruned_refused, arguments);
        removed = std::min<std::int64_t>(removed + result_bigint(0, 0), batch);
    }
    return removed;
}

}  // namespace crm
