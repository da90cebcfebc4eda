#include "../boundary/guard.h"
#include "../boundary/transaction.h"
#include "saves.h"

namespace crm {

namespace {

// The names in an array; raises 22004 for one that is null.
std::span<const char *const>
names_argument(FunctionCallInfo fcinfo, int argument)
{
    if (PG_ARGISNULL(argument))
        return {};
    Datum *values;
    bool *nulls;
    int count;
    deconstruct_array(PG_GETARG_ARRAYTYPE_P(argument), TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &count);
    const char **names = static_cast<const char **>(palloc((static_cast<std::size_t>(count) + 1) * sizeof(char *)));
    for (int i = 0; i < count; i++)
    {
        if (nulls[i])
            errors::null_argument("fields");
        names[i] = TextDatumGetCString(values[i]);
    }
    return {names, static_cast<std::size_t>(count)};
}

Datum
revert(FunctionCallInfo fcinfo, Naming naming, const char *function)
{
    require_writable(function);
    require_named_row(fcinfo, naming);
    SaveArguments arguments = {};
    if (const int base = after_key(naming, 1); !PG_ARGISNULL(base))
        arguments.base = core::Timestamp{PG_GETARG_TIMESTAMPTZ(base)};
    arguments.author = text_argument(fcinfo, after_key(naming, 3));
    arguments.comment = text_argument(fcinfo, after_key(naming, 4));
    core::Request request = checked_request(arguments);
    request.intent = core::Intent::reversion;
    require_argument(fcinfo, after_key(naming, 2), "version");
    require_argument(fcinfo, after_key(naming, 5), "whole");
    const Reversion wanted = {
        .version = core::Timestamp{PG_GETARG_TIMESTAMPTZ(after_key(naming, 2))},
        .whole = PG_GETARG_BOOL(after_key(naming, 5)),
        .columns = names_argument(fcinfo, after_key(naming, 6)),
    };

    const AttachedTable table = named_table(fcinfo, naming, Purpose::save);
    const Key key = key_argument(fcinfo, after_key(naming, 0), table);
    require_triggers(table);
    return row_of_save(fcinfo, [&] { return revert_customer(table, key, request, wanted); });
}

}  // namespace

}  // namespace crm

CRM_FUNCTION(crm_revert_customer)
{
    return crm::revert(fcinfo, crm::Naming::customer, "crm_revert_customer()");
}

CRM_FUNCTION(crm_revert_record)
{
    return crm::revert(fcinfo, crm::Naming::record, "crm_revert_record()");
}
