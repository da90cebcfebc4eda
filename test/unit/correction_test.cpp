#include "core/correction.h"

#include <gtest/gtest.h>

namespace crm::core {

namespace {

// A comment with the expected text, which the correction changes.
constexpr CorrectionSituation expected = {
    .is_there = true, .is_withdrawn = false, .has_expected_text = true, .changes_text = true, .is_made = false};

TEST(Correction, TheExpectedTextIsChanged)
{
    EXPECT_EQ(decide(expected), CorrectionOutcome::updated);
    CorrectionSituation same = expected;
    same.changes_text = false;
    EXPECT_EQ(decide(same), CorrectionOutcome::unchanged);
}

TEST(Correction, AnotherTextIsAConflictUnlessThisWasMadeBefore)
{
    CorrectionSituation late = expected;
    late.has_expected_text = false;
    EXPECT_EQ(decide(late), CorrectionOutcome::conflict);
    late.changes_text = false;
    EXPECT_EQ(decide(late), CorrectionOutcome::conflict) << "somebody else gave it the text that is asked for";
    late.is_made = true;
    EXPECT_EQ(decide(late), CorrectionOutcome::replayed);
}

TEST(Correction, WhereTheTextCameBackItIsMadeAgain)
{
    CorrectionSituation again = expected;
    again.is_made = true;
    EXPECT_EQ(decide(again), CorrectionOutcome::updated);
}

TEST(Correction, AWithdrawnCommentIsGoneUnlessThisWasMadeBefore)
{
    CorrectionSituation withdrawn = expected;
    withdrawn.is_withdrawn = true;
    EXPECT_EQ(decide(withdrawn), CorrectionOutcome::gone);
    withdrawn.is_made = true;
    EXPECT_EQ(decide(withdrawn), CorrectionOutcome::replayed);
}

TEST(Correction, WhatIsNotThereIsNotFound)
{
    EXPECT_EQ(decide({}), CorrectionOutcome::not_found);
}

TEST(Correction, NamesStatusCodesAndMessages)
{
    struct
    {
        CorrectionOutcome outcome;
        std::string_view name;
        int status;
        std::string_view of_edit;
        std::string_view of_withdrawal;
    } const all[] = {
        {CorrectionOutcome::updated, "updated", 200, "Comment 17 of customer 7 is corrected.",
         "Comment 17 of customer 7 is withdrawn."},
        {CorrectionOutcome::unchanged, "unchanged", 200, "Comment 17 of customer 7 has this text already.",
         "Comment 17 of customer 7 has this text already."},
        {CorrectionOutcome::replayed, "replayed", 200, "Comment 17 of customer 7 was corrected so before.",
         "Comment 17 of customer 7 was withdrawn before."},
        {CorrectionOutcome::conflict, "conflict", 409,
         "Comment 17 of customer 7 has another text by now. Nothing was changed.",
         "Comment 17 of customer 7 has another text by now. Nothing was changed."},
        {CorrectionOutcome::gone, "gone", 410, "Comment 17 of customer 7 was withdrawn. Nothing was changed.",
         "Comment 17 of customer 7 was withdrawn. Nothing was changed."},
        {CorrectionOutcome::not_found, "not_found", 404, "There is no comment 17 of customer 7.",
         "There is no comment 17 of customer 7."},
    };
    for (const auto &expected_of : all)
    {
        EXPECT_EQ(name(expected_of.outcome), expected_of.name);
        EXPECT_EQ(http_status(expected_of.outcome), expected_of.status);
        EXPECT_EQ(correction_message(expected_of.outcome, Correction::edit, "customer 7", 17), expected_of.of_edit);
        EXPECT_EQ(correction_message(expected_of.outcome, Correction::withdraw, "customer 7", 17),
                  expected_of.of_withdrawal);
    }
    EXPECT_EQ(name(Correction::edit), "edit");
    EXPECT_EQ(name(Correction::withdraw), "withdraw");
}

}  // namespace

}  // namespace crm::core
