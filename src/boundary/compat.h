#pragma once

// What differs between the supported versions of PostgreSQL. pg.h includes it.
#include "pg.h"

#if PG_VERSION_NUM < 140000 || PG_VERSION_NUM >= 190000
#error "crm_concurrency supports PostgreSQL 14 to 18"
#endif

namespace crm {

// pg_class_ownercheck became object_ownercheck in PostgreSQL 16 (commit afbfc02983f).
inline bool
owns_table(Oid table, Oid role)
{
#if PG_VERSION_NUM >= 160000
    return object_ownercheck(RelationRelationId, table, role);
#else
    return pg_class_ownercheck(table, role);
#endif
}

// MarkGUCPrefixReserved replaced EmitWarningsOnPlaceholders in PostgreSQL 15 (commit 75d22069e00).
inline void
reserve_settings(const char *prefix)
{
#if PG_VERSION_NUM >= 150000
    MarkGUCPrefixReserved(prefix);
#else
    EmitWarningsOnPlaceholders(prefix);
#endif
}

}  // namespace crm
