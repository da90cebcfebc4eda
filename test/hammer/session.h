#pragma once

#include <memory>
#include <string>
#include <vector>

#include <pqxx/pqxx>

#include "options.h"
#include "record.h"

namespace crm::hammer {

// A server process that serves a session. Threads exchange it without a lock, as one word.
struct alignas(2 * sizeof(int)) Backend
{
    int partition = 0;
    int process = 0;
};

// One connection of one user; where the driver chooses the database of each customer, one to each partition that was asked.
// Not for use by several threads at once.
class Session
{
public:
    // Not connected yet.
    explicit Session(Target target);
    ~Session();

    // Connects at once; raises CannotRun.
    void open();

    // Sends what the attempt says, in a transaction of its own, and notes in it when and how that ended. Never raises
    // for what the server or the connection did.
    void perform(Attempt &attempt);

    // The same for saves that are sent as one batch.
    void perform_batch(std::vector<Attempt> &saves);

    // Connects again, trying as long as the target's timeout allows. Whether that worked.
    bool reconnect();

    // Whether the connection that was used last is.
    bool is_open() const { return link_->connection && link_->connection->is_open(); }

    // What served it last.
    Backend backend() const { return {static_cast<int>(link_ - links_.data()), link_->backend}; }

    // Whether refused saves are kept whole that this session sends.
    bool keeps_refused() const { return keeps_refused_; }
    void keep_refused(bool whole) { keeps_refused_ = whole; }

    // Ends another connection's backend.
    void terminate(Backend backend);

    // Finds out the quoted name of the save function, whether the database is a proxy, and what it has; raises
    // CannotRun where the function or a table cannot be used.
    void check_installation(const std::string &function);

    // The target as check_installation() found it.
    const Target &target() const { return target_; }

    // The rows of these customers, from one snapshot.
    Tables read_tables(const std::vector<std::int64_t> &customers);

private:
    class Notices;
    struct Link
    {
        std::unique_ptr<pqxx::connection> connection;
        std::unique_ptr<Notices> notices;
        int backend = 0;
    };

    void connect();
    void use_partition(int partition);
    template <typename Ask>
    void perform(int partition, std::vector<Attempt *> attempts, Ask ask);
    std::int64_t last_customer();
    Reply reply_of_error(const Attempt &attempt, std::string_view sqlstate) const;

    Target target_;
    std::vector<Link> links_;  // by partition
    Link *link_;               // the one that is used
    bool keeps_refused_ = false;
};

}  // namespace crm::hammer
