#pragma once

#include <optional>
#include <string_view>

namespace crm::core {

// Where the name of the authenticated user is found, as crm_concurrency.author_setting says.
struct AuthorSetting
{
    enum class Source
    {
        none,          // nowhere: the caller names the author
        session_user,  // the user who logged in to the database
        setting,       // the value of a setting
        json_key,      // one key of a setting whose value is a JSON object
    };

    Source source = Source::none;
    std::string_view setting;
    std::string_view key;
};

// Reads '', 'session_user', the name of a setting or 'name->>key'; empty for what is none of them.
std::optional<AuthorSetting> parse_author_setting(std::string_view text);

}  // namespace crm::core
