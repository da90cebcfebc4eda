#pragma once

#include "attached_tables.h"

// Locks of the extension that stand for no row or table.
namespace crm {

// What they stand for. Classes 1 and 2 are those of pg_advisory_lock(): never the same lock as one of the users'.
enum class LockClass : std::uint16_t
{
    kept_comment = 0xC4,
    import = 0xC6,
    added_comment = 0xC7,
    turn = 0xC9,
    pruning = 0xCA,
    restoration = 0xCB,
};

// The lock of this class for a table and a number that stands for one thing of it. Two with one number wait for each other,
// and that is all.
inline LOCKTAG
lock_tag(LockClass lock_class, Oid table, std::uint64_t number)
{
    LOCKTAG tag;
    SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, static_cast<std::uint32_t>(number >> 32),
                         static_cast<std::uint32_t>(number) ^ table, static_cast<std::uint16_t>(lock_class));
    return tag;
}

// A number for a text, mixed with another.
inline std::uint64_t
number_of(std::string_view text, std::uint64_t mixed = 0)
{
    return hash_bytes_extended(reinterpret_cast<const unsigned char *>(text.data()), static_cast<int>(text.size()),
                               mixed);
}

}  // namespace crm
