#pragma once

#include <vector>

#include <pqxx/pqxx>

#include "record.h"
#include "target.h"

namespace crm::hammer {

// Sends what the attempt says as one statement, and notes in it what the server answers. Raises what libpqxx raises.
void ask(pqxx::connection &connection, const Target &target, Attempt &attempt);

// The same for saves that are sent as one batch.
void ask_batch(pqxx::connection &connection, std::vector<Attempt> &saves);

}  // namespace crm::hammer
