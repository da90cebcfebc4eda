#include "../boundary/errors.h"
#include "../boundary/guard.h"
#include "../boundary/spi.h"
#include "../tables/column_roles.h"
#include "../tables/registry.h"

namespace crm {

namespace {

// An object that a command has dropped.
struct Dropped
{
    Oid catalogue;
    Oid oid;
    // Of a trigger: its schema, table and name; of others: their schema and name.
    std::string_view names[3];
};

[[noreturn]] void
refuse(const Registered &table, const char *kind, const char *name)
{
    const char *customers = sql_relation(table.customers).text();
    ereport(ERROR,
            (errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
             errmsg("cannot drop %s %s: it belongs to attached table %s", kind, quote_identifier(name), customers),
             errdetail("Nothing was dropped. Without it, comments, history or changes of others would be lost."),
             errhint("SELECT crm_detach(%s) first, which leaves all data.", quote_literal_cstr(customers))));
}

// Whether a table has lost the trigger, and has no other that does its work.
bool
is_left_without(const Registered &table, const Dropped &dropped, Oid extension_schema)
{
    const Oid schema = get_namespace_oid(dropped.names[0].data(), true);
    const Oid relation = OidIsValid(schema) ? get_relname_relid(dropped.names[1].data(), schema) : InvalidOid;
    for (const OwnTrigger &own : own_triggers)
    {
        if (!OidIsValid(relation) || table[own.part] != relation || dropped.names[2] != own.name)
            continue;
        Relation open = RelationIdGetRelation(relation);
        const bool is_there = !RelationIsValid(open) || find_trigger(open, own, extension_schema) != nullptr;
        if (RelationIsValid(open))
            RelationClose(open);
        if (!is_there)
            return true;
    }
    return false;
}

// Raises where a table that is still there has lost what a command dropped.
void
require_left_alone(const Registered &table, const Dropped &dropped, Oid extension_schema)
{
    const std::string_view label = column_roles_label;
    if (dropped.catalogue == RelationRelationId)
    {
        if (table.has(dropped.oid))
            refuse(table, "table", dropped.names[1].data());
    }
    else if (dropped.catalogue == TriggerRelationId)
    {
        if (is_left_without(table, dropped, extension_schema))
            refuse(table, "trigger", dropped.names[2].data());
    }
    else if (dropped.catalogue == StatisticExtRelationId && dropped.names[1].ends_with(label))
    {
        Relation customers = RelationIdGetRelation(table.customers);
        const bool is_named = RelationIsValid(customers) &&
                              find_trigger(customers, key_trigger, extension_schema) != nullptr &&
                              !column_roles(customers, extension_schema);
        if (RelationIsValid(customers))
            RelationClose(customers);
        if (is_named)
            refuse(table, "statistics object", dropped.names[1].data());
    }
}

}  // namespace

}  // namespace crm

CRM_FUNCTION(crm_refuse_drop)
{
    using namespace crm;

    if (!CALLED_AS_EVENT_TRIGGER(fcinfo) ||
        std::strcmp(reinterpret_cast<EventTriggerData *>(fcinfo->context)->event, "sql_drop") != 0)
        ereport(ERROR,
                (errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
                 errmsg("function \"crm_refuse_drop\" was not called as it must be"),
                 errdetail("Expected event trigger: ON sql_drop."),
                 errhint("CREATE EVENT TRIGGER crm_refuse_drop ON sql_drop EXECUTE FUNCTION crm_refuse_drop();")));
    const Oid extension_schema = extension_schema_of(fcinfo);
    in_spi([&](MemoryContext) {
        const Sql query =
            sql("SELECT classid, objid, address_names[1], address_names[2], "
                "CASE WHEN object_type OPERATOR(pg_catalog.=) 'trigger' THEN address_names[3] END "
                "FROM pg_catalog.pg_event_trigger_dropped_objects() "
                "WHERE object_type OPERATOR(pg_catalog.=) ANY (ARRAY['table', 'trigger', 'statistics object'])");
        if (SPI_execute(query.text(), true, 0) != SPI_OK_SELECT)
            elog(ERROR, "could not read what was dropped");
        const std::uint64_t count = SPI_processed;
        Dropped *dropped = static_cast<Dropped *>(palloc0(count * sizeof(Dropped)));
        for (std::uint64_t i = 0; i < count; i++)
        {
            dropped[i].catalogue = DatumGetObjectId(result_datum(i, 0, OIDOID));
            dropped[i].oid = DatumGetObjectId(result_datum(i, 1, OIDOID));
            for (int name = 0; name < 3; name++)
                dropped[i].names[name] = result_optional(result_text, i, 2 + name).value_or("");
        }
        // Nothing else may fail where none of these was dropped, as in an update of the extension.
        if (count == 0)
            return;
        for (const RegistryEntry &entry : registry_entries(extension_schema))
            for (std::uint64_t i = 0; i < count && OidIsValid(get_rel_namespace(entry.customers)); i++)
                require_left_alone(entry, dropped[i], extension_schema);
    });
    PG_RETURN_VOID();
}
