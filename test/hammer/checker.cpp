#include "checker.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "evidence.h"

namespace crm::hammer {

namespace {

// Enough to see what is wrong.
constexpr std::size_t most_rows_shown = 8;

// The checks of one customer.
class CustomerCheck
{
public:
    CustomerCheck(const Evidence &evidence, Findings &findings) : evidence_(evidence), findings_(findings) {}

    void run()
    {
        check_one_winner();
        check_chain();
        check_head();
        check_unknown_rows();
        check_digests();
        for (const Request &request : evidence_.requests)
            check_request(request);
        for (const auto &[key, comment] : evidence_.comments)
            check_comment(comment);
        check_refused_statuses();
        check_locks();
        for (const Attempt *attempt : evidence_.attempts)
            check_answer(*attempt);
        check_order();
    }

private:
    void report(Invariant invariant, std::string what, std::vector<std::string> rows)
    {
        if (rows.size() > most_rows_shown)
        {
            const std::size_t more = rows.size() - most_rows_shown;
            rows.resize(most_rows_shown);
            rows.push_back(fmt::format("… and {} more", more));
        }
        findings_.violations.push_back({invariant, evidence_.customer, std::move(what), std::move(rows)});
    }

    void lose(std::string what, std::vector<std::string> rows)
    {
        ++findings_.counts.lost;
        report(Invariant::nothing_acknowledged_lost, std::move(what), std::move(rows));
    }

    template <typename Row>
    static std::vector<std::string> texts(const std::vector<const Row *> &rows)
    {
        std::vector<std::string> lines;
        for (const Row *row : rows)
            lines.push_back(to_text(*row));
        return lines;
    }

    static std::vector<std::string> texts(const Request &request)
    {
        std::vector<std::string> lines = texts(request.attempts);
        for (const HistoryRow *row : request.rows)
            lines.push_back(to_text(*row));
        return lines;
    }

    static std::vector<std::string> texts(const Comment &comment)
    {
        std::vector<std::string> lines = texts(comment.rows);
        for (const Attempt *attempt : comment.attempts)
            lines.push_back(to_text(*attempt));
        return lines;
    }

    const HistoryRow *row_with_version(ServerTime version) const
    {
        const auto row = std::lower_bound(evidence_.chain.begin(), evidence_.chain.end(), version,
                                          [](const HistoryRow *r, ServerTime v) { return r->version < v; });
        return row != evidence_.chain.end() && (*row)->version == version ? *row : nullptr;
    }

    // 1: what the links, the bases, and the answers say about a version's successors.
    void check_one_winner()
    {
        std::map<ServerTime, std::vector<const HistoryRow *>> by_previous;
        std::map<ServerTime, std::vector<const HistoryRow *>> by_base;
        std::map<ServerTime, std::vector<const Attempt *>> winners;
        std::set<const HistoryRow *> merged;

        for (const Request &request : evidence_.requests)
            for (const HistoryRow *row : request.rows)
                if (row->based_on && row->previous && !same_version(*row->based_on, *row->previous) &&
                    std::any_of(request.attempts.begin(), request.attempts.end(),
                                [](const Attempt *attempt) { return attempt->merge; }))
                    merged.insert(row);
        for (const HistoryRow *row : evidence_.chain)
        {
            if (row->previous)
                by_previous[*row->previous].push_back(row);
            if (row->author && row->based_on && !merged.contains(row))
                by_base[*row->based_on].push_back(row);
        }
        for (const Request &request : evidence_.requests)
            for (const Attempt *attempt : request.attempts)
                if (attempt->outcome == "updated")
                {
                    winners[attempt->base].push_back(attempt);
                    break;
                }

        std::set<ServerTime> reported;
        const auto report_several = [&](const auto &groups, std::string_view how)
        {
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
                !merged.contains(row))
            {
                ++findings_.counts.lost;
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
            const bool starts_life = row->operation == "insert";
            if (!before ? row->previous.has_value() : row->previous != before->version)
                report(Invariant::one_chain, "a row does not follow the one before it", pair(before, *row));
            else if (starts_life != (!before || before->operation == "delete"))
                report(Invariant::one_chain, "an insert starts a chain or follows a delete, and nothing else does",
                       pair(before, *row));
            else if (before && !starts_life && row->status_from &&
                     row->status_from != evidence_.states.at(before->version).status)
                report(Invariant::one_chain, "a row starts from another status than the one before it left",
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
        else if (state.status != evidence_.row->status || state.phone != evidence_.row->phone)
            lose("the customer is not what its last change made of it", rows);
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

    // 3, 4, 5 and 8: a request was applied once or not at all, and everybody who asked was told so.
    void check_request(const Request &request)
    {
        if (!request.rows.empty())
            ++findings_.counts.updated;

        int told_updated = 0;
        bool is_told_conflict = false;
        for (const Attempt *attempt : request.attempts)
        {
            told_updated += attempt->is_applied();
            is_told_conflict |= attempt->outcome == "conflict";
        }
        findings_.counts.conflicts += is_told_conflict;

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
            const auto is_refused_later = [&](const Attempt *refused)
            {
                return refused->keeps_comment() &&
                       std::any_of(request.attempts.begin(), request.attempts.end(), [&](const Attempt *applied)
                                   { return applied->is_applied() && applied->answered < refused->sent; });
            };
            if (std::any_of(request.attempts.begin(), request.attempts.end(), is_refused_later))
                report(Invariant::lost_answer_can_be_asked_again,
                       "a request that was applied was told later that it was refused", texts(request));
            if (told_updated == 0 && !request.is_in_doubt())
                report(Invariant::lost_answer_can_be_asked_again,
                       "a request was told that it was applied before, which nobody was told before", texts(request));
        }
        else if (!request.rows.empty() && request.is_told_refused())
            report(request.is_in_doubt() ? Invariant::lost_answer_can_be_asked_again
                                         : Invariant::nothing_refused_applied,
                   "a refused save was applied", texts(request));
        else if (!request.rows.empty() && !request.is_in_doubt())
            report(Invariant::lost_answer_can_be_asked_again,
                   "a save was applied, and all who asked were told something else", texts(request));

        for (const Attempt *attempt : request.attempts)
        {
            if (attempt->reply != Reply::answered)
                continue;
            if (attempt->is_applied())
                check_updated(request, *attempt);
            else if (attempt->outcome == "replayed")
                check_replayed(request, *attempt);
            else if (attempt->outcome == "conflict")
                check_conflict(*attempt);
            else if (attempt->outcome == "locked")
                check_locked(*attempt);
            else if (attempt->outcome == "unchanged")
                check_unchanged(*attempt);
            else if (attempt->outcome == "not_found")
                lose("a customer was not found that its history must know", {to_text(*attempt)});
            else if (attempt->outcome != "deleted")
                report(Invariant::lost_answer_can_be_asked_again,
                       fmt::format("the outcome \"{}\" does not tell what became of the save", attempt->outcome),
                       {to_text(*attempt)});
        }
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
        const bool is_right = (!attempt.status || attempt.status == saved || attempt.outcome == "merged") &&
                              attempt.answer_status == saved && attempt.answer_comment == (*row)->comment_id &&
                              attempt.comment.has_value() == (*row)->comment_id.has_value() &&
                              (!(*row)->based_on || same_version(*(*row)->based_on, attempt.base));
        if (!is_right)
            lose("the history has something else than what was acknowledged", {to_text(**row), to_text(attempt)});
        else if (!attempt.phone && (*row)->phone_to)
            lose("a save changed a field that it did not ask for", {to_text(**row), to_text(attempt)});
        else
            check_merge(attempt, **row);
    }

    // The customer at a version; nullptr where the history does not have it.
    const State *state_at(ServerTime version) const
    {
        const auto state = evidence_.states.lower_bound(version - 999);
        return state != evidence_.states.end() && same_version(state->first, version) ? &state->second : nullptr;
    }

    // 3: each field is what the caller made of it, or what others made of it, and nobody's change is overwritten.
    void check_merge(const Attempt &attempt, const HistoryRow &row)
    {
        const State *was = state_at(attempt.base);
        const State *theirs = row.previous ? state_at(*row.previous) : nullptr;
        if (!was || !theirs || (was != theirs && !attempt.merge))
            return;
        const State &saved = evidence_.states.at(row.version);
        check_merged_field(attempt, row, was->status, attempt.status, theirs->status, saved.status);
        check_merged_field(attempt, row, was->phone, attempt.phone, theirs->phone, saved.phone);
    }

    void check_merged_field(const Attempt &attempt, const HistoryRow &row, const std::optional<std::string> &was,
                            const std::optional<std::string> &mine, const std::optional<std::string> &theirs,
                            const std::optional<std::string> &saved)
    {
        const bool is_mine = mine && mine != was;
        if (is_mine && theirs != was && theirs != mine)
            lose("a save overwrote a change of the same field that its author had not seen",
                 {to_text(row), to_text(attempt)});
        else if (saved != (is_mine ? mine : theirs))
            lose("a field of a save is neither what its author made of it nor what it was", {to_text(row), to_text(attempt)});
    }

    // 1: the base was current, or could be merged, and somebody else was locking.
    void check_locked(const Attempt &attempt)
    {
        const bool is_somebody_elses = std::any_of(
            evidence_.attempts.begin(), evidence_.attempts.end(), [&](const Attempt *lock) {
                return lock->action == Action::lock && lock->author != attempt.author && lock->sent < attempt.answered &&
                       (lock->holds_lock() || lock->reply == Reply::in_doubt);
            });
        if (!is_somebody_elses)
            report(Invariant::one_winner, "a save was refused for a lock that nobody else took", {to_text(attempt)});
        else if (!attempt.merge && (!attempt.answer_version || !same_version(*attempt.answer_version, attempt.base)))
            report(Invariant::one_winner, "a save from an old version was told of a lock and not of the conflict",
                   {to_text(attempt)});
    }

    // 4: while a lock was surely held, nobody else saved.
    void check_locks()
    {
        std::map<const HistoryRow *, SteadyTime> acknowledged;
        for (const Request &request : evidence_.requests)
            for (const HistoryRow *row : request.rows)
                for (const Attempt *attempt : request.attempts)
                    if (attempt->is_applied() && attempt->answer_version == row->version)
                        acknowledged[row] = attempt->answered;

        for (const Attempt *lock : evidence_.attempts)
        {
            if (!lock->holds_lock() || !lock->expires_at)
                continue;
            const ServerTime locked_at = *lock->expires_at - lock->ttl_ms * ServerTime{1000};
            // Until it was released or replaced by a shorter one of the same author, or went with the customer.
            SteadyTime ended = std::numeric_limits<SteadyTime>::max();
            for (const Attempt *other : evidence_.attempts)
                if (other->sent > lock->sent && other != lock &&
                    ((other->action == Action::unlock && other->lock_id == lock->lock_id) ||
                     (other->action == Action::lock && other->author == lock->author)))
                    ended = std::min(ended, other->sent);
            for (const HistoryRow *row : evidence_.chain)
            {
                if (row->operation == "delete" && row->recorded_at > locked_at)
                    break;
                const auto known = acknowledged.find(row);
                if (row->author && row->author != lock->author && row->recorded_at > locked_at &&
                    row->recorded_at < *lock->expires_at && known != acknowledged.end() && known->second < ended)
                    report(Invariant::nothing_refused_applied, "a save was admitted under somebody else's edit lock",
                           {to_text(*lock), to_text(*row)});
            }
        }
    }

    // 8: asking again tells what became of the request.
    void check_replayed(const Request &request, const Attempt &attempt)
    {
        const bool is_right =
            std::any_of(request.rows.begin(), request.rows.end(),
                        [&](const HistoryRow *row)
                        {
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
        if (!attempt.answer_version || same_version(*attempt.answer_version, attempt.base))
            report(Invariant::one_winner, "a save was refused although its base was the current version",
                   {to_text(attempt)});
    }

    // 3: there was nothing to do.
    void check_unchanged(const Attempt &attempt)
    {
        const bool is_right = (!attempt.comment || (attempt.merge && attempt.answer_comment)) && attempt.answer_version &&
                              (attempt.merge || (same_version(*attempt.answer_version, attempt.base) &&
                                                 (!attempt.status || attempt.status == attempt.answer_status)));
        if (!is_right)
            lose("a save was told that it changes nothing, and it does", {to_text(attempt)});
    }

    // 4: no status is to be seen that only refused or failed attempts asked for.
    void check_refused_statuses()
    {
        std::map<std::string, const Attempt *> refused;
        for (const Attempt *attempt : evidence_.attempts)
            if (attempt->status)
                refused.emplace(*attempt->status, attempt);
        for (const Request &request : evidence_.requests)
            if (request.asked().status && (!request.rows.empty() || request.is_told_applied() || request.is_in_doubt()))
                refused.erase(*request.asked().status);
        for (const Attempt *attempt : evidence_.attempts)
            if (attempt->status && attempt->action != Action::save && attempt->reply != Reply::failed)
                refused.erase(*attempt->status);

        std::map<const Attempt *, std::vector<std::string>> seen;
        const auto look = [&](const std::optional<std::string> &status, const auto &where)
        {
            const auto found = status ? refused.find(*status) : refused.end();
            if (found != refused.end())
                seen[found->second].push_back(to_text(where));
        };
        if (evidence_.row)
            look(evidence_.row->status, *evidence_.row);
        for (const HistoryRow *row : evidence_.chain)
            look(row->status_from, *row);
        for (const Attempt *attempt : evidence_.attempts)
            look(attempt->answer_status, *attempt);
        for (auto &[attempt, rows] : seen)
        {
            rows.insert(rows.begin(), to_text(*attempt));
            report(Invariant::nothing_refused_applied, "the status of a save that was refused is to be seen", rows);
        }
    }

    // 3, 4 and 5: a comment that was acknowledged or kept is there exactly once, and marked as what it is.
    void check_comment(const Comment &comment)
    {
        bool must_be_there = false;
        bool may_be_there = false;
        for (const Attempt *attempt : comment.attempts)
        {
            const bool is_kept = attempt->is_done() || attempt->keeps_comment();
            const bool is_said = is_kept || attempt->is_applied() || attempt->outcome == "replayed";
            const Era era = evidence_.era(*attempt);
            must_be_there |= is_kept && era == Era::current;
            may_be_there |= (is_said || attempt->reply == Reply::in_doubt) && era != Era::gone;
        }
        const HistoryRow *applied = nullptr;
        for (const Request *request : comment.requests)
            for (const HistoryRow *row : request->rows)
                if (evidence_.era(*row) == Era::current)
                    applied = row;
        must_be_there |= applied != nullptr;

        findings_.counts.comments += static_cast<std::int64_t>(comment.rows.size());
        const bool is_bare_or_applied = applied || comment.requests.empty();
        if (comment.rows.empty())
        {
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
                                                 [](const Attempt *a) { return a->keeps_comment(); });
            report(was_refused ? Invariant::nothing_refused_applied : Invariant::nothing_twice,
                   fmt::format("a comment is there {} times", comment.rows.size()), texts(comment));
            return;
        }
        check_comment_row(comment, *comment.rows.front(), applied, must_be_there);
    }

    // 3 and 4: the one row of a comment.
    void check_comment_row(const Comment &comment, const CommentRow &row, const HistoryRow *applied, bool is_sure)
    {
        const auto accuse = [&](std::string_view what)
        {
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
            const bool names_place = attempt->is_done() || attempt->is_applied() || attempt->keeps_comment() ||
                                     attempt->outcome == "unchanged" || (attempt->outcome == "replayed" && applied);
            if (names_place && evidence_.era(*attempt) == Era::current && attempt->answer_comment != row.id)
                return accuse("a comment is stored elsewhere than an answer says");
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
        if (applied->comment_id != row.id)
            return accuse("the history names another comment than the one that is there");
        if (row.save_refused)
            return accuse("the comment of a save that landed is marked as refused");
        check_adoption(comment, row, *applied, accuse);
    }

    // 4: a comment that a refusal left is taken over by the save that lands, and by no other.
    template <typename Accuse>
    void check_adoption(const Comment &comment, const CommentRow &row, const HistoryRow &applied, const Accuse &accuse)
    {
        SteadyTime landing_sent = std::numeric_limits<SteadyTime>::max();
        SteadyTime landing_answered = std::numeric_limits<SteadyTime>::min();
        for (const Request *request : comment.requests)
            if (std::find(request->rows.begin(), request->rows.end(), &applied) != request->rows.end())
                for (const Attempt *attempt : request->attempts)
                    if (attempt->is_applied() || attempt->reply == Reply::in_doubt)
                    {
                        landing_sent = std::min(landing_sent, attempt->sent);
                        landing_answered = std::max(landing_answered, attempt->answered);
                    }

        bool must_be_adopted = false;
        bool may_be_adopted = false;
        for (const Attempt *attempt : comment.attempts)
            if (attempt->keeps_comment())
            {
                const Era era = evidence_.era(*attempt);
                must_be_adopted |= era == Era::current && attempt->answered < landing_sent;
                may_be_adopted |= era != Era::gone && attempt->sent < landing_answered;
            }

        if (row.adopted_version ? !may_be_adopted || row.adopted_version != applied.version : must_be_adopted)
            accuse("the adoption of a comment does not agree with its refusals and its save");
    }

    // 2 and 3: plain writes are in the history, and it has every state that anybody was shown.
    void check_answer(const Attempt &attempt)
    {
        if (attempt.reply != Reply::answered)
            return;

        const bool is_plain_write = attempt.action == Action::insert || attempt.action == Action::update ||
                                    attempt.action == Action::remove;
        if (is_plain_write && attempt.is_done() && !evidence_.row_of(attempt))
        {
            lose(fmt::format("a plain {} was acknowledged and is not in the history", name(attempt.action)),
                 {to_text(attempt)});
            return;
        }

        if ((attempt.outcome == "none" || attempt.outcome == "deleted") && !evidence_.may_have_been_absent(attempt))
        {
            lose("a customer was told to be gone while it was there", {to_text(attempt)});
            return;
        }

        const bool shows_current_row = attempt.action != Action::comment && attempt.action != Action::lock &&
                                       attempt.action != Action::unlock && attempt.outcome != "none" &&
                                       attempt.outcome != "deleted" && attempt.outcome != "not_found";
        // A request that was applied is told so even when the customer is deleted since.
        if (!shows_current_row || (attempt.outcome == "replayed" && !attempt.answer_version))
            return;
        const HistoryRow *row = attempt.answer_version ? row_with_version(*attempt.answer_version) : nullptr;
        if (!row)
            report(Invariant::one_chain, "a version was shown that the history does not have", {to_text(attempt)});
        else if (attempt.answer_status != evidence_.states.at(row->version).status)
            report(Invariant::one_chain, "a status was shown that the customer did not have in this version",
                   {to_text(*row), to_text(attempt)});
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
            const bool is_write = attempt->action == Action::save ? attempt->is_applied()
                                                                  : attempt->action != Action::read;
            all.push_back({attempt, *attempt->answer_version, is_write});
        }

        std::vector<Shown> acknowledged;
        std::copy_if(all.begin(), all.end(), std::back_inserter(acknowledged),
                     [](const Shown &s) { return s.is_write; });
        const auto by = [](auto member)
        { return [member](const Shown &a, const Shown &b) { return a.attempt->*member < b.attempt->*member; }; };
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

    const Evidence &evidence_;
    Findings &findings_;
};

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
    }
    return {};
}

Invariant
invariant_of(std::string_view name_in_crm_verify)
{
    if (name_in_crm_verify == "one_successor")
        return Invariant::one_winner;
    if (name_in_crm_verify.starts_with("versions"))
        return Invariant::versions_increase;
    if (name_in_crm_verify == "comments_kept" || name_in_crm_verify == "threads")
        return Invariant::nothing_acknowledged_lost;
    if (name_in_crm_verify == "refused_once")
        return Invariant::nothing_refused_applied;
    if (name_in_crm_verify == "applied_once")
        return Invariant::nothing_twice;
    return Invariant::one_chain;
}

Findings
check(std::span<const Attempt> log, const Tables &tables)
{
    Findings findings;
    for (const Evidence &evidence : gather_evidence(log, tables))
        CustomerCheck(evidence, findings).run();
    return findings;
}

}  // namespace crm::hammer
