#include <gtest/gtest.h>

#include "story.h"

// The checker on saves, comments and plain writes.
namespace crm::hammer {
namespace {

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
    tell(story.save(created + 4 * ms, "won", {}), "gone", {}, {});
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
    const auto with_refused_reply = [](Story story) {
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
