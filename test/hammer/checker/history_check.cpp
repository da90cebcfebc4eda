#include "checker.h"

#include <map>
#include <set>

#include <fmt/format.h>

namespace crm::hammer {

namespace {

class HistoryCheck : CustomerCheck
{
public:
    using CustomerCheck::CustomerCheck;

    void run()
    {
        check_one_winner();
        check_chain();
        check_head();
        check_unknown_rows();
        check_digests();
    }

private:
    // 1: what the links, the bases, and the answers say about a version's successors.
    void check_one_winner()
    {
        std::map<ServerTime, std::vector<const HistoryRow *>> by_previous;
        std::map<ServerTime, std::vector<const HistoryRow *>> by_base;
        std::map<ServerTime, std::vector<const Attempt *>> winners;

        for (const HistoryRow *row : evidence_.chain)
        {
            if (row->previous)
                by_previous[*row->previous].push_back(row);
            if (row->author && row->based_on && !is_merged(*row))
                by_base[*row->based_on].push_back(row);
        }
        for (const Request &request : evidence_.requests)
            for (const Attempt *attempt : request.attempts)
                if (attempt->is_applied() && attempt->outcome != "merged")
                {
                    winners[attempt->base].push_back(attempt);
                    break;
                }

        std::set<ServerTime> reported;
        const auto report_several = [&](const auto &groups, std::string_view how) {
            for (const auto &[version, rows] : groups)
                if (rows.size() > 1 && reported.insert(version).second)
                    report(Invariant::one_winner,
                           fmt::format("version {} has {} {}", to_text(version), rows.size(), how), texts(rows));
        };
        report_several(by_previous, "successors");
        report_several(by_base, "saves that were based on it and applied");
        report_several(winners, "saves that were told they are its successor");

        for (const HistoryRow *row : evidence_.chain)
            if (row->author && row->based_on && row->previous && !same_version(*row->based_on, *row->previous) &&
                !is_merged(*row))
            {
                ++findings_.counts.lost;
                if (row->operation == "delete")
                {
                    report(Invariant::seen_version_is_deleted,
                           fmt::format("version {} was deleted by who had not seen it", to_text(*row->previous)),
                           {to_text(*row)});
                    continue;
                }
                report(Invariant::one_winner,
                       fmt::format("a save overwrote version {}, which it had not seen", to_text(*row->previous)),
                       {to_text(*row)});
            }
    }

    // 2 and 6: the links, and what the customer was from one version to the next.
    void check_chain()
    {
        if (evidence_.chain.empty())
            report(Invariant::one_chain, "the customer has no history", {});

        const HistoryRow *before = nullptr;
        for (const HistoryRow *row : evidence_.chain)
        {
            const bool starts_life = row->operation == "insert" || row->operation == "restore";
            if (!before ? row->previous.has_value() : row->previous != before->version)
                report(Invariant::one_chain, "a row does not follow the one before it", pair(before, *row));
            else if (starts_life != (!before || before->operation == "delete") ||
                     (!before && row->operation == "restore"))
                report(Invariant::one_chain,
                       "an insert starts a chain or, as a restoration, follows a delete, and nothing else does",
                       pair(before, *row));
            else if (before && !starts_life && row->status_from &&
                     row->status_from != evidence_.states.at(before->version).status)
                report(Invariant::one_chain, "a row starts from another status than the one before it left",
                       pair(before, *row));
            else if (before && !starts_life)
                for (const auto &[column, change] : row->fields)
                    if (change.from != evidence_.states.at(before->version).value_of(column))
                        report(Invariant::one_chain,
                               fmt::format("a row starts from another {} than the one before it left", column),
                               pair(before, *row));

            if (before && row->version - before->version < 1000)
                report(Invariant::versions_increase, "two versions are the same or less than 1 ms apart",
                       pair(before, *row));
            else if (row->previous && row->version - *row->previous < 1000)
                report(Invariant::versions_increase, "a version is not at least 1 ms above the one before it",
                       {to_text(*row)});
            before = row;
        }
    }

    static std::vector<std::string> pair(const HistoryRow *before, const HistoryRow &row)
    {
        return before ? std::vector{to_text(*before), to_text(row)} : std::vector{to_text(row)};
    }

    // 2 and 3: the customer is what the last row of its history says.
    void check_head()
    {
        if (evidence_.chain.empty())
            return;

        const HistoryRow &head = *evidence_.chain.back();
        if (!evidence_.row)
        {
            if (head.operation != "delete")
                lose("the customer is gone and nobody deleted it", {to_text(head)});
            return;
        }

        const std::vector<std::string> rows{to_text(*evidence_.row), to_text(head)};
        const State &state = evidence_.states.at(head.version);
        if (evidence_.row->version != head.version)
            report(Invariant::one_chain, "the customer's version is not the end of its chain", rows);
        else if (state.status != evidence_.row->status)
            lose("the customer is not what its last change made of it", rows);
        else
            for (const auto &[column, value] : evidence_.row->fields)
                if (state.value_of(column) != value)
                    lose(fmt::format("the customer's {} is not what the last change of it made of it", column), rows);
    }

    // 4 and 8: rows that nobody was told of.
    void check_unknown_rows()
    {
        for (const HistoryRow *row : evidence_.unknown_rows)
            report(Invariant::nothing_refused_applied, "a change that nobody made", {to_text(*row)});
        for (const CommentRow *row : evidence_.unknown_comments)
            report(Invariant::nothing_refused_applied, "a comment that nobody wrote", {to_text(*row)});
        for (const auto &[row, attempt] : evidence_.failed_rows)
            report(Invariant::lost_answer_can_be_asked_again, "a change of an attempt that ended in an error",
                   {to_text(*row), to_text(*attempt)});
    }

    // 5: the digest and the base together are one request.
    void check_digests()
    {
        std::map<std::pair<std::string, std::optional<ServerTime>>, std::vector<const HistoryRow *>> by_request;
        for (const HistoryRow *row : evidence_.chain)
            if (row->request)
                by_request[{*row->request, row->based_on}].push_back(row);
        for (const auto &[request, rows] : by_request)
            if (rows.size() > 1)
                report(Invariant::nothing_twice,
                       fmt::format("request {} is in the history {} times", request.first, rows.size()), texts(rows));
    }
};

}  // namespace

void
check_history(const Evidence &evidence, Findings &findings)
{
    HistoryCheck(evidence, findings).run();
}

}  // namespace crm::hammer
