#include "text.h"

#include <array>

namespace crm::core {

namespace {

using namespace std::string_view_literals;

// Unicode 15 White_Space beyond ASCII, in UTF-8; U+2000 to U+200A are three bytes that differ in the last one only.
constexpr std::array wide_spaces = {"\xC2\x85"sv,     "\xC2\xA0"sv,     "\xE1\x9A\x80"sv, "\xE2\x80\xA8"sv,
                                    "\xE2\x80\xA9"sv, "\xE2\x80\xAF"sv, "\xE2\x81\x9F"sv, "\xE3\x80\x80"sv};

std::size_t
leading_space(std::string_view text)
{
    const unsigned char c = static_cast<unsigned char>(text.front());
    if (c == ' ' || (c >= '\t' && c <= '\r'))
        return 1;
    if (c < 0x80)
        return 0;
    for (std::string_view space : wide_spaces)
        if (text.starts_with(space))
            return space.size();
    if (text.starts_with("\xE2\x80"sv) && text.size() >= 3)
    {
        const unsigned char last = static_cast<unsigned char>(text[2]);
        if (last >= 0x80 && last <= 0x8A)
            return 3;
    }
    return 0;
}

}  // namespace

bool
is_blank(std::string_view text)
{
    while (!text.empty())
    {
        const std::size_t space = leading_space(text);
        if (space == 0)
            return false;
        text.remove_prefix(space);
    }
    return true;
}

}  // namespace crm::core
