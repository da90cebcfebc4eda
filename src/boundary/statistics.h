#pragma once

#include "../core/decision.h"
#include "pg.h"

// How often what happened in each database since the counters were reset: a row of the view crm_stat. They are kept in
// shared memory when the library is in shared_preload_libraries; else nothing is counted.
namespace crm::statistics {

// In the order of the view's columns: the outcomes of core::Outcome come first.
enum class Counter
{
    comments_kept = static_cast<int>(core::Outcome::failed_dependency) + 1,
    comments_adopted,
    saves_kept,
    lock_waits,
    count,
};

constexpr int counters = static_cast<int>(Counter::count);

struct DatabaseCounts
{
    Oid database;
    std::int64_t counts[counters];
    TimestampTz reset_at;
};

// Asks for the shared memory, if the server is starting.
void request();

// Whether something is counted.
bool is_on();

void count(core::Outcome outcome);
void count(Counter counter);

// Begins again at zero, in this database.
void reset();

// Calls visit() with the counts of each database.
void each(void (*visit)(const DatabaseCounts &counts, void *context), void *context);

}  // namespace crm::statistics
