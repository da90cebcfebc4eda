#pragma once

// What differs between the supported versions of PostgreSQL. pg.h includes it.
#include "pg.h"

#if PG_VERSION_NUM < 150000 || PG_VERSION_NUM >= 200000
#error "crm_concurrency supports PostgreSQL 15 to 19"
#endif

// What the library tells the server that loads it: its name and version too, since PostgreSQL 18.
#if PG_VERSION_NUM >= 180000
#define CRM_MODULE_MAGIC(library, number) PG_MODULE_MAGIC_EXT(.name = library, .version = number)
#else
#define CRM_MODULE_MAGIC(library, number) PG_MODULE_MAGIC
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
has_schema_right(Oid schema, Oid role, AclMode right)
{
#if PG_VERSION_NUM >= 160000
    return object_aclcheck(NamespaceRelationId, schema, role, right) == ACLCHECK_OK;
#else
    return pg_namespace_aclcheck(schema, role, right) == ACLCHECK_OK;
#endif
}

// A setting by its name, null for none. find_option() was made public in PostgreSQL 16 (commit 0a20ff54f5e).
inline const config_generic *
find_setting(const char *name)
{
#if PG_VERSION_NUM >= 160000
    return find_option(name, false, true, ERROR);
#else
    config_generic **settings = get_guc_variables();
    for (int i = 0; i < GetNumConfigOptions(); i++)
        if (pg_strcasecmp(settings[i]->name, name) == 0)
            return settings[i];
    return nullptr;
#endif
}

// Makes a relation the first and only one of an executor's range table, with the columns that are inserted or updated: UPDATE
// OF triggers are chosen by them, and errors show no others to who may not read the table. These moved to RTEPermissionInfo
// in PostgreSQL 16 (commit a61b1f74823); a set of unpruned relations came with PostgreSQL 18 (commit cbc127917e0).
inline void
init_range_table(EState *estate, Relation relation, List *inserted_columns, List *updated_columns)
{
    Bitmapset *inserted = nullptr;
    Bitmapset *updated = nullptr;
    ListCell *cell;
    foreach (cell, inserted_columns)
        inserted = bms_add_member(inserted, lfirst_int(cell) - FirstLowInvalidHeapAttributeNumber);
    foreach (cell, updated_columns)
        updated = bms_add_member(updated, lfirst_int(cell) - FirstLowInvalidHeapAttributeNumber);

    RangeTblEntry *entry = makeNode(RangeTblEntry);
    entry->rtekind = RTE_RELATION;
    entry->relid = RelationGetRelid(relation);
    entry->relkind = relation->rd_rel->relkind;
    entry->rellockmode = RowExclusiveLock;
#if PG_VERSION_NUM >= 160000
    List *permissions = NIL;
    RTEPermissionInfo *permission = addRTEPermissionInfo(&permissions, entry);
    permission->insertedCols = inserted;
    permission->updatedCols = updated;
#if PG_VERSION_NUM >= 180000
    ExecInitRangeTable(estate, list_make1(entry), permissions, bms_make_singleton(1));
#else
    ExecInitRangeTable(estate, list_make1(entry), permissions);
#endif
#else
    entry->insertedCols = inserted;
    entry->updatedCols = updated;
    ExecInitRangeTable(estate, list_make1(entry));
#endif
}

// A state for updates of rows that are locked, so that none has to be looked at again. EvalPlanQualInit() takes the result
// relations since PostgreSQL 16 (commit 70b42f27902).
inline void
init_no_recheck(EPQState *state, EState *estate)
{
#if PG_VERSION_NUM >= 160000
    EvalPlanQualInit(state, estate, nullptr, NIL, -1, NIL);
#else
    EvalPlanQualInit(state, estate, nullptr, NIL, -1);
#endif
}

// Whether columns of a table are computed when they are read: virtual generated columns came with PostgreSQL 18 (commit
// 83ea6c54025).
inline bool
has_virtual_columns(Relation relation)
{
#if PG_VERSION_NUM >= 180000
    const TupleConstr *constraints = RelationGetDescr(relation)->constr;
    return constraints != nullptr && constraints->has_generated_virtual;
#else
    static_cast<void>(relation);
    return false;
#endif
}

// Gives a relation that is written its CHECK constraints, prepared. The member was renamed in PostgreSQL 18 (commit
// 83ea6c54025).
inline void
set_prepared_checks(ResultRelInfo *result, ExprState **checks)
{
#if PG_VERSION_NUM >= 180000
    result->ri_CheckConstraintExprs = checks;
#else
    result->ri_ConstraintExprs = checks;
#endif
}

inline std::span<ExprState *const>
prepared_checks(const ResultRelInfo *result, std::size_t count)
{
#if PG_VERSION_NUM >= 180000
    return {result->ri_CheckConstraintExprs, count};
#else
    return {result->ri_ConstraintExprs, count};
#endif
}

// Whether a NOT NULL constraint of a column holds for the rows that are there: NOT VALID came with PostgreSQL 18
// (commit a379061a22a).
inline bool
is_never_null(const FormData_pg_attribute &column)
{
#if PG_VERSION_NUM >= 180000
    if (!column.attnotnull)
        return false;
    HeapTuple constraint = findNotNullConstraintAttnum(column.attrelid, column.attnum);
    return HeapTupleIsValid(constraint) &&
           reinterpret_cast<FormData_pg_constraint *>(GETSTRUCT(constraint))->convalidated;
#else
    return column.attnotnull;
#endif
}

// Whether a CHECK constraint is enforced: NOT ENFORCED came with PostgreSQL 18 (commit ca87c415e2f).
inline bool
is_enforced(const ConstrCheck &check)
{
#if PG_VERSION_NUM >= 180000
    return check.ccenforced;
#else
    static_cast<void>(check);
    return true;
#endif
}

// expression_tree_walker() became a macro that casts in PostgreSQL 16 (commit 1c27d16e6e5).
inline bool
walk_expression(Node *node, bool (*walker)(Node *, void *), void *context)
{
#if PG_VERSION_NUM >= 160000
    return expression_tree_walker(node, walker, context);
#else
    return expression_tree_walker(node, reinterpret_cast<bool (*)()>(reinterpret_cast<void *>(walker)), context);
#endif
}

// Which indexes need entries for a row that was updated.
enum class IndexesToUpdate
{
    none,
    summarizing,
    all,
};

// Whether an index has no entries for single rows: such indexes keep no update from being HOT since PostgreSQL 16
// (commit 19d8e2308bc).
inline bool
is_summarizing(Relation index)
{
#if PG_VERSION_NUM >= 160000
    return index->rd_indam->amsummarizing;
#else
    static_cast<void>(index);
    return false;
#endif
}

// Writes a row in place of one that is locked. What it tells of indexes came with PostgreSQL 16 (the same commit),
// options with 19.
inline IndexesToUpdate
update_locked_row(Relation relation, ItemPointer locked, HeapTuple row)
{
    TM_FailureData failure;
    LockTupleMode mode;
    const CommandId command = GetCurrentCommandId(true);
#if PG_VERSION_NUM >= 160000
    TU_UpdateIndexes which;
#if PG_VERSION_NUM >= 190000
    const TM_Result result =
        heap_update(relation, locked, row, command, 0, InvalidSnapshot, true, &failure, &mode, &which);
#else
    const TM_Result result =
        heap_update(relation, locked, row, command, InvalidSnapshot, true, &failure, &mode, &which);
#endif
#else
    const TM_Result result = heap_update(relation, locked, row, command, InvalidSnapshot, true, &failure, &mode);
#endif
    if (result != TM_Ok)
        elog(ERROR, "could not update a locked row of \"%s\"", RelationGetRelationName(relation));
#if PG_VERSION_NUM >= 160000
    if (HeapTupleIsHeapOnly(row))
        return which == TU_Summarizing ? IndexesToUpdate::summarizing : IndexesToUpdate::none;
    return IndexesToUpdate::all;
#else
    return HeapTupleIsHeapOnly(row) ? IndexesToUpdate::none : IndexesToUpdate::all;
#endif
}

// Ends the insertion into an index, which may have kept something for more: since PostgreSQL 17 (commit c1ec02be1d7).
inline void
clean_up_insertion(Relation index, IndexInfo *info)
{
#if PG_VERSION_NUM >= 170000
    index_insert_cleanup(index, info);
#else
    static_cast<void>(index);
    static_cast<void>(info);
#endif
}

// Begins an index scan; PostgreSQL 18 can count what it does (commit 0fbceae841c), 19 takes flags.
inline IndexScanDesc
begin_index_scan(Relation table, Relation index, Snapshot snapshot, int keys)
{
#if PG_VERSION_NUM >= 190000
    return index_beginscan(table, index, snapshot, nullptr, keys, 0, SO_NONE);
#elif PG_VERSION_NUM >= 180000
    return index_beginscan(table, index, snapshot, nullptr, keys, 0);
#else
    return index_beginscan(table, index, snapshot, keys, 0);
#endif
}

// What PostgreSQL says of a row that was deleted since the snapshot; 19 tells that from an update.
inline constexpr const char *concurrent_delete =
#if PG_VERSION_NUM >= 190000
    "could not serialize access due to concurrent delete";
#else
    "could not serialize access due to concurrent update";
#endif

// Begins to scan a table; PostgreSQL 19 takes flags.
inline TableScanDesc
begin_table_scan(Relation table, Snapshot snapshot)
{
#if PG_VERSION_NUM >= 190000
    return table_beginscan(table, snapshot, 0, nullptr, SO_NONE);
#else
    return table_beginscan(table, snapshot, 0, nullptr);
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

// A hash table in shared memory; what it is made with and its greatest size are one since PostgreSQL 19.
inline HTAB *
shared_hash_table(const char *name, std::int64_t size, HASHCTL *control, int flags)
{
#if PG_VERSION_NUM >= 190000
    return ShmemInitHash(name, size, control, flags);
#else
    return ShmemInitHash(name, size, size, control, flags);
#endif
}

// Whether a domain has constraints; PostgreSQL 19 can tell whether they are volatile.
inline bool
has_domain_constraints(Oid type)
{
#if PG_VERSION_NUM >= 190000
    return DomainHasConstraints(type, nullptr);
#else
    return DomainHasConstraints(type);
#endif
}

// What a callback of the catalogue's caches is given: an enum since PostgreSQL 19.
#if PG_VERSION_NUM >= 190000
using CatalogCache = SysCacheIdentifier;
#else
using CatalogCache = int;
#endif

}  // namespace crm
