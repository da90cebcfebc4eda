#include "message.h"

namespace crm::core {

namespace {

// How the customer differs from what the caller saw.
std::string
what_happened(const MessageFacts &facts)
{
    const std::string customer{facts.customer};
    if (facts.base_problem == BaseProblem::before_history)
        return "The version you sent is older than the kept history of customer " + customer;
    if (facts.base_problem)
        return "Customer " + customer + " never had the version you sent";

    const std::string by = facts.last_author.empty() ? "" : " by " + std::string{facts.last_author};
    if (facts.changes <= 1)
        return "Customer " + customer + " was changed" + by + " since you read it";
    const std::string times =
        "Customer " + customer + " was changed " + std::to_string(facts.changes) + " times since you read it";
    return by.empty() ? times : times + ", last" + by;
}

std::string
refusal_message(const MessageFacts &facts)
{
    std::string text =
        facts.outcome == Outcome::locked
            ? "Customer " + std::string{facts.customer} + " is locked for editing by " + std::string{facts.locked_by}
            : what_happened(facts);
    text += facts.asked_change ? "; your change was not applied" : "; nothing was changed";
    if (facts.comment_kept)
        text += ", and your comment is kept once you commit";
    text += '.';
    return text;
}

std::string
replayed_message(const MessageFacts &facts)
{
    std::string text = "This save of customer ";
    text += facts.customer;
    text += " was applied before";
    if (facts.is_gone)
        text += ", and the customer was deleted since";
    else if (!facts.is_current)
        text += ", and the customer was changed since";
    text += "; nothing was done twice.";
    return text;
}

}  // namespace

std::optional<PlainMessage>
plain_message(Outcome outcome)
{
    switch (outcome)
    {
        case Outcome::updated:
            return PlainMessage{"Customer ", " is saved."};
        case Outcome::merged:
            return PlainMessage{"Customer ", " is saved together with what others changed since you read it."};
        case Outcome::unchanged:
            return PlainMessage{"Customer ", " already is as you asked; nothing was written."};
        case Outcome::deleted:
            return PlainMessage{"Customer ", " was deleted; nothing was saved."};
        case Outcome::not_found:
            return PlainMessage{"There is no customer ", "; nothing was saved."};
        case Outcome::replayed:
        case Outcome::conflict:
        case Outcome::locked:
            return std::nullopt;
    }
    return std::nullopt;
}

std::string
message(const MessageFacts &facts)
{
    if (const std::optional<PlainMessage> plain = plain_message(facts.outcome))
        return std::string{plain->before}.append(facts.customer).append(plain->after);
    return facts.outcome == Outcome::replayed ? replayed_message(facts) : refusal_message(facts);
}

}  // namespace crm::core
