#include "comments_in_flight.h"

namespace crm {

namespace {

// The transaction of others that is inserting the row in the slot, as a scan with this snapshot found it. One that is updating
// a row, as adoption does, has brought no comment.
TransactionId
writer_of(const SnapshotData &dirty, TupleTableSlot *row)
{
    if (!TransactionIdIsValid(dirty.xmin))
        return InvalidTransactionId;
    if (TTS_IS_BUFFERTUPLE(row) &&
        (reinterpret_cast<const BufferHeapTupleTableSlot *>(row)->base.tuple->t_data->t_infomask & HEAP_UPDATED))
        return InvalidTransactionId;
    return dirty.xmin;
}

}  // namespace

LOCKTAG
comment_lock(LockClass lock_class, const AttachedTable &table, const Key &key, const core::Request &comment)
{
    std::uint64_t number = comment.reply_to ? static_cast<std::uint64_t>(*comment.reply_to) : 0;
    for (const std::string_view part : {std::string_view{key_text(key)}, comment.author, *comment.comment})
        number = number_of(part, number);
    return lock_tag(lock_class, table->comments.oid, number);
}

void
each_comment_now(const AttachedTable &table, const LookupIndex &index, const Key &key,
                 bool (*take)(void *context, const CommentsRow &row, TransactionId writer), void *context)
{
    Relation comments = table_open(table->comments.oid, NoLock);
    TupleTableSlot *slot = table_slot_create(comments, nullptr);
    SnapshotData dirty;
    InitDirtySnapshot(dirty);
    const CommentsRow row{slot, table->comments};
    if (OidIsValid(index.index))
    {
        Relation btree = index_open(index.index, AccessShareLock);
        IndexScanDesc scan = begin_index_scan(comments, btree, &dirty, 1);
        ScanKeyData is_key = index.keys[0];
        is_key.sk_argument = key.value;
        index_rescan(scan, &is_key, 1, nullptr, 0);
        while (index_getnext_slot(scan, BackwardScanDirection, slot) && take(context, row, writer_of(dirty, slot)))
            ;
        index_endscan(scan);
        index_close(btree, NoLock);
    }
    else
    {
        const TableScanDesc scan = begin_table_scan(comments, &dirty);
        while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
            if (same_key(stored_reference(table, row.value(&CommentsFacts::customer_id)), key) &&
                !take(context, row, writer_of(dirty, slot)))
                break;
        table_endscan(scan);
    }
    ExecDropSingleTupleTableSlot(slot);
    table_close(comments, NoLock);
}

}  // namespace crm
