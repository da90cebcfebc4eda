#include "core/comment_tree.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace crm::core {

namespace {

// The tree as text: 1(2(3) 4) 5
std::string
shown(const std::vector<Reply> &comments, const std::vector<TreeNode> &tree, int first)
{
    std::string text;
    for (int i = first; i >= 0; i = tree[static_cast<std::size_t>(i)].next)
    {
        text += (text.empty() ? "" : " ") + std::to_string(comments[static_cast<std::size_t>(i)].id);
        const int reply = tree[static_cast<std::size_t>(i)].first_reply;
        if (reply >= 0)
            text += "(" + shown(comments, tree, reply) + ")";
    }
    return text;
}

std::string
arranged(const std::vector<Reply> &comments, int deepest = 100)
{
    std::vector<TreeNode> tree(comments.size());
    const int first = arrange(comments, tree, deepest);
    return shown(comments, tree, first);
}

TEST(CommentTree, RepliesStandUnderWhatTheyAnswer)
{
    EXPECT_EQ(arranged({}), "");
    EXPECT_EQ(arranged({{1, {}}, {2, {}}}), "1 2");
    EXPECT_EQ(arranged({{1, {}}, {2, 1}, {3, 2}, {4, 1}, {5, {}}, {6, 1}}), "1(2(3) 4 6) 5");
}

TEST(CommentTree, WhatAnswersOneThatIsNotThereStandsAtTheTop)
{
    EXPECT_EQ(arranged({{5, 1}, {6, 5}, {9, 8}}), "5(6) 9");
    EXPECT_EQ(arranged({{5, 5}, {6, 7}, {7, 6}}), "5 6(7)");
}

TEST(CommentTree, NothingIsDeeperThanTheLimit)
{
    EXPECT_EQ(arranged({{1, {}}, {2, 1}, {3, 2}, {4, 3}, {5, 4}}, 2), "1(2(3 4 5))");
    EXPECT_EQ(arranged({{1, {}}, {2, 1}, {3, 2}}, 0), "1 2 3");

    std::vector<Reply> chain;
    for (std::int64_t id = 1; id <= 100'000; id++)
        chain.push_back({id, id == 1 ? std::nullopt : std::optional{id - 1}});
    std::vector<TreeNode> tree(chain.size());
    EXPECT_EQ(arrange(chain, tree, 100), 0);
    EXPECT_EQ(tree.back().depth, 100);
    EXPECT_EQ(tree[100].parent, 99);
    EXPECT_EQ(tree.back().parent, 99);
}

TEST(Threads, BeginWhereACommentAnswersNone)
{
    const std::vector<Reply> comments = {{1, {}}, {2, 1}, {3, {}}, {4, 2},  {5, 1},
                                         {6, 99}, {7, 6}, {8, 8},  {9, 10}, {10, {}}};
    std::vector<ThreadPlace> places(comments.size());
    find_threads(comments, places);
    std::string text;
    for (const ThreadPlace &place : places)
        text += " " + std::to_string(place.thread) + ":" + std::to_string(place.depth);
    EXPECT_EQ(text, " 1:0 1:1 3:0 1:2 1:1 6:0 6:1 8:0 9:0 10:0");
    find_threads({}, {});
}

TEST(Threads, MayBeLong)
{
    std::vector<Reply> comments = {{1, {}}};
    for (std::int64_t id = 2; id <= 100'000; id++)
        comments.push_back({id, id - 1});
    std::vector<ThreadPlace> places(comments.size());
    find_threads(comments, places);
    EXPECT_EQ(places.back().thread, 1);
    EXPECT_EQ(places.back().depth, 99'999);
}

}  // namespace

}  // namespace crm::core
