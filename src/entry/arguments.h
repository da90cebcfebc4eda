#pragma once

#include "../boundary/encoding.h"
#include "../boundary/errors.h"
#include "../boundary/identity.h"
#include "../boundary/settings.h"
#include "../boundary/spi.h"
#include "../tables/key.h"

// Reading and checking the arguments that the functions and triggers share.
namespace crm {

inline std::optional<std::string_view>
text_argument(FunctionCallInfo fcinfo, int argument)
{
    if (PG_ARGISNULL(argument))
        return std::nullopt;
    return text_of(PG_GETARG_DATUM(argument));
}

// Raises 22004 for an argument that must be there.
inline void
require_argument(FunctionCallInfo fcinfo, int argument, const char *name)
{
    if (PG_ARGISNULL(argument))
        errors::null_argument(name);
}

// How the arguments of a function name a row: the key is the first, of a customer whose table the search_path finds; or it
// follows the table.
enum class Naming
{
    customer = 0,
    record = 1,
};

// The position of the key, or of an argument that stands so many after it.
inline int
after_key(Naming naming, int offset)
{
    return static_cast<int>(naming) + offset;
}

// Raises 22004 where the row is not named.
inline void
require_named_row(FunctionCallInfo fcinfo, Naming naming)
{
    if (naming == Naming::record)
        require_argument(fcinfo, 0, "record_table");
    require_argument(fcinfo, after_key(naming, 0), naming == Naming::record ? "key" : "id");
}

// The table whose row is named, or for functions of all rows the table alone.
inline AttachedTable
named_table(FunctionCallInfo fcinfo, Naming naming, Purpose purpose)
{
    const Oid extension_schema = extension_schema_of(fcinfo);
    if (naming == Naming::record)
        return attached_by_name(PG_GETARG_OID(0), extension_schema, purpose);
    return attached_by_search_path(extension_schema, purpose);
}

// The key of a customer, an argument that is there: a bigint, or text in the functions that end in _by_key.
inline Key
key_argument(FunctionCallInfo fcinfo, int argument, const AttachedTable &table)
{
    // While the call waited for the tables, the function itself may have gone.
    extension_schema_of(fcinfo);
    Oid *types;
    int count;
    get_func_signature(fcinfo->flinfo->fn_oid, &types, &count);
    if (types[argument] == TEXTOID)
        return key_of_text(table, *text_argument(fcinfo, argument));
    return key_of_bigint(table, PG_GETARG_INT64(argument));
}

// A text that must be there and not blank.
inline std::string_view
require_text(std::optional<std::string_view> text, const char *argument, const char *hint)
{
    if (!text)
        errors::null_argument(argument);
    if (is_blank(*text))
        errors::blank_argument(argument, hint);
    return *text;
}

// The author of a call: the authenticated user where crm_concurrency.author_setting says who that is, and then no other.
inline std::string_view
require_author(std::optional<std::string_view> author)
{
    if (has_identity_source())
    {
        const std::string_view identity = require_identity();
        if (author && *author != identity)
            errors::other_author(*author, identity);
        return identity;
    }
    return require_text(author, "author", "Pass the name of the person who makes the change.");
}

// Raises 22001 for a comment that is too long.
inline void
check_comment_length(std::string_view comment)
{
    const int length = pg_mbstrlen_with_len(comment.data(), static_cast<int>(comment.size()));
    if (length > settings::max_comment_length())
        errors::comment_too_long(length, settings::max_comment_length());
}

}  // namespace crm
