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

// pg_namespace_aclcheck became object_aclcheck in PostgreSQL 16 (commit c727f511bd7).
inline bool
may_use_schema(Oid schema, Oid role)
{
#if PG_VERSION_NUM >= 160000
    return object_aclcheck(NamespaceRelationId, schema, role, ACL_USAGE) == ACLCHECK_OK;
#else
    return pg_namespace_aclcheck(schema, role, ACL_USAGE) == ACLCHECK_OK;
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

// Writes a transactional logical message. LogLogicalMessage() can flush it at once since PostgreSQL 17 (commit
// 173b56f1ef5); that is for messages without a transaction.
inline void
log_logical_message(const char *prefix, const char *message)
{
#if PG_VERSION_NUM >= 170000
    LogLogicalMessage(prefix, message, std::strlen(message), true, false);
#else
    LogLogicalMessage(prefix, message, std::strlen(message), true);
#endif
}

// Whether text is JSON that json and jsonb can hold. The lexer is initialised in place since PostgreSQL 17 (commit
// 3311ea86edc).
inline bool
is_valid_json(const char *text)
{
    const std::size_t length = std::strlen(text);
    // With the escapes read, so that those which json refuses later are found here.
#if PG_VERSION_NUM >= 170000
    JsonLexContext *lexer = makeJsonLexContextCstringLen(nullptr, text, length, GetDatabaseEncoding(), true);
#else
    JsonLexContext *lexer =
        makeJsonLexContextCstringLen(const_cast<char *>(text), static_cast<int>(length), GetDatabaseEncoding(), true);
#endif
    return pg_parse_json(lexer, &nullSemAction) == JSON_SUCCESS;
}

}  // namespace crm
