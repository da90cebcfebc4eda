#include "attachment.h"

#include "../boundary/errors.h"
#include "../boundary/role.h"
#include "../boundary/spi.h"
#include "../core/version.h"
#include "column_roles.h"
#include "key.h"
#include "status.h"

namespace crm {

namespace {

[[noreturn]] void
not_an_ordinary_table(Oid table, const char *what)
{
    ereport(ERROR,
            (errcode(ERRCODE_WRONG_OBJECT_TYPE), errmsg("cannot attach \"%s\": it is %s", errors::name_of(table), what),
             errdetail("The triggers that guard customers see every write only in an ordinary, logged table that "
                       "stands alone."),
             errhint("Attach the table that stores the customers.")));
}

[[noreturn]] void
no_such_column(Oid table, const char *column, const char *hint)
{
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
                    errmsg("table \"%s\" has no column \"%s\"", errors::name_of(table), column),
                    errdetail("Nothing was attached."), errhint("%s", hint)));
}

[[noreturn]] void
same_column_twice(Oid table, const char *column)
{
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
             errmsg("cannot attach \"%s\": column \"%s\" cannot be two things at once", errors::name_of(table), column),
             errdetail("Key, status, version and older comments are different columns."),
             errhint("Name different columns.")));
}

[[noreturn]] void
generated_column(Oid table, const char *column)
{
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("cannot attach \"%s\": column \"%s\" is generated", errors::name_of(table), column),
                    errdetail("A save could not write it."), errhint("Name a column that stores a value of its own.")));
}

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
            not_an_ordinary_table(table, "a view");
        case RELKIND_FOREIGN_TABLE:
            not_an_ordinary_table(table, "a foreign table");
        case RELKIND_PARTITIONED_TABLE:
            not_an_ordinary_table(table, "a partitioned table");
        default:
            not_an_ordinary_table(table, "not a table");
    }
    require_owned(table);
    if (form.relispartition)
        not_an_ordinary_table(table, "a partition");
    if (has_superclass(table))
        not_an_ordinary_table(table, "a table that inherits from another");
    if (has_subclass(table) && find_inheritance_children(table, NoLock) != NIL)
        not_an_ordinary_table(table, "a table that others inherit from");
    if (form.relpersistence == RELPERSISTENCE_TEMP)
        not_an_ordinary_table(table, "a temporary table");
    if (form.relpersistence == RELPERSISTENCE_UNLOGGED)
        not_an_ordinary_table(table, "an unlogged table");
    if (form.relhasrules)
        not_an_ordinary_table(table, "a table with rules");
    if (form.relnamespace == PG_CATALOG_NAMESPACE || isAnyTempNamespace(form.relnamespace) ||
        IsCatalogRelationOid(table))
        not_an_ordinary_table(table, "a table of the system");
}

AttrNumber
require_key(Oid table)
{
    const AttrNumber key = primary_key(table);
    if (key == InvalidAttrNumber)
        ereport(
            ERROR,
            (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
             errmsg("cannot attach \"%s\": it has no primary key of one column", errors::name_of(table)),
             errdetail("Comments, history and edit locks refer to a customer by that key; it must not be "
                       "deferrable."),
             errhint("Add one: ALTER TABLE ... ADD PRIMARY KEY (column), or ADD PRIMARY KEY USING INDEX of a unique "
                     "index on a NOT NULL column.")));

    Oid type, collation;
    std::int32_t typmod;
    get_atttypetypmodcoll(table, key, &type, &typmod, &collation);
    if (!OidIsValid(key_type_of(getBaseType(type))))
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                        errmsg("cannot attach \"%s\": its key \"%s\" has type %s", errors::name_of(table),
                               get_attname(table, key, false), format_type_be(type)),
                        errdetail("Keys are smallint, integer, bigint, uuid, text or varchar, or domains over these."),
                        errhint("Change the type of the column.")));
    if (OidIsValid(collation) && !get_collation_isdeterministic(collation))
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                        errmsg("cannot attach \"%s\": its key \"%s\" has a nondeterministic collation",
                               errors::name_of(table), get_attname(table, key, false)),
                        errdetail("Two texts that differ would be one customer."),
                        errhint("Give the column a deterministic collation.")));
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
    if (request.status_column == nullptr)
        return InvalidAttrNumber;
    const std::optional<FormData_pg_attribute> column = find_column(request.customers, request.status_column);
    if (!column)
        no_such_column(
            request.customers, request.status_column,
            "Name the column with the status: crm_attach(..., status_column => ...), NULL where there is none.");
    if (!can_be_status(column->atttypid))
        ereport(ERROR,
                (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                 errmsg("cannot attach \"%s\": its status \"%s\" has type %s", errors::name_of(request.customers),
                        request.status_column, format_type_be(column->atttypid)),
                 errdetail("A status is text, varchar, citext, an enum or an integer, or a domain over one of them."),
                 errhint("Name another column as status_column, or change the type of this one.")));
    if (column->attgenerated != '\0')
        generated_column(request.customers, request.status_column);
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
        ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
                        errmsg("cannot attach \"%s\": its version \"%s\" is out of range in some rows",
                               errors::name_of(table), column),
                        errdetail("A version is finite and lies within years 1 to 9998."),
                        errhint("Update those rows first.")));
}

// The expression that makes versions of a column's values; empty for a type whose values are no times.
Sql
version_expression(Oid base, const Sql &column)
{
    switch (base)
    {
        case TIMESTAMPTZOID:
            return column;
        case TIMESTAMPOID:
            return sql("{column} AT TIME ZONE 'UTC'", {{"column", column}});
        case DATEOID:
            return sql("{column}::timestamp AT TIME ZONE 'UTC'", {{"column", column}});
        case INT4OID:
            return sql("to_timestamp({column})", {{"column", column}});
        // Of seconds, or of milliseconds: as many seconds end after the year 5000.
        case INT8OID:
        case FLOAT8OID:
        case NUMERICOID:
            return sql("to_timestamp(CASE WHEN {column} < 100000000000 THEN {column} ELSE {column} / 1000.0 END)",
                       {{"column", column}});
        case TEXTOID:
        case VARCHAROID:
            return sql("{column}::timestamptz", {{"column", column}});
        default:
            return {};
    }
}

// What its owner can do about a column of an unsuitable type, in a statement that can be run as it is.
const char *
hint_for_version(const AttachRequest &request, const FormData_pg_attribute &column)
{
    const char *other_column = "name a new column, which is added without rewriting the table: "
                               "crm_attach(..., version_column => 'row_version')";
    const Oid base = getBaseType(column.atttypid);
    const Sql name = sql_identifier(request.version_column);
    const Sql expression = version_expression(base, name);
    if (expression == Sql{})
        return psprintf("Name the column with the time of the last change, or %s.", other_column);

    // A default that is cast would depend on the zone of the session.
    Sql no_default;
    if (column.atthasdef && base != TIMESTAMPTZOID)
        no_default = sql("ALTER COLUMN {column} DROP DEFAULT, ", {{"column", name}});
    const Sql statement =
        sql("ALTER TABLE {table} {no_default}ALTER COLUMN {column} TYPE timestamptz USING {expression};",
            {{"table", sql_relation(request.customers)},
             {"no_default", no_default},
             {"column", name},
             {"expression", expression}});
    const char *zone = "";
    if (base == TIMESTAMPOID || base == DATEOID)
        zone = " Name the zone of its times where that is not UTC.";
    else if (base == TEXTOID || base == VARCHAROID)
        zone = " Texts without a zone are read in the session's TimeZone.";
    return psprintf("Either change the column: %s%s Or leave it alone and %s.", statement.text(), zone, other_column);
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
        ereport(ERROR,
                (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                 errmsg("cannot attach \"%s\": its version \"%s\" has type %s", errors::name_of(request.customers),
                        request.version_column, format_type_with_typemod(column->atttypid, column->atttypmod)),
                 errdetail("A version is a timestamptz that holds milliseconds: a time without its zone means another "
                           "moment for every client."),
                 errhint("%s", hint_for_version(request, *column))));
    if (column->attgenerated != '\0')
        generated_column(request.customers, request.version_column);
    const char *table = sql_relation(request.customers).text();
    const char *name = quote_identifier(request.version_column);
    if (!is_never_null(*column))
        ereport(
            ERROR,
            (errcode(ERRCODE_NOT_NULL_VIOLATION),
             errmsg("cannot attach \"%s\": its version \"%s\" can be null", errors::name_of(request.customers),
                    request.version_column),
             errdetail("A customer without a version cannot be saved."),
             errhint("Either fill in the nulls: UPDATE %s SET %s = now() WHERE %s IS NULL; and ALTER TABLE %s ALTER "
                     "COLUMN %s SET NOT NULL; Or name a new column, which is added without rewriting the table: "
                     "crm_attach(..., version_column => 'row_version').",
                     table, name, name, table, name)));
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
        no_such_column(request.customers, request.comments_column,
                       "Name the column with the older comments as comments_column, or none.");
    const Oid base = getBaseType(column->atttypid);
    if (base != TEXTOID && base != VARCHAROID)
        ereport(ERROR,
                (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                 errmsg("cannot attach \"%s\": its older comments \"%s\" have type %s",
                        errors::name_of(request.customers), request.comments_column, format_type_be(column->atttypid)),
                 errdetail("They are read from a column of type text or varchar."),
                 errhint("Name another column as comments_column, or none.")));
    if (column->attnum == columns.key || column->attnum == columns.status || column->attnum == columns.version)
        same_column_twice(request.customers, request.comments_column);
}

[[noreturn]] void
no_merge_group(Oid table, const char *detail)
{
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("cannot attach \"%s\": its merge groups are malformed", errors::name_of(table)),
                    errdetail("%s Nothing was attached.", detail),
                    errhint("Pass an array of groups of columns, as in '[[\"city\", \"country\"], [\"amount\", "
                            "\"currency\"]]', or '[]' for none.")));
}

void
require_merge_groups(const AttachRequest &request, const AttachableColumns &columns)
{
    if (!request.merge_groups)
        return;
    List *seen = NIL;
    const bool is_well_formed = each_group_column(*request.merge_groups, [&](std::size_t, const char *name) {
        if (std::strcmp(name, request.version_column) == 0)
            no_merge_group(request.customers, psprintf("Column \"%s\" is the version, which follows by itself.", name));
        const std::optional<FormData_pg_attribute> column = find_column(request.customers, name);
        if (!column)
            no_such_column(request.customers, name, "Name columns as they are stored in merge_groups: case matters.");
        if (column->attnum == columns.key)
            no_merge_group(request.customers, psprintf("Column \"%s\" is the key, which never changes.", name));
        if (column->attgenerated != '\0')
            no_merge_group(request.customers,
                           psprintf("Column \"%s\" is generated: name those that it is made of.", name));
        if (list_member_int(seen, column->attnum))
            no_merge_group(request.customers, psprintf("Column \"%s\" is named twice.", name));
        seen = lappend_int(seen, column->attnum);
    });
    if (!is_well_formed)
        no_merge_group(request.customers, "They are arrays of two or more names of columns, in an array.");
}

void
require_bumped_columns(const AttachRequest &request, const AttachableColumns &columns)
{
    if (!request.also_bump)
        return;
    each_bumped_name(*request.also_bump, [&](const char *name) {
        const std::optional<FormData_pg_attribute> column = find_column(request.customers, name);
        if (!column && std::strcmp(name, request.version_column) != 0)
            no_such_column(request.customers, name, "Name columns as they are stored in also_bump: case matters.");
        if (!column || column->attnum == columns.key || column->attnum == columns.status ||
            column->attnum == columns.version)
            same_column_twice(request.customers, name);
        if (!can_be_bumped(column->atttypid) || column->attgenerated != '\0')
            ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                            errmsg("cannot attach \"%s\": column \"%s\" cannot be bumped",
                                   errors::name_of(request.customers), name),
                            errdetail("It is generated, or of type %s.", format_type_be(column->atttypid)),
                            errhint("Name columns of type smallint, integer, bigint, timestamp or timestamptz.")));
    });
}

}  // namespace

AttachableColumns
require_attachable(const AttachRequest &request)
{
    require_ordinary_table(request.customers);
    const AttachableColumns columns = {require_key(request.customers), require_status(request),
                                       require_version(request)};
    if (request.status_column != nullptr && (columns.status == columns.key || columns.status == columns.version ||
                                             std::strcmp(request.status_column, request.version_column) == 0))
        same_column_twice(request.customers, request.status_column);
    if (columns.version == columns.key)
        same_column_twice(request.customers, request.version_column);
    require_comments_column(request, columns);
    require_merge_groups(request, columns);
    require_bumped_columns(request, columns);
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
            ereport(ERROR,
                    (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                     errmsg("cannot attach: trigger \"%s\" of table \"%s\" would fire after those of crm_concurrency",
                            other.tgname, errors::name_of(relation)),
                     errdetail("Row triggers fire in the order of their names; one that fires later could overrule the "
                               "version that was given or the comment that was checked."),
                     errhint("Rename it to a name that sorts before \"zz_crm\": ALTER TRIGGER ... RENAME TO ....")));
    }
    table_close(table, NoLock);
}

}  // namespace crm
