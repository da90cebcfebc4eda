#include "index_lookup.h"

namespace crm {

IndexLookup
begin_latest_lookup(Oid table, const LookupIndex &index, std::initializer_list<Datum> values)
{
    IndexLookup lookup = {};
    lookup.relation = table_open(table, NoLock);
    lookup.index = index_open(index.index, AccessShareLock);
    // The first page tells where the root is; there is none before the first row.
    if (RelationGetNumberOfBlocks(lookup.index) <= 1)
        return lookup;
    lookup.snapshot = RegisterSnapshot(GetLatestSnapshot());

    ScanKeyData keys[std::size(LookupIndex{}.keys)];
    int count = 0;
    for (const Datum value : values)
    {
        keys[count] = index.keys[count];
        keys[count++].sk_argument = value;
    }
    lookup.row = table_slot_create(lookup.relation, nullptr);
    lookup.scan = begin_index_scan(lookup.relation, lookup.index, lookup.snapshot, count);
    index_rescan(lookup.scan, keys, count, nullptr, 0);
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
