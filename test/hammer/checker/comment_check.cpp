#include "checker.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

namespace crm::hammer {

namespace {

class CommentCheck : CustomerCheck
{
public:
    using CustomerCheck::CustomerCheck;

    void run()
    {
        for (const auto &[key, comment] : evidence_.comments)
            check_comment(comment);
        if (evidence_.keeps_deleted)
            check_places();
    }

private:
    // Whether the answer says that the comment is stored, by itself or for a request that was not applied.
    static bool is_said_to_be_there(const Attempt &attempt)
    {
        return attempt.is_done() || attempt.is_restored() || attempt.is_turned_away() ||
               (attempt.is_request() && attempt.outcome == "unchanged");
    }

    // 3, 4 and 5: a comment that was acknowledged or kept is there exactly once, and marked as what it is.
    void check_comment(const Comment &comment)
    {
        if (comment.attempts.front()->action == Action::restore)
            return check_comment_of_restorations(comment);
        bool must_be_there = false;
        bool may_be_there = false;
        for (const Attempt *attempt : comment.attempts)
        {
            const bool is_kept = is_said_to_be_there(*attempt);
            const bool is_said = is_kept || attempt->is_applied() || attempt->outcome == "replayed";
            const Era era = evidence_.era(*attempt);
            must_be_there |= is_kept && era == Era::current;
            may_be_there |= (is_said || attempt->reply == Reply::in_doubt) && era != Era::gone;
        }
        const HistoryRow *applied = nullptr;
        for (const Request *request : comment.requests)
            for (const HistoryRow *row : request->rows)
                if (evidence_.era(*row) == Era::current && (!applied || row->version < applied->version))
                    applied = row;
        must_be_there |= applied != nullptr;

        findings_.counts.comments += static_cast<std::int64_t>(comment.rows.size());
        const bool is_bare_or_applied = applied || comment.requests.empty();
        // What was withdrawn is said again by each save that brings it after that.
        if (!comment.withdrawn.empty() && comment.rows.size() <= std::max<std::size_t>(comment.requests.size(), 1))
            return;
        if (comment.rows.empty())
        {
            if (must_be_there && was_restored(comment))
            {
                ++findings_.counts.lost;
                report(Invariant::deleted_comes_back, "a comment did not come back with its customer", texts(comment));
                return;
            }
            if (must_be_there)
            {
                ++findings_.counts.lost;
                report(is_bare_or_applied ? Invariant::nothing_acknowledged_lost : Invariant::nothing_refused_applied,
                       is_bare_or_applied ? "an acknowledged comment is not there"
                                          : "the comment of a refused save is not there",
                       texts(comment));
            }
            return;
        }
        if (!must_be_there && !may_be_there)
        {
            report(Invariant::lost_answer_can_be_asked_again,
                   "a comment is there although every attempt ended in an error or before a delete", texts(comment));
            return;
        }
        if (comment.rows.size() > 1)
        {
            ++findings_.counts.twice;
            const bool was_refused = std::any_of(comment.attempts.begin(), comment.attempts.end(),
                                                 [](const Attempt *a) { return a->is_turned_away(); });
            report(was_refused ? Invariant::nothing_refused_applied : Invariant::nothing_twice,
                   fmt::format("a comment is there {} times", comment.rows.size()), texts(comment));
            return;
        }
        check_comment_row(comment, *comment.rows.front(), applied, must_be_there);
    }

    // 14: a restoration that is sent again restores again what somebody deleted meanwhile, with a comment of its own.
    void check_comment_of_restorations(const Comment &comment)
    {
        findings_.counts.comments += static_cast<std::int64_t>(comment.rows.size());
        const auto all = comment.rows.size() + comment.withdrawn.size();
        std::size_t restored = 0;
        std::size_t in_doubt = 0;
        for (const Attempt *attempt : comment.attempts)
        {
            in_doubt += attempt->reply == Reply::in_doubt;
            restored += attempt->is_restored();
            const auto is_it = [&](const CommentRow *row) { return row->id == attempt->answer_comment; };
            const bool is_there = std::any_of(comment.rows.begin(), comment.rows.end(), is_it) ||
                                  std::any_of(comment.withdrawn.begin(), comment.withdrawn.end(), is_it);
            if (attempt->is_restored() && evidence_.era(*attempt) == Era::current && !is_there)
            {
                ++findings_.counts.lost;
                report(Invariant::deleted_comes_back, "the comment of a restoration is not there", texts(comment));
            }
        }
        if (all > restored + in_doubt)
        {
            ++findings_.counts.twice;
            report(Invariant::nothing_twice, fmt::format("a comment is there {} times", all), texts(comment));
        }
    }

    // Whether the customer was deleted and restored since the comment was acknowledged.
    bool was_restored(const Comment &comment) const
    {
        return std::any_of(evidence_.gaps.begin(), evidence_.gaps.end(), [&](const Gap &gap) {
            return gap.is_restored &&
                   std::any_of(comment.attempts.begin(), comment.attempts.end(),
                               [&](const Attempt *a) { return a->answer_comment && a->answered < gap.delete_sent; });
        });
    }

    // 3 and 14: every comment that an answer names is with its customer, or set aside; none is both.
    void check_places()
    {
        for (const auto &[key, comment] : evidence_.comments)
            for (const Attempt *attempt : comment.attempts)
                if (attempt->answer_comment && !evidence_.comment_rows.contains(*attempt->answer_comment))
                {
                    ++findings_.counts.lost;
                    report(Invariant::deleted_comes_back,
                           "a comment that was acknowledged is neither with its customer nor set aside",
                           {to_text(*attempt)});
                }
        for (const auto &[id, rows] : evidence_.comment_rows)
            if (rows.size() > 1)
                report(Invariant::deleted_comes_back, fmt::format("comment {} is there {} times", id, rows.size()),
                       texts(rows));
    }

    // 3 and 4: the one row of a comment.
    void check_comment_row(const Comment &comment, const CommentRow &row, const HistoryRow *applied, bool is_sure)
    {
        const auto accuse = [&](std::string_view what) {
            std::vector<std::string> rows = texts(comment);
            if (applied)
                rows.push_back(to_text(*applied));
            report(applied || comment.requests.empty() ? Invariant::nothing_acknowledged_lost
                                                       : Invariant::nothing_refused_applied,
                   std::string(what), std::move(rows));
        };

        // Everybody was told the same place.
        for (const Attempt *attempt : comment.attempts)
        {
            const bool names_place =
                is_said_to_be_there(*attempt) || attempt->is_applied() || (attempt->outcome == "replayed" && applied);
            if (names_place && evidence_.era(*attempt) == Era::current && attempt->answer_comment != row.id)
                return accuse("a comment is stored elsewhere than an answer says");
            if (attempt->reply_to != row.reply_to)
                return report(Invariant::reply_answers_what_it_was_to,
                              "a comment answers another comment than it was to", texts(comment));
        }

        if (comment.requests.empty())
        {
            if (row.save_refused)
                accuse("a bare comment is marked as kept from a refused save");
            return;
        }
        const auto was_sent = [&](const Request *r) { return same_version(r->asked().base, *row.based_on); };
        if (row.based_on && std::none_of(comment.requests.begin(), comment.requests.end(), was_sent))
            return accuse("a comment is based on a version that its author did not send");

        if (!applied)
        {
            if (is_sure && (!row.save_refused || row.adopted_version))
                accuse("the comment of a refused save is marked as saved");
            return;
        }
        for (const Request *request : comment.requests)
            for (const HistoryRow *saved : request->rows)
                if (evidence_.era(*saved) == Era::current && saved->comment_id != row.id)
                    return accuse("the history names another comment than the one that is there");
        if (row.save_refused)
            return accuse("the comment of a save that landed is marked as refused");
        check_adoption(comment, row, *applied, accuse);
    }

    // 4: a comment that a refusal left is taken over by the save that lands, and by no other.
    template <typename Accuse>
    void check_adoption(const Comment &comment, const CommentRow &row, const HistoryRow &applied, const Accuse &accuse)
    {
        // Who may have made it land, and so when.
        SteadyTime landing_sent = std::numeric_limits<SteadyTime>::max();
        SteadyTime landing_answered = std::numeric_limits<SteadyTime>::max();
        const Request &landed = *evidence_.request_of.at(&applied);
        const auto acknowledged = std::find_if(landed.attempts.begin(), landed.attempts.end(),
                                               [](const Attempt *a) { return a->is_applied(); });
        if (acknowledged != landed.attempts.end())
        {
            landing_sent = (*acknowledged)->sent;
            landing_answered = (*acknowledged)->answered;
        }
        else
            for (const Attempt *attempt : landed.attempts)
                if (!attempt->is_turned_away())
                    landing_sent = std::min(landing_sent, attempt->sent);

        bool must_be_adopted = false;
        bool may_be_adopted = false;
        for (const Attempt *attempt : comment.attempts)
            if (attempt->is_turned_away())
            {
                const Era era = evidence_.era(*attempt);
                must_be_adopted |= era == Era::current && attempt->answered < landing_sent;
                may_be_adopted |= era != Era::gone && attempt->sent < landing_answered;
            }
            // The answer that was lost may have been a refusal that kept the comment.
            else if (attempt->reply == Reply::in_doubt)
                may_be_adopted |= evidence_.era(*attempt) != Era::gone && attempt->sent < landing_answered;

        if (row.adopted_version ? !may_be_adopted || row.adopted_version != applied.version : must_be_adopted)
            accuse("the adoption of a comment does not agree with its refusals and its save");
    }
};

}  // namespace

void
check_comments(const Evidence &evidence, Findings &findings)
{
    CommentCheck(evidence, findings).run();
}

}  // namespace crm::hammer
