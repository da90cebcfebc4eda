#include "core/message.h"

#include <gtest/gtest.h>

namespace crm::core {

namespace {

MessageFacts
facts(Outcome outcome)
{
    MessageFacts facts = {};
    facts.outcome = outcome;
    facts.customer = "7";
    return facts;
}

TEST(Message, OfPlainOutcomes)
{
    EXPECT_EQ(message(facts(Outcome::updated)), "Customer 7 is saved.");
    EXPECT_EQ(message(facts(Outcome::unchanged)), "Customer 7 already is as you asked; nothing was written.");
    EXPECT_EQ(message(facts(Outcome::deleted)), "Customer 7 was deleted; nothing was saved.");
    EXPECT_EQ(message(facts(Outcome::not_found)), "There is no customer 7; nothing was saved.");
}

TEST(Message, OfAReplay)
{
    MessageFacts replay = facts(Outcome::replayed);
    EXPECT_EQ(message(replay),
              "This save of customer 7 was applied before, and the customer was changed since; nothing was done twice.");
    replay.is_current = true;
    EXPECT_EQ(message(replay), "This save of customer 7 was applied before; nothing was done twice.");
    replay.is_current = false;
    replay.is_gone = true;
    EXPECT_EQ(message(replay),
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

TEST(Message, OfAConflictTellsWhatBecameOfTheRequest)
{
    MessageFacts conflict = facts(Outcome::conflict);
    conflict.asked_status = true;
    EXPECT_EQ(message(conflict), "Customer 7 was changed since you read it; your status was not applied.");
    conflict.comment_kept = true;
    EXPECT_EQ(message(conflict), "Customer 7 was changed since you read it; your status was not applied, and your "
                                 "comment is kept once you commit.");
    conflict.asked_status = false;
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
    EXPECT_EQ(message(conflict), "The version you sent is older than the kept history of customer 7; nothing was changed.");
}

}  // namespace

}  // namespace crm::core
