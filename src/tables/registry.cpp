#include "registry.h"

#include "../boundary/errors.h"
#include "../boundary/json.h"
#include "../boundary/library_version.h"
#include "../boundary/spi.h"
#include "../boundary/transaction.h"

namespace crm {

namespace {

[[noreturn]] void
extension_dropped()
{
    ereport(ERROR,
            (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
             errmsg("the extension crm_concurrency was dropped during this call"), errdetail("Nothing was done."),
             errhint("When the extension is there again and the tables are attached, send the same again.")));
}

// One reading of the registry, in a memory context of its own.
struct Reading
{
    MemoryContext context;
    Oid registry;
    int count;
    RegistryEntry *entries;
    List *missing;                  // customers tables that were not there: a rollback brings a dropped one back
    Reading *next;                  // of those that were replaced
    std::uint64_t replaced_during;  // the transaction that did
};

Reading *registry_read = nullptr;
Reading *registry_replaced = nullptr;
bool registry_is_stale = true;

// All that calls may have in hand, of replaced readings too.
TableDescription *descriptions = nullptr;

// How often anything has changed.
std::uint64_t all_news = 0;

void
everything_changed()
{
    all_news++;
    registry_is_stale = true;
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
    if (registry_read != nullptr && relation == registry_read->registry)
        everything_changed();
    else if (registry_read == nullptr || list_member_oid(registry_read->missing, relation))
        registry_is_stale = true;
    else
        for (int i = 0; i < registry_read->count && !registry_is_stale; i++)
            registry_is_stale = is_meant(registry_read->entries[i]);
}

// Schemas and roles: what is known of a table names its schema, and who may create there.
void
names_changed(Datum, CatalogCache, uint32)
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
    for (const KeptPlan *kept = description->plans; kept != nullptr; kept = kept->next)
        if (kept->plan != nullptr)
            SPI_freeplan(kept->plan);
    for (const KeptTextPlan &kept : description->text_plans)
        if (kept.plan != nullptr)
            SPI_freeplan(kept.plan);
}

// Frees the readings that no call can be using any more.
void
free_replaced_readings()
{
    for (Reading **link = &registry_replaced; *link != nullptr;)
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
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("a row of crm_attached_tables has no %s", column),
                        errdetail("The registry is written by crm_attach()."),
                        errhint("Delete the row, and attach the table again.")));
    return *value;
}

// SQL objects of version 1.0 have one attached table in a schema, and no column for it.
bool
is_customers(Relation registry, HeapTuple row)
{
    if (get_attnum(RelationGetRelid(registry), "is_customers") == InvalidAttrNumber)
        return true;
    return DatumGetBool(required_value(registry, row, "is_customers"));
}

// What SQL objects of version 1.0 have no column for.
std::optional<Datum>
later_value(Relation registry, HeapTuple row, const char *column)
{
    if (get_attnum(RelationGetRelid(registry), column) == InvalidAttrNumber)
        return std::nullopt;
    return registry_value(registry, row, column);
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
    reading.entries = static_cast<RegistryEntry *>(palloc0(capacity * sizeof(RegistryEntry)));

    require_served_version();
    Relation registry = open_registry(extension_schema);
    reading.registry = RelationGetRelid(registry);
    SysScanDesc scan = systable_beginscan(registry, InvalidOid, false, nullptr, 0, nullptr);
    for (HeapTuple row; HeapTupleIsValid(row = systable_getnext(scan));)
    {
        RegistryEntry entry = {};
        entry.customers = DatumGetObjectId(required_value(registry, row, "customers"));
        entry.comments = DatumGetObjectId(required_value(registry, row, "comments"));
        entry.history = DatumGetObjectId(required_value(registry, row, "history"));
        entry.locks = DatumGetObjectId(required_value(registry, row, "locks"));
        if (const std::optional<Datum> column = registry_value(registry, row, "comments_column"))
            entry.comments_column = pstrdup(NameStr(*DatumGetName(*column)));
        entry.is_customers = is_customers(registry, row);
        for (const Part part : later_parts)
            entry[part] = DatumGetObjectId(later_value(registry, row, registry_column(part)).value_or(InvalidOid));
        if (const std::optional<Datum> groups = later_value(registry, row, "merge_groups"))
            entry.merge_groups = jsonb_text(*groups);
        if (const std::optional<Datum> columns = later_value(registry, row, "also_bump"))
            entry.also_bump = jsonb_text(*columns);
        entry.refuses_plain_updates = text_of(required_value(registry, row, "plain_updates")) == "refuse";
        entry.attached_at = {DatumGetTimestampTz(required_value(registry, row, "attached_at"))};
        entry.schema = get_rel_namespace(entry.customers);
        if (!OidIsValid(entry.schema))
        {
            reading.missing = lappend_oid(reading.missing, entry.customers);
            continue;
        }
        if (const std::optional<Datum> home = registry_value(registry, row, "home"))
        {
            const char *name = get_namespace_name(entry.schema);
            entry.is_at_home = name != nullptr && std::strcmp(NameStr(*DatumGetName(*home)), name) == 0;
        }

        int i = 0;
        while (i < reading.count && reading.entries[i].customers != entry.customers)
            i++;
        if (i < reading.count && reading.entries[i].attached_at > entry.attached_at)
            continue;
        if (i == capacity)
        {
            capacity *= 2;
            reading.entries = static_cast<RegistryEntry *>(repalloc(reading.entries, capacity * sizeof(RegistryEntry)));
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
    registry_is_stale = false;

    MemoryContext context =
        AllocSetContextCreate(CurrentMemoryContext, "crm_concurrency attached tables", ALLOCSET_SMALL_SIZES);
    MemoryContext caller = MemoryContextSwitchTo(context);
    Reading *reading = static_cast<Reading *>(palloc0(sizeof(Reading)));
    reading->context = context;

    read_registry(*reading, extension_schema);
    MemoryContextSwitchTo(caller);

    MemoryContextSetParent(context, CacheMemoryContext);
    if (registry_read != nullptr)
    {
        registry_read->replaced_during = transaction_number();
        registry_read->next = registry_replaced;
        registry_replaced = registry_read;
    }
    registry_read = reading;
}

}  // namespace

std::span<RegistryEntry>
registry_entries(Oid extension_schema)
{
    if (registry_replaced != nullptr)
        free_replaced_readings();
    if (!registry_is_stale && registry_read != nullptr)
        return {registry_read->entries, static_cast<std::size_t>(registry_read->count)};
    // If reading fails, the next call must try again.
    PG_TRY();
    {
        read_again(extension_schema);
    }
    PG_CATCH();
    {
        registry_is_stale = true;
        PG_RE_THROW();
    }
    PG_END_TRY();
    return {registry_read->entries, static_cast<std::size_t>(registry_read->count)};
}

bool
is_registry_stale()
{
    return registry_is_stale;
}

MemoryContext
registry_context()
{
    return registry_read->context;
}

std::uint64_t
registry_news()
{
    return all_news;
}

void
keep_description(RegistryEntry &entry, TableDescription *description)
{
    entry.description = description;
    description->next = descriptions;
    descriptions = description;
}

void
watch_registry()
{
    CacheRegisterRelcacheCallback(relation_changed, static_cast<Datum>(0));
    CacheRegisterSyscacheCallback(NAMESPACEOID, names_changed, static_cast<Datum>(0));
    CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, names_changed, static_cast<Datum>(0));
}

Oid
extension_schema_of(FunctionCallInfo fcinfo)
{
    const Oid schema = get_func_namespace(fcinfo->flinfo->fn_oid);
    if (!OidIsValid(schema))
        extension_dropped();
    return schema;
}

const char *
registry_column(Part part)
{
    switch (part)
    {
        case Part::customers:
            return "customers";
        case Part::comments:
            return "comments";
        case Part::history:
            return "history";
        case Part::locks:
            return "locks";
        case Part::deletions:
            return "deletions";
        case Part::comment_edits:
            return "comment_edits";
        case Part::refused_saves:
            return "refused_saves";
    }
    pg_unreachable();
}

Oid
registry_table(Oid extension_schema)
{
    const Oid registry = get_relname_relid("crm_attached_tables", extension_schema);
    if (!OidIsValid(registry))
        extension_dropped();
    return registry;
}

}  // namespace crm
