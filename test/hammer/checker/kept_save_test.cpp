#include <gtest/gtest.h>

#include "story.h"

// The checker on refused saves that are kept whole.
namespace crm::hammer {
namespace {

// What happened in refused(), in a session that keeps refused saves whole.
Story
kept_whole()
{
    Story story = refused();
    story.tables.keeps_refused = true;
    story.log[2].keeps_refused = true;
    story.log[2].answer_kept = 1;
    story.tables.kept = {{customer, 1, "ana", "won", {}, created, 1}};
    return story;
}

// Bob resolves it, in Ana's name.
Story
resolved()
{
    Story story = kept_whole();
    Attempt resolution;
    resolution.action = Action::resolve;
    resolution.base = created + ms;
    resolution.kept_save = 1;
    resolution.choices = R"({"status": "mine"})";
    resolution.status = "won";
    resolution.author = "ana";
    tell(story.add(resolution), "updated", "won", created + 2 * ms);
    story.log.back().user = 2;
    story.tables.history.push_back(save_row(created + 2 * ms, created + ms, "called", "won", {}, "r1"));
    story.tables.customers[0] = {customer, "won", {}, created + 2 * ms};
    story.tables.kept[0].ended_by = "resolution";
    return story;
}

Attempt
discard_of(std::int64_t id)
{
    Attempt discard;
    discard.action = Action::discard;
    discard.author = "ana";
    discard.kept_save = id;
    tell(discard, "done", {}, {});
    return discard;
}

TEST(KeptSaveChecker, AcceptsWhatWaitsAndWhatHasEnded)
{
    EXPECT_EQ(kept_whole().all_violations(), "");
    EXPECT_EQ(check(kept_whole().log, kept_whole().tables).counts.kept, 1);
    EXPECT_EQ(resolved().all_violations(), "");
    EXPECT_EQ(check(resolved().log, resolved().tables).counts.resolved, 1);

    Story discarded = kept_whole();
    discarded.add(discard_of(1));
    discarded.tables.kept[0].ended_by = "discard";
    EXPECT_EQ(discarded.all_violations(), "");

    Story again = kept_whole();
    again.add(again.log[2]);
    again.tables.kept[0].times = 2;
    EXPECT_EQ(again.all_violations(), "");

    Story lost_answer = kept_whole();
    lost_answer.log[2].reply = Reply::in_doubt;
    lost_answer.log[2].outcome.clear();
    lost_answer.log[2].answer_kept.reset();
    EXPECT_EQ(lost_answer.all_violations(), "");
}

TEST(KeptSaveChecker, FindsWhatIsNotKeptOnce)
{
    Story lost = kept_whole();
    lost.tables.kept.clear();
    EXPECT_TRUE(lost.breaks(Invariant::refused_save_waits));

    Story other = kept_whole();
    other.tables.kept[0].status = "lost";
    EXPECT_TRUE(other.breaks(Invariant::refused_save_waits));

    Story twice = kept_whole();
    Attempt repeated = twice.log[2];
    repeated.answer_kept = 2;
    twice.add(repeated);
    twice.tables.kept.push_back({customer, 2, "ana", "won", {}, created, 1});
    EXPECT_TRUE(twice.breaks(Invariant::refused_save_waits));

    Story second = kept_whole();
    second.tables.kept.push_back({customer, 2, "ana", "won", {}, created, 1});
    EXPECT_TRUE(second.breaks(Invariant::refused_save_waits));

    Story too_often = kept_whole();
    too_often.tables.kept[0].times = 2;
    EXPECT_TRUE(too_often.breaks(Invariant::refused_save_waits));

    Story unasked = kept_whole();
    unasked.log[2].keeps_refused = false;
    EXPECT_TRUE(unasked.breaks(Invariant::refused_save_waits));

    Story untold = kept_whole();
    untold.log[2].answer_kept.reset();
    EXPECT_TRUE(untold.breaks(Invariant::refused_save_waits));
}

TEST(KeptSaveChecker, FindsWhatEndsOtherwiseThanItWasTold)
{
    Story by_itself = kept_whole();
    by_itself.tables.kept[0].ended_by = "save";
    EXPECT_TRUE(by_itself.breaks(Invariant::refused_save_waits));

    Story waits = resolved();
    waits.tables.kept[0].ended_by.reset();
    EXPECT_TRUE(waits.breaks(Invariant::refused_save_waits));

    Story gone = kept_whole();
    gone.add(discard_of(1));
    gone.log.back().outcome = "none";
    EXPECT_TRUE(gone.breaks(Invariant::refused_save_waits));

    Story unknown = kept_whole();
    unknown.add(discard_of(3));
    EXPECT_TRUE(unknown.breaks(Invariant::refused_save_waits));

    // It was discarded, and resolved after that.
    Story both = resolved();
    both.add(discard_of(1));
    EXPECT_TRUE(both.breaks(Invariant::refused_save_waits));
}

TEST(KeptSaveChecker, FindsWhatIsAppliedByItself)
{
    Story story = kept_whole();
    story.tables.history.push_back(save_row(created + 2 * ms, created + ms, "called", "won", {}, "r1"));
    story.tables.customers[0] = {customer, "won", {}, created + 2 * ms};
    EXPECT_TRUE(story.breaks(Invariant::refused_save_waits));

    Story lost = resolved();
    lost.tables.history.pop_back();
    lost.tables.customers[0] = {customer, "called", {}, created + ms};
    EXPECT_TRUE(lost.breaks(Invariant::nothing_acknowledged_lost));
}

}  // namespace
}  // namespace crm::hammer
