// The input is a text of comments.
#include "core/comment_text.h"

#include <chrono>
#include <string>
#include <vector>

#include "core/text.h"
#include "input.h"

using namespace crm;
using namespace crm::core;
using fuzz::require;

namespace {

std::vector<TextEntry>
read(std::string_view text)
{
    std::vector<TextEntry> entries;
    CommentTextReader reader{text};
    while (const std::optional<TextEntry> entry = reader.next())
        entries.push_back(*entry);
    require(!reader.next(), "a reader at its end stays there");
    return entries;
}

std::string
render_all(const std::vector<TextEntry> &entries)
{
    std::string text;
    for (const TextEntry &entry : entries)
        text += (text.empty() ? "" : "\n\n") + render(entry);
    return text;
}

bool
is_time(const LocalTime &time)
{
    using namespace std::chrono;
    return year_month_day{year{time.year}, month(time.month), day(time.day)}.ok() && time.year >= 1 && time.hour >= 0 &&
           time.hour <= 23 && time.minute >= 0 && time.minute <= 59 && time.second >= 0 && time.second <= 59;
}

bool
is_same(const std::optional<LocalTime> &a, const std::optional<LocalTime> &b)
{
    if (!a || !b)
        return !a == !b;
    return a->year == b->year && a->month == b->month && a->day == b->day && a->hour == b->hour &&
           a->minute == b->minute && a->second == b->second;
}

bool
is_same(const TextEntry &a, const TextEntry &b)
{
    return is_same(a.time, b.time) && a.author == b.author && a.body == b.body;
}

// Whether what stands between two entries is blank, but for the stamp of the second if it has one.
bool
is_between_entries(std::string_view gap, bool has_stamp)
{
    if (!has_stamp)
        return is_blank(gap);
    const std::size_t stamp = gap.rfind('[');
    return stamp != gap.npos && is_blank(gap.substr(0, stamp)) && gap.ends_with("] ");
}

void
every_byte_is_in_an_entry_or_between_them(std::string_view text, const std::vector<TextEntry> &entries)
{
    const char *end = text.data();
    for (const TextEntry &entry : entries)
    {
        const bool has_stamp = entry.time.has_value();
        const char *begin = has_stamp ? entry.author.data() : entry.body.data();
        require(begin >= end && entry.body.data() + entry.body.size() <= text.data() + text.size(),
                "entries lie in the text, one after the other");
        require(is_between_entries({end, begin}, has_stamp), "nothing is lost before an entry");
        require(!has_stamp || std::string_view(begin + entry.author.size(), entry.body.data()) == ": ",
                "a colon and a space part author and body");
        end = entry.body.data() + entry.body.size();
    }
    require(is_blank({end, text.data() + text.size()}), "nothing is lost after the last entry");
}

// Where the text is cut before an entry, both parts have the entries that the whole has.
void
entries_do_not_depend_on_their_neighbours(std::string_view text, const std::vector<TextEntry> &entries)
{
    const std::size_t middle = entries.size() / 2;
    if (middle == 0)
        return;
    const std::size_t author = static_cast<std::size_t>(entries[middle].author.data() - text.data());
    const std::size_t cut = text.rfind('[', author - 1);
    const std::vector<TextEntry> before = read(text.substr(0, cut));
    const std::vector<TextEntry> after = read(text.substr(cut));
    require(before.size() == middle && before.size() + after.size() == entries.size(),
            "entries are read alone as among others");
    for (std::size_t i = 0; i < entries.size(); i++)
        require(is_same(entries[i], i < middle ? before[i] : after[i - middle]),
                "an entry is read alone as among others");
}

void
what_is_rendered_is_read_again(const std::vector<TextEntry> &entries)
{
    const std::string rendered = render_all(entries);
    const std::vector<TextEntry> again = read(rendered);
    require(render_all(again) == rendered, "a text that was rendered stays as it is");
    for (const TextEntry &entry : entries)
        // In an author's name a carriage return becomes a space, with which the name may end earlier.
        if (entry.author.find('\r') != entry.author.npos)
            return;
    require(again.size() == entries.size(), "as many entries are read as were rendered");
    for (std::size_t i = 0; i < entries.size(); i++)
    {
        // Lines that could be taken for the begin of an entry are indented.
        const std::string body = render({std::nullopt, {}, entries[i].body});
        require(is_same(again[i], {entries[i].time, entries[i].author, body}), "an entry is read as it was rendered");
        require(render({std::nullopt, {}, body}) == body, "a body is indented once");
    }
}

// A body may look like the begin of entries: two entries with it stay two.
void
any_text_can_be_a_body(std::string_view text)
{
    const std::size_t begin = text.find_first_not_of(" \t\r\n");
    if (begin == text.npos || is_blank(text.substr(begin, text.find('\n', begin) - begin)))
        return;
    const std::string_view body = text.substr(begin, text.find_last_not_of("\r\n") + 1 - begin);
    const TextEntry entry = {LocalTime{2024, 2, 29, 12, 0, 59}, "ana", body};
    const std::string rendered = render_all({entry, entry});
    const std::vector<TextEntry> again = read(rendered);
    require(again.size() == 2, "an entry with any body is read as one");
    for (const TextEntry &one : again)
        require(is_same(one, {entry.time, entry.author, render({std::nullopt, {}, body})}),
                "an entry has the body it was given");
}

}  // namespace

extern "C" int
LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    const std::string_view text{reinterpret_cast<const char *>(data), size};
    const std::vector<TextEntry> entries = read(text);
    require(entries.empty() == is_blank(text), "a text has entries unless it is blank");
    for (const TextEntry &entry : entries)
    {
        require(!is_blank(entry.body), "a body is not blank");
        require(entry.body.back() != '\n' && entry.body.back() != '\r', "a body does not end with a line break");
        require(entry.time.has_value() || (&entry == entries.data() && entry.author.empty()),
                "all but the first have a stamp");
        require(!entry.time || is_time(*entry.time), "a stamp is a time");
        require(!entry.time || (!is_blank(entry.author) && entry.author.find('\n') == entry.author.npos),
                "an author is one line that is not blank");
        require(entry.author.find(": ") == entry.author.npos, "the first colon with a space ends the author");
    }
    every_byte_is_in_an_entry_or_between_them(text, entries);
    entries_do_not_depend_on_their_neighbours(text, entries);
    what_is_rendered_is_read_again(entries);
    any_text_can_be_a_body(text);
    return 0;
}
