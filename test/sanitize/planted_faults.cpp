#include "../../src/boundary/guard.h"
#include "../../src/entry/arguments.h"

#include <limits>
#include <memory>

// Faults that scripts/sanitize must find, compiled with the library and as the library is. Each goes as far too far as
// the second argument says: with 0 all is well.
CRM_FUNCTION(crm_planted_fault)
{
    const std::string_view kind = *crm::text_argument(fcinfo, 0);
    const int beyond = PG_GETARG_INT32(1);
    const int last = 7 + beyond;

    if (kind == "integer")
        PG_RETURN_INT32(std::numeric_limits<int>::max() + beyond);
    if (kind == "conversion")
    {
        const std::uint8_t byte = 255 + beyond;
        PG_RETURN_INT32(byte);
    }
    if (kind == "reference")
    {
        const int *const number = beyond == 0 ? &last : nullptr;
        const int &referred = *number;
        PG_RETURN_INT32(referred);
    }
    if (kind == "array" || kind == "stack")
    {
        const volatile char bytes[8] = {};
        const volatile char *const first = bytes;
        PG_RETURN_INT32(kind == "array" ? bytes[last] : first[last]);
    }
    if (kind == "new[]")
    {
        const auto bytes = std::make_unique<volatile char[]>(8);
        PG_RETURN_INT32(bytes[last]);
    }
    if (kind == "palloc")
    {
        const volatile char *const bytes = static_cast<char *>(palloc0(8));
        PG_RETURN_INT32(bytes[last]);
    }
    if (kind == "pfree")
    {
        char *const bytes = static_cast<char *>(palloc0(8));
        if (beyond > 0)
            pfree(bytes);
        PG_RETURN_INT32(*const_cast<volatile char *>(bytes));
    }
    if (kind == "given")
    {
        const char *const bytes = static_cast<char *>(palloc0(8));
        PG_RETURN_INT32(VARSIZE(cstring_to_text_with_len(bytes, 8 + beyond)));
    }
    if (kind == "view")
        PG_RETURN_INT32(kind[kind.size() - 1 + static_cast<std::size_t>(beyond)]);
    elog(ERROR, "there is no such fault");
}
