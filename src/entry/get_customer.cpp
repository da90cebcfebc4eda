#include "../boundary/guard.h"
#include "../core/version.h"
#include "../reading/reading.h"
#include "arguments.h"
#include "results.h"

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
