#include "checker.h"

#include <algorithm>

#include <fmt/format.h>

namespace crm::hammer {

namespace {

class DeletionCheck : CustomerCheck
{
public:
    using CustomerCheck::CustomerCheck;

    void run()
    {
        for (const Request &request : evidence_.requests)
            if (request.asked().action == Action::remove_seen)
                check_deletion(request);
        for (auto row = evidence_.chain.begin(); row != evidence_.chain.end(); ++row)
        {
            const HistoryRow *next = std::next(row) == evidence_.chain.end() ? nullptr : *std::next(row);
            if ((*row)->operation == "restore")
                check_restoration(**row);
            else if ((*row)->operation == "delete" && evidence_.keeps_deleted)
                check_set_aside(**row, next && next->operation == "restore");
        }
        for (const Attempt *attempt : evidence_.attempts)
            if (attempt->action == Action::restore && attempt->reply == Reply::answered)
                check_answer(*attempt);
        for (const DeletedRow *row : evidence_.deleted)
            if (const HistoryRow *change = change_to(row->version); !change || change->operation != "delete")
                report(Invariant::deleted_comes_back, "what nobody deleted is set aside", {to_text(*row)});
    }

private:
    // 13: what was deleted is the version that its user saw.
    void check_deletion(const Request &request)
    {
        for (const Attempt *attempt : request.attempts)
        {
            if (!attempt->is_applied() || !attempt->answer_version)
                continue;
            const HistoryRow *row = change_to(*attempt->answer_version);
            if (row && row->previous && !same_version(*row->previous, attempt->base))
                report(Invariant::seen_version_is_deleted,
                       "a delete was told that it deleted a version it had not seen",
                       {to_text(*row), to_text(*attempt)});
        }
    }

    // 14: the customer is what it was before the delete. Its comments are looked at as all are.
    void check_restoration(const HistoryRow &row)
    {
        ++findings_.counts.restored;
        const State *before = evidence_.state_before(row);
        if (before && row.status_to != before->status)
            report(Invariant::deleted_comes_back, "a customer came back with another status than it had",
                   {to_text(row)});
        for (const auto &[column, change] : row.fields)
            if (before && change.to != before->value_of(column))
                report(Invariant::deleted_comes_back, fmt::format("a customer came back with another {}", column),
                       {to_text(row)});
    }

    // 14: the row of a deleted customer is set aside, until it is restored.
    void check_set_aside(const HistoryRow &row, bool is_restored)
    {
        const auto found = std::find_if(evidence_.deleted.begin(), evidence_.deleted.end(),
                                        [&](const DeletedRow *d) { return d->version == row.version; });
        if (is_restored != (found == evidence_.deleted.end()))
            return report(Invariant::deleted_comes_back,
                          is_restored ? "what was restored is still set aside" : "what was deleted is not set aside",
                          {to_text(row)});
        const State *before = evidence_.state_before(row);
        if (is_restored || !before)
            return;
        bool is_same = (*found)->status == before->status;
        for (const std::string_view name : field_names)
        {
            const auto field = (*found)->fields.find(std::string(name));
            const auto value = field == (*found)->fields.end() ? std::nullopt : field->second;
            is_same &= value == before->value_of(std::string(name));
        }
        if (!is_same)
            report(Invariant::deleted_comes_back, "what is set aside is not what was deleted",
                   {to_text(row), to_text(**found)});
    }

    // 14: nothing was pruned, so that what is not there can be restored, and what is there is told so.
    void check_answer(const Attempt &attempt)
    {
        const HistoryRow *row = attempt.answer_version ? change_to(*attempt.answer_version) : nullptr;
        if (attempt.is_restored())
        {
            if (!row || row->operation != "restore")
                report(Invariant::deleted_comes_back, "a restoration was acknowledged and is not in the history",
                       {to_text(attempt)});
            else if (attempt.comment.has_value() != attempt.answer_comment.has_value() ||
                     row->comment_id != attempt.answer_comment)
                report(Invariant::deleted_comes_back, "a restoration has another comment than was acknowledged",
                       {to_text(*row), to_text(attempt)});
        }
        else if (attempt.outcome != "unchanged" && attempt.outcome != "conflict")
            report(Invariant::deleted_comes_back, "what was deleted was told not to be restorable", {to_text(attempt)});
        else if (row && (attempt.outcome == "conflict") != is_created_again(*row))
            report(Invariant::deleted_comes_back,
                   "a restoration was told whether its customer was created again, and it is otherwise",
                   {to_text(*row), to_text(attempt)});
    }

    // Whether the life to which the change belongs began by an INSERT after a delete.
    bool is_created_again(const HistoryRow &change) const
    {
        const HistoryRow *start = nullptr;
        bool had_other_life = false;
        for (const HistoryRow *row : evidence_.chain)
        {
            if (row->version > change.version)
                break;
            if (row->operation == "insert" || row->operation == "restore")
                start = row;
            had_other_life |= row->operation == "delete";
        }
        return start && start->operation == "insert" && had_other_life;
    }

    const HistoryRow *change_to(ServerTime version) const
    {
        const auto row = std::find_if(evidence_.chain.begin(), evidence_.chain.end(),
                                      [&](const HistoryRow *r) { return r->version == version; });
        return row == evidence_.chain.end() ? nullptr : *row;
    }
};

}  // namespace

void
check_deletions(const Evidence &evidence, Findings &findings)
{
    DeletionCheck(evidence, findings).run();
}

}  // namespace crm::hammer
