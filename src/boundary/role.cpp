#include "role.h"

#include "errors.h"

namespace crm {

Role
act_as(Oid owner, const char *safe_path)
{
    Role role;
    GetUserIdAndSecContext(&role.user, &role.security_context);
    SetUserIdAndSecContext(owner, role.security_context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_NOFORCE_RLS);
    role.settings_level = 0;
    if (safe_path != nullptr)
    {
        role.settings_level = NewGUCNestLevel();
        set_search_path(safe_path);
    }
    return role;
}

void
act_again_as(const Role &role)
{
    if (role.settings_level != 0)
        AtEOXact_GUC(true, role.settings_level);
    SetUserIdAndSecContext(role.user, role.security_context);
}

bool
caller_owns(Oid table)
{
    return owns_table(table, GetUserId());
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
        errors::shows_not_every_row(table);
}

void
require_ownership(Oid table)
{
    if (!caller_owns(table))
        aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, get_rel_name(table));
    require_all_rows(table);
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
    return may_use_schema(get_rel_namespace(table), GetUserId());
}

void
require_column_rights(Oid table, std::initializer_list<AttrNumber> columns, AclMode right)
{
    if (pg_class_aclcheck(table, GetUserId(), right) == ACLCHECK_OK)
        return;
    for (const AttrNumber column : columns)
        if (pg_attribute_aclcheck(table, column, GetUserId(), right) != ACLCHECK_OK)
            aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, get_rel_name(table));
}

void
set_search_path(const char *path)
{
    set_config_option("search_path", path, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

}  // namespace crm
