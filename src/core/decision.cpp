#include "decision.h"

#include <algorithm>

#include "version.h"

namespace crm::core {

std::string_view
name(Outcome outcome)
{
    switch (outcome)
    {
        case Outcome::updated:
            return "updated";
        case Outcome::merged:
            return "merged";
        case Outcome::unchanged:
            return "unchanged";
        case Outcome::replayed:
            return "replayed";
        case Outcome::conflict:
            return "conflict";
        case Outcome::locked:
            return "locked";
        case Outcome::gone:
            return "gone";
        case Outcome::not_found:
            return "not_found";
        case Outcome::deleted:
            return "deleted";
        case Outcome::restored:
            return "restored";
        case Outcome::failed_dependency:
            return "failed_dependency";
    }
    return {};
}

int
http_status(Outcome outcome)
{
    switch (outcome)
    {
        case Outcome::updated:
        case Outcome::merged:
        case Outcome::unchanged:
        case Outcome::replayed:
        case Outcome::deleted:
        case Outcome::restored:
            return 200;
        case Outcome::not_found:
            return 404;
        case Outcome::conflict:
            return 409;
        case Outcome::gone:
            return 410;
        case Outcome::locked:
            return 423;
        case Outcome::failed_dependency:
            return 424;
    }
    return 500;
}

bool
is_refusal(Outcome outcome)
{
    return http_status(outcome) >= 400;
}

bool
changes_status(const Request &request, const Current &current)
{
    return request.status && request.status != current.status;
}

Situation
situation_of(const Request &request, const Current &current)
{
    Situation situation = {};
    situation.is_visible = true;
    situation.is_current = same_version(request.base, current.version);
    situation.changes_anything = request.comment || changes_status(request, current) || current.fields_differ;
    return situation;
}

Outcome
decide(const Situation &situation, Intent intent)
{
    if (!situation.is_visible && situation.is_filtered)
        return Outcome::not_found;
    if (situation.is_applied)
        return Outcome::replayed;
    if (!situation.is_visible)
        return situation.is_in_history ? Outcome::gone : Outcome::not_found;
    if (!situation.is_current && !situation.can_be_merged)
        return Outcome::conflict;
    if (situation.is_locked)
        return Outcome::locked;
    if (intent == Intent::deletion)
        return Outcome::deleted;
    if (!situation.changes_anything)
        return Outcome::unchanged;
    return situation.is_current ? Outcome::updated : Outcome::merged;
}

Merge
merge(const std::optional<Value> &was, const Value &mine, const Value &theirs)
{
    if (mine == theirs || (was && *was == mine))
        return Merge::leave;
    return was && *was == theirs ? Merge::write : Merge::collide;
}

bool
GroupColumn::is_changed_by_caller() const
{
    return mine && !(was && *was == *mine);
}

bool
GroupColumn::is_changed_by_others() const
{
    return !(was && *was == theirs) && !(mine && *mine == theirs);
}

bool
collide(std::span<const GroupColumn> group)
{
    return std::ranges::any_of(group, &GroupColumn::is_changed_by_caller) &&
           std::ranges::any_of(group, &GroupColumn::is_changed_by_others);
}

bool
is_within(Timestamp t, Timestamp clock, Microseconds window)
{
    return window > 0 && t > shifted(clock, -window) && t <= shifted(clock, window);
}

bool
repeats(const KeptComment &kept, Timestamp base, Timestamp clock, Microseconds window)
{
    if (base == kept.based_on || same_version(base, kept.based_on))
        return true;
    if (kept.adopted_version && (base >= *kept.adopted_version || same_version(base, *kept.adopted_version)))
        return false;
    return is_within(kept.created_at, clock, window);
}

bool
adopts(const KeptComment &kept, Timestamp clock, Microseconds window)
{
    return !kept.adopted_version && is_within(kept.created_at, clock, window);
}

}  // namespace crm::core
