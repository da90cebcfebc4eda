#pragma once

#include "../core/text.h"

namespace crm {

// The white space of the database's encoding.
const core::WhiteSpace &white_space();

// Whether text holds nothing but white space, or nothing at all.
inline bool
is_blank(std::string_view text)
{
    return core::is_blank(text, white_space());
}

}  // namespace crm
