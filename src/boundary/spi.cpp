#include "spi.h"

#include "errors.h"

namespace crm {

void
Arguments::add(Oid type, Datum value)
{
    Assert(count < capacity);
    types[count] = type;
    values[count] = value;
    nulls[count] = ' ';
    ++count;
}

void
Arguments::add_null(Oid type)
{
    add(type, static_cast<Datum>(0));
    nulls[count - 1] = 'n';
}

void
Arguments::add(std::string_view text)
{
    add(TEXTOID, text_datum(text));
}

void
Arguments::add(std::optional<std::string_view> text)
{
    if (text)
        add(*text);
    else
        add_null(TEXTOID);
}

void
Arguments::add(core::Timestamp time)
{
    add(TIMESTAMPTZOID, TimestampTzGetDatum(time.us));
}

void
Arguments::add(std::optional<core::Timestamp> time)
{
    if (time)
        add(*time);
    else
        add_null(TIMESTAMPTZOID);
}

void
Arguments::add(std::optional<std::int64_t> number)
{
    if (number)
        add(INT8OID, Int64GetDatum(*number));
    else
        add_null(INT8OID);
}

SPIPlanPtr
prepare_statement(const Sql &statement, const Arguments &arguments)
{
    // One generic plan serves: every statement finds its rows by the leading columns of a primary key.
    SPIPlanPtr plan = SPI_prepare_cursor(statement.text(), arguments.count, const_cast<Oid *>(arguments.types),
                                         CURSOR_OPT_GENERIC_PLAN);
    if (plan == nullptr)
        elog(ERROR, "could not prepare \"%s\": %s", statement.text(), SPI_result_code_string(SPI_result));
    if (SPI_keepplan(plan) != 0)
        elog(ERROR, "could not keep the plan of \"%s\"", statement.text());
    return plan;
}

std::uint64_t
run_statement(SPIPlanPtr plan, const Arguments &arguments, Snapshot snapshot)
{
    const int result = SPI_execute_snapshot(plan, const_cast<Datum *>(arguments.values), arguments.nulls, snapshot,
                                            InvalidSnapshot, false, true, 0);
    if (result < 0)
        elog(ERROR, "could not execute a statement of crm_concurrency: %s", SPI_result_code_string(result));
    return SPI_processed;
}

void
run_utility(const Sql &statement)
{
    const int result = SPI_execute(statement.text(), false, 0);
    if (result != SPI_OK_UTILITY)
        elog(ERROR, "could not execute \"%s\": %s", statement.text(), SPI_result_code_string(result));
}

bool
result_is_null(std::uint64_t row, int column)
{
    bool is_null;
    SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column + 1, &is_null);
    return is_null;
}

Datum
result_datum(std::uint64_t row, int column, Oid type)
{
    const Oid actual = SPI_gettypeid(SPI_tuptable->tupdesc, column + 1);
    if (actual != type && getBaseType(actual) != type)
        elog(ERROR, "unexpected type %s in column %d of a result", format_type_be(actual), column);
    bool is_null;
    const Datum value = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column + 1, &is_null);
    if (is_null)
        errors::null_in_column(SPI_fname(SPI_tuptable->tupdesc, column + 1));
    return value;
}

bool
result_boolean(std::uint64_t row, int column)
{
    return DatumGetBool(result_datum(row, column, BOOLOID));
}

core::Timestamp
result_time(std::uint64_t row, int column)
{
    return {DatumGetTimestampTz(result_datum(row, column, TIMESTAMPTZOID))};
}

std::int64_t
result_bigint(std::uint64_t row, int column)
{
    return DatumGetInt64(result_datum(row, column, INT8OID));
}

std::string_view
result_text(std::uint64_t row, int column)
{
    return text_of(result_datum(row, column, TEXTOID));
}

Datum
text_datum(std::string_view text)
{
    return PointerGetDatum(cstring_to_text_with_len(text.data(), static_cast<int>(text.size())));
}

std::string_view
text_of(Datum datum)
{
    const char *copy = TextDatumGetCString(datum);
    return {copy, std::strlen(copy)};
}

std::string_view
joined_text(std::initializer_list<std::string_view> parts)
{
    std::size_t size = 0;
    for (const std::string_view part : parts)
        size += part.size();
    char *text = static_cast<char *>(palloc(size + 1));
    char *end = text;
    for (const std::string_view part : parts)
        end = std::copy(part.begin(), part.end(), end);
    *end = '\0';
    return {text, size};
}

}  // namespace crm
