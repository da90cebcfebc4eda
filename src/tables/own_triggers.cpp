#include "own_triggers.h"

namespace crm {

namespace {

// Whether a foreign key refers to the key of the customers table.
bool
refers_to_key(Oid constraint, AttrNumber key)
{
    HeapTuple tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
    if (!HeapTupleIsValid(tuple))
        return false;
    bool is_null;
    const Datum columns = SysCacheGetAttr(CONSTROID, tuple, Anum_pg_constraint_confkey, &is_null);
    bool refers = false;
    if (!is_null)
    {
        const ArrayType *array = DatumGetArrayTypeP(columns);
        refers = ARR_DIMS(array)[0] == 1 && *reinterpret_cast<const std::int16_t *>(ARR_DATA_PTR(array)) == key;
    }
    ReleaseSysCache(tuple);
    return refers;
}

}  // namespace

std::span<const Trigger>
triggers_of(Relation relation)
{
    // A look-up in the catalogue, which callers make, may exchange what the relation has.
    const TriggerDesc *triggers = CopyTriggerDesc(relation->trigdesc);
    return triggers == nullptr ? std::span<const Trigger>{} : std::span(triggers->triggers, triggers->numtriggers);
}

List *
copied_foreign_keys(Relation relation)
{
    return static_cast<List *>(copyObjectImpl(RelationGetFKeyList(relation)));
}

const Trigger *
find_trigger(Relation relation, const OwnTrigger &own, Oid extension_schema)
{
    for (const Trigger &trigger : triggers_of(relation))
    {
        if (get_func_namespace(trigger.tgfoid) != extension_schema ||
            TRIGGER_FOR_ROW(trigger.tgtype) != own.is_for_rows())
            continue;
        const char *name = get_func_name(trigger.tgfoid);
        if (name != nullptr && std::strcmp(name, own.function) == 0)
            return &trigger;
    }
    return nullptr;
}

bool
is_own(const Trigger &trigger, Oid extension_schema)
{
    if (get_func_namespace(trigger.tgfoid) != extension_schema)
        return false;
    const char *name = get_func_name(trigger.tgfoid);
    return name != nullptr && std::ranges::any_of(own_triggers, [name](const OwnTrigger &own) {
               return std::strcmp(name, own.function) == 0;
           });
}

bool
has_nothing_to_do(const TableDescription &table, const Trigger &trigger, CmdType command)
{
    const bool is_for_command =
        command == CMD_UPDATE ? TRIGGER_FOR_UPDATE(trigger.tgtype) : TRIGGER_FOR_INSERT(trigger.tgtype);
    if (!TRIGGER_FOR_ROW(trigger.tgtype) || !is_for_command || trigger.tgenabled == TRIGGER_DISABLED ||
        trigger.tgenabled == TRIGGER_FIRES_ON_REPLICA)
        return true;
    if (RI_FKey_trigger_type(trigger.tgfoid) == RI_TRIGGER_PK)
        return refers_to_key(trigger.tgconstraint, table.customers.key);
    return is_own(trigger, table.extension_schema);
}

bool
may_be_recorded_at_end(const TableDescription &table, Relation customers)
{
    bool is_told_of_end = false;
    for (const Trigger &trigger : triggers_of(customers))
    {
        const bool is_for_inserts = TRIGGER_FOR_INSERT(trigger.tgtype);
        const bool is_for_updates = TRIGGER_FOR_UPDATE(trigger.tgtype);
        if (!TRIGGER_FOR_AFTER(trigger.tgtype) || !(is_for_inserts || is_for_updates) ||
            trigger.tgenabled == TRIGGER_DISABLED || trigger.tgenabled == TRIGGER_FIRES_ON_REPLICA)
            continue;
        const int foreign_key = RI_FKey_trigger_type(trigger.tgfoid);
        if (foreign_key == RI_TRIGGER_FK ||
            (foreign_key == RI_TRIGGER_PK && refers_to_key(trigger.tgconstraint, table.customers.key)))
            continue;
        if (!is_own(trigger, table.extension_schema))
            return false;
        is_told_of_end |= !TRIGGER_FOR_ROW(trigger.tgtype) && is_for_inserts && is_for_updates &&
                          trigger.tgqual == nullptr && trigger.tgnattr == 0;
    }
    return is_told_of_end;
}

bool
fires(const Trigger &trigger)
{
    if (trigger.tgenabled == TRIGGER_FIRES_ALWAYS)
        return true;
    return trigger.tgenabled == (SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA ? TRIGGER_FIRES_ON_REPLICA
                                                                                            : TRIGGER_FIRES_ON_ORIGIN);
}

}  // namespace crm
