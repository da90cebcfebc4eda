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

    // Whether refused saves are kept whole that this session sends.
    bool keeps_refused() const { return keeps_refused_; }
    void keep_refused(bool whole) { keeps_refused_ = whole; }

    // Ends another connection's backend.
    void terminate(int backend);

    // Finds out the quoted name of the save function, whether the database is a proxy, and what it has; raises
    // CannotRun where the function or a table cannot be used.
    void check_installation(const std::string &function);

    // The target as check_installation() found it.
    const Target &target() const { return target_; }

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
    bool keeps_refused_ = false;
};

}  // namespace crm::hammer
