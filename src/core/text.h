#pragma once

#include <string_view>

namespace crm::core {

// Whether text holds nothing but white space (Unicode's White_Space in UTF-8), or nothing at all.
bool is_blank(std::string_view text);

}  // namespace crm::core
