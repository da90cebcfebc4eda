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
        " AS adopted_version, reply_to, to_jsonb(m) ->> 'withdrawn_at' IS NOT NULL AS is_withdrawn "
        "FROM comments m WHERE customer_id = ANY ($1::bigint[])",
    {"customer_id", "id", "author", "body", "based_on", "save_refused", "adopted_version", "reply_to", "is_withdrawn"},
};

const Source history_source{
    "customer_history",
    "SELECT customer_id, " + microseconds("version") + " AS version, " + microseconds("previous") + " AS previous, " +
        microseconds("based_on") +
        " AS based_on, operation, author, status_from, status_to, coalesce(fields, '{}') AS fields, "
        "comment_id, request, " +
        microseconds("recorded_at") + " AS recorded_at, " + microseconds("(to_jsonb(h) ->> 'reverts')::timestamptz") +
        " AS reverts, h.xmin::text AS transaction FROM customer_history h WHERE customer_id = ANY ($1::bigint[])",
    {"customer_id", "version", "previous", "based_on", "operation", "author", "status_from", "status_to", "fields",
     "comment_id", "request", "recorded_at", "reverts", "transaction"},
};

// These are of version 1.1.
const Source edit_source{
    "comment_edits",
    "SELECT customer_id, comment_id, " + microseconds("edited_at") +
        " AS edited_at, operation, author, body FROM comment_edits WHERE customer_id = ANY ($1::bigint[])",
    {"customer_id", "comment_id", "edited_at", "operation", "author", "body"},
};

const Source deleted_source{
    "customer_deletions",
    "SELECT customer_id, " + microseconds("version") +
        " AS version, row_values ->> 'status' AS status, row_values FROM customer_deletions "
        "WHERE comment_id IS NULL AND customer_id = ANY ($1::bigint[])",
    {"customer_id", "version", "status", "row_values"},
};

const Source deleted_comment_source{
    "deleted_comments",
    "SELECT customer_id, comment_id AS id, row_values ->> 'author' AS author, row_values ->> 'body' AS body, " +
        microseconds("(row_values ->> 'based_on')::timestamptz") +
        " AS based_on, (row_values ->> 'save_refused')::boolean AS save_refused, " +
        microseconds("(row_values ->> 'adopted_version')::timestamptz") +
        " AS adopted_version, (row_values ->> 'reply_to')::bigint AS reply_to, "
        "row_values ? 'withdrawn_at' AS is_withdrawn, " +
        microseconds("version") +
        " AS version FROM customer_deletions WHERE comment_id IS NOT NULL AND customer_id = ANY ($1::bigint[])",
    {"customer_id", "id", "author", "body", "based_on", "save_refused", "adopted_version", "reply_to", "is_withdrawn",
     "version"},
};

// The columns that merge as one, of the newest attachment; alike in all partitions.
const Source group_source{
    "merge_groups",
    "SELECT coalesce((SELECT merge_groups FROM crm_attached_tables WHERE customers = to_regclass('customers') "
    "ORDER BY attached_at DESC LIMIT 1), '[]') AS merge_groups WHERE cardinality($1::bigint[]) >= 0",
    {"merge_groups"},
};

const Source kept_source{
    "customer_refused_saves",
    "SELECT customer_id, id, author, status, coalesce(fields, '{}') AS fields, " + microseconds("based_on") +
        " AS based_on, times, ended_by FROM customer_refused_saves WHERE customer_id = ANY ($1::bigint[])",
    {"customer_id", "id", "author", "status", "fields", "based_on", "times", "ended_by"},
};

// Fetches the rows of all partitions, each partition's from one snapshot.
void
gather_tables(pqxx::transaction_base &transaction, const Target &target, const std::string &ids)
{
    std::vector<const Source *> sources{&customer_source, &comment_source, &history_source};
    if (target.keeps_deleted)
        sources.insert(sources.end(), {&edit_source, &deleted_source, &deleted_comment_source, &group_source});
    if (target.keeps_refused)
        sources.push_back(&kept_source);
    std::string all;
    for (const Source *source : sources)
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

template <typename Row>
CommentRow
comment_of(const Row &row)
{
    CommentRow comment;
    comment.customer = row[0].template as<std::int64_t>();
    comment.id = row[1].template as<std::int64_t>();
    comment.author = row[2].template as<std::string>();
    comment.body = row[3].template as<std::string>();
    comment.based_on = number(row[4]);
    comment.save_refused = row[5].template as<bool>();
    comment.adopted_version = number(row[6]);
    comment.reply_to = number(row[7]);
    comment.is_withdrawn = row[8].template as<bool>();
    return comment;
}

// What each corrected comment said first.
void
note_first_texts(Tables &tables)
{
    std::map<std::pair<std::int64_t, std::int64_t>, const EditRow *> first;
    for (const EditRow &edit : tables.edits)
    {
        const EditRow *&earliest = first[{edit.customer, edit.comment}];
        if (!earliest || edit.edited_at < earliest->edited_at)
            earliest = &edit;
    }
    for (CommentRow &comment : tables.comments)
        if (const auto edit = first.find({comment.customer, comment.id}); edit != first.end())
            comment.first_text = edit->second->body;
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
read_tables(pqxx::connection &connection, const Target &target, const std::vector<std::int64_t> &customers)
{
    const std::string ids = fmt::format("{{{}}}", fmt::join(customers, ","));
    const bool is_proxy = target.is_proxy;
    Tables tables;
    tables.keeps_deleted = target.keeps_deleted;
    tables.keeps_refused = target.keeps_refused;

    try
    {
        pqxx::transaction<pqxx::isolation_level::repeatable_read> transaction(connection);
        transaction.exec("SET LOCAL statement_timeout = 0");
        if (is_proxy)
            gather_tables(transaction, target, ids);
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
            tables.comments.push_back(comment_of(row));

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
                number(row[12]),
                row[13].as<std::int64_t>(),
            });

        if (target.keeps_deleted)
        {
            for (const auto &row : rows_of(edit_source))
                tables.edits.push_back({row[0].as<std::int64_t>(), row[1].as<std::int64_t>(), row[2].as<std::int64_t>(),
                                        row[3].as<std::string>(), row[4].as<std::string>(), row[5].as<std::string>()});
            for (const auto &row : rows_of(deleted_source))
                tables.deleted.push_back({row[0].as<std::int64_t>(), row[1].as<std::int64_t>(), text(row[2]),
                                          fields_of(row[3].as<std::string>())});
            for (const auto &row : rows_of(deleted_comment_source))
            {
                tables.comments.push_back(comment_of(row));
                tables.comments.back().set_aside = row[9].as<std::int64_t>();
            }
            const auto groups = rows_of(group_source);
            tables.merge_groups =
                nlohmann::json::parse(groups[0][0].as<std::string>()).get<std::vector<std::vector<std::string>>>();
            note_first_texts(tables);
        }
        if (target.keeps_refused)
            for (const auto &row : rows_of(kept_source))
                tables.kept.push_back({row[0].as<std::int64_t>(), row[1].as<std::int64_t>(), row[2].as<std::string>(),
                                       text(row[3]), fields_of(row[4].as<std::string>()), number(row[5]),
                                       row[6].as<std::int64_t>(), text(row[7])});
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
