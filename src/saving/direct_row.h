#pragma once

#include "access_path.h"

// The row of a customer, found and locked without a statement.
namespace crm {

// A customers table that is open, in a snapshot (where none is given a new one, the transaction's own under REPEATABLE READ),
// with a slot for the row that has a key.
struct OpenCustomer
{
    const AttachedTable &table;
    const Key &key;
    LookupIndex index;
    Relation relation;
    TupleTableSlot *row;
};

OpenCustomer open(const AttachedTable &table, const Key &key, Snapshot snapshot);
OpenCustomer open(const AttachedTable &table, const Key &key);
void close(const OpenCustomer &customer);

// close() for one whose snapshot is given back, unless that was done: code of others may alter no table that is open.
void let_go(OpenCustomer *customer);

// Leaves the row that the snapshot shows in the slot; false when there is none.
bool find(const OpenCustomer &customer);

// find(), with a TID where the row probably is.
bool find_near(const OpenCustomer &customer, ItemPointerData tid);

// Locks the newest version of the row at a TID, and leaves it in the slot; false when it is gone.
bool lock_at(const OpenCustomer &customer, ItemPointerData tid, LockTupleMode mode);

// The transaction that has locked or updated the row in the slot, other than FOR KEY SHARE, or InvalidTransactionId. Several
// that have locked it are left to who locks it next.
TransactionId writer_of(TupleTableSlot *row);

// Whether a transaction may have locked the row in the slot, or deleted it, in a way that FOR KEY SHARE waits for.
bool is_key_locked(TupleTableSlot *row);

// What a save looks at in the row in the slot.
CustomerRow row_of(const OpenCustomer &customer);

}  // namespace crm
