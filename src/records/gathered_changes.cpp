#include "gathered_changes.h"

#include "../boundary/bare_write.h"
#include "../boundary/errors.h"
#include "../tables/key.h"
#include "prepared_writes.h"

namespace crm {

namespace {

// More are not kept; nor, of large rows, in more memory than this.
constexpr std::size_t most_rows = 1000;
constexpr std::size_t most_memory = std::size_t{1024} * 1024;

struct Gathered
{
    AttachedTable table;
    const PreparedWrite *prepared;    // when the first was gathered
    SubTransactionId subtransaction;  // whose rollback undoes what is recorded
    MemoryContext context;            // of the rows
    TupleTableSlot *rows[most_rows];
    std::size_t count;
};

Gathered gathered = {};

void
forget()
{
    gathered.count = 0;
    if (gathered.context != nullptr)
        MemoryContextReset(gathered.context);
}

// Writes rows when the tables have changed since they were gathered.
void
write_one_by_one(TableDescription &known, Relation history, std::span<TupleTableSlot *> rows)
{
    for (TupleTableSlot *slot : rows)
    {
        NewRow row(slot);
        std::fill_n(row.given, row.count, true);
        const Key key = stored_reference(gathered.table, row.value(known.history.customer_id));
        if (!insert_row(history, row, NIL, prepared_record(known, history), {}))
            errors::write_suppressed(known.history.oid, key_text(key));
    }
}

void
transaction_ends(XactEvent event, void *)
{
    if (event == XACT_EVENT_PRE_COMMIT || event == XACT_EVENT_PRE_PREPARE)
        write_gathered_changes();
    else if (event == XACT_EVENT_ABORT)
        forget();
}

void
subtransaction_ends(SubXactEvent event, SubTransactionId ending, SubTransactionId parent, void *)
{
    if (gathered.count == 0 || gathered.subtransaction != ending)
        return;
    if (event == SUBXACT_EVENT_COMMIT_SUB)
        gathered.subtransaction = parent;
    else if (event == SUBXACT_EVENT_ABORT_SUB)
        forget();
}

}  // namespace

bool
gather_change(const AttachedTable &table, Relation history, const PreparedWrite *prepared, NewRow &row)
{
    if (!may_insert_bare(prepared, {}))
        return false;
    if (gathered.count > 0)
    {
        if (gathered.subtransaction != GetCurrentSubTransactionId())
            return false;
        if (gathered.count == most_rows || MemoryContextMemAllocated(gathered.context, false) > most_memory ||
            gathered.prepared != prepared)
            write_gathered_changes();
    }
    fill_defaults(*prepared->bare, row);
    if (!meets_constraints(history, *prepared->bare, row))
        return false;

    if (gathered.context == nullptr)
        gathered.context =
            AllocSetContextCreate(TopMemoryContext, "crm_concurrency gathered changes", ALLOCSET_DEFAULT_SIZES);
    const MemoryContext caller = MemoryContextSwitchTo(gathered.context);
    TupleTableSlot *slot = slot_of(history, *prepared->bare, row);
    MemoryContextSwitchTo(caller);
    if (gathered.count == 0)
    {
        gathered.table = table;
        gathered.prepared = prepared;
        gathered.subtransaction = GetCurrentSubTransactionId();
    }
    gathered.rows[gathered.count++] = slot;
    return true;
}

void
write_gathered_changes()
{
    if (gathered.count == 0 || gathered.subtransaction != GetCurrentSubTransactionId())
        return;
    const MemoryContext caller_context = MemoryContextSwitchTo(gathered.context);
    const std::span rows(gathered.rows, gathered.count);
    TableDescription &known = *gathered.table;
    Relation history = table_open(known.history.oid, NoLock);
    const PreparedWrite *prepared = prepared_record_without_triggers(known, history);
    const bool is_as_before = prepared == gathered.prepared && may_insert_bare(prepared, {});
    if (!is_as_before && !same_columns(rows.front()->tts_tupleDescriptor, RelationGetDescr(history)))
        errors::changed_meanwhile(known.customers.oid);
    const Role caller = act_as(known.history.owner, is_as_before ? Called::own_functions : Called::anything);
    if (is_as_before)
        insert_many_bare(history, *prepared->bare, rows);
    else
        write_one_by_one(known, history, rows);
    act_again_as(caller);
    table_close(history, NoLock);
    MemoryContextSwitchTo(caller_context);
    forget();
}

void
watch_gathered_changes()
{
    RegisterXactCallback(transaction_ends, nullptr);
    RegisterSubXactCallback(subtransaction_ends, nullptr);
}

}  // namespace crm
