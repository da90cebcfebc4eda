#include "statements.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

namespace crm::hammer {

namespace {

// What is read of a table at the end, of the customers in $1.
struct Source
{
    std::string name;
    std::string sql;
    std::vector<std::string> columns;
};

const Source customer_source{
    "customers",
    "SELECT id, status, to_jsonb(c) AS fields, " + microseconds("updated_at") +
        " AS version FROM customers c WHERE id = ANY ($1::bigint[])",
    {"id", "status", "fields", "version"},
};

const Source comment_source{
    "comments",
    "SELECT customer_id, id, author, body, " + microseconds("based_on") + " AS based_on, save_refused, " +
        microseconds("adopted_version") +
        " AS adopted_version, reply_to FROM comments WHERE customer_id = ANY ($1::bigint[])",
    {"customer_id", "id", "author", "body", "based_on", "save_refused", "adopted_version", "reply_to"},
};

const Source history_source{
    "customer_history",
    "SELECT customer_id, " + microseconds("version") + " AS version, " + microseconds("previous") + " AS previous, " +
        microseconds("based_on") +
        " AS based_on, operation, author, status_from, status_to, coalesce(fields, '{}') AS fields, "
        "comment_id, request, " +
        microseconds("recorded_at") + " AS recorded_at FROM customer_history WHERE customer_id = ANY ($1::bigint[])",
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
    const auto text_of = [](const nlohmann::json &change, const char *side) -> std::optional<std::string> {
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

// What crm_verify() finds. It looks at attached tables, which those of the connection need not be.
std::vector<VerifyRow>
verify(pqxx::transaction_base &transaction, bool is_proxy)
{
    std::vector<VerifyRow> found;
    if (!is_proxy &&
        (execute(transaction, "SELECT to_regclass('crm_attached_tables')")[0][0].is_null() ||
         execute(transaction, "SELECT FROM crm_attached_tables WHERE customers = to_regclass('customers')").empty()))
        return found;
    for (const auto &row : execute(transaction, "SELECT customer, invariant, problem, detail FROM crm_verify()"))
        found.push_back({text(row[0]).value_or(""), text(row[1]).value_or(""), text(row[2]).value_or(""),
                         text(row[3]).value_or("")});
    return found;
}

}  // namespace

Tables
read_tables(pqxx::connection &connection, bool is_proxy, const std::vector<std::int64_t> &customers)
{
    const std::string ids = fmt::format("{{{}}}", fmt::join(customers, ","));
    Tables tables;

    try
    {
        pqxx::transaction<pqxx::isolation_level::repeatable_read> transaction(connection);
        transaction.exec("SET LOCAL statement_timeout = 0");
        if (is_proxy)
            gather_tables(transaction, ids);
        const auto rows_of = [&](const Source &source) {
            return is_proxy
                       ? execute(transaction, fmt::format("SELECT {} FROM (SELECT row_of -> '{}' AS r FROM gathered) g "
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
        tables.verify = verify(transaction, is_proxy);
        transaction.commit();
    }
    catch (const pqxx::failure &e)
    {
        throw CannotRun(fmt::format("could not read the tables: {}", first_line(e.what())));
    }
    return tables;
}

}  // namespace crm::hammer
