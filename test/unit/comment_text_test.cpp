#include "core/comment_text.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace crm::core {

namespace {

// Two entries are the same when all their parts are; printed, they tell which are not.
std::string
shown(const TextEntry &entry)
{
    std::string text = entry.time ? std::to_string(entry.time->year) + "-" + std::to_string(entry.time->month) + "-" +
                                        std::to_string(entry.time->day) + " " + std::to_string(entry.time->hour) + ":" +
                                        std::to_string(entry.time->minute) + ":" + std::to_string(entry.time->second)
                                  : "no stamp";
    return text + "|" + std::string{entry.author} + "|" + std::string{entry.body};
}

std::vector<std::string>
read(std::string_view text)
{
    std::vector<std::string> entries;
    CommentTextReader reader{text};
    while (const std::optional<TextEntry> entry = reader.next())
        entries.push_back(shown(*entry));
    return entries;
}

using Entries = std::vector<std::string>;

TEST(CommentText, ReadsEntries)
{
    EXPECT_EQ(read("[12/15/2024, 3:45:23 PM] ana: Called.\n\n[1/2/2025, 12:00:00 AM] Ben O'Neil: Wrote:\ntwo lines"),
              (Entries{"2024-12-15 15:45:23|ana|Called.", "2025-1-2 0:0:0|Ben O'Neil|Wrote:\ntwo lines"}));
    EXPECT_EQ(read(""), Entries{});
    EXPECT_EQ(read(" \n\t\n"), Entries{});
}

TEST(CommentText, ReadsTheTimesThatBrowsersWrite)
{
    EXPECT_EQ(read("[2/29/2024, 12:00:00 PM] a: x"), (Entries{"2024-2-29 12:0:0|a|x"}));
    EXPECT_EQ(read("[1/2/2024, 3:04:05\xE2\x80\xAFPM] a: x"), (Entries{"2024-1-2 15:4:5|a|x"}));
    EXPECT_EQ(read("[1/2/2024, 3:04:05\xC2\xA0pm] a: x"), (Entries{"2024-1-2 15:4:5|a|x"}));
    EXPECT_EQ(read("[01/02/2024, 03:04 am] a: x"), (Entries{"2024-1-2 3:4:0|a|x"}));
    EXPECT_EQ(read("[1/2/2024, 23:04:05] a: x"), (Entries{"2024-1-2 23:4:5|a|x"}));
    EXPECT_EQ(read("[1/2/2024, 0:04] a: x"), (Entries{"2024-1-2 0:4:0|a|x"}));
}

TEST(CommentText, AFirstEntryMayHaveNoStamp)
{
    EXPECT_EQ(read("An old note\n\nof two paragraphs\n\n[1/2/2024, 3:04:05 PM] a: x"),
              (Entries{"no stamp||An old note\n\nof two paragraphs", "2024-1-2 15:4:5|a|x"}));
    EXPECT_EQ(read("\n\nAn old note\n"), (Entries{"no stamp||An old note"}));
}

TEST(CommentText, WhatDoesNotParseStaysText)
{
    for (std::string_view broken : {"[13/1/2024, 3:04:05 PM] a: x",
                                    "[2/29/2023, 3:04:05 PM] a: x",
                                    "[0/1/2024, 3:04:05 PM] a: x",
                                    "[1/0/2024, 3:04:05 PM] a: x",
                                    "[1/1/24, 3:04:05 PM] a: x",
                                    "[1/1/2024, 13:04:05 PM] a: x",
                                    "[1/1/2024, 0:04:05 AM] a: x",
                                    "[1/1/2024, 24:04:05] a: x",
                                    "[1/1/2024, 3:60:05 PM] a: x",
                                    "[1/1/2024, 3:04:60 PM] a: x",
                                    "[1/1/2024, 3:04:5 PM] a: x",
                                    "[1/1/2024 3:04:05 PM] a: x",
                                    "[1/1/2024, 3:04:05 PM]a: x",
                                    "[1/1/2024, 3:04:05 PM] a:x",
                                    "[1/1/2024, 3:04:05 PM] : x",
                                    "[1/1/2024, 3:04:05 PM]  : x",
                                    "[1/1/2024, 3:04:05 PM] ",
                                    "[1/1/2024, 3:04:05 PM",
                                    "[1/1/2024, 3:0",
                                    "[",
                                    "[1/1/2024, 3:04:05 PM] a: ",
                                    "[1/1/2024, 3:04:05 PM] a\n: x",
                                    " [1/1/2024, 3:04:05 PM] a: x",
                                    "1/1/2024, 3:04:05 PM a: x",
                                    "[1/1/2024, 3:04:05 XM] a: x",
                                    "[0001/1/2024, 3:04:05 PM] a: x"})
    {
        EXPECT_EQ(read(broken), (Entries{"no stamp||" + std::string{broken}}));
        EXPECT_EQ(read("[1/2/2024, 3:04:05 PM] a: x\n\n" + std::string{broken} + "\n\n[1/3/2024, 3:04:05 PM] b: y"),
                  (Entries{"2024-1-2 15:4:5|a|x\n\n" + std::string{broken}, "2024-1-3 15:4:5|b|y"}));
    }
}

TEST(CommentText, AStampCountsAfterABlankLineOnly)
{
    EXPECT_EQ(read("[1/2/2024, 3:04:05 PM] a: x\n[1/3/2024, 3:04:05 PM] b: y"),
              (Entries{"2024-1-2 15:4:5|a|x\n[1/3/2024, 3:04:05 PM] b: y"}));
    EXPECT_EQ(read("[1/2/2024, 3:04:05 PM] a: x [1/3/2024, 3:04:05 PM] b: y"),
              (Entries{"2024-1-2 15:4:5|a|x [1/3/2024, 3:04:05 PM] b: y"}));
    EXPECT_EQ(read("[1/2/2024, 3:04:05 PM] a: x\n \t\n\n[1/3/2024, 3:04:05 PM] b: y"),
              (Entries{"2024-1-2 15:4:5|a|x\n \t", "2024-1-3 15:4:5|b|y"}));
}

TEST(CommentText, KeepsLineEndsWithinTexts)
{
    EXPECT_EQ(read("[1/2/2024, 3:04:05 PM] a: x\r\ny\r\n\r\n[1/3/2024, 3:04:05 PM] b: z\r\n"),
              (Entries{"2024-1-2 15:4:5|a|x\r\ny", "2024-1-3 15:4:5|b|z"}));
}

TEST(CommentText, TheFirstColonWithASpaceEndsTheAuthor)
{
    EXPECT_EQ(read("[1/2/2024, 3:04:05 PM] team:sales: re: offer"), (Entries{"2024-1-2 15:4:5|team:sales|re: offer"}));
}

TEST(CommentText, Renders)
{
    EXPECT_EQ(render({LocalTime{2024, 12, 15, 15, 45, 23}, "ana", "Called."}), "[12/15/2024, 3:45:23 PM] ana: Called.");
    EXPECT_EQ(render({LocalTime{2024, 1, 2, 0, 4, 5}, "a", "x"}), "[1/2/2024, 12:04:05 AM] a: x");
    EXPECT_EQ(render({LocalTime{2024, 1, 2, 12, 4, 5}, "a\r\nb", "x\ny"}), "[1/2/2024, 12:04:05 PM] a  b: x\ny");
    EXPECT_EQ(render({std::nullopt, "", "x"}), "x");
    EXPECT_EQ(render({LocalTime{2024, 1, 2, 12, 4, 5}, "a", "x\n\n[1/3/2024, 3:04:05 PM] b: y"}),
              "[1/2/2024, 12:04:05 PM] a: x\n\n [1/3/2024, 3:04:05 PM] b: y");
}

// What is rendered is read again as it was: by bodies put together of everything that could be mistaken.
TEST(CommentText, RoundTrips)
{
    constexpr std::string_view pieces[] = {"x",
                                           " ",
                                           "\n",
                                           "\n\n",
                                           "\r\n",
                                           "[",
                                           "] ",
                                           ": ",
                                           "1/2/2024, 3:04:05 PM",
                                           "[1/3/2024, 3:04:05 PM] b: y",
                                           "[1/3/2024, 3:04:05 PM] b: ",
                                           "\xC3\xA4"};
    std::mt19937 random{20240102};
    for (int round = 0; round < 20'000; round++)
    {
        std::string text;
        std::vector<std::string> bodies;
        std::vector<std::string> expected;
        const int count = 1 + static_cast<int>(random() % 4);
        for (int i = 0; i < count; i++)
        {
            std::string body = "b";
            for (unsigned n = random() % 8; n > 0; n--)
                body += pieces[random() % std::size(pieces)];
            body += 'e';
            const TextEntry entry{LocalTime{2024, 1 + i, 2, static_cast<int>(random() % 24), 4, 5}, "author", body};
            text += render(entry) + "\n\n";
            // Read again, an indented line keeps its space.
            std::string indented = render({std::nullopt, "", body});
            expected.push_back(shown({entry.time, entry.author, indented}));
        }
        ASSERT_EQ(read(text), expected) << text;
    }
}

// Every character that is no line break at the begin or end of an entry is in one of the entries, whatever the text is.
TEST(CommentText, LosesNothing)
{
    constexpr std::string_view pieces[] = {"x",
                                           " ",
                                           "\n",
                                           "\n\n",
                                           "[1/3/2024, 3:04:05 PM] b: y",
                                           "[13/3/2024, 3:04:05 PM] b: y",
                                           "[1/3/2024, 3:04:05 PM] b: ",
                                           "[1/3/2024, 3:0"};
    std::mt19937 random{7};
    for (int round = 0; round < 20'000; round++)
    {
        std::string text;
        for (unsigned n = random() % 12; n > 0; n--)
            text += pieces[random() % std::size(pieces)];
        const auto letters = [](std::string_view from) {
            std::string kept;
            for (char c : from)
                if (c != '\n' && c != ' ')
                    kept += c;
            return kept;
        };
        std::string again;
        CommentTextReader reader{text};
        while (const std::optional<TextEntry> entry = reader.next())
        {
            if (entry->time)
                again += render({entry->time, entry->author, ""});
            again += entry->body;
        }
        ASSERT_EQ(letters(again), letters(text)) << text;
    }
}

}  // namespace

}  // namespace crm::core
