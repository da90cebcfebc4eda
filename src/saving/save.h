#pragma once

#include "../core/decision.h"
#include "../tables/attached_tables.h"
#include "../tables/key.h"

namespace crm {

// What became of a save: the columns of crm_update_result.
struct SaveResult
{
    core::Outcome outcome;
    std::optional<std::string_view> status;
    std::optional<core::Timestamp> version;
    std::optional<std::int64_t> comment_id;
    std::string_view message;
    std::optional<Datum> detail;  // jsonb
};

// Saves a customer; fields is a jsonb object of other columns. SPI must be connected; what the result refers to lives in the
// current memory context. Raises 42501 without the rights on the tables, and PT409 for a conflict where
// crm_concurrency.on_conflict says so.
SaveResult save_customer(const AttachedTable &table, const Key &key, const core::Request &request,
                         std::optional<Datum> fields);

// A comment inserted with a base, on its way into the table: first its BEFORE trigger checks the base and locks the
// customer, then its AFTER trigger gives the customer its next version and records it. Both raise PT409 when the base is
// not current, and 42501 when the caller may not change the customer. Without a customer they do nothing: the foreign key
// tells.
void check_versioned_comment(const AttachedTable &table, const Key &key, const core::Request &request);
void apply_versioned_comment(const AttachedTable &table, const Key &key, const core::Request &request,
                             std::int64_t comment_id);

}  // namespace crm
