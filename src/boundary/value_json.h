#pragma once

#include "json.h"
#include "row_set.h"
#include "spi.h"

namespace crm {

// Fixes the settings that the text forms of values depend on, until AtEOXact_GUC() ends the level that is returned.
int fix_formats();

// Adds the rows of a query, which is run with these formats fixed and pg_catalog alone in the search_path.
void read_with_fixed_formats(const Sql &statement, const Arguments &arguments, const RowSet &rows);

// Adds values of any type to a JSON value under construction, as to_jsonb() renders them, but the same whatever the
// session's settings are: times in UTC, names of tables with their schemas. What jsonb cannot hold is kept all the same:
// json as its text, and of a value beyond 16 MB, or beyond 40 MB of all, its size, as {"omitted_bytes": n}. A cast to json that
// somebody else than a superuser has made is not called: the value is then its text.
class ValueRenderer
{
public:
    explicit ValueRenderer(JsonBuilder &builder) : json(builder) {}

    // False where the value was left out for its size.
    bool add(Datum value, bool is_null, Oid type);

    // Gives the session its settings back; an error does so by itself.
    void finish();

private:
    void add_size(std::int64_t bytes);
    bool add_by_function(Datum value, Oid type);

    JsonBuilder &json;
    std::int64_t room = most_bytes;
    int settings_level = 0;

    static constexpr std::int64_t most_bytes = std::int64_t{40} * 1024 * 1024;
};

// A row as an object, and the names of the columns (char *) of which it has the size alone.
struct RowAsJson
{
    Datum object;
    List *omitted;
};

// The columns of a row as an object, without those that are left out.
RowAsJson row_as_json(TupleDesc columns, const Datum *values, const bool *nulls, const bool *left_out);

}  // namespace crm
