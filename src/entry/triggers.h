#pragma once

#include "../boundary/errors.h"
#include "../boundary/role.h"
#include "../boundary/transaction.h"
#include "../records/save_in_progress.h"
#include "../tables/attached_tables.h"

// What the trigger functions share.
namespace crm {

enum class Timing
{
    before,
    after,
};

// The data of a trigger that was fired for a row at this time; raises 39P01 otherwise.
inline TriggerData *
require_row_trigger(FunctionCallInfo fcinfo, Timing timing, const char *function, const char *expected)
{
    if (!CALLED_AS_TRIGGER(fcinfo))
        errors::misused_trigger(function, expected);
    TriggerData *data = reinterpret_cast<TriggerData *>(fcinfo->context);
    if (!TRIGGER_FIRED_FOR_ROW(data->tg_event) || TRIGGER_FIRED_BEFORE(data->tg_event) != (timing == Timing::before) ||
        TRIGGER_FIRED_AFTER(data->tg_event) != (timing == Timing::after))
        errors::misused_trigger(function, expected);
    return data;
}

// The attached table whose member fired. There is none for rows that the owner inserts while the registry does not know the
// table, of which they are warned: pg_dump's data comes in that order. Any other write raises 55000 then.
inline std::optional<AttachedTable>
attached_or_restoring(FunctionCallInfo fcinfo, const TriggerData *data, Part part)
{
    const Oid relation = RelationGetRelid(data->tg_relation);
    // What a save in progress has found and locked is not looked for again.
    if (innermost_save != nullptr && (*innermost_save->table)[part].oid == relation)
        return innermost_save->table;
    // What the trigger was told for a row it need not ask again for the others of the statement.
    struct Known
    {
        std::uint64_t transaction;
        std::optional<AttachedTable> table;
    };
    const Known *known = static_cast<const Known *>(fcinfo->flinfo->fn_extra);
    const bool is_known = known != nullptr && known->transaction == transaction_number();
    if (is_known && known->table)
        return known->table;
    const std::optional<AttachedTable> table =
        attached_by_member(part, relation, extension_schema_of(fcinfo), Purpose::guard);
    if (!table && !(TRIGGER_FIRED_BY_INSERT(data->tg_event) && caller_owns(relation)))
        errors::not_attached(relation);
    if (!table && !is_known && TRIGGER_FIRED_BEFORE(data->tg_event))
        errors::warn_not_attached(relation);
    void *memory = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, sizeof(Known));
    fcinfo->flinfo->fn_extra = new (memory) Known{transaction_number(), table};
    return table;
}

}  // namespace crm
