#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "timestamp.h"

// Why a base was never a version of the customer: what a client's programmer has to mend.
namespace crm::core {

enum class BaseProblem
{
    infinite,
    cut_to_seconds,
    zone_offset,
    in_the_future,
    before_history,
    never_a_version,
};

// What is known of the customer's versions.
struct KnownVersions
{
    // The versions within reach_of_diagnosis of the base, in any order.
    std::span<const Timestamp> nearby;
    // The oldest version the history can speak of, when the chain goes back beyond what is kept.
    std::optional<Timestamp> oldest_kept;
};

// No zone is further from UTC than this (the widest are +14:00 and -12:00; POSIX zones stay below 15 hours here).
inline constexpr Microseconds reach_of_diagnosis = 15 * hour;

// The likeliest reason why base is none of the versions. base must not be one of them.
BaseProblem diagnose(Timestamp base, const KnownVersions &known, Timestamp clock);

// The stable code of a problem, for detail.expected_ts_problem.code.
std::string_view code(BaseProblem problem);

// One or two sentences that say what to do about it.
std::string_view hint(BaseProblem problem);

}  // namespace crm::core
