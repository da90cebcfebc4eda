#include "checker.h"

#include <algorithm>
#include <charconv>
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
        check_refused_values();
        for (const Attempt *attempt : evidence_.attempts)
            check_answer(*attempt);
        check_order();
        check_locks();
    }

private:
    // An edit lock as acknowledged: it was live at every server time between these two.
    struct HeldLock
    {
        const Attempt *attempt;
        ServerTime from;
        ServerTime until;
    };

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

        for (const HistoryRow *row : evidence_.chain)
        {
            if (row->previous)
                by_previous[*row->previous].push_back(row);
            if (row->author && row->based_on && !is_merged(*row))
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
                !is_merged(*row))
            {
                ++findings_.counts.lost;
                report(Invariant::one_winner,
                       fmt::format("a save overwrote version {}, which it had not seen", to_text(*row->previous)),
                       {to_text(*row)});
            }
    }

    // Whether the row is of a save that asked for a merge and was applied to a later version than its base.
    bool is_merged(const HistoryRow &row) const
    {
        const auto request = evidence_.request_of.find(&row);
        return request != evidence_.request_of.end() && request->second->asked().merge && row.based_on &&
               row.previous && !same_version(*row.based_on, *row.previous);
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

    // 3, 4, 5 and 8: a request was applied once or not at all, and everybody who asked was told so.
    void check_request(const Request &request)
    {
        if (!request.rows.empty())
            ++findings_.counts.updated;
        for (const HistoryRow *row : request.rows)
        {
            findings_.counts.merged += is_merged(*row);
            check_own_fields(request, *row);
        }

        int told_updated = 0;
        bool is_told_conflict = false;
        bool is_told_locked = false;
        for (const Attempt *attempt : request.attempts)
        {
            told_updated += attempt->is_applied();
            is_told_conflict |= attempt->outcome == "conflict";
            is_told_locked |= attempt->outcome == "locked";
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
                 (request.is_told_refused() || ((is_told_conflict || is_told_locked) && !request.is_in_doubt())))
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
            if (attempt->is_turned_away())
                check_not_applied_before(request, *attempt);
            if (attempt->is_applied())
                check_updated(request, *attempt);
            else if (attempt->outcome == "replayed")
                check_replayed(request, *attempt);
            else if (attempt->outcome == "conflict")
                check_conflict(*attempt);
            else if (attempt->outcome == "locked")
                check_lock_that_refused(*attempt);
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
        const bool is_merge = attempt.outcome == "merged";
        if (is_merge != is_merged(**row))
        {
            report(Invariant::own_fields_alone,
                   is_merge ? "a save was told that it was merged, and was not"
                            : "a save was told that its base was current, and was merged",
                   {to_text(**row), to_text(attempt)});
            return;
        }
        const bool has_status = !attempt.status || attempt.status == saved || is_merge;
        const bool is_right = has_status && attempt.answer_status == saved &&
                              attempt.answer_comment == (*row)->comment_id &&
                              attempt.comment.has_value() == (*row)->comment_id.has_value() &&
                              (!(*row)->based_on || same_version(*(*row)->based_on, attempt.base));
        if (!is_right)
            lose("the history has something else than what was acknowledged", {to_text(**row), to_text(attempt)});
    }

    // What a save has to do with one of the columns that it asks for.
    enum class Fate
    {
        leave,
        write,
        collide,
    };

    static Fate fate_of(const std::optional<std::string> &was, const std::string &mine,
                        const std::optional<std::string> &theirs)
    {
        if (theirs == mine || was == mine)
            return Fate::leave;
        return was == theirs ? Fate::write : Fate::collide;
    }

    static std::map<std::string, std::string> asked_values(const Attempt &asked)
    {
        std::map<std::string, std::string> values = asked.fields;
        if (asked.status)
            values["status"] = *asked.status;
        return values;
    }

    // 9: what a save wrote is what it asked for and nobody changed since its base, and all of that.
    void check_own_fields(const Request &request, const HistoryRow &row)
    {
        const State *before = row.previous ? evidence_.state_at(*row.previous) : nullptr;
        if (!before)
            return;
        const auto accuse = [&](const std::string &what)
        { report(Invariant::own_fields_alone, what, {to_text(row), to_text(request.asked())}); };

        const State *at_base = before;
        if (is_merged(row))
        {
            at_base = evidence_.state_at(*row.based_on);
            if (!at_base || evidence_.was_deleted_between(*row.based_on, row.version))
                return accuse("a save was merged from a version that this customer never had");
        }

        std::map<std::string, std::optional<std::string>> written;
        if (row.status_from != row.status_to)
            written["status"] = row.status_to;
        for (const auto &[column, change] : row.fields)
            if (change.from != change.to)
                written[column] = change.to;

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
        return std::none_of(
            asked.begin(), asked.end(),
            [&](const auto &value)
            {
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

    // 10: the lock that an answer names.
    void check_lock_that_refused(const Attempt &attempt)
    {
        if (attempt.lock_holder == attempt.author)
            return report(Invariant::lock_keeps_others_out, "a user was refused by a lock of its own",
                          {to_text(attempt)});

        const auto may_be_it = [&](const Attempt *lock)
        {
            if (lock->action != Action::lock || lock->author != attempt.lock_holder || lock->sent > attempt.answered)
                return false;
            if (lock->reply == Reply::in_doubt)
                return true;
            return lock->has_lock() && lock->lock_expires_at == attempt.lock_expires_at && !is_released(*lock, attempt);
        };
        if (std::none_of(evidence_.attempts.begin(), evidence_.attempts.end(), may_be_it))
            report(Invariant::lock_keeps_others_out, "a user was refused by a lock that nobody held", {to_text(attempt)});
    }

    // Whether its release was acknowledged before the other attempt was sent.
    bool is_released(const Attempt &lock, const Attempt &other) const
    {
        return std::any_of(evidence_.attempts.begin(), evidence_.attempts.end(),
                           [&](const Attempt *a)
                           {
                               return a->action == Action::unlock && a->is_done() &&
                                      a->lock_id == lock.answer_lock_id && a->answered < other.sent;
                           });
    }

    // When the locks were live that were acknowledged, in the server's time. One user's attempts follow each other.
    std::vector<HeldLock> held_locks() const
    {
        std::map<std::string, std::vector<const Attempt *>> by_author;
        for (const Attempt *attempt : evidence_.attempts)
            if (attempt->action == Action::lock || attempt->action == Action::unlock)
                by_author[attempt->author].push_back(attempt);

        std::vector<HeldLock> locks;
        for (const auto &[author, attempts] : by_author)
            for (auto i = attempts.begin(); i != attempts.end(); ++i)
            {
                if (!(*i)->has_lock() || !(*i)->lock_expires_at)
                    continue;
                HeldLock lock{*i, given_at(**i), *(*i)->lock_expires_at};
                for (auto next = std::next(i); next != attempts.end(); ++next)
                    if (const auto end = end_by(lock, **next))
                    {
                        lock.until = std::min(lock.until, *end);
                        break;
                    }
                for (const HistoryRow *row : evidence_.chain)
                    if (row->operation == "delete" && row->recorded_at > lock.from)
                        lock.until = std::min(lock.until, row->recorded_at);
                locks.push_back(lock);
            }
        return locks;
    }

    static ServerTime given_at(const Attempt &lock) { return *lock.lock_expires_at - lock.ttl; }

    // Until when the lock was surely live, if the holder's later attempt ended it or gave it another end.
    static std::optional<ServerTime> end_by(const HeldLock &lock, const Attempt &later)
    {
        const bool is_of_other =
            later.action == Action::unlock && later.lock_id != lock.attempt->answer_lock_id;
        if (is_of_other || later.reply == Reply::failed)
            return std::nullopt;
        if (later.reply == Reply::in_doubt)
            return lock.from;
        if (later.action == Action::unlock)
            return later.clock.value_or(lock.from);
        if (later.has_lock() && later.lock_expires_at)
            return given_at(later);
        return std::nullopt;
    }

    // Both, what else was asked about locks meanwhile, and when the customer was deleted.
    std::vector<std::string> story_of_locks(const Attempt &lock, const Attempt &other) const
    {
        std::vector<std::string> story{to_text(lock), to_text(other)};
        for (const Attempt *attempt : evidence_.attempts)
            if (attempt != &lock && attempt != &other &&
                (attempt->action == Action::lock || attempt->action == Action::unlock) &&
                attempt->answered >= std::min(lock.sent, other.sent) &&
                attempt->sent <= std::max(lock.answered, other.answered))
                story.push_back(to_text(*attempt));
        for (const HistoryRow *row : evidence_.chain)
            if (row->operation == "delete")
                story.push_back(to_text(*row));
        return story;
    }

    // 10: while a lock was live, nobody else saved or got a lock; and it was not lost by itself.
    void check_locks()
    {
        for (const HeldLock &lock : held_locks())
        {
            const auto is_during = [&](ServerTime time) { return time > lock.from && time < lock.until; };
            for (const HistoryRow *row : evidence_.chain)
                if (row->author && row->author != lock.attempt->author && is_during(row->recorded_at))
                    report(Invariant::lock_keeps_others_out, "a save was applied under the lock of another user",
                           {to_text(*lock.attempt), to_text(*row)});
            for (const Attempt *other : evidence_.attempts)
                if (other->has_lock() && other->author != lock.attempt->author && other->lock_expires_at &&
                    is_during(given_at(*other)))
                    report(Invariant::lock_keeps_others_out, "a lock was given while another user's was live",
                           story_of_locks(*lock.attempt, *other));
        }
        for (const Attempt *attempt : evidence_.attempts)
        {
            if (attempt->reply != Reply::answered)
                continue;
            if (attempt->action == Action::lock && attempt->outcome == "locked")
                check_lock_that_refused(*attempt);
            const bool is_lost = attempt->action == Action::lock ? attempt->outcome == "lost"
                                                                 : attempt->action == Action::unlock &&
                                                                       attempt->outcome == "none";
            if (is_lost && !may_have_been_lost(*attempt))
                report(Invariant::lock_keeps_others_out, "a lock that nobody released or took over was lost",
                       {to_text(*attempt)});
        }
    }

    bool may_have_been_lost(const Attempt &attempt) const
    {
        return !evidence_.gaps.empty() ||
               std::any_of(evidence_.attempts.begin(), evidence_.attempts.end(),
                           [&](const Attempt *other)
                           {
                               if (other == &attempt || other->sent > attempt.answered ||
                                   other->reply == Reply::failed)
                                   return false;
                               if (other->action == Action::unlock)
                                   return other->lock_id == attempt.lock_id;
                               return other->action == Action::lock && other->author != attempt.author &&
                                      (other->reply == Reply::in_doubt || other->outcome == "acquired");
                           });
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

    // 4: nothing is to be seen that only refused or failed attempts asked for.
    void check_refused_values()
    {
        std::map<std::pair<std::string, std::string>, const Attempt *> refused;
        for (const Attempt *attempt : evidence_.attempts)
            for (const auto &value : asked_values(*attempt))
                refused.emplace(value, attempt);
        const auto allow = [&](const Attempt &asked)
        {
            for (const auto &value : asked_values(asked))
                refused.erase(value);
        };
        for (const Request &request : evidence_.requests)
            if (!request.rows.empty() || request.is_told_applied() || request.is_in_doubt())
                allow(request.asked());
        for (const Attempt *attempt : evidence_.attempts)
            if (attempt->action != Action::save && attempt->reply != Reply::failed)
                allow(*attempt);

        std::map<const Attempt *, std::vector<std::string>> seen;
        const auto look = [&](const std::string &column, const std::optional<std::string> &value, const auto &where)
        {
            const auto found = value ? refused.find({column, *value}) : refused.end();
            if (found != refused.end())
                seen[found->second].push_back(to_text(where));
        };
        const auto look_at_all = [&](const std::optional<std::string> &status, const Values &fields, const auto &where)
        {
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

    // 3, 4 and 5: a comment that was acknowledged or kept is there exactly once, and marked as what it is.
    void check_comment(const Comment &comment)
    {
        bool must_be_there = false;
        bool may_be_there = false;
        for (const Attempt *attempt : comment.attempts)
        {
            const bool is_kept = attempt->is_done() || attempt->is_turned_away() || attempt->outcome == "unchanged";
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
                                                 [](const Attempt *a) { return a->is_turned_away(); });
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
            const bool names_place = attempt->is_done() || attempt->is_applied() || attempt->is_turned_away() ||
                                     attempt->outcome == "unchanged" ||
                                     (attempt->outcome == "replayed" && applied);
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

        const bool is_plain_write = attempt.action == Action::insert || attempt.action == Action::update ||
                                    attempt.action == Action::remove;
        if (is_plain_write && attempt.is_done() && !evidence_.row_of(attempt))
        {
            lose(fmt::format("a plain {} was acknowledged and is not in the history", name(attempt.action)),
                 {to_text(attempt)});
            return;
        }

        if (attempt.action == Action::lock && attempt.outcome == "not_found")
            lose("a customer was not found that its history must know", {to_text(attempt)});
        const bool says_gone =
            attempt.outcome == "deleted" || (attempt.outcome == "none" && attempt.action != Action::unlock);
        if (says_gone && !evidence_.may_have_been_absent(attempt))
        {
            lose("a customer was told to be gone while it was there", {to_text(attempt)});
            return;
        }

        const bool has_row = attempt.action == Action::read || attempt.action == Action::save || is_plain_write;
        const bool shows_current_row = has_row && !says_gone && attempt.outcome != "not_found";
        // A request that was applied is told so even when the customer is deleted since.
        if (!shows_current_row || (attempt.outcome == "replayed" && !attempt.answer_version))
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
        case Invariant::own_fields_alone:
            return "a save writes its own fields and all of them, and a merge none that others changed since its base";
        case Invariant::lock_keeps_others_out:
            return "while a user's edit lock is live nobody else saves, and nobody is refused without one";
        case Invariant::reply_answers_what_it_was_to:
            return "a reply answers the comment that it was to";
        case Invariant::tables_verify:
            return "crm_verify() finds nothing";
    }
    return {};
}

Findings
check(std::span<const Attempt> log, const Tables &tables)
{
    Findings findings;
    for (const Evidence &evidence : gather_evidence(log, tables))
        CustomerCheck(evidence, findings).run();
    for (const VerifyRow &row : tables.verify)
    {
        std::int64_t customer = 0;
        std::from_chars(row.customer.data(), row.customer.data() + row.customer.size(), customer);
        findings.violations.push_back({Invariant::tables_verify, customer,
                                       fmt::format("{}: {}", row.invariant, row.problem), {row.detail}});
    }
    return findings;
}

}  // namespace crm::hammer
