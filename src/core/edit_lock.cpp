#include "edit_lock.h"

#include "message.h"

namespace crm::core {

bool
is_live(Timestamp expires_at, Timestamp clock)
{
    return expires_at > clock && expires_at <= shifted(clock, longest_lock);
}

std::string_view
name(LockOutcome outcome)
{
    switch (outcome)
    {
        case LockOutcome::acquired:
            return "acquired";
        case LockOutcome::renewed:
            return "renewed";
        case LockOutcome::locked:
            return "locked";
        case LockOutcome::lost:
            return "lost";
        case LockOutcome::gone:
            return "gone";
        case LockOutcome::not_found:
            return "not_found";
    }
    return {};
}

int
http_status(LockOutcome outcome)
{
    switch (outcome)
    {
        case LockOutcome::not_found:
            return 404;
        case LockOutcome::lost:
            return 409;
        case LockOutcome::gone:
            return 410;
        case LockOutcome::locked:
            return 423;
        case LockOutcome::acquired:
        case LockOutcome::renewed:
            return 200;
    }
    return 500;
}

LockOutcome
decide_lock(const std::optional<HeldLock> &held, bool offers_id)
{
    if (offers_id)
        return held && held->has_id_offered ? LockOutcome::renewed : LockOutcome::lost;
    if (!held || !held->is_live)
        return LockOutcome::acquired;
    return held->is_by_author ? LockOutcome::renewed : LockOutcome::locked;
}

std::string
lock_message(LockOutcome outcome, std::string_view row, std::string_view holder)
{
    switch (outcome)
    {
        case LockOutcome::acquired:
            return capitalized(row) + " is locked for you.";
        case LockOutcome::renewed:
            return "Your lock on " + std::string{row} + " is renewed.";
        case LockOutcome::locked:
            return capitalized(row) + " is locked for editing by " + std::string{holder} + ".";
        case LockOutcome::lost:
            return "Your lock on " + std::string{row} +
                   (holder.empty() ? " was released." : " was taken over by " + std::string{holder} + ".");
        case LockOutcome::gone:
            return capitalized(row) + " was deleted.";
        case LockOutcome::not_found:
            return "There is no " + std::string{row} + ".";
    }
    return {};
}

std::string
ended_message(std::string_view row, std::string_view ended_by)
{
    return "Your lock on " + std::string{row} + " was ended by " + std::string{ended_by} + ".";
}

}  // namespace crm::core
