#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "record.h"

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
};

struct Findings
{
    std::vector<Violation> violations;
    Counts counts;
};

// Checks all invariants of all customers of the log. Every customer must have been made by the log, and nobody else may
// have worked on it.
Findings check(std::span<const Attempt> log, const Tables &tables);

}  // namespace crm::hammer
