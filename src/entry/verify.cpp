#include "../boundary/guard.h"
#include "../boundary/row_set.h"
#include "../reading/reading.h"
#include "arguments.h"

CRM_FUNCTION(crm_verify)
{
    using namespace crm;

    const AttachedTable table = attached_by_search_path(extension_schema_of(fcinfo), Purpose::read);
    std::optional<Key> key;
    if (!PG_ARGISNULL(0))
        key = key_argument(fcinfo, 0, table);
    const RowSet rows = begin_row_set(fcinfo);

    in_spi([&](MemoryContext) {
        const std::uint64_t count = read_violations(table, key);
        for (std::uint64_t row = 0; row < count; row++)
            rows.add(SPI_tuptable->vals[row]);
    });
    return static_cast<Datum>(0);
}
