#include "../boundary/guard.h"
#include "../boundary/role.h"
#include "../boundary/transaction.h"
#include "../reading/reading.h"
#include "../saving/access_path.h"
#include "../saving/saving.h"
#include "arguments.h"
#include "results.h"

namespace crm {

namespace {

Datum
export_text(FunctionCallInfo fcinfo, Naming naming)
{
    require_named_row(fcinfo, naming);
    const int time_zone = after_key(naming, 1);
    require_argument(fcinfo, time_zone, "time_zone");
    const AttachedTable table = named_table(fcinfo, naming, Purpose::read);
    const Key key = key_argument(fcinfo, after_key(naming, 0), table);

    const std::optional<Datum> text = in_spi([&](MemoryContext caller) -> std::optional<Datum> {
        if (!access_path(table).fetch(table, key))
            return std::nullopt;
        return copied_value(export_comments(table, key, PG_GETARG_DATUM(time_zone)), caller);
    });
    if (!text)
        PG_RETURN_NULL();
    return *text;
}

Datum
import_text(FunctionCallInfo fcinfo, Naming naming, const char *function)
{
    require_writable(function);
    require_named_row(fcinfo, naming);
    const int time_zone = after_key(naming, 2);
    require_argument(fcinfo, time_zone, "time_zone");
    const AttachedTable table = named_table(fcinfo, naming, Purpose::import);
    const Key key = key_argument(fcinfo, after_key(naming, 0), table);
    require_triggers(table);
    require_ownership(table->comments.oid);
    const std::optional<std::string_view> text = text_argument(fcinfo, after_key(naming, 1));

    return in_spi([&](MemoryContext) {
        if (!customer_exists(table, key))
            errors::no_such_row(row_name(table, key));
        const std::int64_t count = text ? import_comments(table, key, *text, PG_GETARG_DATUM(time_zone)) : 0;
        return Int32GetDatum(static_cast<std::int32_t>(count));
    });
}

}  // namespace

}  // namespace crm

CRM_FUNCTION(crm_export_comments)
{
    return crm::export_text(fcinfo, crm::Naming::customer);
}

CRM_FUNCTION(crm_export_record_comments)
{
    return crm::export_text(fcinfo, crm::Naming::record);
}

CRM_FUNCTION(crm_import_comments)
{
    return crm::import_text(fcinfo, crm::Naming::customer, "crm_import_comments()");
}

CRM_FUNCTION(crm_import_record_comments)
{
    return crm::import_text(fcinfo, crm::Naming::record, "crm_import_record_comments()");
}
