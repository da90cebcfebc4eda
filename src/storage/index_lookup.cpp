#include "index_lookup.h"

#include "../boundary/snapshot.h"

namespace crm {

namespace {

IndexLookup
open_lookup(Oid table, const LookupIndex &index)
{
    IndexLookup lookup = {};
    lookup.relation = table_open(table, NoLock);
    lookup.index = index_open(index.index, AccessShareLock);
    return lookup;
}

void
begin_scan(IndexLookup &lookup, Snapshot snapshot, std::span<ScanKeyData> keys)
{
    lookup.snapshot = RegisterSnapshot(snapshot);
    lookup.row = table_slot_create(lookup.relation, nullptr);
    const int count = static_cast<int>(keys.size());
    lookup.scan = begin_index_scan(lookup.relation, lookup.index, lookup.snapshot, count);
    index_rescan(lookup.scan, keys.data(), count, nullptr, 0);
}

}  // namespace

IndexLookup
begin_lookup(Oid table, const LookupIndex &index, std::initializer_list<Datum> values, Snapshot snapshot)
{
    IndexLookup lookup = open_lookup(table, index);
    // The first page tells where the root is; there is none before the first row. A serializable transaction notes that it
    // found none.
    if (!IsolationIsSerializable() && RelationGetNumberOfBlocks(lookup.index) <= 1)
        return lookup;

    ScanKeyData keys[std::size(LookupIndex{}.keys)];
    std::size_t count = 0;
    for (const Datum value : values)
    {
        keys[count] = index.keys[count];
        keys[count++].sk_argument = value;
    }
    begin_scan(lookup, snapshot, {keys, count});
    return lookup;
}

IndexLookup
begin_latest_lookup(Oid table, const LookupIndex &index, std::initializer_list<Datum> values)
{
    return begin_lookup(table, index, values, latest_snapshot());
}

IndexLookup
begin_history_lookup(const AttachedTable &table, Datum key, core::Timestamp above, Snapshot snapshot)
{
    IndexLookup lookup = open_lookup(table->history.oid, table->history.index);
    ScanKeyData keys[2] = {table->history.index.keys[0], {}};
    keys[0].sk_argument = key;
    ScanKeyInit(&keys[1], 2, BTGreaterStrategyNumber, F_TIMESTAMPTZ_GT, TimestampTzGetDatum(above.us));
    begin_scan(lookup, snapshot, keys);
    return lookup;
}

void
end_lookup(const IndexLookup &lookup)
{
    if (lookup.scan != nullptr)
    {
        index_endscan(lookup.scan);
        ExecDropSingleTupleTableSlot(lookup.row);
        UnregisterSnapshot(lookup.snapshot);
    }
    index_close(lookup.index, NoLock);
    table_close(lookup.relation, NoLock);
}

}  // namespace crm
