#pragma once

namespace crm {

// Lets the commit of this transaction wait for the synchronous standbys, where commits do, although it may have written
// nothing: for an answer that acknowledges what another transaction wrote, which a failover must not lose either.
void await_standbys_at_commit();

}  // namespace crm
