#include "session.h"

#include <thread>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace crm::hammer {

namespace {

// A timestamptz as microseconds, whatever the session's settings are.
#define MICROSECONDS(expression) "(extract(epoch FROM " expression ") * 1000000)::bigint"

// Executes a statement with parameters, which are sent untyped as text.
template <typename... Arguments>
pqxx::result
execute(pqxx::transaction_base &transaction, const std::string &sql, const Arguments &...arguments)
{
#if PQXX_VERSION_MAJOR > 7 || (PQXX_VERSION_MAJOR == 7 && PQXX_VERSION_MINOR >= 10)
    return transaction.exec(sql, pqxx::params{arguments...});
#else
    return transaction.exec_params(sql, arguments...);
#endif
}

// As a parameter; a null pointer is NULL in every libpqxx.
const char *
parameter(const std::optional<std::string> &text)
{
    return text ? text->c_str() : nullptr;
}

// Fields are taken by a template because their type differs between the major versions of libpqxx.
template <typename Field>
std::optional<std::string>
text(const Field &field)
{
    if (field.is_null())
        return std::nullopt;
    return field.template as<std::string>();
}

template <typename Field>
std::optional<std::int64_t>
number(const Field &field)
{
    if (field.is_null())
        return std::nullopt;
    return field.template as<std::int64_t>();
}

// The server ended the session, so the statement may or may not have been carried out.
bool
is_end_of_session(std::string_view sqlstate)
{
    return sqlstate.substr(0, 2) == "08" || sqlstate.substr(0, 4) == "57P0";
}

std::string
first_line(std::string_view message)
{
    return std::string(message.substr(0, message.find('\n')));
}

void
fail(Attempt &attempt, Reply reply, std::string_view sqlstate, const std::exception &e)
{
    attempt.reply = reply;
    attempt.sqlstate = sqlstate;
    attempt.error = first_line(e.what());
}

}  // namespace

Session::Session(const Target &target) : target_(target)
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
    connection_.reset();
    connection_ = std::make_unique<pqxx::connection>(target_.dsn);

    pqxx::nontransaction transaction(*connection_);
    backend_ = execute(transaction, "SELECT pg_backend_pid(), set_config('statement_timeout', $1, false)",
                       fmt::format("{}s", target_.timeout_seconds))[0][0]
                   .as<int>();
}

bool
Session::reconnect()
{
    using namespace std::chrono;
    const auto give_up = steady_clock::now() + seconds(target_.timeout_seconds);

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
}

void
Session::perform(Attempt &attempt)
{
    attempt.sent = steady_now();
    try
    {
        ask(attempt);
        attempt.reply = Reply::answered;
    }
    // In libpqxx 6 these are no sql_error and carry no SQLSTATE.
    catch (const pqxx::serialization_failure &e)
    {
        fail(attempt, Reply::failed, "40001", e);
    }
    catch (const pqxx::deadlock_detected &e)
    {
        fail(attempt, Reply::failed, "40P01", e);
    }
    catch (const pqxx::statement_completion_unknown &e)
    {
        fail(attempt, Reply::in_doubt, "40003", e);
    }
    catch (const pqxx::transaction_rollback &e)
    {
        fail(attempt, Reply::failed, "40000", e);
    }
    catch (const pqxx::sql_error &e)
    {
        const bool lost = is_end_of_session(e.sqlstate()) || !connection_->is_open();
        fail(attempt, lost ? Reply::in_doubt : Reply::failed, e.sqlstate(), e);
    }
    // A lost connection (broken_connection, in_doubt_error), and anything else after which nobody can be sure.
    catch (const std::exception &e)
    {
        fail(attempt, Reply::in_doubt, "", e);
    }
    attempt.answered = steady_now();
}

void
Session::ask(Attempt &attempt)
{
    if (!connection_)
        throw pqxx::broken_connection("not connected");

    pqxx::nontransaction transaction(*connection_);
    pqxx::result result;

    switch (attempt.action)
    {
        case Action::save:
        {
            const std::string save = "SELECT outcome, status, " MICROSECONDS("updated_at") ", comment_id, "
                                     "CASE WHEN outcome = 'replayed' THEN "
                                     MICROSECONDS("(detail ->> 'version')::timestamptz") " END FROM "
                                     + target_.function;
            result = attempt.merge || attempt.phone
                         ? execute(transaction,
                                   save + "($1, $2, $3, $4, $5, merge => $6, fields => CASE WHEN $7::text IS NOT NULL "
                                          "THEN jsonb_build_object('phone', $7::text) END)",
                                   attempt.customer, to_text(attempt.base), parameter(attempt.status),
                                   parameter(attempt.comment), attempt.author, attempt.merge ? "true" : "false",
                                   parameter(attempt.phone))
                         : execute(transaction, save + "($1, $2, $3, $4, $5)", attempt.customer, to_text(attempt.base),
                                   parameter(attempt.status), parameter(attempt.comment), attempt.author);
            const auto row = result[0];
            attempt.outcome = text(row[0]).value_or("NULL");
            attempt.answer_status = text(row[1]);
            attempt.answer_version = number(row[2]);
            attempt.answer_comment = number(row[3]);
            attempt.replayed_version = number(row[4]);
            return;
        }
        case Action::comment:
            result = execute(transaction,
                             "INSERT INTO comments (customer_id, author, body) VALUES ($1, $2, $3) RETURNING id",
                             attempt.customer, attempt.author, parameter(attempt.comment));
            attempt.outcome = "done";
            attempt.answer_comment = number(result[0][0]);
            return;
        case Action::lock:
        {
            result = execute(transaction,
                             "SELECT outcome, lock_id, " MICROSECONDS("expires_at")
                             " FROM crm_lock_customer($1, $2, $3::interval)",
                             attempt.customer, attempt.author, fmt::format("{} milliseconds", attempt.ttl_ms));
            const auto row = result[0];
            attempt.outcome = text(row[0]).value_or("NULL");
            attempt.lock_id = text(row[1]);
            attempt.expires_at = number(row[2]);
            return;
        }
        case Action::unlock:
            result = execute(transaction, "SELECT crm_unlock_customer($1, $2)", attempt.customer,
                             parameter(attempt.lock_id));
            attempt.outcome = result[0][0].as<bool>() ? "released" : "not released";
            return;
        case Action::read:
            result = execute(transaction,
                             "SELECT id, status, " MICROSECONDS("updated_at") " FROM customers WHERE id = $1",
                             attempt.customer);
            break;
        case Action::update:
            result = execute(transaction,
                             "UPDATE customers SET status = coalesce($2, status), phone = coalesce($3, phone) "
                             "WHERE id = $1 RETURNING id, status, " MICROSECONDS("updated_at"),
                             attempt.customer, parameter(attempt.status), parameter(attempt.phone));
            break;
        case Action::insert:
            // An id that is known already is a customer that comes back.
            result = attempt.customer != 0
                         ? execute(transaction,
                                   "INSERT INTO customers (id, name, status) VALUES ($1, 'hammered again', $2) "
                                   "RETURNING id, status, " MICROSECONDS("updated_at"),
                                   attempt.customer, parameter(attempt.status))
                         : execute(transaction,
                                   "INSERT INTO customers (name, status) VALUES ('hammered', $1) "
                                   "RETURNING id, status, " MICROSECONDS("updated_at"),
                                   parameter(attempt.status));
            break;
        case Action::remove:
            result = execute(transaction,
                             "DELETE FROM customers WHERE id = $1 RETURNING id, status, " MICROSECONDS("updated_at"),
                             attempt.customer);
            break;
    }

    attempt.outcome = result.empty() ? "none" : "done";
    if (!result.empty())
    {
        const auto row = result[0];
        attempt.customer = row[0].as<std::int64_t>();
        attempt.answer_status = text(row[1]);
        attempt.answer_version = number(row[2]);
    }
}

void
Session::terminate(int backend)
{
    pqxx::nontransaction transaction(*connection_);
    execute(transaction, "SELECT pg_terminate_backend($1)", backend);
}

std::string
Session::check_installation(const std::string &function)
{
    try
    {
        pqxx::nontransaction transaction(*connection_);
        for (const char *table : {"customers", "comments", "customer_history"})
            if (execute(transaction, "SELECT to_regclass($1)", table)[0][0].is_null())
                throw CannotRun(fmt::format("there is no table {} in the search_path of the connection; make the "
                                            "tables with SELECT crm_create_tables()",
                                            table));

        const auto found = execute(transaction,
                                   "SELECT format('%I.%I', n.nspname, p.proname) FROM pg_proc p "
                                   "JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.oid = to_regproc($1)",
                                   function);
        if (found.empty())
            throw CannotRun(fmt::format("there is no function {}, or several; make it with "
                                        "CREATE EXTENSION crm_concurrency, or name another one with --function",
                                        function));
        return found[0][0].as<std::string>();
    }
    catch (const pqxx::failure &e)
    {
        throw CannotRun(fmt::format("could not look at the database: {}", first_line(e.what())));
    }
}

Tables
Session::read_tables(const std::vector<std::int64_t> &customers)
{
    const std::string ids = fmt::format("{{{}}}", fmt::join(customers, ","));
    Tables tables;

    try
    {
        pqxx::transaction<pqxx::isolation_level::repeatable_read> transaction(*connection_);
        transaction.exec("SET LOCAL statement_timeout = 0");

        const auto customer_rows = execute(
            transaction,
            "SELECT id, status, phone, " MICROSECONDS("updated_at") " FROM customers WHERE id = ANY ($1::bigint[])",
            ids);
        tables.customers.reserve(static_cast<std::size_t>(customer_rows.size()));
        for (const auto &row : customer_rows)
            tables.customers.push_back({
                row[0].as<std::int64_t>(),
                row[1].as<std::string>(),
                text(row[2]),
                row[3].as<std::int64_t>(),
            });

        const auto comment_rows = execute(
            transaction,
            "SELECT customer_id, id, author, body, " MICROSECONDS("based_on") ", save_refused, "
            MICROSECONDS("adopted_version") " FROM comments WHERE customer_id = ANY ($1::bigint[])",
            ids);
        tables.comments.reserve(static_cast<std::size_t>(comment_rows.size()));
        for (const auto &row : comment_rows)
            tables.comments.push_back({
                row[0].as<std::int64_t>(),
                row[1].as<std::int64_t>(),
                row[2].as<std::string>(),
                row[3].as<std::string>(),
                number(row[4]),
                row[5].as<bool>(),
                number(row[6]),
            });

        const auto history_rows = execute(
            transaction,
            "SELECT customer_id, " MICROSECONDS("version") ", " MICROSECONDS("previous") ", "
            MICROSECONDS("based_on") ", operation, author, status_from, status_to, fields #>> '{phone,to}', "
            "comment_id, request, " MICROSECONDS("recorded_at") " FROM customer_history WHERE customer_id = ANY ($1::bigint[])",
            ids);
        tables.history.reserve(static_cast<std::size_t>(history_rows.size()));
        for (const auto &row : history_rows)
            tables.history.push_back({
                row[0].as<std::int64_t>(),
                row[1].as<std::int64_t>(),
                number(row[2]),
                number(row[3]),
                row[4].as<std::string>(),
                text(row[5]),
                text(row[6]),
                text(row[7]),
                text(row[8]),
                number(row[9]),
                text(row[10]),
                row[11].as<std::int64_t>(),
            });
        transaction.commit();
    }
    catch (const pqxx::failure &e)
    {
        throw CannotRun(fmt::format("could not read the tables: {}", first_line(e.what())));
    }
    return tables;
}

std::vector<FoundViolation>
Session::verify(const std::vector<std::int64_t> &customers)
{
    std::vector<FoundViolation> violations;
    try
    {
        pqxx::nontransaction transaction(*connection_);
        const auto attached = execute(transaction,
                                      "SELECT to_regclass('crm_attached_tables') IS NOT NULL AND to_regproc('crm_verify') "
                                      "IS NOT NULL");
        if (!attached[0][0].as<bool>() ||
            execute(transaction, "SELECT FROM crm_attached_tables WHERE customers = to_regclass('customers')").empty())
            return violations;
        const auto rows = execute(transaction,
                                  "SELECT customer, invariant, problem, detail FROM crm_verify() "
                                  "WHERE customer::bigint = ANY ($1::bigint[])",
                                  fmt::format("{{{}}}", fmt::join(customers, ",")));
        for (const auto &row : rows)
            violations.push_back({row[0].as<std::int64_t>(), row[1].as<std::string>(), row[2].as<std::string>(),
                                  row[3].as<std::string>()});
    }
    catch (const pqxx::failure &e)
    {
        throw CannotRun(fmt::format("could not let crm_verify() look: {}", first_line(e.what())));
    }
    return violations;
}

#undef MICROSECONDS

}  // namespace crm::hammer
