#pragma once

#include "../boundary/value_json.h"
#include "../core/timestamp.h"
#include "../records/fields.h"
#include "../records/save_in_progress.h"
#include "../tables/attached_tables.h"
#include "../tables/key.h"

namespace crm {

struct OpenCustomer;

// What a save looks at in a customer's row.
struct CustomerRow
{
    core::Timestamp version;
    std::optional<std::string_view> status = std::nullopt;
    ItemPointerData tid = {};                     // for the direct path to look there first: invalid if it is not known
    TransactionId writer = InvalidTransactionId;  // that had locked or updated the row, where the path sees that
    OpenCustomer *in_hand = nullptr;              // the row itself, where the path keeps it: see take()
};

// The customer as the caller may read it.
struct ReadableCustomer
{
    core::Timestamp version;
    std::optional<std::string_view> status;
    RowAsJson row;  // the columns that the caller may read
};

// What a save writes.
struct Write
{
    std::optional<std::string_view> status;
    Fields fields;

    bool is_empty() const { return !status && fields.empty(); }
};

// Whether this transaction sees to it that the customer's row is locked when it ends.
enum class CustomerLocked : bool
{
    no,
    yes,
};

// How rows of attached tables are read and written, with the caller's rights. SPI is connected around every call. Each
// raises 21000 when more than one row has the key.
class AccessPath
{
public:
    // The row as the current snapshot shows it, without a lock; empty when there is none.
    virtual std::optional<CustomerRow> fetch(const AttachedTable &table, const Key &key,
                                             ItemPointerData tid = {}) const = 0;

    // fetch(), for a row that is likely to be locked and updated: it is kept for these until it is given back, in the same
    // transaction.
    virtual std::optional<CustomerRow> take(const AttachedTable &table, const Key &key) const
    {
        return fetch(table, key);
    }
    virtual void give_back(const CustomerRow &) const {}

    // The row as a given snapshot shows it, with the columns that the caller may read. Of other columns than those wanted, if any
    // are, the row may have nothing. seen is where it was last, or in hand.
    virtual std::optional<ReadableCustomer> read(const AttachedTable &table, const Key &key, Snapshot snapshot,
                                                 Fields wanted = {}, const CustomerRow &seen = {}) const = 0;

    // The newest version of the row, locked as an update of these fields locks it; empty when it is gone or may not be
    // updated. Raises 40001 where the transaction has one snapshot and the row changed since. A row that was seen in the
    // hands of another transaction may be left unlocked if its version is not the wanted one then.
    virtual std::optional<CustomerRow> lock(const AttachedTable &table, const Key &key, Fields fields,
                                            const CustomerRow &seen = {},
                                            std::optional<core::Timestamp> wanted = std::nullopt) const = 0;

    // Locks the row FOR KEY SHARE, as a foreign key does; false when there is none.
    virtual bool lock_for_reference(const AttachedTable &table, const Key &key) const = 0;

    // The customer that a comment refers to, whatever the caller's rights, until it is given back; empty under
    // REPEATABLE READ, too, where the foreign key alone can tell. It is locked FOR KEY SHARE by lock_reference(), or
    // before: where another transaction could make that wait, who waits should not have stored anything.
    // lock_reference() returns false when there is none any more.
    virtual std::optional<CustomerRow> find_reference(const AttachedTable &table, const Key &key) const = 0;
    virtual bool lock_reference(const AttachedTable &table, const Key &key, const CustomerRow &found) const = 0;

    // Updates the locked row of a save in progress, or lets the triggers alone give it its next version where the write is
    // empty. row is where it is then, with what it has after the update, if nothing of others has run since it was locked. False
    // when a trigger suppressed the update.
    virtual bool update(SaveInProgress &save, const Write &write, CustomerRow &row) const = 0;

    // Inserts the comment of a save in progress; false when a trigger suppressed it. Where this transaction has a lock
    // on the customer's row, or takes one before it ends, the foreign key need not look for it again.
    virtual bool insert_comment(SaveInProgress &save, const core::Request &request, CustomerLocked is_locked) const = 0;

protected:
    ~AccessPath() = default;
};

// The path through SPI, which works for every kind of table.
const AccessPath &spi_access_path();

// The path through the executor's simple calls, for tables that can_be_direct().
const AccessPath &direct_access_path();

// Whether the direct path does to the table what SPI would do for the current user.
bool can_be_direct(const AttachedTable &table);

// The path for the current user, as crm_concurrency.access_path allows.
const AccessPath &access_path(const AttachedTable &table);

// Raises 42501 unless the caller may read key, version and status of customers.
void require_may_read(const AttachedTable &table);

// Raises 42501 unless the caller may update the status of customers, or any column where there is none.
void require_update_right(const AttachedTable &table);

// The column that an update names which changes no other than the version: the status, or the first that the caller may update;
// raises 42501 where there is none.
AttrNumber touched_column(const AttachedTable &table);

// Whether fields are part of a unique index, so that their update locks out those who refer to the row.
bool are_in_unique_index(const AttachedTable &table, Fields fields);

// Whether the customers table has the row, whatever the caller may see: now, and in a new snapshot, which is the
// transaction's own under REPEATABLE READ.
bool customer_exists(const AttachedTable &table, const Key &key);
bool customer_is_in_snapshot(const AttachedTable &table, const Key &key);

}  // namespace crm
