#include "index_lookup.h"

#include "../boundary/snapshot.h"

namespace crm {

IndexLookup
begin_lookup(Oid table, const LookupIndex &index, const LookupKey &key, Snapshot snapshot)
{
    IndexLookup lookup = {};
    lookup.relation = table_open(table, NoLock);
    lookup.index = index_open(index.index, AccessShareLock);
    // The first page tells where the root is; there is none before the first row. A serializable transaction notes that it
    // found none.
    if (!IsolationIsSerializable() && RelationGetNumberOfBlocks(lookup.index) <= 1)
        return lookup;

    ScanKeyData keys[] = {index.keys[0], index.keys[1]};
    keys[0].sk_argument = key.customer;
    const Datum value = key.value.value_or(static_cast<Datum>(0));
    switch (key.bound)
    {
        case Bound::none:
            break;
        case Bound::equal:
            keys[1].sk_argument = value;
            break;
        case Bound::above:
            ScanKeyInit(&keys[1], 2, BTGreaterStrategyNumber, F_TIMESTAMPTZ_GT, value);
            break;
        case Bound::below:
            ScanKeyInit(&keys[1], 2, BTLessStrategyNumber, F_TIMESTAMPTZ_LT, value);
            break;
    }
    const int count = key.bound == Bound::none ? 1 : 2;
    lookup.snapshot = RegisterSnapshot(snapshot);
    lookup.slot = table_slot_create(lookup.relation, nullptr);
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
        ExecDropSingleTupleTableSlot(lookup.slot);
        UnregisterSnapshot(lookup.snapshot);
    }
    index_close(lookup.index, NoLock);
    table_close(lookup.relation, NoLock);
}

}  // namespace crm
