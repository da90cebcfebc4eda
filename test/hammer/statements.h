#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <pqxx/pqxx>

#include "options.h"
#include "record.h"

// What the driver asks the server, how that is sent in every libpqxx, and how results are read.
namespace crm::hammer {

// Sends what the attempt says as one statement, and notes in it what the server answers; a new customer gets an id of the
// driver's unless that is 0. Raises what libpqxx raises.
void ask(pqxx::connection &connection, const Target &target, Attempt &attempt, std::int64_t new_customer);

// The same for saves that are sent as one batch.
void ask_batch(pqxx::connection &connection, const std::vector<Attempt *> &saves);

// The rows of these customers, from one snapshot; through a proxy, each partition's from one. Raises CannotRun.
Tables read_tables(pqxx::connection &connection, const Target &target, const std::vector<std::int64_t> &customers);

// libpqxx 7.10 has these in place of exec_params and errorhandler.
#define CRM_HAS_PARAMS (PQXX_VERSION_MAJOR > 7 || (PQXX_VERSION_MAJOR == 7 && PQXX_VERSION_MINOR >= 10))
#define CRM_HAS_NOTICE_HANDLER CRM_HAS_PARAMS

// Executes a statement with parameters, which are sent untyped as text.
template <typename... Arguments>
pqxx::result
execute(pqxx::transaction_base &transaction, const std::string &sql, const Arguments &...arguments)
{
#if CRM_HAS_PARAMS
    return transaction.exec(sql, pqxx::params{arguments...});
#else
    return transaction.exec_params(sql, arguments...);
#endif
}

// Fields are taken by a template because their type differs between the major versions of libpqxx.
template <typename Field>
std::optional<std::string>
text(const Field &field)
{
    if (field.is_null())
        return std::nullopt;
    return field.template as<std::string>();
}

template <typename Field>
std::optional<std::int64_t>
number(const Field &field)
{
    if (field.is_null())
        return std::nullopt;
    return field.template as<std::int64_t>();
}

// A timestamptz as microseconds, whatever the session's settings are.
std::string microseconds(std::string_view expression);

// The columns of rows that are JSON, as text.
std::string columns_of_json(const std::vector<std::string> &columns);

// The driver's columns of a customer as JSON.
Values fields_of(const std::string &json);

std::string first_line(std::string_view message);

}  // namespace crm::hammer
