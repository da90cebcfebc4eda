#include "saving.h"

#include "../boundary/errors.h"
#include "../boundary/isolated.h"
#include "../boundary/json.h"
#include "../boundary/role.h"
#include "../boundary/snapshot.h"
#include "../boundary/statistics.h"
#include "../boundary/transaction.h"
#include "../records/deletions.h"
#include "../records/history.h"
#include "../records/recorded_changes.h"
#include "../tables/own_triggers.h"
#include "../tables/statements.h"
#include "attempt.h"

namespace crm {

namespace {

// What began or ended the life of a customer that is there, and whether there was another before it.
constexpr SqlStatement select_life{
    "SELECT operation, EXISTS (SELECT FROM {history} d WHERE d.customer_id OPERATOR(pg_catalog.=) $1 "
    "AND d.operation OPERATOR(pg_catalog.=) 'delete') FROM {history} WHERE customer_id OPERATOR(pg_catalog.=) $1 "
    "AND operation OPERATOR(pg_catalog.<>) 'update' ORDER BY version DESC LIMIT 1",
    As::owner, Part::history};

// What was brought back of one row.
struct RestoredRow
{
    AttachedTable table;
    Key key;
    core::Timestamp version;
    std::int64_t comments;
    std::optional<std::int64_t> comment_id;
};

// Whether the customer, which is there, was created anew after its deletion.
bool
is_created_again(const AttachedTable &table, const Key &key)
{
    return execute(table, select_life, arguments_of(key)) > 0 && result_text(0, 0) != "restore" && result_boolean(0, 1);
}

SaveResult
not_restored(const Attempt &restoration, core::Outcome outcome)
{
    await_standbys_at_commit();
    SaveResult result = {};
    result.outcome = outcome;
    result.message = message_of(facts_of(restoration, outcome));
    if (const std::optional<CustomerRow> row = restoration.path().fetch(restoration.table, restoration.key))
    {
        result.status = row->status;
        result.version = row->version;
    }
    return result;
}

// Answers a restoration whose customer is there; empty where it is gone again.
std::optional<SaveResult>
there_already(const Attempt &restoration)
{
    const AttachedTable &table = restoration.table;
    const Key &key = restoration.key;
    if (customer_is_in_snapshot(table, key))
        return not_restored(restoration,
                            is_created_again(table, key) ? core::Outcome::conflict : core::Outcome::unchanged);
    // It has come since the snapshot.
    if (IsolationUsesXactSnapshot())
        errors::concurrent_update();
    return std::nullopt;
}

RestoredRow
bring_back(const Attempt &restoration, const DeletedRow &deleted, core::Timestamp deletion)
{
    const AttachedTable &table = restoration.table;
    const Key &key = restoration.key;
    RestoredRow restored = {.table = table, .key = key, .version = {}, .comments = 0, .comment_id = std::nullopt};
    SaveInProgress progress = in_progress(restoration);
    progress.based_on = deletion;
    with_save_in_progress(progress, [&] {
        progress.step = Step::restore_customer;
        insert_row_again(table, key, deleted.values);
        if (progress.step != Step::none)
            errors::triggers_did_not_fire(table->customers.oid);
        restored.version = *progress.version;

        progress.step = Step::restore_comments;
        restored.comments = insert_comments_again(table, key, deletion);
        forget_deleted(table, key, deletion);
        progress.step = Step::none;
        if (!restoration.request.comment)
            return;
        insert_comment(restoration, progress);
        restored.comment_id = progress.comment_id;
        record_comment(table, key, restored.version, *restored.comment_id);
    });
    return restored;
}

// Brings a row back; empty where somebody else has inserted one with its key meanwhile.
std::optional<RestoredRow>
try_to_bring_back(const Attempt &restoration, const DeletedRow &deleted, core::Timestamp deletion)
{
    // An ALTER DOMAIN may leave an invalidation that CommandCounterIncrement() sees only where the command's number was
    // used. In a subtransaction, the first DDL of others would end in an error then.
    static_cast<void>(GetCurrentCommandId(true));
    CommandCounterIncrement();
    std::optional<RestoredRow> restored;
    ErrorData *error =
        in_subtransaction(ReleaseCurrentSubTransaction, [&] { restored = bring_back(restoration, deleted, deletion); });
    if (error == nullptr)
        return restored;
    if (error->sqlerrcode == ERRCODE_UNIQUE_VIOLATION)
        if (const std::optional<ChainHead> head = chain_head(restoration.table, restoration.key);
            head && head->version != deletion)
            return std::nullopt;
    ReThrowError(error);
}

struct RestoredRows
{
    RestoredRow *rows = nullptr;
    std::size_t count = 0;
    std::size_t room = 0;

    void add(const RestoredRow &row)
    {
        if (count == room)
        {
            room = 2 * room + 8;
            const std::size_t size = room * sizeof(RestoredRow);
            rows = static_cast<RestoredRow *>(rows == nullptr ? palloc(size) : repalloc(rows, size));
        }
        rows[count++] = row;
    }
};

// The tables whose rows go with a row of this one.
List *
cascading_tables(const AttachedTable &table)
{
    List *tables = NIL;
    Relation relation = table_open(table->customers.oid, NoLock);
    for (const Trigger &trigger : triggers_of(relation))
        if (trigger.tgfoid == F_RI_FKEY_CASCADE_DEL)
            tables = list_append_unique_oid(tables, trigger.tgconstrrelid);
    table_close(relation, NoLock);
    return tables;
}

void restore_children(const Attempt &restoration, const DeletedRow &deleted, RestoredRows &restored);

// Restores a row that a CASCADE deleted with another; one that is there again, or was deleted again since, stays as it is.
void
restore_child(const Attempt &restoration, const Deleting &deleting, RestoredRows &restored)
{
    check_stack_depth();
    require_deletions(restoration.table);
    lock_restoration(restoration.table, restoration.key);
    const std::optional<ChainHead> head = chain_head(restoration.table, restoration.key);
    if (!head || !head->is_delete)
        return;
    const std::optional<DeletedRow> deleted = find_deleted(restoration.table, restoration.key, head->version);
    if (!deleted || deleted->deleting.transaction != deleting.transaction)
        return;
    const std::optional<RestoredRow> row = try_to_bring_back(restoration, *deleted, head->version);
    if (!row)
        return;
    restored.add(*row);
    restore_children(restoration, *deleted, restored);
}

void
restore_children(const Attempt &restoration, const DeletedRow &deleted, RestoredRows &restored)
{
    const List *tables = cascading_tables(restoration.table);
    const ListCell *cell;
    foreach (cell, tables)
    {
        const std::optional<AttachedTable> child =
            attached_by_member(Part::customers, lfirst_oid(cell), restoration.table->extension_schema, Purpose::guard);
        // What is set aside of one owner's rows must not say which of another's are brought back.
        const bool is_of_owner = child && (*child)->customers.owner.role == restoration.table->customers.owner.role;
        const List *keys = is_of_owner ? deleted_children(*child, restoration.table, deleted) : NIL;
        const ListCell *of_key;
        foreach (of_key, keys)
        {
            const Key key = key_of_text(*child, static_cast<const char *>(lfirst(of_key)));
            core::Request request = restoration.request;
            request.comment = std::nullopt;
            restore_child(Attempt{*child, key, request, {}}, deleted.deleting, restored);
        }
    }
}

Datum
detail_of(const RestoredRows &restored)
{
    JsonBuilder json;
    json.open_object();
    json.key("comments");
    json.number(restored.rows[0].comments);
    json.key("records");
    json.open_array();
    for (std::size_t i = 1; i < restored.count; i++)
    {
        json.open_object();
        json.key("table");
        json.text(restored.rows[i].table->customers.sql.text());
        json.key("key");
        json.text(key_text(restored.rows[i].key));
        json.key("comments");
        json.number(restored.rows[i].comments);
        json.close_object();
    }
    json.close_array();
    json.close_object();
    return json.finish();
}

// Answers a restoration; empty where what it has found is so no longer.
std::optional<SaveResult>
try_to_restore(const Attempt &restoration)
{
    const AttachedTable &table = restoration.table;
    const Key &key = restoration.key;
    if (customer_exists(table, key))
        return there_already(restoration);
    const std::optional<ChainHead> head = chain_head(table, key);
    if (!head)
        return not_restored(restoration, core::Outcome::not_found);
    const std::optional<DeletedRow> deleted = head->is_delete ? find_deleted(table, key, head->version) : std::nullopt;
    if (!deleted)
        return not_restored(restoration, is_under_row_security(table->deletions.oid) ? core::Outcome::not_found
                                                                                     : core::Outcome::gone);
    const std::optional<RestoredRow> row = try_to_bring_back(restoration, *deleted, head->version);
    if (!row)
        return std::nullopt;
    RestoredRows restored;
    restored.add(*row);
    restore_children(restoration, *deleted, restored);

    SaveResult result = not_restored(restoration, core::Outcome::restored);
    result.comment_id = row->comment_id;
    result.detail = detail_of(restored);
    return result;
}

SaveResult
result_of_restoration(const Attempt &restoration)
{
    const AttachedTable &table = restoration.table;
    require_may_read(table);
    require_deletions(table);
    if (restoration.request.comment)
        require_comment_rights(table, restoration.request);
    lock_restoration(table, restoration.key);
    for (;;)
    {
        CHECK_FOR_INTERRUPTS();
        if (const std::optional<SaveResult> result = try_to_restore(restoration))
            return *result;
    }
}

}  // namespace

SaveResult
restore_customer(const AttachedTable &table, const Key &key, const core::Request &request)
{
    const SaveResult result = result_of_restoration(Attempt{table, key, request, {}});
    statistics::count(result.outcome);
    return result;
}

}  // namespace crm
