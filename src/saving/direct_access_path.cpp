#include "../boundary/bare_write.h"
#include "../boundary/clock.h"
#include "../boundary/errors.h"
#include "../boundary/role.h"
#include "../boundary/simple_write.h"
#include "../boundary/snapshot.h"
#include "../boundary/statistics.h"
#include "../boundary/value_json.h"
#include "../core/version.h"
#include "../records/comment_stamps.h"
#include "../records/customer_changes.h"
#include "../records/events.h"
#include "../records/prepared_writes.h"
#include "../tables/lock_class.h"
#include "../tables/status.h"
#include "direct_row.h"

namespace crm {

namespace {

// Which columns of the table a caller is not shown, or does not want, if any fields are wanted.
const bool *
left_out(const OpenCustomer &customer, Fields wanted)
{
    const TupleDesc columns = RelationGetDescr(customer.relation);
    bool *left_out = static_cast<bool *>(palloc0(columns->natts));
    const Oid table = RelationGetRelid(customer.relation);
    const bool reads_all = pg_class_aclcheck(table, GetUserId(), ACL_SELECT) == ACLCHECK_OK;
    for (int i = 0; i < columns->natts; i++)
    {
        const FormData_pg_attribute *column = TupleDescAttr(columns, i);
        const auto is_column = [column](const Field &field) { return field.column == column->attnum; };
        left_out[i] = column->attisdropped || (!wanted.empty() && std::ranges::none_of(wanted, is_column)) ||
                      (!reads_all && !has_column_right(table, column->attnum, ACL_SELECT));
    }
    return left_out;
}

// What of the row in the slot the caller may read.
ReadableCustomer
readable(const OpenCustomer &customer, Fields wanted)
{
    const CustomerRow row = row_of(customer);
    slot_getallattrs(customer.row);
    return {row.version, row.status,
            row_as_json(RelationGetDescr(customer.relation), customer.row->tts_values, customer.row->tts_isnull,
                        left_out(customer, wanted))};
}

class DirectAccessPath final : public AccessPath
{
public:
    std::optional<CustomerRow> fetch(const AttachedTable &table, const Key &key, ItemPointerData tid) const override
    {
        require_may_read(table);
        const OpenCustomer customer = open(table, key);
        std::optional<CustomerRow> row;
        if (find_near(customer, tid))
            row = row_of(customer);
        close(customer);
        return row;
    }

    std::optional<CustomerRow> take(const AttachedTable &table, const Key &key) const override
    {
        require_may_read(table);
        const OpenCustomer customer = open(table, key);
        if (!find(customer))
        {
            close(customer);
            return std::nullopt;
        }
        CustomerRow row = row_of(customer);
        row.writer = writer_of(customer.row);
        return in_hand(customer, row);
    }

    void give_back(const CustomerRow &row) const override { let_go(row.in_hand); }

    std::optional<ReadableCustomer> read(const AttachedTable &table, const Key &key, Snapshot snapshot, Fields wanted,
                                         const CustomerRow &seen) const override
    {
        require_may_read(table);
        if (is_in_hand(seen) && table_tuple_satisfies_snapshot(seen.in_hand->relation, seen.in_hand->row, snapshot))
        {
            PushActiveSnapshot(snapshot);
            const ReadableCustomer result = readable(*seen.in_hand, wanted);
            PopActiveSnapshot();
            return result;
        }
        const OpenCustomer customer = open(table, key, snapshot);
        std::optional<ReadableCustomer> result;
        if (find_near(customer, seen.tid))
            result = readable(customer, wanted);
        close(customer);
        return result;
    }

    std::optional<CustomerRow> lock(const AttachedTable &table, const Key &key, Fields fields, const CustomerRow &seen,
                                    std::optional<core::Timestamp> wanted) const override
    {
        PreventCommandIfReadOnly("SELECT FOR NO KEY UPDATE");
        require_may_read(table);
        const LockTupleMode mode = are_in_unique_index(table, fields) ? LockTupleExclusive : LockTupleNoKeyExclusive;
        if (!is_in_progress(seen.writer))
            return is_in_hand(seen) ? lock_in_hand(seen, mode) : lock_row(table, key, mode, seen.tid);
        let_go(seen.in_hand);
        statistics::count(statistics::Counter::lock_waits);
        if (wanted)
            return lock_after_writer(table, key, mode, seen, *wanted);

        // Whoever waits for the row itself is woken by every version that those before them make of it. In a queue for their
        // turn, one alone is.
        const LOCKTAG turn = lock_tag(LockClass::turn, table->customers.oid, number_of(key_text(key)));
        LockAcquire(&turn, ExclusiveLock, false, false);
        const std::optional<CustomerRow> row = lock_row(table, key, mode, {});
        LockRelease(&turn, ExclusiveLock, false);
        return row;
    }

    bool lock_for_reference(const AttachedTable &table, const Key &key) const override
    {
        require_may_read(table);
        return lock_key_share(table, key);
    }

    std::optional<CustomerRow> find_reference(const AttachedTable &table, const Key &key) const override
    {
        if (IsolationUsesXactSnapshot())
            return std::nullopt;
        const OpenCustomer customer = open(table, key);
        if (!find(customer) ||
            (is_key_locked(customer.row) && !lock_at(customer, customer.row->tts_tid, LockTupleKeyShare)))
        {
            close(customer);
            return std::nullopt;
        }
        return in_hand(customer, {.version = {}, .tid = customer.row->tts_tid});
    }

    bool lock_reference(const AttachedTable &table, const Key &key, const CustomerRow &found) const override
    {
        // Another may have taken the place of one that is gone.
        return (is_in_hand(found) && lock_at(*found.in_hand, found.tid, LockTupleKeyShare)) ||
               lock_key_share(table, key);
    }

    bool update(SaveInProgress &save, const Write &write, CustomerRow &row) const override
    {
        const AttachedTable &table = save.table;
        if (table->customers.is_changed_before_update)
            return spi_access_path().update(save, write, row);
        if (save.in_hand != nullptr && !save.called_others)
        {
            const bool is_written = update_locked(save, write, *save.in_hand, row);
            let_go(save.in_hand);
            return is_written;
        }
        let_go(save.in_hand);
        save.called_others = true;
        const OpenCustomer customer = open(table, save.key);
        if (!find_near(customer, row.tid))
            errors::write_suppressed(table->customers.oid, key_text(save.key));
        const bool is_written = update_locked(save, write, customer, row);
        close(customer);
        return is_written;
    }

    bool insert_comment(SaveInProgress &save, const core::Request &request, CustomerLocked is_locked) const override
    {
        const AttachedTable &table = save.table;
        Relation comments = table_open(table->comments.oid, NoLock);
        NewRow row(comments);
        row.set(table->comments.customer_id, save.key.value);
        row.set(table->comments.author, text_datum(request.author));
        row.set(table->comments.body, text_datum(*request.comment));
        if (request.reply_to)
            row.set(table->comments.reply_to, Int64GetDatum(*request.reply_to));

        // Not what the extension adds.
        List *inserted = row.columns();
        const PreparedWrite *prepared = prepared_comment_without_triggers(*table, comments);
        const bool is_without_triggers = prepared != nullptr;
        if (is_without_triggers)
            each_stamp(table->comments, stamps_of(save),
                       [&row](AttrNumber column, std::optional<Datum> value) { row.set(column, value); });
        else
            prepared = prepared_comment(*table, comments);
        // While the row is inserted, functions of others could delete what it refers to.
        Oid satisfied[2];
        std::size_t count = 0;
        const bool calls_others = prepared == nullptr || prepared->calls_others;
        if (is_locked == CustomerLocked::yes && !calls_others && OidIsValid(table->comments.reference_constraint))
            satisfied[count++] = table->comments.reference_constraint;
        if (!request.reply_to && OidIsValid(table->comments.reply_constraint))
            satisfied[count++] = table->comments.reply_constraint;
        if (calls_others)
        {
            save.called_others = true;
            let_go(save.in_hand);
        }
        const bool is_written = insert_row(comments, row, inserted, prepared, {satisfied, count});
        if (is_without_triggers)
        {
            save.comment_id = DatumGetInt64(row.value(table->comments.id));
            save.step = Step::none;
            send_comment_event(table, save.key, *save.comment_id);
        }
        table_close(comments, NoLock);
        return is_written;
    }

private:
    static bool is_in_progress(TransactionId writer)
    {
        return TransactionIdIsValid(writer) && !TransactionIdIsCurrentTransactionId(writer) &&
               TransactionIdIsInProgress(writer);
    }

    // Locks the row, which was seen at this TID, if that is known.
    static std::optional<CustomerRow> lock_row(const AttachedTable &table, const Key &key, LockTupleMode mode,
                                               ItemPointerData tid)
    {
        // The TID of a row that was seen is its own for as long as the snapshot of the calling statement is kept.
        const bool is_known = ItemPointerIsValid(&tid) && ActiveSnapshotSet();
        const OpenCustomer customer = open(table, key);
        std::optional<CustomerRow> row;
        if (is_known || find(customer))
            if (lock_at(customer, is_known ? tid : customer.row->tts_tid, mode))
                row = row_of(customer);
        close(customer);
        return row;
    }

    // Waits for the transaction that has the row, in the queue of those who want to lock it, and looks again: whose version
    // is gone then is told so without a lock, which would make the next wait until the end of this transaction.
    static std::optional<CustomerRow> lock_after_writer(const AttachedTable &table, const Key &key, LockTupleMode mode,
                                                        const CustomerRow &seen, core::Timestamp wanted)
    {
        Relation relation = table_open(table->customers.oid, NoLock);
        const LOCKMODE queue = mode == LockTupleExclusive ? AccessExclusiveLock : ExclusiveLock;
        ItemPointerData tid = seen.tid;
        LockTuple(relation, &tid, queue);
        XactLockTableWait(seen.writer, relation, &tid, XLTW_Lock);

        const OpenCustomer customer = open(table, key);
        std::optional<CustomerRow> row;
        if (find(customer))
        {
            row = row_of(customer);
            if (core::same_version(row->version, wanted) || IsolationUsesXactSnapshot())
                row = lock_at(customer, row->tid, mode) ? std::optional{row_of(customer)} : std::nullopt;
        }
        close(customer);
        UnlockTuple(relation, &tid, queue);
        table_close(relation, NoLock);
        return row;
    }

    static bool lock_key_share(const AttachedTable &table, const Key &key)
    {
        const OpenCustomer customer = open(table, key);
        const bool is_locked = find(customer) && lock_at(customer, customer.row->tts_tid, LockTupleKeyShare);
        close(customer);
        return is_locked;
    }

    // Updates the row in the slot, which is locked.
    static bool update_locked(SaveInProgress &save, const Write &write, const OpenCustomer &customer, CustomerRow &row)
    {
        const AttachedTable &table = save.table;
        List *updated = NIL;
        if (write.status || write.fields.empty())
            updated = lappend_int(updated, touched_column(table));
        for (const Field &field : write.fields)
            updated = lappend_int(updated, field.column);
        NewRow values = changed_row(customer.row, table, write);
        const PreparedWrite *prepared = prepared_update_without_triggers(*table, customer.relation);
        if (prepared == nullptr)
        {
            save.called_others = true;
            return update_by_executor(values, updated, customer, prepared_update(*table, customer.relation), row,
                                      [](TupleTableSlot *) {});
        }

        const CustomerRow before = row_of(customer);
        const core::Timestamp version = version_of_save(table, save.key, before.version, save);
        values.set(table->customers.version, TimestampTzGetDatum(version.us));
        const CustomerRows rows = {table, RelationGetDescr(customer.relation)};
        const HeapTuple locked = tuple_of(customer.row);
        // The version is none of the columns that triggers UPDATE OF go by.
        List *changed = lappend_int(list_copy(updated), table->customers.version);
        if (may_update_bare(prepared, changed, customer.row))
            if (HeapTuple written = update_bare(customer.relation, *prepared->bare, changed, customer.row, values))
            {
                if (write.fields.empty())
                    record_saved_status(table, stored_key(table, values.value(table->customers.key)), before.version,
                                        before.status, write.status ? write.status : before.status, save);
                else
                    record_update(rows, locked, written, &save);
                row.tid = written->t_self;
                row.version = version;
                if (write.status)
                    row.status = write.status;
                return true;
            }
        save.called_others = true;
        // After the foreign keys are checked, as the name of the trigger has it.
        return update_by_executor(values, updated, customer, prepared, row, [&](TupleTableSlot *written) {
            record_update(rows, locked, tuple_of(written), &save);
        });
    }

    // record(row) is called before the update is visible.
    template <typename Record>
    static bool update_by_executor(const NewRow &values, List *updated_columns, const OpenCustomer &customer,
                                   const PreparedWrite *prepared, CustomerRow &row, Record record)
    {
        PushActiveSnapshot(new_snapshot());
        const SimpleWrite update = begin_update(customer.relation, updated_columns, prepared);
        values.store_in(update.row);
        const bool is_written = update_row(update, customer.row);
        fire_triggers(update);
        record(update.row);
        row.tid = update.row->tts_tid;
        end_write(update);
        PopActiveSnapshot();
        return is_written;
    }

    // Keeps an open customer until it is given back.
    static CustomerRow in_hand(const OpenCustomer &customer, CustomerRow row)
    {
        PopActiveSnapshot();
        row.in_hand = new (palloc(sizeof(OpenCustomer))) OpenCustomer(customer);
        return row;
    }

    static bool is_in_hand(const CustomerRow &row)
    {
        return row.in_hand != nullptr && row.in_hand->relation != nullptr;
    }

    // Locks the row that was taken.
    static std::optional<CustomerRow> lock_in_hand(const CustomerRow &seen, LockTupleMode mode)
    {
        const OpenCustomer &customer = *seen.in_hand;
        if (!lock_at(customer, seen.tid, mode))
            return std::nullopt;
        CustomerRow row = row_of(customer);
        row.in_hand = seen.in_hand;
        return row;
    }

    // The row as it will be.
    static NewRow changed_row(TupleTableSlot *locked, const AttachedTable &table, const Write &write)
    {
        NewRow row(locked);
        if (write.status)
            row.set(table->customers.status, status_datum(table, *write.status));
        for (const Field &field : write.fields)
            row.set(field.column, field.is_null ? std::nullopt : std::optional{field.value});
        return row;
    }

    static HeapTuple tuple_of(TupleTableSlot *row)
    {
        bool is_copy;
        return ExecFetchSlotHeapTuple(row, false, &is_copy);
    }
};

constexpr DirectAccessPath direct_path;

}  // namespace

const AccessPath &
direct_access_path()
{
    return direct_path;
}

}  // namespace crm
