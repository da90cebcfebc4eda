#include "checker.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace crm::hammer {

namespace {

class SaveCheck : CustomerCheck
{
public:
    using CustomerCheck::CustomerCheck;

    void run()
    {
        for (const Request &request : evidence_.requests)
            check_request(request);
    }

private:
    // 3, 4, 5 and 8: a request was applied once or not at all, and everybody who asked was told so.
    void check_request(const Request &request)
    {
        const Action action = request.asked().action;
        if (!request.rows.empty())
            ++(request.asked().is_save()  ? findings_.counts.updated
               : action == Action::revert ? findings_.counts.undone
                                          : findings_.counts.deleted);
        for (const HistoryRow *row : request.rows)
        {
            findings_.counts.merged += is_merged(*row);
            if (request.asked().is_save())
                check_own_fields(request, *row);
        }

        int told_updated = 0;
        bool is_told_conflict = false;
        bool is_told_locked = false;
        bool is_told_failed = false;
        for (const Attempt *attempt : request.attempts)
        {
            told_updated += attempt->is_applied();
            is_told_conflict |= attempt->outcome == "conflict";
            is_told_locked |= attempt->outcome == "locked";
            is_told_failed |= attempt->outcome == "failed_dependency";
        }
        findings_.counts.conflicts += is_told_conflict;
        findings_.counts.locked += is_told_locked;

        if (request.rows.size() > 1 || told_updated > 1)
        {
            ++findings_.counts.twice;
            report(Invariant::nothing_twice, "a save was applied more than once", texts(request));
        }
        if (request.is_told_applied())
        {
            if (request.is_told_refused())
                report(Invariant::lost_answer_can_be_asked_again,
                       "the same request was told that it was applied and that it was refused", texts(request));
            if (told_updated == 0 && !request.is_in_doubt())
                report(Invariant::lost_answer_can_be_asked_again,
                       "a request was told that it was applied before, which nobody was told before", texts(request));
        }
        else if (!request.rows.empty() &&
                 (request.is_told_refused() ||
                  ((is_told_conflict || is_told_locked || is_told_failed) && !request.is_in_doubt())))
            report(request.is_in_doubt() ? Invariant::lost_answer_can_be_asked_again
                                         : Invariant::nothing_refused_applied,
                   "a refused save was applied", texts(request));
        else if (!request.rows.empty() && !request.is_in_doubt())
            report(Invariant::lost_answer_can_be_asked_again,
                   "a save was applied, and all who asked were told something else", texts(request));

        for (const Attempt *attempt : request.attempts)
            if (attempt->reply == Reply::answered)
                check_answer(request, *attempt);
    }

    void check_answer(const Request &request, const Attempt &attempt)
    {
        if (attempt.is_turned_away())
            check_not_applied_before(request, attempt);
        if (attempt.is_applied())
            check_updated(request, attempt);
        else if (attempt.outcome == "replayed")
            check_replayed(request, attempt);
        else if (attempt.outcome == "conflict")
            check_conflict(attempt);
        else if (attempt.outcome == "locked")
            check_refusal_by_lock(evidence_, findings_, attempt);
        // The columns of an undoing are looked at with the reversions.
        else if (attempt.outcome == "unchanged" && attempt.action != Action::remove_seen)
        {
            if (attempt.is_save())
                check_unchanged(attempt);
        }
        // Whether something else was refused is looked at with the calls, and what has ended with the refused saves.
        else if ((attempt.outcome == "failed_dependency" && attempt.all_or_nothing) ||
                 (attempt.action == Action::resolve && attempt.outcome != "no result"))
            return;
        else if (attempt.outcome == "not_found")
            lose("a customer was not found that its history must know", {to_text(attempt)});
        else if (attempt.outcome != "gone")
            report(Invariant::lost_answer_can_be_asked_again,
                   fmt::format("the outcome \"{}\" does not tell what became of the save", attempt.outcome),
                   {to_text(attempt)});
    }

    // 3: everything that was acknowledged is in the history.
    void check_updated(const Request &request, const Attempt &attempt)
    {
        const auto row = std::find_if(request.rows.begin(), request.rows.end(),
                                      [&](const HistoryRow *r) { return r->version == attempt.answer_version; });
        if (row == request.rows.end())
        {
            lose("a save was acknowledged and is not in the history", {to_text(attempt)});
            return;
        }

        const State &state = evidence_.states.at((*row)->version);
        const std::optional<std::string> &saved = (*row)->status_to ? (*row)->status_to : state.status;
        const bool is_merge = attempt.outcome == "merged";
        if (is_merge != is_merged(**row))
        {
            report(Invariant::own_fields_alone,
                   is_merge ? "a save was told that it was merged, and was not"
                            : "a save was told that its base was current, and was merged",
                   {to_text(**row), to_text(attempt)});
            return;
        }
        const bool is_deletion = attempt.action == Action::remove_seen;
        const bool has_status = !attempt.status || attempt.status == saved || is_merge;
        const bool is_right = has_status && attempt.answer_status == (is_deletion ? std::nullopt : saved) &&
                              attempt.answer_comment == (*row)->comment_id &&
                              attempt.comment.has_value() == (*row)->comment_id.has_value() &&
                              (!(*row)->based_on || same_version(*(*row)->based_on, attempt.base));
        if (!is_right)
            lose("the history has something else than what was acknowledged", {to_text(**row), to_text(attempt)});
    }

    // 16: a group of columns is what it was, or what the save's author saw with what the save asks for.
    void check_groups(const Request &request, const HistoryRow &row, const State &at_base, const State &before)
    {
        const State &after = evidence_.states.at(row.version);
        const auto asked = asked_values(request.asked());
        for (const std::vector<std::string> &group : evidence_.merge_groups)
        {
            const bool is_as_before = std::all_of(group.begin(), group.end(), [&](const std::string &column) {
                return after.value_of(column) == before.value_of(column);
            });
            const bool is_as_sent = std::all_of(group.begin(), group.end(), [&](const std::string &column) {
                const auto mine = asked.find(column);
                return after.value_of(column) == (mine == asked.end() ? at_base.value_of(column) : mine->second);
            });
            if (!is_as_before && !is_as_sent)
                report(Invariant::group_is_one_field,
                       fmt::format("a merge made a combination of {} that nobody saw or sent", fmt::join(group, ", ")),
                       {to_text(row), to_text(request.asked())});
        }
    }

    // Whether a merge group collides: the caller changes a column of it, and others have changed one to another value
    // than the caller's.
    bool has_group_collision(const std::map<std::string, std::string> &asked, const State &at_base,
                             const State &now) const
    {
        return std::any_of(evidence_.merge_groups.begin(), evidence_.merge_groups.end(), [&](const auto &group) {
            bool is_mine = false;
            bool is_theirs = false;
            for (const std::string &column : group)
            {
                const auto was = at_base.value_of(column);
                const auto found = asked.find(column);
                const auto mine = found == asked.end() ? was : found->second;
                is_mine |= mine != was;
                is_theirs |= now.value_of(column) != was && now.value_of(column) != mine;
            }
            return is_mine && is_theirs;
        });
    }

    // 9: what a save wrote is what it asked for and nobody changed since its base, and all of that.
    void check_own_fields(const Request &request, const HistoryRow &row)
    {
        const State *before = row.previous ? evidence_.state_at(*row.previous) : nullptr;
        if (!before)
            return;
        const auto accuse = [&](const std::string &what) {
            report(Invariant::own_fields_alone, what, {to_text(row), to_text(request.asked())});
        };

        const State *at_base = before;
        if (is_merged(row))
        {
            at_base = evidence_.state_at(*row.based_on);
            if (!at_base || evidence_.was_deleted_between(*row.based_on, row.version))
                return accuse("a save was merged from a version that this customer never had");
        }

        if (is_merged(row))
            check_groups(request, row, *at_base, *before);
        auto written = written_by(row);
        for (const auto &[column, mine] : asked_values(request.asked()))
        {
            const auto found = written.find(column);
            const Fate fate = fate_of(at_base->value_of(column), mine, before->value_of(column));
            if (fate == Fate::collide)
                accuse(fmt::format("a merge was applied although others had changed {} since its base", column));
            else if (found == written.end())
            {
                if (fate == Fate::write)
                    accuse(fmt::format("a save that was applied did not write its {}", column));
            }
            else if (fate == Fate::leave)
                accuse(fmt::format("a save wrote {}, which it had no reason to change", column));
            else if (found->second != mine)
                accuse(fmt::format("a save wrote something else into {} than it was asked to", column));
            if (found != written.end())
                written.erase(found);
        }
        for (const auto &[column, value] : written)
            accuse(fmt::format("a save wrote {}, which it was not asked to", column));
    }

    // 8: asking again tells what became of the request.
    void check_replayed(const Request &request, const Attempt &attempt)
    {
        const bool is_right = std::any_of(request.rows.begin(), request.rows.end(), [&](const HistoryRow *row) {
            // The comment of a customer that was deleted went with it.
            return row->version == attempt.replayed_version &&
                   (attempt.answer_comment == row->comment_id || evidence_.era(*row) == Era::gone);
        });
        if (!is_right)
            report(Invariant::lost_answer_can_be_asked_again,
                   "a request was told that it was applied before, and the history says otherwise", texts(request));
    }

    // 1: somebody else must have won.
    void check_conflict(const Attempt &attempt)
    {
        // What of a superseded change is so is looked at with the reversions.
        if (!attempt.superseded.empty())
            return;
        if (!attempt.answer_version || same_version(*attempt.answer_version, attempt.base))
            report(Invariant::one_winner, "a save was refused although its base was the current version",
                   {to_text(attempt)});
        else if (attempt.merge && has_no_collision(attempt))
            report(Invariant::own_fields_alone, "a merge was refused although nothing that it asked for collides",
                   {to_text(attempt)});
    }

    bool has_no_collision(const Attempt &merge) const
    {
        const State *at_base = evidence_.state_at(merge.base);
        const State *now = evidence_.state_at(*merge.answer_version);
        if (!at_base || !now || evidence_.was_deleted_between(merge.base, *merge.answer_version))
            return false;
        const auto asked = asked_values(merge);
        if (has_group_collision(asked, *at_base, *now))
            return false;
        return std::none_of(asked.begin(), asked.end(), [&](const auto &value) {
            const auto &[column, mine] = value;
            return fate_of(at_base->value_of(column), mine, now->value_of(column)) == Fate::collide;
        });
    }

    // 8: what was applied is not refused any more.
    void check_not_applied_before(const Request &request, const Attempt &attempt)
    {
        for (const Attempt *other : request.attempts)
            if (other->is_applied() && other->answered < attempt.sent)
                report(Invariant::lost_answer_can_be_asked_again,
                       "a save was told that it is refused after it had been applied",
                       {to_text(*other), to_text(attempt)});
    }

    // 3: there was nothing to do.
    void check_unchanged(const Attempt &attempt)
    {
        const State *at_base = evidence_.state_at(attempt.base);
        const State *now = attempt.answer_version ? evidence_.state_at(*attempt.answer_version) : nullptr;
        const bool is_current = attempt.answer_version && same_version(*attempt.answer_version, attempt.base);
        // A merge whose comment is there already, because a later save took it over, is told where.
        const bool has_no_new_comment = !attempt.comment || (attempt.merge && attempt.answer_comment);
        bool is_right = has_no_new_comment && at_base && now && (is_current || attempt.merge);
        if (is_right)
            for (const auto &[column, mine] : asked_values(attempt))
                is_right &= fate_of(at_base->value_of(column), mine, now->value_of(column)) == Fate::leave;
        if (!is_right)
            lose("a save was told that it changes nothing, and it does", {to_text(attempt)});
    }
};

}  // namespace

void
check_saves(const Evidence &evidence, Findings &findings)
{
    SaveCheck(evidence, findings).run();
}

}  // namespace crm::hammer
