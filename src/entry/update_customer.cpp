#include "../boundary/guard.h"
#include "../boundary/transaction.h"
#include "saves.h"

namespace crm {

namespace {

SaveArguments
read_arguments(FunctionCallInfo fcinfo, int base)
{
    SaveArguments arguments = {};
    if (!PG_ARGISNULL(base))
        arguments.base = core::Timestamp{PG_GETARG_TIMESTAMPTZ(base)};
    arguments.status = text_argument(fcinfo, base + 1);
    arguments.comment = text_argument(fcinfo, base + 2);
    arguments.author = text_argument(fcinfo, base + 3);
    if (!PG_ARGISNULL(base + 4))
        arguments.merge = PG_GETARG_BOOL(base + 4);
    if (!PG_ARGISNULL(base + 5))
        arguments.reply_to = PG_GETARG_INT64(base + 5);
    return arguments;
}

Datum
update(FunctionCallInfo fcinfo, Naming naming, const char *function)
{
    require_writable(function);
    require_named_row(fcinfo, naming);
    const core::Request request = checked_request(read_arguments(fcinfo, after_key(naming, 1)));
    const AttachedTable table = named_table(fcinfo, naming, Purpose::save);
    const Key key = key_argument(fcinfo, after_key(naming, 0), table);
    require_triggers(table);

    std::optional<Datum> fields;
    if (const int argument = after_key(naming, 7); !PG_ARGISNULL(argument))
        fields = PG_GETARG_DATUM(argument);

    return row_of_save(fcinfo, [&] { return save_customer(table, key, request, fields); });
}

}  // namespace

}  // namespace crm

CRM_FUNCTION(crm_update_customer)
{
    return crm::update(fcinfo, crm::Naming::customer, "crm_update_customer()");
}

CRM_FUNCTION(crm_update_record)
{
    return crm::update(fcinfo, crm::Naming::record, "crm_update_record()");
}
