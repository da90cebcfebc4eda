#include "pruning.h"

#include "../boundary/owner.h"

namespace crm {

std::int64_t
prune_history(AttachedTable &table, core::Timestamp before, std::int32_t batch)
{
    // One after the other: both would choose the same rows. Who writes the history does not wait for this lock.
    LockRelationOid(table.history, ShareUpdateExclusiveLock);
    Arguments arguments;
    arguments.add(before);
    arguments.add(std::optional<std::int64_t>{batch});

    execute_as(
        table.history_owner, table.history_path, table.plan(Statement::prune_history),
        [&] {
            return psprintf(
                "WITH doomed AS (SELECT h.customer_id, h.version FROM %1$s h "
                "WHERE h.version OPERATOR(pg_catalog.<) $1 AND h.recorded_at OPERATOR(pg_catalog.<) $1 "
                "AND EXISTS (SELECT FROM %1$s n WHERE n.customer_id OPERATOR(pg_catalog.=) h.customer_id "
                "AND n.version OPERATOR(pg_catalog.>) h.version) "
                "AND NOT EXISTS (SELECT FROM %1$s o WHERE o.customer_id OPERATOR(pg_catalog.=) h.customer_id "
                "AND o.version OPERATOR(pg_catalog.<) h.version AND o.recorded_at OPERATOR(pg_catalog.>=) $1) "
                "ORDER BY h.customer_id, h.version LIMIT $2), "
                "deleted AS (DELETE FROM %1$s h USING doomed d WHERE h.customer_id OPERATOR(pg_catalog.=) d.customer_id "
                "AND h.version OPERATOR(pg_catalog.=) d.version RETURNING 1), "
                "marked AS (UPDATE %1$s h SET earlier_pruned = true FROM (SELECT l.customer_id, "
                "(SELECT n.version FROM %1$s n WHERE n.customer_id OPERATOR(pg_catalog.=) l.customer_id "
                "AND n.version OPERATOR(pg_catalog.>) l.version ORDER BY n.version LIMIT 1) AS version "
                "FROM (SELECT DISTINCT ON (customer_id) customer_id, version FROM doomed "
                "ORDER BY customer_id, version DESC) l) first "
                "WHERE h.customer_id OPERATOR(pg_catalog.=) first.customer_id "
                "AND h.version OPERATOR(pg_catalog.=) first.version AND NOT h.earlier_pruned) "
                "SELECT pg_catalog.count(*) FROM deleted",
                table.history_sql);
        },
        arguments);
    return result_bigint(0, 0);
}

}  // namespace crm
