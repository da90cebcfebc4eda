#include "index_lookup.h"

namespace crm {

IndexLookup
begin_latest_lookup(Oid table, Oid index, std::initializer_list<IndexKey> keys)
{
    IndexLookup lookup = {};
    lookup.relation = table_open(table, NoLock);
    lookup.index = index_open(index, AccessShareLock);
    lookup.snapshot = RegisterSnapshot(GetLatestSnapshot());

    ScanKeyData scan_keys[INDEX_MAX_KEYS];
    int count = 0;
    for (const IndexKey &key : keys)
    {
        const Oid equal = get_opfamily_member(lookup.index->rd_opfamily[count], lookup.index->rd_opcintype[count], key.type,
                                              BTEqualStrategyNumber);
        ScanKeyEntryInitialize(&scan_keys[count], 0, static_cast<AttrNumber>(count + 1), BTEqualStrategyNumber, key.type,
                               lookup.index->rd_indcollation[count], get_opcode(equal), key.value);
        count++;
    }
    lookup.row = table_slot_create(lookup.relation, nullptr);
    lookup.scan = begin_index_scan(lookup.relation, lookup.index, lookup.snapshot, count);
    index_rescan(lookup.scan, scan_keys, count, nullptr, 0);
    return lookup;
}

void
end_lookup(const IndexLookup &lookup)
{
    index_endscan(lookup.scan);
    ExecDropSingleTupleTableSlot(lookup.row);
    UnregisterSnapshot(lookup.snapshot);
    index_close(lookup.index, NoLock);
    table_close(lookup.relation, NoLock);
}

}  // namespace crm
