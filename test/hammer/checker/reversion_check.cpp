#include "checker.h"

#include <algorithm>

#include <fmt/format.h>

namespace crm::hammer {

namespace {

class ReversionCheck : CustomerCheck
{
public:
    using CustomerCheck::CustomerCheck;

    void run()
    {
        for (const Request &request : evidence_.requests)
        {
            if (request.asked().action != Action::revert)
                continue;
            for (const HistoryRow *row : request.rows)
                check_row(request.asked(), *row);
            for (const Attempt *attempt : request.attempts)
            {
                check_answer(*attempt);
                check_asked_again(request, *attempt);
            }
        }
    }

private:
    // What a column was before the change that is undone and what that made of it; the same of what is left alone.
    struct Undone
    {
        std::optional<std::string> to;
        std::optional<std::string> from;
    };

    // 15: what a reversion wrote is what was before the change, of the columns that nobody has changed since, and all
    // of that.
    void check_row(const Attempt &asked, const HistoryRow &row)
    {
        const State *before = evidence_.state_before(row);
        const auto undone = columns_of(asked, before);
        if (!before || !undone)
            return accuse("a change was undone that this customer never had", asked, row);

        auto written = written_by(row);
        for (const auto &[column, values] : *undone)
        {
            const auto found = written.find(column);
            const bool is_written = found != written.end();
            switch (fate_of(values.to, values.from, before->value_of(column)))
            {
                case Fate::collide:
                    accuse(fmt::format("an undoing was applied although {} had been changed since", column), asked,
                           row);
                    break;
                case Fate::write:
                    if (!is_written || found->second != values.from)
                        accuse(fmt::format("{} is not what it was before the change that was undone", column), asked,
                               row);
                    break;
                case Fate::leave:
                    if (is_written)
                        accuse(fmt::format("an undoing wrote {}, which it had no reason to change", column), asked,
                               row);
                    break;
            }
            if (is_written)
                written.erase(found);
        }
        for (const auto &[column, value] : written)
            accuse(fmt::format("an undoing wrote {}, which the change had not written", column), asked, row);
    }

    // 15: a refusal names what was changed since, and what is told to be so already is.
    void check_answer(const Attempt &attempt)
    {
        if (attempt.reply == Reply::failed && attempt.sqlstate == "22023" && evidence_.gaps.empty())
            report(Invariant::undo_overwrites_nothing,
                   "a change could not be undone although the customer was never deleted", {to_text(attempt)});
        const bool is_unchanged = attempt.outcome == "unchanged";
        if (attempt.reply != Reply::answered || !attempt.answer_version ||
            (!is_unchanged && attempt.superseded.empty()))
            return;
        const State *now = evidence_.state_at(*attempt.answer_version);
        const auto undone = columns_of(attempt, now);
        if (!now || !undone)
            return;
        if (is_unchanged)
        {
            const bool is_right = !attempt.comment && std::all_of(undone->begin(), undone->end(), [&](const auto &c) {
                return fate_of(c.second.to, c.second.from, now->value_of(c.first)) == Fate::leave;
            });
            if (!is_right)
                report(Invariant::undo_overwrites_nothing, "an undoing was told that it changes nothing, and it does",
                       {to_text(attempt)});
            return;
        }
        // What was superseded was looked at just before the version was.
        for (const std::string &column : attempt.superseded)
            if (!undone->contains(column) || !was_ever_changed_since(attempt, column, undone->at(column)))
                report(Invariant::undo_overwrites_nothing,
                       fmt::format("an undoing was refused for {}, which nobody had changed since", column),
                       {to_text(attempt)});
    }

    // 8: that it cannot be undone is said of what was not undone already.
    void check_asked_again(const Request &request, const Attempt &attempt)
    {
        for (const Attempt *other : request.attempts)
            if (attempt.reply == Reply::failed && attempt.sqlstate == "22023" && other->is_applied() &&
                other->answered < attempt.sent)
                report(Invariant::lost_answer_can_be_asked_again,
                       "an undoing ended in an error after it had been applied", {to_text(*other), to_text(attempt)});
    }

    bool was_ever_changed_since(const Attempt &attempt, const std::string &column, const Undone &values) const
    {
        return std::any_of(evidence_.chain.begin(), evidence_.chain.end(), [&](const HistoryRow *row) {
            return row->version > attempt.reverted && row->version <= *attempt.answer_version &&
                   fate_of(values.to, values.from, evidence_.states.at(row->version).value_of(column)) == Fate::collide;
        });
    }

    // The columns that are to be undone; none where there is no such change.
    std::optional<std::map<std::string, Undone>> columns_of(const Attempt &asked, const State *now) const
    {
        const auto change = std::find_if(evidence_.chain.begin(), evidence_.chain.end(),
                                         [&](const HistoryRow *r) { return same_version(r->version, asked.reverted); });
        if (change == evidence_.chain.end() || !now)
            return std::nullopt;

        std::map<std::string, Undone> columns;
        const State &made = evidence_.states.at((*change)->version);
        if (asked.is_whole)
        {
            columns["status"] = {now->value_of("status"), made.value_of("status")};
            for (const std::string_view name : field_names)
            {
                const std::string column(name);
                columns[column] = {now->value_of(column), made.value_of(column)};
            }
            return columns;
        }
        if ((*change)->status_from != (*change)->status_to)
            columns["status"] = {(*change)->status_to, (*change)->status_from};
        for (const auto &[column, values] : (*change)->fields)
            columns[column] = {values.to, values.from};
        return columns;
    }

    void accuse(std::string what, const Attempt &asked, const HistoryRow &row)
    {
        report(Invariant::undo_overwrites_nothing, std::move(what), {to_text(row), to_text(asked)});
    }
};

}  // namespace

void
check_reversions(const Evidence &evidence, Findings &findings)
{
    ReversionCheck(evidence, findings).run();
}

}  // namespace crm::hammer
