#pragma once

#include "../tables/attached_tables.h"
#include "../tables/key.h"

// Writing the history, with the rights of its owner, whatever the caller's are.
namespace crm {

enum class Operation
{
    insert,
    update,
    remove,
    restore,
};

// When a row of the history is written.
enum class Written
{
    at_once,
    with_others,  // at the end of the statement, with those of its other rows
};

// A row of the history to be written.
struct RecordedChange
{
    core::Timestamp version;
    std::optional<core::Timestamp> previous;
    std::optional<core::Timestamp> based_on;
    Operation operation;
    std::optional<std::string_view> author;  // none: the authenticated user, if one is known
    std::optional<std::string_view> status_from;
    std::optional<std::string_view> status_to;
    std::optional<Datum> fields;  // jsonb
    std::optional<std::int64_t> comment_id;
    std::optional<Datum> request;  // uuid
};

// Writes a row.
void insert_history(const AttachedTable &table, const Key &key, const RecordedChange &row, Written written);

// Adds the comment of a change that is recorded.
void record_comment(const AttachedTable &table, const Key &key, core::Timestamp version, std::int64_t comment_id);

}  // namespace crm
