#include "evidence.h"

#include <algorithm>
#include <limits>

namespace crm::hammer {

namespace {

using RequestKey = std::tuple<Action, ServerTime, std::string, std::optional<std::string>, std::optional<std::string>,
                              std::map<std::string, std::string>, std::optional<std::int64_t>, ServerTime, bool>;

// The base from which the request of a save was sent. A save may be told that it had been applied from an earlier base
// than it names now: by an arrival that was late, after its user had gone on from a refusal.
ServerTime
base_of(const Evidence &evidence, const Attempt &save)
{
    if (save.outcome == "replayed" && save.replayed_version)
        for (const HistoryRow *row : evidence.chain)
            if (row->version == *save.replayed_version && row->based_on && *row->based_on < save.base &&
                save.base < row->version && !same_version(*row->based_on, save.base))
                return *row->based_on;
    return save.base;
}

RequestKey
request_key(const Evidence &evidence, const Attempt &save)
{
    return {save.is_save() ? Action::save : save.action,
            base_of(evidence, save),
            save.author,
            save.status,
            save.comment,
            save.fields,
            save.reply_to,
            save.reverted,
            save.is_whole};
}

void
gather_requests(Evidence &evidence)
{
    std::map<RequestKey, std::size_t> known;
    for (const Attempt *attempt : evidence.attempts)
    {
        if (!attempt->is_request())
            continue;
        const auto [place, is_new] = known.try_emplace(request_key(evidence, *attempt), evidence.requests.size());
        if (is_new)
            evidence.requests.emplace_back();
        evidence.requests[place->second].attempts.push_back(attempt);
    }
}

void
gather_comments(Evidence &evidence, const std::vector<const CommentRow *> &rows)
{
    for (const Attempt *attempt : evidence.attempts)
        if (attempt->comment)
            evidence.comments[{attempt->author, *attempt->comment}].attempts.push_back(attempt);
    for (const Request &request : evidence.requests)
        if (request.asked().comment)
            evidence.comments[{request.asked().author, *request.asked().comment}].requests.push_back(&request);

    for (const CommentRow *row : rows)
    {
        // What its author sent, whatever became of it.
        const auto comment =
            evidence.comments.find({row->author, row->first_text.empty() ? row->body : row->first_text});
        evidence.comment_rows[row->id].push_back(row);
        if (comment == evidence.comments.end())
            evidence.unknown_comments.push_back(row);
        else if (row->is_withdrawn)
            comment->second.withdrawn.push_back(row);
        else if (!row->set_aside)
            comment->second.rows.push_back(row);
    }
}

void
gather_states(Evidence &evidence)
{
    State state;
    for (const HistoryRow *row : evidence.chain)
    {
        if (row->operation == "insert")
            state = {};
        // A restoration records no columns: they are what they were before the delete.
        else if (row->operation == "delete")
        {
            evidence.states[row->version] = state;
            continue;
        }
        if (row->status_to)
            state.status = row->status_to;
        for (const auto &[column, change] : row->fields)
            state.fields[column] = change.to;
        evidence.states[row->version] = state;
    }
}

void
index_plain_rows(Evidence &evidence)
{
    for (const HistoryRow *row : evidence.chain)
    {
        if (row->author)
            continue;
        evidence.plain_by_version.emplace(row->version, row);
        if (row->previous)
            evidence.plain_by_previous.emplace(*row->previous, row);
    }
}

// Which request a row of the history comes from: by what its users were told, else by what the row says.
class RequestFinder
{
public:
    explicit RequestFinder(Evidence &evidence)
    {
        for (Request &request : evidence.requests)
            for (const Attempt *attempt : request.attempts)
            {
                if (attempt->is_applied() && attempt->answer_version)
                    by_version_.emplace(*attempt->answer_version, &request);
                if (attempt->replayed_version)
                    by_version_.emplace(*attempt->replayed_version, &request);
                by_author_.emplace(attempt->author, &request);
            }
        for (auto &[key, comment] : evidence.comments)
            for (const CommentRow *row : comment.rows)
                author_and_body_.emplace(row->id, key);
        for (auto &[key, comment] : evidence.comments)
            for (const CommentRow *row : comment.withdrawn)
                author_and_body_.emplace(row->id, key);
    }

    Request *find(const HistoryRow &row) const
    {
        const auto [first, last] = by_version_.equal_range(row.version);
        for (auto i = first; i != last; ++i)
            if (i->second->asked().author == row.author &&
                (i->second->asked().action == Action::remove_seen) == (row.operation == "delete"))
                return i->second;

        Request *best = nullptr;
        const auto [begin, end] = by_author_.equal_range(*row.author);
        for (auto i = begin; i != end; ++i)
            if (fits(i->second->asked(), row) && (!best || best->is_told_refused()))
                best = i->second;
        return best;
    }

private:
    bool fits(const Attempt &asked, const HistoryRow &row) const
    {
        const Action action = row.operation == "delete" ? Action::remove_seen
                              : row.reverts             ? Action::revert
                                                        : Action::save;
        if ((asked.is_save() ? Action::save : asked.action) != action ||
            (row.reverts && !same_version(*row.reverts, asked.reverted)))
            return false;
        const auto base = row.based_on ? row.based_on : row.previous;
        if (!base || !same_version(asked.base, *base))
            return false;
        const bool changes_status = row.status_from != row.status_to;
        if (asked.status && row.status_to && asked.status != row.status_to && (!asked.merge || changes_status))
            return false;
        for (const auto &[column, change] : row.fields)
            if (const auto field = asked.fields.find(column); field != asked.fields.end() && field->second != change.to)
                return false;
        if (asked.comment.has_value() != row.comment_id.has_value())
            return false;
        if (!row.comment_id)
            return true;
        const auto comment = author_and_body_.find(*row.comment_id);
        return comment == author_and_body_.end() || comment->second.second == asked.comment;
    }

    std::multimap<ServerTime, Request *> by_version_;
    std::multimap<std::string, Request *> by_author_;
    std::map<std::int64_t, std::pair<std::string, std::string>> author_and_body_;
};

// Whether this plain write may have made this row, whatever it was told.
bool
may_have_made(const Attempt &attempt, const HistoryRow &row)
{
    switch (attempt.action)
    {
        case Action::insert:
            return row.operation == "insert" && attempt.status == row.status_to;
        case Action::remove:
            return row.operation == "delete";
        case Action::update:
            return row.operation == "update" && (!attempt.status || attempt.status == row.status_to) &&
                   std::all_of(attempt.fields.begin(), attempt.fields.end(), [&](const auto &field) {
                       const auto change = row.fields.find(field.first);
                       return change != row.fields.end() && change->second.to == field.second;
                   });
        default:
            return false;
    }
}

bool
is_plain_write(const Attempt &attempt)
{
    return attempt.action == Action::insert || attempt.action == Action::update || attempt.action == Action::remove;
}

// The restoration that made a row: the one that was told so, else one whose answer was lost.
const Attempt *
restorer_of(const Evidence &evidence, const HistoryRow &row)
{
    const auto found = [&](auto is_it) -> const Attempt * {
        const auto attempt = std::find_if(evidence.attempts.begin(), evidence.attempts.end(), is_it);
        return attempt == evidence.attempts.end() ? nullptr : *attempt;
    };
    if (const Attempt *told =
            found([&](const Attempt *a) { return a->is_restored() && a->answer_version == row.version; }))
        return told->author == row.author ? told : nullptr;
    return found([&](const Attempt *a) {
        return a->action == Action::restore && a->reply == Reply::in_doubt && a->author == row.author &&
               a->comment.has_value() == row.comment_id.has_value();
    });
}

// Says for every row of the history where it comes from.
void
explain_rows(Evidence &evidence)
{
    std::set<const HistoryRow *> explained;
    std::set<const Attempt *> used;
    for (const Attempt *attempt : evidence.attempts)
        if (is_plain_write(*attempt) && attempt->is_done())
        {
            used.insert(attempt);
            if (const HistoryRow *row = evidence.row_of(*attempt))
                explained.insert(row);
        }

    const RequestFinder finder(evidence);
    for (const HistoryRow *row : evidence.chain)
    {
        if (explained.contains(row))
            continue;

        if (row->operation == "restore")
        {
            if (const Attempt *attempt = restorer_of(evidence, *row))
                evidence.restored_by[row] = attempt;
            else
                evidence.unknown_rows.push_back(row);
            continue;
        }
        if (row->author)
        {
            if (Request *request = finder.find(*row))
            {
                request->rows.push_back(row);
                evidence.request_of[row] = request;
            }
            else
                evidence.unknown_rows.push_back(row);
            continue;
        }

        const auto maker = [&](Reply reply) {
            const auto found =
                std::find_if(evidence.attempts.begin(), evidence.attempts.end(), [&](const Attempt *attempt) {
                    return attempt->reply == reply && !used.contains(attempt) && may_have_made(*attempt, *row);
                });
            return found == evidence.attempts.end() ? nullptr : *found;
        };
        if (const Attempt *attempt = maker(Reply::in_doubt))
            used.insert(attempt);
        else if (const Attempt *failed = maker(Reply::failed))
            evidence.failed_rows.emplace_back(row, failed);
        else
            evidence.unknown_rows.push_back(row);
    }
}

void
find_gaps(Evidence &evidence)
{
    std::map<const HistoryRow *, const Attempt *> makers;
    for (const Attempt *attempt : evidence.attempts)
        if (is_plain_write(*attempt) && attempt->is_done())
            if (const HistoryRow *row = evidence.row_of(*attempt))
                makers[row] = attempt;
    for (const auto &[row, request] : evidence.request_of)
        for (const Attempt *attempt : request->attempts)
            if (attempt->is_applied() && attempt->answer_version == row->version)
                makers[row] = attempt;
    for (const auto &[row, attempt] : evidence.restored_by)
        if (attempt->is_restored())
            makers[row] = attempt;

    constexpr SteadyTime first = std::numeric_limits<SteadyTime>::min();
    constexpr SteadyTime last = std::numeric_limits<SteadyTime>::max();
    for (auto row = evidence.chain.begin(); row != evidence.chain.end(); ++row)
    {
        if ((*row)->operation != "delete")
            continue;
        const auto removal = makers.find(*row);
        const auto insert = std::next(row) == evidence.chain.end() ? makers.end() : makers.find(*std::next(row));
        evidence.gaps.push_back({
            (*row)->version,
            removal == makers.end() ? first : removal->second->sent,
            removal == makers.end() ? last : removal->second->answered,
            insert == makers.end() ? last : insert->second->answered,
            std::next(row) != evidence.chain.end() && (*std::next(row))->operation == "restore",
        });
    }
}

}  // namespace

bool
Request::is_told_applied() const
{
    return std::any_of(attempts.begin(), attempts.end(),
                       [](const Attempt *a) { return a->is_applied() || a->outcome == "replayed"; });
}

bool
Request::is_told_refused() const
{
    return std::any_of(attempts.begin(), attempts.end(), [](const Attempt *a) { return a->is_refused(); });
}

bool
Request::is_in_doubt() const
{
    return std::any_of(attempts.begin(), attempts.end(), [](const Attempt *a) { return a->reply == Reply::in_doubt; });
}

std::optional<std::string>
State::value_of(const std::string &column) const
{
    if (column == "status")
        return status;
    const auto field = fields.find(column);
    return field == fields.end() ? std::nullopt : field->second;
}

const Gap *
Evidence::last_loss() const
{
    const auto loss = std::find_if(gaps.rbegin(), gaps.rend(), [](const Gap &gap) { return !gap.is_restored; });
    return loss == gaps.rend() ? nullptr : &*loss;
}

Era
Evidence::era(const Attempt &attempt) const
{
    const Gap *loss = last_loss();
    if (!loss || attempt.sent > loss->delete_answered)
        return Era::current;
    // The server may still have worked on it when the connection was lost.
    const bool is_over = attempt.reply != Reply::in_doubt && attempt.answered < loss->delete_sent;
    return is_over ? Era::gone : Era::uncertain;
}

Era
Evidence::era(const HistoryRow &history_row) const
{
    const Gap *loss = last_loss();
    return !loss || history_row.version > loss->delete_version ? Era::current : Era::gone;
}

bool
Evidence::may_have_been_absent(const Attempt &attempt) const
{
    return std::any_of(gaps.begin(), gaps.end(), [&](const Gap &gap) {
        return gap.delete_sent < attempt.answered && attempt.sent < gap.insert_answered;
    });
}

const State *
Evidence::state_before(const HistoryRow &history_row) const
{
    return history_row.previous ? state_at(*history_row.previous) : nullptr;
}

const State *
Evidence::state_at(ServerTime version) const
{
    const auto state = states.find(version);
    return state == states.end() ? nullptr : &state->second;
}

bool
Evidence::was_deleted_between(ServerTime from, ServerTime to) const
{
    return std::any_of(gaps.begin(), gaps.end(),
                       [&](const Gap &gap) { return gap.delete_version > from && gap.delete_version <= to; });
}

const HistoryRow *
Evidence::row_of(const Attempt &plain_write) const
{
    if (!plain_write.answer_version)
        return nullptr;

    // A delete answers with the version that it removed.
    const auto &candidates = plain_write.action == Action::remove ? plain_by_previous : plain_by_version;
    const auto [first, last] = candidates.equal_range(*plain_write.answer_version);
    const auto row = std::find_if(first, last, [&](const auto &c) { return may_have_made(plain_write, *c.second); });
    return row == last ? nullptr : row->second;
}

std::vector<Evidence>
gather_evidence(std::span<const Attempt> log, const Tables &tables)
{
    std::map<std::int64_t, Evidence> by_customer;
    std::map<std::int64_t, std::vector<const CommentRow *>> comments;
    const auto of = [&](std::int64_t customer) -> Evidence & {
        Evidence &evidence = by_customer[customer];
        evidence.customer = customer;
        return evidence;
    };

    for (const Attempt &attempt : log)
        if (attempt.customer != 0)
            of(attempt.customer).attempts.push_back(&attempt);
    for (const CustomerRow &row : tables.customers)
        of(row.id).row = &row;
    for (const HistoryRow &row : tables.history)
        of(row.customer).chain.push_back(&row);
    for (const CommentRow &row : tables.comments)
    {
        of(row.customer);
        comments[row.customer].push_back(&row);
    }

    for (const EditRow &row : tables.edits)
        of(row.customer).edits.push_back(&row);
    for (const DeletedRow &row : tables.deleted)
        of(row.customer).deleted.push_back(&row);
    for (const KeptSave &row : tables.kept)
        of(row.customer).kept.push_back(&row);

    std::vector<Evidence> all;
    for (auto &[customer, evidence] : by_customer)
    {
        std::stable_sort(evidence.chain.begin(), evidence.chain.end(), [](const HistoryRow *a, const HistoryRow *b) {
            return std::tie(a->version, a->previous) < std::tie(b->version, b->previous);
        });
        // Logs of several users follow each other; a customer's attempts are looked at in the order of their sending.
        std::stable_sort(evidence.attempts.begin(), evidence.attempts.end(),
                         [](const Attempt *a, const Attempt *b) { return a->sent < b->sent; });
        std::stable_sort(evidence.edits.begin(), evidence.edits.end(), [](const EditRow *a, const EditRow *b) {
            return std::tie(a->comment, a->edited_at) < std::tie(b->comment, b->edited_at);
        });
        evidence.keeps_deleted = tables.keeps_deleted;
        evidence.merge_groups = tables.merge_groups;
        evidence.keeps_refused = tables.keeps_refused;
        gather_requests(evidence);
        gather_comments(evidence, comments[customer]);
        gather_states(evidence);
        index_plain_rows(evidence);
        explain_rows(evidence);
        find_gaps(evidence);
        all.push_back(std::move(evidence));
    }
    return all;
}

}  // namespace crm::hammer
