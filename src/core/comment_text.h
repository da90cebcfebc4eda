#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "text.h"

// The text form in which older CRMs keep all comments of a customer in one column: entries with a blank line between
// them, each with a stamp as JavaScript's toLocaleString('en-US') writes it:
//
//     [12/15/2024, 3:45:23 PM] ana: Called, no answer.
//
// An entry's text may have several lines and blank lines. Nothing is ever dropped: what does not parse as the begin of
// an entry is text of the entry before it, or of a first entry without a stamp.
namespace crm::core {

// A time of day somewhere, without its zone.
struct LocalTime
{
    int year;
    int month;
    int day;
    int hour;
    int minute;
    int second;
};

struct TextEntry
{
    std::optional<LocalTime> time;  // none: the first entry, when it has no stamp
    std::string_view author;        // empty without a stamp
    std::string_view body;          // not blank
};

// Reads the entries one after the other, in time proportional to the text. The text must live as long as the entries.
class CommentTextReader
{
public:
    explicit CommentTextReader(std::string_view text, const WhiteSpace &white_space = utf8_space)
        : rest(text), space(white_space)
    {}

    // The next entry; empty at the end.
    std::optional<TextEntry> next();

private:
    std::string_view rest;
    const WhiteSpace &space;
};

// An entry as text, without the blank line that follows it. A line of the body that would be read as the begin of another
// entry is indented by a space, and line breaks in the author's name become spaces.
std::string render(const TextEntry &entry, const WhiteSpace &space = utf8_space);

}  // namespace crm::core
