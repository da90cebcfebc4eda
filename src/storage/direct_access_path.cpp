#include "../boundary/errors.h"
#include "../boundary/role.h"
#include "../boundary/simple_write.h"
#include "access_path.h"
#include "status.h"

namespace crm {

namespace {

// A customers table that is open, with the scan of the row that has a key, in a new snapshot (the transaction's own under
// REPEATABLE READ).
struct OpenCustomer
{
    const AttachedTable &table;
    const Key &key;
    Relation relation;
    Relation index;
    ScanKeyData is_key;
    TupleTableSlot *row;
};

OpenCustomer
open(const AttachedTable &table, const Key &key)
{
    OpenCustomer customer = {table, key, nullptr, nullptr, {}, nullptr};
    customer.relation = table_open(table.customers, NoLock);
    customer.index = index_open(table.key_index, AccessShareLock);
    const Oid equal = get_opfamily_member(customer.index->rd_opfamily[0], customer.index->rd_opcintype[0], key.type,
                                          BTEqualStrategyNumber);
    ScanKeyEntryInitialize(&customer.is_key, 0, 1, BTEqualStrategyNumber, key.type, customer.index->rd_indcollation[0],
                           get_opcode(equal), key.value);
    customer.row = table_slot_create(customer.relation, nullptr);
    PushActiveSnapshot(GetTransactionSnapshot());
    return customer;
}

void
close(const OpenCustomer &customer)
{
    PopActiveSnapshot();
    ExecDropSingleTupleTableSlot(customer.row);
    index_close(customer.index, NoLock);
    table_close(customer.relation, NoLock);
}

// Leaves the row that the snapshot shows in the slot; false when there is none.
bool
find(const OpenCustomer &customer)
{
    IndexScanDesc scan = begin_index_scan(customer.relation, customer.index, GetActiveSnapshot(), 1);
    index_rescan(scan, const_cast<ScanKey>(&customer.is_key), 1, nullptr, 0);
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
    return is_found;
}

bool
has_key(const OpenCustomer &customer)
{
    bool is_null;
    const Datum value = slot_getattr(customer.row, customer.table.key, &is_null);
    return !is_null && DatumGetBool(FunctionCall2Coll(const_cast<FmgrInfo *>(&customer.is_key.sk_func),
                                                      customer.is_key.sk_collation, value, customer.key.value));
}

// Locks the newest version of the row that was found, and leaves it in the slot; false when it is gone.
bool
lock_found(const OpenCustomer &customer, LockTupleMode mode)
{
    ItemPointerData place = customer.row->tts_tid;
    int flags = TUPLE_LOCK_FLAG_LOCK_UPDATE_IN_PROGRESS;
    if (!IsolationUsesXactSnapshot())
        flags |= TUPLE_LOCK_FLAG_FIND_LAST_VERSION;
    TM_FailureData found;
    switch (table_tuple_lock(customer.relation, &place, GetActiveSnapshot(), customer.row, GetCurrentCommandId(false), mode,
                             LockWaitBlock, static_cast<std::uint8_t>(flags), &found))
    {
        case TM_Ok:
            return !found.traversed || has_key(customer);
        case TM_Updated:
        case TM_Deleted:
            if (IsolationUsesXactSnapshot())
                errors::concurrent_update();
            return false;
        case TM_SelfModified:
            return false;
        default:
            elog(ERROR, "could not lock a row of \"%s\"", RelationGetRelationName(customer.relation));
    }
}

CustomerRow
read(const OpenCustomer &customer)
{
    bool is_null;
    const Datum version = slot_getattr(customer.row, customer.table.version, &is_null);
    if (is_null)
        errors::null_version(customer.table.customers, key_text(customer.key));
    CustomerRow row = {{DatumGetTimestampTz(version)}, std::nullopt};
    const Datum status = slot_getattr(customer.row, customer.table.status, &is_null);
    if (!is_null)
        row.status = status_text(customer.table, status);
    return row;
}

void
require_may_read(const AttachedTable &table)
{
    for (const AttrNumber column : {table.key, table.version, table.status})
        require_column_right(table.customers, column, ACL_SELECT);
}

class DirectAccessPath final : public AccessPath
{
public:
    std::optional<CustomerRow>
    look(AttachedTable &table, const Key &key) const override
    {
        require_may_read(table);
        const OpenCustomer customer = open(table, key);
        std::optional<CustomerRow> row;
        if (find(customer))
            row = read(customer);
        close(customer);
        return row;
    }

    std::optional<CustomerRow>
    lock(AttachedTable &table, const Key &key, Fields fields) const override
    {
        PreventCommandIfReadOnly("SELECT FOR NO KEY UPDATE");
        require_may_read(table);
        const OpenCustomer customer = open(table, key);
        std::optional<CustomerRow> row;
        if (find(customer) && lock_found(customer, are_in_unique_index(table, fields) ? LockTupleExclusive
                                                                                      : LockTupleNoKeyExclusive))
            row = read(customer);
        close(customer);
        return row;
    }

    bool
    lock_for_reference(AttachedTable &table, const Key &key) const override
    {
        require_may_read(table);
        const OpenCustomer customer = open(table, key);
        const bool is_locked = find(customer) && lock_found(customer, LockTupleKeyShare);
        close(customer);
        return is_locked;
    }

    bool
    update(AttachedTable &table, const Key &key, std::optional<std::string_view> status, Fields fields) const override
    {
        const OpenCustomer customer = open(table, key);
        if (!find(customer))
            errors::write_suppressed(table.customers, key_text(key));

        List *updated = NIL;
        if (status || fields.empty())
            updated = lappend_int(updated, table.status);
        for (const Field &field : fields)
            updated = lappend_int(updated, field.column);
        const SimpleWrite write = begin_update(customer.relation, updated, prepared_write(table.customers_write, customer.relation));
        copy_with(write.row, customer.row, table, status, fields);
        const bool is_written = update_row(write, customer.row);
        end_write(write);
        close(customer);
        return is_written;
    }

    bool
    insert_comment(AttachedTable &table, const Key &key, const core::Request &request,
                   bool is_customer_locked) const override
    {
        Relation comments = table_open(table.comments, NoLock);
        NewRow row(comments);
        row.set(table.comment_customer, key.value);
        row.set(table.comment_author, text_datum(request.author));
        row.set(table.comment_body, text_datum(*request.comment));
        if (request.reply_to)
            row.set(table.comment_reply_to, Int64GetDatum(*request.reply_to));

        Oid satisfied[2];
        std::size_t count = 0;
        if (is_customer_locked && OidIsValid(table.reference_constraint))
            satisfied[count++] = table.reference_constraint;
        if (!request.reply_to && OidIsValid(table.reply_constraint))
            satisfied[count++] = table.reply_constraint;
        const bool is_written =
            insert_row(comments, row, prepared_write(table.comments_write, comments), {satisfied, count});
        table_close(comments, NoLock);
        return is_written;
    }

private:
    static void
    copy_with(TupleTableSlot *row, TupleTableSlot *locked, const AttachedTable &table,
              std::optional<std::string_view> status, Fields fields)
    {
        slot_getallattrs(locked);
        const int columns = locked->tts_tupleDescriptor->natts;
        ExecClearTuple(row);
        std::memcpy(row->tts_values, locked->tts_values, columns * sizeof(Datum));
        std::memcpy(row->tts_isnull, locked->tts_isnull, columns * sizeof(bool));
        if (status)
        {
            row->tts_values[table.status - 1] = status_datum(table, *status);
            row->tts_isnull[table.status - 1] = false;
        }
        for (const Field &field : fields)
        {
            row->tts_values[field.column - 1] = field.value;
            row->tts_isnull[field.column - 1] = field.is_null;
        }
        ExecStoreVirtualTuple(row);
        ExecMaterializeSlot(row);
    }
};

constexpr DirectAccessPath path;

}  // namespace

const AccessPath &
direct_access_path()
{
    return path;
}

}  // namespace crm
