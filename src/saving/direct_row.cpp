#include "direct_row.h"

#include "../boundary/errors.h"
#include "../boundary/snapshot.h"
#include "../tables/status.h"

namespace crm {

namespace {

bool
has_key(const OpenCustomer &customer)
{
    ScanKeyData is_key = customer.index.keys[0];
    bool is_null;
    const Datum value = slot_getattr(customer.row, customer.table->customers.key, &is_null);
    return !is_null && DatumGetBool(FunctionCall2Coll(&is_key.sk_func, is_key.sk_collation, value, customer.key.value));
}

// Whether this transaction is one of those that have locked the row.
bool
is_locked_by_us(HeapTupleHeader tuple)
{
    MultiXactMember *members;
    const int count = GetMultiXactIdMembers(HeapTupleHeaderGetRawXmax(tuple), &members, false, false);
    return std::any_of(members, members + std::max(count, 0),
                       [](const MultiXactMember &member) { return TransactionIdIsCurrentTransactionId(member.xid); });
}

}  // namespace

OpenCustomer
open(const AttachedTable &table, const Key &key, Snapshot snapshot)
{
    OpenCustomer customer = {table, key, table->customers.index, nullptr, nullptr};
    if (!OidIsValid(customer.index.index))
        errors::changed_meanwhile(table->customers.oid);
    customer.relation = table_open(table->customers.oid, NoLock);
    customer.row = table_slot_create(customer.relation, nullptr);
    PushActiveSnapshot(snapshot);
    return customer;
}

OpenCustomer
open(const AttachedTable &table, const Key &key)
{
    return open(table, key, new_snapshot());
}

void
let_go(OpenCustomer *customer)
{
    if (customer == nullptr || customer->relation == nullptr)
        return;
    ExecDropSingleTupleTableSlot(customer->row);
    table_close(customer->relation, NoLock);
    customer->relation = nullptr;
}

void
close(const OpenCustomer &customer)
{
    PopActiveSnapshot();
    ExecDropSingleTupleTableSlot(customer.row);
    table_close(customer.relation, NoLock);
}

bool
find(const OpenCustomer &customer)
{
    Relation index = index_open(customer.index.index, AccessShareLock);
    IndexScanDesc scan = begin_index_scan(customer.relation, index, GetActiveSnapshot(), 1);
    ScanKeyData is_key = customer.index.keys[0];
    is_key.sk_argument = customer.key.value;
    index_rescan(scan, &is_key, 1, nullptr, 0);
    const bool is_found = index_getnext_slot(scan, ForwardScanDirection, customer.row);
    if (is_found && IsolationUsesXactSnapshot())
    {
        // One snapshot shows a row that others deleted beside its successor of this transaction.
        TupleTableSlot *second = table_slot_create(customer.relation, nullptr);
        if (index_getnext_slot(scan, ForwardScanDirection, second))
            errors::changed_since_snapshot();
        ExecDropSingleTupleTableSlot(second);
    }
    // The row stays pinned by its slot.
    index_endscan(scan);
    index_close(index, NoLock);
    return is_found;
}

bool
find_near(const OpenCustomer &customer, ItemPointerData tid)
{
    if (ItemPointerIsValid(&tid) &&
        table_tuple_fetch_row_version(customer.relation, &tid, GetActiveSnapshot(), customer.row) && has_key(customer))
        return true;
    return find(customer);
}

bool
lock_at(const OpenCustomer &customer, ItemPointerData tid, LockTupleMode mode)
{
    int flags = TUPLE_LOCK_FLAG_LOCK_UPDATE_IN_PROGRESS;
    if (!IsolationUsesXactSnapshot())
        flags |= TUPLE_LOCK_FLAG_FIND_LAST_VERSION;
    TM_FailureData found;
    // Heap tables need no snapshot for it.
    switch (table_tuple_lock(customer.relation, &tid, InvalidSnapshot, customer.row, GetCurrentCommandId(false), mode,
                             LockWaitBlock, static_cast<std::uint8_t>(flags), &found))
    {
        case TM_Ok:
            return has_key(customer);
        case TM_Updated:
            if (IsolationUsesXactSnapshot())
                errors::concurrent_update();
            return false;
        case TM_Deleted:
            if (IsolationUsesXactSnapshot())
                ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE), errmsg("%s", concurrent_delete)));
            return false;
        case TM_SelfModified:
            return false;
        default:
            elog(ERROR, "could not lock a row of \"%s\"", RelationGetRelationName(customer.relation));
    }
}

TransactionId
writer_of(TupleTableSlot *row)
{
    const BufferHeapTupleTableSlot *slot = reinterpret_cast<BufferHeapTupleTableSlot *>(row);
    const HeapTupleHeader tuple = slot->base.tuple->t_data;
    if (tuple->t_infomask & HEAP_XMAX_INVALID)
        return InvalidTransactionId;
    TransactionId writer = InvalidTransactionId;
    LockBuffer(slot->buffer, BUFFER_LOCK_SHARE);
    const std::uint16_t flags = tuple->t_infomask;
    const bool is_lock = HEAP_XMAX_IS_LOCKED_ONLY(flags);
    // Who has a lock on it already does not queue, as heap_lock_tuple() does not: who waits for that lock may be ahead.
    if (!(flags & HEAP_XMAX_INVALID) && !(is_lock && (flags & HEAP_XMAX_IS_MULTI)) &&
        !(is_lock && HEAP_XMAX_IS_KEYSHR_LOCKED(flags)) && !((flags & HEAP_XMAX_IS_MULTI) && is_locked_by_us(tuple)))
        writer = HeapTupleHeaderGetUpdateXid(tuple);
    LockBuffer(slot->buffer, BUFFER_LOCK_UNLOCK);
    return writer;
}

bool
is_key_locked(TupleTableSlot *row)
{
    const HeapTupleHeader tuple = reinterpret_cast<HeapTupleTableSlot *>(row)->tuple->t_data;
    return (tuple->t_infomask2 & HEAP_KEYS_UPDATED) && !(tuple->t_infomask & HEAP_XMAX_INVALID);
}

CustomerRow
row_of(const OpenCustomer &customer)
{
    bool is_null;
    const Datum version = slot_getattr(customer.row, customer.table->customers.version, &is_null);
    if (is_null)
        errors::null_version(customer.table->customers.oid, key_text(customer.key));
    CustomerRow row = {.version = {DatumGetTimestampTz(version)}, .tid = customer.row->tts_tid};
    if (!customer.table->customers.has_status())
        return row;
    const Datum status = slot_getattr(customer.row, customer.table->customers.status, &is_null);
    if (!is_null)
        row.status = status_text(customer.table, status);
    return row;
}

}  // namespace crm
