#pragma once

#include <span>
#include <string_view>

namespace crm::core {

// The white space of an encoding whose first 128 characters are those of ASCII, beyond ASCII's.
struct WhiteSpace
{
    std::span<const std::string_view> beyond_ascii;
};

// Unicode's White_Space in UTF-8.
extern const WhiteSpace utf8_space;

// Whether text holds nothing but white space, or nothing at all.
bool is_blank(std::string_view text, const WhiteSpace &space = utf8_space);

}  // namespace crm::core
