#include "attachable.h"

#include "../boundary/errors.h"
#include "../boundary/role.h"
#include "../boundary/spi.h"
#include "../core/version.h"
#include "key.h"
#include "status.h"

namespace crm {

namespace {

void
require_ordinary_table(Oid table)
{
    HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
    if (!HeapTupleIsValid(tuple))
        errors::missing_table(table);
    const FormData_pg_class form = *reinterpret_cast<FormData_pg_class *>(GETSTRUCT(tuple));
    ReleaseSysCache(tuple);

    switch (form.relkind)
    {
        case RELKIND_RELATION:
            break;
        case RELKIND_VIEW:
        case RELKIND_MATVIEW:
            errors::not_an_ordinary_table(table, "a view");
        case RELKIND_FOREIGN_TABLE:
            errors::not_an_ordinary_table(table, "a foreign table");
        case RELKIND_PARTITIONED_TABLE:
            errors::not_an_ordinary_table(table, "a partitioned table");
        default:
            errors::not_an_ordinary_table(table, "not a table");
    }
    require_owned(table);
    if (form.relispartition)
        errors::not_an_ordinary_table(table, "a partition");
    if (has_superclass(table))
        errors::not_an_ordinary_table(table, "a table that inherits from another");
    if (has_subclass(table) && find_inheritance_children(table, NoLock) != NIL)
        errors::not_an_ordinary_table(table, "a table that others inherit from");
    if (form.relpersistence == RELPERSISTENCE_TEMP)
        errors::not_an_ordinary_table(table, "a temporary table");
    if (form.relpersistence == RELPERSISTENCE_UNLOGGED)
        errors::not_an_ordinary_table(table, "an unlogged table");
    if (form.relhasrules)
        errors::not_an_ordinary_table(table, "a table with rules");
    if (form.relnamespace == PG_CATALOG_NAMESPACE || isAnyTempNamespace(form.relnamespace) ||
        IsCatalogRelationOid(table))
        errors::not_an_ordinary_table(table, "a table of the system");
}

AttrNumber
require_key(Oid table)
{
    Oid constraint;
    Bitmapset *columns = get_primary_key_attnos(table, false, &constraint);
    if (columns == nullptr || bms_membership(columns) != BMS_SINGLETON)
        errors::no_single_key(table);
    const AttrNumber key = static_cast<AttrNumber>(bms_singleton_member(columns) + FirstLowInvalidHeapAttributeNumber);

    Oid type, collation;
    std::int32_t typmod;
    get_atttypetypmodcoll(table, key, &type, &typmod, &collation);
    if (!OidIsValid(key_type_of(getBaseType(type))))
        errors::unsupported_key_type(table, get_attname(table, key, false), type);
    if (OidIsValid(collation) && !get_collation_isdeterministic(collation))
        errors::nondeterministic_key(table, get_attname(table, key, false));
    return key;
}

// What pg_attribute says of a column, or nothing when there is none of this name.
std::optional<FormData_pg_attribute>
find_column(Oid table, const char *name)
{
    HeapTuple tuple = SearchSysCacheAttName(table, name);
    if (!HeapTupleIsValid(tuple))
        return std::nullopt;
    const FormData_pg_attribute form = *reinterpret_cast<FormData_pg_attribute *>(GETSTRUCT(tuple));
    ReleaseSysCache(tuple);
    if (form.attnum <= 0)
        return std::nullopt;
    return form;
}

AttrNumber
require_status(const AttachRequest &request)
{
    const std::optional<FormData_pg_attribute> column = find_column(request.customers, request.status_column);
    if (!column)
        errors::no_such_column(request.customers, request.status_column,
                               "Name the column with the status: crm_attach(..., status_column => ...).");
    if (!can_be_status(column->atttypid))
        errors::unsupported_status_type(request.customers, request.status_column, column->atttypid);
    if (column->attgenerated != '\0')
        errors::generated_column(request.customers, request.status_column);
    return column->attnum;
}

// Raises when a row has a version that no version can follow. It reads the table, before anything locks it.
void
require_possible_versions(Oid table, const char *column)
{
    Arguments arguments;
    arguments.add(core::first_possible_version);
    arguments.add(core::last_version_to_give);
    const Sql query =
        sql("SELECT 1 FROM ONLY {table} WHERE {version} IS NULL OR NOT ({version} OPERATOR(pg_catalog.>=) $1 "
            "AND {version} OPERATOR(pg_catalog.<=) $2) LIMIT 1",
            {{"table", sql_relation(table)}, {"version", sql_identifier(column)}});
    // What its owner planted must not run as who attaches it.
    const Role caller = act_as(owner_of(table_owner(table), get_rel_namespace(table)));
    const int result = SPI_execute_with_args(query.text(), arguments.count, arguments.types, arguments.values,
                                             arguments.nulls, false, 1);
    act_again_as(caller);
    if (result != SPI_OK_SELECT)
        elog(ERROR, "could not read the versions: %s", SPI_result_code_string(result));
    if (SPI_processed > 0)
        errors::impossible_versions(table, column);
}

AttrNumber
require_version(const AttachRequest &request)
{
    const std::optional<FormData_pg_attribute> column = find_column(request.customers, request.version_column);
    if (!column)
        return InvalidAttrNumber;
    std::int32_t typmod = column->atttypmod;
    const Oid base = getBaseTypeAndTypmod(column->atttypid, &typmod);
    if (base != TIMESTAMPTZOID || (typmod >= 0 && typmod < 3))
        errors::unsupported_version_type(request.customers, request.version_column,
                                         format_type_with_typemod(column->atttypid, column->atttypmod));
    if (column->attgenerated != '\0')
        errors::generated_column(request.customers, request.version_column);
    if (!column->attnotnull)
        errors::nullable_version(request.customers, request.version_column);
    require_possible_versions(request.customers, request.version_column);
    return column->attnum;
}

void
require_comments_column(const AttachRequest &request, const AttachableColumns &columns)
{
    if (request.comments_column == nullptr)
        return;
    const std::optional<FormData_pg_attribute> column = find_column(request.customers, request.comments_column);
    if (!column)
        errors::no_such_column(request.customers, request.comments_column,
                               "Name the column with the older comments as comments_column, or none.");
    const Oid base = getBaseType(column->atttypid);
    if (base != TEXTOID && base != VARCHAROID)
        errors::unsupported_comments_type(request.customers, request.comments_column, column->atttypid);
    if (column->attnum == columns.key || column->attnum == columns.status)
        errors::same_column_twice(request.customers, request.comments_column);
}

}  // namespace

AttachableColumns
require_attachable(const AttachRequest &request)
{
    require_ordinary_table(request.customers);
    const AttachableColumns columns = {require_key(request.customers), require_status(request),
                                       require_version(request)};
    if (columns.status == columns.key || columns.status == columns.version ||
        std::strcmp(request.status_column, request.version_column) == 0)
        errors::same_column_twice(request.customers, request.status_column);
    require_comments_column(request, columns);
    require_fires_last(request.customers, version_trigger);
    return columns;
}

void
require_fires_last(Oid relation, const OwnTrigger &own)
{
    Relation table = table_open(relation, AccessShareLock);
    const TriggerDesc *triggers = table->trigdesc;
    for (int i = 0; triggers != nullptr && i < triggers->numtriggers; i++)
    {
        const Trigger &other = triggers->triggers[i];
        if (TRIGGER_FOR_ROW(other.tgtype) && TRIGGER_FOR_BEFORE(other.tgtype) &&
            (TRIGGER_FOR_INSERT(other.tgtype) || TRIGGER_FOR_UPDATE(other.tgtype)) &&
            std::strcmp(other.tgname, own.name) > 0)
            errors::trigger_fires_later(relation, other.tgname);
    }
    table_close(table, NoLock);
}

}  // namespace crm
