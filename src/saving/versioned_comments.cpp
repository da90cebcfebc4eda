#include "versioned_comments.h"

#include "../boundary/transaction.h"

namespace crm {

namespace {

struct Noted
{
    Oid comments;
    Key key;
    std::int64_t comment_id;
    core::Timestamp base;
    SubTransactionId subtransaction;
    Noted *next;
};

// Lives in the transaction's memory context. What a suppressed insertion leaves goes with it.
Noted *noted = nullptr;
std::uint64_t noted_in = 0;

}  // namespace

void
note_versioned_comment(Oid comments, const Key &key, std::int64_t comment_id, core::Timestamp base)
{
    if (noted_in != transaction_number())
    {
        noted_in = transaction_number();
        noted = nullptr;
    }
    Noted *entry = static_cast<Noted *>(MemoryContextAlloc(TopTransactionContext, sizeof(Noted)));
    *entry = {comments, copied_key(key, TopTransactionContext), comment_id, base, GetCurrentSubTransactionId(), noted};
    noted = entry;
}

bool
take_versioned_comment(Oid comments, const Key &key, std::int64_t comment_id, core::Timestamp base)
{
    if (noted_in != transaction_number())
        return false;
    for (Noted **link = &noted; *link != nullptr; link = &(*link)->next)
    {
        Noted *entry = *link;
        if (entry->comments != comments || entry->comment_id != comment_id || entry->base != base ||
            entry->subtransaction != GetCurrentSubTransactionId() || !same_key(entry->key, key))
            continue;
        *link = entry->next;
        pfree(entry);
        return true;
    }
    return false;
}

}  // namespace crm
