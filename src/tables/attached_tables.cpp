#include "attached_tables.h"

#include "../boundary/errors.h"
#include "../boundary/isolated.h"
#include "../boundary/settings.h"
#include "../boundary/transaction.h"
#include "../boundary/value_json.h"
#include "own_triggers.h"

namespace crm {

namespace {

// A row of the registry with what was found out of its tables when a call first used them.
struct Entry : Registered
{
    TableDescription *description;
};

// One reading of the registry, in a memory context of its own.
struct Reading
{
    MemoryContext context;
    Oid registry;
    int count;
    Entry *entries;
    List *missing;                  // customers tables that were not there: a rollback brings a dropped one back
    Reading *next;                  // of those that were replaced
    std::uint64_t replaced_during;  // the transaction that did
};

Reading *current = nullptr;
Reading *replaced = nullptr;
bool stale = true;

// All that calls may have in hand, of replaced readings too.
TableDescription *descriptions = nullptr;

// How often anything has changed.
std::uint64_t all_news = 0;

void
everything_changed()
{
    all_news++;
    stale = true;
    for (TableDescription *table = descriptions; table != nullptr; table = table->next)
        table->news++;
}

void
relation_changed(Datum, Oid relation)
{
    all_news++;
    const auto is_meant = [relation](const Members &tables) { return relation == InvalidOid || tables.has(relation); };
    for (TableDescription *table = descriptions; table != nullptr; table = table->next)
        if (is_meant(table->members()))
            table->news++;
    if (current == nullptr)
        stale = true;
    else if (relation == current->registry)
        everything_changed();
    else if (list_member_oid(current->missing, relation))
        stale = true;
    else
        for (int i = 0; i < current->count && !stale; i++)
            stale = is_meant(current->entries[i]);
}

// Schemas and roles: what is known of a table names its schema, and who may create there.
void
names_changed(Datum, int, uint32)
{
    everything_changed();
}

void
forget(TableDescription *description)
{
    for (TableDescription **link = &descriptions; *link != nullptr; link = &(*link)->next)
        if (*link == description)
        {
            *link = description->next;
            break;
        }
    for (const KeptPlan &kept : std::span(description->plans, description->plan_count))
        if (kept.plan != nullptr)
            SPI_freeplan(kept.plan);
}

// Frees the readings that no call can be using any more.
void
free_replaced_readings()
{
    for (Reading **link = &replaced; *link != nullptr;)
    {
        Reading *reading = *link;
        if (reading->replaced_during == transaction_number())
        {
            link = &reading->next;
            continue;
        }
        *link = reading->next;
        for (int i = 0; i < reading->count; i++)
            if (reading->entries[i].description != nullptr)
                forget(reading->entries[i].description);
        MemoryContextDelete(reading->context);
    }
}

std::optional<Datum>
registry_value(Relation registry, HeapTuple tuple, const char *column)
{
    bool is_null;
    const AttrNumber attribute = get_attnum(RelationGetRelid(registry), column);
    if (attribute <= 0)
        errors::missing_column(RelationGetRelid(registry), column);
    const Datum value = heap_getattr(tuple, attribute, RelationGetDescr(registry), &is_null);
    if (is_null)
        return std::nullopt;
    return value;
}

Datum
required_value(Relation registry, HeapTuple tuple, const char *column)
{
    const std::optional<Datum> value = registry_value(registry, tuple, column);
    if (!value)
        errors::malformed_registry(column);
    return *value;
}

// Opens the registry, the one that is there when its lock is granted: meanwhile the extension may have gone, and come again.
Relation
open_registry(Oid extension_schema)
{
    for (;;)
    {
        const Oid registry = registry_table(extension_schema);
        LockRelationOid(registry, AccessShareLock);
        if (registry_table(extension_schema) == registry)
            return table_open(registry, NoLock);
        UnlockRelationOid(registry, AccessShareLock);
    }
}

// Reads the registry into the current context, the newest row of each customers table that still exists.
void
read_registry(Reading &reading, Oid extension_schema)
{
    int capacity = 8;
    reading.entries = static_cast<Entry *>(palloc0(capacity * sizeof(Entry)));

    Relation registry = open_registry(extension_schema);
    reading.registry = RelationGetRelid(registry);
    SysScanDesc scan = systable_beginscan(registry, InvalidOid, false, nullptr, 0, nullptr);
    for (HeapTuple row; HeapTupleIsValid(row = systable_getnext(scan));)
    {
        Entry entry = {};
        entry.customers = DatumGetObjectId(required_value(registry, row, "customers"));
        entry.comments = DatumGetObjectId(required_value(registry, row, "comments"));
        entry.history = DatumGetObjectId(required_value(registry, row, "history"));
        entry.locks = DatumGetObjectId(required_value(registry, row, "locks"));
        if (const std::optional<Datum> column = registry_value(registry, row, "comments_column"))
            entry.comments_column = pstrdup(NameStr(*DatumGetName(*column)));
        if (const std::optional<Datum> home = registry_value(registry, row, "home"))
            entry.home = pstrdup(NameStr(*DatumGetName(*home)));
        entry.refuses_plain_updates = text_of(required_value(registry, row, "plain_updates")) == "refuse";
        entry.attached_at = {DatumGetTimestampTz(required_value(registry, row, "attached_at"))};
        entry.schema = get_rel_namespace(entry.customers);
        if (!OidIsValid(entry.schema))
        {
            reading.missing = lappend_oid(reading.missing, entry.customers);
            continue;
        }

        int i = 0;
        while (i < reading.count && reading.entries[i].customers != entry.customers)
            i++;
        if (i < reading.count && reading.entries[i].attached_at > entry.attached_at)
            continue;
        if (i == capacity)
        {
            capacity *= 2;
            reading.entries = static_cast<Entry *>(repalloc(reading.entries, capacity * sizeof(Entry)));
        }
        reading.entries[i] = entry;
        reading.count = std::max(reading.count, i + 1);
    }
    systable_endscan(scan);
    table_close(registry, AccessShareLock);
}

void
read_again(Oid extension_schema)
{
    // A change that arrives while the registry is being read must not be missed.
    stale = false;

    MemoryContext context =
        AllocSetContextCreate(CurrentMemoryContext, "crm_concurrency attached tables", ALLOCSET_SMALL_SIZES);
    MemoryContext caller = MemoryContextSwitchTo(context);
    Reading *reading = static_cast<Reading *>(palloc0(sizeof(Reading)));
    reading->context = context;

    read_registry(*reading, extension_schema);
    MemoryContextSwitchTo(caller);

    MemoryContextSetParent(context, CacheMemoryContext);
    if (current != nullptr)
    {
        current->replaced_during = transaction_number();
        current->next = replaced;
        replaced = current;
    }
    current = reading;
}

void
refresh(Oid extension_schema)
{
    if (replaced != nullptr)
        free_replaced_readings();
    if (!stale && current != nullptr)
        return;
    // If reading fails, the next call must try again.
    PG_TRY();
    {
        read_again(extension_schema);
    }
    PG_CATCH();
    {
        stale = true;
        PG_RE_THROW();
    }
    PG_END_TRY();
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
    table->refuses_plain_updates = entry.refuses_plain_updates;
    if (entry.comments_column != nullptr)
        table->comments_column = MemoryContextStrdup(context, entry.comments_column);
    const std::uint64_t news = all_news;
    const int settings = fix_formats();
    describe(*table);
    AtEOXact_GUC(true, settings);
    MemoryContextSetParent(context, parent);
    table->news = all_news - news;
    return table;
}

Entry *
find_by_customers(Oid customers)
{
    for (int i = 0; i < current->count; i++)
        if (current->entries[i].customers == customers)
            return &current->entries[i];
    return nullptr;
}

// The attached table of a schema that calls find which name none, or nullptr. Who moves another table into a schema does not
// take the place of the one that was attached there.
Entry *
find_in_schema(Oid schema)
{
    Entry *at_home = nullptr;
    Entry *any = nullptr;
    bool is_ambiguous = false;
    const char *name = get_namespace_name(schema);
    for (int i = 0; i < current->count; i++)
    {
        Entry *entry = &current->entries[i];
        if (entry->schema != schema)
            continue;
        is_ambiguous = any != nullptr;
        any = entry;
        if (name == nullptr || entry->home == nullptr || std::strcmp(entry->home, name) != 0)
            continue;
        // Both were attached here: one of them was away in the meantime.
        if (at_home == nullptr || entry->attached_at < at_home->attached_at)
            at_home = entry;
    }
    if (at_home == nullptr && is_ambiguous)
        errors::ambiguous_schema(schema);
    return at_home != nullptr ? at_home : any;
}

Entry *
find_by_search_path()
{
    Entry *found = nullptr;
    List *schemas = fetch_search_path(false);
    ListCell *cell;
    foreach (cell, schemas)
    {
        if (found == nullptr && !isAnyTempNamespace(lfirst_oid(cell)))
            found = find_in_schema(lfirst_oid(cell));
    }
    list_free(schemas);
    return found;
}

bool
may_read(const Registered &table)
{
    for (const Oid relation : {table.customers, table.comments, table.history})
        if (caller_owns(relation) || (may_name(relation) && has_right_on_any_column(relation, ACL_SELECT)))
            return true;
    return false;
}

// Raises 42501 where the caller has no business with a table, before anything is locked.
void
require_any_right(const Registered &table, Purpose purpose)
{
    switch (purpose)
    {
        case Purpose::read:
            if (!may_read(table))
                deny_table(table.customers);
            break;
        case Purpose::save:
            if (!has_right_on_any_column(table.customers, ACL_UPDATE))
                deny_table(table.customers);
            break;
        case Purpose::comment:
            if (!has_right_on_any_column(table.comments, ACL_INSERT))
                deny_table(table.comments);
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
        AcceptInvalidationMessages();
        refresh(extension_schema);
        Entry *entry = find();
        if (entry == nullptr)
            return std::nullopt;
        if (!locked || *locked != static_cast<const Members &>(*entry))
        {
            require_any_right(*entry, purpose);
            locked = *entry;
            for (const Part part : all_parts)
                LockRelationOid((*entry)[part], lock_mode(purpose));
            // Waiting for the locks may have brought news.
            if (stale)
                continue;
        }
        if (entry->description == nullptr)
        {
            entry->description = described(*entry, extension_schema, current->context);
            entry->description->next = descriptions;
            descriptions = entry->description;
        }
        return AttachedTable{*entry->description};
    }
}

}  // namespace

void
watch_attached_tables()
{
    CacheRegisterRelcacheCallback(relation_changed, static_cast<Datum>(0));
    CacheRegisterSyscacheCallback(NAMESPACEOID, names_changed, static_cast<Datum>(0));
    CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, names_changed, static_cast<Datum>(0));
}

void
AttachedTable::prove(TableDescription &held)
{
    const std::uint64_t news = held.news;
    refresh(held.extension_schema);
    const Entry *entry = find_by_customers(held.customers.oid);
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
        errors::nothing_attached();
    return *table;
}

std::optional<AttachedTable>
attached_by_member(Part part, Oid relation, Oid extension_schema, Purpose purpose)
{
    const auto find = [=]() -> Entry * {
        for (int i = 0; i < current->count; i++)
            if (current->entries[i][part] == relation)
                return &current->entries[i];
        return nullptr;
    };
    return find_and_lock(find, extension_schema, purpose);
}

Oid
attached_in_schema(Oid schema, Oid extension_schema)
{
    AcceptInvalidationMessages();
    refresh(extension_schema);
    const Entry *entry = find_in_schema(schema);
    return entry == nullptr ? InvalidOid : entry->customers;
}

bool
is_found_by_search_path(Oid customers, Oid extension_schema)
{
    AcceptInvalidationMessages();
    refresh(extension_schema);
    const Entry *entry = find_by_search_path();
    return entry != nullptr && entry->customers == customers;
}

std::optional<Registered>
registered(Oid customers, Oid extension_schema)
{
    AcceptInvalidationMessages();
    refresh(extension_schema);
    const Entry *entry = find_by_customers(customers);
    return entry == nullptr ? std::nullopt : std::optional<Registered>{*entry};
}

void
each_readable_table(Oid extension_schema, TableVisitor &visitor)
{
    AcceptInvalidationMessages();
    refresh(extension_schema);
    // The reading may be replaced on the way.
    Registered *readable = static_cast<Registered *>(palloc(current->count * sizeof(Registered) + 1));
    std::size_t count = 0;
    for (int i = 0; i < current->count; i++)
        if (may_read(current->entries[i]))
            readable[count++] = current->entries[i];
    for (const Registered &table : std::span(readable, count))
    {
        CHECK_FOR_INTERRUPTS();
        if (const char *problem = isolated([&] { visitor.visit(table); }))
            visitor.on_problem(table, problem);
    }
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
            errors::disabled_trigger(RelationGetRelid(relation), trigger->tgname);
        table_close(relation, NoLock);
    }
}

Oid
extension_schema_of(FunctionCallInfo fcinfo)
{
    const Oid schema = get_func_namespace(fcinfo->flinfo->fn_oid);
    if (!OidIsValid(schema))
        errors::extension_dropped();
    return schema;
}

Oid
registry_table(Oid extension_schema)
{
    const Oid registry = get_relname_relid("crm_attached_tables", extension_schema);
    if (!OidIsValid(registry))
        errors::extension_dropped();
    return registry;
}

}  // namespace crm
