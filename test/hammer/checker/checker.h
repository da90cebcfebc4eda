#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "evidence.h"

namespace crm::hammer {

// What must always hold.
enum class Invariant
{
    one_winner = 1,
    one_chain = 2,
    nothing_acknowledged_lost = 3,
    nothing_refused_applied = 4,
    nothing_twice = 5,
    versions_increase = 6,
    order_of_acknowledgement = 7,
    lost_answer_can_be_asked_again = 8,
    own_fields_alone = 9,
    lock_keeps_others_out = 10,
    reply_answers_what_it_was_to = 11,
    tables_verify = 12,
    seen_version_is_deleted = 13,
    deleted_comes_back = 14,
    undo_overwrites_nothing = 15,
    group_is_one_field = 16,
    correction_leaves_a_trace = 17,
    all_or_none = 18,
    what_was_checked_stays = 19,
    refused_save_waits = 20,
};

// The invariant in one sentence.
std::string_view describe(Invariant invariant);

// An invariant that does not hold.
struct Violation
{
    Invariant invariant;
    std::int64_t customer;
    std::string what;
    std::vector<std::string> rows;  // the rows and attempts that show it
};

// What the tables hold, compared with what was sent and told.
struct Counts
{
    std::int64_t updated = 0;    // requests that the history has as applied
    std::int64_t merged = 0;     // those of them that were applied to a later version than their base
    std::int64_t conflicts = 0;  // requests told conflict
    std::int64_t locked = 0;     // requests told locked
    std::int64_t comments = 0;   // comments sent by the users that are there
    std::int64_t lost = 0;       // acknowledged changes and kept comments that are not there
    std::int64_t twice = 0;      // requests and comments that are there more than once
    std::int64_t deleted = 0;    // customers deleted by the function
    std::int64_t restored = 0;   // customers restored
    std::int64_t undone = 0;     // requests to undo that the history has as applied
    std::int64_t corrected = 0;  // corrections and withdrawals of comments
    std::int64_t forced = 0;     // edit locks ended by force
    std::int64_t made_all = 0;   // calls that make all or none, and were told that they made all
    std::int64_t made_none = 0;  // those that were told of a refusal
    std::int64_t kept = 0;       // refused saves that are kept whole, ended or not
    std::int64_t resolved = 0;   // requests to resolve them that were applied
    std::int64_t discarded = 0;  // how often they were discarded
};

struct Findings
{
    std::vector<Violation> violations;
    Counts counts;
};

// Checks all invariants of all customers of the log. Every customer must have been made by the log, and nobody else may
// have worked on it.
Findings check(std::span<const Attempt> log, const Tables &tables);

// The checks of one customer, by what they look at; each reports what does not hold.
void check_history(const Evidence &evidence, Findings &findings);
void check_saves(const Evidence &evidence, Findings &findings);
void check_comments(const Evidence &evidence, Findings &findings);
void check_answers(const Evidence &evidence, Findings &findings);
void check_deletions(const Evidence &evidence, Findings &findings);
void check_reversions(const Evidence &evidence, Findings &findings);
void check_corrections(const Evidence &evidence, Findings &findings);
void check_locks(const Evidence &evidence, Findings &findings);
void check_kept_saves(const Evidence &evidence, Findings &findings);

// The calls that make all or none, whose items are of several customers.
void check_calls(std::span<const Attempt> log, std::span<const Evidence> customers, Findings &findings);

// An attempt that was told of a lock of somebody else.
void check_refusal_by_lock(const Evidence &evidence, Findings &findings, const Attempt &attempt);

// What they have in common.
class CustomerCheck
{
public:
    CustomerCheck(const Evidence &evidence, Findings &findings) : evidence_(evidence), findings_(findings) {}

protected:
    void report(Invariant invariant, std::string what, std::vector<std::string> rows);

    // Reports that something acknowledged is lost.
    void lose(std::string what, std::vector<std::string> rows);

    // Whether the row is of a save that asked for a merge and was applied to a later version than its base.
    bool is_merged(const HistoryRow &row) const;

    // What a request has to do with one of the columns that it asks for.
    enum class Fate
    {
        leave,
        write,
        collide,
    };
    static Fate fate_of(const std::optional<std::string> &was, const std::optional<std::string> &mine,
                        const std::optional<std::string> &theirs);

    // What a row of the history made of the columns that it changed, status too.
    static std::map<std::string, std::optional<std::string>> written_by(const HistoryRow &row);

    // The columns that are asked for, status too.
    static std::map<std::string, std::string> asked_values(const Attempt &asked);

    template <typename Row>
    static std::vector<std::string> texts(const std::vector<const Row *> &rows)
    {
        std::vector<std::string> lines;
        lines.reserve(rows.size());
        for (const Row *row : rows)
            lines.push_back(to_text(*row));
        return lines;
    }

    static std::vector<std::string> texts(const Request &request);
    static std::vector<std::string> texts(const Comment &comment);

    const Evidence &evidence_;
    Findings &findings_;
};

}  // namespace crm::hammer
