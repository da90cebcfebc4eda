#include "progress.h"

#include <algorithm>
#include <cstdio>
#include <string>

#include <fmt/format.h>
#include <unistd.h>

namespace crm::hammer {

namespace {

constexpr int width = 40;

void
draw(double done, const std::string &note)
{
    const int filled = static_cast<int>(std::clamp(done, 0.0, 1.0) * width);
    fmt::print(stderr, "\r\033[K[{:#<{}}{:.<{}}] {:3.0f} %  {}", "", filled, "", width - filled,
               std::clamp(done, 0.0, 1.0) * 100, note);
    std::fflush(stderr);
}

}  // namespace

Progress::Progress(std::function<double()> done, std::function<std::string()> note)
{
    if (!isatty(STDERR_FILENO))
        return;

    thread_ = std::jthread([done = std::move(done), note = std::move(note)](const std::stop_token &stop) {
        while (!stop.stop_requested())
        {
            draw(done(), note());
            std::this_thread::sleep_for(std::chrono::milliseconds(100));
        }
        fmt::print(stderr, "\r\033[K");
    });
}

Progress::~Progress() = default;

}  // namespace crm::hammer
