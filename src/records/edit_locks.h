#pragma once

#include "../boundary/json.h"
#include "../tables/attached_tables.h"
#include "../tables/key.h"

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

// A lock and whose it is.
struct ListedLock
{
    Key key;
    EditLock lock;
};

// The live locks of a table in the order of the keys, also of customers that the caller does not see. SPI must be connected.
std::span<const ListedLock> read_live_locks(const AttachedTable &table);

}  // namespace crm
