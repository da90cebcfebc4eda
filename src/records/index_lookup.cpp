#include "index_lookup.h"

#include "../boundary/snapshot.h"

namespace crm {

namespace {

// Opens a table and an index for a scan by so many keys; nothing to scan where the index has no row.
IndexLookup
begin(Oid table, const LookupIndex &index, Snapshot snapshot, ScanKey keys, int count)
{
    IndexLookup lookup = {};
    lookup.relation = table_open(table, NoLock);
    lookup.index = index_open(index.index, AccessShareLock);
    // A serializable transaction notes that it found none.
    if (!IsolationIsSerializable() && is_empty(lookup.index))
        return lookup;
    lookup.snapshot = RegisterSnapshot(snapshot);
    lookup.slot = table_slot_create(lookup.relation, nullptr);
    lookup.scan = begin_index_scan(lookup.relation, lookup.index, lookup.snapshot, count);
    index_rescan(lookup.scan, keys, count, nullptr, 0);
    return lookup;
}

}  // namespace

IndexLookup
begin_lookup(Oid table, const LookupIndex &index, const LookupKey &key, Snapshot snapshot)
{
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
    return begin(table, index, snapshot, keys, key.bound == Bound::none ? 1 : 2);
}

bool
has_from(Oid table, const LookupIndex &index, std::int64_t key, Snapshot snapshot)
{
    ScanKeyData from;
    ScanKeyInit(&from, 1, BTGreaterEqualStrategyNumber, F_INT8GE, Int64GetDatum(key));
    const IndexLookup lookup = begin(table, index, snapshot, &from, 1);
    const bool has_any = lookup.next();
    end_lookup(lookup);
    return has_any;
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
