// A client that calls each function in the database that has the customer, with libpqxx. src/core/partition.{h,cpp}, which
// need Nettle, go with it.
#pragma once

#include <algorithm>
#include <charconv>
#include <chrono>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <pqxx/pqxx>

#include "core/partition.h"

namespace crm::sharded {

// What is done with a new connection, and what a call does with one.
using Prepare = std::function<void(pqxx::connection &)>;

// Returns the connection string of each partition, in order.
using Read = std::function<std::vector<std::string>()>;

// Throws std::invalid_argument unless they are all from 0 on.
inline std::vector<std::string>
in_order(const std::map<int, std::string> &by_number, const std::string &source)
{
    if (!core::is_partition_count(static_cast<std::int64_t>(by_number.size())) || by_number.begin()->first != 0 ||
        by_number.rbegin()->first != static_cast<int>(by_number.size()) - 1)
        throw std::invalid_argument(source +
                                    " does not name all partitions from 0 on, of which there is a power of two");
    std::vector<std::string> connections;
    connections.reserve(by_number.size());
    for (const auto &[number, connection] : by_number)
        connections.push_back(connection);
    return connections;
}

// Reads the partitions from a file with a line NUMBER|CONNECTION for each, which move_partition --file keeps.
inline Read
from_file(std::string path)
{
    return [path = std::move(path)] {
        std::ifstream input(path);
        if (!input)
            throw std::runtime_error("could not read " + path);
        std::map<int, std::string> by_number;
        for (std::string line; std::getline(input, line);)
        {
            const std::size_t bar = line.find('|');
            int number = -1;
            if (bar == std::string::npos || std::from_chars(line.data(), line.data() + bar, number).ptr != &line[bar] ||
                !by_number.try_emplace(number, line.substr(bar + 1)).second)
                throw std::invalid_argument(
                    std::string(path)
                        .append(" has a line that is not NUMBER|CONNECTION, or a number twice: ")
                        .append(line));
        }
        return in_order(by_number, path);
    };
}

// Reads the partitions from the database of a proxy, where move_partition --proxy tells of a new place.
inline Read
from_proxy(std::string connection_string)
{
    return [connection_string = std::move(connection_string)] {
        pqxx::connection proxy(connection_string);
        pqxx::nontransaction transaction(proxy);
        std::map<int, std::string> by_number;
        for (const auto &row : transaction.exec("SELECT partition, connection FROM crm_proxy.partitions()"))
            by_number.emplace(row[0].as<int>(), row[1].as<std::string>());
        return in_order(by_number, "the proxy");
    };
}

// Several databases behind one call, for several threads at once. It does not limit the connections, of which there are as many
// as calls at the same time.
class Sharded
{
public:
    // read is called again when a partition is away, for it may have moved. Such a partition is asked again for as long as
    // patience says.
    Sharded(Read read, Prepare prepare, std::chrono::milliseconds patience = std::chrono::seconds(10))
        : read_(std::move(read)), prepare_(std::move(prepare)), patience_(patience)
    {
        for (std::string &connection : read_())
            partitions_.push_back(std::make_shared<Partition>(std::move(connection)));
        if (!core::is_partition_count(static_cast<std::int64_t>(partitions_.size())))
            throw std::invalid_argument("the number of partitions is not a power of two");
    }

    // Runs a call where the record with this key is; the key is in its one spelling, in UTF-8. What is repeatable, because
    // sending it twice does no more than sending it once, is sent again when its answer was lost.
    template <typename Call>
    auto call(std::string_view key, bool is_repeatable, Call call)
    {
        const auto number = static_cast<std::size_t>(core::partition_of(key, static_cast<int>(partitions_.size())));
        const auto give_up = std::chrono::steady_clock::now() + patience_;
        for (auto pause = std::chrono::milliseconds(20);; pause = std::min(2 * pause, std::chrono::milliseconds(500)))
        {
            const std::shared_ptr<Partition> partition = at(number);
            std::unique_ptr<pqxx::connection> connection;
            try
            {
                connection = take(*partition);
                auto result = call(*connection);
                give_back(*partition, std::move(connection));
                return result;
            }
            // The server ended the connection, refuses it or does not know the database any more; PgBouncer says so, too.
            catch (const pqxx::broken_connection &)
            {
                refresh(number, partition);
                if ((connection && !is_repeatable) || std::chrono::steady_clock::now() > give_up)
                    throw;
            }
            catch (const pqxx::sql_error &e)
            {
                // There is none where what prepares it failed.
                if (connection)
                    give_back(*partition, std::move(connection));
                // What has moved refuses writes at its old place; any other error is the caller's.
                if (e.sqlstate() != "55000")
                    throw;
                refresh(number, partition);
                if (at(number) == partition)
                    throw;
            }
            std::this_thread::sleep_for(pause);
        }
    }

private:
    struct Partition
    {
        explicit Partition(std::string string) : connection_string(std::move(string)) {}

        const std::string connection_string;
        std::mutex mutex;
        std::vector<std::unique_ptr<pqxx::connection>> idle;
    };

    std::shared_ptr<Partition> at(std::size_t number)
    {
        const std::lock_guard lock(mutex_);
        return partitions_[number];
    }

    std::unique_ptr<pqxx::connection> take(Partition &partition)
    {
        {
            const std::lock_guard lock(partition.mutex);
            if (!partition.idle.empty())
            {
                auto connection = std::move(partition.idle.back());
                partition.idle.pop_back();
                return connection;
            }
        }
        auto connection = std::make_unique<pqxx::connection>(partition.connection_string);
        prepare_(*connection);
        return connection;
    }

    static void give_back(Partition &partition, std::unique_ptr<pqxx::connection> connection)
    {
        if (!connection->is_open())
            return;
        const std::lock_guard lock(partition.mutex);
        partition.idle.push_back(std::move(connection));
    }

    // What has another place gets connections of its own; those to the old one end with the last call there. Who fails at
    // the same time reads once.
    void refresh(std::size_t number, const std::shared_ptr<Partition> &failed)
    {
        const std::lock_guard lock(mutex_);
        if (partitions_[number] != failed)
            return;
        {
            const std::lock_guard idle_lock(failed->mutex);
            failed->idle.clear();
        }
        std::vector<std::string> connections;
        try
        {
            connections = read_();
        }
        catch (const std::exception &)
        {
            // It may be away itself: what is known still holds, and the call's own error is the one to tell.
            return;
        }
        if (connections.size() != partitions_.size())
            throw std::runtime_error("the number of partitions has changed");
        for (std::size_t i = 0; i < connections.size(); ++i)
            if (connections[i] != partitions_[i]->connection_string)
                partitions_[i] = std::make_shared<Partition>(std::move(connections[i]));
    }

    const Read read_;
    const Prepare prepare_;
    const std::chrono::milliseconds patience_;
    std::mutex mutex_;
    std::vector<std::shared_ptr<Partition>> partitions_;
};

}  // namespace crm::sharded
