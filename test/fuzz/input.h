#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <optional>
#include <string_view>

#include "core/timestamp.h"

namespace crm::fuzz {

// The input of a target as words between white space, so that people can read and write it too. Where the words end,
// numbers are 0 and texts are empty.
class Input
{
public:
    Input(const std::uint8_t *data, std::size_t size) : rest(reinterpret_cast<const char *>(data), size) {}

    bool at_end()
    {
        rest.remove_prefix(std::min(rest.find_first_not_of(space), rest.size()));
        return rest.empty();
    }

    std::string_view word()
    {
        if (at_end())
            return {};
        const std::string_view word = rest.substr(0, rest.find_first_of(space));
        rest.remove_prefix(word.size());
        return word;
    }

    // A number, moved into the range where it lies outside.
    std::int64_t number(std::int64_t least = std::numeric_limits<std::int64_t>::min(),
                        std::int64_t most = std::numeric_limits<std::int64_t>::max())
    {
        const std::string_view text = word();
        std::int64_t value = 0;
        std::from_chars(text.data(), text.data() + text.size(), value);
        return std::clamp(value, least, most);
    }

    // A number that may be missing; "-" is none.
    std::optional<std::int64_t> optional_number() { return takes("-") ? std::nullopt : std::optional{number()}; }

    bool yes() { return word() == "yes"; }

    // A text that may be missing; "-" is none.
    std::optional<std::string_view> value()
    {
        const std::string_view text = word();
        return text == "-" ? std::nullopt : std::optional{text};
    }

    // A time that timestamptz can hold, in microseconds since 2000: from 4714 BC to 294276, or infinite.
    core::Timestamp time()
    {
        if (takes("infinity"))
            return core::infinity;
        if (takes("-infinity"))
            return core::minus_infinity;
        return {number(-211'813'488'000 * core::second, 9'223'371'331'199'999'999)};
    }

    // A time that may be missing; "-" is none.
    std::optional<core::Timestamp> optional_time() { return takes("-") ? std::nullopt : std::optional{time()}; }

private:
    // Takes the next word if it is this one.
    bool takes(std::string_view expected)
    {
        Input copy = *this;
        if (copy.word() != expected)
            return false;
        *this = copy;
        return true;
    }

    static constexpr std::string_view space = " \t\r\n";
    std::string_view rest;
};

// Ends the program where a property does not hold; libFuzzer then keeps the input.
inline void
require(bool holds, const char *property)
{
    if (holds)
        return;
    std::fprintf(stderr, "\nBroken: %s\n", property);
    std::abort();
}

}  // namespace crm::fuzz
