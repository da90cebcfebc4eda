// The input is a version or "-", and then the times that the clock shows.
#include "core/version.h"

#include <algorithm>

#include "input.h"

using namespace crm;
using namespace crm::core;
using fuzz::Input;
using fuzz::require;

namespace {

using Wide = __int128;

// The greatest multiple of a millisecond that is not above t.
Wide
rounded_down(Wide us)
{
    Wide ms = us / millisecond;
    while (ms * millisecond > us)
        ms--;
    return ms * millisecond;
}

Wide
distance(Timestamp a, Timestamp b)
{
    const Wide d = Wide{a.us} - Wide{b.us};
    return d < 0 ? -d : d;
}

void
two_times(Timestamp a, Timestamp b)
{
    const bool both_finite = is_finite(a) && is_finite(b);
    require(same_version(a, b) == (both_finite && distance(a, b) < millisecond),
            "the same is less than a millisecond apart");
    require(same_version(a, b) == same_version(b, a), "a version is the same either way");
    require(!same_version(a, b) || (a >= earliest_of_version(b) && a <= latest_of_version(b)),
            "the same lies between earliest and latest");
    require(is_successor(a, b) == (both_finite && is_possible_version(a) && Wide{a.us} - b.us >= millisecond),
            "a successor is possible, and a millisecond later");
    require(!is_successor(a, b) || (!is_successor(b, a) && !same_version(a, b)), "a successor is later and another");
}

void
one_time(Timestamp t)
{
    require(!is_version_to_give(t) || is_possible_version(t), "what can be given is possible");
    require(!is_possible_version(t) || is_finite(t), "what is possible is finite");
    require(latest_meant(t) >= t, "what is meant is not earlier");
    if (!is_finite(t))
    {
        require(latest_meant(t) == t, "an infinite time means itself");
        return;
    }
    const Timestamp cut = cut_to_millisecond(t);
    require(Wide{cut.us} == rounded_down(t.us), "a time is cut down to its millisecond");
    require(latest_meant(t) == (cut == t ? Timestamp{t.us + 999} : t), "whole milliseconds stand for all of theirs");
    require(same_version(cut, t), "what a client keeps of a version names it");
}

void
next_one(std::optional<Timestamp> current, Timestamp clock)
{
    const std::optional<Timestamp> next = next_version(current, clock);

    Wide expected = rounded_down(std::max(clock, first_possible_version).us);
    if (current && is_finite(*current))
        expected = std::max(expected, -rounded_down(-Wide{current->us}) + millisecond);
    const bool is_exhausted = expected > last_possible_version.us || (current && *current > last_possible_version);
    require(next.has_value() != is_exhausted, "there is a next version until the range is exhausted");
    if (!next)
        return;
    require(Wide{next->us} == expected, "the next is the later of the clock and a whole millisecond on");
    require(is_possible_version(*next), "the next is possible");
    require(*next >= cut_to_millisecond(std::clamp(clock, first_possible_version, last_possible_version)),
            "the next is not before the clock");
    if (current && is_finite(*current))
    {
        require(is_successor(*next, *current), "the next is a successor");
        require(!same_version(cut_to_millisecond(*current), *next),
                "what a client keeps of a version names no later one");
    }
}

}  // namespace

extern "C" int
LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    Input input{data, size};
    std::optional<Timestamp> version = input.optional_time();
    for (int i = 0; i < 100 && !input.at_end(); i++)
    {
        const Timestamp clock = input.time();
        one_time(clock);
        two_times(version.value_or(minus_infinity), clock);
        next_one(version, clock);
        const std::optional<Timestamp> next = next_version(version, clock);
        version = next ? next : clock;
    }
    return 0;
}
