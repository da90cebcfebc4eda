#pragma once

#include <array>
#include <string_view>

#include "timestamp.h"

namespace crm::core {

// A time as text: ISO 8601 in UTC, as in 2026-01-05T10:00:00.123+00:00.
class Iso8601
{
public:
    // t must lie within years 1 to 9999.
    explicit Iso8601(Timestamp t);

    // Lives as long as this object.
    std::string_view text() const { return {buffer.data(), length}; }

private:
    std::array<char, 32> buffer{'0', '0', '0', '0', '-', '0', '0', '-', '0', '0',
                                'T', '0', '0', ':', '0', '0', ':', '0', '0', '.'};
    std::size_t length;
};

}  // namespace crm::core
