#include "core/author_setting.h"

#include <gtest/gtest.h>

namespace crm::core {

namespace {

using Source = AuthorSetting::Source;

TEST(AuthorSetting, EveryForm)
{
    EXPECT_EQ(parse_author_setting("")->source, Source::none);
    EXPECT_EQ(parse_author_setting("session_user")->source, Source::session_user);

    const auto setting = parse_author_setting("app.user");
    EXPECT_EQ(setting->source, Source::setting);
    EXPECT_EQ(setting->setting, "app.user");

    const auto key = parse_author_setting("request.jwt.claims->>email");
    EXPECT_EQ(key->source, Source::json_key);
    EXPECT_EQ(key->setting, "request.jwt.claims");
    EXPECT_EQ(key->key, "email");
    EXPECT_EQ(parse_author_setting("a.b->>https://x.example/name ->>")->key, "https://x.example/name ->>");
}

TEST(AuthorSetting, NamesAsPostgreSQLTakesThem)
{
    for (std::string_view name : {"a", "_a.b$1", "A.B", "app.benutzer_\xC3\xA4"})
        EXPECT_TRUE(parse_author_setting(name)) << name;
    for (std::string_view name :
         {" ", "1a", "a.", ".a", "a..b", "a b", "a.1", "a-b", "a->b", "a->>", "->>b", "a;b", "$a"})
        EXPECT_FALSE(parse_author_setting(name)) << name;
}

}  // namespace

}  // namespace crm::core
