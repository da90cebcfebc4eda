#include "companions.h"

#include "../boundary/errors.h"
#include "../boundary/role.h"
#include "../boundary/spi.h"
#include "companion_columns.h"

namespace crm {

namespace {

// A table that belongs to the customers, in the making. In its statements {table} is its name.
template <typename Facts>
struct Companion
{
    Part part;
    std::span<const CompanionColumn<Facts>> columns;
    SqlTemplate create;
    std::span<const SqlTemplate> more;
    bool refers_to_customers;
};

// Comments are added, refused ones adopted once, and their texts corrected by our functions alone.
constexpr SqlTemplate create_comments = "CREATE TABLE {table} ({columns}, PRIMARY KEY (customer_id, id), "
                                        "FOREIGN KEY (customer_id, reply_to) REFERENCES {table} (customer_id, id))";

constexpr SqlTemplate more_of_comments[] = {
    // Finds what refused saves left without reading the other comments of a customer.
    "CREATE INDEX ON {table} (customer_id, refused_request) WHERE refused_request IS NOT NULL",
    // For the foreign key, when comments go with their customer.
    "CREATE INDEX ON {table} (customer_id, reply_to) WHERE reply_to IS NOT NULL",
    "COMMENT ON TABLE {table} IS 'comments on customers; append-only, but for corrections, whose earlier texts are kept'",
};

constexpr SqlTemplate create_history = "CREATE TABLE {table} ({columns}, PRIMARY KEY (customer_id, version))";

constexpr SqlTemplate more_of_history[] = {
    // Answers "what changed lately" at almost no cost to saves: versions arrive almost in order.
    "CREATE INDEX ON {table} USING brin (version)",
    "COMMENT ON TABLE {table} IS 'one row for each change of a customer, written by triggers'",
};

constexpr SqlTemplate create_locks = "CREATE TABLE {table} ({columns})";

constexpr SqlTemplate more_of_locks[] = {
    "COMMENT ON TABLE {table} IS "
    "'edit locks on customers, one row each, also expired ones; the view crm_locks shows the live ones'",
};

constexpr SqlTemplate create_deletions =
    "CREATE TABLE {table} ({columns}, UNIQUE NULLS NOT DISTINCT (customer_id, version, comment_id))";

constexpr SqlTemplate more_of_deletions[] = {
    // Lists what was deleted last.
    "CREATE INDEX ON {table} (version) WHERE comment_id IS NULL",
    "CREATE INDEX ON {table} (transaction_id) WHERE comment_id IS NULL",
    "COMMENT ON TABLE {table} IS 'deleted rows with their comments, until they are restored'",
};

constexpr SqlTemplate create_comment_edits =
    "CREATE TABLE {table} ({columns}, PRIMARY KEY (customer_id, comment_id, edited_at))";

constexpr SqlTemplate more_of_comment_edits[] = {
    "COMMENT ON TABLE {table} IS 'the earlier texts of comments that were corrected or withdrawn'",
};

constexpr SqlTemplate create_refused_saves = "CREATE TABLE {table} ({columns})";

constexpr SqlTemplate more_of_refused_saves[] = {
    "CREATE UNIQUE INDEX ON {table} (customer_id, request)",
    "COMMENT ON TABLE {table} IS 'what refused saves asked for, where crm_concurrency.keep_refused is all'",
};

constexpr Companion<CommentsFacts> comments_companion = {Part::comments, comments_columns, create_comments,
                                                         more_of_comments, true};
constexpr Companion<HistoryFacts> history_companion = {Part::history, history_columns, create_history, more_of_history,
                                                       false};
constexpr Companion<LocksFacts> locks_companion = {Part::locks, locks_columns, create_locks, more_of_locks, true};

constexpr Companion<PartFacts> deletions_companion = {Part::deletions, deletions_columns, create_deletions,
                                                      more_of_deletions, false};
constexpr Companion<PartFacts> comment_edits_companion = {Part::comment_edits, comment_edits_columns,
                                                          create_comment_edits, more_of_comment_edits, false};
constexpr Companion<PartFacts> refused_saves_companion = {Part::refused_saves, refused_saves_columns,
                                                          create_refused_saves, more_of_refused_saves, false};

constexpr char no_foreign_key[] = "It has no foreign key to the customers.";

bool
refers_to(Oid table, Oid referenced)
{
    Relation relation = table_open(table, AccessShareLock);
    bool found = false;
    ListCell *cell;
    foreach (cell, RelationGetFKeyList(relation))
        found = found || static_cast<ForeignKeyCacheInfo *>(lfirst(cell))->confrelid == referenced;
    table_close(relation, NoLock);
    return found;
}

// Why a relation that is there cannot be one of the tables that belong to the customers; nullptr where it can.
template <typename Facts>
const char *
why_not(const Attachment &attachment, const Companion<Facts> &companion, Oid table)
{
    if (get_rel_relkind(table) != RELKIND_RELATION)
        return "It is no ordinary table.";
    for (const CompanionColumn<Facts> &column : companion.columns)
    {
        const AttrNumber number = get_attnum(table, column.name);
        if (number <= 0)
            return psprintf("It has no column \"%s\".", column.name);
        if (!column.may_be_of(get_atttype(table, number), attachment.key_type))
            return psprintf("Its column \"%s\" is not of type %s.", column.name,
                            format_type_be(column.type_for(attachment.key_type)));
    }
    if (companion.refers_to_customers && !refers_to(table, attachment.request.customers))
        return no_foreign_key;
    return nullptr;
}

bool
is_named(Oid table, const char *name)
{
    const char *actual = OidIsValid(table) ? get_rel_name(table) : nullptr;
    return actual != nullptr && std::strcmp(actual, name) == 0;
}

// Whether the tables are those of crm_create_tables(), also when they were detached or restored without their registry.
bool
has_standard_names(const Attachment &attachment)
{
    const Members &members = attachment.members;
    if (is_named(members.comments, "comments") || is_named(members.history, "customer_history") ||
        is_named(members.locks, "customer_locks"))
        return true;
    const Oid standard = get_relname_relid("comments", attachment.companions_schema);
    const char *usual = makeObjectName(get_rel_name(attachment.request.customers), nullptr, "comments");
    return !OidIsValid(members.comments) && OidIsValid(standard) &&
           !OidIsValid(get_relname_relid(usual, attachment.companions_schema)) &&
           !why_not(attachment, comments_companion, standard);
}

// The definition of a column.
template <typename Facts>
Sql
definition_of(const Attachment &attachment, const CompanionColumn<Facts> &column)
{
    return sql("{name} {definition}",
               {{"name", sql_identifier(column.name)},
                {"definition", sql(column.definition, {{"key_type", attachment.key_type_sql},
                                                       {"customers", sql_relation(attachment.members.customers)}})}});
}

template <typename Facts>
void
comment_on(const Attachment &attachment, Sql table, const CompanionColumn<Facts> &column)
{
    if (column.comment != nullptr)
        run(attachment, "COMMENT ON COLUMN {table}.{column} IS {comment}",
            {{"table", table}, {"column", sql_identifier(column.name)}, {"comment", sql_literal(column.comment)}});
}

template <typename Facts>
void
create(const Attachment &attachment, const Companion<Facts> &companion, const char *name)
{
    const Sql table = sql_qualified(attachment.companions_schema, name);
    Sql *columns = static_cast<Sql *>(palloc0(companion.columns.size() * sizeof(Sql)));
    for (std::size_t i = 0; i < companion.columns.size(); i++)
        columns[i] = definition_of(attachment, companion.columns[i]);
    run(attachment, companion.create,
        {{"table", table}, {"columns", sql_joined(", ", {columns, companion.columns.size()})}});
    for (const SqlTemplate &statement : companion.more)
        run(attachment, statement, {{"table", table}});
    for (const CompanionColumn<Facts> &column : companion.columns)
        comment_on(attachment, table, column);
    if (attachment.owner != GetUserId())
        run(attachment, "ALTER TABLE {table} OWNER TO {owner}", {{"table", table}});
}

// Adds the columns that a table of version 1.0 does not have.
template <typename Facts>
void
add_later_columns(const Attachment &attachment, Oid table, std::span<const CompanionColumn<Facts>> columns)
{
    for (const CompanionColumn<Facts> &column : columns)
    {
        if (get_attnum(table, column.name) > 0)
            continue;
        run(attachment, "ALTER TABLE {table} ADD COLUMN {definition}",
            {{"table", sql_relation(table)}, {"definition", definition_of(attachment, column)}});
        comment_on(attachment, sql_relation(table), column);
    }
}

// Lets a history table of version 1.0 have rows of a restored customer.
void
allow_restoring(const Attachment &attachment)
{
    const Oid history = attachment.members.history;
    const char *check = makeObjectName(get_rel_name(history), "operation", "check");
    const Oid constraint = get_relation_constraint_oid(history, check, true);
    if (!OidIsValid(constraint))
        return;
    const char *definition =
        TextDatumGetCString(DirectFunctionCall1(pg_get_constraintdef, ObjectIdGetDatum(constraint)));
    if (std::strstr(definition, "restore") != nullptr)
        return;
    run(attachment, "ALTER TABLE {history} DROP CONSTRAINT {check}, ADD CONSTRAINT {check} {definition}",
        {{"check", sql_identifier(check)},
         {"definition", sql("CHECK (operation IN ('insert', 'update', 'delete', 'restore'))")}});
}

// Creates a table that belongs to the customers where it is missing, or takes the one that is there: what it gets to hold is
// its owner's.
template <typename Facts>
void
require_companion(Attachment &attachment, const Companion<Facts> &companion, const char *asked, const char *standard,
                  const char *usual)
{
    Oid &member = attachment.members[companion.part];
    if (!OidIsValid(member))
    {
        const char *name = asked != nullptr ? asked
                           : has_standard_names(attachment)
                               ? standard
                               : makeObjectName(get_rel_name(attachment.request.customers), nullptr, usual);
        member = get_relname_relid(name, attachment.companions_schema);
        if (!OidIsValid(member))
        {
            create(attachment, companion, name);
            member = get_relname_relid(name, attachment.companions_schema);
            return;
        }
    }
    if (table_owner(member) != attachment.owner)
        ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                        errmsg("table \"%s\" does not belong to the owner of \"%s\"", errors::name_of(member),
                               errors::name_of(attachment.request.customers)),
                        errdetail("Its owner would read what it is told of these customers. Nothing was attached."),
                        errhint("Give it the same owner, or name another table: crm_attach(..., %s => ...).",
                                registry_column(companion.part))));
    if (const char *reason = why_not(attachment, companion, member))
        ereport(ERROR, (errcode(ERRCODE_DUPLICATE_TABLE),
                        errmsg("relation \"%s\" already exists and is not of these customers", errors::name_of(member)),
                        errdetail("%s Nothing was attached.", reason),
                        errhint("Name another table: crm_attach(..., %s => ...).%s", registry_column(companion.part),
                                reason == no_foreign_key
                                    ? " If its customers were dropped, crm_doctor() tells what to drop of them."
                                    : "")));
}

}  // namespace

Sql
filled_in(const Attachment &attachment, SqlTemplate statement, std::initializer_list<SqlName> more)
{
    const Members &members = attachment.members;
    Sql roles[3] = {};
    std::size_t roles_count = 0;
    for (const char *column : {attachment.key, attachment.request.status_column, attachment.request.version_column})
        if (column != nullptr)
            roles[roles_count++] = sql_identifier(column);
    const auto name_of = [](Oid table) { return OidIsValid(table) ? sql_relation(table) : Sql{}; };
    const SqlName own[] = {
        {"customers", sql_relation(members.customers)},
        {"comments", name_of(members.comments)},
        {"history", name_of(members.history)},
        {"extension", sql_schema(attachment.extension_schema)},
        {"key", sql_identifier(attachment.key)},
        {"key_type", attachment.key_type_sql},
        {"roles", sql_joined(", ", {roles, roles_count})},
        {"guarded",
         attachment.has_later_parts ? sql_identifier(attachment.key) : sql_joined(", ", {roles, roles_count})},
        {"version", sql_identifier(attachment.request.version_column)},
        {"owner", sql_identifier(GetUserNameFromId(attachment.owner, false))},
    };
    constexpr std::size_t room = std::size(own) + 6;
    SqlName names[room] = {};
    Assert(std::size(own) + more.size() <= room);
    std::ranges::copy(more, std::ranges::copy(own, names).out);
    return sql(statement, std::span(names, std::size(own) + more.size()));
}

void
run(const Attachment &attachment, SqlTemplate statement, std::initializer_list<SqlName> more)
{
    run_utility(filled_in(attachment, statement, more));
}

void
take_members(Attachment &attachment, const Registered &attached)
{
    const char *asked_schema = attachment.request.companions_schema;
    const auto take = [&](Oid table, const char *asked) {
        const char *name = get_rel_name(table);
        if (name == nullptr)
            return InvalidOid;
        const char *schema = get_namespace_name(get_rel_namespace(table));
        const bool is_elsewhere =
            asked_schema != nullptr && schema != nullptr && std::strcmp(asked_schema, schema) != 0;
        if (is_elsewhere || (asked != nullptr && std::strcmp(asked, name) != 0))
            ereport(ERROR,
                    (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                     errmsg("table \"%s\" is attached with \"%s\"", errors::name_of(attachment.request.customers),
                            sql_relation(table).text()),
                     is_elsewhere ? errdetail("It cannot be attached with tables of schema \"%s\" as well. Nothing was "
                                              "changed.",
                                              asked_schema)
                                  : errdetail("It cannot be attached with \"%s\" as well. Nothing was changed.", asked),
                     is_elsewhere
                         ? errhint("ALTER TABLE ... SET SCHEMA moves each of its tables; the attachment follows.")
                         : errhint("Detach it first with crm_detach(), which leaves all data.")));
        return table;
    };
    attachment.members.comments = take(attached.comments, attachment.request.comments);
    attachment.members.history = take(attached.history, attachment.request.history);
    attachment.members.locks = take(attached.locks, attachment.request.locks);
    attachment.members.deletions = take(attached.deletions, attachment.request.deletions);
    attachment.members.comment_edits = take(attached.comment_edits, attachment.request.comment_edits);
    attachment.members.refused_saves = take(attached.refused_saves, attachment.request.refused_saves);
}

void
choose_companions_schema(Attachment &attachment)
{
    if (const char *name = attachment.request.companions_schema)
        attachment.companions_schema = get_namespace_oid(name, false);
    else if (const Oid schema = get_rel_namespace(attachment.members.comments); OidIsValid(schema))
        attachment.companions_schema = schema;
    if (isAnyTempNamespace(attachment.companions_schema))
        ereport(ERROR,
                (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("cannot create the tables in a temporary schema"),
                 errdetail("What belongs to customers has to outlive the session and be seen by others."),
                 errhint("Name an ordinary schema.")));
}

void
require_companions(Attachment &attachment)
{
    const AttachRequest &request = attachment.request;
    require_companion(attachment, comments_companion, request.comments, "comments", "comments");
    require_companion(attachment, history_companion, request.history, "customer_history", "history");
    require_companion(attachment, locks_companion, request.locks, "customer_locks", "locks");
    if (!attachment.has_later_parts)
        return;
    require_companion(attachment, deletions_companion, request.deletions, "customer_deletions", "deletions");
    require_companion(attachment, comment_edits_companion, request.comment_edits, "comment_edits", "comment_edits");
    require_companion(attachment, refused_saves_companion, request.refused_saves, "customer_refused_saves",
                      "refused_saves");
    add_later_columns<CommentsFacts>(attachment, attachment.members.comments, later_comments_columns);
    add_later_columns<HistoryFacts>(attachment, attachment.members.history, later_history_columns);
    add_later_columns<LocksFacts>(attachment, attachment.members.locks, later_locks_columns);
    allow_restoring(attachment);
}

}  // namespace crm
