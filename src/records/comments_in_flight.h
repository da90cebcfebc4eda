#pragma once

#include "../core/decision.h"
#include "../tables/key.h"
#include "../tables/lock_class.h"
#include "rows.h"

// The same comment that several transactions bring at once is stored once. It is locked only from looking for it until it is
// inserted; from then on the row itself shows that a transaction has it in flight, as with a unique index, and who brings
// the same waits for that transaction. So a transaction holds one such lock at a time, however many comments it brings, and
// none of other comments waits for it.
namespace crm {

// The lock of a comment, by its customer, author and words and what it answers.
LOCKTAG comment_lock(LockClass lock_class, const AttachedTable &table, const Key &key, const core::Request &comment);

// Calls take(row, writer) with rows of comments as they are now, also of transactions that have not ended: writer is another
// transaction that is inserting the row, or InvalidTransactionId. They are those of a customer in the index, the last ones
// first; without an index all of the table. Ends when take() returns false.
void each_comment_now(const AttachedTable &table, const LookupIndex &index, const Key &key,
                      bool (*take)(void *context, const CommentsRow &row, TransactionId writer), void *context);

// Calls take(row) with the rows of a customer in the index of comments, the last ones first, in whatever state they
// are: also what is deleted, or was never committed. Their page may be locked meanwhile, and values that are stored
// elsewhere may be gone: take() reads none. Ends when take() returns false.
void each_stored_comment(const AttachedTable &table, const Key &key,
                         bool (*take)(void *context, const CommentsRow &row), void *context);

// Locks a comment when no other transaction has it in flight any more. in_flight() returns such a transaction, or
// InvalidTransactionId.
template <typename InFlight>
void
lock_comment(const LOCKTAG &lock, LOCKMODE mode, InFlight in_flight)
{
    for (;;)
    {
        CHECK_FOR_INTERRUPTS();
        LockAcquire(&lock, mode, false, false);
        const TransactionId writer = in_flight();
        if (!TransactionIdIsValid(writer))
            return;
        LockRelease(&lock, mode, false);
        XactLockTableWait(writer, nullptr, nullptr, XLTW_None);
    }
}

inline void
unlock_comment(const LOCKTAG &lock, LOCKMODE mode)
{
    LockRelease(&lock, mode, false);
}

}  // namespace crm
