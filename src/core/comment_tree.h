#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace crm::core {

// A comment and the one that it answers.
struct Reply
{
    std::int64_t id;
    std::optional<std::int64_t> reply_to;
};

// The place of a comment in the tree: positions of other comments, -1 for none.
struct TreeNode
{
    int parent;
    int first_reply;
    int next;   // the next comment with the same parent
    int depth;  // 0 for a comment that answers none of the others
};

// Arranges comments, given by ascending id, as a tree: a comment stands under the one that it answers where that is among
// them, in the order of their ids. Nothing is deeper than deepest: what answers a comment there stands beside it. Returns
// the position of the first comment that stands under no other.
int arrange(std::span<const Reply> comments, std::span<TreeNode> tree, int deepest);

// The thread of a comment: the comment that begins it, and how many steps that is away.
struct ThreadPlace
{
    std::int64_t thread;
    int depth;
};

// Finds the threads of comments, given by ascending id. A comment that answers none of the others begins one.
void find_threads(std::span<const Reply> comments, std::span<ThreadPlace> places);

// The position of the comment with this id, -1 for none.
int position_of(std::span<const Reply> comments, std::int64_t id);

}  // namespace crm::core
