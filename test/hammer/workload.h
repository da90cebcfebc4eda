#pragma once

#include "options.h"
#include "session.h"

namespace crm::hammer {

// What came of letting the users loose.
struct Run
{
    std::vector<Attempt> log;  // of all users, each user's in its order
    std::vector<std::int64_t> customers;
    std::int64_t steps = 0;  // rounds in race and retry
    SteadyTime start = 0;    // the customers were made before
    double seconds = 0;
    std::string problem;  // why it ended early; empty where it did not
};

// Makes the customers, lets the users work, and gathers their logs. Raises CannotRun.
Run run_workload(const Options &options, const Target &target);

}  // namespace crm::hammer
