#pragma once

#include "../boundary/spi.h"
#include "attached_tables.h"

// The statements on an attached table, whose plans are kept.
namespace crm {

// A statement in which {customers}, {comments}, {history}, {locks}, {key}, {status} and {version} are those of the table.
Sql sql(const AttachedTable &table, SqlTemplate statement, std::initializer_list<SqlName> more = {});

// Runs a statement with the caller's rights, in a new snapshot (the transaction's own under REPEATABLE READ) unless one is
// given; returns how many rows it returned or changed.
std::uint64_t execute(const AttachedTable &table, Statement kept, SqlTemplate statement, const Arguments &arguments,
                      Snapshot snapshot = InvalidSnapshot);

// The same with the rights of a part's owner, whatever the caller's are.
std::uint64_t execute_as(const AttachedTable &table, Part part, Statement kept, SqlTemplate statement,
                         const Arguments &arguments, Snapshot snapshot = InvalidSnapshot);

// The same as the newest committed state has it, also where the transaction's own snapshot is older.
std::uint64_t execute_latest_as(const AttachedTable &table, Part part, Statement kept, SqlTemplate statement,
                                const Arguments &arguments);

// Reads a part for a caller whose rights were checked: as its owner, so that nothing its owner planted runs as the caller.
// Where row-level security applies to the caller, its policies are asked as the caller, as in every query.
std::uint64_t execute_for_caller(const AttachedTable &table, Part part, Statement kept, SqlTemplate statement,
                                 const Arguments &arguments, Snapshot snapshot = InvalidSnapshot);

// Runs read() as such a reader.
template <typename Read>
auto
as_reader(const AttachedTable &table, Part part, Read read)
{
    if (is_under_row_security((*table)[part].oid))
        return read();
    const Role caller = act_as((*table)[part].owner);
    const auto result = read();
    act_again_as(caller);
    return result;
}

}  // namespace crm
