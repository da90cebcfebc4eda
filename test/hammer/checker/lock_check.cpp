#include "checker.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

namespace crm::hammer {

namespace {

class LockCheck : CustomerCheck
{
public:
    using CustomerCheck::CustomerCheck;

    // 10: while a lock was live, nobody else saved or got a lock; and it was not lost by itself.
    void run()
    {
        for (const Attempt *attempt : evidence_.attempts)
            findings_.counts.forced += attempt->is_forced && attempt->is_done();
        for (const HeldLock &lock : held_locks())
        {
            const auto is_during = [&](ServerTime time) { return time > lock.from && time < lock.until; };
            for (const HistoryRow *row : evidence_.chain)
                if (row->author && row->author != lock.attempt->author && is_during(row->recorded_at))
                    report(Invariant::lock_keeps_others_out, "a save was applied under the lock of another user",
                           {to_text(*lock.attempt), to_text(*row)});
            for (const Attempt *other : evidence_.attempts)
                if (other->has_lock() && other->author != lock.attempt->author && other->lock_expires_at &&
                    is_during(given_at(*other)))
                    report(Invariant::lock_keeps_others_out, "a lock was given while another user's was live",
                           story_of_locks(*lock.attempt, *other));
        }
        for (const Attempt *attempt : evidence_.attempts)
        {
            if (attempt->reply != Reply::answered)
                continue;
            if (attempt->action == Action::lock && attempt->outcome == "locked")
                check_refusal(*attempt);
            const bool is_lost =
                attempt->action == Action::lock
                    ? attempt->outcome == "lost"
                    : attempt->action == Action::unlock && !attempt->is_forced && attempt->outcome == "none";
            if (is_lost && !may_have_been_lost(*attempt))
                report(Invariant::lock_keeps_others_out, "a lock that nobody released or took over was lost",
                       {to_text(*attempt)});
        }
    }

    // 10: the lock that an answer names.
    void check_refusal(const Attempt &attempt)
    {
        if (attempt.lock_holder == attempt.author)
            return report(Invariant::lock_keeps_others_out, "a user was refused by a lock of its own",
                          {to_text(attempt)});

        const auto may_be_it = [&](const Attempt *lock) {
            if (lock->action != Action::lock || lock->author != attempt.lock_holder || lock->sent > attempt.answered)
                return false;
            if (lock->reply == Reply::in_doubt)
                return true;
            return lock->has_lock() && lock->lock_expires_at == attempt.lock_expires_at && !is_released(*lock, attempt);
        };
        if (std::none_of(evidence_.attempts.begin(), evidence_.attempts.end(), may_be_it))
            report(Invariant::lock_keeps_others_out, "a user was refused by a lock that nobody held",
                   {to_text(attempt)});
    }

private:
    // An edit lock as acknowledged: it was live at every server time between these two.
    struct HeldLock
    {
        const Attempt *attempt;
        ServerTime from;
        ServerTime until;
    };

    // When the locks were live that were acknowledged, in the server's time. One user's attempts follow each other.
    std::vector<HeldLock> held_locks() const
    {
        std::map<std::string, std::vector<const Attempt *>> by_author;
        for (const Attempt *attempt : evidence_.attempts)
            if (attempt->action == Action::lock || attempt->action == Action::unlock)
                by_author[attempt->author].push_back(attempt);

        std::vector<HeldLock> locks;
        for (const auto &[author, attempts] : by_author)
            for (auto i = attempts.begin(); i != attempts.end(); ++i)
            {
                if (!(*i)->has_lock() || !(*i)->lock_expires_at)
                    continue;
                HeldLock lock{*i, given_at(**i), *(*i)->lock_expires_at};
                for (auto next = std::next(i); next != attempts.end(); ++next)
                    if (const auto end = end_by(lock, **next))
                    {
                        lock.until = std::min(lock.until, *end);
                        break;
                    }
                for (const HistoryRow *row : evidence_.chain)
                    if (row->operation == "delete" && row->recorded_at > lock.from)
                        lock.until = std::min(lock.until, row->recorded_at);
                for (const Attempt *attempt : evidence_.attempts)
                    if (attempt->is_forced && may_have_ended(*attempt, lock))
                        lock.until = std::min(lock.until, std::max(attempt->clock.value_or(lock.from), lock.from));
                locks.push_back(lock);
            }
        return locks;
    }

    // Whether somebody may have ended the lock by force, no earlier than the time on the answer; the lock may have been
    // given after that time. Whose answer was lost may have done so at any time.
    static bool may_have_ended(const Attempt &forced, const HeldLock &lock)
    {
        return forced.reply == Reply::in_doubt || (forced.is_done() && forced.answered >= lock.attempt->sent);
    }

    static ServerTime given_at(const Attempt &lock) { return *lock.lock_expires_at - lock.ttl; }

    // Until when the lock was surely live, if the holder's later attempt ended it or gave it another end.
    static std::optional<ServerTime> end_by(const HeldLock &lock, const Attempt &later)
    {
        const bool is_of_other =
            later.action == Action::unlock && (later.is_forced || later.lock_id != lock.attempt->answer_lock_id);
        if (is_of_other || later.reply == Reply::failed)
            return std::nullopt;
        if (later.reply == Reply::in_doubt)
            return lock.from;
        if (later.action == Action::unlock)
            return later.clock.value_or(lock.from);
        if (later.has_lock() && later.lock_expires_at)
            return given_at(later);
        return std::nullopt;
    }

    // Whether its release was acknowledged before the other attempt was sent.
    bool is_released(const Attempt &lock, const Attempt &other) const
    {
        return std::any_of(evidence_.attempts.begin(), evidence_.attempts.end(), [&](const Attempt *a) {
            const bool is_it = a->is_forced ? a->sent > lock.answered : a->lock_id == lock.answer_lock_id;
            return a->action == Action::unlock && a->is_done() && is_it && a->answered < other.sent;
        });
    }

    // Both, what else was asked about locks meanwhile, and when the customer was deleted.
    std::vector<std::string> story_of_locks(const Attempt &lock, const Attempt &other) const
    {
        std::vector<std::string> story{to_text(lock), to_text(other)};
        for (const Attempt *attempt : evidence_.attempts)
            if (attempt != &lock && attempt != &other &&
                (attempt->action == Action::lock || attempt->action == Action::unlock) &&
                attempt->answered >= std::min(lock.sent, other.sent) &&
                attempt->sent <= std::max(lock.answered, other.answered))
                story.push_back(to_text(*attempt));
        for (const HistoryRow *row : evidence_.chain)
            if (row->operation == "delete")
                story.push_back(to_text(*row));
        return story;
    }

    bool may_have_been_lost(const Attempt &attempt) const
    {
        return !evidence_.gaps.empty() ||
               std::any_of(evidence_.attempts.begin(), evidence_.attempts.end(), [&](const Attempt *other) {
                   if (other == &attempt || other->sent > attempt.answered || other->reply == Reply::failed)
                       return false;
                   if (other->action == Action::unlock)
                       return other->is_forced ? other->outcome != "none" : other->lock_id == attempt.lock_id;
                   return other->action == Action::lock && other->author != attempt.author &&
                          (other->reply == Reply::in_doubt || other->outcome == "acquired");
               });
    }
};

}  // namespace

void
check_locks(const Evidence &evidence, Findings &findings)
{
    LockCheck(evidence, findings).run();
}

void
check_refusal_by_lock(const Evidence &evidence, Findings &findings, const Attempt &attempt)
{
    LockCheck(evidence, findings).check_refusal(attempt);
}

}  // namespace crm::hammer
