#pragma once

#include "../core/edit_lock.h"
#include "../tables/attached_tables.h"
#include "../tables/key.h"

namespace crm {

// What became of a request for a lock: the columns of crm_lock_result.
struct LockResult
{
    core::LockOutcome outcome;
    std::optional<Datum> lock_id;
    std::optional<std::string_view> author;
    std::optional<core::Timestamp> expires_at;
    std::string_view message;
};

// Locks the customer for an author, or renews the lock that has this id. SPI must be connected. Raises 42501 for who may
// not save the customer, and for the id of another author's lock.
LockResult lock_customer(const AttachedTable &table, const Key &key, std::string_view author, core::Microseconds ttl,
                         std::optional<Datum> lock_id);

// Releases the lock that has this id; false when the customer's lock has another, or there is none.
bool unlock_customer(const AttachedTable &table, const Key &key, Datum lock_id);

}  // namespace crm
