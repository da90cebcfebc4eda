#include "rows.h"

namespace crm {

Sql
select_rows(Sql part, std::span<const Sql> columns, Sql column, Bound bound, Order order)
{
    const auto bounded = [&]() -> Sql {
        switch (bound)
        {
            case Bound::none:
                break;
            case Bound::equal:
                return sql(" AND {column} OPERATOR(pg_catalog.=) $2", {{"column", column}});
            case Bound::above:
                return sql(" AND {column} OPERATOR(pg_catalog.>) $2", {{"column", column}});
            case Bound::below:
                return sql(" AND {column} OPERATOR(pg_catalog.<) $2", {{"column", column}});
        }
        return {};
    };
    const auto ordered = [&]() -> Sql {
        if (column == Sql{})
            return {};
        if (order == Order::forward)
            return sql(" ORDER BY {column}", {{"column", column}});
        return sql(" ORDER BY {column} DESC", {{"column", column}});
    };
    return sql(
        "SELECT {columns} FROM {part} WHERE customer_id OPERATOR(pg_catalog.=) $1{bounded}{ordered}",
        {{"columns", sql_joined(", ", columns)}, {"part", part}, {"bounded", bounded()}, {"ordered", ordered()}});
}

bool
FetchedRows::open(SPIPlanPtr plan, const Arguments &arguments, Snapshot snapshot)
{
    PushActiveSnapshot(snapshot);
    cursor = SPI_cursor_open(nullptr, plan, const_cast<Datum *>(arguments.values), arguments.nulls, true);
    PopActiveSnapshot();
    slot = MakeSingleTupleTableSlot(cursor->tupDesc, &TTSOpsHeapTuple);
    return true;
}

bool
FetchedRows::next()
{
    if (taken == count)
    {
        if (fetched != nullptr && count < source.expected)
            return false;
        run_as(table, source.as, source.part, [this] { return fetch(); });
        if (count == 0)
            return false;
    }
    ExecStoreHeapTuple(fetched->vals[taken++], slot, false);
    return true;
}

bool
FetchedRows::fetch()
{
    forget_fetched();
    SPI_cursor_fetch(cursor, true, static_cast<long>(source.expected));
    fetched = SPI_tuptable;
    count = SPI_processed;
    taken = 0;
    return true;
}

void
FetchedRows::forget_fetched()
{
    ExecClearTuple(slot);
    if (fetched != nullptr)
        SPI_freetuptable(fetched);
    fetched = nullptr;
}

void
FetchedRows::end()
{
    forget_fetched();
    ExecDropSingleTupleTableSlot(slot);
    SPI_cursor_close(cursor);
}

}  // namespace crm
