#include "author_setting.h"

namespace crm::core {

namespace {

bool
begins_name(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
}

bool
continues_name(unsigned char c)
{
    return begins_name(c) || (c >= '0' && c <= '9') || c == '$';
}

// Identifiers joined by dots, as PostgreSQL's names of settings are.
bool
is_setting_name(std::string_view text)
{
    bool at_begin = true;
    for (const char c : text)
    {
        const bool fits = at_begin ? begins_name(static_cast<unsigned char>(c))
                                   : c == '.' || continues_name(static_cast<unsigned char>(c));
        if (!fits)
            return false;
        at_begin = c == '.';
    }
    return !at_begin;
}

}  // namespace

std::optional<AuthorSetting>
parse_author_setting(std::string_view text)
{
    using Source = AuthorSetting::Source;

    if (text.empty())
        return AuthorSetting{};
    if (text == "session_user")
        return AuthorSetting{Source::session_user, {}, {}};
    const std::size_t arrow = text.find("->>");
    const std::string_view name = text.substr(0, arrow);
    if (!is_setting_name(name))
        return std::nullopt;
    if (arrow == text.npos)
        return AuthorSetting{Source::setting, name, {}};
    const std::string_view key = text.substr(arrow + 3);
    if (key.empty())
        return std::nullopt;
    return AuthorSetting{Source::json_key, name, key};
}

}  // namespace crm::core
