#include "checker.h"

#include <charconv>

#include <fmt/format.h>

namespace crm::hammer {

namespace {

// Enough to see what is wrong.
constexpr std::size_t most_rows_shown = 8;

}  // namespace

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
        case Invariant::seen_version_is_deleted:
            return "a customer is deleted in the version that its deleter saw";
        case Invariant::deleted_comes_back:
            return "what is deleted is set aside whole, and restored as it was";
        case Invariant::undo_overwrites_nothing:
            return "an undone change's columns are what they were before it, and nothing later is overwritten";
        case Invariant::group_is_one_field:
            return "a merge makes no combination of a group's values that nobody saw or sent";
        case Invariant::correction_leaves_a_trace:
            return "a comment says something else by the corrections that were answered alone, which keep what it said";
        case Invariant::all_or_none:
            return "a call that makes all or none has made all, or none, as it was answered";
        case Invariant::what_was_checked_stays:
            return "nothing that a call checked is changed before what the call made";
        case Invariant::refused_save_waits:
            return "a refused save is kept whole once, waits until somebody ends it, and is never applied by itself";
    }
    return {};
}

Findings
check(std::span<const Attempt> log, const Tables &tables)
{
    Findings findings;
    const std::vector<Evidence> customers = gather_evidence(log, tables);
    for (const Evidence &evidence : customers)
    {
        check_history(evidence, findings);
        check_saves(evidence, findings);
        check_comments(evidence, findings);
        check_answers(evidence, findings);
        check_deletions(evidence, findings);
        check_reversions(evidence, findings);
        check_corrections(evidence, findings);
        check_locks(evidence, findings);
        check_kept_saves(evidence, findings);
    }
    check_calls(log, customers, findings);
    for (const VerifyRow &row : tables.verify)
    {
        std::int64_t customer = 0;
        std::from_chars(row.customer.data(), row.customer.data() + row.customer.size(), customer);
        findings.violations.push_back(
            {Invariant::tables_verify, customer, fmt::format("{}: {}", row.invariant, row.problem), {row.detail}});
    }
    return findings;
}

void
CustomerCheck::report(Invariant invariant, std::string what, std::vector<std::string> rows)
{
    if (rows.size() > most_rows_shown)
    {
        const std::size_t more = rows.size() - most_rows_shown;
        rows.resize(most_rows_shown);
        rows.push_back(fmt::format("… and {} more", more));
    }
    findings_.violations.push_back({invariant, evidence_.customer, std::move(what), std::move(rows)});
}

void
CustomerCheck::lose(std::string what, std::vector<std::string> rows)
{
    ++findings_.counts.lost;
    report(Invariant::nothing_acknowledged_lost, std::move(what), std::move(rows));
}

bool
CustomerCheck::is_merged(const HistoryRow &row) const
{
    const auto request = evidence_.request_of.find(&row);
    return request != evidence_.request_of.end() && request->second->asked().merge && row.based_on && row.previous &&
           !same_version(*row.based_on, *row.previous);
}

CustomerCheck::Fate
CustomerCheck::fate_of(const std::optional<std::string> &was, const std::optional<std::string> &mine,
                       const std::optional<std::string> &theirs)
{
    if (theirs == mine || was == mine)
        return Fate::leave;
    return was == theirs ? Fate::write : Fate::collide;
}

std::map<std::string, std::optional<std::string>>
CustomerCheck::written_by(const HistoryRow &row)
{
    std::map<std::string, std::optional<std::string>> written;
    if (row.status_from != row.status_to)
        written["status"] = row.status_to;
    for (const auto &[column, change] : row.fields)
        if (change.from != change.to)
            written[column] = change.to;
    return written;
}

std::map<std::string, std::string>
CustomerCheck::asked_values(const Attempt &asked)
{
    std::map<std::string, std::string> values = asked.fields;
    if (asked.status)
        values["status"] = *asked.status;
    return values;
}

std::vector<std::string>
CustomerCheck::texts(const Request &request)
{
    std::vector<std::string> lines = texts(request.attempts);
    for (const HistoryRow *row : request.rows)
        lines.push_back(to_text(*row));
    return lines;
}

std::vector<std::string>
CustomerCheck::texts(const Comment &comment)
{
    std::vector<std::string> lines = texts(comment.rows);
    for (const CommentRow *row : comment.withdrawn)
        lines.push_back(to_text(*row));
    for (const Attempt *attempt : comment.attempts)
        lines.push_back(to_text(*attempt));
    return lines;
}

}  // namespace crm::hammer
