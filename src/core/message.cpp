#include "message.h"

namespace crm::core {

namespace {

// How the row differs from what the caller saw.
std::string
what_happened(const MessageFacts &facts)
{
    if (facts.base_problem == BaseProblem::before_history)
        return "The version you sent is older than the kept history of " + std::string{facts.row};
    if (facts.is_superseded)
        return "What you want undone of " + std::string{facts.row} + " was changed again since";
    if (facts.base_problem)
        return capitalized(facts.row) + " never had the version you sent";

    const std::string by = facts.last_author.empty() ? "" : " by " + std::string{facts.last_author};
    if (facts.changes <= 1)
        return capitalized(facts.row) + " was changed" + by + " since you read it";
    const std::string times =
        capitalized(facts.row) + " was changed " + std::to_string(facts.changes) + " times since you read it";
    return by.empty() ? times : times + ", last" + by;
}

// Why the row is not what the caller wants.
std::string
reason_of(const MessageFacts &facts)
{
    switch (facts.outcome)
    {
        case Outcome::locked:
            return capitalized(facts.row) + " is locked for editing by " + std::string{facts.locked_by};
        case Outcome::failed_dependency:
            return facts.refused.find(',') == std::string_view::npos
                       ? "Save " + std::string{facts.refused} + " of the same call was refused"
                       : "Saves " + std::string{facts.refused} + " of the same call were refused";
        default:
            return what_happened(facts);
    }
}

std::string
refusal_message(const MessageFacts &facts)
{
    std::string text = reason_of(facts);
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
            return PlainMessage{"",
                                intent == Intent::reversion ? " is saved; what you named is undone." : " is saved."};
        case Outcome::merged:
            return PlainMessage{"", " is saved together with what others changed since you read it."};
        case Outcome::unchanged:
            switch (intent)
            {
                case Intent::restoration:
                    return PlainMessage{"", " is there already; nothing was written."};
                case Intent::check:
                    return PlainMessage{"", " has the version you sent, until the transaction ends."};
                default:
                    return PlainMessage{"", " already is as you asked; nothing was written."};
            }
        case Outcome::gone:
            switch (intent)
            {
                case Intent::save:
                case Intent::reversion:
                case Intent::check:
                case Intent::resolution:
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
                case Intent::reversion:
                case Intent::check:
                case Intent::resolution:
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
        case Outcome::failed_dependency:
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
