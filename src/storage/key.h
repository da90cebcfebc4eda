#pragma once

#include "../boundary/spi.h"

namespace crm {

// The primary key of a customer.
struct Key
{
    Oid type;
    Datum value;
};

inline Key
key_of_bigint(std::int64_t id)
{
    return {INT8OID, Int64GetDatum(id)};
}

inline bool
same_key(const Key &a, const Key &b)
{
    return DatumGetInt64(a.value) == DatumGetInt64(b.value);
}

// The key as a person reads it.
inline const char *
key_text(const Key &key)
{
    return psprintf("%lld", static_cast<long long>(DatumGetInt64(key.value)));
}

// The arguments of a statement whose $1 is the key.
inline Arguments
arguments_of(const Key &key)
{
    Arguments arguments;
    arguments.add(key.type, key.value);
    return arguments;
}

}  // namespace crm
