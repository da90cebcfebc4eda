#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What the users sent and were told, and what the tables hold afterwards: plain data, which the checker compares.
namespace crm::hammer {

// A point in time of the server in microseconds since 1970-01-01 UTC. Times cross the wire as numbers, so that no
// session's TimeZone or DateStyle can touch them.
using ServerTime = std::int64_t;

// A point in time of this process in nanoseconds on the steady clock.
using SteadyTime = std::int64_t;

inline SteadyTime
steady_now()
{
    return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Whether both name the same version: they differ by less than a millisecond.
constexpr bool
same_version(ServerTime a, ServerTime b)
{
    return (a > b ? a - b : b - a) < 1000;
}

// A server time in ISO 8601, UTC.
std::string to_text(ServerTime time);

// What a user can do.
enum class Action
{
    read,     // SELECT of status and version
    save,     // the save function
    comment,  // bare INSERT of a comment
    update,   // plain UPDATE of status or phone
    insert,   // plain INSERT of a customer
    remove,   // plain DELETE of a customer
    lock,     // crm_lock_customer
    unlock,   // crm_unlock_customer
};

inline constexpr Action all_actions[] = {Action::save,   Action::read,   Action::comment, Action::update,
                                         Action::insert, Action::remove, Action::lock,    Action::unlock};

std::string_view name(Action action);

// How an attempt ended.
enum class Reply
{
    answered,
    failed,    // an SQL error: nothing happened
    in_doubt,  // the connection was lost before the answer: it happened or not
};

// One statement of one user: what was sent, when, and what came back.
struct Attempt
{
    int user = 0;
    Action action = Action::read;

    // What was sent. A customer's id is known only afterwards for an insert without one.
    std::int64_t customer = 0;
    ServerTime base = 0;                 // save
    std::optional<std::string> status;   // save, update, insert
    std::optional<std::string> phone;    // save, update
    std::optional<std::string> comment;  // save, comment
    std::string author;                  // save, comment, lock
    bool merge = false;                  // save
    int ttl_ms = 0;                      // lock
    std::optional<std::string> lock_id;  // unlock; the answer of a lock

    SteadyTime sent = 0;
    SteadyTime answered = 0;
    Reply reply = Reply::in_doubt;

    // What came back. The outcome is empty unless answered; a save's is its own, the others' is "done", or "none" where
    // no row was found.
    std::string outcome;
    std::optional<std::string> answer_status;
    std::optional<ServerTime> answer_version;  // as updated_at; for a remove, the version that was removed
    std::optional<std::int64_t> answer_comment;
    std::optional<ServerTime> replayed_version;  // the version that the replayed request made
    std::optional<ServerTime> expires_at;        // of the lock that was taken
    std::string sqlstate;
    std::string error;

    bool is_applied() const { return outcome == "updated" || outcome == "merged"; }
    bool keeps_comment() const { return outcome == "conflict" || outcome == "locked"; }
    bool holds_lock() const { return action == Action::lock && (outcome == "acquired" || outcome == "renewed"); }
    bool is_saved() const { return is_applied() || outcome == "replayed" || outcome == "unchanged"; }
    // Refused for good: what cannot be merged now can be when others take their changes back.
    bool is_refused() const
    {
        return (outcome == "conflict" && !merge) || outcome == "deleted" || outcome == "not_found";
    }
    bool is_done() const { return outcome == "done"; }
};

struct CustomerRow
{
    std::int64_t id;
    std::string status;
    std::optional<std::string> phone;
    ServerTime version;
};

struct CommentRow
{
    std::int64_t customer;
    std::int64_t id;
    std::string author;
    std::string body;
    std::optional<ServerTime> based_on;
    bool save_refused;
    std::optional<ServerTime> adopted_version;
};

struct HistoryRow
{
    std::int64_t customer;
    ServerTime version;
    std::optional<ServerTime> previous;
    std::optional<ServerTime> based_on;
    std::string operation;
    std::optional<std::string> author;
    std::optional<std::string> status_from;
    std::optional<std::string> status_to;
    std::optional<std::string> phone_to;
    std::optional<std::int64_t> comment_id;
    std::optional<std::string> request;
    ServerTime recorded_at = 0;
};

// The rows of the customers that the driver made.
struct Tables
{
    std::vector<CustomerRow> customers;
    std::vector<CommentRow> comments;
    std::vector<HistoryRow> history;
};

// One line each, for people.
std::string to_text(const Attempt &attempt);
std::string to_text(const CustomerRow &row);
std::string to_text(const CommentRow &row);
std::string to_text(const HistoryRow &row);

}  // namespace crm::hammer
