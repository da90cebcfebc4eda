#include "checker.h"

#include <charconv>

#include <fmt/format.h>

#include "checks.h"

namespace crm::hammer {

std::string_view
describe(Invariant invariant)
{
    switch (invariant)
    {
        case Invariant::one_winner:
            return "a version of a customer has at most one successor";
        case Invariant::one_chain:
            return "one unbroken chain of versions leads to the current one";
        case Invariant::nothing_acknowledged_lost:
            return "nothing acknowledged is lost";
        case Invariant::nothing_refused_applied:
            return "nothing refused is applied, and its comment is there exactly once";
        case Invariant::nothing_twice:
            return "no save is applied twice";
        case Invariant::versions_increase:
            return "versions strictly increase and lie at least 1 ms apart";
        case Invariant::order_of_acknowledgement:
            return "what is sent after an acknowledgement has a higher version";
        case Invariant::lost_answer_can_be_asked_again:
            return "a lost answer's attempt was applied once or not at all, and asking again tells which";
        case Invariant::own_fields_alone:
            return "a save writes its own fields and all of them, and a merge none that others changed since its base";
        case Invariant::lock_keeps_others_out:
            return "while a user's edit lock is live nobody else saves, and nobody is refused without one";
        case Invariant::reply_answers_what_it_was_to:
            return "a reply answers the comment that it was to";
        case Invariant::tables_verify:
            return "crm_verify() finds nothing";
    }
    return {};
}

Findings
check(std::span<const Attempt> log, const Tables &tables)
{
    Findings findings;
    for (const Evidence &evidence : gather_evidence(log, tables))
    {
        check_history(evidence, findings);
        check_saves(evidence, findings);
        check_comments(evidence, findings);
        check_answers(evidence, findings);
        check_locks(evidence, findings);
    }
    for (const VerifyRow &row : tables.verify)
    {
        std::int64_t customer = 0;
        std::from_chars(row.customer.data(), row.customer.data() + row.customer.size(), customer);
        findings.violations.push_back(
            {Invariant::tables_verify, customer, fmt::format("{}: {}", row.invariant, row.problem), {row.detail}});
    }
    return findings;
}

}  // namespace crm::hammer
