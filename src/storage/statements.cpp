#include "statements.h"

namespace crm {

Sql
sql(const AttachedTable &table, SqlTemplate statement, std::initializer_list<SqlName> more)
{
    const TableDescription &known = *table;
    const SqlName own[] = {
        {"customers", known.customers.sql},       {"comments", known.comments.sql},
        {"history", known.history.sql},           {"locks", known.locks.sql},
        {"key", known.customers.key_sql},         {"status", known.customers.status_sql},
        {"version", known.customers.version_sql},
    };
    constexpr std::size_t room = std::size(own) + 8;
    SqlName names[room] = {};
    Assert(std::size(own) + more.size() <= room);
    std::ranges::copy(more, std::ranges::copy(own, names).out);
    return sql(statement, std::span(names, std::size(own) + more.size()));
}

std::uint64_t
execute(const AttachedTable &table, Statement kept, SqlTemplate statement, const Arguments &arguments,
        Snapshot snapshot)
{
    return execute(
        table->plan(kept), [&] { return sql(table, statement); }, arguments, snapshot);
}

std::uint64_t
execute_as(const AttachedTable &table, Part part, Statement kept, SqlTemplate statement, const Arguments &arguments,
           Snapshot snapshot)
{
    const Role caller = act_as((*table)[part].owner);
    const std::uint64_t rows = execute(table, kept, statement, arguments, snapshot);
    act_again_as(caller);
    return rows;
}

std::uint64_t
execute_latest_as(const AttachedTable &table, Part part, Statement kept, SqlTemplate statement,
                  const Arguments &arguments)
{
    const Snapshot latest = RegisterSnapshot(GetLatestSnapshot());
    const std::uint64_t rows = execute_as(table, part, kept, statement, arguments, latest);
    UnregisterSnapshot(latest);
    return rows;
}

std::uint64_t
execute_for_caller(const AttachedTable &table, Part part, Statement kept, SqlTemplate statement,
                   const Arguments &arguments, Snapshot snapshot)
{
    return as_reader(table, part, [&] { return execute(table, kept, statement, arguments, snapshot); });
}

}  // namespace crm
