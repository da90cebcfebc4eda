#pragma once

#include <optional>
#include <string_view>

// Statements in which a name in braces, of small letters and underscores, stands for other text.
namespace crm::core {

// The first name in braces of a text: what stands before it, the name, and what comes after.
struct Placeholder
{
    std::string_view before;
    std::string_view name;
    std::string_view after;
};

// Nothing where the text has none. Other braces are text.
constexpr std::optional<Placeholder>
find_placeholder(std::string_view text)
{
    constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz_";
    for (std::size_t open = text.find('{'); open != text.npos; open = text.find('{', open + 1))
    {
        const std::size_t close = text.find_first_not_of(letters, open + 1);
        if (close != text.npos && text[close] == '}' && close > open + 1)
            return Placeholder{text.substr(0, open), text.substr(open + 1, close - open - 1), text.substr(close + 1)};
    }
    return std::nullopt;
}

// Calls add() with each part of a statement in turn: its own text, and what meaning() returns for a name. Only the
// statement is looked through, never what a name stands for.
template <typename Meaning, typename Add>
void
fill(std::string_view statement, Meaning meaning, Add add)
{
    while (const std::optional<Placeholder> placeholder = find_placeholder(statement))
    {
        add(placeholder->before);
        add(meaning(placeholder->name));
        statement = placeholder->after;
    }
    add(statement);
}

}  // namespace crm::core
