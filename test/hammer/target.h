#pragma once

#include <stdexcept>
#include <string>

namespace crm::hammer {

// Where the users connect to and what they call there.
struct Target
{
    std::string dsn;
    std::string function;  // a quoted name, safe to put into SQL
    int timeout_seconds;
    bool is_proxy = false;  // of several databases, which have the tables (scale/proxy.sql)
};

// Why a run could not be done, as one sentence for people.
struct CannotRun : std::runtime_error
{
    using std::runtime_error::runtime_error;
};

}  // namespace crm::hammer
