#pragma once

#include "../boundary/json.h"
#include "../core/edit_lock.h"
#include "attached_tables.h"
#include "key.h"

namespace crm {

// An edit lock on a customer.
struct EditLock
{
    Datum lock_id;
    std::string_view author;
    core::Timestamp locked_at;
    core::Timestamp expires_at;
};

// The lock of a customer, live or expired, as the newest committed state has it.
std::optional<EditLock> find_edit_lock(const AttachedTable &table, const Key &key);

// The live lock of a customer.
std::optional<EditLock> live_edit_lock(const AttachedTable &table, const Key &key);

// Adds the lock to a JSON value, without its id, which is its holder's secret.
void add_edit_lock(JsonBuilder &json, const EditLock &lock);

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

// A lock and whose it is.
struct ListedLock
{
    Key key;
    EditLock lock;
};

// The live locks of a table in the order of the keys, also of customers that the caller does not see. SPI must be connected.
std::span<const ListedLock> read_live_locks(const AttachedTable &table);

}  // namespace crm
