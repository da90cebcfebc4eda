#include "history.h"

#include "../boundary/clock.h"
#include "../boundary/direct.h"
#include "../boundary/errors.h"
#include "../boundary/role.h"
#include "../boundary/snapshot.h"
#include "../boundary/spi.h"
#include "../core/base_diagnosis.h"
#include "../core/version.h"
#include "rows.h"

namespace crm {

namespace {

constexpr RowQuery<History> latest_change{.column = &HistoryFacts::version, .order = Order::backward, .expected = 1};

constexpr RowQuery<History> oldest_changes{.column = &HistoryFacts::version, .expected = 1};

constexpr RowQuery<History> later_changes{.column = &HistoryFacts::version, .bound = Bound::above};

constexpr RowQuery<History> change_before{
    .column = &HistoryFacts::version, .bound = Bound::below, .order = Order::backward, .expected = 1};

constexpr SqlStatement select_applied{"SELECT 1 FROM {history} WHERE customer_id OPERATOR(pg_catalog.=) $1 "
                                      "AND version OPERATOR(pg_catalog.=) $2 AND request OPERATOR(pg_catalog.=) $3 "
                                      "AND based_on OPERATOR(pg_catalog.<) $4",
                                      As::owner, Part::history};

constexpr SqlStatement select_follower{
    "SELECT 1 FROM {history} WHERE customer_id OPERATOR(pg_catalog.=) $1 "
    "AND version OPERATOR(pg_catalog.>) $2 AND previous OPERATOR(pg_catalog.=) $2 "
    "AND NOT EXISTS (SELECT FROM {history} WHERE customer_id OPERATOR(pg_catalog.=) $1 "
    "AND version OPERATOR(pg_catalog.=) $2) LIMIT 1",
    As::owner, Part::history};

constexpr SqlStatement select_ends_after{
    "SELECT version, operation FROM {history} WHERE customer_id OPERATOR(pg_catalog.=) $1 "
    "AND version OPERATOR(pg_catalog.>) $2 AND operation OPERATOR(pg_catalog.<>) 'update' ORDER BY version",
    As::owner, Part::history};

constexpr SqlStatement delete_inserted{
    "DELETE FROM {history} WHERE customer_id OPERATOR(pg_catalog.=) $1 "
    "AND version OPERATOR(pg_catalog.=) $2 AND recorded_at OPERATOR(pg_catalog.>) $3 "
    "AND operation OPERATOR(pg_catalog.=) 'insert'",
    As::reader, Part::history};

constexpr SqlStatement select_changes_after{
    "SELECT version, previous, operation, status_from, fields FROM {history} "
    "WHERE customer_id OPERATOR(pg_catalog.=) $1 AND version OPERATOR(pg_catalog.>) $2 "
    "ORDER BY version DESC",
    As::reader, Part::history};

constexpr SqlStatement select_nearby{"SELECT version FROM {history} WHERE customer_id OPERATOR(pg_catalog.=) $1 "
                                     "AND version OPERATOR(pg_catalog.>=) $2 AND version OPERATOR(pg_catalog.<=) $3 "
                                     "ORDER BY version DESC LIMIT $4",
                                     As::owner, Part::history};

}  // namespace

std::optional<ChainHead>
chain_head(const AttachedTable &table, const Key &key)
{
    std::optional<ChainHead> head;
    each_row(table, latest_change, key, std::nullopt, latest_snapshot(), [&](const HistoryRow &row) {
        head = ChainHead{row.time(&HistoryFacts::version), row.has_text(&HistoryFacts::operation, "delete"),
                         row.optional_text(&HistoryFacts::author), row.name(&HistoryFacts::db_user)};
        return false;
    });
    return head;
}

bool
is_base_used(const AttachedTable &table, const Key &key, core::Timestamp base)
{
    bool is_used = false;
    each_row(table, later_changes, key, TimestampTzGetDatum(core::latest_of_version(base).us), new_snapshot(),
             [&](const HistoryRow &row) {
                 const std::optional<core::Timestamp> based_on = row.optional_time(&HistoryFacts::based_on);
                 is_used = based_on && core::same_version(*based_on, base);
                 return !is_used;
             });
    return is_used;
}

bool
is_applied_from_earlier(const AttachedTable &table, const Key &key, core::Timestamp version, Datum digest,
                        core::Timestamp base)
{
    Arguments arguments = arguments_of(key);
    arguments.add(version);
    arguments.add(UUIDOID, digest);
    arguments.add(core::earliest_of_version(base));
    return execute_latest(table, select_applied, arguments) > 0;
}

bool
is_followed(const AttachedTable &table, const Key &key, core::Timestamp version)
{
    Arguments arguments = arguments_of(key);
    arguments.add(version);
    return execute(table, select_follower, arguments) > 0;
}

std::optional<core::Timestamp>
version_before(const AttachedTable &table, const Key &key, core::Timestamp version)
{
    std::optional<core::Timestamp> before;
    each_row(table, change_before, key, TimestampTzGetDatum(version.us), new_snapshot(), [&](const HistoryRow &row) {
        before = row.time(&HistoryFacts::version);
        return false;
    });
    return before;
}

std::optional<core::Timestamp>
end_of_life(const AttachedTable &table, const Key &key, core::Timestamp at, Snapshot snapshot)
{
    Arguments arguments = arguments_of(key);
    arguments.add(at);
    const std::uint64_t rows = execute(table, select_ends_after, arguments, snapshot);
    for (std::uint64_t i = 0; i < rows; i++)
        if (result_text(i, 1) == "delete" && (i + 1 == rows || result_text(i + 1, 1) != "restore"))
            return result_time(i, 0);
    return std::nullopt;
}

void
forget_inserted(const AttachedTable &table, const Key &key, core::Timestamp version, core::Timestamp after)
{
    Arguments arguments = arguments_of(key);
    arguments.add(version);
    arguments.add(after);
    if (pg_class_aclcheck(table->history.oid, GetUserId(), ACL_DELETE) != ACLCHECK_OK)
        deny_table(table->history.oid, ACL_DELETE);
    execute(table, delete_inserted, arguments);
}

std::optional<OldestChange>
oldest_change(const AttachedTable &table, const Key &key)
{
    std::optional<OldestChange> oldest;
    each_row(table, oldest_changes, key, std::nullopt, new_snapshot(), [&](const HistoryRow &row) {
        oldest = OldestChange{row.optional_time(&HistoryFacts::previous)};
        return false;
    });
    return oldest;
}

Readable
readable_history(const AttachedTable &table)
{
    const Oid history = table->history.oid;
    if (!may_name(history) || pg_class_aclcheck(history, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
        return Readable::nothing;
    return is_under_row_security(history) ? Readable::by_row_security : Readable::everything;
}

bool
may_read_history(const AttachedTable &table)
{
    return readable_history(table) != Readable::nothing;
}

bool
may_read_all_history(const AttachedTable &table)
{
    return readable_history(table) == Readable::everything;
}

std::uint64_t
read_changes_after(const AttachedTable &table, const Key &key, core::Timestamp after, Snapshot snapshot)
{
    Arguments arguments = arguments_of(key);
    arguments.add(after);
    return execute(table, select_changes_after, arguments, snapshot);
}

std::size_t
nearby_versions(const AttachedTable &table, const Key &key, core::Timestamp base, core::Timestamp *versions,
                std::size_t limit)
{
    Arguments arguments = arguments_of(key);
    arguments.add(core::Timestamp{base.us - core::reach_of_diagnosis});
    arguments.add(core::Timestamp{base.us + core::reach_of_diagnosis});
    arguments.add(std::optional<std::int64_t>{static_cast<std::int64_t>(limit)});
    const std::uint64_t rows = execute(table, select_nearby, arguments);
    for (std::uint64_t row = 0; row < rows; row++)
        versions[row] = result_time(row, 0);
    return rows;
}

}  // namespace crm
