#pragma once

#include "../boundary/spi.h"
#include "attached_tables.h"

// The statements on an attached table, whose plans are kept.
namespace crm {

// Whose rights a statement runs with.
enum class As
{
    caller,
    owner,   // of a part, whatever the caller's rights are
    reader,  // a caller whose rights to a part were checked: see as_reader()
};

// A statement, which stands as a constant where it is used: its plan is found by its address. {customers}, {comments},
// {history}, {locks}, {deletions}, {comment_edits}, {refused_saves}, {key}, {status} and {version} are those of the
// table; {status_of_row} is that of the row c, NULL where there is none; {corrections}, {first_text} and {texts} are
// CorrectionsSql; {reverts} is that column of the history, NULL where there is none.
struct SqlStatement
{
    SqlTemplate text;
    As as;
    Part part = Part::customers;  // whose owner, or which part is read
};

// A statement, or a part of one, with its names filled in.
Sql sql(const AttachedTable &table, SqlTemplate statement, std::initializer_list<SqlName> more = {});

// Runs a statement in a new snapshot (the transaction's own under REPEATABLE READ) unless one is given; returns how many rows
// it returned or changed.
std::uint64_t execute(const AttachedTable &table, const SqlStatement &statement, const Arguments &arguments,
                      Snapshot snapshot = InvalidSnapshot);

// execute() as the newest committed state has it, also where the transaction's own snapshot is older.
std::uint64_t execute_latest(const AttachedTable &table, const SqlStatement &statement, const Arguments &arguments);

// Runs work() with the rights of a part's owner.
template <typename Work>
auto
as_owner(const AttachedTable &table, Part part, Work work)
{
    const Role caller = act_as((*table)[part].owner);
    const auto result = work();
    act_again_as(caller);
    return result;
}

// Runs read() for a caller whose rights to a part were checked: as its owner, so that nothing its owner planted runs as the
// caller. Where row-level security applies to the caller, its policies are asked as the caller, as in every query.
template <typename Read>
auto
as_reader(const AttachedTable &table, Part part, Read read)
{
    return is_under_row_security((*table)[part].oid) ? read() : as_owner(table, part, read);
}

// Runs work() with these rights.
template <typename Work>
auto
run_as(const AttachedTable &table, As as, Part part, Work work)
{
    switch (as)
    {
        case As::caller:
            break;
        case As::owner:
            return as_owner(table, part, work);
        case As::reader:
            return as_reader(table, part, work);
    }
    return work();
}

}  // namespace crm
