#pragma once

#include <compare>
#include <cstdint>
#include <limits>

namespace crm::core {

// A point in time as timestamptz stores it: microseconds since 2000-01-01 00:00:00 UTC, with the two extremes standing
// for -infinity and infinity.
struct Timestamp
{
    std::int64_t us;

    // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 takes the 0 in what is generated for a pointer
    friend constexpr auto operator<=>(const Timestamp &, const Timestamp &) = default;
};

// A length of time in microseconds.
using Microseconds = std::int64_t;

inline constexpr Microseconds millisecond = 1000;
inline constexpr Microseconds second = 1000 * millisecond;
inline constexpr Microseconds minute = 60 * second;
inline constexpr Microseconds hour = 60 * minute;

inline constexpr Timestamp minus_infinity{std::numeric_limits<std::int64_t>::min()};
inline constexpr Timestamp infinity{std::numeric_limits<std::int64_t>::max()};

constexpr bool
is_finite(Timestamp t)
{
    return t != minus_infinity && t != infinity;
}

// t moved by an offset; an infinite t stays what it is. The range of timestamptz leaves room for offsets of days.
constexpr Timestamp
shifted(Timestamp t, Microseconds offset)
{
    return is_finite(t) ? Timestamp{t.us + offset} : t;
}

}  // namespace crm::core
