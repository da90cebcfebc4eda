#pragma once

#include "../core/screening.h"
#include "../tables/attached_tables.h"

namespace crm {

// One of the tables of an attachment, read in the order of the customers' keys.
struct OrderedRows
{
    static constexpr int most_columns = 10;

    Portal portal;
    SPITupleTable *rows;         // that were fetched last
    SPITupleTable *earlier;      // and before them: a row is compared with the one before it
    std::uint64_t count;         // of those fetched last
    std::uint64_t position;      // among them
    Datum values[most_columns];  // of the row
    bool nulls[most_columns];

    bool has_row() const { return position < count; }
    bool has_key() const { return has_row() && !nulls[0]; }

    // Goes on to the next row, or to the first.
    void advance();
};

// Goes through customers, comments and history side by side, once, and finds the customers in whose rows something may be
// wrong, in the order of their keys. Sends a NOTICE for every million rows. SPI must be connected, with the rights of the
// owner of the tables.
class Suspects
{
public:
    explicit Suspects(const AttachedTable &table);

    // The keys of the next ones, in an array, and at most so many of them; empty where there are none.
    std::optional<Datum> next(int most);

    // Whether there are rows without a key, once there is no next one.
    bool has_rows_without_key() const;

    void close();

private:
    OrderedRows open(const AttachedTable &table, SqlTemplate statement);
    void advance(OrderedRows &of);
    bool is_of(const OrderedRows &row, Datum key) const { return row.has_key() && compare(row.values[0], key) == 0; }
    int compare(Datum a, Datum b) const;
    std::optional<Datum> least_key();
    std::optional<Datum> next();

    const TypeCacheEntry *type;  // of keys
    Oid collation;
    MemoryContext memory;  // of the key
    core::Screening *screening;
    std::uint64_t estimated_rows = 0;
    std::uint64_t rows_read = 0;
    OrderedRows customers;
    OrderedRows comments;
    OrderedRows history;
};

}  // namespace crm
