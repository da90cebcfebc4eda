#pragma once

#include "pg.h"

namespace crm {

// Counts the session's transactions; called once when the library is loaded.
void watch_transactions();

// A number that is the same throughout a transaction and different in every other of the session.
std::uint64_t transaction_number();

// Raises 25006 where the transaction is read-only, and 25000 in a parallel query, which a function can only reach that is
// called by one that is declared PARALLEL SAFE.
void require_writable(const char *function);

// Lets the commit of this transaction wait for the synchronous standbys, where commits do, although it may have written
// nothing: for an answer that acknowledges what another transaction wrote, which a failover must not lose either.
void await_standbys_at_commit();

}  // namespace crm
