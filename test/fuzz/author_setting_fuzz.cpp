// The input is a value of crm_concurrency.author_setting.
#include "core/author_setting.h"

#include <cstdint>
#include <string>

#include "input.h"

using namespace crm;
using namespace crm::core;
using fuzz::require;

namespace {

const std::string high = [] {
    std::string all;
    for (int c = 0x80; c <= 0xFF; c++)
        all += static_cast<char>(c);
    return all;
}();
const std::string begins = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_" + high;
const std::string continues = begins + "0123456789$";

bool
is_identifier(std::string_view text)
{
    return !text.empty() && begins.find(text.front()) != begins.npos && text.find_first_not_of(continues) == text.npos;
}

// One identifier, or one before a dot and a name.
bool
is_name(std::string_view text)
{
    const std::size_t dot = text.rfind('.');
    return dot == text.npos ? is_identifier(text) : is_identifier(text.substr(dot + 1)) && is_name(text.substr(0, dot));
}

// The text that a setting was read from.
std::string
written(const AuthorSetting &setting)
{
    switch (setting.source)
    {
        case AuthorSetting::Source::none:
            return "";
        case AuthorSetting::Source::session_user:
            return "session_user";
        case AuthorSetting::Source::setting:
            return std::string{setting.setting};
        case AuthorSetting::Source::json_key:
            return std::string{setting.setting} + "->>" + std::string{setting.key};
    }
    return "?";
}

}  // namespace

extern "C" int
LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    const std::string text{reinterpret_cast<const char *>(data), size};
    const std::size_t arrow = text.find("->>");
    const bool has_key = arrow != text.npos;
    const bool is_good = text.empty() || (is_name(text.substr(0, arrow)) && (!has_key || arrow + 3 < text.size()));

    const std::optional<AuthorSetting> setting = parse_author_setting(text);
    require(setting.has_value() == is_good, "what is none of the forms is refused, and nothing else");
    if (!setting)
        return 0;
    require(written(*setting) == text, "a setting is read as it was written");
    require((setting->source == AuthorSetting::Source::json_key) == has_key, "what has an arrow has a key");
    require((setting->source == AuthorSetting::Source::session_user) == (text == "session_user"),
            "session_user is no setting's name");
    return 0;
}
