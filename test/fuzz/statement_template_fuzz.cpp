// The input is a statement and, after its first zero byte, what the names in its braces stand for.
#include "core/statement_template.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "input.h"

using namespace crm::core;
using crm::fuzz::require;

namespace {

// A name as SQL quotes it.
std::string
quoted(std::string_view name)
{
    std::string text = "\"";
    for (const char c : name)
        text += c == '"' ? std::string{"\"\""} : std::string{c};
    return text + '"';
}

// The names in the quotes of a text, read as a server reads them; ends the program where a quote is not closed.
std::vector<std::string>
names_in(std::string_view text)
{
    std::vector<std::string> names;
    for (std::size_t i = 0; i < text.size(); i++)
    {
        if (text[i] != '"')
            continue;
        std::string name;
        for (i++;; i++)
        {
            require(i < text.size(), "every quote is closed");
            if (text[i] != '"')
                name += text[i];
            else if (i + 1 < text.size() && text[i + 1] == '"')
                name += text[i++];
            else
                break;
        }
        names.push_back(name);
    }
    return names;
}

bool
is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || c == '_';
}

// The names in braces, found one character after the other.
std::vector<std::string>
placeholders_in(std::string_view statement)
{
    std::vector<std::string> names;
    std::string name;
    bool is_open = false;
    for (const char c : statement)
    {
        if (is_open && c == '}' && !name.empty())
            names.push_back(name);
        if (is_open && is_letter(c))
            name += c;
        else
        {
            is_open = c == '{';
            name.clear();
        }
    }
    return names;
}

}  // namespace

extern "C" int
LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    const std::string input{reinterpret_cast<const char *>(data), size};
    const std::size_t end = std::min(input.find('\0'), input.size());
    std::string statement = input.substr(0, end);
    std::erase(statement, '"');
    const std::string name = end < input.size() ? input.substr(end + 1) : "";
    // Two names side by side are parted, as in every statement.
    const std::string value = quoted(name) + ' ';

    std::string text;
    std::vector<std::string> asked;
    fill(
        statement,
        [&](std::string_view placeholder) -> std::string_view {
            asked.emplace_back(placeholder);
            return value;
        },
        [&text](std::string_view part) { text += part; });

    require(asked == placeholders_in(statement), "each name in braces of the statement is asked for once, in order");
    const std::vector<std::string> names = names_in(text);
    require(names.size() == asked.size(), "as many names come out as go in");
    for (const std::string &found : names)
        require(found == name, "a name comes out as it went in");
    return 0;
}
