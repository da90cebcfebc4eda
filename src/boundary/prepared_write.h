#pragma once

#include "pg.h"

// What of writing a relation is worked out once and serves many writes.
namespace crm {

// Minor releases have made the structure larger at its end: what InitResultRelInfo() clears is the server's size of it.
inline constexpr std::size_t size_of_result_info = sizeof(ResultRelInfo) + 256;

// What is written, in the current memory context.
ResultRelInfo *new_result_info(Relation relation);

// An index of a relation that is written.
struct PreparedIndex
{
    Oid index;
    IndexInfo *info;
};

// What writes rows without the executor: bare_write.h.
struct BareWrite;

// What of writing a relation is worked out once and serves many writes: it lives as long as the memory context in which it
// was made. Only what cannot change while the relation's definition stays is kept.
struct PreparedWrite
{
    ResultRelInfo *result;  // with triggers and CHECK constraints
    ExprState **defaults;   // by column, nullptr for none; without the array they are worked out for each write
    std::span<PreparedIndex> indexes;
    bool calls_others;  // functions other than known ones and PostgreSQL's own
    BareWrite *bare;    // nullptr where the executor has to write
};

// Works that out in the current memory context, for CMD_INSERT or CMD_UPDATE, for triggers that call known functions (a list
// of OIDs) or PostgreSQL's own, and for expressions that call PostgreSQL's own alone. Row triggers of a second list of OIDs
// are left out.
PreparedWrite *prepare_write(Relation relation, CmdType command, List *known_functions, List *without = NIL);

}  // namespace crm
