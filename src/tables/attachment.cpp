#include "attachment.h"

#include "../boundary/errors.h"
#include "../boundary/role.h"
#include "../boundary/snapshot.h"
#include "../boundary/spi.h"
#include "attached_tables.h"
#include "column_roles.h"
#include "companions.h"
#include "key.h"
#include "own_triggers.h"

namespace crm {

namespace {

// Either may be none: a table without a status.
[[noreturn]] void
other_columns(Oid customers, AttrNumber attached, const char *asked)
{
    ereport(ERROR,
            (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
             attached == InvalidAttrNumber
                 ? errmsg("table \"%s\" is attached without a status", errors::name_of(customers))
                 : errmsg("table \"%s\" is attached with column \"%s\"", errors::name_of(customers),
                          get_attname(customers, attached, false)),
             asked == nullptr ? errdetail("It cannot be attached without a status as well. Nothing was changed.")
                              : errdetail("It cannot be attached with \"%s\" as well. Nothing was changed.", asked),
             errhint("Detach it first with crm_detach(), which leaves all data.")));
}

void
create_trigger(const Attachment &attachment, SqlTemplate create, const OwnTrigger &own, const char *name)
{
    run(attachment, "{create} {trigger} {timing} ON {table} {level} EXECUTE FUNCTION {extension}.{function}()",
        {{"create", sql(create)},
         {"trigger", sql_identifier(name)},
         {"timing", filled_in(attachment, own.timing)},
         {"table", sql_relation(attachment.members[own.part])},
         {"level", filled_in(attachment, own.level)},
         {"function", sql_identifier(own.function)}});
}

// Creates a trigger where the table has none that does its work, and replaces that of version 1.0 for the key.
void
require_trigger(const Attachment &attachment, const OwnTrigger &own)
{
    Relation relation = table_open(attachment.members[own.part], AccessShareLock);
    const Trigger *trigger = find_trigger(relation, own, attachment.extension_schema);
    table_close(relation, NoLock);
    if (trigger == nullptr)
        create_trigger(attachment, "CREATE TRIGGER", own, own.name);
    else if (trigger->tgnattr > 1 && attachment.has_later_parts)
        create_trigger(attachment, "CREATE OR REPLACE TRIGGER", own, trigger->tgname);
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
    // A statement that is writing the table would end without it.
    if (is_there)
        CheckTableNotInUse(relation, "DROP TRIGGER");
    const Sql statement = is_there ? sql("DROP TRIGGER {trigger} ON {table}",
                                         {{"trigger", sql_identifier(trigger->tgname)}, {"table", sql_relation(table)}})
                                   : Sql{};
    table_close(relation, NoLock);
    if (is_there)
        run_utility(statement);
    return is_there;
}

// Whether the statistics object is as crm_attach() makes it. It keeps its owner when the table gets another, and
// PostgreSQL forgets its target when the type of a column is altered.
bool
is_as_made(Oid object, Oid owner)
{
    HeapTuple tuple = SearchSysCache1(STATEXTOID, ObjectIdGetDatum(object));
    if (!HeapTupleIsValid(tuple))
        return false;
    bool is_null;
    const Datum target = SysCacheGetAttr(STATEXTOID, tuple, Anum_pg_statistic_ext_stxstattarget, &is_null);
    const bool result =
        reinterpret_cast<FormData_pg_statistic_ext *>(GETSTRUCT(tuple))->stxowner == owner && !is_null && target == 0;
    ReleaseSysCache(tuple);
    return result;
}

// Drops the statistics object of a table for the table's owner, whoever owns the object.
void
drop_column_roles(Oid object)
{
    const ObjectAddress address = {StatisticExtRelationId, object, 0};
    performDeletion(&address, DROP_RESTRICT, 0);
    CommandCounterIncrement();
}

// A name for the statistics object that no other has: a table may have been renamed, and another taken its place.
const char *
free_name_for_column_roles(const Attachment &attachment)
{
    const char *table = get_rel_name(attachment.request.customers);
    const char *name = makeObjectName(table, nullptr, column_roles_label);
    for (int i = 1;
         SearchSysCacheExists2(STATEXTNAMENSP, CStringGetDatum(name), ObjectIdGetDatum(attachment.companions_schema));
         i++)
        name = makeObjectName(table, psprintf("%d", i), column_roles_label);
    return name;
}

// Makes the table tell its columns, those that are asked for; raises 55000 where it tells others. SQL objects of
// version 1.0 go by the trigger.
void
require_column_roles(const Attachment &attachment, const AttachableColumns &columns)
{
    const Oid customers = attachment.request.customers;
    Relation relation = table_open(customers, NoLock);
    const std::optional<ColumnRoles> told = column_roles(relation, attachment.extension_schema);
    const Oid found = column_roles_object(relation);
    table_close(relation, NoLock);
    if (told && told->status != columns.status)
        other_columns(customers, told->status, attachment.request.status_column);
    if (told && told->version != columns.version)
        other_columns(customers, told->version, attachment.request.version_column);
    if (!attachment.has_later_parts)
        return;
    if (told && OidIsValid(found) && is_as_made(found, attachment.owner))
        return;
    if (OidIsValid(found))
        drop_column_roles(found);

    const Sql object = sql_qualified(attachment.companions_schema, free_name_for_column_roles(attachment));
    // One kind suffices to name columns, and with a target of 0 ANALYZE does not compute it.
    run(attachment, "CREATE STATISTICS {object} (ndistinct) ON {roles} FROM {customers}", {{"object", object}});
    run(attachment, "ALTER STATISTICS {object} SET STATISTICS 0", {{"object", object}});
    run(attachment,
        "COMMENT ON STATISTICS {object} IS "
        "'names the key, the status and the version of its table for crm_concurrency'",
        {{"object", object}});
    if (attachment.owner != GetUserId())
        run(attachment, "ALTER STATISTICS {object} OWNER TO {owner}", {{"object", object}});
}

// The type that tables which refer to the customers give their keys.
Sql
key_type_sql(Oid key_type, Oid collation)
{
    if (key_type != TEXTOID || collation == DEFAULT_COLLATION_OID || !OidIsValid(collation))
        return sql_type(key_type);
    return sql("{type} COLLATE {collation}", {{"type", sql_type(key_type)}, {"collation", sql_collation(collation)}});
}

// Gives a column that must have a value and has no default this one.
void
require_default(Oid table, AttrNumber number, SqlTemplate expression)
{
    HeapTuple tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(table), Int16GetDatum(number));
    if (!HeapTupleIsValid(tuple))
        return;
    const FormData_pg_attribute column = *reinterpret_cast<FormData_pg_attribute *>(GETSTRUCT(tuple));
    ReleaseSysCache(tuple);
    if (column.attnotnull && !column.atthasdef && !column.attisdropped)
        run_utility(sql("ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT {expression}",
                        {{"table", sql_relation(table)},
                         {"column", sql_identifier(NameStr(column.attname))},
                         {"expression", sql(expression)}}));
}

// Lets plain INSERTs go on without the triggers that fill in columns.
void
require_defaults(Oid customers, AttrNumber version, Oid comments)
{
    require_default(customers, version, default_version);
    if (const AttrNumber created_at = get_attnum(comments, "created_at"); created_at > 0)
        require_default(comments, created_at, default_created_at);
}

// Adds the version column. now() is the same for every row, so the table is not rewritten.
void
add_version(const Attachment &attachment)
{
    run(attachment, "ALTER TABLE {customers} ADD COLUMN {version} timestamptz NOT NULL DEFAULT now()", {});
    run(attachment, "ALTER TABLE {customers} ALTER COLUMN {version} SET DEFAULT {default}",
        {{"default", sql(default_version)}});
    run(attachment, "COMMENT ON COLUMN {customers}.{version} IS {comment}",
        {{"comment", sql_literal(version_comment)}});
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

// Whether the registry has the columns that are not in SQL objects of version 1.0, where a schema has one attached table.
bool
has_later_columns(Oid extension_schema)
{
    return get_attnum(registry_table(extension_schema), "is_customers") != InvalidAttrNumber;
}

// Fills in what the registry has no column for in version 1.0.
void
register_later_facts(const Attachment &attachment)
{
    Arguments arguments;
    arguments.add(REGCLASSOID, ObjectIdGetDatum(attachment.members.customers));
    arguments.add(BOOLOID, BoolGetDatum(attachment.is_customers));
    for (const Part part : later_parts)
        arguments.add(REGCLASSOID, ObjectIdGetDatum(attachment.members[part]));
    for (const std::optional<Datum> &columns : {attachment.request.merge_groups, attachment.request.also_bump})
        if (columns)
            arguments.add(JSONBOID, *columns);
        else
            arguments.add_null(JSONBOID);
    write_registry(attachment.extension_schema,
                   "UPDATE {registry} SET is_customers = $2, deletions = $3, comment_edits = $4, refused_saves = $5, "
                   "merge_groups = CASE WHEN $6 IS NULL THEN merge_groups "
                   "WHEN pg_catalog.jsonb_array_length($6) OPERATOR(pg_catalog.>) 0 THEN $6 END, "
                   "also_bump = CASE WHEN $7 IS NULL THEN also_bump "
                   "WHEN pg_catalog.jsonb_array_length($7) OPERATOR(pg_catalog.>) 0 THEN $7 END "
                   "WHERE customers = $1",
                   arguments);
}

void
set_is_customers(Oid table, bool is_customers, Oid extension_schema)
{
    Arguments arguments;
    arguments.add(REGCLASSOID, ObjectIdGetDatum(table));
    arguments.add(BOOLOID, BoolGetDatum(is_customers));
    write_registry(extension_schema, "UPDATE {registry} SET is_customers = $2 WHERE customers = $1", arguments);
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
    if (attachment.has_later_parts)
        register_later_facts(attachment);
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
        .companions_schema = get_rel_namespace(request.customers),
        .owner = table_owner(request.customers),
        .members = {},
        .key = get_attname(request.customers, columns.key, false),
        .key_type_sql = key_type_sql(key_type, collation),
        .key_type = key_type,
    };
    attachment.members.customers = request.customers;
    const std::optional<Registered> attached = registered(request.customers, extension_schema);
    const Oid customers = attached_in_schema(attachment.schema, extension_schema);
    const bool is_taken = OidIsValid(customers) && customers != request.customers;
    attachment.is_customers = request.as_customers || !is_taken;
    attachment.has_later_parts = has_later_columns(extension_schema);
    if (is_taken && !attachment.has_later_parts)
        errors::schema_in_use(attachment.schema, customers);
    // Who may create tables in a schema must not have the calls of others find one of theirs.
    if (is_taken && request.as_customers)
        require_owned(customers);
    if (is_taken && request.as_customers)
        set_is_customers(customers, false, extension_schema);
    if (attached)
        take_members(attachment, *attached);
    choose_companions_schema(attachment);

    if (columns.version == InvalidAttrNumber)
    {
        add_version(attachment);
        columns.version = get_attnum(request.customers, request.version_column);
    }
    require_companions(attachment);
    require_fires_last(attachment.members.comments, guard_trigger);

    require_column_roles(attachment, columns);
    for (const OwnTrigger &own : own_triggers)
        if (attachment.has_later_parts || !own.is_later)
            require_trigger(attachment, own);
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

    if (const std::optional<ColumnRoles> columns = column_roles(customers, extension_schema))
        require_defaults(customers, columns->version, members.comments);
    // What is dropped belongs to no attached table any more.
    Arguments arguments;
    arguments.add(REGCLASSOID, ObjectIdGetDatum(customers));
    write_registry(extension_schema, "DELETE FROM {registry} WHERE customers = $1", arguments);
    Relation relation = table_open(customers, NoLock);
    const Oid object = column_roles_object(relation);
    table_close(relation, NoLock);
    bool dropped = OidIsValid(object);
    if (dropped)
        drop_column_roles(object);
    for (const OwnTrigger &own : own_triggers)
        dropped = drop_trigger(members[own.part], own, extension_schema) || dropped;
    if (!attached && !dropped)
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("table \"%s\" is not attached", errors::name_of(customers)),
                        errdetail("crm_attached_tables has no row for it, and it has no trigger of crm_concurrency."),
                        errhint("Name the customers table.")));
}

}  // namespace crm
