#include "version.h"

#include <algorithm>

namespace crm::core {

bool
is_possible_version(Timestamp t)
{
    return t >= first_possible_version && t <= last_possible_version;
}

bool
is_version_to_give(Timestamp t)
{
    return t >= first_possible_version && t <= last_version_to_give;
}

bool
is_ahead(Timestamp t, Timestamp clock)
{
    return t > shifted(clock, tolerated_ahead);
}

bool
same_version(Timestamp a, Timestamp b)
{
    return is_finite(a) && is_finite(b) && a >= earliest_of_version(b) && a <= latest_of_version(b);
}

Timestamp
earliest_of_version(Timestamp t)
{
    return shifted(t, -(millisecond - 1));
}

Timestamp
latest_of_version(Timestamp t)
{
    return shifted(t, millisecond - 1);
}

Timestamp
latest_meant(Timestamp t)
{
    return is_finite(t) && t == cut_to_millisecond(t) ? latest_of_version(t) : t;
}

Timestamp
cut_to_millisecond(Timestamp t)
{
    const std::int64_t remainder = t.us % millisecond;
    return {t.us - (remainder < 0 ? remainder + millisecond : remainder)};
}

bool
is_successor(Timestamp candidate, Timestamp current)
{
    return is_possible_version(candidate) && is_finite(current) && candidate >= shifted(current, millisecond);
}

std::optional<Timestamp>
next_version(std::optional<Timestamp> current, Timestamp clock)
{
    Timestamp next = cut_to_millisecond(std::max(clock, first_possible_version));

    if (current)
    {
        if (*current > last_possible_version)
            return std::nullopt;
        if (is_finite(*current))
        {
            const Timestamp whole = cut_to_millisecond(*current);
            const Timestamp rounded_up{whole == *current ? whole.us : whole.us + millisecond};
            next = std::max(next, Timestamp{rounded_up.us + millisecond});
        }
    }
    if (!is_possible_version(next))
        return std::nullopt;
    return next;
}

}  // namespace crm::core
