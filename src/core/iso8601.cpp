#include "iso8601.h"

#include <algorithm>
#include <chrono>

namespace crm::core {

Iso8601::Iso8601(Timestamp t)
{
    using namespace std::chrono;
    constexpr sys_days epoch = January / 1 / 2000;
    const std::chrono::microseconds since{t.us};
    const days day = floor<days>(since);
    const year_month_day date{epoch + day};
    const hh_mm_ss time{since - day};

    add_digits(static_cast<int>(date.year()), 4);
    add("-");
    add_digits(static_cast<int>(static_cast<unsigned>(date.month())), 2);
    add("-");
    add_digits(static_cast<int>(static_cast<unsigned>(date.day())), 2);
    add("T");
    add_digits(static_cast<int>(time.hours().count()), 2);
    add(":");
    add_digits(static_cast<int>(time.minutes().count()), 2);
    add(":");
    add_digits(static_cast<int>(time.seconds().count()), 2);
    if (time.subseconds().count() != 0)
    {
        add(".");
        add_digits(static_cast<int>(time.subseconds().count()), 6);
        while (buffer[length - 1] == '0')
            length--;
    }
    add("+00:00");
}

void
Iso8601::add_digits(int number, int digits)
{
    for (int i = digits; i-- > 0; number /= 10)
        buffer[length + i] = static_cast<char>('0' + number % 10);
    length += digits;
}

void
Iso8601::add(std::string_view text)
{
    std::ranges::copy(text, buffer.begin() + length);
    length += text.size();
}

}  // namespace crm::core
