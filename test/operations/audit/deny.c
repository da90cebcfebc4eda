/*
 * Denies one right on one table, as an extension for mandatory access control does: by the hook that the executor calls
 * when it has checked the rights of a statement.
 */
#include "postgres.h"

#include "executor/executor.h"
#include "fmgr.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

PG_MODULE_MAGIC;

extern PGDLLEXPORT void _PG_init(void);

static ExecutorCheckPerms_hook_type check_of_others = NULL;
static char *table = NULL;
static int right = 0;

static const struct config_enum_entry rights[] = {
    {"none", 0, false},
    {"select", ACL_SELECT, false},
    {"insert", ACL_INSERT, false},
    {"update", ACL_UPDATE, false},
    {"delete", ACL_DELETE, false},
    {NULL, 0, false},
};

static bool
is_denied(Oid relation, AclMode required)
{
    const char *name = (required & right) == 0 ? NULL : get_rel_name(relation);

    return name != NULL && strcmp(name, table) == 0;
}

static bool
answer(bool allowed, bool ereport_on_violation)
{
    if (!allowed && ereport_on_violation)
        ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("the hook denies it")));
    return allowed;
}

#if PG_VERSION_NUM >= 160000
static bool
check(List *range_table, List *permissions, bool ereport_on_violation)
{
    bool allowed = true;
    ListCell *cell;

    foreach (cell, permissions)
    {
        RTEPermissionInfo *permission = lfirst_node(RTEPermissionInfo, cell);

        allowed = allowed && !is_denied(permission->relid, permission->requiredPerms);
    }
    allowed = answer(allowed, ereport_on_violation);
    return allowed && (check_of_others == NULL || check_of_others(range_table, permissions, ereport_on_violation));
}
#else
static bool
check(List *range_table, bool ereport_on_violation)
{
    bool allowed = true;
    ListCell *cell;

    foreach (cell, range_table)
    {
        RangeTblEntry *entry = lfirst_node(RangeTblEntry, cell);

        allowed = allowed && !(entry->rtekind == RTE_RELATION && is_denied(entry->relid, entry->requiredPerms));
    }
    allowed = answer(allowed, ereport_on_violation);
    return allowed && (check_of_others == NULL || check_of_others(range_table, ereport_on_violation));
}
#endif

void
_PG_init(void)
{
    DefineCustomStringVariable("deny.table", "The table.", NULL, &table, "", PGC_USERSET, 0, NULL, NULL, NULL);
    DefineCustomEnumVariable("deny.right", "The right on it.", NULL, &right, 0, rights, PGC_USERSET, 0, NULL, NULL,
                             NULL);
    check_of_others = ExecutorCheckPerms_hook;
    ExecutorCheckPerms_hook = check;
}
