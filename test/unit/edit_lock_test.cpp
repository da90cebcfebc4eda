#include "core/edit_lock.h"

#include <gtest/gtest.h>

namespace crm::core {

namespace {

TEST(EditLock, AFreeOrExpiredLockIsAcquired)
{
    EXPECT_EQ(decide_lock(std::nullopt, false), LockOutcome::acquired);
    EXPECT_EQ(decide_lock(HeldLock{false, false, false}, false), LockOutcome::acquired);
    EXPECT_EQ(decide_lock(HeldLock{false, true, false}, false), LockOutcome::acquired);
}

TEST(EditLock, IsLiveUntilItsTimeAndNeverLongerThanALockLasts)
{
    const Timestamp clock{820'454'400 * second};
    EXPECT_TRUE(is_live({clock.us + 1}, clock));
    EXPECT_FALSE(is_live(clock, clock));
    EXPECT_FALSE(is_live({clock.us - hour}, clock));
    EXPECT_TRUE(is_live({clock.us + longest_lock}, clock));
    EXPECT_FALSE(is_live({clock.us + longest_lock + 1}, clock)) << "the clock was set back";
    EXPECT_FALSE(is_live(infinity, clock));
    EXPECT_FALSE(is_live(minus_infinity, clock));
}

TEST(EditLock, ALiveLockIsRenewedForItsHolderAndRefusedToOthers)
{
    EXPECT_EQ(decide_lock(HeldLock{true, true, false}, false), LockOutcome::renewed);
    EXPECT_EQ(decide_lock(HeldLock{true, false, false}, false), LockOutcome::locked);
}

TEST(EditLock, AnIdRenewsTheLockThatHasItAndNoOther)
{
    EXPECT_EQ(decide_lock(HeldLock{true, true, true}, true), LockOutcome::renewed);
    EXPECT_EQ(decide_lock(HeldLock{false, true, true}, true), LockOutcome::renewed);
    EXPECT_EQ(decide_lock(HeldLock{true, true, false}, true), LockOutcome::lost);
    EXPECT_EQ(decide_lock(HeldLock{false, false, false}, true), LockOutcome::lost);
    EXPECT_EQ(decide_lock(std::nullopt, true), LockOutcome::lost);
}

TEST(EditLock, NamesStatusCodesAndMessages)
{
    struct
    {
        LockOutcome outcome;
        std::string_view name;
        int status;
        std::string_view message;
    } const all[] = {
        {LockOutcome::acquired, "acquired", 200, "Customer 7 is locked for you."},
        {LockOutcome::renewed, "renewed", 200, "Your lock on customer 7 is renewed."},
        {LockOutcome::locked, "locked", 423, "Customer 7 is locked for editing by ben."},
        {LockOutcome::lost, "lost", 409, "Your lock on customer 7 was taken over by ben."},
        {LockOutcome::gone, "gone", 410, "Customer 7 was deleted."},
        {LockOutcome::not_found, "not_found", 404, "There is no customer 7."},
    };
    for (const auto &expected : all)
    {
        EXPECT_EQ(name(expected.outcome), expected.name);
        EXPECT_EQ(http_status(expected.outcome), expected.status);
        EXPECT_EQ(lock_message(expected.outcome, "customer 7", "ben"), expected.message);
    }
    EXPECT_EQ(lock_message(LockOutcome::lost, "customer 7", ""), "Your lock on customer 7 was released.");
    EXPECT_EQ(ended_message("customer 7", "cem"), "Your lock on customer 7 was ended by cem.");
}

}  // namespace

}  // namespace crm::core
