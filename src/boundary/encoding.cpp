#include "encoding.h"

#include "pg.h"

namespace crm {

namespace {

constexpr std::size_t room = 32;

struct Converted
{
    char bytes[room][(MAX_MULTIBYTE_CHAR_LEN + 1) * MAX_CONVERSION_GROWTH];
    std::string_view spaces[room];
    core::WhiteSpace all;
};

// Unicode's white space as far as an encoding has it.
void
convert(Converted &converted, int encoding)
{
    const Oid conversion = FindDefaultConversionProc(PG_UTF8, encoding);
    std::size_t count = 0;
    if (OidIsValid(conversion))
        for (const std::string_view space : core::utf8_space.beyond_ascii)
        {
            unsigned char source[MAX_MULTIBYTE_CHAR_LEN + 1] = {};
            std::ranges::copy(space, source);
            const int length = static_cast<int>(space.size());
            char *bytes = converted.bytes[count];
            if (pg_do_encoding_conversion_buf(conversion, PG_UTF8, encoding, source, length,
                                              reinterpret_cast<unsigned char *>(bytes), sizeof converted.bytes[count],
                                              true) == length)
                converted.spaces[count++] = bytes;
        }
    converted.all = {std::span(converted.spaces, count)};
}

}  // namespace

const core::WhiteSpace &
white_space()
{
    const int encoding = GetDatabaseEncoding();
    // In a database without an encoding, texts are UTF-8 more often than anything else.
    if (encoding == PG_UTF8 || encoding == PG_SQL_ASCII)
        return core::utf8_space;
    static Converted converted;
    static bool is_converted = false;
    if (!is_converted)
        convert(converted, encoding);
    is_converted = true;
    return converted.all;
}

}  // namespace crm
