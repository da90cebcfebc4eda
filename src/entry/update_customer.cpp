#include "../boundary/guard.h"
#include "../boundary/transaction.h"
#include "results.h"
#include "saves.h"

namespace crm {

namespace {

SaveArguments
read_arguments(FunctionCallInfo fcinfo)
{
    SaveArguments arguments = {};
    if (!PG_ARGISNULL(1))
        arguments.base = core::Timestamp{PG_GETARG_TIMESTAMPTZ(1)};
    arguments.status = text_argument(fcinfo, 2);
    arguments.comment = text_argument(fcinfo, 3);
    arguments.author = text_argument(fcinfo, 4);
    if (!PG_ARGISNULL(5))
        arguments.merge = PG_GETARG_BOOL(5);
    if (!PG_ARGISNULL(6))
        arguments.reply_to = PG_GETARG_INT64(6);
    return arguments;
}

}  // namespace

}  // namespace crm

CRM_FUNCTION(crm_update_customer)
{
    using namespace crm;

    require_writable("crm_update_customer()");
    require_argument(fcinfo, 0, "id");
    const core::Request request = checked_request(read_arguments(fcinfo));
    const AttachedTable table = attached_by_search_path(extension_schema_of(fcinfo), Purpose::save);
    const Key key = key_argument(fcinfo, 0, table);
    require_triggers(table);

    const TupleDesc columns = result_columns(fcinfo);
    std::optional<Datum> fields;
    if (!PG_ARGISNULL(7))
        fields = PG_GETARG_DATUM(7);

    return in_spi([&](MemoryContext caller) {
        const SaveResult result = save_customer(table, key, request, fields);
        return made_in(caller, [&] {
            RowValues row;
            row.add(result);
            return result_row(columns, row.values, row.nulls);
        });
    });
}
