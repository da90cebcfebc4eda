#include "text.h"

namespace crm::core {

namespace {

using namespace std::string_view_literals;

// Unicode 15.
constexpr std::string_view beyond_ascii_in_utf8[] = {
    "\xC2\x85"sv,     "\xC2\xA0"sv,     "\xE1\x9A\x80"sv, "\xE2\x80\x80"sv, "\xE2\x80\x81"sv,
    "\xE2\x80\x82"sv, "\xE2\x80\x83"sv, "\xE2\x80\x84"sv, "\xE2\x80\x85"sv, "\xE2\x80\x86"sv,
    "\xE2\x80\x87"sv, "\xE2\x80\x88"sv, "\xE2\x80\x89"sv, "\xE2\x80\x8A"sv, "\xE2\x80\xA8"sv,
    "\xE2\x80\xA9"sv, "\xE2\x80\xAF"sv, "\xE2\x81\x9F"sv, "\xE3\x80\x80"sv,
};

std::size_t
leading_space(std::string_view text, const WhiteSpace &space)
{
    const unsigned char c = static_cast<unsigned char>(text.front());
    if (c == ' ' || (c >= '\t' && c <= '\r'))
        return 1;
    if (c < 0x80)
        return 0;
    for (const std::string_view wide : space.beyond_ascii)
        if (text.starts_with(wide))
            return wide.size();
    return 0;
}

}  // namespace

constexpr WhiteSpace utf8_space = {beyond_ascii_in_utf8};

bool
is_blank(std::string_view text, const WhiteSpace &space)
{
    while (!text.empty())
    {
        const std::size_t length = leading_space(text, space);
        if (length == 0)
            return false;
        text.remove_prefix(length);
    }
    return true;
}

}  // namespace crm::core
