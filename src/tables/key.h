#pragma once

#include "attached_tables.h"

#include "../boundary/spi.h"

namespace crm {

// The primary key of a customer: bigint for every integer type, uuid, or text for every type that is text.
struct Key
{
    Oid type;
    Datum value;
};

// The key in which a key column of this base type is passed, or InvalidOid for a type that cannot be a key.
Oid key_type_of(Oid column_type);

// The key of a customer, as the customers table stores it.
Key stored_key(const AttachedTable &table, Datum value);

// stored_key() as comments, history and edit locks store it.
Key stored_reference(const AttachedTable &table, Datum value);

// The key that a caller names by a number; raises 42804 where keys are no numbers.
Key key_of_bigint(const AttachedTable &table, std::int64_t id);

// The key that a caller names by its text; raises what the key's type raises for text that is none of its values.
Key key_of_text(const AttachedTable &table, std::string_view text);

bool same_key(const Key &a, const Key &b);

// The order of two keys of one table, the same in every session: negative, 0 or positive.
int compare_keys(const Key &a, const Key &b);

// The key as a person reads it.
const char *key_text(const Key &key);

// The row as messages name it: "customer 7", or "record 7 of deals" in another than the customers table of a schema.
std::string_view row_name(const AttachedTable &table, const Key &key);

// A copy of the key in another memory context.
Key copied_key(const Key &key, MemoryContext context);

// The arguments of a statement whose $1 is the key.
Arguments arguments_of(const Key &key);

}  // namespace crm
