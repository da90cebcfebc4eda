#pragma once

#include "own_triggers.h"

// Which columns of an attached table are its key, status and version. A statistics object names them: it follows
// renames and is dumped by name as a trigger does, and unlike a trigger lets the types of its columns be altered. Its
// statistics target is 0: it is not there to be computed.
namespace crm {

struct ColumnRoles
{
    AttrNumber key;
    AttrNumber status;  // invalid in a table without one
    AttrNumber version;
};

// The column of a table's primary key, where that is one column and not deferrable; else invalid.
AttrNumber primary_key(Oid table);

// What the names of these statistics objects end with.
inline constexpr const char *column_roles_label = "crm_columns";

// The statistics object of an open table, or InvalidOid.
Oid column_roles_object(Relation customers);

// The columns that it names; where version 1.0 created key_trigger, that names them. Nothing where neither does, or the
// types do not tell the status from the version.
std::optional<ColumnRoles> column_roles(Relation customers, Oid extension_schema);

// The same for a table that is not locked; nothing also where it is gone.
std::optional<ColumnRoles> column_roles(Oid customers, Oid extension_schema);

}  // namespace crm
