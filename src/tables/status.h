#pragma once

#include "attached_tables.h"

// The status of a customer, a column of one of several types, as text.
namespace crm {

// Whether a column of this type can be the status: text, varchar, citext, an enum, an integer, or a domain over one.
bool can_be_status(Oid type);

// A stored status as text.
std::string_view status_text(const AttachedTable &table, Datum status);

// A status given as text, as a value of the column's type; raises what the type raises for text that is none of its
// values.
Datum status_datum(const AttachedTable &table, std::string_view text);

// The text of a status given as text once it is stored.
std::string_view canonical_status(const AttachedTable &table, std::string_view text);

}  // namespace crm
