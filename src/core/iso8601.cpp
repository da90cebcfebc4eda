#include "iso8601.h"

#include <algorithm>
#include <chrono>

namespace crm::core {

namespace {

void
put_two_digits(char *to, unsigned number)
{
    to[0] = static_cast<char>('0' + number / 10);
    to[1] = static_cast<char>('0' + number % 10);
}

}  // namespace

Iso8601::Iso8601(Timestamp t)
{
    using namespace std::chrono;
    constexpr sys_days epoch = January / 1 / 2000;
    const std::chrono::microseconds since{t.us};
    const days day = floor<days>(since);
    const year_month_day date{epoch + day};
    const hh_mm_ss time{since - day};
    const unsigned year = static_cast<unsigned>(static_cast<int>(date.year()));
    const unsigned fraction = static_cast<unsigned>(time.subseconds().count());

    put_two_digits(buffer.data(), year / 100);
    put_two_digits(&buffer[2], year % 100);
    put_two_digits(&buffer[5], static_cast<unsigned>(date.month()));
    put_two_digits(&buffer[8], static_cast<unsigned>(date.day()));
    put_two_digits(&buffer[11], static_cast<unsigned>(time.hours().count()));
    put_two_digits(&buffer[14], static_cast<unsigned>(time.minutes().count()));
    put_two_digits(&buffer[17], static_cast<unsigned>(time.seconds().count()));
    length = 19;
    if (fraction != 0)
    {
        put_two_digits(&buffer[20], fraction / 10'000);
        put_two_digits(&buffer[22], fraction / 100 % 100);
        put_two_digits(&buffer[24], fraction % 100);
        for (length = 26; buffer[length - 1] == '0'; length--)
            ;
    }
    constexpr std::string_view utc = "+00:00";
    std::ranges::copy(utc, buffer.begin() + length);
    length += utc.size();
}

}  // namespace crm::core
