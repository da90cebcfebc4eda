#include "partitions.h"

#include <charconv>
#include <fstream>
#include <map>

#include <fmt/format.h>

#include "core/partition.h"
#include "options.h"

namespace crm::hammer {

namespace {

std::vector<std::string>
read_connections(const std::string &file)
{
    std::ifstream input(file);
    std::map<int, std::string> by_number;
    for (std::string line; std::getline(input, line);)
    {
        const std::size_t bar = line.find('|');
        int number = -1;
        if (bar == std::string::npos || std::from_chars(line.data(), line.data() + bar, number).ptr != &line[bar] ||
            !by_number.try_emplace(number, line.substr(bar + 1)).second)
            throw CannotRun(
                fmt::format("{} has a line that is not NUMBER|CONNECTION, or a number twice: {}", file, line));
    }
    if (!core::is_partition_count(static_cast<std::int64_t>(by_number.size())) || by_number.begin()->first != 0 ||
        by_number.rbegin()->first != static_cast<int>(by_number.size()) - 1)
        throw CannotRun(fmt::format("{} does not name all partitions from 0 on, a power of two of them", file));

    std::vector<std::string> connections;
    connections.reserve(by_number.size());
    for (const auto &[number, connection] : by_number)
        connections.push_back(connection);
    return connections;
}

}  // namespace

Partitions::Partitions(std::string file, std::string parameters)
    : file_(std::move(file)), parameters_(std::move(parameters))
{
    refresh();
}

int
Partitions::of(std::int64_t customer) const
{
    return core::partition_of(std::to_string(customer), count());
}

const std::string &
Partitions::connection(int partition) const
{
    return connections_.at(static_cast<std::size_t>(partition));
}

void
Partitions::refresh()
{
    std::vector<std::string> connections = read_connections(file_);
    if (!connections_.empty() && connections.size() != connections_.size())
        throw CannotRun(fmt::format("{} names {} partitions, and named {}", file_, connections.size(), count()));
    for (std::string &connection : connections)
        connection += " " + parameters_;
    connections_ = std::move(connections);
}

}  // namespace crm::hammer
