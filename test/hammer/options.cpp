#include "options.h"

#include <map>
#include <random>

#include <CLI/CLI.hpp>

namespace crm::hammer {

std::string_view
name(Mode mode)
{
    switch (mode)
    {
        case Mode::race:
            return "race";
        case Mode::retry:
            return "retry";
        case Mode::mixed:
            return "mixed";
    }
    return {};
}

std::optional<int>
parse_options(int argc, char **argv, Options &options)
{
    CLI::App app("Lets many users work on the same customers at once, each on a connection of its own, keeps a log of "
                 "what every user sent and was told, then reads the tables and checks that nothing was lost, refused "
                 "and applied, or applied twice.",
                 "crm_hammer");
    app.footer("Modes:\n"
               "  race   all users read one version, wait for each other, and save at once with different statuses\n"
               "         and comments: one may win, everybody's comment must be kept\n"
               "  retry  the same, and every user tries again from the row it was told until the save lands\n"
               "  mixed  reads, saves, saves from old versions, bare comments, repeated submits (also two in flight\n"
               "         together), plain UPDATEs, INSERTs and DELETEs (of every tenth), saves of other fields, merges and edit\n"
               "         locks, over many customers; a user opens a second connection for submits in flight together\n"
               "\n"
               "The tables customers, comments and customer_history are those that the search_path of the connection\n"
               "finds. The driver makes customers of its own and leaves them there.\n"
               "\n"
               "Exit status: 0 all is well; 1 an invariant does not hold (the offending rows are printed);\n"
               "2 the run could not be done (usage, no connection, an unexpected error).\n"
               "\n"
               "Example: crm_hammer --dsn 'host=/tmp port=5433 dbname=crm' --mode race --users 30 --rounds 200");

    const std::map<std::string, Mode> modes{{"race", Mode::race}, {"retry", Mode::retry}, {"mixed", Mode::mixed}};

    app.add_option("--dsn", options.dsn, "Connection string or URI (default: the PG* environment variables)");
    std::string mode;
    app.add_option("--mode", mode, "What the users do")
        ->required()
        ->option_text("race|retry|mixed REQUIRED")
        ->check(CLI::IsMember(&modes));
    app.add_option("--users", options.users, "Users at once, each with its own thread and connection")
        ->capture_default_str()
        ->check(CLI::Range(1, 10'000));
    auto *customers = app.add_option("--customers", options.customers,
                                     "Customers to work on; race and retry take them in turn (default: 1, mixed: 50)")
                          ->check(CLI::Range(1, 10'000'000));
    auto *rounds = app.add_option("--rounds", options.rounds,
                                  "How many races, or steps of each user in mixed (default: 1 in race and retry)")
                       ->check(CLI::Range(1, 1'000'000'000));
    app.add_option("--seconds", options.seconds, "Go on for this long instead (default: 10 in mixed)")
        ->check(CLI::Range(1, 1'000'000))
        ->excludes(rounds);
    auto *seed = app.add_option("--seed", options.seed, "Makes every user choose as in another run (default: random)");
    app.add_option("--function", options.function, "The save function under test, as name or schema.name")
        ->capture_default_str();
    app.add_option("--timeout", options.timeout_seconds,
                   "Seconds that one statement, or connecting again, may take")
        ->capture_default_str()
        ->check(CLI::Range(1, 86'400));
    app.add_option("--break", options.breaks_per_second,
                   "Terminate this many of the users' connections each second, so that answers are lost")
        ->capture_default_str()
        ->check(CLI::Range(0, 1000));
    app.add_option("--merge", options.merge_percent,
                   "How many of a hundred saves in mixed may be merged or save another field; 0 calls the function with five "
                   "arguments")
        ->capture_default_str()
        ->check(CLI::Range(0, 100));
    app.add_option("--locks", options.lock_percent, "How many of a hundred steps in mixed are edits under a lock")
        ->capture_default_str()
        ->check(CLI::Range(0, 100));
    app.add_option("--json", options.json_file, "Also write options, counts, rates and violations to this file")
        ->option_text("FILE");

    try
    {
        app.parse(argc, argv);
    }
    catch (const CLI::ParseError &e)
    {
        return app.exit(e) == 0 ? 0 : 2;
    }

    options.mode = modes.at(mode);
    const bool is_mixed = options.mode == Mode::mixed;
    if (customers->empty() && is_mixed)
        options.customers = 50;
    if (!options.rounds && !options.seconds)
        (is_mixed ? options.seconds : options.rounds) = is_mixed ? 10 : 1;
    if (seed->empty())
        options.seed = std::random_device{}();
    return std::nullopt;
}

}  // namespace crm::hammer
