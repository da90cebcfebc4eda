#include "statements.h"

namespace crm {

Sql
sql(const AttachedTable &table, SqlTemplate statement, std::initializer_list<SqlName> more)
{
    const TableDescription &known = *table;
    const SqlName own[] = {
        {"customers", known.customers.sql},
        {"comments", known.comments.sql},
        {"history", known.history.sql},
        {"locks", known.locks.sql},
        {"deletions", known.deletions.sql},
        {"comment_edits", known.comment_edits.sql},
        {"refused_saves", known.refused_saves.sql},
        {"reverts", known.history.reverts == InvalidAttrNumber ? sql("NULL::pg_catalog.timestamptz") : sql("reverts")},
        {"corrections", known.corrections.columns},
        {"first_text", known.corrections.first_text},
        {"texts", known.corrections.texts},
        {"key", known.customers.key_sql},
        {"status", known.customers.status_sql},
        {"status_of_row", known.customers.status_of_row_sql},
        {"version", known.customers.version_sql},
    };
    constexpr std::size_t room = std::size(own) + 8;
    SqlName names[room] = {};
    Assert(std::size(own) + more.size() <= room);
    std::ranges::copy(more, std::ranges::copy(own, names).out);
    return sql(statement, std::span(names, std::size(own) + more.size()));
}

std::uint64_t
execute(const AttachedTable &table, const SqlStatement &statement, const Arguments &arguments, Snapshot snapshot)
{
    return run_as(table, statement.as, statement.part, [&] {
        return execute(
            table->plan(&statement), [&] { return sql(table, statement.text); }, arguments, snapshot);
    });
}

std::uint64_t
execute_latest(const AttachedTable &table, const SqlStatement &statement, const Arguments &arguments)
{
    const Snapshot latest = RegisterSnapshot(GetLatestSnapshot());
    const std::uint64_t rows = execute(table, statement, arguments, latest);
    UnregisterSnapshot(latest);
    return rows;
}

}  // namespace crm
