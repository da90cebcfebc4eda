#pragma once

#include "pg.h"

namespace crm {

// A statement in which each name in braces is replaced by what meaning(name) returns; braces around what it does not know
// stay.
template <typename Meaning>
const char *
filled(std::string_view statement, Meaning meaning)
{
    StringInfoData sql;
    initStringInfo(&sql);
    while (!statement.empty())
    {
        const std::size_t open = statement.find('{');
        const std::size_t close = open == statement.npos ? statement.npos : statement.find('}', open);
        std::optional<std::string_view> value;
        if (close != statement.npos)
            value = meaning(statement.substr(open + 1, close - open - 1));
        const std::size_t end = value ? open : std::min(open, statement.size() - 1) + 1;
        appendBinaryStringInfo(&sql, statement.data(), static_cast<int>(end));
        if (value)
            appendBinaryStringInfo(&sql, value->data(), static_cast<int>(value->size()));
        statement.remove_prefix(value ? close + 1 : end);
    }
    return sql.data;
}

}  // namespace crm
