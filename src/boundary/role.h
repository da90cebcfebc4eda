#pragma once

#include "pg.h"

namespace crm {

// Whose rights the session has, and the level of settings that goes with them.
struct Role
{
    Oid user;
    int security_context;
    int settings_level;
};

// Takes the rights of a table's owner, as foreign-key triggers do, and returns whose they were. To write, give a safe_path:
// what triggers, constraints and defaults of the table resolve by name is then looked for there alone, because the caller
// must not choose what runs with the owner's rights. An error restores everything by itself.
Role act_as(Oid owner, const char *safe_path);

// Gives the rights back.
void act_again_as(const Role &role);

// Whether the current user is the table's owner, or a member of it, or a superuser.
bool caller_owns(Oid table);

// Whether row-level security applies to the current user on the table.
bool is_under_row_security(Oid table);

// Raises 42501 where row-level security may hide rows of the table from the current user.
void require_all_rows(Oid table);

// Raises 42501 unless the current user is the owner, as above, of a table all of whose rows the owner sees.
void require_ownership(Oid table);

// Whether the current user has a right on a column, or on all of the table.
bool has_column_right(Oid table, AttrNumber column, AclMode right);

// Whether the current user may name the table: may use its schema.
bool may_name(Oid table);

// Raises 42501 unless the current user has a right to these columns.
void require_column_rights(Oid table, std::initializer_list<AttrNumber> columns, AclMode right);

// Sets the search_path until the level ends. A path that does not name pg_temp begins with it: name it last.
void set_search_path(const char *path);

}  // namespace crm
