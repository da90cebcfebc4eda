#pragma once

#include "../tables/key.h"

namespace crm {

// What is known, while rows are inserted by one command, of keys that no customer has had: of a serial column, all from one on.
struct FreshKeys
{
    Oid history;
    std::uint64_t transaction;
    CommandId command;
    std::optional<std::int64_t> from;  // none where that was not so
};

// Whether a customer with this key has no history, nor one with a greater key. Once it is known it holds for the keys from
// there on that the command inserts.
bool is_fresh(FreshKeys &known, const AttachedTable &table, const Key &key, CommandId command);

}  // namespace crm
