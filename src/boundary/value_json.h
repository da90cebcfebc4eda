#pragma once

#include "json.h"
#include "spi.h"

namespace crm {

// Fixes the settings that the text forms of values depend on, until AtEOXact_GUC() ends the level that is returned.
int fix_formats();

// Runs a query once with these formats fixed and pg_catalog alone in the search_path; returns how many rows it returned.
std::uint64_t read_with_fixed_formats(const char *sql, const Arguments &arguments);

// Adds values of any type to a JSON value under construction, as to_jsonb() renders them, but the same whatever the
// session's settings are: times in UTC, names of tables with their schemas. What jsonb cannot hold is kept all the same:
// json as its text, and of a value beyond 16 MB its size, as {"omitted_bytes": n}.
class ValueRenderer
{
public:
    explicit ValueRenderer(JsonBuilder &builder) : json(builder) {}

    void add(Datum value, bool is_null, Oid type);

    // Gives the session its settings back; an error does so by itself.
    void finish();

private:
    void add_by_to_jsonb(Datum value, Oid type);

    JsonBuilder &json;
    int settings_level = 0;
};

// The columns of a row as an object, without those that are left out.
Datum row_as_json(TupleDesc columns, const Datum *values, const bool *nulls, const bool *left_out);

}  // namespace crm
