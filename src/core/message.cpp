#include "message.h"

namespace crm::core {

namespace {

// How the row differs from what the caller saw.
std::string
what_happened(const MessageFacts &facts)
{
    if (facts.base_problem == BaseProblem::before_history)
        return "The version you sent is older than the kept history of " + std::string{facts.row};
    if (facts.base_problem)
        return capitalized(facts.row) + " never had the version you sent";

    const std::string by = facts.last_author.empty() ? "" : " by " + std::string{facts.last_author};
    if (facts.changes <= 1)
        return capitalized(facts.row) + " was changed" + by + " since you read it";
    const std::string times =
        capitalized(facts.row) + " was changed " + std::to_string(facts.changes) + " times since you read it";
    return by.empty() ? times : times + ", last" + by;
}

std::string
refusal_message(const MessageFacts &facts)
{
    std::string text = facts.outcome == Outcome::locked
                           ? capitalized(facts.row) + " is locked for editing by " + std::string{facts.locked_by}
                           : what_happened(facts);
    if (facts.intent == Intent::deletion)
        text += "; it was not deleted";
    else
        text += facts.asked_change ? "; your change was not applied" : "; nothing was changed";
    if (facts.comment_kept)
        text += ", and your comment is kept once you commit";
    text += '.';
    return text;
}

std::string
replayed_message(const MessageFacts &facts)
{
    const std::string_view kind = facts.row.substr(0, facts.row.find(' '));
    std::string text = facts.intent == Intent::deletion ? "This deletion of " : "This save of ";
    text += facts.row;
    text += " was applied before";
    if (facts.intent == Intent::deletion)
        text += facts.is_gone ? "" : ", and it was restored or created again since";
    else if (facts.is_gone || !facts.is_current)
        text.append(", and the ").append(kind).append(facts.is_gone ? " was deleted since" : " was changed since");
    text += "; nothing was done twice.";
    return text;
}

}  // namespace

std::string
capitalized(std::string_view row)
{
    std::string text{row};
    text.front() = static_cast<char>(text.front() - 'a' + 'A');
    return text;
}

std::optional<PlainMessage>
plain_message(Outcome outcome, Intent intent)
{
    switch (outcome)
    {
        case Outcome::updated:
            return PlainMessage{"", " is saved."};
        case Outcome::merged:
            return PlainMessage{"", " is saved together with what others changed since you read it."};
        case Outcome::unchanged:
            return PlainMessage{"", intent == Intent::restoration ? " is there already; nothing was written."
                                                                  : " already is as you asked; nothing was written."};
        case Outcome::gone:
            switch (intent)
            {
                case Intent::save:
                    return PlainMessage{"", " was deleted; nothing was saved."};
                case Intent::deletion:
                    return PlainMessage{"", " was deleted before; nothing was done."};
                case Intent::restoration:
                    return PlainMessage{"", " was deleted, and is kept no longer; nothing was restored."};
            }
            break;
        case Outcome::not_found:
            switch (intent)
            {
                case Intent::save:
                    return PlainMessage{"There is no ", "; nothing was saved."};
                case Intent::deletion:
                    return PlainMessage{"There is no ", "; nothing was deleted."};
                case Intent::restoration:
                    return PlainMessage{"There never was a ", "; nothing was restored."};
            }
            break;
        case Outcome::deleted:
            return PlainMessage{"", " is deleted."};
        case Outcome::restored:
            return PlainMessage{"", " is restored."};
        case Outcome::conflict:
            if (intent == Intent::restoration)
                return PlainMessage{"", " was created again after it had been deleted; nothing was restored."};
            break;
        case Outcome::replayed:
        case Outcome::locked:
            break;
    }
    return std::nullopt;
}

std::string
message(const MessageFacts &facts)
{
    if (const std::optional<PlainMessage> plain = plain_message(facts.outcome, facts.intent))
        return (plain->before.empty() ? capitalized(facts.row) : std::string{plain->before}.append(facts.row))
            .append(plain->after);
    return facts.outcome == Outcome::replayed ? replayed_message(facts) : refusal_message(facts);
}

}  // namespace crm::core
