#include "core/decision.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

namespace crm::core {

namespace {

constexpr Timestamp newest{820'454'400 * second};
constexpr Timestamp older{newest.us - hour};
constexpr Current current = {newest, "new", false};

Request
request(Timestamp base, std::optional<std::string_view> status, std::optional<std::string_view> comment)
{
    return {base, status, comment, "ana", std::nullopt, {}, false};
}

TEST(Decision, OutcomesHaveDifferentNamesAndTheStatusOfHttp)
{
    std::set<std::string_view> names;
    for (auto [outcome, status] :
         {std::pair{Outcome::updated, 200}, std::pair{Outcome::unchanged, 200}, std::pair{Outcome::replayed, 200},
          std::pair{Outcome::conflict, 409}, std::pair{Outcome::gone, 410}, std::pair{Outcome::not_found, 404},
          std::pair{Outcome::merged, 200}, std::pair{Outcome::locked, 423}, std::pair{Outcome::deleted, 200},
          std::pair{Outcome::restored, 200}, std::pair{Outcome::failed_dependency, 424}})
    {
        EXPECT_EQ(http_status(outcome), status);
        EXPECT_EQ(is_refusal(outcome), status != 200);
        names.insert(name(outcome));
    }
    EXPECT_EQ(names, (std::set<std::string_view>{"updated", "unchanged", "replayed", "conflict", "gone", "not_found",
                                                 "merged", "locked", "deleted", "restored", "failed_dependency"}));
}

TEST(Decision, ACurrentBaseIsSavedWhenItAsksForSomething)
{
    EXPECT_EQ(decide(situation_of(request(newest, "won", std::nullopt), current)), Outcome::updated);
    EXPECT_EQ(decide(situation_of(request(newest, "won", "Signed"), current)), Outcome::updated);
    EXPECT_EQ(decide(situation_of(request(newest, std::nullopt, "Signed"), current)), Outcome::updated);
    EXPECT_EQ(decide(situation_of(request(newest, "new", "Signed"), current)), Outcome::updated);
}

TEST(Decision, ACurrentBaseIsUnchangedWhenItAsksForNothingNew)
{
    EXPECT_EQ(decide(situation_of(request(newest, "new", std::nullopt), current)), Outcome::unchanged);
    EXPECT_EQ(decide(situation_of(request(newest, std::nullopt, std::nullopt), current)), Outcome::unchanged);
}

TEST(Decision, AnyOtherBaseIsAConflictWhateverItAsks)
{
    for (Timestamp base :
         {older, Timestamp{newest.us + millisecond}, Timestamp{newest.us - millisecond}, infinity, minus_infinity})
        for (std::optional<std::string_view> status : {std::optional<std::string_view>{}, {"new"}, {"won"}})
            for (std::optional<std::string_view> comment : {std::optional<std::string_view>{}, {"Signed"}})
                EXPECT_EQ(decide(situation_of(request(base, status, comment), current)), Outcome::conflict) << base.us;
}

TEST(Decision, ABaseKeptInMillisecondsIsCurrent)
{
    const Current legacy = {{newest.us + 456}, "new", false};
    EXPECT_EQ(decide(situation_of(request(newest, "won", std::nullopt), legacy)), Outcome::updated);
}

// The outcomes in the order in which they are decided, each with the first situation that has it.
TEST(Decision, EverySituation)
{
    for (unsigned bits = 0; bits < 256; ++bits)
    {
        const auto bit = [bits](unsigned n) { return (bits >> n & 1) != 0; };
        const Situation s = {bit(0), bit(1), bit(2), bit(3), bit(4), bit(5), bit(6), bit(7)};
        const std::pair<bool, Outcome> order[] = {
            {!s.is_visible && s.is_filtered, Outcome::not_found},
            {s.is_applied, Outcome::replayed},
            {!s.is_visible && s.is_in_history, Outcome::gone},
            {!s.is_visible, Outcome::not_found},
            {!s.is_current && !s.can_be_merged, Outcome::conflict},
            {s.is_locked, Outcome::locked},
            {!s.changes_anything, Outcome::unchanged},
            {s.is_current, Outcome::updated},
            {true, Outcome::merged},
        };
        const auto *first = std::find_if(std::begin(order), std::end(order), [](const auto &o) { return o.first; });
        EXPECT_EQ(decide(s), first->second) << bits;
        // A deletion asks for the same, whatever else it changes.
        const bool is_done = first - std::begin(order) > 5;
        EXPECT_EQ(decide(s, Intent::deletion), is_done ? Outcome::deleted : first->second) << bits;
    }
}

TEST(Decision, NamedSituations)
{
    const Situation saved = {.is_visible = true,
                             .is_filtered = false,
                             .is_in_history = true,
                             .is_applied = false,
                             .is_current = true,
                             .can_be_merged = false,
                             .is_locked = false,
                             .changes_anything = true};
    const auto but = [&](bool Situation::*what, bool is, Situation from) {
        from.*what = is;
        return from;
    };
    const Situation stale = but(&Situation::is_current, false, saved);
    const Situation gone = but(&Situation::is_visible, false, stale);
    EXPECT_EQ(decide(saved), Outcome::updated);
    EXPECT_EQ(decide(but(&Situation::changes_anything, false, saved)), Outcome::unchanged);
    EXPECT_EQ(decide(but(&Situation::is_locked, true, saved)), Outcome::locked);
    EXPECT_EQ(decide(stale), Outcome::conflict);
    EXPECT_EQ(decide(but(&Situation::is_locked, true, stale)), Outcome::conflict);
    EXPECT_EQ(decide(but(&Situation::is_applied, true, stale)), Outcome::replayed);
    EXPECT_EQ(decide(but(&Situation::can_be_merged, true, stale)), Outcome::merged);
    EXPECT_EQ(decide(gone), Outcome::gone);
    EXPECT_EQ(decide(but(&Situation::is_applied, true, gone)), Outcome::replayed);
    EXPECT_EQ(decide(but(&Situation::is_in_history, false, gone)), Outcome::not_found);
    EXPECT_EQ(decide(but(&Situation::is_filtered, true, gone)), Outcome::not_found);
}

TEST(Decision, FieldsThatDifferAreAChange)
{
    EXPECT_EQ(decide(situation_of(request(newest, std::nullopt, std::nullopt), {newest, "new", true})),
              Outcome::updated);
    EXPECT_EQ(decide(situation_of(request(newest, "new", std::nullopt), {newest, "new", false})), Outcome::unchanged);
}

TEST(Decision, ANullStatusIsChangedByAnyOther)
{
    EXPECT_EQ(decide(situation_of(request(newest, "new", std::nullopt), {newest, std::nullopt, false})),
              Outcome::updated);
    EXPECT_EQ(decide(situation_of(request(newest, std::nullopt, std::nullopt), {newest, std::nullopt, false})),
              Outcome::unchanged);
}

TEST(Merge, CollidesWhenBothChangedAFieldToDifferentValues)
{
    EXPECT_EQ(merge("new", "won", "lost"), Merge::collide);
    EXPECT_EQ(merge("new", "won", "won"), Merge::leave);   // the same change
    EXPECT_EQ(merge("new", "new", "lost"), Merge::leave);  // not changed by the caller
    EXPECT_EQ(merge("new", "won", "new"), Merge::write);   // not changed by others
    EXPECT_EQ(merge("new", "new", "new"), Merge::leave);
}

TEST(Merge, CollidesWhenWhatWasIsNotKnown)
{
    EXPECT_EQ(merge(std::nullopt, "won", "lost"), Merge::collide);
    EXPECT_EQ(merge(std::nullopt, "won", "won"), Merge::leave);
}

TEST(Merge, NullIsAValueLikeOthers)
{
    const Value null = std::nullopt;
    const std::optional<Value> was_null{null};
    EXPECT_EQ(merge(was_null, "won", null), Merge::write);
    EXPECT_EQ(merge(was_null, null, "won"), Merge::leave);
    EXPECT_EQ(merge(was_null, "won", "lost"), Merge::collide);
    EXPECT_EQ(merge("new", null, "lost"), Merge::collide);
    EXPECT_EQ(merge("new", null, "new"), Merge::write);
    EXPECT_EQ(merge(std::nullopt, null, null), Merge::leave);
}

// A comment refused at 12:00 from the newest of 11:00.
constexpr Timestamp noon{newest.us};
constexpr Timestamp base{noon.us - hour};
constexpr KeptComment pending = {base, noon, std::nullopt};

TEST(KeptComment, TheSameRequestRepeatsItAtAnyTime)
{
    for (Microseconds later : {std::int64_t{0}, hour, 1000 * hour})
        EXPECT_TRUE(repeats(pending, base, {noon.us + later}, hour));
    EXPECT_TRUE(repeats(pending, {base.us + 999}, {noon.us + 1000 * hour}, hour));
}

TEST(KeptComment, AnotherBaseRepeatsItWithinTheWindow)
{
    const Timestamp other{base.us - hour};
    EXPECT_TRUE(repeats(pending, other, noon, hour));
    EXPECT_TRUE(repeats(pending, other, {noon.us + hour - 1}, hour));
    EXPECT_FALSE(repeats(pending, other, {noon.us + hour}, hour));
    EXPECT_FALSE(repeats(pending, other, noon, 0));
    EXPECT_TRUE(repeats(pending, other, {noon.us - hour}, hour)) << "the clock was set back";
    EXPECT_FALSE(repeats(pending, other, {noon.us - hour - 1}, hour)) << "the clock was set back by more";
}

TEST(KeptComment, ABaseThatWasNeverAVersionRepeatsItselfAfterTheAdoption)
{
    const Timestamp adoption{noon.us + minute};
    const Timestamp now{adoption.us + second};
    for (Timestamp wrong : {Timestamp{noon.us + 2 * hour}, infinity})
        EXPECT_TRUE(repeats({wrong, noon, adoption}, wrong, now, hour));
}

TEST(KeptComment, AWindowOfZeroIsOffWhateverTheClockDoes)
{
    const KeptComment ahead = {base, {noon.us + 1}, std::nullopt};
    EXPECT_FALSE(adopts(ahead, noon, 0));
    EXPECT_FALSE(repeats(ahead, {base.us - hour}, noon, 0));
}

TEST(KeptComment, InfiniteBasesRepeatThemselves)
{
    const KeptComment kept = {infinity, noon, std::nullopt};
    EXPECT_TRUE(repeats(kept, infinity, {noon.us + 1000 * hour}, hour));
    EXPECT_FALSE(repeats(kept, minus_infinity, {noon.us + 1000 * hour}, hour));
}

TEST(KeptComment, WhoSawTheAdoptionSaysItAnew)
{
    const Timestamp adoption{noon.us + minute};
    const KeptComment adopted = {base, noon, adoption};
    const Timestamp now{adoption.us + second};
    EXPECT_TRUE(repeats(adopted, base, now, hour)) << "a late duplicate";
    EXPECT_TRUE(repeats(adopted, {adoption.us - minute}, now, hour)) << "a late duplicate of another refusal";
    EXPECT_FALSE(repeats(adopted, adoption, now, hour));
    EXPECT_FALSE(repeats(adopted, {adoption.us - 999}, now, hour)) << "names the adopting version";
    EXPECT_FALSE(repeats(adopted, {adoption.us + minute}, now, hour));
}

TEST(KeptComment, IsAdoptedOnceWithinTheWindow)
{
    EXPECT_TRUE(adopts(pending, noon, hour));
    EXPECT_TRUE(adopts(pending, {noon.us + hour - 1}, hour));
    EXPECT_FALSE(adopts(pending, {noon.us + hour}, hour));
    EXPECT_FALSE(adopts(pending, noon, 0));
    EXPECT_TRUE(adopts(pending, {noon.us - hour}, hour));
    EXPECT_FALSE(adopts(pending, {noon.us - hour - 1}, hour));
    EXPECT_FALSE(adopts({base, noon, Timestamp{noon.us + minute}}, {noon.us + 2 * minute}, hour));
    EXPECT_FALSE(adopts({base, minus_infinity, std::nullopt}, noon, hour));
}

TEST(Decision, EveryCombination)
{
    struct Base
    {
        Timestamp t;
        bool is_current;
    };
    for (Base base : {Base{newest, true},
                      {{newest.us + 999}, true},
                      {{newest.us - 999}, true},
                      {{newest.us + 1000}, false},
                      {{newest.us - 1000}, false},
                      {older, false},
                      {infinity, false},
                      {minus_infinity, false}})
        for (std::optional<std::string_view> status :
             {std::optional<std::string_view>{}, {""}, {"new"}, {"New"}, {"won"}})
            for (std::optional<std::string_view> comment : {std::optional<std::string_view>{}, {"Signed"}})
            {
                const bool changes = status.has_value() && status != "new";
                EXPECT_EQ(changes_status(request(base.t, status, comment), current), changes);
                EXPECT_EQ(decide(situation_of(request(base.t, status, comment), current)),
                          !base.is_current     ? Outcome::conflict
                          : changes || comment ? Outcome::updated
                                               : Outcome::unchanged)
                    << base.t.us;
            }
}

TEST(MergeGroup, CollidesWhenTheCallerAndOthersChangedIt)
{
    const Value berlin = "Berlin", de = "DE", oslo = "Oslo", no = "NO", wien = "Wien", at = "AT";
    const auto asks = [](const Value &value) { return std::optional<Value>{value}; };
    const auto was = asks;
    constexpr std::optional<Value> not_asked;
    // another column, the same one, both
    EXPECT_TRUE(collide({{{was(berlin), not_asked, oslo}, {was(de), asks(at), de}}}));
    EXPECT_TRUE(collide({{{was(berlin), asks(wien), oslo}, {was(de), not_asked, de}}}));
    EXPECT_TRUE(collide({{{was(berlin), asks(wien), oslo}, {was(de), asks(at), no}}}));
    // others did part of what is asked, and something else
    EXPECT_TRUE(collide({{{was(berlin), asks(wien), wien}, {was(de), not_asked, at}}}));
    // the caller asks for what was, beside a change
    EXPECT_TRUE(collide({{{was(berlin), asks(berlin), oslo}, {was(de), asks(at), de}}}));
}

TEST(MergeGroup, DoesNotCollideWhenOneSideAloneChangedIt)
{
    const Value berlin = "Berlin", de = "DE", oslo = "Oslo", no = "NO", wien = "Wien", at = "AT";
    const auto asks = [](const Value &value) { return std::optional<Value>{value}; };
    const auto was = asks;
    constexpr std::optional<Value> not_asked;
    EXPECT_FALSE(collide({{{was(berlin), asks(wien), berlin}, {was(de), not_asked, de}}}));
    EXPECT_FALSE(collide({{{was(berlin), asks(berlin), oslo}, {was(de), asks(de), no}}}));
    EXPECT_FALSE(collide({{{was(berlin), not_asked, oslo}, {was(de), asks(de), no}}}));
    EXPECT_FALSE(collide({{{was(berlin), asks(wien), wien}, {was(de), asks(at), at}}})) << "the same change";
    EXPECT_FALSE(collide({{{was(berlin), asks(wien), wien}, {was(de), asks(at), de}}})) << "part of it";
    EXPECT_FALSE(collide({}));
}

TEST(MergeGroup, WhatWasAndIsNotKnownIsChanged)
{
    const Value oslo = "Oslo", de = "DE", at = "AT";
    constexpr std::optional<Value> not_known, not_asked;
    EXPECT_TRUE(collide({{{not_known, not_asked, oslo}, {{de}, {at}, de}}}));
    EXPECT_TRUE(collide({{{not_known, {at}, oslo}}}));
    EXPECT_FALSE(collide({{{not_known, {oslo}, oslo}}}));
}

// Every column that there is with these values.
std::vector<GroupColumn>
every_column()
{
    const Value values[] = {"a", "b", std::nullopt};
    std::vector<GroupColumn> columns;
    for (const Value &was : values)
        for (const Value &theirs : values)
        {
            columns.push_back({was, std::nullopt, theirs});
            for (const Value &mine : values)
                columns.push_back({was, mine, theirs});
        }
    return columns;
}

// What a merge by itself makes of a column.
Value
merged_alone(const GroupColumn &column)
{
    const bool is_written = column.mine && merge(column.was, *column.mine, column.theirs) == Merge::write;
    return is_written ? *column.mine : column.theirs;
}

// Column by column, what does not collide is what the caller saw and asked for, or what others made of it.
TEST(MergeGroup, EveryCombinationIsOneThatSomebodyEntered)
{
    const std::vector<GroupColumn> columns = every_column();
    int merged = 0;
    for (const GroupColumn &first : columns)
        for (const GroupColumn &second : columns)
        {
            const GroupColumn group[] = {first, second};
            if (collide(group))
                continue;
            const std::pair stored{merged_alone(first), merged_alone(second)};
            const std::pair mine{first.mine.value_or(*first.was), second.mine.value_or(*second.was)};
            EXPECT_TRUE(stored == mine || stored == std::pair(first.theirs, second.theirs));
            merged++;
        }
    EXPECT_GT(merged, 500);
}

TEST(Merge, EveryCombination)
{
    const Value values[] = {"a", "b", "c", std::nullopt};
    for (const Value &mine : values)
        for (const Value &theirs : values)
        {
            EXPECT_EQ(merge(std::nullopt, mine, theirs), mine == theirs ? Merge::leave : Merge::collide);
            for (const Value &was : values)
            {
                const Merge expected = mine == was || mine == theirs ? Merge::leave
                                       : was == theirs               ? Merge::write
                                                                     : Merge::collide;
                EXPECT_EQ(merge(std::optional<Value>{was}, mine, theirs), expected);
            }
        }
}

TEST(KeptComment, WithoutAWindowOnlyTheSameRequestRepeatsIt)
{
    EXPECT_TRUE(repeats(pending, base, noon, 0));
    EXPECT_TRUE(repeats(pending, {base.us - 999}, noon, 0));
    EXPECT_FALSE(repeats(pending, {base.us - 1000}, noon, 0));
    EXPECT_FALSE(repeats(pending, {base.us + 1000}, noon, 0));
}

TEST(KeptComment, TheWindowEndsAlsoForOneThatWasAdopted)
{
    const KeptComment adopted = {base, noon, Timestamp{noon.us + minute}};
    const Timestamp other{base.us - hour};
    EXPECT_TRUE(repeats(adopted, other, {noon.us + hour - 1}, hour));
    EXPECT_FALSE(repeats(adopted, other, {noon.us + hour}, hour));
    EXPECT_TRUE(repeats(adopted, base, {noon.us + 1000 * hour}, hour));
}

}  // namespace

}  // namespace crm::core
