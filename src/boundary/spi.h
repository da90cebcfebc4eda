#pragma once

#include "../core/timestamp.h"
#include "sql.h"

// Saved plans and their arguments, on top of SPI.
namespace crm {

// Runs work(caller) with SPI connected, and returns what it returns. What is to outlive the connection is made in the memory
// context caller.
template <typename Work>
auto
in_spi(Work work)
{
    const MemoryContext caller = CurrentMemoryContext;
    SPI_connect();
    if constexpr (std::is_void_v<decltype(work(caller))>)
    {
        work(caller);
        SPI_finish();
    }
    else
    {
        const auto result = work(caller);
        SPI_finish();
        return result;
    }
}

// Runs make() in another memory context.
template <typename Make>
auto
made_in(MemoryContext context, Make make)
{
    const MemoryContext current = MemoryContextSwitchTo(context);
    const auto result = make();
    MemoryContextSwitchTo(current);
    return result;
}

// The arguments of a statement, in order.
struct Arguments
{
    static constexpr int capacity = 16;

    int count = 0;
    Oid types[capacity];
    Datum values[capacity];
    char nulls[capacity];

    void add(Oid type, Datum value);
    void add_null(Oid type);
    void add(std::string_view text);
    void add(std::optional<std::string_view> text);
    void add(core::Timestamp time);
    void add(std::optional<core::Timestamp> time);
    void add(std::optional<std::int64_t> number);
};

// Prepares a statement and keeps its plan for the session.
SPIPlanPtr prepare_statement(const Sql &statement, const Arguments &arguments);

// Runs a saved plan and returns how many rows it returned or changed. It runs in a new snapshot (the transaction's own
// under REPEATABLE READ) unless one is given.
std::uint64_t run_statement(SPIPlanPtr plan, const Arguments &arguments, Snapshot snapshot);

// Runs the statement that build_sql() writes; the plan is kept in the slot.
template <typename BuildSql>
std::uint64_t
execute(SPIPlanPtr &slot, BuildSql build_sql, const Arguments &arguments, Snapshot snapshot = InvalidSnapshot)
{
    if (slot == nullptr)
        slot = prepare_statement(build_sql(), arguments);
    return run_statement(slot, arguments, snapshot);
}

// Runs a command that returns no rows, once.
void run_utility(const Sql &statement);

// A column (from 0) of a row of the latest result. Text is copied into the current context.
// What is not of the type that it is read as raises XX000.
bool result_is_null(std::uint64_t row, int column);
Datum result_datum(std::uint64_t row, int column, Oid type);
bool result_boolean(std::uint64_t row, int column);
core::Timestamp result_time(std::uint64_t row, int column);
std::int64_t result_bigint(std::uint64_t row, int column);
std::string_view result_text(std::uint64_t row, int column);

// What one of these reads, where the column may be NULL: empty then.
template <typename Value>
std::optional<Value>
result_optional(Value (*read)(std::uint64_t, int), std::uint64_t row, int column)
{
    return result_is_null(row, column) ? std::nullopt : std::optional{read(row, column)};
}

// Text as a datum, and back; both copy.
Datum text_datum(std::string_view text);
std::string_view text_of(Datum datum);

// Texts one after the other, zero-terminated, in the current context.
std::string_view joined_text(std::initializer_list<std::string_view> parts);

}  // namespace crm
