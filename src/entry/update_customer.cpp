#include "../boundary/guard.h"
#include "../storage/save.h"
#include "arguments.h"

namespace crm {

namespace {

core::Request
read_request(FunctionCallInfo fcinfo)
{
    if (PG_ARGISNULL(1))
        errors::null_base();

    core::Request request = {};
    request.base = {PG_GETARG_TIMESTAMPTZ(1)};
    request.status = text_argument(fcinfo, 2);
    request.comment = text_argument(fcinfo, 3);
    request.author = require_author(text_argument(fcinfo, 4));

    if (request.status)
        require_text(request.status, "status", "Pass NULL to leave the status as it is.");
    if (request.comment && core::is_blank(*request.comment))
        request.comment = std::nullopt;
    if (request.comment)
        check_comment_length(*request.comment);
    request.merge = PG_ARGISNULL(5) ? settings::merge() : PG_GETARG_BOOL(5);
    if (!PG_ARGISNULL(6))
    {
        if (!request.comment)
            errors::reply_without_comment();
        request.reply_to = PG_GETARG_INT64(6);
    }
    return request;
}

// The values of a result row, in order.
struct RowValues
{
    static constexpr int capacity = 7;
    Datum values[capacity] = {};
    bool nulls[capacity] = {};
    int count = 0;

    void
    add(std::optional<Datum> value)
    {
        nulls[count] = !value;
        values[count++] = value.value_or(static_cast<Datum>(0));
    }
};

std::optional<Datum>
optional_text_datum(std::optional<std::string_view> text)
{
    if (!text)
        return std::nullopt;
    return text_datum(*text);
}

std::optional<Datum>
optional_time_datum(std::optional<core::Timestamp> time)
{
    if (!time)
        return std::nullopt;
    return TimestampTzGetDatum(time->us);
}

std::optional<Datum>
optional_bigint_datum(std::optional<std::int64_t> number)
{
    if (!number)
        return std::nullopt;
    return Int64GetDatum(*number);
}

Datum
result_row(const SaveResult &result, TupleDesc columns)
{
    RowValues row;
    row.add(text_datum(core::name(result.outcome)));
    row.add(Int32GetDatum(core::http_status(result.outcome)));
    row.add(optional_text_datum(result.status));
    row.add(optional_time_datum(result.version));
    row.add(optional_bigint_datum(result.comment_id));
    row.add(text_datum(result.message));
    row.add(result.detail);
    return HeapTupleGetDatum(heap_form_tuple(columns, row.values, row.nulls));
}

}  // namespace

}  // namespace crm

CRM_FUNCTION(crm_update_customer)
{
    using namespace crm;

    PreventCommandIfReadOnly("crm_update_customer()");
    require_argument(fcinfo, 0, "id");
    const core::Request request = read_request(fcinfo);
    AttachedTable &table = attached_by_search_path(extension_schema_of(fcinfo));
    const Key key = key_argument(fcinfo, 0, table);
    require_triggers(table, extension_schema_of(fcinfo));

    TupleDesc columns;
    if (get_call_result_type(fcinfo, nullptr, &columns) != TYPEFUNC_COMPOSITE)
        elog(ERROR, "return type must be a row type");
    columns = BlessTupleDesc(columns);

    std::optional<Datum> fields;
    if (!PG_ARGISNULL(7))
        fields = PG_GETARG_DATUM(7);
    const MemoryContext caller = CurrentMemoryContext;
    SPI_connect();
    const SaveResult result = save_customer(table, key, request, fields);
    MemoryContext spi = MemoryContextSwitchTo(caller);
    const Datum row = result_row(result, columns);
    MemoryContextSwitchTo(spi);
    SPI_finish();
    return row;
}
