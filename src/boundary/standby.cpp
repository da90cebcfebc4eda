#include "standby.h"

#include "pg.h"

namespace crm {

void
await_standbys_at_commit()
{
    if (!SyncRepRequested() || SyncRepStandbyNames == nullptr || SyncRepStandbyNames[0] == '\0')
        return;
    // A commit waits for a standby when its transaction has an id and wrote to the WAL: here, a record that does nothing.
    GetTopTransactionId();
    char nothing = 0;
    XLogBeginInsert();
    XLogRegisterData(&nothing, sizeof nothing);
    XLogInsert(RM_XLOG_ID, XLOG_NOOP);
}

}  // namespace crm
