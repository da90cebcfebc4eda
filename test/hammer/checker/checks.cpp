#include "checks.h"

#include <fmt/format.h>

namespace crm::hammer {

namespace {

// Enough to see what is wrong.
constexpr std::size_t most_rows_shown = 8;

}  // namespace

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
    for (const Attempt *attempt : comment.attempts)
        lines.push_back(to_text(*attempt));
    return lines;
}

}  // namespace crm::hammer
