#include "prepared_writes.h"

#include "../tables/own_triggers.h"

namespace crm {

namespace {

// What is made of a table for its first write and serves the later ones.
template <typename Make>
const PreparedWrite *
prepared_once(TableDescription &table, PreparedWrite *&slot, Make make)
{
    const std::uint64_t news = table.news;
    if (table.news_known != news)
        return nullptr;
    if (slot != nullptr)
        return slot;
    const MemoryContext caller = MemoryContextSwitchTo(table.context);
    PreparedWrite *made = make();
    MemoryContextSwitchTo(caller);
    if (table.news != news)
        return nullptr;
    slot = made;
    return slot;
}

const PreparedWrite *
prepared_write(TableDescription &table, PreparedWrite *&slot, Relation relation, CmdType command)
{
    return prepared_once(table, slot, [&] {
        List *own = NIL;
        for (const Trigger &trigger : triggers_of(relation))
            if (is_own(trigger, table.extension_schema))
                own = lappend_oid(own, trigger.tgfoid);
        return prepare_write(relation, command, own);
    });
}

// What serves writes of one of the tables without the triggers that have nothing to do. While changes of another server are
// replayed, others fire.
const PreparedWrite *
prepared_without_triggers(TableDescription &table, PreparedWrite *&slot, Relation relation, CmdType command)
{
    if (SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA)
        return nullptr;
    return prepared_once(table, slot, [&] {
        List *without = NIL;
        for (const Trigger &trigger : triggers_of(relation))
            if (has_nothing_to_do(table, trigger, command))
                without = lappend_oid(without, trigger.tgoid);
        return prepare_write(relation, command, NIL, without);
    });
}

// What make() makes in the owner's name: preparing may call the functions in the conditions of indexes.
template <typename Make>
const PreparedWrite *
as_owner_of_history(const TableDescription &table, const PreparedWrite *made, Make make)
{
    if (made != nullptr)
        return make();
    const Role caller = act_as(table.history.owner);
    const PreparedWrite *prepared = make();
    act_again_as(caller);
    return prepared;
}

}  // namespace

const PreparedWrite *
prepared_record(TableDescription &table, Relation history)
{
    return as_owner_of_history(table, table.history.write,
                               [&] { return prepared_write(table, table.history.write, history, CMD_INSERT); });
}

const PreparedWrite *
prepared_record_without_triggers(TableDescription &table, Relation history)
{
    if (!table.history.may_be_written_without_triggers)
        return nullptr;
    PreparedWrite *&slot = table.history.write_without_triggers;
    return as_owner_of_history(table, slot,
                               [&] { return prepared_without_triggers(table, slot, history, CMD_INSERT); });
}

Called
called_by(const PreparedWrite *prepared)
{
    return prepared != nullptr && !prepared->calls_others ? Called::own_functions : Called::anything;
}

const PreparedWrite *
prepared_update(TableDescription &table, Relation customers)
{
    return prepared_write(table, table.customers.write, customers, CMD_UPDATE);
}

const PreparedWrite *
prepared_comment(TableDescription &table, Relation comments)
{
    return prepared_write(table, table.comments.write, comments, CMD_INSERT);
}

const PreparedWrite *
prepared_update_without_triggers(TableDescription &table, Relation customers)
{
    // Columns that are bumped are the trigger's.
    if (!table.customers.may_be_written_without_triggers || !table.also_bump.empty())
        return nullptr;
    if (table.history.write == nullptr)
    {
        Relation history = table_open(table.history.oid, NoLock);
        prepared_record(table, history);
        table_close(history, NoLock);
    }
    // Functions of others that are called when a change is recorded are called by a trigger.
    if (!table.may_be_recorded_without_triggers())
        return nullptr;
    return prepared_without_triggers(table, table.customers.write_without_triggers, customers, CMD_UPDATE);
}

const PreparedWrite *
prepared_comment_without_triggers(TableDescription &table, Relation comments)
{
    return table.comments.may_be_written_without_triggers
               ? prepared_without_triggers(table, table.comments.write_without_triggers, comments, CMD_INSERT)
               : nullptr;
}

}  // namespace crm
