#include "session.h"

#include <algorithm>
#include <map>
#include <thread>

#include <fmt/format.h>

#include "statements.h"

namespace crm::hammer {

namespace {

// The server ended the session, so the statement may or may not have been carried out.
bool
is_end_of_session(std::string_view sqlstate)
{
    return sqlstate.substr(0, 2) == "08" || sqlstate.substr(0, 4) == "57P0";
}

// There was no connection to the partition, so that nothing was asked.
struct NotReached : std::runtime_error
{
    using std::runtime_error::runtime_error;
};

// The commit was acknowledged although its wait for the synchronous standbys had been cancelled.
struct NotPromised : std::runtime_error
{
    using std::runtime_error::runtime_error;
};

template <typename Row>
void
append(std::vector<Row> &rows, std::vector<Row> more)
{
    rows.insert(rows.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

// Adds what another database has.
void
add(Tables &tables, Tables more)
{
    append(tables.customers, std::move(more.customers));
    append(tables.comments, std::move(more.comments));
    append(tables.history, std::move(more.history));
    append(tables.verify, std::move(more.verify));
    append(tables.edits, std::move(more.edits));
    append(tables.deleted, std::move(more.deleted));
    append(tables.kept, std::move(more.kept));
    tables.keeps_deleted = more.keeps_deleted;
    tables.keeps_refused = more.keeps_refused;
    tables.merge_groups = std::move(more.merge_groups);
}

}  // namespace

// Notes a WARNING of the server that a commit did not wait for its standbys, for the answer that follows says nothing
// of it.
class Session::Notices
#if !CRM_HAS_NOTICE_HANDLER
    : public pqxx::errorhandler
#endif
{
public:
#if CRM_HAS_NOTICE_HANDLER
    explicit Notices(pqxx::connection &connection)
    {
        connection.set_notice_handler([this](pqxx::zview text) { note(text.c_str()); });
    }
#else
    explicit Notices(pqxx::connection &connection) : pqxx::errorhandler(connection) {}

    bool operator()(const char text[]) noexcept override
    {
        note(text);
        return false;
    }
#endif

    std::string cancelled_wait;  // empty where there was none

private:
    void note(std::string_view text)
    {
        if (text.find("canceling wait for synchronous replication") != std::string_view::npos)
            cancelled_wait = first_line(text);
    }
};

Session::Session(Target target)
    : target_(std::move(target)), links_(static_cast<std::size_t>(std::max(1, target_.partitions.count()))),
      link_(links_.data())
{}

Session::~Session() = default;

void
Session::open()
{
    try
    {
        connect();
    }
    catch (const std::exception &e)
    {
        throw CannotRun(fmt::format("could not connect: {}", first_line(e.what())));
    }
}

void
Session::connect()
{
    link_->notices.reset();
    link_->connection.reset();
    if (target_.partitions)
        target_.partitions.refresh();
    link_->connection = std::make_unique<pqxx::connection>(
        target_.partitions ? target_.partitions.connection(backend().partition) : target_.dsn);
    link_->notices = std::make_unique<Notices>(*link_->connection);

    pqxx::nontransaction transaction(*link_->connection);
    // The same comment, added again by crm_add_comment, is the first one however slow the run is.
    link_->backend = execute(transaction,
                             "SELECT pg_backend_pid(), set_config('statement_timeout', $1, false), "
                             "set_config('crm_concurrency.repeated_comment_window', '1h', false)",
                             fmt::format("{}s", target_.timeout_seconds))[0][0]
                         .as<int>();
    // The proxy's own sessions ask for nothing there.
    if (target_.keeps_refused && !target_.is_proxy)
        execute(transaction, "SELECT set_config('crm_concurrency.keep_refused', $1, false)",
                keeps_refused_ ? "all" : "comment");
}

bool
Session::reconnect()
{
    using namespace std::chrono;
    const auto give_up = steady_clock::now() + seconds(target_.timeout_seconds);
    const auto connect_in_time = [&] {
        for (auto pause = milliseconds(10);; pause = std::min(2 * pause, milliseconds(1000)))
        {
            try
            {
                connect();
                return true;
            }
            catch (const std::exception &)
            {
                if (steady_clock::now() + pause > give_up)
                    return false;
                std::this_thread::sleep_for(pause);
            }
        }
    };

    return std::all_of(links_.begin(), links_.end(), [&](Link &link) {
        link_ = &link;
        return connect_in_time();
    });
}

// What is asked from now on goes there, over a new connection where the last one was lost.
void
Session::use_partition(int partition)
{
    link_ = &links_[static_cast<std::size_t>(partition)];
    if (target_.partitions && !is_open())
    {
        try
        {
            connect();
        }
        catch (const pqxx::failure &e)
        {
            throw NotReached(e.what());
        }
    }
}

template <typename Ask>
void
Session::perform(int partition, std::vector<Attempt *> attempts, Ask ask)
{
    const auto fail = [&](Reply reply, std::string_view sqlstate, const std::exception &e) {
        for (Attempt *attempt : attempts)
        {
            attempt->reply = reply == Reply::failed ? reply_of_error(*attempt, sqlstate) : reply;
            attempt->sqlstate = sqlstate;
            attempt->error = first_line(e.what());
        }
    };
    std::vector<Attempt> asked;
    asked.reserve(attempts.size());
    for (const Attempt *attempt : attempts)
        asked.push_back(*attempt);

    const SteadyTime sent = steady_now();
    try
    {
        use_partition(partition);
        if (!link_->connection)
            throw pqxx::broken_connection("not connected");
        link_->notices->cancelled_wait.clear();
        ask(*link_->connection);
        if (!link_->notices->cancelled_wait.empty())
            throw NotPromised(link_->notices->cancelled_wait);
        for (Attempt *attempt : attempts)
            attempt->reply = Reply::answered;
    }
    // As if there had been no answer: it says what a failover can lose.
    catch (const NotPromised &e)
    {
        for (std::size_t i = 0; i < attempts.size(); ++i)
            *attempts[i] = asked[i];
        fail(Reply::in_doubt, not_promised, e);
    }
    catch (const NotReached &e)
    {
        fail(Reply::failed, not_reached, e);
    }
    // In libpqxx 6 these are no sql_error and carry no SQLSTATE.
    catch (const pqxx::serialization_failure &e)
    {
        fail(Reply::failed, "40001", e);
    }
    catch (const pqxx::deadlock_detected &e)
    {
        fail(Reply::failed, "40P01", e);
    }
    catch (const pqxx::statement_completion_unknown &e)
    {
        fail(Reply::in_doubt, "40003", e);
    }
    catch (const pqxx::transaction_rollback &e)
    {
        fail(Reply::failed, "40000", e);
    }
    catch (const pqxx::sql_error &e)
    {
        fail(Reply::failed, e.sqlstate(), e);
    }
    // A lost connection (broken_connection, in_doubt_error), and anything else after which nobody can be sure.
    catch (const std::exception &e)
    {
        fail(Reply::in_doubt, "", e);
    }
    const SteadyTime answered = steady_now();
    for (Attempt *attempt : attempts)
    {
        attempt->sent = sent;
        attempt->answered = answered;
    }
}

// What an error says of the attempt. A proxy tells that it lost the connection to a partition, and is there itself.
Reply
Session::reply_of_error(const Attempt &attempt, std::string_view sqlstate) const
{
    if (sqlstate == not_reached)
        return target_.has_partitions() ? Reply::failed : Reply::in_doubt;
    if (!is_open())
        return Reply::in_doubt;
    if (target_.is_proxy)
    {
        // The saves of other partitions may have been applied.
        if (attempt.batch_size > 0 && !attempt.all_or_nothing)
            return Reply::in_doubt;
        // The proxy's wait was cancelled, which says nothing of the partition.
        if (sqlstate == "57014")
            return Reply::in_doubt;
    }
    return is_end_of_session(sqlstate) ? Reply::in_doubt : Reply::failed;
}

void
Session::perform(Attempt &attempt)
{
    const Partitions &partitions = target_.partitions;
    const bool is_new = attempt.action == Action::insert && attempt.customer == 0;
    const std::int64_t new_customer = partitions && is_new ? partitions.new_customer() : 0;
    perform(partitions ? partitions.of(is_new ? new_customer : attempt.customer) : 0, {&attempt},
            [&](pqxx::connection &connection) { ask(connection, target_, attempt, new_customer); });
}

void
Session::perform_batch(std::vector<Attempt> &saves)
{
    // Each partition makes its part by itself.
    std::map<int, std::vector<Attempt *>> parts;
    for (Attempt &save : saves)
        parts[target_.partitions ? target_.partitions.of(save.customer) : 0].push_back(&save);
    for (auto &[partition, part] : parts)
        perform(partition, part, [&](pqxx::connection &connection) { ask_batch(connection, part); });
}

void
Session::terminate(Backend backend)
{
    use_partition(backend.partition);
    pqxx::nontransaction transaction(*link_->connection);
    execute(transaction, "SELECT pg_terminate_backend($1)", backend.process);
}

void
Session::check_installation(const std::string &function)
{
    try
    {
        pqxx::nontransaction transaction(*link_->connection);
        target_.is_proxy = execute(transaction, "SELECT to_regnamespace('crm_proxy') IS NOT NULL "
                                                "AND to_regclass('customers') IS NULL")[0][0]
                               .as<bool>();
        if (target_.is_proxy && execute(transaction, "SELECT to_regnamespace('crm_hammer')")[0][0].is_null())
            throw CannotRun(
                "there is no schema crm_hammer in the proxy; make it with test/hammer/through_proxy.sql, and "
                "with test/hammer/partition.sql in the partitions");
        for (const char *table : {"customers", "comments", "customer_history"})
            if (!target_.is_proxy && execute(transaction, "SELECT to_regclass($1)", table)[0][0].is_null())
                throw CannotRun(fmt::format("there is no table {} in the search_path of the connection; make the "
                                            "tables with SELECT crm_create_tables()",
                                            table));

        target_.keeps_deleted =
            execute(transaction,
                    "SELECT EXISTS (SELECT FROM pg_proc WHERE proname = 'crm_revert_customer' "
                    "AND pg_function_is_visible(oid)) AND ($1::boolean OR "
                    "(to_regclass('customer_deletions') IS NOT NULL AND to_regclass('comment_edits') IS NOT NULL))",
                    target_.is_proxy ? "true" : "false")[0][0]
                .as<bool>();

        const auto has_function = [&](const char *name) {
            return execute(transaction,
                           "SELECT EXISTS (SELECT FROM pg_proc WHERE proname = $1 AND pg_function_is_visible(oid))",
                           name)[0][0]
                .as<bool>();
        };
        target_.makes_all_or_none = has_function("crm_update_records");
        target_.keeps_refused =
            has_function("crm_resolve_refused") &&
            (target_.is_proxy || !execute(transaction, "SELECT to_regclass('customer_refused_saves')")[0][0].is_null());
        if (target_.is_proxy && target_.keeps_refused)
            target_.partitions_keep_refused =
                execute(transaction,
                        "SELECT bool_and(r ->> 'kept' = 'all') FROM crm_hammer.run_on_all("
                        "'SELECT current_setting(''crm_concurrency.keep_refused'', true) AS kept', '{}') r")[0][0]
                    .as<bool>(false);

        const auto found = execute(transaction,
                                   "SELECT format('%I.%I', n.nspname, p.proname) FROM pg_proc p "
                                   "JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.oid = to_regproc($1)",
                                   function);
        if (found.empty())
            throw CannotRun(fmt::format("there is no function {}, or several; make it with "
                                        "CREATE EXTENSION crm_concurrency, or name another one with --function",
                                        function));
        target_.function = found[0][0].as<std::string>();
    }
    catch (const pqxx::failure &e)
    {
        throw CannotRun(fmt::format("could not look at the database: {}", first_line(e.what())));
    }
    if (target_.partitions)
        target_.partitions.begin_customers_after(last_customer());
}

// The highest id of a customer that any partition has, or had.
std::int64_t
Session::last_customer()
{
    std::int64_t last = 0;
    try
    {
        for (int partition = 0; partition < target_.partitions.count(); ++partition)
        {
            use_partition(partition);
            pqxx::nontransaction transaction(*link_->connection);
            last = std::max(last, execute(transaction, "SELECT greatest((SELECT max(id) FROM customers), "
                                                       "(SELECT max(customer_id) FROM customer_history), 0)")[0][0]
                                      .as<std::int64_t>());
        }
    }
    catch (const pqxx::failure &e)
    {
        throw CannotRun(fmt::format("could not look at the database: {}", first_line(e.what())));
    }
    return last;
}

Tables
Session::read_tables(const std::vector<std::int64_t> &customers)
{
    if (!target_.partitions)
        return hammer::read_tables(*link_->connection, target_, customers);
    Tables tables;
    for (int partition = 0; partition < target_.partitions.count(); ++partition)
    {
        use_partition(partition);
        add(tables, hammer::read_tables(*link_->connection, target_, customers));
    }
    return tables;
}

}  // namespace crm::hammer
