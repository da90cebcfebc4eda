// Saves customers through the client, each one after the other, until standard input ends; then tells how many saves were
// answered, and how many of these as replayed. SOURCE: file:PATH or proxy:CONNECTION. Customers FIRST to LAST. User and password
// are those of libpq's PGUSER and PGPASSWORD.

#include <atomic>
#include <cstdlib>
#include <iostream>

#include <fmt/format.h>

#include "sharded.h"

namespace {

std::atomic<bool> is_over{false};
std::atomic<std::int64_t> saves{0};
std::atomic<std::int64_t> replayed{0};

struct Answer
{
    std::string outcome;
    std::string version;
};

void
save_again_and_again(crm::sharded::Sharded &sharded, const std::string &id)
{
    std::string base = sharded.call(id, true, [&](pqxx::connection &connection) {
        pqxx::nontransaction transaction(connection);
        return transaction.exec(fmt::format("SELECT crm_get_customer({}) #>> '{{customer,updated_at}}'", id))[0][0]
            .as<std::string>();
    });
    for (int n = 1; !is_over; ++n)
    {
        const auto saved = sharded.call(id, true, [&](pqxx::connection &connection) {
            pqxx::nontransaction transaction(connection);
            const pqxx::result result = transaction.exec(fmt::format(
                "SELECT outcome, updated_at FROM crm_update_customer({0}, '{1}', 'status {2}', 'C++ {2}', 'cam')", id,
                base, n));
            return Answer{result[0][0].as<std::string>(), result[0][1].as<std::string>()};
        });
        if (saved.outcome != "updated" && saved.outcome != "replayed")
            throw std::runtime_error(fmt::format("{}: {}", id, saved.outcome));
        ++saves;
        if (saved.outcome == "replayed")
            ++replayed;
        base = saved.version;
    }
}

crm::sharded::Read
source(const std::string &text)
{
    const std::size_t colon = text.find(':');
    const std::string kind = text.substr(0, colon);
    const std::string place = colon == std::string::npos ? "" : text.substr(colon + 1);
    if (kind == "file")
        return crm::sharded::from_file(place);
    if (kind == "proxy")
        return crm::sharded::from_proxy(place);
    throw std::invalid_argument("SOURCE is file:PATH or proxy:CONNECTION");
}

void
run(const std::vector<std::string> &arguments)
{
    if (arguments.size() != 3)
        throw std::invalid_argument("Usage: crm_sharded_load SOURCE FIRST LAST");
    crm::sharded::Sharded sharded(
        source(arguments[0]), [](pqxx::connection &) {}, std::chrono::minutes(1));
    std::vector<std::jthread> threads;
    for (int id = std::stoi(arguments[1]); id <= std::stoi(arguments[2]); ++id)
        threads.emplace_back([&sharded, id] {
            try
            {
                save_again_and_again(sharded, std::to_string(id));
            }
            catch (const std::exception &e)
            {
                std::cerr << "crm_sharded_load: " << e.what() << std::endl;
                std::_Exit(1);
            }
        });
    while (std::cin.get() != std::char_traits<char>::eof())
        ;
    is_over = true;
    threads.clear();
    std::cout << fmt::format("{} saves, {} replayed", saves.load(), replayed.load()) << std::endl;
}

}  // namespace

int
main(int argc, char **argv)
{
    try
    {
        run({argv + 1, argv + argc});
        return 0;
    }
    catch (const std::exception &e)
    {
        std::cerr << "crm_sharded_load: " << e.what() << std::endl;
        return 1;
    }
}
