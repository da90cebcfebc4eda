#pragma once

#include <chrono>
#include <cstdint>
#include <map>
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

// Columns and what they hold.
using Values = std::map<std::string, std::optional<std::string>>;

// The columns beside status and version that the driver writes.
inline constexpr std::string_view field_names[] = {"name", "phone", "email"};

// What a user can do.
enum class Action
{
    read,         // SELECT of status, fields and version
    save,         // the save function, or one save of a batch
    comment,      // bare INSERT of a comment
    add_comment,  // crm_add_comment
    update,       // plain UPDATE of status or phone
    insert,       // plain INSERT of a customer
    remove,       // plain DELETE of a customer
    lock,         // crm_lock_customer
    unlock,       // crm_unlock_customer
    remove_seen,  // crm_delete_customer
    restore,      // crm_restore_customer
    timeline,     // crm_timeline: the versions of changes that can be undone
    revert,       // crm_revert_customer
    edit,         // crm_edit_comment
    withdraw,     // crm_withdraw_comment
    check,        // a check among the items of crm_update_records
    locate,       // crm_partition
    list_kept,    // crm_refused_saves, of one customer
    resolve,      // crm_resolve_refused
    discard,      // crm_discard_refused
};

std::string_view name(Action action);

// In place of the SQLSTATE of an attempt in doubt that was answered: its commit did not wait for the standbys.
inline constexpr std::string_view not_promised = "not promised";

// What a proxy raises where it could not reach the partition: nothing happened there.
inline constexpr std::string_view not_reached = "08001";

// How an attempt ended.
enum class Reply
{
    answered,
    failed,  // an SQL error: nothing happened
    // The connection was lost before the answer, that of the user or that of a proxy: it happened or not; or the answer
    // is not promised.
    in_doubt,
};

// What a refused save asked for, as it is kept whole.
struct KeptSave
{
    std::int64_t customer;
    std::int64_t id;
    std::string author;
    std::optional<std::string> status;
    Values fields;
    std::optional<ServerTime> based_on = {};
    std::int64_t times = 0;
    std::optional<std::string> ended_by = {};  // empty while it waits
    int partition = 0;                         // where it was listed through a proxy
};

// One statement of one user: what was sent, when, and what came back.
struct Attempt
{
    int user = 0;
    Action action = Action::read;

    // What was sent. A customer's id is known only afterwards for an insert without one.
    std::int64_t customer = 0;
    ServerTime base = 0;                        // save, remove_seen, revert, check, resolve
    bool merge = false;                         // save
    std::optional<std::string> status;          // save, update, insert; resolve: where the kept one was chosen
    std::map<std::string, std::string> fields;  // save, update; resolve: those that were chosen; by column
    std::optional<std::string> comment;         // save, comment, add_comment, remove_seen, restore, revert, resolve
    std::optional<std::int64_t> reply_to;       // save, comment, add_comment
    std::string author;                         // of all but reads and plain writes
    std::int64_t ttl = 0;                       // lock, in microseconds
    std::optional<std::string> lock_id;         // unlock, and lock where it renews
    bool is_forced = false;                     // unlock: whosever lock it is
    ServerTime reverted = 0;                    // revert: the version whose change is undone
    bool is_whole = false;                      // revert: to the state at that version
    std::int64_t corrected = 0;                 // edit, withdraw: the comment
    std::optional<std::string> text_seen;       // edit
    std::optional<std::string> new_text;        // edit
    int batch_size = 0;                         // save, remove_seen, check; 0 where it was sent alone
    int batch_position = 0;                     // the same, from 1
    bool all_or_nothing = false;                // the batch makes all of them or none
    bool keeps_refused = false;                 // the session keeps refused saves whole
    std::int64_t kept_save = 0;                 // resolve, discard: its number
    int partition = 0;                          // resolve, discard: where it is, through a proxy; what locate answered
    std::string choices;                        // resolve: a JSON object of mine and theirs
    bool is_author_told = false;                // resolve: or the one whose save it was

    SteadyTime sent = 0;
    SteadyTime answered = 0;
    Reply reply = Reply::in_doubt;

    // What came back. The outcome is empty unless answered; that of a save or lock is its own, the others' is "done",
    // or "none" where there was no row, or no such lock.
    std::string outcome;
    std::optional<std::string> answer_status;
    std::optional<ServerTime> answer_version;  // as updated_at; for a remove, the version that was removed
    Values answer_fields;                      // those that the answer shows
    std::optional<std::int64_t> answer_comment;
    std::optional<std::int64_t> latest_comment;  // read
    std::optional<std::string> latest_author;    // read: who wrote that one
    std::optional<std::string> latest_text;      // read: what it says; edit, withdraw: the comment's, where refused
    std::vector<ServerTime> versions;            // timeline, newest first
    std::vector<std::string> superseded;         // revert: the columns that were changed again
    std::optional<std::string> answer_lock_id;   // lock
    std::optional<std::string> lock_holder;      // of the lock that was given, or that refused
    std::optional<ServerTime> lock_expires_at;   // the same
    std::optional<ServerTime> clock;             // unlock: the server's, just before
    std::optional<ServerTime> replayed_version;  // the version that the replayed request made
    std::optional<std::int64_t> answer_kept;     // the number under which a refused save is kept whole
    std::vector<int> refused_items;              // what of the same batch was refused, by position
    std::vector<KeptSave> waiting;               // list_kept
    std::string sqlstate;
    std::string error;

    // Whether it names the version that it was made from, and is the same request when it is sent again.
    bool is_request() const { return is_save() || action == Action::remove_seen || action == Action::revert; }
    // What is chosen of a refused save is saved as any other save, and is the same request.
    bool is_save() const { return action == Action::save || action == Action::resolve; }
    bool is_applied() const
    {
        return is_request() && (outcome == "updated" || outcome == "merged" || outcome == "deleted");
    }
    bool is_turned_away() const  // and its comment kept
    {
        return is_request() && (outcome == "conflict" || outcome == "locked" || outcome == "failed_dependency");
    }
    bool is_restored() const { return action == Action::restore && outcome == "restored"; }
    bool is_correction() const { return action == Action::edit || action == Action::withdraw; }
    bool has_lock() const { return outcome == "acquired" || outcome == "renewed"; }

    // For good: a lock ends, and what collides in a merge may not collide any more when others take their change back.
    // What a reversion collides with may be taken back as well. Of a refused save that has ended it is no refusal.
    bool is_refused() const
    {
        return (outcome == "conflict" && !merge && action != Action::revert) ||
               (outcome == "gone" && action != Action::resolve) || outcome == "not_found";
    }
    bool is_done() const { return outcome == "done"; }
};

struct CustomerRow
{
    std::int64_t id;
    std::string status;
    Values fields;
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
    std::optional<std::int64_t> reply_to = {};
    bool is_withdrawn = false;
    std::optional<ServerTime> set_aside = {};  // with the customer, by the deletion that made this version
    std::string first_text = {};               // what it said before it was corrected; empty where it was not
};

// What a comment said before a correction.
struct EditRow
{
    std::int64_t customer;
    std::int64_t comment;
    ServerTime edited_at;
    std::string operation;
    std::string author;
    std::string body;
};

// A customer that is set aside; its comments are comments.
struct DeletedRow
{
    std::int64_t customer;
    ServerTime version;
    std::optional<std::string> status;
    Values fields;
};

// What a change made of a column.
struct FieldChange
{
    std::optional<std::string> from;
    std::optional<std::string> to;
};

struct HistoryRow
{
    std::int64_t customer;
    ServerTime version;
    std::optional<ServerTime> previous = {};
    std::optional<ServerTime> based_on = {};
    std::string operation;
    std::optional<std::string> author = {};
    std::optional<std::string> status_from = {};
    std::optional<std::string> status_to = {};
    std::map<std::string, FieldChange> fields = {};
    std::optional<std::int64_t> comment_id = {};
    std::optional<std::string> request = {};
    ServerTime recorded_at = 0;
    std::optional<ServerTime> reverts = {};
    std::int64_t transaction = 0;  // the one that wrote it
};

// What crm_verify() says is wrong.
struct VerifyRow
{
    std::string customer;
    std::string invariant;
    std::string problem;
    std::string detail;
};

// The rows of the customers that the driver made.
struct Tables
{
    std::vector<CustomerRow> customers;
    std::vector<CommentRow> comments;
    std::vector<HistoryRow> history;
    std::vector<VerifyRow> verify;
    bool keeps_deleted = false;  // whether it has these tables
    std::vector<EditRow> edits = {};
    std::vector<DeletedRow> deleted = {};
    std::vector<std::vector<std::string>> merge_groups = {};
    bool keeps_refused = false;  // whether it has this table
    std::vector<KeptSave> kept = {};
};

// One line each, for people.
std::string to_text(const Attempt &attempt);
std::string to_text(const CustomerRow &row);
std::string to_text(const CommentRow &row);
std::string to_text(const HistoryRow &row);
std::string to_text(const EditRow &row);
std::string to_text(const DeletedRow &row);
std::string to_text(const KeptSave &row);

}  // namespace crm::hammer
