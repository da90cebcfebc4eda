#pragma once

#include "../boundary/errors.h"
#include "../tables/companion_columns.h"
#include "../tables/key.h"
#include "../tables/statements.h"
#include "index_lookup.h"

// Reading rows of the tables beside customers: directly through an index where the table allows it, by a statement elsewhere.
// Both give the same rows in the same order, and what is done with a row stands once.
namespace crm {

// Where a part is found in a table's description, and its columns, as far as statements name them.
template <typename PartOfTable>
struct RowsOf;

template <>
struct RowsOf<Comments>
{
    static constexpr Part part = Part::comments;
    static constexpr auto member = &TableDescription::comments;
    static constexpr std::span<const CompanionColumn<CommentsFacts>> columns{comments_columns};
    static constexpr std::span<const CompanionColumn<CommentsFacts>> later_columns{later_comments_columns};
};

template <>
struct RowsOf<History>
{
    static constexpr Part part = Part::history;
    static constexpr auto member = &TableDescription::history;
    static constexpr std::span<const CompanionColumn<HistoryFacts>> columns{history_columns};
    static constexpr std::span<const CompanionColumn<HistoryFacts>> later_columns{later_history_columns};
};

template <>
struct RowsOf<Locks>
{
    static constexpr Part part = Part::locks;
    static constexpr auto member = &TableDescription::locks;
    static constexpr std::span<const CompanionColumn<LocksFacts>> columns{locks_columns};
    static constexpr std::span<const CompanionColumn<LocksFacts>> later_columns{};
};

// A row of a part. Its values live as long as the row does; texts and names, which may be of type text, are copied.
template <typename Facts>
class RowOf
{
public:
    using Column = AttrNumber Facts::*;

    RowOf(TupleTableSlot *values, const Facts &columns) : slot(values), numbers(columns) {}

    std::optional<Datum> optional_value(Column column) const
    {
        bool is_null;
        const Datum value = slot_getattr(slot, numbers.*column, &is_null);
        return is_null ? std::nullopt : std::optional{value};
    }

    Datum value(Column column) const
    {
        const std::optional<Datum> value = optional_value(column);
        if (!value)
            errors::null_in_column(NameStr(TupleDescAttr(slot->tts_tupleDescriptor, numbers.*column - 1)->attname));
        return *value;
    }

    core::Timestamp time(Column column) const { return {DatumGetTimestampTz(value(column))}; }
    std::int64_t bigint(Column column) const { return DatumGetInt64(value(column)); }
    bool boolean(Column column) const { return DatumGetBool(value(column)); }
    std::string_view text(Column column) const { return text_of(value(column)); }
    std::string_view name(Column column) const
    {
        const std::string_view here = name_here(column);
        return {pnstrdup(here.data(), here.size()), here.size()};
    }

    // These are not copied.
    std::string_view text_here(Column column) const { return text_in(value(column)); }
    std::string_view name_here(Column column) const
    {
        const Datum stored = value(column);
        if (is_name(slot->tts_tupleDescriptor, numbers.*column))
            return NameStr(*DatumGetName(stored));
        return text_in(stored);
    }
    std::optional<std::string_view> optional_text_here(Column column) const
    {
        const std::optional<Datum> value = optional_value(column);
        return value ? std::optional{text_in(*value)} : std::nullopt;
    }

    // Reads all columns at once, where most of them are wanted.
    void read_all() const { slot_getallattrs(slot); }

    std::optional<core::Timestamp> optional_time(Column column) const
    {
        const std::optional<Datum> value = optional_value(column);
        return value ? std::optional{core::Timestamp{DatumGetTimestampTz(*value)}} : std::nullopt;
    }

    std::optional<std::int64_t> optional_bigint(Column column) const
    {
        const std::optional<Datum> value = optional_value(column);
        return value ? std::optional{DatumGetInt64(*value)} : std::nullopt;
    }

    std::optional<std::string_view> optional_text(Column column) const
    {
        const std::optional<Datum> value = optional_value(column);
        return value ? std::optional{text_of(*value)} : std::nullopt;
    }

    // Whether a value is this text; other texts cost no copy.
    bool has_text(Column column, std::string_view text) const
    {
        return may_have_text(column, text) && text_in(value(column)) == text;
    }

    // has_text(), as far as the row itself tells it: of a text that is compressed or stored elsewhere it tells the
    // size.
    bool may_have_text(Column column, std::string_view text) const
    {
        const std::optional<Datum> stored = optional_value(column);
        if (!stored)
            return false;
        const varlena *text_there = reinterpret_cast<varlena *>(DatumGetPointer(*stored));
        if (VARATT_IS_EXTERNAL(text_there) || VARATT_IS_COMPRESSED(text_there))
            return toast_raw_datum_size(*stored) - VARHDRSZ == text.size();
        return text_in(*stored) == text;
    }

    // Whether the row has a value in a column that the table may lack, told by its bitmap of nulls alone.
    bool has_later_value(Column column) const
    {
        if (numbers.*column == InvalidAttrNumber)
            return false;
        return !heap_attisnull(slot->tts_ops->get_heap_tuple(slot), numbers.*column, slot->tts_tupleDescriptor);
    }

    bool has_uuid(Column column, Datum uuid) const
    {
        const std::optional<Datum> stored = optional_value(column);
        return stored && std::memcmp(DatumGetUUIDP(*stored), DatumGetUUIDP(uuid), UUID_LEN) == 0;
    }

private:
    static std::string_view text_in(Datum text)
    {
        const varlena *plain = pg_detoast_datum_packed(reinterpret_cast<varlena *>(DatumGetPointer(text)));
        return {VARDATA_ANY(plain), VARSIZE_ANY_EXHDR(plain)};
    }

    TupleTableSlot *slot;
    const Facts &numbers;
};

using CommentsRow = RowOf<CommentsFacts>;
using HistoryRow = RowOf<HistoryFacts>;
using LocksRow = RowOf<LocksFacts>;

// In which order of the index rows are read.
enum class Order
{
    forward,
    backward,
};

// Which rows of a customer are read, and how. It stands as a constant where it is used: the plan of its statement is found by
// its address.
template <typename PartOfTable>
struct RowQuery
{
    using Column = AttrNumber PartOfTable::Facts::*;

    LookupIndex PartOfTable::Access::*index = &PartOfTable::Access::index;  // by customer_id and, if any, the column
    As as = As::owner;                                                      // owner or reader
    Column column = nullptr;  // by which rows are ordered, and which has the bound
    Bound bound = Bound::none;
    Order order = Order::forward;
    std::uint64_t expected = 50;  // so many rows are fetched at once by a statement
};

// The rows of a statement, fetched a few at a time with the rights of who reads them.
class FetchedRows
{
public:
    struct Source
    {
        As as;
        Part part;
        const void *plan;  // by which the plan is kept
        std::uint64_t expected;
    };

    // select() writes the statement where there is no plan yet.
    template <typename Select>
    FetchedRows(const AttachedTable &read, const Source &from, Select select, const Arguments &arguments,
                Snapshot snapshot)
        : table(read), source(from)
    {
        run_as(table, source.as, source.part, [&] {
            SPIPlanPtr &plan = table->plan(source.plan);
            if (plan == nullptr)
                plan = prepare_statement(select(), arguments);
            return open(plan, arguments, snapshot);
        });
    }

    // The next row in the slot; false at the end.
    bool next();
    void end();

    TupleTableSlot *slot = nullptr;

private:
    bool open(SPIPlanPtr plan, const Arguments &arguments, Snapshot snapshot);
    bool fetch();
    void forget_fetched();

    const AttachedTable &table;
    const Source source;
    Portal cursor = nullptr;
    SPITupleTable *fetched = nullptr;
    std::uint64_t count = 0;
    std::uint64_t taken = 0;
};

// The statement for a query: the columns of the part, in their order.
Sql select_rows(Sql part, std::span<const Sql> columns, Sql column, Bound bound, Order order);

// Calls take(column) for the columns that the statement for a query names: those that the table has.
template <typename PartOfTable, typename Take>
void
each_column(const PartOfTable &part, Take take)
{
    for (const auto &column : RowsOf<PartOfTable>::columns)
        take(column);
    for (const auto &column : RowsOf<PartOfTable>::later_columns)
        if (part.*column.number != InvalidAttrNumber)
            take(column);
}

template <typename PartOfTable>
Sql
select_rows(const AttachedTable &table, const RowQuery<PartOfTable> &query)
{
    const PartOfTable &part = (*table).*RowsOf<PartOfTable>::member;
    Sql names[RowsOf<PartOfTable>::columns.size() + RowsOf<PartOfTable>::later_columns.size()] = {};
    Sql ordered_by;
    std::size_t count = 0;
    each_column(part, [&](const auto &column) {
        names[count] = sql_identifier(column.name);
        if (query.column == column.number)
            ordered_by = names[count];
        count++;
    });
    return select_rows(part.sql, {names, count}, ordered_by, query.bound, query.order);
}

// The numbers of the columns in a row of such a statement.
template <typename PartOfTable>
typename PartOfTable::Facts
numbers_in_statement(const PartOfTable &part)
{
    typename PartOfTable::Facts numbers = {};
    AttrNumber number = 1;
    each_column(part, [&](const auto &column) { numbers.*column.number = number++; });
    return numbers;
}

// Whether the rows of a query are read directly.
template <typename PartOfTable>
bool
is_direct(const AttachedTable &table, const RowQuery<PartOfTable> &query)
{
    const PartOfTable &known = (*table).*RowsOf<PartOfTable>::member;
    return can_look_up(known.*query.index) && (query.as == As::owner || !is_under_row_security(known.oid));
}

// Calls take(row) for the rows of a customer that a snapshot shows, until it returns false. What a reader may read was
// checked. bound is the value of the query's bound.
template <typename PartOfTable, typename Take>
void
each_row(const AttachedTable &table, const RowQuery<PartOfTable> &query, const Key &key, std::optional<Datum> bound,
         Snapshot snapshot, Take take)
{
    using Facts = typename PartOfTable::Facts;
    if (is_direct(table, query))
    {
        const PartOfTable &known = (*table).*RowsOf<PartOfTable>::member;
        const IndexLookup lookup =
            begin_lookup(known.oid, known.*query.index, {key.value, query.bound, bound}, snapshot);
        const RowOf<Facts> row{lookup.slot, known};
        while ((query.order == Order::forward ? lookup.next() : lookup.previous()) && take(row))
            ;
        end_lookup(lookup);
        return;
    }
    Arguments arguments = arguments_of(key);
    if (bound)
        arguments.add(std::ranges::find(RowsOf<PartOfTable>::columns, query.column,
                                        [](const auto &column) { return column.number; })
                          ->type,
                      *bound);
    const Facts numbers = numbers_in_statement((*table).*RowsOf<PartOfTable>::member);
    FetchedRows rows{table,
                     {query.as, RowsOf<PartOfTable>::part, &query, query.expected},
                     [&] { return select_rows(table, query); },
                     arguments,
                     snapshot};
    const RowOf<Facts> row{rows.slot, numbers};
    while (rows.next() && take(row))
        ;
    rows.end();
}

}  // namespace crm
