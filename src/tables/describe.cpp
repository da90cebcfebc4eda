#include "table_description.h"

#include "../boundary/errors.h"
#include "attached_tables.h"
#include "column_roles.h"
#include "companion_columns.h"
#include "key.h"
#include "lookup_index.h"
#include "status.h"

namespace crm {

namespace {

[[noreturn]] void
wrong_column_type(Oid table, const char *column, Oid type, const char *expected)
{
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("column \"%s\" of attached table \"%s\" has type %s", column, errors::name_of(table),
                           format_type_be(type)),
                    errdetail("It must have type %s.", expected),
                    errhint("Give the column its type back; first drop the trigger that names it, if there is one, and "
                            "SELECT crm_attach(...) again in the end.")));
}

// Fills in what pg_class says of a table that is locked, and returns its schema.
Oid
describe_relation(PartFacts &part)
{
    HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(part.oid));
    if (!HeapTupleIsValid(tuple))
        errors::missing_table(part.oid);
    const FormData_pg_class form = *reinterpret_cast<FormData_pg_class *>(GETSTRUCT(tuple));
    ReleaseSysCache(tuple);
    if (form.relkind != RELKIND_RELATION)
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("attached relation \"%s\" is no ordinary table any more", errors::name_of(part.oid)),
                        errdetail("It was made another kind of relation after it was attached."),
                        errhint("Drop it, and SELECT crm_attach(...) again: it makes what is missing.")));
    part.owner = owner_of(form.relowner, form.relnamespace);
    part.policies = {form.relrowsecurity, form.relforcerowsecurity};
    part.sql = sql_relation(part.oid);
    return form.relnamespace;
}

// Fills in what is known of a table that may be missing, and is not locked.
void
describe_later_part(PartFacts &part)
{
    if (OidIsValid(part.oid) && get_rel_relkind(part.oid) == RELKIND_RELATION)
        describe_relation(part);
    else
        part.oid = InvalidOid;
}

template <typename Facts>
void
find_columns(Facts &part, std::span<const CompanionColumn<Facts>> columns, Oid key_type)
{
    for (const CompanionColumn<Facts> &column : columns)
    {
        const AttrNumber number = get_attnum(part.oid, column.name);
        if (number <= 0)
            errors::missing_column(part.oid, column.name);
        if (const Oid actual = get_atttype(part.oid, number); !column.may_be_of(actual, key_type))
            wrong_column_type(part.oid, column.name, actual, format_type_be(column.type_for(key_type)));
        part.*column.number = number;
    }
}

// Those that may be missing are found where they have their type.
template <typename Facts>
void
find_later_columns(Facts &part, std::span<const CompanionColumn<Facts>> columns)
{
    for (const CompanionColumn<Facts> &column : columns)
    {
        const AttrNumber number = get_attnum(part.oid, column.name);
        part.*column.number =
            number > 0 && column.may_be_of(get_atttype(part.oid, number), InvalidOid) ? number : InvalidAttrNumber;
    }
}

[[noreturn]] void
missing_column_roles(Oid table)
{
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("nothing tells which columns of attached table \"%s\" are its status and version",
                           errors::name_of(table)),
                    errdetail("The statistics object \"..._%s\" names them; it goes when one of them is dropped.",
                              column_roles_label),
                    errhint("SELECT crm_attach(...) again with the columns of the table: it makes what is missing.")));
}

// Finds out which columns are key, status and version, from the table's own objects: so they follow renames, and a
// table that came by the OID of an attached one is not taken for it. Returns its columns.
TupleDesc
find_columns_of_customers(Customers &customers, Oid extension_schema)
{
    Relation relation = table_open(customers.oid, NoLock);
    if (find_trigger(relation, version_trigger, extension_schema) == nullptr)
        errors::missing_trigger(customers.oid, version_trigger.function);
    if (find_trigger(relation, key_trigger, extension_schema) == nullptr)
        errors::missing_trigger(customers.oid, key_trigger.function);
    const std::optional<ColumnRoles> columns_told = column_roles(relation, extension_schema);
    if (!columns_told)
        missing_column_roles(customers.oid);
    customers.key = columns_told->key;
    customers.status = columns_told->status;
    customers.version = columns_told->version;
    const TupleDesc columns = CreateTupleDescCopy(RelationGetDescr(relation));
    table_close(relation, NoLock);

    std::int32_t typmod;
    Oid type, collation;
    get_atttypetypmodcoll(customers.oid, customers.key, &type, &typmod, &collation);
    customers.key_column_type = getBaseType(type);
    customers.key_type = key_type_of(customers.key_column_type);
    if (!OidIsValid(customers.key_type))
        wrong_column_type(customers.oid, get_attname(customers.oid, customers.key, false), type,
                          "smallint, integer, bigint, uuid, text or varchar, or a domain over one of them");

    if (customers.has_status())
        get_atttypetypmodcoll(customers.oid, customers.status, &customers.status_type, &customers.status_typmod,
                              &collation);
    if (customers.has_status() && !can_be_status(customers.status_type))
        wrong_column_type(customers.oid, get_attname(customers.oid, customers.status, false), customers.status_type,
                          "text, varchar, citext, an enum or an integer, or a domain over one of them");

    get_atttypetypmodcoll(customers.oid, customers.version, &type, &typmod, &collation);
    if (getBaseType(type) != TIMESTAMPTZOID)
        wrong_column_type(customers.oid, get_attname(customers.oid, customers.version, false), type,
                          format_type_be(TIMESTAMPTZOID));
    if (typmod >= 0 && typmod < 3)
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("column \"%s\" of attached table \"%s\" does not hold milliseconds",
                               get_attname(customers.oid, customers.version, false), errors::name_of(customers.oid)),
                        errdetail("Versions are at least a millisecond apart."),
                        errhint("ALTER TABLE %s ALTER COLUMN %s TYPE timestamptz;", sql_relation(customers.oid).text(),
                                quote_identifier(get_attname(customers.oid, customers.version, false)))));
    return columns;
}

// A domain may refuse the null that a column without a default gets.
bool
has_domains(Relation relation)
{
    const TupleDesc columns = RelationGetDescr(relation);
    for (int i = 0; i < columns->natts; i++)
        if (!TupleDescAttr(columns, i)->attisdropped &&
            get_typtype(TupleDescAttr(columns, i)->atttypid) == TYPTYPE_DOMAIN)
            return true;
    return false;
}

// Whether the executor's simple calls do to a table what a statement of this kind would.
bool
is_plain(Relation relation, CmdType command, Oid extension_schema)
{
    for (const Trigger &trigger : triggers_of(relation))
    {
        const bool is_for_command =
            command == CMD_UPDATE ? TRIGGER_FOR_UPDATE(trigger.tgtype) : TRIGGER_FOR_INSERT(trigger.tgtype);
        const bool has_transition_tables = trigger.tgoldtable != nullptr || trigger.tgnewtable != nullptr;
        if (is_for_command &&
            (has_transition_tables || (!TRIGGER_FOR_ROW(trigger.tgtype) && !is_own(trigger, extension_schema))))
            return false;
    }
    return is_ordinary(relation) && (command == CMD_UPDATE || !has_domains(relation));
}

// Whether a foreign key is satisfied when one of its columns is null.
bool
matches_null(Oid constraint)
{
    HeapTuple tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
    if (!HeapTupleIsValid(tuple))
        return false;
    const char match = reinterpret_cast<FormData_pg_constraint *>(GETSTRUCT(tuple))->confmatchtype;
    ReleaseSysCache(tuple);
    return match == FKCONSTR_MATCH_SIMPLE;
}

// Whether a foreign key is checked by a trigger that fires at the end of each insertion of a comment.
bool
is_checked_at_once(Relation comments, Oid constraint)
{
    for (const Trigger &trigger : triggers_of(comments))
        if (trigger.tgfoid == F_RI_FKEY_CHECK_INS && trigger.tgconstraint == constraint)
            return !trigger.tgdeferrable && trigger.tgenabled == TRIGGER_FIRES_ON_ORIGIN;
    return false;
}

// Whether triggers of others see, and may change, a row before it is updated.
bool
is_changed_before_update(Relation customers, Oid extension_schema)
{
    for (const Trigger &trigger : triggers_of(customers))
        if (TRIGGER_FOR_ROW(trigger.tgtype) && TRIGGER_FOR_BEFORE(trigger.tgtype) &&
            TRIGGER_FOR_UPDATE(trigger.tgtype) && !is_own(trigger, extension_schema))
            return true;
    return false;
}

bool
fires_triggers_of_others(const TableDescription &table, Relation relation, CmdType command)
{
    for (const Trigger &trigger : triggers_of(relation))
        if (!trigger.tgisinternal && !has_nothing_to_do(table, trigger, command))
            return true;
    return false;
}

// Fills in the foreign keys that a save need not have checked, when nothing but the extension's triggers runs between the
// insertion of a comment and the check.
void
describe_references(TableDescription &table, Relation comments)
{
    for (const Trigger &trigger : triggers_of(comments))
        if (!trigger.tgisinternal && !is_own(trigger, table.extension_schema))
            return;
    ListCell *cell;
    foreach (cell, copied_foreign_keys(comments))
    {
        const ForeignKeyCacheInfo *key = static_cast<const ForeignKeyCacheInfo *>(lfirst(cell));
        if (!is_checked_at_once(comments, key->conoid))
            continue;
        const std::span columns(key->conkey, key->nkeys);
        if (key->nkeys == 1 && columns[0] == table.comments.customer_id && key->confrelid == table.customers.oid &&
            key->confkey[0] == table.customers.key)
            table.comments.reference_constraint = key->conoid;
        else if (std::ranges::find(columns, table.comments.reply_to) != columns.end() && matches_null(key->conoid))
            table.comments.reply_constraint = key->conoid;
    }
}

// Whether the triggers that saves need are there and fire where nothing is being replicated.
bool
is_guarded(const TableDescription &table)
{
    bool is_guarded = true;
    for (const OwnTrigger &own : own_triggers)
    {
        if (!own.saves_need_it)
            continue;
        Relation relation = table_open(table[own.part].oid, NoLock);
        const Trigger *trigger = find_trigger(relation, own, table.extension_schema);
        is_guarded = is_guarded && trigger != nullptr &&
                     (trigger->tgenabled == TRIGGER_FIRES_ON_ORIGIN || trigger->tgenabled == TRIGGER_FIRES_ALWAYS);
        table_close(relation, NoLock);
    }
    return is_guarded;
}

// Fills in whether and how the direct access path serves the tables, of which nothing is known yet.
void
describe_access(TableDescription &table)
{
    const Oid key_type = table.customers.key_type;
    Relation customers = table_open(table.customers.oid, NoLock);
    Relation comments = table_open(table.comments.oid, NoLock);
    Relation history = table_open(table.history.oid, NoLock);
    Relation locks = table_open(table.locks.oid, NoLock);
    table.is_guarded = is_guarded(table);
    describe_references(table, comments);

    table.customers.index = key_index(table.customers, customers);
    table.comments.index = index_of(comments, {table.comments.customer_id, table.comments.id}, {key_type, INT8OID});
    table.comments.kept_index =
        index_of(comments, {table.comments.customer_id, table.comments.refused_request}, {key_type, UUIDOID});
    table.history.index =
        index_of(history, {table.history.customer_id, table.history.version}, {key_type, TIMESTAMPTZOID});
    table.locks.index = index_of(locks, {table.locks.customer_id}, {key_type});

    table.customers.is_plain =
        OidIsValid(table.customers.index.index) && is_plain(customers, CMD_UPDATE, table.extension_schema);
    table.comments.is_plain = is_plain(comments, CMD_INSERT, table.extension_schema);
    table.history.is_plain = is_plain(history, CMD_INSERT, table.extension_schema);
    table.customers.is_changed_before_update = is_changed_before_update(customers, table.extension_schema);
    table.customers.may_be_recorded_at_end = may_be_recorded_at_end(table, customers);
    table.history.may_be_written_without_triggers =
        table.history.is_plain && !fires_triggers_of_others(table, history, CMD_INSERT);
    table.customers.may_be_written_without_triggers = table.is_guarded &&
                                                      table.history.may_be_written_without_triggers &&
                                                      !fires_triggers_of_others(table, customers, CMD_UPDATE);
    table.comments.may_be_written_without_triggers =
        table.is_guarded && !fires_triggers_of_others(table, comments, CMD_INSERT);
    table_close(locks, NoLock);
    table_close(history, NoLock);
    table_close(comments, NoLock);
    table_close(customers, NoLock);
}

// Fills in what statements on comments say of corrections.
void
describe_corrections(TableDescription &table)
{
    table.corrections = {sql("NULL::pg_catalog.timestamptz AS edited_at, NULL::pg_catalog.text AS edited_by, "
                             "NULL::pg_catalog.timestamptz AS withdrawn_at"),
                         sql("c.body"), table.comments.sql};
    if (!table.has_corrections())
        return;
    std::int32_t typmod;
    Oid type, collation;
    get_atttypetypmodcoll(table.comments.oid, table.comments.body, &type, &typmod, &collation);
    const SqlName names[] = {{"comments", table.comments.sql},
                             {"earlier", sql("e.body COLLATE {collation}", {{"collation", sql_collation(collation)}})},
                             {"edits", table.comment_edits.sql}};
    table.corrections = {
        sql("edited_at, edited_by, withdrawn_at"),
        copied(sql("CASE WHEN c.edited_at IS NULL THEN c.body WHEN c.withdrawn_at IS NULL THEN coalesce("
                   "(SELECT {earlier} FROM {edits} e WHERE e.customer_id OPERATOR(pg_catalog.=) c.customer_id "
                   "AND e.comment_id OPERATOR(pg_catalog.=) c.id ORDER BY e.edited_at LIMIT 1), c.body) END",
                   names),
               table.context),
        copied(sql("(SELECT customer_id, id, author, body, created_at FROM {comments} "
                   "UNION SELECT c.customer_id, c.id, c.author, {earlier}, c.created_at FROM {comments} c "
                   "JOIN {edits} e ON e.customer_id OPERATOR(pg_catalog.=) c.customer_id "
                   "AND e.comment_id OPERATOR(pg_catalog.=) c.id) t",
                   names),
               table.context)};
}

}  // namespace

void
describe(TableDescription &table)
{
    const MemoryContext caller = MemoryContextSwitchTo(table.context);
    table.schema = describe_relation(table.customers);
    for (PartFacts *part : {static_cast<PartFacts *>(&table.comments), static_cast<PartFacts *>(&table.history),
                            static_cast<PartFacts *>(&table.locks)})
        describe_relation(*part);
    for (PartFacts *part : {&table.deletions, &table.comment_edits, &table.refused_saves})
        describe_later_part(*part);
    table.columns = find_columns_of_customers(table.customers, table.extension_schema);
    find_columns<CommentsFacts>(table.comments, comments_columns, table.customers.key_type);
    find_columns<HistoryFacts>(table.history, history_columns, table.customers.key_type);
    find_columns<LocksFacts>(table.locks, locks_columns, table.customers.key_type);
    find_later_columns<CommentsFacts>(table.comments, later_comments_columns);
    find_later_columns<HistoryFacts>(table.history, later_history_columns);
    find_later_columns<LocksFacts>(table.locks, later_locks_columns);
    table.merge_groups = merge_groups_of(table.customers.oid, table.registered_merge_groups);
    table.also_bump = bumped_columns_of(table.customers.oid, table.registered_also_bump,
                                        {table.customers.key, table.customers.status, table.customers.version});
    describe_access(table);
    describe_corrections(table);

    // The quoting may have returned a name of the catalogue as it is.
    const auto name = [&table](AttrNumber column) {
        return copied(sql_identifier(get_attname(table.customers.oid, column, false)), table.context);
    };
    table.customers.key_sql = name(table.customers.key);
    table.customers.status_sql = table.customers.status_of_row_sql = sql("NULL::pg_catalog.text");
    if (table.customers.has_status())
    {
        table.customers.status_sql = name(table.customers.status);
        table.customers.status_of_row_sql =
            copied(sql("c.{status}", {{"status", table.customers.status_sql}}), table.context);
    }
    table.customers.version_sql = name(table.customers.version);
    MemoryContextSwitchTo(caller);
}

}  // namespace crm
