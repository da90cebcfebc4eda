#include "options.h"

#include <map>
#include <random>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

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
    app.footer(
        "Modes:\n"
        "  race   all users read one version, wait for each other, and save at once with different statuses\n"
        "         and comments: one may win, everybody's comment must be kept\n"
        "  retry  the same, and every user tries again from the row it was told until the save lands\n"
        "  mixed  reads, saves, saves from old versions, merges, saves of other fields, batches of saves, edit\n"
        "         locks (saved under, released, left to expire), bare comments, replies, repeated submits (also\n"
        "         two in flight together), plain UPDATEs, INSERTs and DELETEs (of every tenth), over many\n"
        "         customers; of version 1.1 also deletions of the version that was read, some of them stale, and\n"
        "         restorations (of every fifth), changes undone, comments corrected and withdrawn, edit locks\n"
        "         ended by force, merges of what crm_attach was given as merge_groups, calls that make all or none\n"
        "         of two or three saves, a check and sometimes a deletion, and, in the sessions of every second user,\n"
        "         refused saves that are kept whole, resolved and discarded; a user opens a second connection for\n"
        "         submits in flight together\n"
        "\n"
        "The tables customers, comments and customer_history, and the functions crm_update_customers,\n"
        "crm_lock_customer, crm_unlock_customer and crm_add_comment, are those that the search_path of the\n"
        "connection finds. So are those of version 1.1, which it does without where they are not: the tables\n"
        "customer_deletions, comment_edits and customer_refused_saves, and crm_delete_customer, crm_restore_customer,\n"
        "crm_timeline, crm_revert_customer, crm_edit_comment, crm_withdraw_comment, crm_update_records,\n"
        "crm_refused_saves, crm_resolve_refused and crm_discard_refused. The driver makes customers of its own and\n"
        "leaves them there. Where the tables are attached, crm_verify() must find nothing in them at the end.\n"
        "\n"
        "In a proxy's database (scale/proxy.sql) the functions are the proxy's. What an application cannot do through\n"
        "it, plain writes and reading the tables, takes test/hammer/through_proxy.sql there and partition.sql in the\n"
        "partitions, where crm_concurrency.repeated_comment_window must be longer than the run is interrupted. A\n"
        "partition that cannot be reached is asked again for as long as --timeout says. A call that makes all or none\n"
        "is of the customers of one partition there; all sessions keep refused saves whole, or none does, as\n"
        "crm_concurrency.keep_refused is set in the partitions.\n"
        "\n"
        "With --partitions the driver chooses the database of each customer, by the key, as an application can\n"
        "(scale/README.md), and reads the file again when a connection is lost. The databases have the tables,\n"
        "attached and alike. The connection strings are those of the file with the keywords of --dsn.\n"
        "\n"
        "A lost connection is made again, and what was asked is asked again, for as long as --timeout says: so a\n"
        "run outlives a restart of the server or, where the connection string names several hosts (and\n"
        "target_session_attrs=read-write), a failover. A commit that did not wait for its synchronous standbys (a\n"
        "WARNING says so) counts as not promised: it is asked again too. SIGINT or SIGTERM end the run early; it is\n"
        "checked as any other.\n"
        "\n"
        "Exit status: 0 all is well; 1 an invariant does not hold (the offending rows are printed);\n"
        "2 the run could not be done (usage, no connection, an unexpected error).\n"
        "\n"
        "Example: crm_hammer --dsn 'host=/tmp port=5433 dbname=crm' --mode race --users 30 --rounds 200");

    const std::map<std::string, Mode> modes{{"race", Mode::race}, {"retry", Mode::retry}, {"mixed", Mode::mixed}};

    app.add_option("--dsn", options.dsn, "Connection string or URI (default: the PG* environment variables)");
    auto *check_dsn = app.add_option("--check-dsn", options.check_dsn,
                                     "Connection string for reading the tables at the end, which takes a transaction "
                                     "(default: that of --dsn)");
    app.add_option("--partitions", options.partitions_file,
                   "File with a line NUMBER|CONNECTION for each partition: each call goes to the database of its "
                   "customer, and the keywords of --dsn are added to its connection")
        ->option_text("FILE")
        ->check(CLI::ExistingFile);
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
    app.add_option("--function", options.function,
                   "The save function under test, as name or schema.name, with the arguments of "
                   "crm_update_customer")
        ->capture_default_str();
    app.add_option("--timeout", options.timeout_seconds, "Seconds that one statement, or connecting again, may take")
        ->capture_default_str()
        ->check(CLI::Range(1, 86'400));
    app.add_option("--break", options.breaks_per_second,
                   "Terminate this many of the users' connections each second, so that answers are lost")
        ->capture_default_str()
        ->check(CLI::Range(0, 1000));
    const auto add_percent = [&](const char *option, int &percent, const char *description) {
        app.add_option(option, percent, description)->capture_default_str()->check(CLI::Range(0, 100));
    };
    add_percent("--locks", options.lock_percent, "mixed: percentage of steps that lock a customer, and save it");
    add_percent("--batches", options.batch_percent,
                "mixed: percentage of steps that save 2 to 5 customers in one call");
    add_percent("--merges", options.merge_percent, "mixed: percentage of saves with merge => true");
    add_percent("--fields", options.field_percent,
                "mixed: percentage of saves with one of name, phone and email, or with both of the last");
    add_percent("--replies", options.reply_percent, "mixed: percentage of comments that answer one that was seen");
    add_percent("--add-comments", options.add_comment_percent,
                "mixed: percentage of bare comments by crm_add_comment instead of INSERT");
    add_percent("--deletions", options.deletion_percent,
                "mixed: percentage of steps that delete the version that was read, and restore it");
    add_percent("--undos", options.undo_percent, "mixed: percentage of steps that undo a change");
    add_percent("--corrections", options.correction_percent,
                "mixed: percentage of steps that correct or withdraw a comment");
    add_percent("--all-or-nothing", options.all_or_nothing_percent,
                "mixed: percentage of steps that save and check 3 or 4 customers, all or none");
    add_percent(
        "--resolutions", options.resolution_percent,
        "mixed: percentage of steps that resolve or discard a refused save; with 0 none is kept whole, as behind a "
        "pool whose clients share sessions");
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

    if (options.lock_percent + options.batch_percent + options.deletion_percent + options.undo_percent +
            options.correction_percent + options.all_or_nothing_percent + options.resolution_percent >
        100)
    {
        fmt::print(stderr, "--locks, --batches, --deletions, --undos, --corrections, --all-or-nothing and "
                           "--resolutions together are more than 100\n");
        return 2;
    }

    options.mode = modes.at(mode);
    const bool is_mixed = options.mode == Mode::mixed;
    if (customers->empty() && is_mixed)
        options.customers = 50;
    if (!options.rounds && !options.seconds)
        (is_mixed ? options.seconds : options.rounds) = is_mixed ? 10 : 1;
    if (check_dsn->empty())
        options.check_dsn = options.dsn;
    if (seed->empty())
        options.seed = std::random_device{}();
    return std::nullopt;
}

}  // namespace crm::hammer
