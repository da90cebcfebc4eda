#include "../boundary/errors.h"
#include "../boundary/guard.h"
#include "../boundary/role.h"
#include "../boundary/settings.h"
#include "../tables/attached_tables.h"

CRM_FUNCTION(crm_refuse_truncate)
{
    using namespace crm;

    constexpr const char *expected = "BEFORE TRUNCATE, for each statement";
    if (!CALLED_AS_TRIGGER(fcinfo))
        errors::misused_trigger("crm_refuse_truncate", expected);
    const TriggerData *data = reinterpret_cast<TriggerData *>(fcinfo->context);
    if (!TRIGGER_FIRED_BY_TRUNCATE(data->tg_event) || !TRIGGER_FIRED_BEFORE(data->tg_event))
        errors::misused_trigger("crm_refuse_truncate", expected);

    const Oid table = RelationGetRelid(data->tg_relation);
    if (!settings::allow_truncate() || !caller_owns(table))
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("cannot truncate table \"%s\"", errors::name_of(table)),
                        errdetail("It is guarded by crm_concurrency; TRUNCATE would go unrecorded."),
                        errhint("As its owner, SET LOCAL crm_concurrency.allow_truncate = on.")));
    return static_cast<Datum>(0);
}
