#include <gtest/gtest.h>

#include "story.h"

// The checker on merges.
namespace crm::hammer {
namespace {

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

// A merge of ana collides and is refused. The same arrives late, when it does not collide any more, and is merged; ana
// has gone on to the version that the refusal told.
Story
merged_late()
{
    Story story;
    const auto save = [&](ServerTime base) -> Attempt & {
        Attempt &attempt = story.save(base, "won", "signed");
        attempt.merge = true;
        return attempt;
    };
    tell(story.plain(Action::insert, "new"), "done", "new", created);
    tell(story.plain(Action::update, "lost"), "done", "lost", created + ms);
    tell(save(created), "conflict", "lost", created + ms, 5);
    tell(story.plain(Action::update, "new"), "done", "new", created + 2 * ms);
    tell(save(created), "merged", "won", created + 3 * ms, 5);
    tell(save(created + ms), "replayed", "won", created + 3 * ms, 5);
    story.log.back().replayed_version = created + 3 * ms;

    story.tables.customers = {{customer, "won", {}, created + 3 * ms}};
    story.tables.comments = {{customer, 5, "ana", "signed", created, false, created + 3 * ms}};
    story.tables.history = {
        plain_row("insert", created, {}, {}, "new"),
        plain_row("update", created + ms, created, "new", "lost"),
        plain_row("update", created + 2 * ms, created + ms, "lost", "new"),
        save_row(created + 3 * ms, created + 2 * ms, "new", "won", 5, "r1"),
    };
    story.tables.history.back().based_on = created;
    return story;
}

TEST(Checker, AcceptsTheReplayOfALateMerge)
{
    EXPECT_EQ(merged_late().all_violations(), "");

    // Not of something else, nor to who has seen it.
    Story other = merged_late();
    other.log.back().status = "lost";
    EXPECT_TRUE(other.breaks(Invariant::lost_answer_can_be_asked_again));

    Story seen = merged_late();
    seen.log.back().base = created + 3 * ms;
    EXPECT_TRUE(seen.breaks(Invariant::lost_answer_can_be_asked_again));
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
    const auto merge = [&story]() -> Attempt & {
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

}  // namespace
}  // namespace crm::hammer
