#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "timestamp.h"

// Edit locks: a person says that they are at work on a customer, and until the lock expires the saves of others are
// refused.
namespace crm::core {

// The longest time that a lock is given at once.
inline constexpr Microseconds longest_lock = 24 * hour;

// Whether a lock that ends then is live. One that would last longer than any was taken when the clock was ahead.
bool is_live(Timestamp expires_at, Timestamp clock);

enum class LockOutcome
{
    acquired,
    renewed,
    locked,
    lost,
    gone,
    not_found,
};

// The outcome's name in SQL.
std::string_view name(LockOutcome outcome);

// The outcome as an HTTP status code (RFC 9110).
int http_status(LockOutcome outcome);

// The lock that a customer has, live or expired, as the one who asks for it sees it.
struct HeldLock
{
    bool is_live;
    bool is_by_author;    // whether it is held by the author who asks
    bool has_id_offered;  // whether it is the one whose id is offered
};

// What becomes of a request for the lock of a customer that is there. offers_id: the caller gives the id of a lock to be
// renewed. A lock that expired is renewed as long as nobody took it over.
LockOutcome decide_lock(const std::optional<HeldLock> &held, bool offers_id);

// One English sentence, without times, for a person; holder is who holds the lock where it is not the caller.
std::string lock_message(LockOutcome outcome, std::string_view row, std::string_view holder);

// lock_message() for who lost the lock since somebody ended it by force.
std::string ended_message(std::string_view row, std::string_view ended_by);

}  // namespace crm::core
