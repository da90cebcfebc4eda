#include <gtest/gtest.h>

#include "story.h"

// The checker on calls that make all or none.
namespace crm::hammer {
namespace {

constexpr std::int64_t other = customer + 1;

// Both items of one call were sent and answered at the same time.
void
add_call(Story &story, std::vector<Attempt> items)
{
    const SteadyTime sent = story.clock += 10;
    const SteadyTime answered = story.clock += 10;
    for (std::size_t i = 0; i < items.size(); ++i)
    {
        items[i].all_or_nothing = true;
        items[i].batch_size = static_cast<int>(items.size());
        items[i].batch_position = static_cast<int>(i) + 1;
        items[i].sent = sent;
        items[i].answered = answered;
        story.log.push_back(items[i]);
    }
}

Attempt
save_of(std::int64_t of, std::string status)
{
    Attempt save;
    save.action = Action::save;
    save.customer = of;
    save.base = created;
    save.status = std::move(status);
    save.author = "ana";
    return save;
}

HistoryRow
row_of(std::int64_t of, HistoryRow row, std::int64_t transaction = 1)
{
    row.customer = of;
    row.transaction = transaction;
    return row;
}

// Two customers are made.
Story
two_customers()
{
    Story story;
    tell(story.plain(Action::insert, "new"), "done", "new", created);
    tell(story.plain(Action::insert, "new"), "done", "new", created);
    story.log.back().customer = other;
    story.tables.customers = {{customer, "new", {}, created}, {other, "new", {}, created}};
    story.tables.history = {plain_row("insert", created, {}, {}, "new"),
                            row_of(other, plain_row("insert", created, {}, {}, "new"))};
    return story;
}

// Ana saves the one, and checks the other.
Story
saved_and_checked()
{
    Story story = two_customers();
    Attempt save = save_of(customer, "won");
    save.comment = "signed";
    tell(save, "updated", "won", created + ms, 5);
    Attempt check;
    check.action = Action::check;
    check.customer = other;
    check.base = created;
    tell(check, "unchanged", "new", created);
    add_call(story, {save, check});
    story.tables.customers[0] = {customer, "won", {}, created + ms};
    story.tables.history.push_back(row_of(customer, save_row(created + ms, created, "new", "won", 5, "r1"), 3));
    story.tables.comments = {{customer, 5, "ana", "signed", created, false, {}}};
    return story;
}

// Somebody changes the other one by a plain UPDATE.
void
change_other(Story &story, ServerTime version, bool is_before_call)
{
    Attempt update;
    update.action = Action::update;
    update.customer = other;
    update.status = "called";
    update.user = 2;
    update.sent = is_before_call ? story.log[1].answered : story.clock += 10;
    update.answered = update.sent + 5;
    tell(update, "done", "called", version);
    story.log.insert(is_before_call ? story.log.begin() + 2 : story.log.end(), update);
    story.tables.customers[1] = {other, "called", {}, version};
    story.tables.history.push_back(row_of(other, plain_row("update", version, created, "new", "called"), 2));
}

// The same where the check is refused, as the other one was changed before.
Story
refused_by_check()
{
    Story story = saved_and_checked();
    change_other(story, created + ms, true);
    tell(story.log[3], "failed_dependency", "new", created, 5);
    story.log[3].refused_items = {2};
    tell(story.log[4], "conflict", "called", created + ms);
    story.tables.customers[0] = {customer, "new", {}, created};
    story.tables.history.erase(story.tables.history.begin() + 2);
    story.tables.comments[0].save_refused = true;
    return story;
}

TEST(CallChecker, AcceptsAllAndNone)
{
    EXPECT_EQ(saved_and_checked().all_violations(), "");
    EXPECT_EQ(check(saved_and_checked().log, saved_and_checked().tables).counts.made_all, 1);
    EXPECT_EQ(refused_by_check().all_violations(), "");
    EXPECT_EQ(check(refused_by_check().log, refused_by_check().tables).counts.made_none, 1);
}

TEST(CallChecker, FindsWhatIsMadeBesideARefusal)
{
    Story told = refused_by_check();
    const Story made = saved_and_checked();
    told.log[3] = made.log[2];
    told.tables.customers[0] = made.tables.customers[0];
    told.tables.history.push_back(made.tables.history[2]);
    told.tables.comments = made.tables.comments;
    EXPECT_TRUE(told.breaks(Invariant::all_or_none));

    Story untold = refused_by_check();
    untold.tables.customers[0] = made.tables.customers[0];
    untold.tables.history.push_back(made.tables.history[2]);
    untold.tables.comments = made.tables.comments;
    EXPECT_TRUE(untold.breaks(Invariant::all_or_none));
    EXPECT_TRUE(untold.breaks(Invariant::nothing_refused_applied));

    Story without_reason = refused_by_check();
    without_reason.log[3].refused_items = {1};
    EXPECT_TRUE(without_reason.breaks(Invariant::all_or_none));

    Story comment = refused_by_check();
    comment.tables.comments.clear();
    EXPECT_TRUE(comment.breaks(Invariant::nothing_refused_applied));
}

TEST(CallChecker, FindsAChangeBetweenCheckAndSave)
{
    Story later = saved_and_checked();
    change_other(later, created + 2 * ms, false);
    EXPECT_EQ(later.all_violations(), "");

    later.tables.history.back().recorded_at = created + ms / 2;
    EXPECT_TRUE(later.breaks(Invariant::what_was_checked_stays));

    Story stale = saved_and_checked();
    stale.log.back().base = created - ms;
    EXPECT_TRUE(stale.breaks(Invariant::what_was_checked_stays));

    Story current = refused_by_check();
    current.log[4].base = created + ms;
    EXPECT_TRUE(current.breaks(Invariant::what_was_checked_stays));
}

// Ana saves both by one call, and its answer is lost.
Story
lost_answer()
{
    Story story = two_customers();
    add_call(story, {save_of(customer, "won"), save_of(other, "lost")});
    story.tables.customers = {{customer, "won", {}, created + ms}, {other, "lost", {}, created + ms}};
    story.tables.history.push_back(row_of(customer, save_row(created + ms, created, "new", "won", {}, "r1"), 3));
    story.tables.history.push_back(row_of(other, save_row(created + ms, created, "new", "lost", {}, "r2"), 3));
    return story;
}

TEST(CallChecker, FindsHalfOfACallWhoseAnswerWasLost)
{
    EXPECT_EQ(lost_answer().all_violations(), "");

    Story half = lost_answer();
    half.tables.history.pop_back();
    half.tables.customers[1] = {other, "new", {}, created};
    EXPECT_TRUE(half.breaks(Invariant::all_or_none));

    Story nothing = half;
    nothing.tables.history.pop_back();
    nothing.tables.customers[0] = {customer, "new", {}, created};
    EXPECT_EQ(nothing.all_violations(), "");

    Story told = lost_answer();
    tell(told.log[2], "updated", "won", created + ms);
    tell(told.log[3], "updated", "lost", created + ms);
    EXPECT_EQ(told.all_violations(), "");
    told.tables.history.back().transaction = 4;
    EXPECT_TRUE(told.breaks(Invariant::all_or_none));
}

}  // namespace
}  // namespace crm::hammer
