// Saves customers from many threads, over connections of their own or as examples/sharded chooses them, and logs each save.

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <latch>
#include <random>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "sharded.h"

namespace {

using Clock = std::chrono::system_clock;

// Whether standard input has ended.
std::atomic<bool> is_over{false};

struct Options
{
    std::vector<std::string> connections;
    bool is_sharded = false;
    bool is_pinned = false;
    bool is_prepared = false;
    int clients = 1;
    int first = 1;
    int customers = 20;
    std::string log;
};

constexpr const char *save_statement =
    "SELECT outcome, updated_at FROM crm_update_customer($1::bigint, $2, $3, $4, 'ana')";

// libpqxx 7.10 has params and prepped in place of exec_params and exec_prepared.
#define CRM_HAS_PARAMS (PQXX_VERSION_MAJOR > 7 || (PQXX_VERSION_MAJOR == 7 && PQXX_VERSION_MINOR >= 10))

template <typename... Arguments>
pqxx::result
execute(pqxx::connection &connection, const Options &options, const Arguments &...arguments)
{
    pqxx::nontransaction transaction(connection);
#if CRM_HAS_PARAMS
    const pqxx::params parameters{arguments...};
    return options.is_prepared ? transaction.exec(pqxx::prepped{"save"}, parameters)
                               : transaction.exec(save_statement, parameters);
#else
    return options.is_prepared ? transaction.exec_prepared("save", arguments...)
                               : transaction.exec_params(save_statement, arguments...);
#endif
}

void
prepare(pqxx::connection &connection, const Options &options)
{
    if (options.is_prepared)
        connection.prepare("save", save_statement);
}

// One customer as its client knows it.
struct Customer
{
    std::string id;
    std::string version;
};

// A client: reads customers that nobody else saves, says that it is ready, and saves them in an order of chance.
template <typename Call>
void
save_until_over(const Options &options, int number, std::latch &ready, std::FILE *log, Call call)
{
    std::mt19937 random(static_cast<unsigned>(number));
    std::vector<Customer> customers;
    for (int i = 0; i < options.customers; ++i)
    {
        Customer customer{std::to_string(options.first + number + i * options.clients), ""};
        customer.version = call(customer.id, [&](pqxx::connection &connection) {
            pqxx::nontransaction transaction(connection);
            return transaction
                .exec(fmt::format("SELECT crm_get_customer({}) #>> '{{customer,updated_at}}'", customer.id))[0][0]
                .template as<std::string>();
        });
        customers.push_back(customer);
    }

    ready.count_down();

    std::uniform_int_distribution<std::size_t> any(0, customers.size() - 1);
    for (std::int64_t n = 1; !is_over; ++n)
    {
        Customer &customer = customers[any(random)];
        const std::string status = fmt::format("status {}.{}", number, n);
        const std::string comment = fmt::format("Called back, they want a quote by Friday {}.{}", number, n);
        const auto begin = Clock::now();
        const pqxx::result result = call(customer.id, [&](pqxx::connection &connection) {
            return execute(connection, options, customer.id, customer.version, status, comment);
        });
        const auto took = Clock::now() - begin;
        if (result[0][0].as<std::string>() != "updated")
            throw std::runtime_error(fmt::format("a save is {}", result[0][0].c_str()));
        customer.version = result[0][1].as<std::string>();
        fmt::print(log, "{} {}\n", std::chrono::duration<double>((begin + took).time_since_epoch()).count(),
                   std::chrono::duration<double, std::milli>(took).count());
    }
}

void
work(const Options &options)
{
    crm::sharded::Sharded sharded(
        [&] {
            return options.is_sharded ? options.connections : std::vector<std::string>{options.connections.front()};
        },
        [&](pqxx::connection &connection) { prepare(connection, options); });

    const auto save = [&](int number, std::latch &ready) {
        const std::unique_ptr<std::FILE, int (*)(std::FILE *)> log(
            std::fopen(fmt::format("{}.{}", options.log, number).c_str(), "w"), std::fclose);
        if (!log)
            throw std::runtime_error("could not write the log");
        if (options.is_sharded)
            return save_until_over(options, number, ready, log.get(),
                                   [&](const std::string &key, auto call) { return sharded.call(key, true, call); });
        std::vector<std::string> strings = options.connections;
        if (options.is_pinned)
            strings = {strings[static_cast<std::size_t>(number) % strings.size()]};
        std::vector<std::unique_ptr<pqxx::connection>> connections;
        connections.reserve(strings.size());
        for (const std::string &string : strings)
            prepare(*connections.emplace_back(std::make_unique<pqxx::connection>(string)), options);
        save_until_over(options, number, ready, log.get(), [&](const std::string &key, auto call) {
            return call(*connections[std::hash<std::string>{}(key) % connections.size()]);
        });
    };

    std::latch ready(options.clients);
    std::vector<std::jthread> threads;
    threads.reserve(static_cast<std::size_t>(options.clients));
    for (int number = 0; number < options.clients; ++number)
        threads.emplace_back([&, number] {
            try
            {
                save(number, ready);
            }
            catch (const std::exception &e)
            {
                fmt::print(stderr, "crm_bench_client: {}\n", e.what());
                std::_Exit(1);
            }
        });
    ready.wait();
    std::cout << "ready" << std::endl;
    while (std::cin.get() != std::char_traits<char>::eof())
        ;
    is_over = true;
}

int
run(int argc, char **argv)
{
    Options options;
    CLI::App app(
        "Saves customers from as many threads as there are --clients, each customer by one of them, and says when "
        "all are ready; until standard input ends. A line of LOG.NUMBER is a save of a client: when it ended, in "
        "seconds since 1970, and how many milliseconds it took.",
        "crm_bench_client");
    app.add_option("--connection", options.connections,
                   "Connection string; may be repeated: each client has one of each, and for each customer one of them")
        ->required();
    app.add_flag("--sharded", options.is_sharded, "They are the partitions: each save goes where the customer is");
    app.add_flag("--pinned", options.is_pinned, "Each client has one of them, in turn");
    app.add_flag("--prepared", options.is_prepared, "Prepare the statement in each connection");
    app.add_option("--clients", options.clients)->capture_default_str()->check(CLI::PositiveNumber);
    app.add_option("--first", options.first, "The first of the customers' ids")
        ->capture_default_str()
        ->check(CLI::PositiveNumber);
    app.add_option("--customers", options.customers, "Of each client")
        ->capture_default_str()
        ->check(CLI::PositiveNumber);
    app.add_option("--log", options.log)->required()->option_text("LOG");
    CLI11_PARSE(app, argc, argv);

    work(options);
    return 0;
}

}  // namespace

int
main(int argc, char **argv)
{
    try
    {
        return run(argc, argv);
    }
    catch (const std::exception &e)
    {
        std::fprintf(stderr, "crm_bench_client: %s\n", e.what());
        return 1;
    }
}
