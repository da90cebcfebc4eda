#pragma once

#include "pg.h"

namespace crm {

// A jsonb value as it is stored, a datum. A container in it may be in that form already: it is copied.
Datum jsonb_datum(const JsonbValue &value);

// The value of a datum, which lives as long.
JsonbValue jsonb_value(Datum datum);

// The keys of objects that are made alike, as they are stored: given in the order of jsonb, by length first.
struct JsonbKeys
{
    static constexpr std::size_t most_keys = 16;
    static constexpr std::size_t most_bytes = 128;

    constexpr JsonbKeys(std::initializer_list<std::string_view> keys)
    {
        for (const std::string_view key : keys)
        {
            are_in_order = are_in_order && (count == 0 || comes_before(last, key));
            last = key;
            std::copy(key.begin(), key.end(), bytes + length);
            length += key.size();
            entries[count++] = static_cast<JEntry>(key.size());
        }
        // An entry in so many tells where its key ends, in place of its length: for the first this is the same.
        entries[0] |= JENTRY_HAS_OFF;
    }

    static constexpr bool comes_before(std::string_view a, std::string_view b)
    {
        return a.size() != b.size() ? a.size() < b.size() : a < b;
    }

    std::size_t count = 0;
    std::size_t length = 0;
    JEntry entries[most_keys] = {};
    char bytes[most_bytes] = {};
    std::string_view last;
    bool are_in_order = true;
};

// An object with these keys and as many values, as it is stored.
JsonbValue jsonb_object(const JsonbKeys &keys, const JsonbValue *values);

}  // namespace crm
