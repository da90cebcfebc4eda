// The input is two times.
#include "core/iso8601.h"

#include <cstdio>
#include <ctime>
#include <string>

#include "core/version.h"
#include "input.h"

using namespace crm;
using namespace crm::core;
using fuzz::Input;
using fuzz::require;

namespace {

constexpr std::time_t seconds_from_1970_to_2000 = 946'684'800;

// The text by the calendar of the C library.
std::string
expected(Timestamp t)
{
    const std::int64_t fraction = ((t.us % second) + second) % second;
    const std::time_t time = (t.us - fraction) / second + seconds_from_1970_to_2000;
    std::tm parts = {};
    gmtime_r(&time, &parts);
    char text[80];
    std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%06d", parts.tm_year + 1900, parts.tm_mon + 1,
                  parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, static_cast<int>(fraction));
    std::string shown = text;
    shown.erase(shown.find_last_not_of('0') + 1);
    if (shown.ends_with('.'))
        shown.pop_back();
    return shown + "+00:00";
}

Timestamp
possible(Input &input)
{
    return {input.number(first_possible_version.us, last_possible_version.us + 999)};
}

}  // namespace

extern "C" int
LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    Input input{data, size};
    const Timestamp a = possible(input);
    const Timestamp b = possible(input);
    const Iso8601 text_of_a{a};
    const Iso8601 text_of_b{b};
    require(text_of_a.text() == expected(a) && text_of_b.text() == expected(b),
            "the text is that of the C library's calendar");
    require((text_of_a.text() <=> text_of_b.text()) == (a <=> b), "the texts are in the order of the times");
    return 0;
}
