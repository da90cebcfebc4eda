#pragma once

#include <functional>
#include <string>
#include <thread>

namespace crm::hammer {

// A progress bar on standard error where that is a terminal, and nothing elsewhere.
class Progress
{
public:
    // done says how far it is, from 0 to 1; note is shown beside the bar.
    Progress(std::function<double()> done, std::function<std::string()> note);
    ~Progress();

private:
    std::jthread thread_;
};

}  // namespace crm::hammer
