#include "checker.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

namespace crm::hammer {

namespace {

class AnswerCheck : CustomerCheck
{
public:
    using CustomerCheck::CustomerCheck;

    void run()
    {
        check_refused_values();
        for (const Attempt *attempt : evidence_.attempts)
            check_answer(*attempt);
        check_order();
    }

private:
    // 4: nothing is to be seen that only refused or failed attempts asked for.
    void check_refused_values()
    {
        std::map<std::pair<std::string, std::string>, const Attempt *> refused;
        for (const Attempt *attempt : evidence_.attempts)
            for (const auto &value : asked_values(*attempt))
                refused.emplace(value, attempt);
        const auto allow = [&](const Attempt &asked) {
            for (const auto &value : asked_values(asked))
                refused.erase(value);
        };
        for (const Request &request : evidence_.requests)
            if (!request.rows.empty() || request.is_told_applied() || request.is_in_doubt())
                allow(request.asked());
        for (const Attempt *attempt : evidence_.attempts)
            if (!attempt->is_request() && attempt->reply != Reply::failed)
                allow(*attempt);

        std::map<const Attempt *, std::vector<std::string>> seen;
        const auto look = [&](const std::string &column, const std::optional<std::string> &value, const auto &where) {
            const auto found = value ? refused.find({column, *value}) : refused.end();
            if (found != refused.end())
                seen[found->second].push_back(to_text(where));
        };
        const auto look_at_all = [&](const std::optional<std::string> &status, const Values &fields,
                                     const auto &where) {
            look("status", status, where);
            for (const auto &[column, value] : fields)
                look(column, value, where);
        };
        if (evidence_.row)
            look_at_all(evidence_.row->status, evidence_.row->fields, *evidence_.row);
        for (const HistoryRow *row : evidence_.chain)
        {
            look("status", row->status_from, *row);
            for (const auto &[column, change] : row->fields)
                look(column, change.from, *row);
        }
        for (const Attempt *attempt : evidence_.attempts)
            look_at_all(attempt->answer_status, attempt->answer_fields, *attempt);
        for (auto &[attempt, rows] : seen)
        {
            rows.insert(rows.begin(), to_text(*attempt));
            report(Invariant::nothing_refused_applied, "what a refused save asked for is to be seen", rows);
        }
    }

    // 2 and 3: plain writes are in the history, and it has every state that anybody was shown.
    void check_answer(const Attempt &attempt)
    {
        if (attempt.reply == Reply::failed && attempt.sqlstate == "23503" && attempt.batch_size == 0 &&
            evidence_.gaps.empty())
            report(Invariant::reply_answers_what_it_was_to,
                   "a comment was refused although its customer, and what it answers, were never deleted",
                   {to_text(attempt)});
        if (attempt.reply != Reply::answered)
            return;

        const bool is_plain_write =
            attempt.action == Action::insert || attempt.action == Action::update || attempt.action == Action::remove;
        if (is_plain_write && attempt.is_done() && !evidence_.row_of(attempt))
        {
            lose(fmt::format("a plain {} was acknowledged and is not in the history", name(attempt.action)),
                 {to_text(attempt)});
            return;
        }

        if (attempt.action == Action::lock && attempt.outcome == "not_found")
            lose("a customer was not found that its history must know", {to_text(attempt)});
        // A comment that was withdrawn is gone, and its customer is there; so is a refused save that has ended.
        const bool says_gone =
            (attempt.outcome == "gone" && !attempt.is_correction() && attempt.action != Action::resolve) ||
            (attempt.outcome == "none" && attempt.action != Action::unlock && attempt.action != Action::discard);
        if (says_gone && !evidence_.may_have_been_absent(attempt))
        {
            lose("a customer was told to be gone while it was there", {to_text(attempt)});
            return;
        }

        const bool is_deletion = attempt.action == Action::remove_seen && attempt.is_applied();
        const bool has_row = attempt.action == Action::read || attempt.action == Action::check ||
                             attempt.is_request() || attempt.action == Action::restore || is_plain_write;
        const bool shows_current_row =
            has_row && attempt.outcome != "gone" && !says_gone && !is_deletion && attempt.outcome != "not_found";
        // A request that was applied is told so even when the customer is deleted since.
        const bool may_be_deleted =
            attempt.outcome == "replayed" || (attempt.action == Action::restore && !attempt.is_restored());
        if (!shows_current_row || (may_be_deleted && !attempt.answer_version))
            return;
        const HistoryRow *row = attempt.answer_version ? row_with_version(*attempt.answer_version) : nullptr;
        if (!row)
            report(Invariant::one_chain, "a version was shown that the history does not have", {to_text(attempt)});
        else if (attempt.answer_status != evidence_.states.at(row->version).status)
            report(Invariant::one_chain, "a status was shown that the customer did not have in this version",
                   {to_text(*row), to_text(attempt)});
        else
            for (const auto &[column, value] : attempt.answer_fields)
                if (evidence_.states.at(row->version).value_of(column) != value)
                    report(Invariant::one_chain,
                           fmt::format("a {} was shown that the customer did not have in this version", column),
                           {to_text(*row), to_text(attempt)});
    }

    const HistoryRow *row_with_version(ServerTime version) const
    {
        const auto row = std::lower_bound(evidence_.chain.begin(), evidence_.chain.end(), version,
                                          [](const HistoryRow *r, ServerTime v) { return r->version < v; });
        return row != evidence_.chain.end() && (*row)->version == version ? *row : nullptr;
    }

    // 7: whoever sends after an acknowledgement gets a higher version, and sees no older one.
    void check_order()
    {
        struct Shown
        {
            const Attempt *attempt;
            ServerTime version;
            bool is_write;
        };
        std::vector<Shown> all;
        for (const Attempt *attempt : evidence_.attempts)
        {
            if (attempt->reply != Reply::answered || !attempt->answer_version)
                continue;
            if (attempt->action == Action::remove)
            {
                if (const HistoryRow *row = evidence_.row_of(*attempt))
                    all.push_back({attempt, row->version, true});
                continue;
            }
            const bool is_write = attempt->is_request() || attempt->action == Action::restore
                                      ? attempt->is_applied() || attempt->is_restored()
                                      : attempt->action != Action::read && attempt->action != Action::check;
            all.push_back({attempt, *attempt->answer_version, is_write});
        }

        std::vector<Shown> acknowledged;
        std::copy_if(all.begin(), all.end(), std::back_inserter(acknowledged),
                     [](const Shown &s) { return s.is_write; });
        const auto by = [](auto member) {
            return [member](const Shown &a, const Shown &b) { return a.attempt->*member < b.attempt->*member; };
        };
        std::sort(all.begin(), all.end(), by(&Attempt::sent));
        std::sort(acknowledged.begin(), acknowledged.end(), by(&Attempt::answered));

        const Shown *highest = nullptr;
        auto next = acknowledged.begin();
        for (const Shown &later : all)
        {
            for (; next != acknowledged.end() && next->attempt->answered < later.attempt->sent; ++next)
                if (!highest || next->version > highest->version)
                    highest = &*next;
            if (highest && (later.is_write ? later.version <= highest->version : later.version < highest->version))
                report(Invariant::order_of_acknowledgement,
                       later.is_write ? "a change that was sent later has a lower version"
                                      : "an older version was shown after a newer one was acknowledged",
                       {to_text(*highest->attempt), to_text(*later.attempt)});
        }
    }
};

}  // namespace

void
check_answers(const Evidence &evidence, Findings &findings)
{
    AnswerCheck(evidence, findings).run();
}

}  // namespace crm::hammer
