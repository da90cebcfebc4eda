#pragma once

#include "prepared_write.h"

// What bare_write.h knows of a table.
namespace crm {

// An index that is written.
struct BareIndex
{
    Oid index;
    IndexInfo *info;
    AttrNumber covers;  // the rows that have a value in this column; 0 for all
    bool is_btree;
    AttrNumber summarizes;  // the index keeps the least and the greatest time of this column alone; 0 for others
};

// A CHECK constraint.
struct BareCheck
{
    ExprState *state;
    AttrNumber met_by_null;  // it is met where this column is null; 0 for none
};

struct BareWrite
{
    ExprContext *context;  // of defaults and CHECK constraints
    TupleTableSlot *row;   // that CHECK constraints look at
    std::span<const BareCheck> checks;
    ExprState **defaults;
    std::span<const BareIndex> indexes;
    List *constraints;   // the foreign keys that a write may have to check, as OIDs
    Bitmapset *in_keys;  // the columns that these are about, by attribute number
};

// What of it is worked out once, in the current memory context, for what is prepared; nullptr where there is more to a
// write.
BareWrite *bare_write(Relation relation, CmdType command, const PreparedWrite &prepared);

}  // namespace crm
