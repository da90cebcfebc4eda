#include "statements.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace crm::hammer {

std::string
microseconds(std::string_view expression)
{
    return fmt::format("(extract(epoch FROM {}) * 1000000)::bigint", expression);
}

std::string
columns_of_json(const std::vector<std::string> &columns)
{
    std::string list;
    for (const std::string &column : columns)
        list += fmt::format("{}r ->> '{}'", list.empty() ? "" : ", ", column);
    return list;
}

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

std::string
first_line(std::string_view message)
{
    return std::string(message.substr(0, message.find('\n')));
}

namespace {

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

// The columns of a save's result that are noted.
const std::string result_of_save =
    "outcome, status, " + microseconds("updated_at") + ", comment_id, CASE WHEN outcome = 'replayed' THEN " +
    microseconds("(detail ->> 'version')::timestamptz") + " END, detail ->> 'current', detail #>> '{lock,author}', " +
    microseconds("(detail #>> '{lock,expires_at}')::timestamptz") +
    ", (detail ->> 'refused_id')::bigint, CASE WHEN outcome = 'failed_dependency' THEN detail ->> 'refused' END";
constexpr int columns_of_save = 10;

// What a plain write returns of the customer.
const std::string returning_version = " RETURNING id, status, " + microseconds("updated_at") + " AS version";
const std::vector<std::string> version_columns{"id", "status", "version"};

// The items of a call that a JSON array names.
std::vector<int>
positions_of(const std::optional<std::string> &json)
{
    if (!json)
        return {};
    return nlohmann::json::parse(*json).get<std::vector<int>>();
}

// Notes the columns of result_of_save, which begin at the first one given.
template <typename Row>
void
note_result(Attempt &save, const Row &row, int first)
{
    const auto column = [&](int i) { return row[static_cast<typename Row::size_type>(first + i)]; };
    save.outcome = text(column(0)).value_or("NULL");
    // What version 1.0 says of a save whose customer is gone.
    if (save.action == Action::save && save.outcome == "deleted")
        save.outcome = "gone";
    save.answer_status = text(column(1));
    save.answer_version = number(column(2));
    save.answer_comment = number(column(3));
    save.replayed_version = number(column(4));
    // On a replay it says whether that version is the current one.
    if (const auto current = text(column(5)); current && save.outcome != "replayed")
        save.answer_fields = fields_of(*current);
    save.lock_holder = text(column(6));
    save.lock_expires_at = number(column(7));
    save.answer_kept = number(column(8));
    save.refused_items = positions_of(text(column(9)));
}

// The names of the columns that a reversion did not overwrite.
std::vector<std::string>
superseded_of(const std::optional<std::string> &json)
{
    std::vector<std::string> columns;
    if (json)
        for (const auto &entry : nlohmann::json::parse(*json))
            columns.push_back(entry.at("field").get<std::string>());
    return columns;
}

void
ask_correction(pqxx::transaction_base &transaction, Attempt &attempt)
{
    const auto result =
        attempt.action == Action::edit
            ? execute(transaction,
                      "SELECT outcome, detail ->> 'text' FROM crm_edit_comment($1::bigint, $2::bigint, $3, $4, $5)",
                      attempt.customer, attempt.corrected, parameter(attempt.text_seen), parameter(attempt.new_text),
                      attempt.author)
            : execute(transaction,
                      "SELECT outcome, detail ->> 'text' FROM crm_withdraw_comment($1::bigint, $2::bigint, $3)",
                      attempt.customer, attempt.corrected, attempt.author);
    attempt.outcome = text(result[0][0]).value_or("NULL");
    attempt.latest_text = text(result[0][1]);
}

void
ask_kept(pqxx::transaction_base &transaction, const Target &target, Attempt &attempt)
{
    const auto author = attempt.author.empty() ? std::nullopt : std::optional(attempt.author);
    const auto result = execute(transaction,
                                fmt::format("SELECT refused_id, author, status, coalesce(fields, '{{}}'), {} "
                                            "FROM crm_refused_saves($1, $2)",
                                            target.is_proxy ? "partition" : "0"),
                                parameter(author), attempt.customer);
    attempt.outcome = "done";
    for (const auto &row : result)
        attempt.waiting.push_back({
            .customer = attempt.customer,
            .id = row[0].as<std::int64_t>(),
            .author = row[1].as<std::string>(),
            .status = text(row[2]),
            .fields = fields_of(row[3].as<std::string>()),
            .partition = row[4].as<int>(),
        });
}

void
ask_end_of_kept(pqxx::transaction_base &transaction, const Target &target, Attempt &attempt)
{
    // Through a proxy the partition comes first.
    const std::string where = target.is_proxy ? std::to_string(attempt.partition) + ", " : "";
    if (attempt.action == Action::discard)
    {
        const auto result = execute(transaction, "SELECT crm_discard_refused(" + where + "$1)", attempt.kept_save);
        attempt.outcome = result[0][0].as<bool>() ? "done" : "none";
        return;
    }
    const auto author = attempt.is_author_told ? std::optional(attempt.author) : std::nullopt;
    const auto result = execute(
        transaction, "SELECT " + result_of_save + " FROM crm_resolve_refused(" + where + "$1, $2, $3, $4, $5)",
        attempt.kept_save, to_text(attempt.base), attempt.choices, parameter(attempt.comment), parameter(author));
    note_result(attempt, result[0], 0);
}

// Executes a statement on the customer's tables, where they are. The columns are named in its result.
template <typename... Arguments>
pqxx::result
execute_on_tables(pqxx::transaction_base &transaction, const Target &target, std::int64_t customer,
                  const std::string &sql, const std::vector<std::string> &columns, const Arguments &...arguments)
{
    if (!target.is_proxy)
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

}  // namespace

void
ask(pqxx::connection &connection, const Target &target, Attempt &attempt, std::int64_t new_customer)
{
    pqxx::nontransaction transaction(connection);
    pqxx::result result;

    switch (attempt.action)
    {
        case Action::save:
            result =
                execute(transaction,
                        "SELECT " + result_of_save + " FROM " + target.function + "($1, $2, $3, $4, $5, $6, $7, $8)",
                        attempt.customer, to_text(attempt.base), parameter(attempt.status), parameter(attempt.comment),
                        attempt.author, attempt.merge ? "true" : nullptr, parameter(number_text(attempt.reply_to)),
                        parameter(attempt.fields.empty() ? std::nullopt
                                                         : std::optional(nlohmann::json(attempt.fields).dump())));
            note_result(attempt, result[0], 0);
            return;
        case Action::remove_seen:
            result = execute(transaction, "SELECT " + result_of_save + " FROM crm_delete_customer($1, $2, $3, $4)",
                             attempt.customer, to_text(attempt.base), parameter(attempt.comment), attempt.author);
            note_result(attempt, result[0], 0);
            return;
        case Action::restore:
            result = execute(transaction, "SELECT " + result_of_save + " FROM crm_restore_customer($1, $2, $3)",
                             attempt.customer, attempt.author, parameter(attempt.comment));
            note_result(attempt, result[0], 0);
            return;
        case Action::revert:
            result = execute(transaction,
                             "SELECT " + result_of_save +
                                 ", detail ->> 'superseded' FROM crm_revert_customer($1, $2, $3, $4, $5, $6::boolean)",
                             attempt.customer, to_text(attempt.base), to_text(attempt.reverted), attempt.author,
                             parameter(attempt.comment), attempt.is_whole ? "true" : "false");
            note_result(attempt, result[0], 0);
            attempt.superseded = superseded_of(text(result[0][columns_of_save]));
            return;
        case Action::check:
            break;  // in a batch only
        case Action::locate:
            result = execute(transaction, "SELECT crm_partition($1)", std::to_string(attempt.customer));
            attempt.outcome = "done";
            attempt.partition = result[0][0].as<int>();
            return;
        case Action::list_kept:
            ask_kept(transaction, target, attempt);
            return;
        case Action::resolve:
        case Action::discard:
            ask_end_of_kept(transaction, target, attempt);
            return;
        case Action::edit:
        case Action::withdraw:
            ask_correction(transaction, attempt);
            return;
        case Action::timeline:
            // Those since the customer was created, or restored, last.
            result = execute(transaction,
                             "SELECT " + microseconds("version") +
                                 ", operation = 'update' FROM crm_timeline($1::bigint, 60) WHERE kind = 'change' "
                                 "ORDER BY version DESC",
                             attempt.customer);
            attempt.outcome = "done";
            for (const auto &row : result)
            {
                if (!row[1].as<bool>())
                    break;
                attempt.versions.push_back(row[0].as<std::int64_t>());
            }
            return;
        case Action::comment:
            result = execute_on_tables(transaction, target, attempt.customer,
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
                             "SELECT outcome, lock_id, author, " + microseconds("expires_at") +
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
            const std::string before = "SELECT " + microseconds("t.before");
            const std::string clock = " FROM (SELECT clock_timestamp() AS before OFFSET 0) t";
            result = attempt.is_forced
                         ? execute(transaction, before + ", crm_unlock_customer($1::bigint, NULL, true, $2)" + clock,
                                   attempt.customer, attempt.author)
                         : execute(transaction, before + ", crm_unlock_customer($1::bigint, $2)" + clock,
                                   attempt.customer, parameter(attempt.lock_id));
            const auto row = result[0];
            attempt.clock = number(row[0]);
            attempt.outcome = row[1].as<bool>() ? "done" : "none";
            return;
        }
        case Action::read:
        {
            result = execute(transaction,
                             target.is_proxy
                                 ? "SELECT $1::bigint, c #>> '{customer,status}', " +
                                       microseconds("(c #>> '{customer,updated_at}')::timestamptz") +
                                       ", c -> 'customer', m ->> 'id', m ->> 'author', m ->> 'text' "
                                       "FROM (SELECT crm_get_customer($1::bigint) AS c OFFSET 0) t "
                                       "LEFT JOIN LATERAL (SELECT m FROM jsonb_path_query(c, '$.comments.**') m "
                                       "WHERE jsonb_typeof(m) = 'object' ORDER BY (m ->> 'id')::bigint DESC LIMIT 1) l "
                                       "ON true WHERE c IS NOT NULL"
                                 : "SELECT c.id, c.status, " + microseconds("c.updated_at") +
                                       ", to_jsonb(c), m.id, m.author, m.body FROM customers c "
                                       "LEFT JOIN LATERAL (SELECT m.id, m.author, m.body FROM comments m "
                                       "WHERE m.customer_id = $1 ORDER BY m.id DESC LIMIT 1) m ON true WHERE c.id = $1",
                             attempt.customer);
            if (!result.empty())
            {
                const auto row = result[0];
                attempt.answer_fields = fields_of(row[3].as<std::string>());
                attempt.latest_comment = number(row[4]);
                attempt.latest_author = text(row[5]);
                attempt.latest_text = text(row[6]);
            }
            break;
        }
        case Action::update:
        {
            const auto phone = attempt.fields.find("phone");
            result =
                execute_on_tables(transaction, target, attempt.customer,
                                  "UPDATE customers SET status = coalesce($2, status), phone = coalesce($3, phone) "
                                  "WHERE id = $1::bigint" +
                                      returning_version,
                                  version_columns, attempt.customer, parameter(attempt.status),
                                  phone == attempt.fields.end() ? nullptr : phone->second.c_str());
            break;
        }
        case Action::insert:
            // An id that is known already is a customer that comes back.
            if (attempt.customer != 0)
                result = execute_on_tables(
                    transaction, target, attempt.customer,
                    "INSERT INTO customers (id, name, status) VALUES ($1::bigint, 'hammered again', $2)" +
                        returning_version,
                    version_columns, attempt.customer, parameter(attempt.status));
            else if (new_customer != 0)
                result = execute(transaction,
                                 "INSERT INTO customers (id, name, status) VALUES ($1::bigint, 'hammered', $2)" +
                                     returning_version,
                                 new_customer, parameter(attempt.status));
            else
                result = execute(transaction,
                                 target.is_proxy ? "SELECT id, $1::text, " + microseconds("updated_at") +
                                                       " FROM crm_create_customer("
                                                       "jsonb_build_object('name', 'hammered', 'status', $1::text))"
                                                 : "INSERT INTO customers (name, status) VALUES ('hammered', $1)" +
                                                       returning_version,
                                 parameter(attempt.status));
            break;
        case Action::remove:
            result = execute_on_tables(transaction, target, attempt.customer,
                                       "DELETE FROM customers WHERE id = $1::bigint" + returning_version,
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
ask_batch(pqxx::connection &connection, const std::vector<Attempt *> &saves)
{
    auto array = nlohmann::json::array();
    for (const Attempt *item : saves)
    {
        const Attempt &save = *item;
        nlohmann::json object{{"id", save.customer}, {"expected_ts", to_text(save.base)}};
        if (save.action == Action::check || save.action == Action::remove_seen)
            object["operation"] = save.action == Action::check ? "check" : "delete";
        if (!save.author.empty())
            object["author"] = save.author;
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

    pqxx::nontransaction transaction(connection);
    const auto result =
        execute(transaction,
                "SELECT ord, " + result_of_save + " FROM " +
                    (saves.front()->all_or_nothing ? "crm_update_records($1, true)" : "crm_update_customers($1)"),
                array.dump());
    for (Attempt *save : saves)
        save->outcome = "no result";
    // One row for each save, in the order of the saves.
    std::size_t position = 0;
    for (const auto &row : result)
    {
        if (position == saves.size())
        {
            saves.back()->outcome = "too many results";
            break;
        }
        Attempt &save = *saves[position++];
        if (row[0].as<std::size_t>() == position)
            note_result(save, row, 1);
        else
            save.outcome = "result of another";
    }
}

}  // namespace crm::hammer
