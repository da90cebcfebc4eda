#pragma once

#include <optional>
#include <string>

#include "checker.h"

// Logs and rows made by hand, for the tests of the checker: a story that is right, which a test spoils.
namespace crm::hammer {

inline constexpr std::int64_t customer = 7;
inline constexpr ServerTime ms = 1000;
inline constexpr ServerTime created = 1'790'000'000'000'000;

// A log and the tables it left.
struct Story
{
    std::vector<Attempt> log;
    Tables tables;
    SteadyTime clock = 0;

    Attempt &add(Attempt attempt);
    Attempt &save(ServerTime base, std::optional<std::string> status, std::optional<std::string> comment);
    Attempt &plain(Action action, std::optional<std::string> status);

    bool breaks(Invariant invariant) const;
    std::string all_violations() const;
};

void tell(Attempt &attempt, std::string outcome, std::optional<std::string> status, std::optional<ServerTime> version,
          std::optional<std::int64_t> comment = {});

HistoryRow plain_row(std::string operation, ServerTime version, std::optional<ServerTime> previous,
                     std::optional<std::string> status_from, std::optional<std::string> status_to);

HistoryRow save_row(ServerTime version, ServerTime base, std::string status_from, std::string status_to,
                    std::optional<std::int64_t> comment, std::string request);

// The customer is made; a plain UPDATE (version +1 ms) comes between; Ana's save from the first version is refused, and
// the one from the version she was told (+2 ms) lands, with the kept comment adopted.
Story refused_then_landed();

// The same up to the refusal.
Story refused();

// The customer is deleted after the save landed, and comes back.
Story brought_back();

}  // namespace crm::hammer
