#include "../boundary/guard.h"
#include "../boundary/role.h"
#include "../boundary/row_set.h"
#include "../boundary/transaction.h"
#include "../storage/access_path.h"
#include "../storage/edit_locks.h"
#include "arguments.h"
#include "results.h"

namespace crm {

namespace {

core::Microseconds
ttl_argument(FunctionCallInfo fcinfo, int argument)
{
    require_argument(fcinfo, argument, "ttl");
    const Interval *ttl = PG_GETARG_INTERVAL_P(argument);
    // Days and times are bounded one by one first, so that the sum does not overflow.
    if (ttl->month != 0 || ttl->day < -1 || ttl->day > 1 || ttl->time < -core::longest_lock ||
        ttl->time > core::longest_lock)
        errors::wrong_ttl();
    const core::Microseconds length = ttl->day * 24 * core::hour + ttl->time;
    if (length <= 0 || length > core::longest_lock)
        errors::wrong_ttl();
    return length;
}

std::optional<Datum>
optional_time(std::optional<core::Timestamp> time)
{
    if (!time)
        return std::nullopt;
    return TimestampTzGetDatum(time->us);
}

void
set(Datum *values, bool *nulls, int column, std::optional<Datum> value)
{
    nulls[column] = !value;
    values[column] = value.value_or(static_cast<Datum>(0));
}

HeapTuple
row_of(const LockResult &result, TupleDesc columns)
{
    Datum values[6];
    bool nulls[6];
    set(values, nulls, 0, text_datum(core::name(result.outcome)));
    set(values, nulls, 1, Int32GetDatum(core::http_status(result.outcome)));
    set(values, nulls, 2, result.lock_id);
    set(values, nulls, 3, result.author ? std::optional<Datum>{text_datum(*result.author)} : std::nullopt);
    set(values, nulls, 4, optional_time(result.expires_at));
    set(values, nulls, 5, text_datum(result.message));
    return heap_form_tuple(columns, values, nulls);
}

bool
may_read_customers(const AttachedTable &table)
{
    return may_name(table.customers) && has_column_right(table.customers, table.key, ACL_SELECT) &&
           has_column_right(table.customers, table.status, ACL_SELECT) &&
           has_column_right(table.customers, table.version, ACL_SELECT);
}

// Adds the locks of one table whose customers the caller sees.
void
add_live_locks(AttachedTable &table, const RowSet &rows, MemoryContext caller)
{
    SPI_connect();
    const std::uint64_t count = read_live_locks(table);
    SPITupleTable *const locks = SPI_tuptable;
    for (std::uint64_t row = 0; row < count; row++)
    {
        SPI_tuptable = locks;
        const Key key = stored_reference(table, result_datum(row, 0));
        Datum values[] = {ObjectIdGetDatum(table.customers), text_datum(key_text(key)), result_datum(row, 1),
                          result_datum(row, 2), result_datum(row, 3)};
        bool nulls[std::size(values)] = {};
        if (!access_path(table).look(table, key))
            continue;
        const MemoryContext spi = MemoryContextSwitchTo(caller);
        rows.add(heap_form_tuple(rows.columns, values, nulls));
        MemoryContextSwitchTo(spi);
    }
    SPI_finish();
}

}  // namespace

}  // namespace crm

CRM_FUNCTION(crm_lock_customer)
{
    using namespace crm;

    require_writable("crm_lock_customer()");
    require_argument(fcinfo, 0, "id");
    const std::string_view author = require_author(text_argument(fcinfo, 1));
    const core::Microseconds ttl = ttl_argument(fcinfo, 2);
    std::optional<Datum> lock_id;
    if (!PG_ARGISNULL(3))
        lock_id = PG_GETARG_DATUM(3);
    AttachedTable &table = attached_by_search_path(extension_schema_of(fcinfo));
    const Key key = key_argument(fcinfo, 0, table);

    const TupleDesc columns = result_columns(fcinfo);
    const MemoryContext caller = CurrentMemoryContext;
    SPI_connect();
    const LockResult result = lock_customer(table, key, author, ttl, lock_id);
    const MemoryContext spi = MemoryContextSwitchTo(caller);
    const Datum row = HeapTupleGetDatum(row_of(result, columns));
    MemoryContextSwitchTo(spi);
    SPI_finish();
    return row;
}

CRM_FUNCTION(crm_unlock_customer)
{
    using namespace crm;

    require_writable("crm_unlock_customer()");
    require_argument(fcinfo, 0, "id");
    require_argument(fcinfo, 1, "lock_id");
    AttachedTable &table = attached_by_search_path(extension_schema_of(fcinfo));
    const Key key = key_argument(fcinfo, 0, table);

    SPI_connect();
    const bool released = unlock_customer(table, key, PG_GETARG_DATUM(1));
    SPI_finish();
    return BoolGetDatum(released);
}

CRM_FUNCTION(crm_live_locks)
{
    using namespace crm;

    const RowSet rows = begin_row_set(fcinfo);
    const Oid extension_schema = extension_schema_of(fcinfo);
    ListCell *cell;
    foreach (cell, attached_customers(extension_schema))
    {
        AttachedTable *table = attached_by_member(&AttachedTable::customers, lfirst_oid(cell), extension_schema);
        if (table != nullptr && may_read_customers(*table))
            add_live_locks(*table, rows, CurrentMemoryContext);
    }
    return static_cast<Datum>(0);
}
