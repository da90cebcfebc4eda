#pragma once

#include "sql.h"

namespace crm {

// Who owns a table, and where names are looked for while something is done with the owner's rights.
struct Owner
{
    Oid role;
    Sql path;  // a value of search_path

    bool operator==(const Owner &) const = default;
};

// The owner of tables of a schema. The path leaves the schema out where others may create in it, for what they plant there
// would be called with the owner's rights. It ends with pg_temp: a path that does not name it begins with it.
Owner owner_of(Oid role, Oid schema);

// What may be called with an owner's rights.
enum class Called
{
    anything,       // triggers, constraints, expressions of others: names are looked for in the owner's path
    own_functions,  // PostgreSQL's own functions and ours, which look for no name
};

// Whose rights the session has, and the level of settings that goes with them.
struct Role
{
    Oid user;
    int security_context;
    int settings_level;
    bool is_restricted;  // since then
};

// Takes the rights of a table's owner, as foreign-key triggers do, and returns whose they were. Unless the session is the owner's
// own, what the owner's code does then is restricted, as in VACUUM: it cannot take another role, and nothing of it is left for
// the end of the transaction. An error restores everything by itself.
Role act_as(const Owner &owner, Called called = Called::anything);

// Gives the rights back. What restricted code has set is as before.
void act_again_as(const Role &role);

// Whether the current user is the table's owner, or a member of it, or a superuser; false where there is no table.
bool caller_owns(Oid table);

// Who owns a table; raises 55000 where there is none.
Oid table_owner(Oid table);

// Raises 42501 unless the current user is the owner, as above.
void require_owned(Oid table);

// Whether row-level security applies to the current user on the table.
bool is_under_row_security(Oid table);

// Raises 42501 where row-level security may hide rows of the table from the current user.
void require_all_rows(Oid table);

// Raises 42501 unless the current user is the owner, as above, of a table all of whose rows the owner sees.
void require_ownership(Oid table);

// Whether the current user has a right on a table, or on any column of it; false where there is no table.
bool has_right_on_any_column(Oid table, AclMode right);

// Whether the current user has a right on a column, or on all of the table.
bool has_column_right(Oid table, AttrNumber column, AclMode right);

// Raises 42501 unless the current user may use the table's schema and read its column "id", or all of it where its
// row-level security applies to the current user. Of a table that holds values of all columns of another, this right
// lets functions show those that the user may read there; a right to more would show the others too.
void require_numbers(Oid table);

// Whether require_numbers() would raise nothing.
bool may_read_numbers(Oid table);

// Whether the current user may name the table: may use its schema.
bool may_name(Oid table);

// Raises 42501 unless the current user has a right to these columns. An invalid one is left out.
void require_column_rights(Oid table, std::initializer_list<AttrNumber> columns, AclMode right);

// Raises 42501: the current user has not this right to these columns, to a table, or to a schema; the hint is the GRANT
// that gives it.
[[noreturn]] void deny_columns(Oid table, std::initializer_list<AttrNumber> columns, AclMode right);
[[noreturn]] void deny_table(Oid table, AclMode right);
[[noreturn]] void deny_schema(Oid schema, AclMode right);

// Sets the search_path until the level ends.
void set_search_path(const char *path);

}  // namespace crm
