#include "core/text.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

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

TEST(Text, AByteOutOfPlaceIsNotBlank)
{
    EXPECT_FALSE(is_blank("\xE2\x80 "));
    EXPECT_FALSE(is_blank("\xE2\x80\x7F"));
    EXPECT_FALSE(is_blank("\xC0\xA0"));  // an overlong space
    EXPECT_FALSE(is_blank(std::string(1, '\0')));
    // the rest of the character lies beyond the text
    EXPECT_FALSE(is_blank(std::string_view{"\xE2\x80\x80"}.substr(0, 2)));
}

// Bytes at random, mostly those that begin or continue white space, each text in memory of its exact size.
TEST(Text, IsBlankWhenMadeOfWhiteSpaceWhateverTheBytes)
{
    constexpr std::string_view bytes = " \t\r\x1F\x80\x85\x8A\x8B\x9A\x9F\xA0\xA8\xA9\xAF\xC2\xE1\xE2\xE3\xF0x";
    std::mt19937_64 random(5);
    int blanks = 0;
    for (int i = 0; i < 200'000; i++)
    {
        std::vector<char> text(random() % 6);
        for (char &c : text)
            c = random() % 8 ? bytes[random() % bytes.size()] : static_cast<char>(random());

        std::string_view rest{text.data(), text.size()};
        const auto leads = [&rest](char32_t c) { return rest.starts_with(utf8(c)); };
        while (!rest.empty())
        {
            const char32_t *space = std::find_if(std::begin(white_space), std::end(white_space), leads);
            if (space == std::end(white_space))
                break;
            rest.remove_prefix(utf8(*space).size());
        }
        blanks += rest.empty();
        ASSERT_EQ(is_blank({text.data(), text.size()}), rest.empty()) << testing::PrintToString(text);
    }
    EXPECT_GT(blanks, 1'000);
}

}  // namespace

}  // namespace crm::core
