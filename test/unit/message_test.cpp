#include "core/message.h"

#include <gtest/gtest.h>

namespace crm::core {

namespace {

MessageFacts
facts(Outcome outcome)
{
    MessageFacts facts = {};
    facts.outcome = outcome;
    facts.row = "customer 7";
    return facts;
}

TEST(Message, OfPlainOutcomes)
{
    EXPECT_EQ(message(facts(Outcome::updated)), "Customer 7 is saved.");
    EXPECT_EQ(message(facts(Outcome::merged)),
              "Customer 7 is saved together with what others changed since you read it.");
    EXPECT_EQ(message(facts(Outcome::unchanged)), "Customer 7 already is as you asked; nothing was written.");
    EXPECT_EQ(message(facts(Outcome::gone)), "Customer 7 was deleted; nothing was saved.");
    EXPECT_EQ(message(facts(Outcome::not_found)), "There is no customer 7; nothing was saved.");
}

TEST(Message, OfCallsThatMakeAllOrNone)
{
    MessageFacts failed = facts(Outcome::failed_dependency);
    failed.refused = "2";
    failed.asked_change = true;
    EXPECT_EQ(message(failed), "Save 2 of the same call was refused; your change was not applied.");
    failed.refused = "2, 3";
    failed.comment_kept = true;
    failed.intent = Intent::deletion;
    EXPECT_EQ(
        message(failed),
        "Saves 2, 3 of the same call were refused; it was not deleted, and your comment is kept once you commit.");
    MessageFacts check = facts(Outcome::unchanged);
    check.intent = Intent::check;
    EXPECT_EQ(message(check), "Customer 7 has the version you sent, until the transaction ends.");
    check.outcome = Outcome::gone;
    EXPECT_EQ(message(check), "Customer 7 was deleted; nothing was saved.");
}

TEST(Message, OfDeletions)
{
    MessageFacts deletion = facts(Outcome::deleted);
    deletion.intent = Intent::deletion;
    EXPECT_EQ(message(deletion), "Customer 7 is deleted.");
    deletion.outcome = Outcome::gone;
    EXPECT_EQ(message(deletion), "Customer 7 was deleted before; nothing was done.");
    deletion.outcome = Outcome::not_found;
    EXPECT_EQ(message(deletion), "There is no customer 7; nothing was deleted.");
    deletion.outcome = Outcome::conflict;
    deletion.comment_kept = true;
    EXPECT_EQ(message(deletion),
              "Customer 7 was changed since you read it; it was not deleted, and your comment is kept "
              "once you commit.");
    deletion.outcome = Outcome::replayed;
    deletion.is_gone = true;
    EXPECT_EQ(message(deletion), "This deletion of customer 7 was applied before; nothing was done twice.");
    deletion.is_gone = false;
    EXPECT_EQ(message(deletion), "This deletion of customer 7 was applied before, and it was restored or created again "
                                 "since; nothing was done twice.");
}

TEST(Message, OfRestorations)
{
    MessageFacts restoration = facts(Outcome::restored);
    restoration.intent = Intent::restoration;
    EXPECT_EQ(message(restoration), "Customer 7 is restored.");
    restoration.outcome = Outcome::unchanged;
    EXPECT_EQ(message(restoration), "Customer 7 is there already; nothing was written.");
    restoration.outcome = Outcome::conflict;
    EXPECT_EQ(message(restoration), "Customer 7 was created again after it had been deleted; nothing was restored.");
    restoration.outcome = Outcome::gone;
    EXPECT_EQ(message(restoration), "Customer 7 was deleted, and is kept no longer; nothing was restored.");
    restoration.outcome = Outcome::not_found;
    EXPECT_EQ(message(restoration), "There never was a customer 7; nothing was restored.");
}

TEST(Message, OfReversions)
{
    MessageFacts reversion = facts(Outcome::updated);
    reversion.intent = Intent::reversion;
    EXPECT_EQ(message(reversion), "Customer 7 is saved; what you named is undone.");
    reversion.outcome = Outcome::conflict;
    reversion.is_superseded = true;
    reversion.asked_change = true;
    EXPECT_EQ(message(reversion),
              "What you want undone of customer 7 was changed again since; your change was not applied.");
}

TEST(Message, OfAnotherTable)
{
    MessageFacts deal = facts(Outcome::updated);
    deal.row = "record 7 of deals";
    EXPECT_EQ(message(deal), "Record 7 of deals is saved.");
    deal.outcome = Outcome::not_found;
    EXPECT_EQ(message(deal), "There is no record 7 of deals; nothing was saved.");
    deal.outcome = Outcome::conflict;
    deal.asked_change = true;
    EXPECT_EQ(message(deal), "Record 7 of deals was changed since you read it; your change was not applied.");
    deal.outcome = Outcome::replayed;
    deal.is_gone = true;
    EXPECT_EQ(
        message(deal),
        "This save of record 7 of deals was applied before, and the record was deleted since; nothing was done twice.");
}

TEST(Message, OfAReplay)
{
    MessageFacts replay = facts(Outcome::replayed);
    EXPECT_EQ(
        message(replay),
        "This save of customer 7 was applied before, and the customer was changed since; nothing was done twice.");
    replay.is_current = true;
    EXPECT_EQ(message(replay), "This save of customer 7 was applied before; nothing was done twice.");
    replay.is_current = false;
    replay.is_gone = true;
    EXPECT_EQ(
        message(replay),
        "This save of customer 7 was applied before, and the customer was deleted since; nothing was done twice.");
}

TEST(Message, OfAConflictTellsWhoAndHowOften)
{
    MessageFacts conflict = facts(Outcome::conflict);
    EXPECT_EQ(message(conflict), "Customer 7 was changed since you read it; nothing was changed.");
    conflict.changes = 1;
    conflict.last_author = "ben";
    EXPECT_EQ(message(conflict), "Customer 7 was changed by ben since you read it; nothing was changed.");
    conflict.changes = 29;
    EXPECT_EQ(message(conflict),
              "Customer 7 was changed 29 times since you read it, last by ben; nothing was changed.");
    conflict.last_author = {};
    EXPECT_EQ(message(conflict), "Customer 7 was changed 29 times since you read it; nothing was changed.");
}

TEST(Message, OfALockTellsWhoHoldsIt)
{
    MessageFacts locked = facts(Outcome::locked);
    locked.locked_by = "ben";
    EXPECT_EQ(message(locked), "Customer 7 is locked for editing by ben; nothing was changed.");
    locked.asked_change = true;
    locked.comment_kept = true;
    EXPECT_EQ(message(locked),
              "Customer 7 is locked for editing by ben; your change was not applied, and your comment is kept "
              "once you commit.");
}

TEST(Message, OfAConflictTellsWhatBecameOfTheRequest)
{
    MessageFacts conflict = facts(Outcome::conflict);
    conflict.asked_change = true;
    EXPECT_EQ(message(conflict), "Customer 7 was changed since you read it; your change was not applied.");
    conflict.comment_kept = true;
    EXPECT_EQ(message(conflict), "Customer 7 was changed since you read it; your change was not applied, and your "
                                 "comment is kept once you commit.");
    conflict.asked_change = false;
    EXPECT_EQ(message(conflict), "Customer 7 was changed since you read it; nothing was changed, and your comment is "
                                 "kept once you commit.");
}

TEST(Message, OfAConflictTellsThatTheBaseWasNoVersion)
{
    MessageFacts conflict = facts(Outcome::conflict);
    conflict.changes = 3;
    conflict.last_author = "ben";
    conflict.base_problem = BaseProblem::never_a_version;
    EXPECT_EQ(message(conflict), "Customer 7 never had the version you sent; nothing was changed.");
    conflict.base_problem = BaseProblem::cut_to_seconds;
    EXPECT_EQ(message(conflict), "Customer 7 never had the version you sent; nothing was changed.");
    conflict.base_problem = BaseProblem::before_history;
    EXPECT_EQ(message(conflict),
              "The version you sent is older than the kept history of customer 7; nothing was changed.");
}

TEST(Message, OfTwoChangesCountsThem)
{
    MessageFacts conflict = facts(Outcome::conflict);
    conflict.changes = 2;
    EXPECT_EQ(message(conflict), "Customer 7 was changed 2 times since you read it; nothing was changed.");
}

// Whatever the facts: one sentence that names the customer and shows no number beside the count of changes.
TEST(Message, IsAlwaysOneSentenceWithoutTimes)
{
    constexpr std::optional<BaseProblem> problems[] = {
        std::nullopt,
        BaseProblem::infinite,
        BaseProblem::cut_to_seconds,
        BaseProblem::zone_offset,
        BaseProblem::in_the_future,
        BaseProblem::before_history,
        BaseProblem::never_a_version,
    };
    for (Outcome outcome : {Outcome::updated, Outcome::merged, Outcome::unchanged, Outcome::replayed, Outcome::conflict,
                            Outcome::locked, Outcome::gone, Outcome::not_found, Outcome::deleted, Outcome::restored})
        for (std::int64_t changes : {0, 1, 2, 29})
            for (std::string_view author : {"", "ben"})
                for (std::optional<BaseProblem> problem : problems)
                    for (unsigned flags = 0; flags < 128; flags++)
                    {
                        const std::string text =
                            message({outcome, static_cast<Intent>(flags / 32), "customer key", changes, author, "ben",
                                     "2", problem, (flags & 1) != 0, (flags & 2) != 0, (flags & 4) != 0,
                                     (flags & 8) != 0, (flags & 16) != 0});
                        ASSERT_FALSE(text.empty());
                        EXPECT_NE(text.find("ustomer key"), std::string::npos) << text;
                        EXPECT_TRUE(text.front() >= 'A' && text.front() <= 'Z') << text;
                        EXPECT_EQ(text.find_first_of(".!?\n"), text.size() - 1) << text;
                        EXPECT_EQ(text.find("  "), std::string::npos) << text;

                        std::string rest = text;
                        const std::size_t count = rest.find(std::to_string(changes) + " times");
                        if (changes > 1 && count != std::string::npos)
                            rest.erase(count, std::to_string(changes).size());
                        EXPECT_EQ(rest.find_first_of("0123456789"), std::string::npos) << text;
                    }
}

}  // namespace

}  // namespace crm::core
