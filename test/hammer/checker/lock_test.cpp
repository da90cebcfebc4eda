#include <gtest/gtest.h>

#include "story.h"

// The checker on edit locks.
namespace crm::hammer {
namespace {

constexpr ServerTime locked_at = created + 100;
constexpr ServerTime ttl = 10 * ms;

Attempt
lock_of(std::string author, ServerTime at, std::string lock_id)
{
    Attempt lock;
    lock.action = Action::lock;
    lock.author = author;
    lock.ttl = ttl;
    tell(lock, "acquired", {}, {});
    lock.lock_holder = std::move(author);
    lock.answer_lock_id = std::move(lock_id);
    lock.lock_expires_at = at + ttl;
    return lock;
}

Attempt
unlock_of(std::string author, ServerTime at, std::string lock_id)
{
    Attempt unlock;
    unlock.action = Action::unlock;
    unlock.author = std::move(author);
    unlock.lock_id = std::move(lock_id);
    tell(unlock, "done", {}, {});
    unlock.clock = at;
    return unlock;
}

// Bob locks the customer; Ana's save is refused by the lock, and its comment kept; Bob saves and releases the lock.
Story
locked()
{
    Story story;
    tell(story.plain(Action::insert, "new"), "done", "new", created);
    story.add(lock_of("bob", locked_at, "l1"));
    Attempt &refused = story.save(created, "lost", "no budget");
    tell(refused, "locked", "new", created, 5);
    refused.lock_holder = "bob";
    refused.lock_expires_at = locked_at + ttl;
    Attempt &holders = story.save(created, "won", {});
    holders.author = "bob";
    tell(holders, "updated", "won", created + ms);
    story.add(unlock_of("bob", created + 2 * ms, "l1"));

    story.tables.customers = {{customer, "won", {}, created + ms}};
    story.tables.history = {
        plain_row("insert", created, {}, {}, "new"),
        save_row(created + ms, created, "new", "won", {}, "r1"),
    };
    story.tables.history[1].author = "bob";
    story.tables.comments = {{customer, 5, "ana", "no budget", created, true, {}}};
    return story;
}

// Then Ana saves.
Story
saved_after_lock(ServerTime recorded_at)
{
    Story story = locked();
    tell(story.save(created + ms, "lost", "no budget"), "updated", "lost", created + 3 * ms, 5);
    story.tables.customers[0] = {customer, "lost", {}, created + 3 * ms};
    story.tables.history.push_back(save_row(created + 3 * ms, created + ms, "won", "lost", 5, "r2"));
    story.tables.history.back().recorded_at = recorded_at;
    story.tables.comments = {{customer, 5, "ana", "no budget", created, false, created + 3 * ms}};
    return story;
}

TEST(Checker, AcceptsALock)
{
    EXPECT_EQ(locked().all_violations(), "");
    EXPECT_EQ(check(locked().log, locked().tables).counts.locked, 1);
    EXPECT_EQ(saved_after_lock(created + 3 * ms).all_violations(), "");
}

TEST(Checker, AcceptsTheSameSaveOnceTheLockIsGone)
{
    Story story = locked();
    story.log.erase(story.log.begin() + 3);
    tell(story.save(created, "lost", "no budget"), "updated", "lost", created + 3 * ms, 5);
    story.tables.customers[0] = {customer, "lost", {}, created + 3 * ms};
    story.tables.history[1] = save_row(created + 3 * ms, created, "new", "lost", 5, "r1");
    story.tables.comments = {{customer, 5, "ana", "no budget", created, false, created + 3 * ms}};
    EXPECT_EQ(story.all_violations(), "");
}

// It is told with what else was asked about the locks, from which one sees what went wrong.
TEST(Checker, TellsTheStoryOfALockGivenTwice)
{
    Story story = locked();
    story.add(lock_of("eve", created + ms, "l2"));
    const std::vector<Violation> violations = check(story.log, story.tables).violations;
    const auto found = std::find_if(violations.begin(), violations.end(),
                                    [](const Violation &v) { return v.what.find("was live") != std::string::npos; });
    ASSERT_NE(found, violations.end());
    const auto tells = [&](const Attempt &attempt) {
        return std::count(found->rows.begin(), found->rows.end(), to_text(attempt));
    };
    EXPECT_EQ(tells(story.log[1]), 1);
    EXPECT_EQ(tells(story.log[4]), 1);
    EXPECT_EQ(tells(story.log[5]), 1);
    EXPECT_EQ(found->rows.size(), 3U);
}

TEST(Checker, FindsASaveUnderALock)
{
    // Before the release was sent.
    EXPECT_TRUE(saved_after_lock(created + 2 * ms - 1).breaks(Invariant::lock_keeps_others_out));

    // Without a release, until it expires.
    const auto not_released = [](ServerTime recorded_at) {
        Story story = saved_after_lock(recorded_at);
        story.log.erase(story.log.begin() + 4);
        return story;
    };
    EXPECT_TRUE(not_released(locked_at + ttl - 1).breaks(Invariant::lock_keeps_others_out));
    EXPECT_EQ(not_released(locked_at + ttl).all_violations(), "");

    // Renewed in between, with the answer lost: nobody knows until when.
    Story in_doubt = not_released(locked_at + ttl - 1);
    Attempt renewal = in_doubt.log[1];
    renewal.reply = Reply::in_doubt;
    renewal.outcome.clear();
    renewal.lock_id = renewal.answer_lock_id;
    renewal.sent = renewal.answered = in_doubt.log[3].answered + 1;
    in_doubt.log.push_back(renewal);
    EXPECT_EQ(in_doubt.all_violations(), "");
}

TEST(Checker, FindsASaveUnderARenewedLock)
{
    const auto renewed = [](ServerTime recorded_at) {
        Story story = saved_after_lock(recorded_at);
        Attempt renewal = lock_of("bob", created + 5 * ms, "l1");
        renewal.outcome = "renewed";
        renewal.sent = renewal.answered = story.log[4].sent;
        story.log[4] = renewal;
        story.log[4].customer = customer;
        return story;
    };
    EXPECT_TRUE(renewed(created + 5 * ms + ttl - 1).breaks(Invariant::lock_keeps_others_out));
    EXPECT_EQ(renewed(created + 5 * ms + ttl).all_violations(), "");
}

TEST(Checker, AcceptsThatALockGoesWithItsCustomer)
{
    Story story = locked();
    story.log.erase(story.log.begin() + 2, story.log.end());
    tell(story.plain(Action::remove, {}), "done", "new", created);
    tell(story.plain(Action::insert, "back"), "done", "back", created + 2 * ms);
    tell(story.save(created + 2 * ms, "lost", {}), "updated", "lost", created + 3 * ms);
    story.tables.comments.clear();
    story.tables.customers[0] = {customer, "lost", {}, created + 3 * ms};
    story.tables.history = {
        plain_row("insert", created, {}, {}, "new"),
        plain_row("delete", created + ms, created, "new", {}),
        plain_row("insert", created + 2 * ms, created + ms, {}, "back"),
        save_row(created + 3 * ms, created + 2 * ms, "back", "lost", {}, "r1"),
    };
    EXPECT_EQ(story.all_violations(), "");

    // But the delete took it away at its own time, not before.
    story.tables.history[3].recorded_at = created + ms - 1;
    EXPECT_TRUE(story.breaks(Invariant::lock_keeps_others_out));
}

TEST(Checker, FindsTwoLocksAtOnce)
{
    Story twice = locked();
    twice.add(lock_of("eve", created + 2 * ms - 1, "l2"));
    EXPECT_TRUE(twice.breaks(Invariant::lock_keeps_others_out));

    Story one_by_one = locked();
    one_by_one.add(lock_of("eve", created + 2 * ms, "l2"));
    EXPECT_EQ(one_by_one.all_violations(), "");
}

TEST(Checker, FindsARefusalByNoLock)
{
    Story other_end = locked();
    other_end.log[2].lock_expires_at = locked_at + ttl + 1;
    EXPECT_TRUE(other_end.breaks(Invariant::lock_keeps_others_out));

    Story own = locked();
    own.log[2].lock_holder = "ana";
    EXPECT_TRUE(own.breaks(Invariant::lock_keeps_others_out));

    Story released = locked();
    Attempt late = released.log[2];
    released.add(late);
    EXPECT_TRUE(released.breaks(Invariant::lock_keeps_others_out));

    Story lock = locked();
    Attempt refused_lock = lock_of("ana", locked_at, "");
    refused_lock.outcome = "locked";
    refused_lock.lock_holder = "eve";
    lock.add(refused_lock);
    EXPECT_TRUE(lock.breaks(Invariant::lock_keeps_others_out));
}

TEST(Checker, FindsALockLostByItself)
{
    Story unlocked_twice = locked();
    Attempt again = unlock_of("bob", created + 3 * ms, "l1");
    again.outcome = "none";
    unlocked_twice.add(again);
    EXPECT_EQ(unlocked_twice.all_violations(), "");

    Story lost = locked();
    lost.log.back().outcome = "none";
    EXPECT_TRUE(lost.breaks(Invariant::lock_keeps_others_out));
}

TEST(Checker, FindsWhatWasLockedAndApplied)
{
    Story in_customer = locked();
    in_customer.tables.customers[0].status = "lost";
    EXPECT_TRUE(in_customer.breaks(Invariant::nothing_refused_applied));

    Story in_history = locked();
    in_history.tables.history.push_back(save_row(created + 2 * ms, created + ms, "won", "lost", 5, "r2"));
    in_history.tables.history.back().based_on = created;
    in_history.tables.customers[0] = {customer, "lost", {}, created + 2 * ms};
    EXPECT_TRUE(in_history.breaks(Invariant::nothing_refused_applied));

    Story applied_before = saved_after_lock(created + 3 * ms);
    Attempt late = applied_before.log[2];
    late.base = created + ms;
    applied_before.add(late);
    EXPECT_TRUE(applied_before.breaks(Invariant::lost_answer_can_be_asked_again));
}

TEST(Checker, FindsADroppedOrDoubledLockedComment)
{
    Story dropped = locked();
    dropped.tables.comments.clear();
    EXPECT_TRUE(dropped.breaks(Invariant::nothing_refused_applied));

    Story doubled = locked();
    doubled.tables.comments.push_back(doubled.tables.comments[0]);
    doubled.tables.comments.back().id = 6;
    EXPECT_TRUE(doubled.breaks(Invariant::nothing_refused_applied));

    Story marked_saved = locked();
    marked_saved.tables.comments[0].save_refused = false;
    EXPECT_TRUE(marked_saved.breaks(Invariant::nothing_refused_applied));
}

}  // namespace
}  // namespace crm::hammer
