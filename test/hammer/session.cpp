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

// The columns of rows that are JSON, as text.
std::string
columns_of_json(const std::vector<std::string> &columns)
{
    std::string list;
    for (const std::string &column : columns)
        list += fmt::format("{}r ->> '{}'", list.empty() ? "" : ", ", column);
    return list;
}

// The columns of a save's result that are noted.
#define RESULT_OF_SAVE                                                                                                 \
    "outcome, status, " MICROSECONDS("updated_at") ", comment_id, "                                                    \
    "CASE WHEN outcome = 'replayed' THEN " MICROSECONDS("(detail ->> 'version')::timestamptz") " END, "                \
    "detail ->> 'current', detail #>> '{lock,author}', " MICROSECONDS("(detail #>> '{lock,expires_at}')::timestamptz")

// What a plain write returns of the customer.
#define VERSION_OF_CUSTOMER "id, status, " MICROSECONDS("updated_at") " AS version"

const std::vector<std::string> version_columns{"id", "status", "version"};

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

// What is read of a table at the end, of the customers in $1.
struct Source
{
    std::string name;
    std::string sql;
    std::vector<std::string> columns;
};

const Source customer_source{
    "customers",
    "SELECT id, status, to_jsonb(c) AS fields, " MICROSECONDS("updated_at") " AS version FROM customers c "
    "WHERE id = ANY ($1::bigint[])",
    {"id", "status", "fields", "version"},
};

const Source comment_source{
    "comments",
    "SELECT customer_id, id, author, body, " MICROSECONDS("based_on") " AS based_on, save_refused, "
    MICROSECONDS("adopted_version") " AS adopted_version, reply_to FROM comments WHERE customer_id = ANY ($1::bigint[])",
    {"customer_id", "id", "author", "body", "based_on", "save_refused", "adopted_version", "reply_to"},
};

const Source history_source{
    "customer_history",
    "SELECT customer_id, " MICROSECONDS("version") " AS version, " MICROSECONDS("previous") " AS previous, "
    MICROSECONDS("based_on") " AS based_on, operation, author, status_from, status_to, coalesce(fields, '{}') AS fields, "
    "comment_id, request, " MICROSECONDS("recorded_at") " AS recorded_at FROM customer_history "
    "WHERE customer_id = ANY ($1::bigint[])",
    {"customer_id", "version", "previous", "based_on", "operation", "author", "status_from", "status_to", "fields",
     "comment_id", "request", "recorded_at"},
};

// Fetches the rows of all partitions, each partition's from one snapshot.
void
gather_tables(pqxx::transaction_base &transaction, const std::string &ids)
{
    std::string all;
    for (const Source *source : {&customer_source, &comment_source, &history_source})
        all += fmt::format("{}SELECT jsonb_build_object('{}', to_jsonb(s)) AS row_of FROM ({}) s",
                           all.empty() ? "" : " UNION ALL ", source->name, source->sql);
    execute(transaction,
            "CREATE TEMP TABLE gathered ON COMMIT DROP AS "
            "SELECT r -> 'row_of' AS row_of FROM crm_hammer.run_on_all($1::text, ARRAY[$2::text]) r",
            all, ids);
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
            attempt->reply = reply == Reply::failed ? reply_of_error(*attempt, sqlstate) : reply;
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
    if (!is_open())
        return Reply::in_doubt;
    if (target_.is_proxy)
    {
        // The saves of other partitions may have been applied.
        if (attempt.batch_size > 0)
            return Reply::in_doubt;
        if (sqlstate == not_reached)
            return Reply::failed;
        // The proxy's wait was cancelled, which says nothing of the partition.
        if (sqlstate == "57014")
            return Reply::in_doubt;
    }
    return is_end_of_session(sqlstate) ? Reply::in_doubt : Reply::failed;
}

// Executes a statement on the customer's tables, where they are. The columns are named in its result.
template <typename... Arguments>
pqxx::result
Session::execute_on_tables(pqxx::transaction_base &transaction, std::int64_t customer, const std::string &sql,
                           const std::vector<std::string> &columns, const Arguments &...arguments)
{
    if (!target_.is_proxy)
        return execute(transaction, sql, arguments...);

    constexpr std::size_t count = sizeof...(arguments);
    std::string list;
    for (std::size_t i = 1; i <= count; ++i)
        list += fmt::format("{}${}::text", i == 1 ? "" : ", ", i);
    return execute(transaction,
                   fmt::format("SELECT {} FROM crm_hammer.run_on_customer(${}::bigint, ${}::text, ARRAY[{}]) r",
                               columns_of_json(columns), count + 1, count + 2, list),
                   arguments..., customer, sql);
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
            result = execute_on_tables(transaction, attempt.customer,
                                       "INSERT INTO comments (customer_id, author, body, reply_to) "
                                       "VALUES ($1::bigint, $2, $3, $4::bigint) RETURNING id",
                                       {"id"}, attempt.customer, attempt.author, parameter(attempt.comment),
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
            result = execute(
                transaction,
                target_.is_proxy
                    ? "SELECT $1::bigint, c #>> '{customer,status}', "
                      MICROSECONDS("(c #>> '{customer,updated_at}')::timestamptz") ", c -> 'customer', "
                      "(SELECT max(m::bigint) FROM jsonb_path_query(c, '$.comments.**.id') m) "
                      "FROM (SELECT crm_get_customer($1::bigint) AS c OFFSET 0) t WHERE c IS NOT NULL"
                    : "SELECT id, status, " MICROSECONDS("updated_at") ", to_jsonb(c), "
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
            result = execute_on_tables(transaction, attempt.customer,
                                       "UPDATE customers SET status = coalesce($2, status), phone = coalesce($3, phone) "
                                       "WHERE id = $1::bigint RETURNING " VERSION_OF_CUSTOMER,
                                       version_columns, attempt.customer, parameter(attempt.status),
                                       phone == attempt.fields.end() ? nullptr : phone->second.c_str());
            break;
        }
        case Action::insert:
            // An id that is known already is a customer that comes back.
            if (attempt.customer != 0)
                result = execute_on_tables(transaction, attempt.customer,
                                           "INSERT INTO customers (id, name, status) VALUES ($1::bigint, 'hammered again', $2) "
                                           "RETURNING " VERSION_OF_CUSTOMER,
                                           version_columns, attempt.customer, parameter(attempt.status));
            else
                result = execute(transaction,
                                 target_.is_proxy
                                     ? "SELECT id, $1::text, " MICROSECONDS("updated_at")
                                       " FROM crm_create_customer(jsonb_build_object('name', 'hammered', 'status', $1::text))"
                                     : "INSERT INTO customers (name, status) VALUES ('hammered', $1) "
                                       "RETURNING " VERSION_OF_CUSTOMER,
                                 parameter(attempt.status));
            break;
        case Action::remove:
            result = execute_on_tables(transaction, attempt.customer,
                                       "DELETE FROM customers WHERE id = $1::bigint RETURNING " VERSION_OF_CUSTOMER,
                                       version_columns, attempt.customer);
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
        target_.is_proxy = execute(transaction, "SELECT to_regnamespace('crm_proxy') IS NOT NULL "
                                                "AND to_regclass('customers') IS NULL")[0][0]
                               .as<bool>();
        if (target_.is_proxy && execute(transaction, "SELECT to_regnamespace('crm_hammer')")[0][0].is_null())
            throw CannotRun("there is no schema crm_hammer in the proxy; make it with test/hammer/through_proxy.sql, and "
                            "with test/hammer/partition.sql in the partitions");
        for (const char *table : {"customers", "comments", "customer_history"})
            if (!target_.is_proxy && execute(transaction, "SELECT to_regclass($1)", table)[0][0].is_null())
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
        if (target_.is_proxy)
            gather_tables(transaction, ids);
        const auto rows_of = [&](const Source &source)
        {
            return target_.is_proxy ? execute(transaction,
                                              fmt::format("SELECT {} FROM (SELECT row_of -> '{}' AS r FROM gathered) g "
                                                          "WHERE r IS NOT NULL",
                                                          columns_of_json(source.columns), source.name))
                                    : execute(transaction, source.sql, ids);
        };

        const auto customer_rows = rows_of(customer_source);
        tables.customers.reserve(static_cast<std::size_t>(customer_rows.size()));
        for (const auto &row : customer_rows)
            tables.customers.push_back({
                row[0].as<std::int64_t>(),
                row[1].as<std::string>(),
                fields_of(row[2].as<std::string>()),
                row[3].as<std::int64_t>(),
            });

        const auto comment_rows = rows_of(comment_source);
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

        const auto history_rows = rows_of(history_source);
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
    if (!target_.is_proxy &&
        (execute(transaction, "SELECT to_regclass('crm_attached_tables')")[0][0].is_null() ||
         execute(transaction, "SELECT FROM crm_attached_tables WHERE customers = to_regclass('customers')").empty()))
        return found;
    for (const auto &row : execute(transaction, "SELECT customer, invariant, problem, detail FROM crm_verify()"))
        found.push_back({text(row[0]).value_or(""), text(row[1]).value_or(""), text(row[2]).value_or(""),
                         text(row[3]).value_or("")});
    return found;
}

#undef RESULT_OF_SAVE
#undef VERSION_OF_CUSTOMER
#undef MICROSECONDS

}  // namespace crm::hammer
