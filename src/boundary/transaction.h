#pragma once

#include "pg.h"

namespace crm {

// Counts the session's transactions; called once when the library is loaded.
void watch_transactions();

// A number that is the same throughout a transaction and different in every other of the session.
std::uint64_t transaction_number();

}  // namespace crm
