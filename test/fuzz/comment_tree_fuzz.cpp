// The input is how deep the tree may be, and then for each comment how much its id is above the one before, and the id
// that it answers or "-".
#include "core/comment_tree.h"

#include <vector>

#include "input.h"

using namespace crm;
using namespace crm::core;
using fuzz::Input;
using fuzz::require;

namespace {

// The position of the comment that this one answers, if it stands before it; -1 for none.
int
answered(const std::vector<Reply> &comments, std::size_t i)
{
    for (std::size_t j = 0; j < i; j++)
        if (comments[i].reply_to && comments[j].id == *comments[i].reply_to)
            return static_cast<int>(j);
    return -1;
}

// The comments that stand under the same, from first on: each is counted.
void
walk(const std::vector<TreeNode> &tree, int parent, int first, std::vector<int> &visits)
{
    int before = -1;
    for (int i = first; i >= 0; i = tree[static_cast<std::size_t>(i)].next)
    {
        const TreeNode &node = tree[static_cast<std::size_t>(i)];
        require(i > before && i > parent, "comments stand in the order of their ids");
        before = i;
        require(++visits[static_cast<std::size_t>(i)] == 1, "a comment stands in one place");
        require(node.parent == parent, "a comment knows what it stands under");
        require(node.depth == (parent < 0 ? 0 : tree[static_cast<std::size_t>(parent)].depth + 1),
                "depths are counted");
        walk(tree, i, node.first_reply, visits);
    }
}

void
tree_of(const std::vector<Reply> &comments, int deepest)
{
    std::vector<TreeNode> tree(comments.size());
    const int first = arrange(comments, tree, deepest);
    require(first == (comments.empty() ? -1 : 0), "the first comment stands first");

    std::vector<int> visits(comments.size());
    walk(tree, -1, first, visits);
    for (std::size_t i = 0; i < comments.size(); i++)
    {
        require(visits[i] == 1, "every comment stands in the tree");
        require(tree[i].depth <= deepest, "nothing is too deep");
        const int parent = answered(comments, i);
        if (parent < 0 || tree[static_cast<std::size_t>(parent)].depth < deepest)
            require(tree[i].parent == parent, "a comment stands under the one that it answers");
        else
            require(tree[i].parent == tree[static_cast<std::size_t>(parent)].parent,
                    "what would be too deep stands beside");
    }
}

void
threads_of(const std::vector<Reply> &comments)
{
    std::vector<ThreadPlace> places(comments.size());
    find_threads(comments, places);
    for (std::size_t i = 0; i < comments.size(); i++)
    {
        int begin = static_cast<int>(i), steps = 0;
        for (int next; (next = answered(comments, static_cast<std::size_t>(begin))) >= 0; steps++)
            begin = next;
        require(places[i].thread == comments[static_cast<std::size_t>(begin)].id && places[i].depth == steps,
                "a thread is found by going from answer to answer");
    }
}

}  // namespace

extern "C" int
LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    Input input{data, size};
    const int deepest = static_cast<int>(input.number(0, 20));
    std::vector<Reply> comments;
    std::int64_t id = 0;
    while (comments.size() < 100 && !input.at_end())
    {
        id += input.number(1, 1'000'000);
        comments.push_back({id, input.optional_number()});
    }
    for (std::size_t i = 0; i < comments.size(); i++)
        require(position_of(comments, comments[i].id) == static_cast<int>(i) &&
                    (position_of(comments, comments[i].id + 1) >= 0) ==
                        (i + 1 < comments.size() && comments[i + 1].id == comments[i].id + 1),
                "a comment is found by its id");
    tree_of(comments, deepest);
    threads_of(comments);
    return 0;
}
