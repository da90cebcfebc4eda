#include "comment_tree.h"

#include <algorithm>

namespace crm::core {

int
position_of(std::span<const Reply> comments, std::int64_t id)
{
    const auto found = std::lower_bound(comments.begin(), comments.end(), id,
                                        [](const Reply &comment, std::int64_t wanted) { return comment.id < wanted; });
    return found != comments.end() && found->id == id ? static_cast<int>(found - comments.begin()) : -1;
}

int
arrange(std::span<const Reply> comments, std::span<TreeNode> tree, int deepest)
{
    // A reply has a higher id than what it answers, so that its parent has its place already.
    for (std::size_t i = 0; i < comments.size(); i++)
    {
        int parent = comments[i].reply_to ? position_of(comments.first(i), *comments[i].reply_to) : -1;
        if (parent >= 0 && tree[static_cast<std::size_t>(parent)].depth >= deepest)
            parent = tree[static_cast<std::size_t>(parent)].parent;
        tree[i] = {parent, -1, -1, parent < 0 ? 0 : tree[static_cast<std::size_t>(parent)].depth + 1};
    }
    // From the last to the first, each is put before those that stand beside it.
    int first = -1;
    for (std::size_t i = comments.size(); i-- > 0;)
    {
        int &begin = tree[i].parent < 0 ? first : tree[static_cast<std::size_t>(tree[i].parent)].first_reply;
        tree[i].next = begin;
        begin = static_cast<int>(i);
    }
    return first;
}

void
find_threads(std::span<const Reply> comments, std::span<ThreadPlace> places)
{
    for (std::size_t i = 0; i < comments.size(); i++)
    {
        const int parent = comments[i].reply_to ? position_of(comments.first(i), *comments[i].reply_to) : -1;
        if (parent < 0)
            places[i] = {comments[i].id, 0};
        else
            places[i] = {places[static_cast<std::size_t>(parent)].thread,
                         places[static_cast<std::size_t>(parent)].depth + 1};
    }
}

}  // namespace crm::core
