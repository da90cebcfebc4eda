#include "comment_text.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace crm::core {

namespace {

using namespace std::literals;

// Takes what parses off the front of a text.
class Scanner
{
public:
    explicit Scanner(std::string_view text) : rest(text) {}

    bool take(std::string_view expected)
    {
        if (!rest.starts_with(expected))
            return false;
        rest.remove_prefix(expected.size());
        return true;
    }

    // A number of so many digits.
    bool take_number(int least, int most, int &number)
    {
        int digits = 0;
        number = 0;
        while (digits < most && !rest.empty() && rest.front() >= '0' && rest.front() <= '9')
        {
            number = 10 * number + (rest.front() - '0');
            rest.remove_prefix(1);
            digits++;
        }
        return digits >= least;
    }

    std::string_view rest;
};

constexpr int
days_of(int month, int year)
{
    constexpr std::array days = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && is_leap ? 29 : days[static_cast<std::size_t>(month - 1)];
}

// The space before AM and PM is a narrow one in newer browsers.
void
take_space(Scanner &scanner)
{
    scanner.take("\xE2\x80\xAF"sv) || scanner.take("\xC2\xA0"sv) || scanner.take(" "sv);
}

// AM or PM turn an hour of 12 into one of 24; without them it is one already.
bool
take_half_of_day(Scanner &scanner, int &hour)
{
    take_space(scanner);
    const bool is_am = scanner.take("AM"sv) || scanner.take("am"sv);
    const bool is_pm = !is_am && (scanner.take("PM"sv) || scanner.take("pm"sv));
    if (!is_am && !is_pm)
        return hour <= 23;
    if (hour < 1 || hour > 12)
        return false;
    hour = hour % 12 + (is_pm ? 12 : 0);
    return true;
}

std::optional<LocalTime>
take_stamp(Scanner &scanner)
{
    LocalTime time = {};
    if (!scanner.take("["sv) || !scanner.take_number(1, 2, time.month) || !scanner.take("/"sv) ||
        !scanner.take_number(1, 2, time.day) || !scanner.take("/"sv) || !scanner.take_number(4, 4, time.year) ||
        !scanner.take(", "sv) || !scanner.take_number(1, 2, time.hour) || !scanner.take(":"sv) ||
        !scanner.take_number(2, 2, time.minute))
        return std::nullopt;
    if (scanner.take(":"sv) && !scanner.take_number(2, 2, time.second))
        return std::nullopt;
    if (!take_half_of_day(scanner, time.hour) || !scanner.take("] "sv))
        return std::nullopt;
    if (time.year < 1 || time.month < 1 || time.month > 12 || time.day < 1 ||
        time.day > days_of(time.month, time.year) || time.minute > 59 || time.second > 59)
        return std::nullopt;
    return time;
}

// The end of the first line, without its line break.
std::string_view
first_line(std::string_view text)
{
    return text.substr(0, text.find('\n'));
}

std::string_view
without_first_line(std::string_view text)
{
    const std::size_t end = text.find('\n');
    return end == text.npos ? std::string_view{} : text.substr(end + 1);
}

// The stamp and author with which an entry begins; rest is what follows them.
struct Head
{
    LocalTime time;
    std::string_view author;
    std::string_view rest;
};

std::optional<Head>
read_head(std::string_view text, const WhiteSpace &space)
{
    Scanner scanner{text};
    const std::optional<LocalTime> time = take_stamp(scanner);
    if (!time)
        return std::nullopt;
    const std::string_view line = first_line(scanner.rest);
    const std::size_t colon = line.find(": "sv);
    if (colon == line.npos || is_blank(line.substr(0, colon), space))
        return std::nullopt;
    return Head{*time, line.substr(0, colon), scanner.rest.substr(colon + 2)};
}

std::string_view
without_line_breaks_at_end(std::string_view text)
{
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r'))
        text.remove_suffix(1);
    return text;
}

// Where the next entry begins: at a head after a blank line. An entry without text is none: its head is text.
std::size_t
find_next_entry(std::string_view text, const WhiteSpace &space)
{
    bool after_blank_line = false;
    for (std::string_view rest = text; !rest.empty(); rest = without_first_line(rest))
    {
        if (after_blank_line)
            if (const std::optional<Head> head = read_head(rest, space);
                head && !is_blank(first_line(head->rest), space))
                return text.size() - rest.size();
        after_blank_line = is_blank(first_line(rest), space);
    }
    return text.size();
}

}  // namespace

std::optional<TextEntry>
CommentTextReader::next()
{
    while (!rest.empty() && is_blank(first_line(rest), space))
        rest = without_first_line(rest);
    if (rest.empty())
        return std::nullopt;

    TextEntry entry = {};
    std::string_view body = rest;
    if (const std::optional<Head> head = read_head(rest, space); head && !is_blank(first_line(head->rest), space))
    {
        entry.time = head->time;
        entry.author = head->author;
        body = head->rest;
    }
    const std::size_t end = find_next_entry(body, space);
    entry.body = without_line_breaks_at_end(body.substr(0, end));
    rest = body.substr(end);
    return entry;
}

std::string
render(const TextEntry &entry, const WhiteSpace &space)
{
    std::string text;
    if (entry.time)
    {
        const LocalTime &time = *entry.time;
        char stamp[64];
        std::snprintf(stamp, sizeof stamp, "[%d/%d/%04d, %d:%02d:%02d %s] ", time.month, time.day, time.year,
                      (time.hour + 11) % 12 + 1, time.minute, time.second, time.hour < 12 ? "AM" : "PM");
        text += stamp;
        for (const char c : entry.author)
            text += c == '\n' || c == '\r' ? ' ' : c;
        text += ": ";
    }
    bool after_blank_line = false;
    for (std::string_view rest = entry.body; !rest.empty();)
    {
        if (after_blank_line && read_head(rest, space))
            text += ' ';
        const std::string_view line = rest.substr(0, std::min(rest.find('\n'), rest.size() - 1) + 1);
        text += line;
        after_blank_line = is_blank(line, space);
        rest.remove_prefix(line.size());
    }
    return text;
}

}  // namespace crm::core
