#pragma once

#include "../core/decision.h"
#include "../tables/attached_tables.h"

// The columns of a customer beside key, status and version: those that a save asks to change, and those that changed.
namespace crm {

// A column that a save asks to change, with the value asked for.
struct Field
{
    AttrNumber column;
    const char *name;
    Oid type;
    Datum value;
    bool is_null;
    core::Value json;      // the value as JSON, in one form for values that mean the same; none: it is null
    Datum shown;           // the same as the history would show it, jsonb
    bool is_asked = true;  // or only watched: see watched_fields()

    bool is_there() const { return column != InvalidAttrNumber; }
};

using Fields = std::span<const Field>;

// Reads the fields argument of a save, a jsonb object of column names and values. Raises 22023 for what is no object and
// for key, status and version, 42501 for one that the caller may not read and change, and what the types of the columns raise
// for values that are none of theirs. Of a column that is not there, the value is the JSON that was given.
Fields read_fields(const AttachedTable &table, Datum argument);

// The fields that a save asks for, and after them the other columns of the merge groups that it touches, which have no value.
Fields watched_fields(const AttachedTable &table, const core::Request &request, Fields asked);

// Those of them that the save asks for.
inline Fields
asked_fields(Fields watched)
{
    return watched.first(std::ranges::count_if(watched, &Field::is_asked));
}

// Raises 42703 when the column of one of them is not there.
void require_columns(const AttachedTable &table, Fields fields);

// Raises 428C9 when one of them is a column that only the server gives values.
void require_assignable(const AttachedTable &table, Fields fields);

// All of them as one text, the same for requests that ask the same.
std::string_view text_of_fields(Fields fields);

// A value of a jsonb object in the form of Field::json; none when the object does not have the key.
core::Value value_in(Datum object, const char *key);

// The value as it stands in the object, jsonb.
Datum value_shown_in(Datum object, const char *key);

// A jsonb value in the form of Field::json.
core::Value value_of(Datum jsonb);

// What a value of type json, which is shown as its text, means, in that form; the value itself where jsonb cannot hold it.
core::Value meaning_of_json(const core::Value &value);

// The value as jsonb.
Datum jsonb_of(const core::Value &value);

// The columns beside key, status, version and what is generated in which two rows differ, as
// {"column": {"from": …, "to": …}}; without a row before or after, its side is left out and so are nulls. Empty when there
// are none.
std::optional<Datum> changed_fields(const AttachedTable &table, TupleDesc columns, HeapTuple before, HeapTuple after);

// What is recorded of an erasure, {"": "erased"}: no column has this name, so that nothing is merged across it.
Datum erased_fields();

}  // namespace crm
