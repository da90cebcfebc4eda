#include "attachment.h"

#include "../boundary/errors.h"
#include "../boundary/role.h"
#include "../boundary/snapshot.h"
#include "../boundary/spi.h"
#include "attachable.h"
#include "attached_tables.h"
#include "companion_columns.h"
#include "key.h"
#include "own_triggers.h"

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

// Comments are only ever added, and refused ones adopted once.
constexpr SqlTemplate create_comments = "CREATE TABLE {table} ({columns}, PRIMARY KEY (customer_id, id), "
                                        "FOREIGN KEY (customer_id, reply_to) REFERENCES {table} (customer_id, id))";

constexpr SqlTemplate more_of_comments[] = {
    // Finds what refused saves left without reading the other comments of a customer.
    "CREATE INDEX ON {table} (customer_id, refused_request) WHERE refused_request IS NOT NULL",
    // For the foreign key, when comments go with their customer.
    "CREATE INDEX ON {table} (customer_id, reply_to) WHERE reply_to IS NOT NULL",
    "COMMENT ON TABLE {table} IS 'comments on customers; append-only'",
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

constexpr Companion<CommentsFacts> comments_companion = {Part::comments, comments_columns, create_comments,
                                                         more_of_comments, true};
constexpr Companion<HistoryFacts> history_companion = {Part::history, history_columns, create_history, more_of_history,
                                                       false};
constexpr Companion<LocksFacts> locks_companion = {Part::locks, locks_columns, create_locks, more_of_locks, true};

// A table in the making of its attachment.
struct Attachment
{
    const AttachRequest &request;
    Oid extension_schema;
    Oid schema;
    Oid owner;
    Members members;  // as far as they exist
    const char *key;
    Sql key_type_sql;
    Oid key_type;
};

// A statement in which the names of an attachment stand for what they are.
Sql
filled_in(const Attachment &attachment, SqlTemplate statement, std::initializer_list<SqlName> more = {})
{
    const Members &members = attachment.members;
    const auto name_of = [](Oid table) { return OidIsValid(table) ? sql_relation(table) : Sql{}; };
    const SqlName own[] = {
        {"customers", sql_relation(members.customers)},
        {"comments", name_of(members.comments)},
        {"history", name_of(members.history)},
        {"extension", sql_schema(attachment.extension_schema)},
        {"key", sql_identifier(attachment.key)},
        {"key_type", attachment.key_type_sql},
        {"status", sql_identifier(attachment.request.status_column)},
        {"version", sql_identifier(attachment.request.version_column)},
        {"owner", sql_identifier(GetUserNameFromId(attachment.owner, false))},
    };
    constexpr std::size_t room = std::size(own) + 5;
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
create_trigger(const Attachment &attachment, const OwnTrigger &own)
{
    run(attachment, "CREATE TRIGGER {trigger} {timing} ON {table} {level} EXECUTE FUNCTION {extension}.{function}()",
        {{"trigger", sql_identifier(own.name)},
         {"timing", filled_in(attachment, own.timing)},
         {"table", sql_relation(attachment.members[own.part])},
         {"level", filled_in(attachment, own.level)},
         {"function", sql_identifier(own.function)}});
}

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
        const Oid type = OidIsValid(column.type) ? column.type : attachment.key_type;
        const AttrNumber number = get_attnum(table, column.name);
        if (number <= 0)
            return psprintf("It has no column \"%s\".", column.name);
        if (getBaseType(get_atttype(table, number)) != type)
            return psprintf("Its column \"%s\" is not of type %s.", column.name, format_type_be(type));
    }
    if (companion.refers_to_customers && !refers_to(table, attachment.request.customers))
        return "It has no foreign key to the customers.";
    return nullptr;
}

// The tables that an attachment has already. One that was dropped is missing.
void
take_members(Attachment &attachment, const Registered &attached)
{
    const auto take = [&](Oid table, const char *asked) {
        const char *name = get_rel_name(table);
        if (name == nullptr)
            return InvalidOid;
        if (asked != nullptr && std::strcmp(asked, name) != 0)
            errors::other_companion(attachment.request.customers, table, asked);
        return table;
    };
    attachment.members.comments = take(attached.comments, attachment.request.comments);
    attachment.members.history = take(attached.history, attachment.request.history);
    attachment.members.locks = take(attached.locks, attachment.request.locks);
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
    const Oid standard = get_relname_relid("comments", attachment.schema);
    const char *usual = makeObjectName(get_rel_name(attachment.request.customers), nullptr, "comments");
    return !OidIsValid(members.comments) && OidIsValid(standard) &&
           !OidIsValid(get_relname_relid(usual, attachment.schema)) &&
           !why_not(attachment, comments_companion, standard);
}

template <typename Facts>
void
create(const Attachment &attachment, const Companion<Facts> &companion, const char *name)
{
    const Sql table = sql_qualified(attachment.schema, name);
    Sql *columns = static_cast<Sql *>(palloc0(companion.columns.size() * sizeof(Sql)));
    for (std::size_t i = 0; i < companion.columns.size(); i++)
        columns[i] = sql("{name} {definition}",
                         {{"name", sql_identifier(companion.columns[i].name)},
                          {"definition", sql(companion.columns[i].definition,
                                             {{"key_type", attachment.key_type_sql},
                                              {"customers", sql_relation(attachment.members.customers)}})}});
    run(attachment, companion.create,
        {{"table", table}, {"columns", sql_joined(", ", {columns, companion.columns.size()})}});
    for (const SqlTemplate &statement : companion.more)
        run(attachment, statement, {{"table", table}});
    for (const CompanionColumn<Facts> &column : companion.columns)
        if (column.comment != nullptr)
            run(attachment, "COMMENT ON COLUMN {table}.{column} IS {comment}",
                {{"table", table}, {"column", sql_identifier(column.name)}, {"comment", sql_literal(column.comment)}});
    if (attachment.owner != GetUserId())
        run(attachment, "ALTER TABLE {table} OWNER TO {owner}", {{"table", table}});
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
        member = get_relname_relid(name, attachment.schema);
        if (!OidIsValid(member))
        {
            create(attachment, companion, name);
            member = get_relname_relid(name, attachment.schema);
            return;
        }
    }
    if (table_owner(member) != attachment.owner)
        errors::companion_of_another(attachment.request.customers, member);
    if (const char *reason = why_not(attachment, companion, member))
        errors::name_taken(member, reason);
}

// Whether the relation has the trigger already; then it must watch the columns that are asked for.
bool
has_trigger(const Attachment &attachment, const OwnTrigger &wanted, const AttachableColumns &columns)
{
    Relation relation = table_open(attachment.members[wanted.part], AccessShareLock);
    const Trigger *trigger = find_trigger(relation, wanted, attachment.extension_schema);
    if (trigger != nullptr && trigger->tgnattr == 3)
    {
        const Oid customers = attachment.request.customers;
        if (trigger->tgattr[1] != columns.status)
            errors::other_columns(customers, get_attname(customers, trigger->tgattr[1], false),
                                  attachment.request.status_column);
        if (trigger->tgattr[2] != columns.version)
            errors::other_columns(customers, get_attname(customers, trigger->tgattr[2], false),
                                  attachment.request.version_column);
    }
    table_close(relation, NoLock);
    return trigger != nullptr;
}

// Drops one of our triggers; false when there is none.
bool
drop_trigger(Oid table, const OwnTrigger &own, Oid extension_schema)
{
    if (!OidIsValid(table) || get_rel_relkind(table) == '\0')
        return false;
    Relation relation = table_open(table, ShareRowExclusiveLock);
    const Trigger *trigger = find_trigger(relation, own, extension_schema);
    const bool is_there = trigger != nullptr;
    const Sql statement = is_there ? sql("DROP TRIGGER {trigger} ON {table}",
                                         {{"trigger", sql_identifier(trigger->tgname)}, {"table", sql_relation(table)}})
                                   : Sql{};
    table_close(relation, NoLock);
    if (is_there)
        run_utility(statement);
    return is_there;
}

// The type that tables which refer to the customers give their keys.
Sql
key_type_sql(Oid key_type, Oid collation)
{
    if (key_type != TEXTOID || collation == DEFAULT_COLLATION_OID || !OidIsValid(collation))
        return sql_type(key_type);
    return sql("{type} COLLATE {collation}", {{"type", sql_type(key_type)}, {"collation", sql_collation(collation)}});
}

// Adds the version column. now() is the same for every row, so the table is not rewritten.
void
add_version(const Attachment &attachment)
{
    run(attachment, "ALTER TABLE {customers} ADD COLUMN {version} timestamptz(3) NOT NULL DEFAULT now()", {});
    run(attachment, "ALTER TABLE {customers} ALTER COLUMN {version} DROP DEFAULT", {});
    run(attachment,
        "COMMENT ON COLUMN {customers}.{version} IS "
        "'the version of the row, set by trigger: what the next save sends as expected_ts'",
        {});
}

// Writes to the registry, which belongs to the extension's owner. Triggers are made and dropped as the newest catalog has them,
// so the rows are the newest, too, where the transaction keeps an older snapshot.
void
write_registry(Oid extension_schema, SqlTemplate statement, const Arguments &arguments)
{
    const Oid registry = registry_table(extension_schema);
    const Sql filled = sql(statement, {{"registry", sql_relation(registry)}});
    const Role caller = act_as(owner_of(table_owner(registry), extension_schema));
    const SPIPlanPtr plan = SPI_prepare(filled.text(), arguments.count, const_cast<Oid *>(arguments.types));
    if (plan == nullptr)
        elog(ERROR, "could not prepare a write to the registry: %s", SPI_result_code_string(SPI_result));
    const int result = SPI_execute_snapshot(plan, const_cast<Datum *>(arguments.values), arguments.nulls,
                                            latest_snapshot(), InvalidSnapshot, false, true, 0);
    act_again_as(caller);
    if (result < 0)
        elog(ERROR, "could not write the registry: %s", SPI_result_code_string(result));
}

Datum
name_datum(const char *name)
{
    return DirectFunctionCall1(namein, CStringGetDatum(name));
}

void
register_attachment(const Attachment &attachment, bool is_registered)
{
    const char *schema = get_namespace_name(attachment.schema);
    if (schema == nullptr)
        errors::missing_schema(attachment.schema);
    Arguments arguments;
    arguments.add(REGCLASSOID, ObjectIdGetDatum(attachment.members.customers));
    if (attachment.request.comments_column != nullptr)
        arguments.add(NAMEOID, name_datum(attachment.request.comments_column));
    else
        arguments.add_null(NAMEOID);
    arguments.add(std::string_view{attachment.request.refuses_plain_updates ? "refuse" : "allow"});
    for (const Oid member : {attachment.members.comments, attachment.members.history, attachment.members.locks})
        arguments.add(REGCLASSOID, ObjectIdGetDatum(member));
    arguments.add(NAMEOID, name_datum(schema));

    write_registry(
        attachment.extension_schema,
        "DELETE FROM {registry} r WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = r.customers)",
        Arguments{});
    // A table that has left the schema does not come back to take this one's place.
    Arguments home;
    home.add(NAMEOID, name_datum(schema));
    home.add(OIDOID, ObjectIdGetDatum(attachment.schema));
    write_registry(attachment.extension_schema,
                   "UPDATE {registry} r SET home = NULL FROM pg_catalog.pg_class c "
                   "WHERE c.oid = r.customers AND r.home = $1 AND c.relnamespace <> $2",
                   home);
    if (is_registered)
        write_registry(attachment.extension_schema,
                       "UPDATE {registry} SET comments_column = $2, plain_updates = $3, comments = $4, history = $5, "
                       "locks = $6, home = $7 WHERE customers = $1",
                       arguments);
    else
        write_registry(
            attachment.extension_schema,
            "INSERT INTO {registry} (customers, comments_column, plain_updates, comments, history, locks, home) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7)",
            arguments);
}

}  // namespace

void
attach(const AttachRequest &request, Oid extension_schema)
{
    AttachableColumns columns = require_attachable(request);
    LockRelationOid(request.customers, ShareRowExclusiveLock);

    Oid type, collation;
    std::int32_t typmod;
    get_atttypetypmodcoll(request.customers, columns.key, &type, &typmod, &collation);
    const Oid key_type = key_type_of(getBaseType(type));

    Attachment attachment = {
        .request = request,
        .extension_schema = extension_schema,
        .schema = get_rel_namespace(request.customers),
        .owner = table_owner(request.customers),
        .members = {},
        .key = get_attname(request.customers, columns.key, false),
        .key_type_sql = key_type_sql(key_type, collation),
        .key_type = key_type,
    };
    attachment.members.customers = request.customers;
    if (const Oid other = attached_in_schema(attachment.schema, extension_schema);
        OidIsValid(other) && other != request.customers)
        errors::schema_in_use(attachment.schema, other);
    const std::optional<Registered> attached = registered(request.customers, extension_schema);
    if (attached)
        take_members(attachment, *attached);

    if (columns.version == InvalidAttrNumber)
    {
        add_version(attachment);
        columns.version = get_attnum(request.customers, request.version_column);
    }
    require_companion(attachment, comments_companion, request.comments, "comments", "comments");
    require_companion(attachment, history_companion, request.history, "customer_history", "history");
    require_companion(attachment, locks_companion, request.locks, "customer_locks", "locks");
    require_fires_last(attachment.members.comments, guard_trigger);

    for (const OwnTrigger &own : own_triggers)
        if (!has_trigger(attachment, own, columns))
            create_trigger(attachment, own);
    register_attachment(attachment, attached.has_value());
    CommandCounterIncrement();
    // What is known of the table from now on raises what is wrong with it.
    attached_by_member(Part::customers, request.customers, extension_schema, Purpose::guard);
}

void
detach(Oid customers, Oid extension_schema)
{
    LockRelationOid(customers, ShareRowExclusiveLock);
    Members members = {};
    const std::optional<Registered> attached = registered(customers, extension_schema);
    if (attached)
        members = *attached;
    members.customers = customers;

    bool dropped = false;
    for (const OwnTrigger &own : own_triggers)
        dropped = drop_trigger(members[own.part], own, extension_schema) || dropped;
    if (!attached && !dropped)
        errors::nothing_to_detach(customers);

    Arguments arguments;
    arguments.add(REGCLASSOID, ObjectIdGetDatum(customers));
    write_registry(extension_schema, "DELETE FROM {registry} WHERE customers = $1", arguments);
}

}  // namespace crm
