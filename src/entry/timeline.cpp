#include "../boundary/guard.h"
#include "../boundary/role.h"
#include "../boundary/row_set.h"
#include "../reading/reading.h"
#include "../saving/access_path.h"
#include "arguments.h"

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
