#include "checker.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace crm::hammer {

namespace {

using Call = std::span<const Attempt>;

bool
is_refusal(const Attempt &item)
{
    return item.outcome == "conflict" || item.outcome == "locked" || item.outcome == "gone" ||
           item.outcome == "not_found";
}

class CallCheck
{
public:
    CallCheck(std::span<const Attempt> log, std::span<const Evidence> customers, Findings &findings)
        : findings_(findings)
    {
        for (const Evidence &evidence : customers)
        {
            evidence_of_[evidence.customer] = &evidence;
            for (const Request &request : evidence.requests)
                for (const Attempt *attempt : request.attempts)
                    request_of_[attempt] = &request;
        }
        // The items of a call follow each other.
        for (std::size_t i = 0; i < log.size(); ++i)
            if (const auto size = static_cast<std::size_t>(log[i].batch_size);
                log[i].all_or_nothing && log[i].batch_position == 1 && i + size <= log.size())
                calls_.push_back(log.subspan(i, size));
        for (const Call call : calls_)
            for (const Attempt &item : call)
                call_of_[&item] = call;
    }

    void run()
    {
        for (const Call call : calls_)
            if (call.front().reply == Reply::answered)
                check_answered(call);
        for (const auto &[customer, evidence] : evidence_of_)
            for (const Request &request : evidence->requests)
                for (const HistoryRow *row : request.rows)
                    check_in_doubt(request, *row);
    }

private:
    void report(Invariant invariant, const Call call, std::string what, std::vector<std::string> rows = {})
    {
        for (const Attempt &item : call)
            rows.push_back(to_text(item));
        findings_.violations.push_back({invariant, call.front().customer, std::move(what), std::move(rows)});
    }

    // 18: all items are made, or none is, as the answer says.
    void check_answered(const Call call)
    {
        std::vector<int> refused;
        for (const Attempt &item : call)
            if (is_refusal(item))
                refused.push_back(item.batch_position);
        ++(refused.empty() ? findings_.counts.made_all : findings_.counts.made_none);

        for (const Attempt &item : call)
        {
            if (!refused.empty() && item.is_applied())
                report(Invariant::all_or_none, call, "a call says that it made one and that it refused another");
            if (item.outcome == "failed_dependency" && item.refused_items != refused)
                report(Invariant::all_or_none, call,
                       fmt::format("a call did not make one because of [{}], and refused [{}]",
                                   fmt::join(item.refused_items, ", "), fmt::join(refused, ", ")));
            if (item.action == Action::check)
                check_check(call, item);
        }
        if (refused.empty())
            check_made(call);
        else
            check_not_made(call);
    }

    // 18: one transaction has made them, and 19: nobody has changed before what was checked.
    void check_made(const Call call)
    {
        std::vector<const HistoryRow *> made;
        for (const Attempt &item : call)
            if (item.is_applied() && item.answer_version)
                if (const HistoryRow *row = change_to(item.customer, *item.answer_version))
                    made.push_back(row);
        const auto applied =
            std::count_if(call.begin(), call.end(), [](const Attempt &item) { return item.is_applied(); });
        if (!made.empty() && static_cast<std::size_t>(applied) != made.size())
            report(Invariant::all_or_none, call, "a call made a part of what it says");
        if (std::any_of(made.begin(), made.end(),
                        [&](const HistoryRow *row) { return row->transaction != made.front()->transaction; }))
            report(Invariant::all_or_none, call, "several transactions made what one call says", texts(made));

        for (const Attempt &item : call)
        {
            const HistoryRow *next = item.action == Action::check && item.answer_version
                                         ? successor_of(item.customer, *item.answer_version)
                                         : nullptr;
            const auto is_late = [&](const HistoryRow *row) { return next && next->recorded_at <= row->recorded_at; };
            if (const auto late = std::find_if(made.begin(), made.end(), is_late); late != made.end())
                report(Invariant::what_was_checked_stays, call,
                       "what a call had checked was changed before its own changes", {to_text(*next), to_text(**late)});
        }
    }

    // 18: nothing of a call with a refusal is made, unless somebody sent it otherwise too.
    void check_not_made(const Call call)
    {
        for (const Attempt &item : call)
        {
            const auto request = request_of_.find(&item);
            if (request == request_of_.end() || request->second->is_in_doubt())
                continue;
            for (const HistoryRow *row : request->second->rows)
                if (!made_by(*request->second, *row))
                    report(Invariant::all_or_none, call, "a call made one although it refused another",
                           {to_text(*row)});
        }
    }

    // 19: a check says whether the version is the one that was sent.
    void check_check(const Call call, const Attempt &check)
    {
        const bool is_current = check.answer_version && same_version(*check.answer_version, check.base);
        if (check.outcome == "unchanged" ? !is_current : check.outcome == "conflict" && is_current)
            report(Invariant::what_was_checked_stays, call, "a check was told otherwise than the version is");
        else if (check.outcome != "unchanged" && check.outcome != "conflict" && check.outcome != "gone")
            report(Invariant::what_was_checked_stays, call,
                   fmt::format("the outcome \"{}\" does not tell whether it has the version", check.outcome));
    }

    // 18: of a call whose answer was lost all was made or nothing.
    void check_in_doubt(const Request &request, const HistoryRow &row)
    {
        if (made_by(request, row))
            return;
        const Call *example = nullptr;
        for (const Attempt *attempt : request.attempts)
        {
            if (attempt->reply != Reply::in_doubt)
                continue;
            const auto call = call_of_.find(attempt);
            if (call == call_of_.end() || may_have_made(call->second, row.transaction))
                return;
            example = &call->second;
        }
        if (example)
            report(Invariant::all_or_none, *example, "a call whose answer was lost made a part of its items",
                   {to_text(row)});
    }

    // Whether the transaction may have made all items of a call; what it did not make was there before.
    bool may_have_made(const Call call, std::int64_t transaction) const
    {
        return std::all_of(call.begin(), call.end(), [&](const Attempt &item) {
            if (item.action == Action::check)
                return true;
            const Request &request = *request_of_.at(&item);
            const auto is_of_it = [&](const HistoryRow *row) { return row->transaction == transaction; };
            if (std::any_of(request.rows.begin(), request.rows.end(), is_of_it))
                return true;
            return !request.rows.empty() || may_be_unchanged(item);
        });
    }

    bool may_be_unchanged(const Attempt &item) const
    {
        if (!item.is_save())
            return false;
        if (item.merge)
            return true;
        const State *at_base = evidence_of_.at(item.customer)->state_at(item.base);
        return !item.comment && at_base && (!item.status || item.status == at_base->status) &&
               std::all_of(item.fields.begin(), item.fields.end(),
                           [&](const auto &field) { return at_base->value_of(field.first) == field.second; });
    }

    // Who was told that it made the row.
    static const Attempt *made_by(const Request &request, const HistoryRow &row)
    {
        const auto found = std::find_if(request.attempts.begin(), request.attempts.end(), [&](const Attempt *a) {
            return a->is_applied() && a->answer_version == row.version;
        });
        return found == request.attempts.end() ? nullptr : *found;
    }

    const HistoryRow *change_to(std::int64_t customer, ServerTime version) const
    {
        return row_where(customer, [&](const HistoryRow *row) { return row->version == version; });
    }

    const HistoryRow *successor_of(std::int64_t customer, ServerTime version) const
    {
        return row_where(customer, [&](const HistoryRow *row) { return row->previous == version; });
    }

    template <typename IsIt>
    const HistoryRow *row_where(std::int64_t customer, IsIt is_it) const
    {
        const auto &chain = evidence_of_.at(customer)->chain;
        const auto row = std::find_if(chain.begin(), chain.end(), is_it);
        return row == chain.end() ? nullptr : *row;
    }

    static std::vector<std::string> texts(const std::vector<const HistoryRow *> &rows)
    {
        std::vector<std::string> lines;
        lines.reserve(rows.size());
        for (const HistoryRow *row : rows)
            lines.push_back(to_text(*row));
        return lines;
    }

    Findings &findings_;
    std::map<std::int64_t, const Evidence *> evidence_of_;
    std::map<const Attempt *, const Request *> request_of_;
    std::vector<Call> calls_;
    std::map<const Attempt *, Call> call_of_;
};

}  // namespace

void
check_calls(std::span<const Attempt> log, std::span<const Evidence> customers, Findings &findings)
{
    CallCheck(log, customers, findings).run();
}

}  // namespace crm::hammer
