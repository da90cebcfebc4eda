#include "role.h"

#include "errors.h"

namespace crm {

namespace {

// Who owns the database, in whose name pg_database_owner acts.
Oid
database_owner()
{
    HeapTuple tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(MyDatabaseId));
    if (!HeapTupleIsValid(tuple))
        return InvalidOid;
    const Oid owner = reinterpret_cast<FormData_pg_database *>(GETSTRUCT(tuple))->datdba;
    ReleaseSysCache(tuple);
    return owner;
}

// Whether a role has an owner's rights anyhow.
bool
may_act_as(Oid role, Oid owner)
{
    if (role == ROLE_PG_DATABASE_OWNER)
        role = database_owner();
    return OidIsValid(role) && has_privs_of_role(role, owner);
}

// Whether others than those who have an owner's rights may create in a schema.
bool
may_others_create(Oid schema, Oid owner)
{
    HeapTuple tuple = SearchSysCache1(NAMESPACEOID, ObjectIdGetDatum(schema));
    if (!HeapTupleIsValid(tuple))
        errors::missing_schema(schema);
    bool may_create = !may_act_as(reinterpret_cast<FormData_pg_namespace *>(GETSTRUCT(tuple))->nspowner, owner);
    bool is_null;
    const Datum rights = SysCacheGetAttr(NAMESPACEOID, tuple, Anum_pg_namespace_nspacl, &is_null);
    if (!is_null)
    {
        const Acl *list = DatumGetAclP(rights);
        for (const AclItem &item : std::span(ACL_DAT(list), ACL_NUM(list)))
            if (ACLITEM_GET_PRIVS(item) & ACL_CREATE)
                may_create = may_create || item.ai_grantee == ACL_ID_PUBLIC || !may_act_as(item.ai_grantee, owner);
    }
    ReleaseSysCache(tuple);
    return may_create;
}

Sql
name_of(AclMode right)
{
    switch (right)
    {
        case ACL_SELECT:
            return sql("SELECT");
        case ACL_INSERT:
            return sql("INSERT");
        case ACL_UPDATE:
            return sql("UPDATE");
        case ACL_DELETE:
            return sql("DELETE");
        case ACL_USAGE:
            return sql("USAGE");
        case ACL_CREATE:
            return sql("CREATE");
        default:
            elog(ERROR, "unknown privilege %u", static_cast<unsigned>(right));
    }
}

// Raises 42501 as PostgreSQL does, and tells what is not granted and how it is.
[[noreturn]] void
deny(const char *kind, const char *name, const Sql &privilege)
{
    const char *role = GetUserNameFromId(GetUserId(), false);
    ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("permission denied for %s %s", kind, name),
                    errdetail("Role \"%s\" has not the privilege %s.", role, privilege.text()),
                    errhint("GRANT %s TO %s;", privilege.text(), quote_identifier(role))));
}

}  // namespace

Owner
owner_of(Oid role, Oid schema)
{
    if (may_others_create(schema, role))
        return {role, sql("pg_catalog, pg_temp")};
    return {role, sql("pg_catalog, {schema}, pg_temp", {{"schema", sql_schema(schema)}})};
}

Role
act_as(const Owner &owner, Called called)
{
    Role role;
    GetUserIdAndSecContext(&role.user, &role.security_context);
    // Whoever has become the owner by a SECURITY DEFINER function or a foreign key is somebody else when the transaction ends.
    role.is_restricted = role.user != owner.role || GetOuterUserId() != owner.role;
    const int restricted = role.is_restricted ? SECURITY_RESTRICTED_OPERATION : 0;
    SetUserIdAndSecContext(owner.role,
                           role.security_context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_NOFORCE_RLS | restricted);
    role.settings_level = 0;
    if (called == Called::anything)
    {
        role.settings_level = NewGUCNestLevel();
        set_search_path(owner.path.text());
    }
    return role;
}

void
act_again_as(const Role &role)
{
    if (role.settings_level != 0)
        AtEOXact_GUC(!role.is_restricted, role.settings_level);
    SetUserIdAndSecContext(role.user, role.security_context);
}

bool
caller_owns(Oid table)
{
    return get_rel_relkind(table) != '\0' && owns_table(table, GetUserId());
}

Oid
table_owner(Oid table)
{
    HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
    if (!HeapTupleIsValid(tuple))
        errors::missing_table(table);
    const Oid owner = reinterpret_cast<FormData_pg_class *>(GETSTRUCT(tuple))->relowner;
    ReleaseSysCache(tuple);
    return owner;
}

void
require_owned(Oid table)
{
    if (get_rel_relkind(table) == '\0')
        errors::missing_table(table);
    if (!caller_owns(table))
        aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, get_rel_name(table));
}

bool
is_under_row_security(Oid table)
{
    return check_enable_rls(table, InvalidOid, true) == RLS_ENABLED;
}

void
require_all_rows(Oid table)
{
    if (is_under_row_security(table))
        ereport(ERROR,
                (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                 errmsg("row-level security of table \"%s\" hides rows from you", errors::name_of(table)),
                 errdetail("What is hidden would be taken for missing."),
                 errhint("Ask as the owner of the table where row-level security is not forced, or as a role with "
                         "BYPASSRLS.")));
}

void
require_ownership(Oid table)
{
    require_owned(table);
    require_all_rows(table);
}

bool
has_right_on_any_column(Oid table, AclMode right)
{
    if (get_rel_relkind(table) == '\0')
        return false;
    return pg_class_aclcheck(table, GetUserId(), right) == ACLCHECK_OK ||
           pg_attribute_aclcheck_all(table, GetUserId(), right, ACLMASK_ANY) == ACLCHECK_OK;
}

bool
has_column_right(Oid table, AttrNumber column, AclMode right)
{
    return pg_class_aclcheck(table, GetUserId(), right) == ACLCHECK_OK ||
           pg_attribute_aclcheck(table, column, GetUserId(), right) == ACLCHECK_OK;
}

bool
may_name(Oid table)
{
    const Oid schema = get_rel_namespace(table);
    return OidIsValid(schema) && has_schema_right(schema, GetUserId(), ACL_USAGE);
}

bool
may_read_numbers(Oid table)
{
    if (!may_name(table))
        return false;
    if (is_under_row_security(table))
        return pg_class_aclcheck(table, GetUserId(), ACL_SELECT) == ACLCHECK_OK;
    const AttrNumber id = get_attnum(table, "id");
    return id != InvalidAttrNumber && has_column_right(table, id, ACL_SELECT);
}

void
require_numbers(Oid table)
{
    if (!may_name(table))
        deny_schema(get_rel_namespace(table), ACL_USAGE);
    if (may_read_numbers(table))
        return;
    const AttrNumber id = get_attnum(table, "id");
    if (is_under_row_security(table) || id == InvalidAttrNumber)
        deny_table(table, ACL_SELECT);
    deny_columns(table, {id}, ACL_SELECT);
}

void
require_column_rights(Oid table, std::initializer_list<AttrNumber> columns, AclMode right)
{
    if (pg_class_aclcheck(table, GetUserId(), right) == ACLCHECK_OK)
        return;
    for (const AttrNumber column : columns)
        if (column != InvalidAttrNumber && pg_attribute_aclcheck(table, column, GetUserId(), right) != ACLCHECK_OK)
            deny_columns(table, columns, right);
}

void
deny_columns(Oid table, std::initializer_list<AttrNumber> columns, AclMode right)
{
    if (get_rel_relkind(table) == '\0')
        errors::missing_table(table);
    Sql *names = static_cast<Sql *>(palloc0(columns.size() * sizeof(Sql)));
    std::size_t count = 0;
    for (const AttrNumber column : columns)
        if (column != InvalidAttrNumber && !has_column_right(table, column, right))
            names[count++] = sql_identifier(get_attname(table, column, false));
    deny("table", errors::name_of(table),
         sql("{right} ({columns}) ON {table}", {{"right", name_of(right)},
                                                {"columns", sql_joined(", ", {names, count})},
                                                {"table", sql_relation(table)}}));
}

void
deny_table(Oid table, AclMode right)
{
    deny("table", errors::name_of(table),
         sql("{right} ON {table}", {{"right", name_of(right)}, {"table", sql_relation(table)}}));
}

void
deny_schema(Oid schema, AclMode right)
{
    deny("schema", errors::name_of_schema(schema),
         sql("{right} ON SCHEMA {schema}", {{"right", name_of(right)}, {"schema", sql_schema(schema)}}));
}

void
set_search_path(const char *path)
{
    set_config_option("search_path", path, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

}  // namespace crm
