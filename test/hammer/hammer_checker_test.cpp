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
            std::move(status_to), {}, {}, {}, version};
}

HistoryRow
save_row(ServerTime version, ServerTime base, std::string status_from, std::string status_to,
         std::optional<std::int64_t> comment, std::string request)
{
    return {customer, version, base, base, "update", "ana", std::move(status_from), std::move(status_to), {}, comment,
            std::move(request), version};
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

TEST(Checker, AcceptsWhatIsRight)
{
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

    Story answer_lost = refused_then_landed();
    Attempt &refusal = answer_lost.log[2];
    refusal.reply = Reply::in_doubt;
    refusal.outcome.clear();
    refusal.answer_status.reset();
    refusal.answer_version.reset();
    refusal.answer_comment.reset();
    EXPECT_EQ(answer_lost.all_violations(), "");

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

// Bob gives the customer another status; Ana's save of the phone and the name, from the first version, is merged.
Story
merged()
{
    Story story;
    tell(story.plain(Action::insert, "new"), "done", "new", created);
    Attempt &other = story.save(created, "won", {});
    other.author = "bob";
    tell(other, "updated", "won", created + ms);
    Attempt &merge = story.save(created, {}, {});
    merge.merge = true;
    merge.fields = {{"phone", "1"}, {"name", "Ada"}};
    tell(merge, "merged", "won", created + 2 * ms);
    merge.answer_fields = {{"phone", "1"}, {"name", "Ada"}, {"email", {}}};

    story.tables.customers = {{customer, "won", {{"phone", "1"}, {"name", "Ada"}, {"email", {}}}, created + 2 * ms}};
    story.tables.history = {
        plain_row("insert", created, {}, {}, "new"),
        save_row(created + ms, created, "new", "won", {}, "r1"),
        save_row(created + 2 * ms, created + ms, "won", "won", {}, "r2"),
    };
    story.tables.history[1].author = "bob";
    story.tables.history[2].based_on = created;
    story.tables.history[2].fields = {{"phone", {{}, "1"}}, {"name", {{}, "Ada"}}};
    return story;
}

TEST(Checker, AcceptsAMerge)
{
    EXPECT_EQ(merged().all_violations(), "");
    EXPECT_EQ(check(merged().log, merged().tables).counts.merged, 1);

    // What she asks for is there already.
    Story same = merged();
    same.log.back().status = "won";
    EXPECT_EQ(same.all_violations(), "");

    Story lost_answer = merged();
    lost_answer.log.back().reply = Reply::in_doubt;
    lost_answer.log.back().outcome.clear();
    lost_answer.log.back().answer_version.reset();
    lost_answer.log.back().answer_status.reset();
    lost_answer.log.back().answer_fields.clear();
    EXPECT_EQ(lost_answer.all_violations(), "");
}

TEST(Checker, FindsAMergeOverWhatOthersChanged)
{
    Story story = merged();
    story.log.back().status = "lost";
    story.log.back().answer_status = "lost";
    story.tables.history[2].status_to = "lost";
    story.tables.customers[0].status = "lost";
    EXPECT_TRUE(story.breaks(Invariant::own_fields_alone));
    EXPECT_FALSE(story.breaks(Invariant::one_winner));

    // The same as a field.
    Story field = merged();
    field.tables.history[1].fields = {{"phone", {{}, "2"}}};
    field.log[1].fields = {{"phone", "2"}};
    field.tables.history[2].fields["phone"].from = "2";
    EXPECT_TRUE(field.breaks(Invariant::own_fields_alone));
}

TEST(Checker, FindsAMergeThatNobodyAskedFor)
{
    Story story = merged();
    story.log.back().merge = false;
    EXPECT_TRUE(story.breaks(Invariant::one_winner));

    Story told_otherwise = merged();
    told_otherwise.log.back().outcome = "updated";
    EXPECT_TRUE(told_otherwise.breaks(Invariant::own_fields_alone));
}

TEST(Checker, FindsFieldsThatAreNotTheSavesOwn)
{
    Story forgotten = merged();
    forgotten.tables.history[2].fields.erase("name");
    forgotten.tables.customers[0].fields["name"].reset();
    forgotten.log.back().answer_fields["name"].reset();
    EXPECT_TRUE(forgotten.breaks(Invariant::own_fields_alone));

    Story other_value = merged();
    other_value.tables.history[2].fields["name"].to = "Eva";
    other_value.tables.customers[0].fields["name"] = "Eva";
    other_value.log.back().answer_fields["name"] = "Eva";
    EXPECT_TRUE(other_value.breaks(Invariant::own_fields_alone));

    Story not_asked = merged();
    not_asked.tables.history[2].fields["email"].to = "a@b";
    not_asked.tables.customers[0].fields["email"] = "a@b";
    not_asked.log.back().answer_fields["email"] = "a@b";
    EXPECT_TRUE(not_asked.breaks(Invariant::own_fields_alone));

    Story status = merged();
    status.tables.history[2].status_to = "new";
    status.tables.customers[0].status = "new";
    status.log.back().answer_status = "new";
    EXPECT_TRUE(status.breaks(Invariant::own_fields_alone));
}

TEST(Checker, FindsAMergeAcrossADelete)
{
    Story story = merged();
    story.tables.history[1] = plain_row("delete", created + ms, created, "new", {});
    story.tables.history.insert(story.tables.history.begin() + 2,
                                plain_row("insert", created + 2 * ms, created + ms, {}, "won"));
    story.tables.history[3].version = story.tables.history[3].recorded_at = created + 3 * ms;
    story.tables.history[3].previous = created + 2 * ms;
    story.tables.customers[0].version = created + 3 * ms;
    story.log[1].action = Action::remove;
    tell(story.log[1], "done", "new", created);
    tell(story.log[2], "merged", "won", created + 3 * ms);
    EXPECT_TRUE(story.breaks(Invariant::own_fields_alone));
}

TEST(Checker, FindsAMergeRefusedForNothing)
{
    Story story = merged();
    tell(story.log.back(), "conflict", "won", created + ms);
    story.log.back().answer_fields.clear();
    story.tables.history.pop_back();
    story.tables.customers[0] = {customer, "won", {{"phone", {}}}, created + ms};
    EXPECT_TRUE(story.breaks(Invariant::own_fields_alone));

    story.log.back().status = "lost";
    EXPECT_EQ(story.all_violations(), "");
}

TEST(Checker, FindsAFieldThatItsChangesDoNotExplain)
{
    Story lost = merged();
    lost.tables.customers[0].fields["phone"].reset();
    EXPECT_TRUE(lost.breaks(Invariant::nothing_acknowledged_lost));

    Story broken_chain = merged();
    broken_chain.tables.history[2].fields["phone"].from = "0";
    EXPECT_TRUE(broken_chain.breaks(Invariant::one_chain));

    Story shown = merged();
    shown.log.back().answer_fields["phone"] = "0";
    EXPECT_TRUE(shown.breaks(Invariant::one_chain));
}

TEST(Checker, FindsAWrongUnchanged)
{
    Story story = merged();
    Attempt &save = story.save(created + 2 * ms, {}, {});
    save.fields = {{"phone", "1"}};
    tell(save, "unchanged", "won", created + 2 * ms);
    EXPECT_EQ(story.all_violations(), "");

    story.log.back().fields = {{"phone", "2"}};
    EXPECT_TRUE(story.breaks(Invariant::nothing_acknowledged_lost));
}

// Ana's merge collides; Bob takes his change back, and then the same merge is applied.
TEST(Checker, AcceptsAMergeThatCollidedBefore)
{
    Story story = merged();
    story.log.pop_back();
    const auto merge = [&story]() -> Attempt &
    {
        Attempt &save = story.save(created, "lost", {});
        save.merge = true;
        return save;
    };
    tell(merge(), "conflict", "won", created + ms);
    Attempt &back = story.save(created + ms, "new", {});
    back.author = "bob";
    tell(back, "updated", "new", created + 2 * ms);
    tell(merge(), "merged", "lost", created + 3 * ms);
    story.tables.history[2] = save_row(created + 2 * ms, created + ms, "won", "new", {}, "r2");
    story.tables.history[2].author = "bob";
    story.tables.history.push_back(save_row(created + 3 * ms, created + 2 * ms, "new", "lost", {}, "r3"));
    story.tables.history.back().based_on = created;
    story.tables.customers[0] = {customer, "lost", {}, created + 3 * ms};
    EXPECT_EQ(story.all_violations(), "");

    tell(merge(), "conflict", "lost", created + 3 * ms);
    EXPECT_TRUE(story.breaks(Invariant::lost_answer_can_be_asked_again));
}

// A merge that was refused is sent again after the retry landed and took its comment over: there is nothing to do.
TEST(Checker, AcceptsALateMergeWhoseCommentIsThere)
{
    Story story = refused_then_landed();
    story.log[2].merge = story.log[3].merge = true;
    Attempt late = story.log[2];
    tell(late, "unchanged", "won", created + 2 * ms, 5);
    story.add(late);
    EXPECT_EQ(story.all_violations(), "");

    story.log.back().answer_comment = 6;
    EXPECT_FALSE(story.all_violations().empty());

    story.log.back().answer_comment.reset();
    EXPECT_TRUE(story.breaks(Invariant::nothing_acknowledged_lost));
}

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
    const auto tells = [&](const Attempt &attempt)
    { return std::count(found->rows.begin(), found->rows.end(), to_text(attempt)); };
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
    const auto not_released = [](ServerTime recorded_at)
    {
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
    const auto renewed = [](ServerTime recorded_at)
    {
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

TEST(Checker, FindsAReplyElsewhere)
{
    Story story = refused_then_landed();
    Attempt reply;
    reply.action = Action::add_comment;
    reply.author = "ana";
    reply.comment = "indeed";
    reply.reply_to = 5;
    tell(story.add(reply), "done", {}, {}, 9);
    story.tables.comments.push_back({customer, 9, "ana", "indeed", {}, false, {}, 5});
    EXPECT_EQ(story.all_violations(), "");

    story.tables.comments.back().reply_to = 4;
    EXPECT_TRUE(story.breaks(Invariant::reply_answers_what_it_was_to));

    story.tables.comments.back().reply_to.reset();
    EXPECT_TRUE(story.breaks(Invariant::reply_answers_what_it_was_to));
}

TEST(Checker, FindsAReplyRefusedForNothing)
{
    const auto with_refused_reply = [](Story story)
    {
        Attempt reply;
        reply.action = Action::add_comment;
        reply.author = "ana";
        reply.comment = "indeed";
        reply.reply_to = 5;
        reply.reply = Reply::failed;
        reply.sqlstate = "23503";
        story.add(reply);
        return story;
    };
    EXPECT_TRUE(with_refused_reply(refused_then_landed()).breaks(Invariant::reply_answers_what_it_was_to));
    EXPECT_EQ(with_refused_reply(brought_back()).all_violations(), "");
}

TEST(Checker, FindsASaveOfABatchWithoutItsResult)
{
    Story story = refused();
    Attempt &save = story.save(created + ms, "won", {});
    save.batch_size = 2;
    save.batch_position = 2;
    tell(save, "no result", {}, {});
    EXPECT_TRUE(story.breaks(Invariant::lost_answer_can_be_asked_again));
}

TEST(Checker, ReportsWhatCrmVerifyFinds)
{
    Story story = refused_then_landed();
    story.tables.verify = {{"7", "head", "the customer is gone", "{}"}};
    EXPECT_TRUE(story.breaks(Invariant::tables_verify));
    EXPECT_EQ(check(story.log, story.tables).violations.front().customer, 7);
}

}  // namespace
}  // namespace crm::hammer
