#include <cstdlib>

#include <fmt/format.h>

#include "checker.h"
#include "options.h"
#include "report.h"
#include "workload.h"

using namespace crm::hammer;

namespace {

constexpr int all_well = 0;
constexpr int invariant_broken = 1;
constexpr int could_not_run = 2;

int
hammer(const Options &options)
{
    // A server that takes a connection and then says nothing is gone as well.
    setenv("PGCONNECT_TIMEOUT", fmt::format("{}", options.timeout_seconds).c_str(), 0);
    Session reader(
        {options.check_dsn, "", options.timeout_seconds,
         options.partitions_file.empty() ? Partitions() : Partitions(options.partitions_file, options.check_dsn)});
    reader.open();
    reader.check_installation(options.function);
    Target target = reader.target();
    target.dsn = options.dsn;
    if (target.partitions)
        target.partitions.set_parameters(options.dsn);

    const Run run = run_workload(options, target);
    // The server may have ended a session that was idle for the whole run.
    if (!reader.reconnect())
        throw CannotRun("could not connect again to read the tables");
    const Findings findings = check(run.log, reader.read_tables(run.customers));

    const Statistics statistics = measure(run);
    fmt::print("{} of {} s with {} users, seed {}\n\n{}\n", name(options.mode), fmt::format("{:.1f}", run.seconds),
               options.users, options.seed, to_table(run, statistics));
    if (!findings.violations.empty())
        fmt::print("{}\n", to_text(findings.violations));
    if (options.mode == Mode::mixed && target.keeps_deleted)
        fmt::print("{}\n", summarize_version_1_1(findings.counts));
    fmt::print("{}\n", summarize(options, run, findings.counts));
    if (!options.json_file.empty())
        write_json(options, run, statistics, findings);

    if (!run.problem.empty())
        fmt::print(stderr, "crm_hammer: the run ended early: {}\n", run.problem);
    if (!findings.violations.empty())
        return invariant_broken;
    return run.problem.empty() ? all_well : could_not_run;
}

}  // namespace

int
main(int argc, char **argv)
{
    try
    {
        Options options;
        if (const auto done = parse_options(argc, argv, options))
            return *done;
        return hammer(options);
    }
    catch (const std::exception &e)
    {
        fmt::print(stderr, "crm_hammer: {}\n", e.what());
        return could_not_run;
    }
}
