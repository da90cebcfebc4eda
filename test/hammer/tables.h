#pragma once

#include <cstdint>
#include <vector>

#include <pqxx/pqxx>

#include "record.h"

namespace crm::hammer {

// The rows of these customers, from one snapshot; through a proxy, each partition's from one. Raises CannotRun.
Tables read_tables(pqxx::connection &connection, bool is_proxy, const std::vector<std::int64_t> &customers);

}  // namespace crm::hammer
