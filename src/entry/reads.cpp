#include "../boundary/guard.h"
#include "../boundary/role.h"
#include "../boundary/row_set.h"
#include "../core/version.h"
#include "../reading/reading.h"
#include "../saving/access_path.h"
#include "arguments.h"
#include "results.h"

// What only reads: a customer now or then, its timeline, and the invariants that do not hold.

CRM_FUNCTION(crm_get_customer)
{
    using namespace crm;

    // It takes a snapshot of its own.
    PreventCommandIfParallelMode("crm_get_customer()");
    require_argument(fcinfo, 0, "id");
    // Versions may run ahead of the clock, so that a time is never taken for now.
    std::optional<core::Timestamp> at;
    if (!PG_ARGISNULL(1) && !TIMESTAMP_IS_NOEND(PG_GETARG_TIMESTAMPTZ(1)))
        at = core::latest_meant({PG_GETARG_TIMESTAMPTZ(1)});
    require_argument(fcinfo, 2, "max_comments");
    const std::int32_t max_comments = PG_GETARG_INT32(2);
    if (max_comments < 0)
        errors::negative_limit("max_comments");
    const AttachedTable table = attached_by_search_path(extension_schema_of(fcinfo), Purpose::read);
    const Key key = key_argument(fcinfo, 0, table);

    const std::optional<Datum> view = in_spi([&](MemoryContext caller) -> std::optional<Datum> {
        const std::optional<Datum> made = view_customer(table, key, at, max_comments);
        return made ? std::optional{copied_value(*made, caller)} : std::nullopt;
    });
    if (!view)
        PG_RETURN_NULL();
    return *view;
}

CRM_FUNCTION(crm_timeline)
{
    using namespace crm;

    require_argument(fcinfo, 0, "id");
    require_argument(fcinfo, 1, "max_rows");
    const std::int32_t max_rows = PG_GETARG_INT32(1);
    if (max_rows < 0)
        errors::negative_limit("max_rows");
    const core::Timestamp before = PG_ARGISNULL(2) ? core::infinity : core::Timestamp{PG_GETARG_TIMESTAMPTZ(2)};
    const AttachedTable table = attached_by_search_path(extension_schema_of(fcinfo), Purpose::read);
    const Key key = key_argument(fcinfo, 0, table);
    const RowSet rows = begin_row_set(fcinfo);

    in_spi([&](MemoryContext) {
        const bool is_hidden = is_under_row_security(table->customers.oid) && !access_path(table).fetch(table, key);
        if (!is_hidden)
            read_timeline(table, key, max_rows, before, rows);
    });
    return static_cast<Datum>(0);
}

CRM_FUNCTION(crm_verify)
{
    using namespace crm;

    const AttachedTable table = attached_by_search_path(extension_schema_of(fcinfo), Purpose::read);
    std::optional<Key> key;
    if (!PG_ARGISNULL(0))
        key = key_argument(fcinfo, 0, table);
    const RowSet rows = begin_row_set(fcinfo);

    in_spi([&](MemoryContext) { add_violations(table, key, rows); });
    return static_cast<Datum>(0);
}
