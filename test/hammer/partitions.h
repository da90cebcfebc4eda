#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace crm::hammer {

// Several databases, each of which has a part of the customers, and the file that names them: a line "NUMBER|CONNECTION" for
// each, as psql -At prints crm_proxy.partitions().
class Partitions
{
public:
    // None of them: there is one database.
    Partitions() = default;

    // Reads the file; parameters are added to each connection string. Raises CannotRun.
    Partitions(std::string file, std::string parameters);

    explicit operator bool() const { return !connections_.empty(); }
    int count() const { return static_cast<int>(connections_.size()); }

    // Which has the customer.
    int of(std::int64_t customer) const;

    const std::string &connection(int partition) const;

    // Other parameters, from the next refresh on.
    void set_parameters(std::string parameters) { parameters_ = std::move(parameters); }

    // Reads the file again, for one may have moved. The number of partitions stays; raises CannotRun.
    void refresh();

    // The ids of new customers, which all copies share.
    std::int64_t new_customer() const { return ++*last_customer_; }
    void begin_customers_after(std::int64_t id) const { *last_customer_ = id; }

private:
    std::string file_;
    std::string parameters_;
    std::vector<std::string> connections_;
    std::shared_ptr<std::atomic<std::int64_t>> last_customer_ = std::make_shared<std::atomic<std::int64_t>>(0);
};

}  // namespace crm::hammer
