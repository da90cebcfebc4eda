#include <gtest/gtest.h>

#include "story.h"

// The checker on what version 1.1 keeps: deletions and restorations, changes undone, merge groups, corrections.
namespace crm::hammer {
namespace {

// What happened in refused_then_landed(); then Ana deletes the version that she sees, and Bob restores the customer.
Story
restored()
{
    Story story = refused_then_landed();
    story.tables.keeps_deleted = true;
    Attempt removal;
    removal.action = Action::remove_seen;
    removal.base = created + 2 * ms;
    removal.author = "ana";
    removal.comment = "dead";
    tell(story.add(removal), "deleted", {}, created + 3 * ms, 6);
    Attempt restoration;
    restoration.action = Action::restore;
    restoration.author = "bob";
    tell(story.add(restoration), "restored", "won", created + 4 * ms);

    HistoryRow deleted = save_row(created + 3 * ms, created + 2 * ms, "won", "", 6, "r2");
    deleted.operation = "delete";
    deleted.status_to.reset();
    HistoryRow back = plain_row("restore", created + 4 * ms, created + 3 * ms, {}, "won");
    back.author = "bob";
    back.based_on = created + 3 * ms;
    story.tables.history.push_back(deleted);
    story.tables.history.push_back(back);
    story.tables.comments.push_back({customer, 6, "ana", "dead", created + 2 * ms, false, {}});
    story.tables.customers[0].version = created + 4 * ms;
    return story;
}

// The same without the restoration.
Story
set_aside()
{
    Story story = restored();
    story.log.pop_back();
    story.tables.history.pop_back();
    story.tables.customers.clear();
    for (CommentRow &comment : story.tables.comments)
        comment.set_aside = created + 3 * ms;
    story.tables.deleted = {{customer, created + 3 * ms, "won", {}}};
    return story;
}

TEST(KeptChecker, AcceptsADeletionAndARestoration)
{
    EXPECT_EQ(set_aside().all_violations(), "");
    EXPECT_EQ(restored().all_violations(), "");
    EXPECT_EQ(check(restored().log, restored().tables).counts.deleted, 1);
    EXPECT_EQ(check(restored().log, restored().tables).counts.restored, 1);

    Story again = restored();
    Attempt removal = again.log[4];
    tell(removal, "replayed", "won", created + 4 * ms, 6);
    removal.replayed_version = created + 3 * ms;
    again.add(removal);
    EXPECT_EQ(again.all_violations(), "");
}

TEST(KeptChecker, FindsAStaleDelete)
{
    Story story = restored();
    story.log[4].base = created + ms;
    story.tables.history[3].based_on = created + ms;
    story.tables.comments[1].based_on = created + ms;
    EXPECT_TRUE(story.breaks(Invariant::seen_version_is_deleted));

    // The history has another base than was sent.
    Story hidden = restored();
    hidden.log[4].base = created + ms;
    EXPECT_TRUE(hidden.breaks(Invariant::seen_version_is_deleted));
}

TEST(KeptChecker, FindsWhatDoesNotComeBack)
{
    Story comment = restored();
    comment.tables.comments.erase(comment.tables.comments.begin());
    EXPECT_TRUE(comment.breaks(Invariant::deleted_comes_back));

    Story other_id = restored();
    other_id.tables.comments[0].id = 9;
    EXPECT_TRUE(other_id.breaks(Invariant::deleted_comes_back));

    Story other_text = restored();
    other_text.tables.comments[0].body = "sined";
    EXPECT_FALSE(other_text.all_violations().empty());

    Story status = restored();
    status.tables.history[4].status_to = status.tables.customers[0].status = "new";
    status.log.back().answer_status = "new";
    EXPECT_TRUE(status.breaks(Invariant::deleted_comes_back));

    Story both = restored();
    both.tables.deleted = {{customer, created + 3 * ms, "won", {}}};
    EXPECT_TRUE(both.breaks(Invariant::deleted_comes_back));
}

TEST(KeptChecker, FindsWhatIsNotSetAside)
{
    Story row = set_aside();
    row.tables.deleted.clear();
    EXPECT_TRUE(row.breaks(Invariant::deleted_comes_back));

    Story other = set_aside();
    other.tables.deleted[0].fields["phone"] = "1";
    EXPECT_TRUE(other.breaks(Invariant::deleted_comes_back));

    Story comment = set_aside();
    comment.tables.comments.pop_back();
    EXPECT_TRUE(comment.breaks(Invariant::deleted_comes_back));

    Story not_restorable = set_aside();
    Attempt restoration;
    restoration.action = Action::restore;
    restoration.author = "bob";
    tell(not_restorable.add(restoration), "gone", {}, {});
    EXPECT_TRUE(not_restorable.breaks(Invariant::deleted_comes_back));

    // By a plain DELETE.
    Story plain = brought_back();
    plain.tables.keeps_deleted = true;
    EXPECT_TRUE(plain.breaks(Invariant::deleted_comes_back));
    plain.tables.deleted = {{customer, created + 3 * ms, "won", {}}};
    EXPECT_TRUE(plain.breaks(Invariant::deleted_comes_back));
    plain.tables.comments = {{customer, 5, "ana", "signed", created, false, created + 2 * ms}};
    plain.tables.comments[0].set_aside = created + 3 * ms;
    EXPECT_EQ(plain.all_violations(), "");
}

// Bob undoes what the plain UPDATE made, although Ana has saved another status since, or before she did.
Story
undone(bool is_superseded)
{
    Story story = is_superseded ? refused_then_landed() : refused();
    const ServerTime base = created + (is_superseded ? 2 : 1) * ms;
    const std::string status = is_superseded ? "won" : "called";
    Attempt undoing;
    undoing.action = Action::revert;
    undoing.base = base;
    undoing.reverted = created + ms;
    undoing.author = "bob";
    tell(story.add(undoing), "updated", "new", base + ms);
    HistoryRow row = save_row(base + ms, base, status, "new", {}, "r2");
    row.author = "bob";
    row.reverts = created + ms;
    story.tables.history.push_back(row);
    story.tables.customers[0] = {customer, "new", {}, base + ms};
    return story;
}

TEST(KeptChecker, LooksAtWhatIsUndone)
{
    EXPECT_EQ(undone(false).all_violations(), "");
    EXPECT_EQ(check(undone(false).log, undone(false).tables).counts.undone, 1);
    EXPECT_TRUE(undone(true).breaks(Invariant::undo_overwrites_nothing));

    Story whole = undone(true);
    whole.log.back().is_whole = true;
    whole.log.back().reverted = whole.tables.history.back().reverts.emplace(created);
    EXPECT_EQ(whole.all_violations(), "");

    Story other_value = undone(false);
    other_value.tables.history.back().status_to = other_value.tables.customers[0].status = "newer";
    other_value.log.back().answer_status = "newer";
    EXPECT_TRUE(other_value.breaks(Invariant::undo_overwrites_nothing));

    Story other_column = undone(false);
    other_column.tables.history.back().fields = {{"phone", {{}, "1"}}};
    other_column.tables.customers[0].fields = {{"phone", "1"}};
    EXPECT_TRUE(other_column.breaks(Invariant::undo_overwrites_nothing));
}

TEST(KeptChecker, LooksAtWhatIsNotUndone)
{
    Story story = refused_then_landed();
    Attempt undoing;
    undoing.action = Action::revert;
    undoing.base = created + 2 * ms;
    undoing.reverted = created + ms;
    undoing.author = "bob";
    tell(undoing, "conflict", "won", created + 2 * ms);
    undoing.superseded = {"status"};
    story.add(undoing);
    EXPECT_EQ(story.all_violations(), "");

    Story unchanged = story;
    unchanged.log.back().outcome = "unchanged";
    unchanged.log.back().superseded.clear();
    EXPECT_TRUE(unchanged.breaks(Invariant::undo_overwrites_nothing));

    story.log.back().superseded = {"phone"};
    EXPECT_TRUE(story.breaks(Invariant::undo_overwrites_nothing));
}

// Bob changes the phone; Ana's save of the email, from before, is merged.
Story
half_merged()
{
    Story story;
    tell(story.plain(Action::insert, "new"), "done", "new", created);
    Attempt &other = story.save(created, {}, {});
    other.author = "bob";
    other.fields = {{"phone", "1"}};
    tell(other, "updated", "new", created + ms);
    Attempt &merge = story.save(created, {}, {});
    merge.merge = true;
    merge.fields = {{"email", "a@b"}};
    tell(merge, "merged", "new", created + 2 * ms);

    story.tables.customers = {{customer, "new", {{"phone", "1"}, {"email", "a@b"}}, created + 2 * ms}};
    story.tables.history = {
        plain_row("insert", created, {}, {}, "new"),
        save_row(created + ms, created, "new", "new", {}, "r1"),
        save_row(created + 2 * ms, created + ms, "new", "new", {}, "r2"),
    };
    story.tables.history[1].author = "bob";
    story.tables.history[1].fields = {{"phone", {{}, "1"}}};
    story.tables.history[2].based_on = created;
    story.tables.history[2].fields = {{"email", {{}, "a@b"}}};
    return story;
}

TEST(KeptChecker, FindsAGroupMergedInHalf)
{
    EXPECT_EQ(half_merged().all_violations(), "");
    Story story = half_merged();
    story.tables.merge_groups = {{"phone", "email"}};
    EXPECT_TRUE(story.breaks(Invariant::group_is_one_field));

    // As it must be: refused.
    tell(story.log.back(), "conflict", "new", created + ms);
    story.tables.history.pop_back();
    story.tables.customers[0] = {customer, "new", {{"phone", "1"}, {"email", {}}}, created + ms};
    EXPECT_EQ(story.all_violations(), "");
    story.tables.merge_groups.clear();
    EXPECT_TRUE(story.breaks(Invariant::own_fields_alone));

    // She changes the phone as he did, and the email.
    Story same = half_merged();
    same.tables.merge_groups = {{"phone", "email"}};
    same.log.back().fields["phone"] = "1";
    EXPECT_EQ(same.all_violations(), "");
}

// Ana corrects her comment.
Story
corrected()
{
    Story story = refused_then_landed();
    Attempt edit;
    edit.action = Action::edit;
    edit.author = "ana";
    edit.corrected = 5;
    edit.text_seen = "signed";
    edit.new_text = "signed today";
    tell(story.add(edit), "updated", {}, {});
    story.tables.comments[0].body = "signed today";
    story.tables.comments[0].first_text = "signed";
    story.tables.edits = {{customer, 5, created + 5 * ms, "edit", "ana", "signed"}};
    return story;
}

TEST(KeptChecker, AcceptsCorrections)
{
    EXPECT_EQ(corrected().all_violations(), "");
    EXPECT_EQ(check(corrected().log, corrected().tables).counts.corrected, 1);

    Story conflict = corrected();
    Attempt late = conflict.log.back();
    late.new_text = "signed yesterday";
    tell(late, "conflict", {}, {});
    late.latest_text = "signed today";
    conflict.add(late);
    EXPECT_EQ(conflict.all_violations(), "");
    conflict.log.back().latest_text = "signed";
    EXPECT_TRUE(conflict.breaks(Invariant::correction_leaves_a_trace));

    Story lost_answer = corrected();
    lost_answer.log.back().reply = Reply::in_doubt;
    lost_answer.log.back().outcome.clear();
    EXPECT_EQ(lost_answer.all_violations(), "");

    // Withdrawn, and said again.
    Story withdrawn = refused();
    Attempt withdrawal;
    withdrawal.action = Action::withdraw;
    withdrawal.author = "ana";
    withdrawal.corrected = 5;
    tell(withdrawn.add(withdrawal), "updated", {}, {});
    tell(withdrawn.save(created, "won", "signed"), "conflict", "called", created + ms, 8);
    withdrawn.tables.edits = {{customer, 5, created + 5 * ms, "withdraw", "ana", "signed"}};
    withdrawn.tables.comments.push_back(withdrawn.tables.comments[0]);
    withdrawn.tables.comments[1].id = 8;
    withdrawn.tables.comments[0].body = "[withdrawn]";
    withdrawn.tables.comments[0].first_text = "signed";
    withdrawn.tables.comments[0].is_withdrawn = true;
    EXPECT_EQ(withdrawn.all_violations(), "");
}

TEST(KeptChecker, FindsACorrectionWithoutTrace)
{
    Story story = corrected();
    story.tables.edits.clear();
    story.tables.comments[0].first_text.clear();
    EXPECT_TRUE(story.breaks(Invariant::correction_leaves_a_trace));

    Story refused = corrected();
    tell(refused.log.back(), "conflict", {}, {});
    EXPECT_TRUE(refused.breaks(Invariant::correction_leaves_a_trace));

    Story other_text = corrected();
    other_text.tables.comments[0].body = "signed it";
    EXPECT_TRUE(other_text.breaks(Invariant::correction_leaves_a_trace));

    Story twice = corrected();
    twice.add(twice.log.back());
    EXPECT_TRUE(twice.breaks(Invariant::nothing_twice));
}

// Carl ends Ana's lock by force, and saves.
TEST(KeptChecker, KnowsLocksThatWereEndedByForce)
{
    Story story;
    tell(story.plain(Action::insert, "new"), "done", "new", created);
    Attempt lock;
    lock.action = Action::lock;
    lock.author = "bob";
    lock.ttl = 1000 * ms;
    lock.answer_lock_id = "l1";
    lock.lock_expires_at = created + 1000 * ms;
    tell(lock, "acquired", {}, {});
    story.add(lock);
    Attempt force;
    force.action = Action::unlock;
    force.author = "ana";
    force.is_forced = true;
    force.clock = created + 2 * ms;
    tell(force, "done", {}, {});
    story.add(force);
    tell(story.save(created, "won", {}), "updated", "won", created + 3 * ms);
    story.tables.customers = {{customer, "won", {}, created + 3 * ms}};
    story.tables.history = {
        plain_row("insert", created, {}, {}, "new"),
        save_row(created + 3 * ms, created, "new", "won", {}, "r1"),
    };
    EXPECT_EQ(story.all_violations(), "");
    EXPECT_EQ(check(story.log, story.tables).counts.forced, 1);

    story.log[2].outcome = "none";
    EXPECT_TRUE(story.breaks(Invariant::lock_keeps_others_out));
}

}  // namespace
}  // namespace crm::hammer
