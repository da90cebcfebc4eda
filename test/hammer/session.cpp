#include "session.h"

#include <thread>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

namespace crm::hammer {

namespace {

// A timestamptz as microseconds, whatever the session's settings are.
#define MICROSECONDS(expression) "(extract(epoch FROM " expression ") * 1000000)::bigint"

// libpqxx 7.10 has these in place of exec_params and errorhandler.
#define CRM_HAS_PARAMS (PQXX_VERSION_MAJOR > 7 || (PQXX_VERSION_MAJOR == 7 && PQXX_VERSION_MINOR >= 10))
#define CRM_HAS_NOTICE_HANDLER CRM_HAS_PARAMS

// Executes a statement with parameters, which are sent untyped as text.
template <typename... Arguments>
pqxx::result
execute(pqxx::transaction_base &transaction, const std::string &sql, const Arguments &...arguments)
{
#if CRM_HAS_PARAMS
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

std::optional<std::string>
number_text(const std::optional<std::int64_t> &number)
{
    return number ? std::optional(std::to_string(*number)) : std::nullopt;
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

// The commit was acknowledged although its wait for the synchronous standbys had been cancelled.
struct NotPromised : std::runtime_error
{
    using std::runtime_error::runtime_error;
};

std::string
first_line(std::string_view message)
{
    return std::string(message.substr(0, message.find('\n')));
}

// The columns of a save's result that are noted.
#define RESULT_OF_SAVE                                                                                                 \
    "outcome, status, " MICROSECONDS("updated_at") ", comment_id, "                                                    \
    "CASE WHEN outcome = 'replayed' THEN " MICROSECONDS("(detail ->> 'version')::timestamptz") " END, "                \
    "detail ->> 'current', detail #>> '{lock,author}', " MICROSECONDS("(detail #>> '{lock,expires_at}')::timestamptz")

// The driver's columns of a customer as JSON.
Values
fields_of(const std::string &json)
{
    Values fields;
    const auto customer = nlohmann::json::parse(json);
    for (const std::string_view name : field_names)
        if (const auto value = customer.find(std::string(name)); value != customer.end())
            fields[std::string(name)] = value->is_null() ? std::nullopt : std::optional(value->get<std::string>());
    return fields;
}

std::map<std::string, FieldChange>
changes_of(const std::string &json)
{
    const auto text_of = [](const nlohmann::json &change, const char *side) -> std::optional<std::string>
    {
        const auto value = change.find(side);
        if (value == change.end() || value->is_null())
            return std::nullopt;
        return value->is_string() ? value->get<std::string>() : value->dump();
    };

    std::map<std::string, FieldChange> changes;
    const auto fields = nlohmann::json::parse(json);
    for (const auto &[column, change] : fields.items())
        changes[column] = {text_of(change, "from"), text_of(change, "to")};
    return changes;
}

// Notes the columns of RESULT_OF_SAVE, which begin at the first one given.
template <typename Row>
void
note_result(Attempt &save, const Row &row, int first)
{
    const auto column = [&](int i) { return row[static_cast<typename Row::size_type>(first + i)]; };
    save.outcome = text(column(0)).value_or("NULL");
    save.answer_status = text(column(1));
    save.answer_version = number(column(2));
    save.answer_comment = number(column(3));
    save.replayed_version = number(column(4));
    // On a replay it says whether that version is the current one.
    if (const auto current = text(column(5)); current && save.outcome != "replayed")
        save.answer_fields = fields_of(*current);
    save.lock_holder = text(column(6));
    save.lock_expires_at = number(column(7));
}

}  // namespace

// Notes a WARNING of the server that a commit did not wait for its standbys, for the answer that follows says nothing of it.
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

Session::Session(const Target &target) : target_(target) {}

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
    notices_.reset();
    connection_.reset();
    connection_ = std::make_unique<pqxx::connection>(target_.dsn);
    notices_ = std::make_unique<Notices>(*connection_);

    pqxx::nontransaction transaction(*connection_);
    // The same comment, added again by crm_add_comment, is the first one however slow the run is.
    backend_ = execute(transaction,
                       "SELECT pg_backend_pid(), set_config('statement_timeout', $1, false), "
                       "set_config('crm_concurrency.repeated_comment_window', '1h', false)",
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

template <typename Ask>
void
Session::perform(std::vector<Attempt *> attempts, Ask ask)
{
    const auto fail = [&](Reply reply, std::string_view sqlstate, const std::exception &e)
    {
        for (Attempt *attempt : attempts)
        {
            attempt->reply = reply;
            attempt->sqlstate = sqlstate;
            attempt->error = first_line(e.what());
        }
    };
    std::vector<Attempt> asked;
    for (const Attempt *attempt : attempts)
        asked.push_back(*attempt);

    const SteadyTime sent = steady_now();
    try
    {
        if (!connection_)
            throw pqxx::broken_connection("not connected");
        notices_->cancelled_wait.clear();
        ask();
        if (!notices_->cancelled_wait.empty())
            throw NotPromised(notices_->cancelled_wait);
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
        const bool lost = is_end_of_session(e.sqlstate()) || !is_open();
        fail(lost ? Reply::in_doubt : Reply::failed, e.sqlstate(), e);
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

void
Session::perform(Attempt &attempt)
{
    perform({&attempt}, [&] { ask(attempt); });
}

void
Session::perform_batch(std::vector<Attempt> &saves)
{
    std::vector<Attempt *> attempts;
    for (Attempt &save : saves)
        attempts.push_back(&save);
    perform(attempts, [&] { ask_batch(saves); });
}

void
Session::ask(Attempt &attempt)
{
    pqxx::nontransaction transaction(*connection_);
    pqxx::result result;

    switch (attempt.action)
    {
        case Action::save:
            result = execute(transaction,
                             "SELECT " RESULT_OF_SAVE " FROM " + target_.function +
                                 "($1, $2, $3, $4, $5, $6, $7, $8)",
                             attempt.customer, to_text(attempt.base), parameter(attempt.status),
                             parameter(attempt.comment), attempt.author, attempt.merge ? "true" : nullptr,
                             parameter(number_text(attempt.reply_to)),
                             parameter(attempt.fields.empty()
                                           ? std::nullopt
                                           : std::optional(nlohmann::json(attempt.fields).dump())));
            note_result(attempt, result[0], 0);
            return;
        case Action::comment:
            result = execute(transaction,
                             "INSERT INTO comments (customer_id, author, body, reply_to) VALUES ($1, $2, $3, $4) "
                             "RETURNING id",
                             attempt.customer, attempt.author, parameter(attempt.comment),
                             parameter(number_text(attempt.reply_to)));
            attempt.outcome = "done";
            attempt.answer_comment = number(result[0][0]);
            return;
        case Action::add_comment:
            result = execute(transaction, "SELECT crm_add_comment($1::bigint, $2, $3, $4)", attempt.customer,
                             parameter(attempt.comment), attempt.author, parameter(number_text(attempt.reply_to)));
            attempt.outcome = "done";
            attempt.answer_comment = number(result[0][0]);
            return;
        case Action::lock:
        {
            result = execute(transaction,
                             "SELECT outcome, lock_id, author, " MICROSECONDS("expires_at")
                             " FROM crm_lock_customer($1::bigint, $2, $3 * interval '1 microsecond', $4)",
                             attempt.customer, attempt.author, attempt.ttl, parameter(attempt.lock_id));
            const auto row = result[0];
            attempt.outcome = text(row[0]).value_or("NULL");
            attempt.answer_lock_id = text(row[1]);
            attempt.lock_holder = text(row[2]);
            attempt.lock_expires_at = number(row[3]);
            return;
        }
        case Action::unlock:
        {
            // The lock is released after the time that the subquery, which is evaluated first, returns.
            result = execute(transaction,
                             "SELECT " MICROSECONDS("t.before") ", crm_unlock_customer($1::bigint, $2) "
                             "FROM (SELECT clock_timestamp() AS before OFFSET 0) t",
                             attempt.customer, parameter(attempt.lock_id));
            const auto row = result[0];
            attempt.clock = number(row[0]);
            attempt.outcome = row[1].as<bool>() ? "done" : "none";
            return;
        }
        case Action::read:
        {
            result = execute(transaction,
                             "SELECT id, status, " MICROSECONDS("updated_at") ", to_jsonb(c), "
                             "(SELECT max(m.id) FROM comments m WHERE m.customer_id = $1) "
                             "FROM customers c WHERE id = $1",
                             attempt.customer);
            if (!result.empty())
            {
                attempt.answer_fields = fields_of(result[0][3].as<std::string>());
                attempt.latest_comment = number(result[0][4]);
            }
            break;
        }
        case Action::update:
        {
            const auto phone = attempt.fields.find("phone");
            result = execute(transaction,
                             "UPDATE customers SET status = coalesce($2, status), phone = coalesce($3, phone) "
                             "WHERE id = $1 RETURNING id, status, " MICROSECONDS("updated_at"),
                             attempt.customer, parameter(attempt.status),
                             phone == attempt.fields.end() ? nullptr : phone->second.c_str());
            break;
        }
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
Session::ask_batch(std::vector<Attempt> &saves)
{
    auto array = nlohmann::json::array();
    for (const Attempt &save : saves)
    {
        nlohmann::json object{{"id", save.customer}, {"expected_ts", to_text(save.base)}, {"author", save.author}};
        if (save.status)
            object["status"] = *save.status;
        if (save.comment)
            object["comment"] = *save.comment;
        if (save.merge)
            object["merge"] = true;
        if (save.reply_to)
            object["reply_to"] = *save.reply_to;
        if (!save.fields.empty())
            object["fields"] = save.fields;
        array.push_back(std::move(object));
    }

    pqxx::nontransaction transaction(*connection_);
    const auto result =
        execute(transaction, "SELECT ord, " RESULT_OF_SAVE " FROM crm_update_customers($1)", array.dump());
    for (Attempt &save : saves)
        save.outcome = "no result";
    // One row for each save, in the order of the saves.
    std::size_t position = 0;
    for (const auto &row : result)
    {
        if (position == saves.size())
        {
            saves.back().outcome = "too many results";
            break;
        }
        Attempt &save = saves[position++];
        if (row[0].as<std::size_t>() == position)
            note_result(save, row, 1);
        else
            save.outcome = "result of another";
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
            "SELECT id, status, to_jsonb(c), " MICROSECONDS("updated_at")
            " FROM customers c WHERE id = ANY ($1::bigint[])",
            ids);
        tables.customers.reserve(static_cast<std::size_t>(customer_rows.size()));
        for (const auto &row : customer_rows)
            tables.customers.push_back({
                row[0].as<std::int64_t>(),
                row[1].as<std::string>(),
                fields_of(row[2].as<std::string>()),
                row[3].as<std::int64_t>(),
            });

        const auto comment_rows = execute(
            transaction,
            "SELECT customer_id, id, author, body, " MICROSECONDS("based_on") ", save_refused, "
            MICROSECONDS("adopted_version") ", reply_to FROM comments WHERE customer_id = ANY ($1::bigint[])",
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
                number(row[7]),
            });

        const auto history_rows = execute(
            transaction,
            "SELECT customer_id, " MICROSECONDS("version") ", " MICROSECONDS("previous") ", "
            MICROSECONDS("based_on") ", operation, author, status_from, status_to, coalesce(fields, '{}'), "
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
                changes_of(row[8].as<std::string>()),
                number(row[9]),
                text(row[10]),
                row[11].as<std::int64_t>(),
            });
        tables.verify = verify(transaction);
        transaction.commit();
    }
    catch (const pqxx::failure &e)
    {
        throw CannotRun(fmt::format("could not read the tables: {}", first_line(e.what())));
    }
    return tables;
}

// What crm_verify() finds. It looks at attached tables, which those of the connection need not be.
std::vector<VerifyRow>
Session::verify(pqxx::transaction_base &transaction)
{
    std::vector<VerifyRow> found;
    if (execute(transaction, "SELECT to_regclass('crm_attached_tables')")[0][0].is_null() ||
        execute(transaction, "SELECT FROM crm_attached_tables WHERE customers = to_regclass('customers')").empty())
        return found;
    for (const auto &row : execute(transaction, "SELECT customer, invariant, problem, detail FROM crm_verify()"))
        found.push_back({text(row[0]).value_or(""), text(row[1]).value_or(""), text(row[2]).value_or(""),
                         text(row[3]).value_or("")});
    return found;
}

#undef RESULT_OF_SAVE
#undef MICROSECONDS

}  // namespace crm::hammer
