#include "transaction.h"

namespace crm {

namespace {

std::uint64_t number = 0;

void
transaction_ended(XactEvent event, void *)
{
    if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
        number++;
}

}  // namespace

void
watch_transactions()
{
    RegisterXactCallback(transaction_ended, nullptr);
}

std::uint64_t
transaction_number()
{
    return number;
}

void
require_writable(const char *function)
{
    PreventCommandIfReadOnly(function);
    PreventCommandIfParallelMode(function);
}

void
await_standbys_at_commit()
{
    if (!SyncRepRequested() || SyncRepStandbyNames == nullptr || SyncRepStandbyNames[0] == '\0')
        return;
    // A commit waits for a standby when its transaction has an id and wrote to the WAL: here a record that does
    // nothing.
    GetTopTransactionId();
    char nothing = 0;
    XLogBeginInsert();
    XLogRegisterData(&nothing, sizeof nothing);
    XLogInsert(RM_XLOG_ID, XLOG_NOOP);
}

}  // namespace crm
