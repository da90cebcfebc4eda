#pragma once

#include "checker.h"
#include "options.h"
#include "workload.h"

namespace crm::hammer {

// How long the answers to one kind of statement took, in milliseconds.
struct Latency
{
    std::int64_t count = 0;
    double p50 = 0;
    double p95 = 0;
    double p99 = 0;
    double most = 0;
};

// What the run amounts to.
struct Statistics
{
    std::map<std::string, std::int64_t> outcomes;  // of saves
    std::map<std::string, std::int64_t> errors;    // by SQLSTATE, "no answer" for lost ones
    std::map<std::string, Latency> latencies;      // by what was sent
    double saves_per_second = 0;
};

Statistics measure(const Run &run);

// The table of outcomes, rates and latencies.
std::string to_table(const Run &run, const Statistics &statistics);

// The violations with their rows, at most a few of each invariant.
std::string to_text(const std::vector<Violation> &violations);

// The last line: what became of the saves, counted in the tables.
std::string summarize(const Options &options, const Run &run, const Counts &counts);

// The line before it, of what version 1.1 has.
std::string summarize_version_1_1(const Counts &counts);

// Everything as JSON; raises CannotRun where the file cannot be written.
void write_json(const Options &options, const Run &run, const Statistics &statistics, const Findings &findings);

}  // namespace crm::hammer
