#pragma once

#include "../boundary/direct.h"
#include "../tables/attached_tables.h"

// Rows of the tables beside customers, found through an index without parsing or planning. Nobody's rights are checked, as
// the owner's would not be.
namespace crm {

// What the second column of an index must be.
enum class Bound
{
    none,
    equal,
    above,  // a time
    below,  // a time
};

// What rows are looked up by.
struct LookupKey
{
    Datum customer;
    Bound bound = Bound::none;
    std::optional<Datum> value = std::nullopt;  // of the bound
};

// A scan of an open table.
struct IndexLookup
{
    TupleTableSlot *slot;  // the row
    Relation relation;
    Relation index;
    Snapshot snapshot;
    IndexScanDesc scan;  // nullptr when nothing is in the index

    // The next row; false at the end.
    bool next() const { return scan != nullptr && index_getnext_slot(scan, ForwardScanDirection, slot); }

    // next(), from the end of the index.
    bool previous() const { return scan != nullptr && index_getnext_slot(scan, BackwardScanDirection, slot); }
};

// Whether a table may be read so: access_path allows it, and there is such an index.
inline bool
can_look_up(const LookupIndex &index)
{
    return OidIsValid(index.index) && may_go_direct();
}

// Whether nothing is in a B-tree. Its first page tells where the root is, and there is none before the first row.
inline bool
is_empty(Relation index)
{
    return RelationGetNumberOfBlocks(index) <= 1;
}

// Begins to look for rows, as a snapshot shows them.
IndexLookup begin_lookup(Oid table, const LookupIndex &index, const LookupKey &key, Snapshot snapshot);

void end_lookup(const IndexLookup &lookup);

// Whether an index has a row of a customer whose key, a bigint, is this one or greater, as a snapshot shows them.
bool has_from(Oid table, const LookupIndex &index, std::int64_t key, Snapshot snapshot);

}  // namespace crm
