#pragma once

#include "../core/decision.h"
#include "../tables/attached_tables.h"
#include "../tables/key.h"

// What refused saves asked for, kept where crm_concurrency.keep_refused is all, until an accepted save of the same author includes it,
// it is resolved or discarded, pruned or erased. It is never applied by itself.
namespace crm {

// A save as it was asked for.
struct AskedSave
{
    const core::Request &request;
    std::optional<Datum> fields;  // jsonb
};

// Keeps a refused save, once however often it is refused, and returns its number; detail is the answer's, comment_id where its
// comment is. One that has ended waits again where its author has seen a later version since.
std::int64_t keep_refused_save(const AttachedTable &table, const Key &key, const AskedSave &save, Datum detail,
                               std::optional<std::int64_t> comment_id);

// Ends what is kept of the author's refused saves whose values an accepted save includes.
void end_included_saves(const AttachedTable &table, const Key &key, const AskedSave &save);

// A refused save as it is kept.
struct RefusedSave
{
    Key key;
    std::string_view author;
    std::optional<std::string_view> status;
    std::optional<Datum> fields;  // jsonb
    bool waits;                   // it has not ended
};

// The refused save with this number, as far as policies show it; empty when there is none.
std::optional<RefusedSave> find_refused_save(const AttachedTable &table, std::int64_t id);

enum class End
{
    resolution,
    discard,
};

// Locks one that waits until the transaction ends; false where none with this id does.
bool lock_refused_save(const AttachedTable &table, std::int64_t id);

// Ends a refused save; false when it does not wait any more.
bool end_refused_save(const AttachedTable &table, std::int64_t id, End end);

// Raises 42501 without SELECT on the numbers of refused saves, and 55000 where there is no table of them.
void require_refused_saves(const AttachedTable &table);

}  // namespace crm
