#include "../boundary/guard.h"
#include "../boundary/role.h"
#include "../boundary/transaction.h"
#include "../reading/reading.h"
#include "../saving/access_path.h"
#include "../saving/saving.h"
#include "arguments.h"
#include "results.h"

CRM_FUNCTION(crm_export_comments)
{
    using namespace crm;

    require_argument(fcinfo, 0, "id");
    require_argument(fcinfo, 1, "time_zone");
    const AttachedTable table = attached_by_search_path(extension_schema_of(fcinfo), Purpose::read);
    const Key key = key_argument(fcinfo, 0, table);

    const std::optional<Datum> text = in_spi([&](MemoryContext caller) -> std::optional<Datum> {
        if (!access_path(table).fetch(table, key))
            return std::nullopt;
        return copied_value(export_comments(table, key, PG_GETARG_DATUM(1)), caller);
    });
    if (!text)
        PG_RETURN_NULL();
    return *text;
}

CRM_FUNCTION(crm_import_comments)
{
    using namespace crm;

    require_writable("crm_import_comments()");
    require_argument(fcinfo, 0, "id");
    require_argument(fcinfo, 2, "time_zone");
    const AttachedTable table = attached_by_search_path(extension_schema_of(fcinfo), Purpose::import);
    const Key key = key_argument(fcinfo, 0, table);
    require_triggers(table);
    require_ownership(table->comments.oid);
    const std::optional<std::string_view> text = text_argument(fcinfo, 1);

    return in_spi([&](MemoryContext) {
        if (!customer_exists(table, key))
            errors::no_such_customer(key_text(key));
        const std::int64_t count = text ? import_comments(table, key, *text, PG_GETARG_DATUM(2)) : 0;
        return Int32GetDatum(static_cast<std::int32_t>(count));
    });
}
