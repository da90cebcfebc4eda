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

// Where the latest look of this session at a customer's stored comments ended. The next one at the same customer reads
// no more of the index at first: a page of it has hundreds of entries, and a look ends after a few.
struct EndOfLook
{
    std::uint64_t customer;
    std::int64_t id;
};

EndOfLook latest_end = {};

// Which of a customer's comments are looked at.
enum class Ids
{
    all,
    from_latest_end,
    before_latest_end,
};

// A look at a customer's stored comments.
struct StoredLook
{
    const AttachedTable &table;
    const Key &key;
    Relation comments;
    Relation btree;
    TupleTableSlot *slot;
    bool (*take)(void *context, const CommentsRow &row);
    void *context;
};

// Takes the versions of a row that was updated within its page; false when take() returned false.
bool
take_versions(const StoredLook &look, const CommentsRow &row, ItemPointerData tid, Buffer buffer)
{
    HeapTupleData version = {};
    bool is_first = true;
    bool goes_on = true;
    LockBuffer(buffer, BUFFER_LOCK_SHARE);
    while (goes_on && heap_hot_search_buffer(&tid, look.comments, buffer, SnapshotAny, &version, nullptr, is_first))
    {
        ExecStoreHeapTuple(&version, look.slot, false);
        goes_on = look.take(look.context, row);
        is_first = false;
    }
    LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
    return goes_on;
}

// Takes what an index entry stands for; false when take() returned false. What was not updated needs no lock of its
// page, which others write: the scan keeps the page of the entry pinned, so that no vacuum removes the row, which was
// stored before the entry was and stays where it is while its own page is pinned.
bool
take_row(const StoredLook &look, ItemPointerData tid, Buffer buffer)
{
    const Page page = BufferGetPage(buffer);
    ItemIdData item = *PageGetItemId(page, ItemPointerGetOffsetNumber(&tid));
    if (!ItemIdIsNormal(&item) && !ItemIdIsRedirected(&item))
        return true;
    const CommentsRow row{look.slot, look.table->comments};
    HeapTupleData stored = {};
    stored.t_self = tid;
    stored.t_tableOid = RelationGetRelid(look.comments);
    stored.t_len = ItemIdGetLength(&item);
    if (ItemIdIsNormal(&item))
        stored.t_data = reinterpret_cast<HeapTupleHeader>(PageGetItem(page, &item));
    bool goes_on;
    if (stored.t_data == nullptr || HeapTupleHeaderIsHotUpdated(stored.t_data))
        goes_on = take_versions(look, row, tid, buffer);
    else
    {
        ExecStoreHeapTuple(&stored, look.slot, false);
        goes_on = look.take(look.context, row);
    }
    if (!goes_on)
        latest_end.id = row.bigint(&CommentsFacts::id);
    return goes_on;
}

// Takes the rows of these comments; false when take() returned false.
bool
take_stored(const StoredLook &look, Ids ids)
{
    const int count = ids == Ids::all ? 1 : 2;
    ScanKeyData keys[] = {look.table->comments.index.keys[0], {}};
    keys[0].sk_argument = look.key.value;
    if (ids == Ids::from_latest_end)
        ScanKeyInit(&keys[1], 2, BTGreaterEqualStrategyNumber, F_INT8GE, Int64GetDatum(latest_end.id));
    else if (ids == Ids::before_latest_end)
        ScanKeyInit(&keys[1], 2, BTLessStrategyNumber, F_INT8LT, Int64GetDatum(latest_end.id));
    IndexScanDesc scan = begin_index_scan(look.comments, look.btree, SnapshotAny, count);
    index_rescan(scan, keys, count, nullptr, 0);
    Buffer buffer = InvalidBuffer;
    bool goes_on = true;
    while (const ItemPointer tid = goes_on ? index_getnext_tid(scan, BackwardScanDirection) : nullptr)
    {
        CHECK_FOR_INTERRUPTS();
        buffer = ReleaseAndReadBuffer(buffer, look.comments, ItemPointerGetBlockNumber(tid));
        goes_on = take_row(look, *tid, buffer);
    }
    ExecClearTuple(look.slot);
    if (BufferIsValid(buffer))
        ReleaseBuffer(buffer);
    index_endscan(scan);
    return goes_on;
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
each_stored_comment(const AttachedTable &table, const Key &key, bool (*take)(void *context, const CommentsRow &row),
                    void *context)
{
    Relation comments = table_open(table->comments.oid, NoLock);
    Relation btree = index_open(table->comments.index.index, AccessShareLock);
    TupleTableSlot *slot = MakeSingleTupleTableSlot(RelationGetDescr(comments), &TTSOpsHeapTuple);
    const StoredLook look = {table, key, comments, btree, slot, take, context};
    const std::uint64_t customer = number_of(key_text(key), table->comments.oid);
    const bool is_all = latest_end.customer == customer
                            ? take_stored(look, Ids::from_latest_end) && take_stored(look, Ids::before_latest_end)
                            : take_stored(look, Ids::all);
    latest_end.customer = is_all ? 0 : customer;
    ExecDropSingleTupleTableSlot(slot);
    index_close(btree, NoLock);
    table_close(comments, NoLock);
}

void
each_comment_now(const AttachedTable &table, const LookupIndex &index, const Key &key,
                 bool (*take)(void *context, const CommentsRow &row, TransactionId writer), void *context)
{
    Relation btree = nullptr;
    if (OidIsValid(index.index))
    {
        btree = index_open(index.index, AccessShareLock);
        if (is_empty(btree))
        {
            index_close(btree, NoLock);
            return;
        }
    }
    Relation comments = table_open(table->comments.oid, NoLock);
    TupleTableSlot *slot = table_slot_create(comments, nullptr);
    SnapshotData dirty;
    InitDirtySnapshot(dirty);
    const CommentsRow row{slot, table->comments};
    if (btree != nullptr)
    {
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
