#pragma once

#include "role.h"
#include "spi.h"

namespace crm {

// Runs the statement of a slot, as execute() does, with the rights of a table's owner. To write, give the safe path.
template <typename BuildSql>
std::uint64_t
execute_as(Oid owner, const char *safe_path, SPIPlanPtr &slot, BuildSql build_sql, const Arguments &arguments,
           Snapshot snapshot = InvalidSnapshot)
{
    const Role caller = act_as(owner, safe_path);
    const std::uint64_t rows = execute(slot, build_sql, arguments, snapshot);
    act_again_as(caller);
    return rows;
}

// The same as the newest committed state has it, also where the transaction's own snapshot is older.
template <typename BuildSql>
std::uint64_t
execute_latest_as(Oid owner, const char *safe_path, SPIPlanPtr &slot, BuildSql build_sql, const Arguments &arguments)
{
    const Snapshot latest = RegisterSnapshot(GetLatestSnapshot());
    const std::uint64_t rows = execute_as(owner, safe_path, slot, build_sql, arguments, latest);
    UnregisterSnapshot(latest);
    return rows;
}

}  // namespace crm
