#include "report.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace crm::hammer {

namespace {

constexpr std::size_t most_violations_shown = 5;       // of each invariant
constexpr std::size_t most_violations_written = 1000;  // in JSON

// The nearest-rank percentile of sorted values.
double
percentile(const std::vector<double> &sorted, double percent)
{
    const auto rank = static_cast<std::size_t>(std::ceil(percent / 100 * static_cast<double>(sorted.size())));
    return sorted[std::max<std::size_t>(rank, 1) - 1];
}

// What the statement was; a batch is one of its own.
std::string
kind_of(const Attempt &attempt)
{
    if (attempt.all_or_nothing)
        return "all or nothing";
    return attempt.batch_size > 0 ? "batch" : std::string(name(attempt.action));
}

}  // namespace

Statistics
measure(const Run &run)
{
    Statistics statistics;
    std::map<std::string, std::vector<double>> times;
    std::int64_t saves = 0;

    for (const Attempt &attempt : run.log)
    {
        if (attempt.sent < run.start)
            continue;
        if (attempt.reply == Reply::in_doubt)
            ++statistics.errors[attempt.sqlstate == not_promised ? std::string(not_promised) : "no answer"];
        else if (attempt.reply == Reply::failed)
            ++statistics.errors[attempt.sqlstate];
        else
        {
            if (attempt.batch_position <= 1)
                times[kind_of(attempt)].push_back(static_cast<double>(attempt.answered - attempt.sent) / 1e6);
            if (attempt.action == Action::save)
            {
                ++statistics.outcomes[attempt.outcome];
                ++saves;
            }
        }
    }
    for (auto &[kind, values] : times)
    {
        std::sort(values.begin(), values.end());
        statistics.latencies[kind] = {static_cast<std::int64_t>(values.size()), percentile(values, 50),
                                      percentile(values, 95), percentile(values, 99), values.back()};
    }
    statistics.saves_per_second = run.seconds > 0 ? static_cast<double>(saves) / run.seconds : 0;
    return statistics;
}

std::string
to_table(const Run &run, const Statistics &statistics)
{
    std::string table;
    const auto out = std::back_inserter(table);

    std::int64_t saves = 0;
    for (const auto &[outcome, count] : statistics.outcomes)
        saves += count;
    fmt::format_to(out, "{:<14}{:>10}{:>9}\n", "save outcome", "count", "share");
    for (const auto &[outcome, count] : statistics.outcomes)
        fmt::format_to(out, "{:<14}{:>10}{:>7.1f} %\n", outcome, count,
                       100.0 * static_cast<double>(count) / static_cast<double>(saves));

    fmt::format_to(out, "\n{:<14}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}\n", "answered", "count", "per s", "p50 ms",
                   "p95 ms", "p99 ms", "max ms");
    for (const auto &[kind, l] : statistics.latencies)
        fmt::format_to(out, "{:<14}{:>10}{:>10.1f}{:>10.2f}{:>10.2f}{:>10.2f}{:>10.2f}\n", kind, l.count,
                       static_cast<double>(l.count) / run.seconds, l.p50, l.p95, l.p99, l.most);

    if (!statistics.errors.empty())
    {
        fmt::format_to(out, "\n{:<14}{:>10}\n", "not answered", "count");
        for (const auto &[error, count] : statistics.errors)
            fmt::format_to(out, "{:<14}{:>10}\n", error, count);
    }
    return table;
}

std::string
to_text(const std::vector<Violation> &violations)
{
    std::string text;
    const auto out = std::back_inserter(text);
    std::map<Invariant, std::size_t> counts;

    for (const Violation &violation : violations)
    {
        if (++counts[violation.invariant] > most_violations_shown)
            continue;
        fmt::format_to(out, "invariant {} does not hold: customer {}: {}\n", static_cast<int>(violation.invariant),
                       violation.customer, violation.what);
        for (const std::string &row : violation.rows)
            fmt::format_to(out, "    {}\n", row);
    }
    for (const auto &[invariant, count] : counts)
        fmt::format_to(out, "invariant {} ({}): {} violations{}\n", static_cast<int>(invariant), describe(invariant),
                       count,
                       count > most_violations_shown ? fmt::format(", the first {} shown", most_violations_shown) : "");
    return text;
}

std::string
summarize(const Options &options, const Run &run, const Counts &counts)
{
    const bool is_mixed = options.mode == Mode::mixed;
    const std::string rounds = !is_mixed && run.steps != 1 ? fmt::format(" x {} rounds", run.steps) : "";
    const std::string start =
        fmt::format("{}: {} users{}, {} updated", name(options.mode), options.users, rounds, counts.updated);
    switch (options.mode)
    {
        case Mode::race:
            return fmt::format("{}, {} conflict, {} comments kept, {} lost", start, counts.conflicts, counts.comments,
                               counts.lost);
        case Mode::retry:
            return fmt::format("{}, {} conflicts on the way, {} comments, {} lost, {} twice", start, counts.conflicts,
                               counts.comments, counts.lost, counts.twice);
        case Mode::mixed:
            return fmt::format(
                "{} ({} merged), {} conflicts, {} locked, {} comments on {} customers, {} lost, {} twice", start,
                counts.merged, counts.conflicts, counts.locked, counts.comments, run.customers.size(), counts.lost,
                counts.twice);
    }
    return {};
}

std::string
summarize_version_1_1(const Counts &counts)
{
    return fmt::format("{} deleted, {} restored, {} undone, {} corrections, {} edit locks ended by force\n"
                       "{} calls made all, {} none; {} refused saves kept whole, {} resolved, {} discarded",
                       counts.deleted, counts.restored, counts.undone, counts.corrected, counts.forced, counts.made_all,
                       counts.made_none, counts.kept, counts.resolved, counts.discarded);
}

void
write_json(const Options &options, const Run &run, const Statistics &statistics, const Findings &findings)
{
    using nlohmann::json;

    json document;
    document["options"] = {
        {"mode", name(options.mode)},
        {"users", options.users},
        {"customers", options.customers},
        {"rounds", options.rounds ? json(*options.rounds) : json()},
        {"seconds", options.seconds ? json(*options.seconds) : json()},
        {"seed", options.seed},
        {"function", options.function},
        {"timeout", options.timeout_seconds},
        {"break", options.breaks_per_second},
        {"locks", options.lock_percent},
        {"batches", options.batch_percent},
        {"merges", options.merge_percent},
        {"fields", options.field_percent},
        {"replies", options.reply_percent},
        {"add_comments", options.add_comment_percent},
        {"deletions", options.deletion_percent},
        {"undos", options.undo_percent},
        {"corrections", options.correction_percent},
        {"all_or_nothing", options.all_or_nothing_percent},
        {"resolutions", options.resolution_percent},
    };
    document["duration_s"] = run.seconds;
    document["steps"] = run.steps;
    document["problem"] = run.problem.empty() ? json() : json(run.problem);
    document["outcomes"] = statistics.outcomes;
    document["errors"] = statistics.errors;
    document["saves_per_second"] = statistics.saves_per_second;
    for (const auto &[kind, l] : statistics.latencies)
        document["latency_ms"][kind] = {
            {"count", l.count}, {"p50", l.p50}, {"p95", l.p95}, {"p99", l.p99}, {"max", l.most},
        };
    document["counts"] = {
        {"updated", findings.counts.updated},     {"merged", findings.counts.merged},
        {"conflicts", findings.counts.conflicts}, {"locked", findings.counts.locked},
        {"comments", findings.counts.comments},   {"lost", findings.counts.lost},
        {"twice", findings.counts.twice},         {"deleted", findings.counts.deleted},
        {"restored", findings.counts.restored},   {"undone", findings.counts.undone},
        {"corrected", findings.counts.corrected}, {"forced", findings.counts.forced},
        {"made_all", findings.counts.made_all},   {"made_none", findings.counts.made_none},
        {"kept", findings.counts.kept},           {"resolved", findings.counts.resolved},
        {"discarded", findings.counts.discarded},
    };
    document["summary"] = summarize(options, run, findings.counts);
    document["violations_total"] = findings.violations.size();
    document["violations"] = json::array();
    for (const Violation &violation : findings.violations)
    {
        if (document["violations"].size() == most_violations_written)
            break;
        document["violations"].push_back({
            {"invariant", static_cast<int>(violation.invariant)},
            {"customer", violation.customer},
            {"what", violation.what},
            {"rows", violation.rows},
        });
    }

    std::ofstream file(options.json_file);
    file << document.dump(2, ' ', false, json::error_handler_t::replace) << '\n';
    file.close();
    if (!file)
        throw CannotRun(fmt::format("could not write {}", options.json_file));
}

}  // namespace crm::hammer
