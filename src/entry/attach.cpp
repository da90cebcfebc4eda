#include "../boundary/transaction.h"
#include "../tables/attachment.h"

#include "../boundary/errors.h"
#include "../boundary/guard.h"
#include "../boundary/json.h"
#include "../boundary/role.h"
#include "../boundary/spi.h"
#include "../tables/attached_tables.h"
#include "arguments.h"

namespace crm {

namespace {

const char *
name_argument(FunctionCallInfo fcinfo, int argument)
{
    return PG_ARGISNULL(argument) ? nullptr : NameStr(*PG_GETARG_NAME(argument));
}

// An argument that SQL objects of version 1.0 do not have.
const char *
later_name_argument(FunctionCallInfo fcinfo, int argument)
{
    return PG_NARGS() > argument ? name_argument(fcinfo, argument) : nullptr;
}

// The names in an array that SQL objects of version 1.0 do not have, as jsonb.
std::optional<Datum>
later_names_argument(FunctionCallInfo fcinfo, int argument, const char *name)
{
    if (PG_NARGS() <= argument || PG_ARGISNULL(argument))
        return std::nullopt;
    Datum *values;
    bool *nulls;
    int count;
    deconstruct_array(PG_GETARG_ARRAYTYPE_P(argument), TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &count);
    JsonBuilder json;
    json.open_array();
    for (int i = 0; i < count; i++)
    {
        if (nulls[i])
            errors::null_argument(name);
        json.text(text_of(values[i]));
    }
    json.close_array();
    return json.finish();
}

const char *
require_name(FunctionCallInfo fcinfo, int argument, const char *name)
{
    if (PG_ARGISNULL(argument))
        errors::null_argument(name);
    return name_argument(fcinfo, argument);
}

bool
refuses_plain_updates(FunctionCallInfo fcinfo, int argument)
{
    const std::string_view value =
        require_text(text_argument(fcinfo, argument), "plain_updates", "Pass allow or refuse.");
    if (value != "allow" && value != "refuse")
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("plain_updates cannot be \"%s\"", pnstrdup(value.data(), value.size())),
                        errdetail("It says whether an UPDATE may change the status beside crm_update_customer()."),
                        errhint("Pass allow or refuse.")));
    return value == "refuse";
}

// Runs what attaches or detaches, with the names of the extension's own statements looked for in pg_catalog alone.
template <typename Run>
void
with_safe_names(Run run)
{
    const int settings_level = NewGUCNestLevel();
    set_search_path("pg_catalog, pg_temp");
    in_spi([&](MemoryContext) { run(); });
    AtEOXact_GUC(true, settings_level);
}

// Raises 42P01 and 42501 for what is no relation, or none of the caller's.
void
require_named(Oid customers)
{
    if (!OidIsValid(get_rel_namespace(customers)))
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("there is no table with OID %u", customers),
                        errdetail("Nothing was changed."), errhint("Name the table of the customers.")));
    require_owned(customers);
}

// The customers table that is named; others who attach tables of its schema wait for this transaction.
Oid
lock_customers(FunctionCallInfo fcinfo)
{
    if (PG_ARGISNULL(0))
        errors::null_argument("customers");
    const Oid customers = PG_GETARG_OID(0);
    require_named(customers);
    LockRelationOid(customers, AccessShareLock);
    require_named(customers);
    LockDatabaseObject(NamespaceRelationId, get_rel_namespace(customers), 0, ShareUpdateExclusiveLock);
    return customers;
}

}  // namespace

}  // namespace crm

CRM_FUNCTION(crm_attach)
{
    using namespace crm;

    require_writable("crm_attach()");
    const AttachRequest request = {
        .customers = lock_customers(fcinfo),
        .status_column = name_argument(fcinfo, 1),
        .version_column = require_name(fcinfo, 2, "version_column"),
        .companions_schema = later_name_argument(fcinfo, 14),
        .comments = name_argument(fcinfo, 3),
        .history = name_argument(fcinfo, 4),
        .locks = name_argument(fcinfo, 5),
        .deletions = later_name_argument(fcinfo, 9),
        .comment_edits = later_name_argument(fcinfo, 10),
        .refused_saves = later_name_argument(fcinfo, 11),
        .comments_column = name_argument(fcinfo, 6),
        .refuses_plain_updates = refuses_plain_updates(fcinfo, 7),
        // SQL objects of version 1.0 do not pass these.
        .merge_groups = PG_NARGS() > 12 && !PG_ARGISNULL(12) ? std::optional{PG_GETARG_DATUM(12)} : std::nullopt,
        .also_bump = later_names_argument(fcinfo, 13, "also_bump"),
        .as_customers = PG_NARGS() > 8 && !PG_ARGISNULL(8) && PG_GETARG_BOOL(8),
    };
    if (request.refuses_plain_updates && request.status_column == nullptr)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("plain_updates cannot be refused in a table without a status"),
                        errdetail("It says whether an UPDATE may change the status beside crm_update_record()."),
                        errhint("Pass allow, or a status_column.")));
    const Oid extension_schema = extension_schema_of(fcinfo);
    with_safe_names([&] { attach(request, extension_schema); });
    return ObjectIdGetDatum(request.customers);
}

CRM_FUNCTION(crm_detach)
{
    using namespace crm;

    require_writable("crm_detach()");
    const Oid customers = lock_customers(fcinfo);
    const Oid extension_schema = extension_schema_of(fcinfo);
    with_safe_names([&] { detach(customers, extension_schema); });
    PG_RETURN_VOID();
}
