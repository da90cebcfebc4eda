#include "partitions.h"

#include <fmt/format.h>

#include "core/partition.h"
#include "options.h"
#include "sharded.h"

namespace crm::hammer {

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
    std::vector<std::string> connections;
    try
    {
        connections = sharded::from_file(file_)();
    }
    catch (const std::exception &e)
    {
        throw CannotRun(e.what());
    }
    if (!connections_.empty() && connections.size() != connections_.size())
        throw CannotRun(fmt::format("{} names {} partitions, and named {}", file_, connections.size(), count()));
    for (std::string &connection : connections)
        connection += " " + parameters_;
    connections_ = std::move(connections);
}

}  // namespace crm::hammer
