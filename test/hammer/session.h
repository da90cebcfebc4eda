#pragma once

#include <memory>
#include <string>
#include <vector>

#include <pqxx/pqxx>

#include "options.h"
#include "record.h"

namespace crm::hammer {

// One connection of one user. Not for use by several threads at once.
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

    bool is_open() const { return connection_ && connection_->is_open(); }

    // The process id of the server's backend.
    int backend() const { return backend_; }

    // Ends another connection's backend.
    void terminate(int backend);

    // The quoted name of the save function; raises CannotRun where it or a table cannot be used. From here on the
    // session knows whether its database is a proxy, and what it has.
    std::string check_installation(const std::string &function);

    bool is_proxy() const { return target_.is_proxy; }
    bool keeps_deleted() const { return target_.keeps_deleted; }

    // The rows of these customers, from one snapshot.
    Tables read_tables(const std::vector<std::int64_t> &customers);

private:
    class Notices;

    void connect();
    template <typename Ask>
    void perform(std::vector<Attempt *> attempts, Ask ask);
    Reply reply_of_error(const Attempt &attempt, std::string_view sqlstate) const;

    Target target_;
    std::unique_ptr<pqxx::connection> connection_;
    std::unique_ptr<Notices> notices_;
    int backend_ = 0;
};

}  // namespace crm::hammer
