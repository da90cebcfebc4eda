#include "attached_tables.h"

#include "../boundary/errors.h"
#include "../boundary/isolated.h"
#include "../boundary/value_json.h"
#include "column_roles.h"
#include "registry.h"

namespace crm {

namespace {

std::span<RegistryEntry>
current_entries(Oid extension_schema)
{
    AcceptInvalidationMessages();
    return registry_entries(extension_schema);
}

// A description of what the registry names, whose tables are locked. What it points to is in a context of its own below
// another. News that arrives on the way is for its first use to look at: waiting for a moment without any would take forever
// where there always are some, as with debug_discard_caches.
TableDescription *
described(const Registered &entry, Oid extension_schema, MemoryContext parent)
{
    const MemoryContext context =
        AllocSetContextCreate(CurrentMemoryContext, "crm_concurrency attached table", ALLOCSET_SMALL_SIZES);
    TableDescription *table =
        static_cast<TableDescription *>(MemoryContextAllocZero(context, sizeof(TableDescription)));
    table->context = context;
    table->extension_schema = extension_schema;
    table->customers.oid = entry.customers;
    table->comments.oid = entry.comments;
    table->history.oid = entry.history;
    table->locks.oid = entry.locks;
    table->deletions.oid = entry.deletions;
    table->comment_edits.oid = entry.comment_edits;
    table->refused_saves.oid = entry.refused_saves;
    table->is_customers = entry.is_customers;
    table->refuses_plain_updates = entry.refuses_plain_updates;
    if (entry.comments_column != nullptr)
        table->comments_column = MemoryContextStrdup(context, entry.comments_column);
    if (entry.merge_groups != nullptr)
        table->registered_merge_groups = MemoryContextStrdup(context, entry.merge_groups);
    if (entry.also_bump != nullptr)
        table->registered_also_bump = MemoryContextStrdup(context, entry.also_bump);
    const std::uint64_t news = registry_news();
    const int settings = fix_formats();
    describe(*table);
    AtEOXact_GUC(true, settings);
    MemoryContextSetParent(context, parent);
    table->news = registry_news() - news;
    return table;
}

RegistryEntry *
find_by_customers(std::span<RegistryEntry> entries, Oid customers)
{
    for (RegistryEntry &entry : entries)
        if (entry.customers == customers)
            return &entry;
    return nullptr;
}

// The customers table of a schema, which calls find that name none, or nullptr. Who moves another into a schema does not take
// the place of the one that was attached there.
RegistryEntry *
find_in_schema(std::span<RegistryEntry> entries, Oid schema)
{
    RegistryEntry *at_home = nullptr;
    RegistryEntry *any = nullptr;
    bool is_ambiguous = false;
    for (RegistryEntry &entry : entries)
    {
        if (entry.schema != schema || !entry.is_customers)
            continue;
        is_ambiguous = any != nullptr;
        any = &entry;
        if (!entry.is_at_home)
            continue;
        // Both were attached here: one of them was away in the meantime.
        if (at_home == nullptr || entry.attached_at < at_home->attached_at)
            at_home = &entry;
    }
    if (at_home == nullptr && is_ambiguous)
        ereport(ERROR,
                (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                 errmsg("schema \"%s\" has more than one attached customers table", errors::name_of_schema(schema)),
                 errdetail("None of them was attached there, and a call finds its table by schema."),
                 errhint("Choose one: SELECT crm_attach(..., as_customers => true).")));
    return at_home != nullptr ? at_home : any;
}

RegistryEntry *
find_by_search_path(std::span<RegistryEntry> entries)
{
    RegistryEntry *found = nullptr;
    List *schemas = fetch_search_path(false);
    ListCell *cell;
    foreach (cell, schemas)
    {
        if (found == nullptr && !isAnyTempNamespace(lfirst_oid(cell)))
            found = find_in_schema(entries, lfirst_oid(cell));
    }
    list_free(schemas);
    return found;
}

// Raises 42501 where the search_path names a schema with an attached table that the caller may not use.
void
require_usable_schemas(Oid extension_schema)
{
    List *names;
    if (!SplitIdentifierString(pstrdup(namespace_search_path), ',', &names))
        return;
    ListCell *cell;
    foreach (cell, names)
    {
        const char *name = static_cast<const char *>(lfirst(cell));
        const Oid schema = get_namespace_oid(name, true);
        if (OidIsValid(schema) && !has_schema_right(schema, GetUserId(), ACL_USAGE))
            for (const RegistryEntry &entry : current_entries(extension_schema))
                if (entry.schema == schema)
                    deny_schema(schema, ACL_USAGE);
    }
}

bool
may_read(const Registered &table)
{
    for (const Oid relation : {table.customers, table.comments, table.history})
        if (caller_owns(relation) || (may_name(relation) && has_right_on_any_column(relation, ACL_SELECT)))
            return true;
    return false;
}

// Raises 42501 for the columns of a customers table without which it can be neither read nor saved; for all of it where
// nothing tells them.
[[noreturn]] void
deny_customers(const Registered &table, Oid extension_schema, AclMode right)
{
    const std::optional<ColumnRoles> columns = column_roles(table.customers, extension_schema);
    if (columns && right == ACL_SELECT)
        deny_columns(table.customers, {columns->key, columns->status, columns->version}, right);
    if (columns && columns->status != InvalidAttrNumber)
        deny_columns(table.customers, {columns->status}, right);
    deny_table(table.customers, right);
}

// Raises 42501 where the caller has no business with a table, before anything is locked.
void
require_any_right(const Registered &table, Oid extension_schema, Purpose purpose)
{
    switch (purpose)
    {
        case Purpose::read:
            if (!may_read(table))
                deny_customers(table, extension_schema, ACL_SELECT);
            break;
        case Purpose::save:
            if (!has_right_on_any_column(table.customers, ACL_UPDATE))
                deny_customers(table, extension_schema, ACL_UPDATE);
            break;
        case Purpose::remove:
            if (pg_class_aclcheck(table.customers, GetUserId(), ACL_DELETE) != ACLCHECK_OK)
                deny_table(table.customers, ACL_DELETE);
            break;
        case Purpose::restore:
            if (!has_right_on_any_column(table.customers, ACL_INSERT))
                deny_table(table.customers, ACL_INSERT);
            break;
        case Purpose::comment:
            if (!has_right_on_any_column(table.comments, ACL_INSERT))
                deny_columns(table.comments,
                             {get_attnum(table.comments, "customer_id"), get_attnum(table.comments, "author"),
                              get_attnum(table.comments, "body")},
                             ACL_INSERT);
            break;
        case Purpose::correct:
            if (!has_right_on_any_column(table.comments, ACL_SELECT))
                deny_columns(table.comments,
                             {get_attnum(table.comments, "customer_id"), get_attnum(table.comments, "id"),
                              get_attnum(table.comments, "author"), get_attnum(table.comments, "body")},
                             ACL_SELECT);
            break;
        case Purpose::administer:
            require_owned(table.customers);
            break;
        case Purpose::import:
            require_owned(table.comments);
            break;
        case Purpose::prune:
            require_owned(table.history);
            break;
        case Purpose::guard:
            break;
    }
}

LOCKMODE
lock_mode(Purpose purpose)
{
    return purpose == Purpose::read ? AccessShareLock : RowExclusiveLock;
}

// Finds a table and locks it with what belongs to it, as the statements to come will. Nothing when find() does not find it.
template <typename Find>
std::optional<AttachedTable>
find_and_lock(Find find, Oid extension_schema, Purpose purpose)
{
    std::optional<Members> locked;
    for (;;)
    {
        RegistryEntry *entry = find(current_entries(extension_schema));
        if (entry == nullptr)
            return std::nullopt;
        if (!locked || *locked != static_cast<const Members &>(*entry))
        {
            require_any_right(*entry, extension_schema, purpose);
            locked = *entry;
            for (const Part part : main_parts)
                LockRelationOid((*entry)[part], lock_mode(purpose));
            // Waiting for the locks may have brought news.
            if (is_registry_stale())
                continue;
        }
        if (entry->description == nullptr)
            keep_description(*entry, described(*entry, extension_schema, registry_context()));
        return AttachedTable{*entry->description};
    }
}

}  // namespace

void
AttachedTable::prove(TableDescription &held)
{
    const std::uint64_t news = held.news;
    const RegistryEntry *entry = find_by_customers(registry_entries(held.extension_schema), held.customers.oid);
    if (entry == nullptr)
        errors::changed_meanwhile(held.customers.oid);
    const TableDescription *now = described(*entry, held.extension_schema, held.context);
    if (!held.has_facts_of(*now))
        errors::changed_meanwhile(held.customers.oid);
    held.take_access_of(*now);
    held.news_known = news;
}

AttachedTable
attached_by_search_path(Oid extension_schema, Purpose purpose)
{
    const std::optional<AttachedTable> table = find_and_lock(find_by_search_path, extension_schema, purpose);
    if (!table)
        require_usable_schemas(extension_schema);
    if (!table)
        ereport(ERROR,
                (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                 errmsg("no schema of the search_path has an attached customers table"),
                 errdetail("The first attached table that the search_path finds is used; temporary tables are not."),
                 errhint("Create the tables with SELECT crm_create_tables(), attach an existing one with "
                         "crm_attach(), or set search_path to its schema; in a materialized view or an index, "
                         "by a function with SET search_path.")));
    return *table;
}

std::optional<AttachedTable>
attached_by_member(Part part, Oid relation, Oid extension_schema, Purpose purpose)
{
    const auto find = [=](std::span<RegistryEntry> entries) -> RegistryEntry * {
        const auto found = std::ranges::find_if(entries, [=](const RegistryEntry &e) { return e[part] == relation; });
        return found == entries.end() ? nullptr : &*found;
    };
    return find_and_lock(find, extension_schema, purpose);
}

AttachedTable
attached_by_name(Oid customers, Oid extension_schema, Purpose purpose)
{
    const std::optional<AttachedTable> table =
        attached_by_member(Part::customers, customers, extension_schema, purpose);
    if (!table)
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("table \"%s\" is not attached", errors::name_of(customers)),
                        errdetail("crm_attached_tables has no row for it."),
                        errhint("Its owner attaches it with crm_attach().")));
    return *table;
}

Oid
attached_in_schema(Oid schema, Oid extension_schema)
{
    const RegistryEntry *entry = find_in_schema(current_entries(extension_schema), schema);
    return entry == nullptr ? InvalidOid : entry->customers;
}

bool
is_found_by_search_path(Oid customers, Oid extension_schema)
{
    const RegistryEntry *entry = find_by_search_path(current_entries(extension_schema));
    return entry != nullptr && entry->customers == customers;
}

std::optional<Registered>
registered(Oid customers, Oid extension_schema)
{
    const RegistryEntry *entry = find_by_customers(current_entries(extension_schema), customers);
    return entry == nullptr ? std::nullopt : std::optional<Registered>{*entry};
}

void
each_readable_table(Oid extension_schema, TableVisitor &visitor)
{
    const std::span<RegistryEntry> entries = current_entries(extension_schema);
    // The reading may be replaced on the way.
    Registered *readable = static_cast<Registered *>(palloc(entries.size() * sizeof(Registered) + 1));
    std::size_t count = 0;
    for (const RegistryEntry &entry : entries)
        if (may_read(entry))
            readable[count++] = entry;
    for (const Registered &table : std::span(readable, count))
    {
        CHECK_FOR_INTERRUPTS();
        if (const char *problem = isolated([&] { visitor.visit(table); }))
            visitor.on_problem(table, problem);
    }
}

void
require_corrections(const AttachedTable &table)
{
    if (table->has_corrections())
        return;
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("comments of table \"%s\" cannot be corrected", errors::name_of(table->comments.oid)),
                    errdetail("There is no table of the same owner for their earlier texts, or they lack one of the "
                              "columns edited_at (timestamptz), edited_by (text) and withdrawn_at (timestamptz)."),
                    errhint("SELECT crm_attach('%s') again, with the columns of the table: it makes what is missing.",
                            table->customers.sql.text())));
}

void
require_triggers(const AttachedTable &table)
{
    if (table->is_guarded && SessionReplicationRole != SESSION_REPLICATION_ROLE_REPLICA)
        return;
    for (const OwnTrigger &own : own_triggers)
    {
        if (!own.saves_need_it)
            continue;
        Relation relation = table_open((*table)[own.part].oid, NoLock);
        const Trigger *trigger = find_trigger(relation, own, table->extension_schema);
        if (trigger == nullptr)
            errors::missing_trigger(RelationGetRelid(relation), own.function);
        if (!fires(*trigger))
            ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                            errmsg("trigger \"%s\" of table \"%s\" is disabled", trigger->tgname,
                                   errors::name_of(RelationGetRelid(relation))),
                            errdetail("Without it, concurrent changes would go unnoticed."),
                            errhint("Use ALTER TABLE ... ENABLE TRIGGER, and SET session_replication_role = origin.")));
        table_close(relation, NoLock);
    }
}

}  // namespace crm
