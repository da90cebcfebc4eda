#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base_diagnosis.h"
#include "decision.h"

namespace crm::core {

// What the message of a result tells, beside the outcome.
struct MessageFacts
{
    Outcome outcome;
    Intent intent;
    std::string_view row;          // as "customer 7", or "record 7 of deals"
    std::int64_t changes;          // how many changes since the base; 0 when the caller may not know
    std::string_view last_author;  // who made the latest of them; empty when there is none or the caller may not know
    std::string_view locked_by;    // locked: who holds the edit lock
    std::string_view refused;      // failed_dependency: the refused saves of the call, as "2" or "2, 3"
    std::optional<BaseProblem> base_problem;  // why the base is none of the customer's versions
    bool asked_change;                        // a status or fields were asked for
    bool comment_kept;                        // a comment was asked for and is stored
    bool is_current;                          // replayed: nobody changed the customer since
    bool is_superseded;                       // conflict: what is to be undone was changed again
    bool is_gone;                             // replayed: the customer was deleted since
};

// One English sentence, without times, for a person.
std::string message(const MessageFacts &facts);

// The same at the begin of a sentence.
std::string capitalized(std::string_view row);

// What stands before and after the row in a message that tells nothing else. With nothing before it, it begins the sentence.
struct PlainMessage
{
    std::string_view before;
    std::string_view after;
};

// The message of an outcome that has such a one.
std::optional<PlainMessage> plain_message(Outcome outcome, Intent intent = Intent::save);

}  // namespace crm::core
