// The input is a base, the clock, the oldest kept version or "-", and the versions nearby.
#include "core/base_diagnosis.h"

#include <algorithm>
#include <vector>

#include "core/version.h"
#include "input.h"

using namespace crm;
using namespace crm::core;
using fuzz::Input;
using fuzz::require;

namespace {

using Wide = __int128;

// The second that a time lies in.
Wide
second_of(Timestamp t)
{
    Wide s = Wide{t.us} / second;
    while (s * second > t.us)
        s--;
    return s;
}

bool
is_cut(Timestamp base, Timestamp version)
{
    return base.us % second == 0 && second_of(base) == second_of(version);
}

// Whether a zone's offset, less than 15 hours, lies between the two, give or take what is less than a millisecond.
bool
is_zone(Wide base, Wide version)
{
    constexpr Wide quarter = Wide{15} * minute;
    constexpr Wide longest = Wide{15} * hour;
    const Wide d = version - base;
    if (d <= -longest || d >= longest)
        return false;
    for (int quarters = -60; quarters <= 60; quarters++)
    {
        const Wide off = d - quarters * quarter;
        if (quarters != 0 && off > -millisecond && off < millisecond)
            return true;
    }
    return false;
}

BaseProblem
expected(Timestamp base, const std::vector<Timestamp> &nearby, std::optional<Timestamp> oldest, Timestamp clock)
{
    if (!is_finite(base))
        return BaseProblem::infinite;
    if (std::ranges::any_of(nearby, [&](Timestamp v) { return is_cut(base, v); }))
        return BaseProblem::cut_to_seconds;
    if (std::ranges::any_of(nearby, [&](Timestamp v) {
            return is_zone(base.us, v.us) || (base.us % second == 0 && is_zone(base.us, second_of(v) * second));
        }))
        return BaseProblem::zone_offset;
    if (base > clock)
        return BaseProblem::in_the_future;
    return oldest && base < *oldest ? BaseProblem::before_history : BaseProblem::never_a_version;
}

}  // namespace

extern "C" int
LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    Input input{data, size};
    const Timestamp base = input.time();
    const Timestamp clock = input.time();
    const std::optional<Timestamp> oldest = input.optional_time();
    std::vector<Timestamp> nearby;
    while (nearby.size() < 20 && !input.at_end())
        if (const Timestamp version = input.time(); is_finite(version) && !same_version(base, version))
            nearby.push_back(version);

    const BaseProblem problem = diagnose(base, {nearby, oldest}, clock);
    require(problem == expected(base, nearby, oldest, clock), "the problem is the first that applies");
    require(!code(problem).empty() && hint(problem).ends_with('.'), "a problem has a code and a hint");

    std::ranges::reverse(nearby);
    require(diagnose(base, {nearby, oldest}, clock) == problem, "the order of the versions does not matter");
    std::erase_if(nearby, [&](Timestamp v) { return std::abs(Wide{v.us} - base.us) >= reach_of_diagnosis + second; });
    require(diagnose(base, {nearby, oldest}, clock) == problem, "versions out of reach do not matter");
    if (problem == BaseProblem::cut_to_seconds || problem == BaseProblem::zone_offset)
        require(diagnose(base, {nearby, std::nullopt}, infinity) == problem,
                "what the versions explain depends on neither clock nor history");
    return 0;
}
