#include "base_diagnosis.h"

namespace crm::core {

namespace {

constexpr Microseconds quarter_hour = 15 * minute;

bool
is_cut_to_second(Timestamp base, Timestamp version)
{
    return base.us % second == 0 && version >= base && version < shifted(base, second);
}

// The version as a client would have it that lost the fraction of its base's second, if the base shows that it did.
Timestamp
cut_to_second(Timestamp base, Timestamp version)
{
    if (base.us % second != 0 || !is_finite(version))
        return version;
    const Microseconds fraction = ((version.us % second) + second) % second;
    return {version.us - fraction};
}

// Whether the two differ by a whole number of quarter hours, a client that keeps milliseconds allowed for.
bool
is_zone_offset(Timestamp base, Timestamp version)
{
    if (version <= shifted(base, -reach_of_diagnosis) || version >= shifted(base, reach_of_diagnosis))
        return false;
    const Microseconds d = version.us - base.us;
    const Microseconds off = ((d % quarter_hour) + quarter_hour) % quarter_hour;
    const bool whole = off < millisecond || quarter_hour - off < millisecond;
    const bool far = d >= quarter_hour - millisecond || d <= -(quarter_hour - millisecond);
    return whole && far;
}

}  // namespace

BaseProblem
diagnose(Timestamp base, const KnownVersions &known, Timestamp clock)
{
    if (!is_finite(base))
        return BaseProblem::infinite;
    for (Timestamp version : known.nearby)
        if (is_cut_to_second(base, version))
            return BaseProblem::cut_to_seconds;
    for (Timestamp version : known.nearby)
        if (is_zone_offset(base, version) || is_zone_offset(base, cut_to_second(base, version)))
            return BaseProblem::zone_offset;
    if (base > clock)
        return BaseProblem::in_the_future;
    if (known.oldest_kept && base < *known.oldest_kept)
        return BaseProblem::before_history;
    return BaseProblem::never_a_version;
}

std::string_view
code(BaseProblem problem)
{
    switch (problem)
    {
        case BaseProblem::infinite:
            return "infinite";
        case BaseProblem::cut_to_seconds:
            return "cut_to_seconds";
        case BaseProblem::zone_offset:
            return "zone_offset";
        case BaseProblem::in_the_future:
            return "in_the_future";
        case BaseProblem::before_history:
            return "before_history";
        case BaseProblem::never_a_version:
            return "never_a_version";
    }
    return {};
}

std::string_view
hint(BaseProblem problem)
{
    switch (problem)
    {
        case BaseProblem::infinite:
            return "Infinity names no version. Send the updated_at that was read with the customer.";
        case BaseProblem::cut_to_seconds:
            return "The fraction of the second is missing. Keep updated_at to the millisecond at least.";
        case BaseProblem::zone_offset:
            return "It is off by a time zone. Send updated_at with its zone, and store it as timestamptz.";
        case BaseProblem::in_the_future:
            return "It lies ahead of the server's clock. Send the updated_at that was read, not a time of your own.";
        case BaseProblem::before_history:
            return "It is older than the kept history. Read the customer again and save from there.";
        case BaseProblem::never_a_version:
            return "The customer never had this version. Send the updated_at that was read with the customer.";
    }
    return {};
}

}  // namespace crm::core
