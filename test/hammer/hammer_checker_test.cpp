#include <algorithm>

#include <gtest/gtest.h>

#include "checker.h"

// The checker on logs and rows made by hand: a story that is right, and what spoils it.
namespace crm::hammer {
namespace {

constexpr std::int64_t customer = 7;
constexpr ServerTime ms = 1000;
constexpr ServerTime created = 1'790'000'000'000'000;

// A log and the tables it left.
struct Story
{
    std::vector<Attempt> log;
    Tables tables;
    SteadyTime clock = 0;

    Attempt &add(Attempt attempt)
    {
        attempt.customer = customer;
        attempt.user = 1;
        attempt.sent = clock += 10;
        attempt.answered = clock += 10;
        log.push_back(attempt);
        return log.back();
    }

    Attempt &save(ServerTime base, std::optional<std::string> status, std::optional<std::string> comment)
    {
        Attempt attempt;
        attempt.action = Action::save;
        attempt.base = base;
        attempt.status = std::move(status);
        attempt.comment = std::move(comment);
        attempt.author = "ana";
        return add(attempt);
    }

    Attempt &plain(Action action, std::optional<std::string> status)
    {
        Attempt attempt;
        attempt.action = action;
        attempt.status = std::move(status);
        return add(attempt);
    }

    bool breaks(Invariant invariant) const
    {
        const auto violations = check(log, tables).violations;
        return std::any_of(violations.begin(), violations.end(),
                           [&](const Violation &v) { return v.invariant == invariant; });
    }

    std::string all_violations() const
    {
        std::string all;
        for (const Violation &v : check(log, tables).violations)
            all += std::to_string(static_cast<int>(v.invariant)) + " " + v.what + "\n";
        return all;
    }
};

void
tell(Attempt &attempt, std::string outcome, std::optional<std::string> status, std::optional<ServerTime> version,
     std::optional<std::int64_t> comment = {})
{
    attempt.reply = Reply::answered;
    attempt.outcome = std::move(outcome);
    attempt.answer_status = std::move(status);
    attempt.answer_version = version;
    attempt.answer_comment = comment;
}

HistoryRow
plain_row(std::string operation, ServerTime version, std::optional<ServerTime> previous,
          std::optional<std::string> status_from, std::optional<std::string> status_to)
{
    return {customer, version,     previous,  {}, std::move(operation), {}, std::move(status_from),
            std::move(status_to), {}, {}, {}};
}

HistoryRow
save_row(ServerTime version, ServerTime base, std::string status_from, std::string status_to,
         std::optional<std::int64_t> comment, std::string request)
{
    return {customer, version, base, base, "update", "ana", std::move(status_from), std::move(status_to), {}, comment,
            std::move(request)};
}

// The customer is made; a plain UPDATE (version +1 ms) comes between; Ana's save from the first version is refused, and
// the one from the version she was told (+2 ms) lands, with the kept comment adopted.
Story
refused_then_landed()
{
    Story story;
    tell(story.plain(Action::insert, "new"), "done", "new", created);
    tell(story.plain(Action::update, "called"), "done", "called", created + ms);
    tell(story.save(created, "won", "signed"), "conflict", "called", created + ms, 5);
    tell(story.save(created + ms, "won", "signed"), "updated", "won", created + 2 * ms, 5);

    story.tables.customers = {{customer, "won", {}, created + 2 * ms}};
    story.tables.history = {
        plain_row("insert", created, {}, {}, "new"),
        plain_row("update", created + ms, created, "new", "called"),
        save_row(created + 2 * ms, created + ms, "called", "won", 5, "r1"),
    };
    story.tables.comments = {{customer, 5, "ana", "signed", created, false, created + 2 * ms}};
    return story;
}

// The same up to the refusal.
Story
refused()
{
    Story story = refused_then_landed();
    story.log.pop_back();
    story.tables.history.pop_back();
    story.tables.customers[0].status = "called";
    story.tables.customers[0].version = created + ms;
    story.tables.comments[0].save_refused = true;
    story.tables.comments[0].adopted_version.reset();
    return story;
}

// The customer is deleted after the save landed, and comes back.
Story
brought_back()
{
    Story story = refused_then_landed();
    tell(story.plain(Action::remove, {}), "done", "won", created + 2 * ms);
    tell(story.plain(Action::read, {}), "none", {}, {});
    tell(story.plain(Action::insert, "back"), "done", "back", created + 4 * ms);

    story.tables.customers = {{customer, "back", {}, created + 4 * ms}};
    story.tables.comments.clear();
    story.tables.history.push_back(plain_row("delete", created + 3 * ms, created + 2 * ms, "won", {}));
    story.tables.history.push_back(plain_row("insert", created + 4 * ms, created + 3 * ms, {}, "back"));
    return story;
}

// Ana changes the phone from the first version, and it is merged with the status that a plain UPDATE changed.
Story
merged()
{
    Story story = refused_then_landed();
    story.log.pop_back();
    story.log.pop_back();
    Attempt &save = story.save(created, {}, "moved");
    save.merge = true;
    save.phone = "2";
    tell(save, "merged", "called", created + 2 * ms, 5);

    story.tables.customers = {{customer, "called", "2", created + 2 * ms}};
    story.tables.history.pop_back();
    HistoryRow row = save_row(created + 2 * ms, created, "called", "called", 5, "r1");
    row.previous = created + ms;
    row.phone_to = "2";
    story.tables.history.push_back(row);
    story.tables.comments = {{customer, 5, "ana", "moved", created, false, {}}};
    return story;
}

// Bob locks for a second; Ana's save is refused, he lets go, and hers lands.
Story
locked_then_landed()
{
    Story story = refused_then_landed();
    story.log.pop_back();
    story.log.pop_back();
    Attempt lock;
    lock.action = Action::lock;
    lock.author = "bob";
    lock.ttl_ms = 1000;
    Attempt &taken = story.add(lock);
    tell(taken, "acquired", {}, {});
    taken.lock_id = "L";
    taken.expires_at = created + 2000 * ms;
    tell(story.save(created + ms, "won", "signed"), "locked", "called", created + ms, 5);
    Attempt release;
    release.action = Action::unlock;
    release.lock_id = "L";
    tell(story.add(release), "released", {}, {});
    tell(story.save(created + ms, "won", "signed"), "updated", "won", created + 2 * ms, 5);
    story.tables.comments[0].based_on = created + ms;
    story.tables.history.back().recorded_at = created + 1500 * ms;
    return story;
}

TEST(Checker, AcceptsWhatIsRight)
{
    EXPECT_EQ(merged().all_violations(), "");
    EXPECT_EQ(locked_then_landed().all_violations(), "");
    EXPECT_EQ(refused_then_landed().all_violations(), "");
    EXPECT_EQ(refused().all_violations(), "");
    EXPECT_EQ(brought_back().all_violations(), "");
}

TEST(Checker, CountsWhatTheTablesHold)
{
    const Counts counts = check(refused_then_landed().log, refused_then_landed().tables).counts;
    EXPECT_EQ(counts.updated, 1);
    EXPECT_EQ(counts.conflicts, 1);
    EXPECT_EQ(counts.comments, 1);
    EXPECT_EQ(counts.lost, 0);
    EXPECT_EQ(counts.twice, 0);
}

TEST(Checker, AcceptsRepeatsOfARefusal)
{
    Story story = refused_then_landed();
    tell(story.save(created, "won", "signed"), "conflict", "won", created + 2 * ms, 5);
    EXPECT_EQ(story.all_violations(), "");
}

TEST(Checker, AcceptsReplays)
{
    Story story = refused_then_landed();
    Attempt &again = story.save(created + ms, "won", "signed");
    tell(again, "replayed", "won", created + 2 * ms, 5);
    again.replayed_version = created + 2 * ms;
    EXPECT_EQ(story.all_violations(), "");
}

TEST(Checker, AcceptsALostAnswerEitherWay)
{
    Story applied = refused_then_landed();
    applied.log.back().reply = Reply::in_doubt;
    applied.log.back().outcome.clear();
    EXPECT_EQ(applied.all_violations(), "");

    Story not_applied = refused();
    not_applied.save(created + ms, "won", "signed").reply = Reply::in_doubt;
    EXPECT_EQ(not_applied.all_violations(), "");
}

TEST(Checker, FindsTwoSuccessors)
{
    Story story = refused_then_landed();
    story.tables.history.push_back(save_row(created + 3 * ms, created + ms, "won", "lost", {}, "r2"));
    EXPECT_TRUE(story.breaks(Invariant::one_winner));
}

TEST(Checker, FindsTwoAcknowledgedWinners)
{
    Story story = refused_then_landed();
    tell(story.save(created + ms, "lost", {}), "updated", "lost", created + 3 * ms);
    EXPECT_TRUE(story.breaks(Invariant::one_winner));
}

TEST(Checker, FindsASaveOverAnUnseenVersion)
{
    Story story = refused_then_landed();
    story.log.erase(story.log.begin() + 2);
    story.log.back().base = created;
    story.tables.history.back().based_on = created;
    EXPECT_TRUE(story.breaks(Invariant::one_winner));
    EXPECT_EQ(check(story.log, story.tables).counts.lost, 1);
}

TEST(Checker, FindsARefusalFromTheCurrentVersion)
{
    Story story = refused();
    story.log.back().base = created + ms;
    story.tables.comments[0].based_on = created + ms;
    EXPECT_TRUE(story.breaks(Invariant::one_winner));
}

TEST(Checker, FindsABrokenChain)
{
    Story missing_link = refused_then_landed();
    missing_link.tables.history.erase(missing_link.tables.history.begin() + 1);
    EXPECT_TRUE(missing_link.breaks(Invariant::one_chain));

    Story missing_end = refused_then_landed();
    missing_end.tables.customers[0].version += ms;
    EXPECT_TRUE(missing_end.breaks(Invariant::one_chain));

    Story missing_start = refused_then_landed();
    missing_start.tables.history.erase(missing_start.tables.history.begin());
    EXPECT_TRUE(missing_start.breaks(Invariant::one_chain));

    Story other_status = refused_then_landed();
    other_status.tables.history[2].status_from = "elsewhere";
    EXPECT_TRUE(other_status.breaks(Invariant::one_chain));

    Story no_history = refused_then_landed();
    no_history.tables.history.clear();
    EXPECT_TRUE(no_history.breaks(Invariant::one_chain));
}

TEST(Checker, FindsAStateThatNeverWas)
{
    Story story = refused_then_landed();
    tell(story.plain(Action::read, {}), "done", "called", created + 2 * ms);
    EXPECT_TRUE(story.breaks(Invariant::one_chain));
}

TEST(Checker, FindsWhatWasAcknowledgedAndLost)
{
    Story status = refused_then_landed();
    status.tables.customers[0].status = "called";
    EXPECT_TRUE(status.breaks(Invariant::nothing_acknowledged_lost));

    Story comment = refused_then_landed();
    comment.tables.comments.clear();
    EXPECT_TRUE(comment.breaks(Invariant::nothing_acknowledged_lost));
    EXPECT_EQ(check(comment.log, comment.tables).counts.lost, 1);

    Story author = refused_then_landed();
    author.tables.comments[0].author = "bob";
    EXPECT_TRUE(author.breaks(Invariant::nothing_acknowledged_lost));

    Story place = refused_then_landed();
    place.tables.history[2].comment_id = 6;
    EXPECT_TRUE(place.breaks(Invariant::nothing_acknowledged_lost));

    Story save = refused_then_landed();
    save.tables.history.pop_back();
    EXPECT_TRUE(save.breaks(Invariant::nothing_acknowledged_lost));

    Story plain = refused_then_landed();
    plain.tables.history[1].status_to = "won";
    EXPECT_TRUE(plain.breaks(Invariant::nothing_acknowledged_lost));

    Story gone = refused_then_landed();
    gone.tables.customers.clear();
    EXPECT_TRUE(gone.breaks(Invariant::nothing_acknowledged_lost));
}

TEST(Checker, FindsALostBareComment)
{
    Story story = refused_then_landed();
    Attempt comment;
    comment.action = Action::comment;
    comment.author = "ana";
    comment.comment = "by the way";
    tell(story.add(comment), "done", {}, {}, 9);
    EXPECT_TRUE(story.breaks(Invariant::nothing_acknowledged_lost));

    story.tables.comments.push_back({customer, 9, "ana", "by the way", {}, false, {}});
    EXPECT_EQ(story.all_violations(), "");

    story.tables.comments.push_back({customer, 10, "ana", "by the way", {}, false, {}});
    EXPECT_TRUE(story.breaks(Invariant::nothing_twice));
}

TEST(Checker, FindsACustomerToldToBeGoneThatIsThere)
{
    Story story = brought_back();
    tell(story.save(created + 4 * ms, "won", {}), "deleted", {}, {});
    EXPECT_TRUE(story.breaks(Invariant::nothing_acknowledged_lost));
}

TEST(Checker, FindsADroppedOrDoubledRefusedComment)
{
    Story dropped = refused();
    dropped.tables.comments.clear();
    EXPECT_TRUE(dropped.breaks(Invariant::nothing_refused_applied));
    EXPECT_EQ(check(dropped.log, dropped.tables).counts.lost, 1);

    Story doubled = refused();
    doubled.tables.comments.push_back(doubled.tables.comments[0]);
    doubled.tables.comments.back().id = 6;
    EXPECT_TRUE(doubled.breaks(Invariant::nothing_refused_applied));
    EXPECT_EQ(check(doubled.log, doubled.tables).counts.twice, 1);

    Story marked_saved = refused();
    marked_saved.tables.comments[0].save_refused = false;
    EXPECT_TRUE(marked_saved.breaks(Invariant::nothing_refused_applied));
}

TEST(Checker, FindsAMissingAdoption)
{
    Story not_adopted = refused_then_landed();
    not_adopted.tables.comments[0].adopted_version.reset();
    EXPECT_FALSE(not_adopted.all_violations().empty());

    Story still_refused = refused_then_landed();
    still_refused.tables.comments[0].save_refused = true;
    EXPECT_FALSE(still_refused.all_violations().empty());
}

TEST(Checker, FindsARefusedSaveThatWasApplied)
{
    Story in_history = refused_then_landed();
    tell(in_history.log.back(), "conflict", "called", created + ms, 5);
    EXPECT_TRUE(in_history.breaks(Invariant::nothing_refused_applied));

    Story in_customer = refused();
    in_customer.tables.customers[0].status = "won";
    EXPECT_TRUE(in_customer.breaks(Invariant::nothing_refused_applied));
}

TEST(Checker, FindsWhatNobodySent)
{
    Story row = refused();
    row.tables.history.push_back(plain_row("update", created + 2 * ms, created + ms, "called", "x"));
    row.tables.customers[0] = {customer, "x", {}, created + 2 * ms};
    EXPECT_TRUE(row.breaks(Invariant::nothing_refused_applied));

    Story comment = refused();
    comment.tables.comments.push_back({customer, 9, "eve", "hello", {}, false, {}});
    EXPECT_TRUE(comment.breaks(Invariant::nothing_refused_applied));
}

TEST(Checker, FindsASaveAppliedTwice)
{
    Story story = refused_then_landed();
    tell(story.save(created + ms, "won", "signed"), "updated", "won", created + 3 * ms, 5);
    story.tables.history.push_back(save_row(created + 3 * ms, created + ms, "won", "won", 5, "r1"));
    story.tables.customers[0].version = created + 3 * ms;
    EXPECT_TRUE(story.breaks(Invariant::nothing_twice));
    EXPECT_GE(check(story.log, story.tables).counts.twice, 1);
}

TEST(Checker, FindsVersionsThatDoNotIncrease)
{
    Story reused = refused_then_landed();
    reused.tables.history[1].version = created;
    EXPECT_TRUE(reused.breaks(Invariant::versions_increase));

    Story too_close = refused_then_landed();
    too_close.tables.history[1].version = created + 999;
    EXPECT_TRUE(too_close.breaks(Invariant::versions_increase));

    Story backwards = refused_then_landed();
    backwards.tables.history[2].version = created - ms;
    EXPECT_TRUE(backwards.breaks(Invariant::versions_increase));
}

TEST(Checker, FindsALowerVersionAfterAnAcknowledgement)
{
    Story write = refused_then_landed();
    std::swap(write.log[1].sent, write.log[3].sent);
    std::swap(write.log[1].answered, write.log[3].answered);
    EXPECT_TRUE(write.breaks(Invariant::order_of_acknowledgement));

    Story read = refused_then_landed();
    tell(read.plain(Action::read, {}), "done", "called", created + ms);
    EXPECT_TRUE(read.breaks(Invariant::order_of_acknowledgement));

    Story at_the_same_time = refused_then_landed();
    Attempt &overlapping = at_the_same_time.plain(Action::read, {});
    tell(overlapping, "done", "called", created + ms);
    overlapping.sent = at_the_same_time.log[3].sent;
    EXPECT_EQ(at_the_same_time.all_violations(), "");
}

TEST(Checker, FindsAFailedAttemptThatWasApplied)
{
    Story save = refused_then_landed();
    save.log.erase(save.log.begin() + 2);
    save.tables.comments[0].based_on = created + ms;
    save.tables.comments[0].adopted_version.reset();
    save.log.back().reply = Reply::failed;
    save.log.back().outcome.clear();
    EXPECT_TRUE(save.breaks(Invariant::lost_answer_can_be_asked_again));

    Story update = refused_then_landed();
    update.log[1].reply = Reply::failed;
    update.log[1].outcome.clear();
    EXPECT_TRUE(update.breaks(Invariant::lost_answer_can_be_asked_again));
}

TEST(Checker, FindsAnAnswerThatDoesNotTell)
{
    Story denied = refused_then_landed();
    tell(denied.save(created + ms, "won", "signed"), "conflict", "won", created + 2 * ms, 5);
    EXPECT_TRUE(denied.breaks(Invariant::lost_answer_can_be_asked_again));

    Story invented = refused();
    Attempt &replay = invented.save(created + ms, "lost", {});
    tell(replay, "replayed", "called", created + ms);
    replay.replayed_version = created + ms;
    EXPECT_TRUE(invented.breaks(Invariant::lost_answer_can_be_asked_again));

    Story unheard_of = refused();
    tell(unheard_of.save(created + ms, "lost", {}), "perhaps", "called", created + ms);
    EXPECT_TRUE(unheard_of.breaks(Invariant::lost_answer_can_be_asked_again));
}

TEST(Checker, AcceptsAMergeThatCollidedBefore)
{
    Story story = merged();
    Attempt earlier = story.log.back();
    tell(earlier, "conflict", "called", created + ms, 5);
    story.log.insert(story.log.end() - 1, earlier);
    story.log.back().sent = story.clock += 10;
    story.log.back().answered = story.clock += 10;
    story.tables.comments[0].adopted_version = created + 2 * ms;
    EXPECT_EQ(story.all_violations(), "");

    // But not one that is denied afterwards.
    std::swap(story.log[2], story.log[3]);
    std::swap(story.log[2].sent, story.log[3].sent);
    std::swap(story.log[2].answered, story.log[3].answered);
    EXPECT_TRUE(story.breaks(Invariant::lost_answer_can_be_asked_again));
}

TEST(Checker, FindsAWrongMerge)
{
    Story overwrites = merged();
    overwrites.log.back().status = "won";
    overwrites.log.back().answer_status = "won";
    overwrites.tables.history.back().status_to = "won";
    overwrites.tables.customers[0].status = "won";
    EXPECT_TRUE(overwrites.breaks(Invariant::nothing_acknowledged_lost));

    Story forgets_mine = merged();
    forgets_mine.tables.history.back().phone_to.reset();
    forgets_mine.tables.customers[0].phone.reset();
    EXPECT_TRUE(forgets_mine.breaks(Invariant::nothing_acknowledged_lost));

    Story forgets_theirs = merged();
    forgets_theirs.tables.history.back().status_to = "new";
    forgets_theirs.tables.customers[0].status = "new";
    EXPECT_FALSE(forgets_theirs.all_violations().empty());

    Story not_asked_for = merged();
    not_asked_for.log.back().phone.reset();
    EXPECT_FALSE(not_asked_for.all_violations().empty());

    Story not_allowed = merged();
    not_allowed.log.back().merge = false;
    EXPECT_TRUE(not_allowed.breaks(Invariant::one_winner));
}

TEST(Checker, FindsASaveUnderAnothersLock)
{
    Story before_release = locked_then_landed();
    std::swap(before_release.log[4], before_release.log[5]);
    std::swap(before_release.log[4].sent, before_release.log[5].sent);
    std::swap(before_release.log[4].answered, before_release.log[5].answered);
    EXPECT_TRUE(before_release.breaks(Invariant::nothing_refused_applied));

    Story expired = before_release;
    expired.tables.history.back().recorded_at = created + 2001 * ms;
    EXPECT_EQ(expired.all_violations(), "");

    Story own = before_release;
    own.log[2].author = "ana";
    EXPECT_FALSE(own.breaks(Invariant::nothing_refused_applied));
}

TEST(Checker, FindsALockThatNobodyTook)
{
    Story story = locked_then_landed();
    story.log.erase(story.log.begin() + 2);
    EXPECT_TRUE(story.breaks(Invariant::one_winner));

    Story stale = locked_then_landed();
    stale.log[3].base = created;
    EXPECT_TRUE(stale.breaks(Invariant::one_winner));
}

TEST(Checker, AcceptsARefusalKeptAgainAfterADelete)
{
    // Kept before the delete, so gone with it; said again afterwards, so kept again.
    Story story = brought_back();
    tell(story.save(created, "won", "signed"), "conflict", "back", created + 4 * ms, 8);
    story.tables.comments = {{customer, 8, "ana", "signed", created, true, {}}};
    EXPECT_EQ(story.all_violations(), "");

    story.tables.comments.clear();
    EXPECT_TRUE(story.breaks(Invariant::nothing_refused_applied));
}

}  // namespace
}  // namespace crm::hammer
