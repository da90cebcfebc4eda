#include "../boundary/guard.h"
#include "../boundary/role.h"
#include "../boundary/row_set.h"
#include "../core/version.h"
#include "../reading/reading.h"
#include "../saving/access_path.h"
#include "arguments.h"
#include "results.h"

// What only reads: a customer now or then, its timeline, and the invariants that do not hold.

namespace crm {

namespace {

Datum
view(FunctionCallInfo fcinfo, Naming naming, const char *function)
{
    // It takes a snapshot of its own.
    PreventCommandIfParallelMode(function);
    require_named_row(fcinfo, naming);
    // Versions may run ahead of the clock, so that a time is never taken for now.
    std::optional<core::Timestamp> at;
    if (const int time = after_key(naming, 1); !PG_ARGISNULL(time) && !TIMESTAMP_IS_NOEND(PG_GETARG_TIMESTAMPTZ(time)))
        at = core::latest_meant({PG_GETARG_TIMESTAMPTZ(time)});
    require_argument(fcinfo, after_key(naming, 2), "max_comments");
    const std::int32_t max_comments = PG_GETARG_INT32(after_key(naming, 2));
    if (max_comments < 0)
        errors::negative_limit("max_comments");
    const AttachedTable table = named_table(fcinfo, naming, Purpose::read);
    const Key key = key_argument(fcinfo, after_key(naming, 0), table);

    const std::optional<Datum> view = in_spi([&](MemoryContext caller) -> std::optional<Datum> {
        const std::optional<Datum> made =
            view_customer(table, key, naming == Naming::record ? "record" : "customer", at, max_comments);
        return made ? std::optional{copied_value(*made, caller)} : std::nullopt;
    });
    if (!view)
        PG_RETURN_NULL();
    return *view;
}

Datum
timeline(FunctionCallInfo fcinfo, Naming naming)
{
    require_named_row(fcinfo, naming);
    require_argument(fcinfo, after_key(naming, 1), "max_rows");
    const std::int32_t max_rows = PG_GETARG_INT32(after_key(naming, 1));
    if (max_rows < 0)
        errors::negative_limit("max_rows");
    core::Timestamp before = core::infinity;
    if (const int time = after_key(naming, 2); !PG_ARGISNULL(time))
        before = core::Timestamp{PG_GETARG_TIMESTAMPTZ(time)};
    const AttachedTable table = named_table(fcinfo, naming, Purpose::read);
    const Key key = key_argument(fcinfo, after_key(naming, 0), table);
    const RowSet rows = begin_row_set(fcinfo);

    in_spi([&](MemoryContext) {
        const bool is_hidden = is_under_row_security(table->customers.oid) && !access_path(table).fetch(table, key);
        if (!is_hidden)
            read_timeline(table, key, max_rows, before, rows);
    });
    return static_cast<Datum>(0);
}

Datum
verify(FunctionCallInfo fcinfo, Naming naming)
{
    if (naming == Naming::record)
        require_argument(fcinfo, 0, "record_table");
    const AttachedTable table = named_table(fcinfo, naming, Purpose::read);
    std::optional<Key> key;
    if (!PG_ARGISNULL(after_key(naming, 0)))
        key = key_argument(fcinfo, after_key(naming, 0), table);
    const RowSet rows = begin_row_set(fcinfo);

    in_spi([&](MemoryContext) { add_violations(table, key, rows); });
    return static_cast<Datum>(0);
}

}  // namespace

}  // namespace crm

CRM_FUNCTION(crm_get_customer)
{
    return crm::view(fcinfo, crm::Naming::customer, "crm_get_customer()");
}

CRM_FUNCTION(crm_get_record)
{
    return crm::view(fcinfo, crm::Naming::record, "crm_get_record()");
}

CRM_FUNCTION(crm_timeline)
{
    return crm::timeline(fcinfo, crm::Naming::customer);
}

CRM_FUNCTION(crm_record_timeline)
{
    return crm::timeline(fcinfo, crm::Naming::record);
}

CRM_FUNCTION(crm_verify)
{
    return crm::verify(fcinfo, crm::Naming::customer);
}

CRM_FUNCTION(crm_verify_record)
{
    return crm::verify(fcinfo, crm::Naming::record);
}
