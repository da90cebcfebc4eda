#pragma once

#include "table_description.h"

// Finding out which indexes of a table serve look-ups.
namespace crm {

// Whether the rows of a table are all in itself, and stored as PostgreSQL stores them.
bool is_ordinary(Relation relation);

// An index of an ordinary table that begins with these columns, which are compared with values of these types.
LookupIndex index_of(Relation relation, std::initializer_list<AttrNumber> columns, std::initializer_list<Oid> types);

// The index that finds a customer by its key.
LookupIndex key_index(const Customers &customers, Relation relation);

}  // namespace crm
