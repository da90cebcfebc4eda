#include "core/statement_template.h"

#include <gtest/gtest.h>

#include <string>

namespace crm::core {

namespace {

// Names stand for themselves in angle brackets, but for {evil}, which stands for names in braces.
std::string
filled(std::string_view statement)
{
    std::string text;
    std::string value;
    fill(
        statement,
        [&value](std::string_view name) -> std::string_view {
            value = name == "evil" ? "{key}{evil}%s$1" : "<" + std::string{name} + ">";
            return value;
        },
        [&text](std::string_view part) { text += part; });
    return text;
}

TEST(StatementTemplate, NamesInBracesAreReplaced)
{
    EXPECT_EQ(filled(""), "");
    EXPECT_EQ(filled("SELECT 1"), "SELECT 1");
    EXPECT_EQ(filled("{key}"), "<key>");
    EXPECT_EQ(filled("SELECT {key}, {key_type}FROM {t}"), "SELECT <key>, <key_type>FROM <t>");
    EXPECT_EQ(filled("{a}{b}"), "<a><b>");
}

TEST(StatementTemplate, OtherBracesAreText)
{
    for (std::string_view text :
         {"{}", "'{}'", "{", "}", "{ key }", "{Key}", "{1}", "{key", "key}", "{a-b}", "{\xC3\xA4}"})
        EXPECT_EQ(filled(text), text);
    EXPECT_EQ(filled("'{}' {key}"), "'{}' <key>");
    EXPECT_EQ(filled("{{key}}"), "{<key>}");
    EXPECT_EQ(filled("{{{key"), "{{{key");
}

TEST(StatementTemplate, WhatANameStandsForIsNotLookedThrough)
{
    EXPECT_EQ(filled("{evil}"), "{key}{evil}%s$1");
    EXPECT_EQ(filled("{evil}key}"), "{key}{evil}%s$1key}");
    EXPECT_EQ(filled("{{evil}}"), "{{key}{evil}%s$1}");
}

}  // namespace

}  // namespace crm::core
