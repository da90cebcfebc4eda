#pragma once

#include <optional>

#include "timestamp.h"

// The arithmetic of versions. A version is the updated_at of a customer; the versions of one customer strictly increase
// and lie at least a millisecond apart, because clients keep timestamps to the millisecond.
namespace crm::core {

// Versions stay within years 1 to 9999: outside them ISO 8601 and most clients' date types end. Versions that are given
// end a year earlier, so that no write can use up the versions of a row.
inline constexpr Timestamp first_possible_version{-63'082'281'600 * second};
inline constexpr Timestamp last_possible_version{252'455'616'000 * second - millisecond};
inline constexpr Timestamp last_version_to_give{252'424'080'000 * second - millisecond};

// A row whose version lies ahead of the clock gets versions by the millisecond, whatever its writers take for the time.
inline constexpr Microseconds tolerated_ahead = second;

// Whether t can be a version at all: finite and within years 1 to 9999 (UTC).
bool is_possible_version(Timestamp t);

// Whether t can be given as a version by a write: within years 1 to 9998 (UTC).
bool is_version_to_give(Timestamp t);

// Whether a version that is given lies further ahead of the clock than those of servers whose clocks are kept in step.
bool is_ahead(Timestamp t, Timestamp clock);

// Whether both name the same version: they differ by less than a millisecond.
bool same_version(Timestamp a, Timestamp b);

// The earliest and the latest time that name the same version as t; t itself when it is infinite.
Timestamp earliest_of_version(Timestamp t);
Timestamp latest_of_version(Timestamp t);

// The latest time that is meant by t: a time of whole milliseconds may have been cut to them, as clients cut versions, and
// stands for all of its millisecond.
Timestamp latest_meant(Timestamp t);

// t cut down to a whole millisecond; t must be finite.
Timestamp cut_to_millisecond(Timestamp t);

// Whether candidate follows current: a possible version at least a millisecond later.
bool is_successor(Timestamp candidate, Timestamp current);

// The version that follows current (none yet: a new chain) when the clock shows clock. Empty when the range of versions
// is exhausted.
std::optional<Timestamp> next_version(std::optional<Timestamp> current, Timestamp clock);

}  // namespace crm::core
