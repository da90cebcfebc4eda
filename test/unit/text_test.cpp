#include "core/text.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace crm::core {

namespace {

// The code points with White_Space=yes in Unicode 15's PropList.txt.
constexpr char32_t white_space[] = {0x09,   0x0A,   0x0B,   0x0C,   0x0D,   0x20,   0x85,   0xA0,   0x1680,
                                    0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006, 0x2007, 0x2008,
                                    0x2009, 0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000};

std::string
utf8(char32_t c)
{
    std::string text;
    if (c < 0x80)
        text += static_cast<char>(c);
    else if (c < 0x800)
    {
        text += static_cast<char>(0xC0 | c >> 6);
        text += static_cast<char>(0x80 | (c & 0x3F));
    }
    else
    {
        text += static_cast<char>(0xE0 | c >> 12);
        text += static_cast<char>(0x80 | (c >> 6 & 0x3F));
        text += static_cast<char>(0x80 | (c & 0x3F));
    }
    return text;
}

TEST(Text, ExactlyTheWhiteSpaceOfUnicodeIsBlank)
{
    for (char32_t c = 1; c < 0xD800; c++)
    {
        const bool expected = std::find(std::begin(white_space), std::end(white_space), c) != std::end(white_space);
        EXPECT_EQ(is_blank(utf8(c)), expected) << std::hex << static_cast<std::uint32_t>(c);
    }
}

TEST(Text, NothingAndMixturesOfSpaceAreBlank)
{
    EXPECT_TRUE(is_blank(""));
    std::string all;
    for (char32_t c : white_space)
        all += utf8(c);
    EXPECT_TRUE(is_blank(all));
    EXPECT_FALSE(is_blank(all + "x"));
    EXPECT_FALSE(is_blank("x" + all));
}

TEST(Text, InvisibleIsNotBlank)
{
    EXPECT_FALSE(is_blank(utf8(0x200B)));  // zero width space
    EXPECT_FALSE(is_blank(utf8(0xFEFF)));  // byte order mark
    EXPECT_FALSE(is_blank(utf8(0x2060)));  // word joiner
    EXPECT_FALSE(is_blank(std::string(1, '\x01')));
}

TEST(Text, SpaceCutInTheMiddleIsNotBlank)
{
    for (char32_t c : white_space)
        for (std::size_t n = 1; n < utf8(c).size(); n++)
            EXPECT_FALSE(is_blank(utf8(c).substr(0, n))) << std::hex << static_cast<std::uint32_t>(c);
}

}  // namespace

}  // namespace crm::core
