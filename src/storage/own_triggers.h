#pragma once

#include "table_description.h"

// Telling the triggers of a table apart.
namespace crm {

// A copy of the triggers of an open relation.
std::span<const Trigger> triggers_of(Relation relation);

// The same of its foreign keys.
List *copied_foreign_keys(Relation relation);

// Whether a trigger calls one of the extension's functions.
bool is_own(const Trigger &trigger, Oid extension_schema);

// Whether a trigger has nothing to do when a save writes a row by this command and does the work of the extension's triggers
// itself, while nothing is being replicated. Foreign keys to the customer's key need no check: it stays.
bool has_nothing_to_do(const TableDescription &table, const Trigger &trigger, CmdType command);

// Whether a trigger fires in this session.
bool fires(const Trigger &trigger);

}  // namespace crm
