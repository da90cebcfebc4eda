#pragma once

#include "table_description.h"

// The registry of attached tables, read once per session and again after anything about it changed.
namespace crm {

// What the registry says of an attached table.
struct Registered : Members
{
    Oid schema;
    bool is_customers;            // of its schema: calls that name no table find it
    bool is_at_home;              // in the schema in which it was attached
    const char *comments_column;  // or nullptr
    const char *merge_groups;     // jsonb, or nullptr
    const char *also_bump;        // likewise
    bool refuses_plain_updates;
    core::Timestamp attached_at;
};

// What the registry says, with what was found out of the tables when a call first used them.
struct RegistryEntry : Registered
{
    TableDescription *description;
};

// Registers the callbacks that notice changes; called once when the library is loaded, after watch_transactions().
void watch_registry();

// What the registry says, read anew where news has come in. It lives until the transaction ends.
std::span<RegistryEntry> registry_entries(Oid extension_schema);

// Whether news has come in since then.
bool is_registry_stale();

// Where what is found out of tables goes, which lives as long as what was read.
MemoryContext registry_context();

// How often anything has changed.
std::uint64_t registry_news();

// Keeps what was found out of a table, and counts its news from now on.
void keep_description(RegistryEntry &entry, TableDescription *description);

// The schema of the SQL function that is being called, which is the extension's.
Oid extension_schema_of(FunctionCallInfo fcinfo);

// The column of the registry for a part.
const char *registry_column(Part part);

// The registry's table.
Oid registry_table(Oid extension_schema);

}  // namespace crm
