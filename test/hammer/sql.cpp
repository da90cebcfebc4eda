#include "sql.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace crm::hammer {

std::string
microseconds(std::string_view expression)
{
    return fmt::format("(extract(epoch FROM {}) * 1000000)::bigint", expression);
}

std::string
columns_of_json(const std::vector<std::string> &columns)
{
    std::string list;
    for (const std::string &column : columns)
        list += fmt::format("{}r ->> '{}'", list.empty() ? "" : ", ", column);
    return list;
}

Values
fields_of(const std::string &json)
{
    Values fields;
    const auto customer = nlohmann::json::parse(json);
    for (const std::string_view name : field_names)
        if (const auto value = customer.find(std::string(name)); value != customer.end())
            fields[std::string(name)] = value->is_null() ? std::nullopt : std::optional(value->get<std::string>());
    return fields;
}

std::string
first_line(std::string_view message)
{
    return std::string(message.substr(0, message.find('\n')));
}

}  // namespace crm::hammer
