#pragma once

#include <map>
#include <set>
#include <span>
#include <tuple>

#include "record.h"

namespace crm::hammer {

// All submits of one request: the same customer, action, base, author, status, fields, comment, comment it answers and
// version it undoes; by itself or in a batch, and chosen of a refused save or not.
struct Request
{
    std::vector<const Attempt *> attempts;
    std::vector<const HistoryRow *> rows;  // where it was applied, by the history

    const Attempt &asked() const { return *attempts.front(); }
    bool is_told_applied() const;  // updated or replayed
    bool is_told_refused() const;  // for good
    bool is_in_doubt() const;      // some answer was lost
};

// Everything that one author did to get one comment in: saves from one or several bases, or a bare INSERT.
struct Comment
{
    std::vector<const Attempt *> attempts;
    std::vector<const Request *> requests;
    std::vector<const CommentRow *> rows;       // those that are with the customer
    std::vector<const CommentRow *> withdrawn;  // those that were withdrawn, and may be said again
};

// A version of the customer and what the customer was then, by the history.
struct State
{
    std::optional<std::string> status;
    Values fields;

    std::optional<std::string> value_of(const std::string &column) const;  // status too
};

// A time without the customer: from a delete to the insert or restoration that brought it back, if one did. Where the
// answer was lost, it may have happened at any time.
struct Gap
{
    ServerTime delete_version;
    SteadyTime delete_sent;
    SteadyTime delete_answered;
    SteadyTime insert_answered;
    bool is_restored;  // and its comments with it
};

// Where something lies relative to the last delete that was not restored. What was kept before is gone with the
// customer.
enum class Era
{
    gone,       // surely before it
    current,    // surely after it, or there was none
    uncertain,  // at the same time
};

// What the log and the tables say about one customer, brought together.
struct Evidence
{
    std::int64_t customer;
    const CustomerRow *row = nullptr;
    std::vector<const HistoryRow *> chain;  // by version
    std::vector<const Attempt *> attempts;
    std::vector<Request> requests;
    std::map<std::pair<std::string, std::string>, Comment> comments;          // by author and body
    std::vector<const CommentRow *> unknown_comments;                         // that nobody sent
    std::vector<const HistoryRow *> unknown_rows;                             // that nothing in the log explains
    std::vector<std::pair<const HistoryRow *, const Attempt *>> failed_rows;  // that only a failed attempt explains
    std::map<const HistoryRow *, const Request *> request_of;                 // of the rows of saves
    std::map<ServerTime, State> states;
    std::vector<Gap> gaps;
    bool keeps_deleted = false;
    std::vector<const EditRow *> edits;                                    // by comment and time
    std::vector<const DeletedRow *> deleted;                               // set aside
    std::map<std::int64_t, std::vector<const CommentRow *>> comment_rows;  // all, by id, set aside or not
    std::map<const HistoryRow *, const Attempt *> restored_by;             // of the rows of restorations
    std::vector<std::vector<std::string>> merge_groups;
    bool keeps_refused = false;
    std::vector<const KeptSave *> kept;  // refused saves that are kept whole
    std::multimap<ServerTime, const HistoryRow *> plain_by_version;
    std::multimap<ServerTime, const HistoryRow *> plain_by_previous;

    Era era(const Attempt &attempt) const;
    Era era(const HistoryRow &history_row) const;

    // The last time that the customer was deleted and not restored; none where that never was.
    const Gap *last_loss() const;

    // Whether the customer may have been absent at some time while the attempt was under way.
    bool may_have_been_absent(const Attempt &attempt) const;

    // The customer before the change of a row; none where the row begins a life.
    const State *state_before(const HistoryRow &history_row) const;

    // The customer as of a version; none where there was no such version.
    const State *state_at(ServerTime version) const;

    // Whether it was deleted after the one version and up to the other.
    bool was_deleted_between(ServerTime from, ServerTime to) const;

    // The row that a plain write made; none where the history has none.
    const HistoryRow *row_of(const Attempt &plain_write) const;
};

// The evidence of every customer that the log or the tables know. Refers to log and tables.
std::vector<Evidence> gather_evidence(std::span<const Attempt> log, const Tables &tables);

}  // namespace crm::hammer
