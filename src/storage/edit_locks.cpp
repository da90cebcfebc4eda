#include "edit_locks.h"

#include "../boundary/clock.h"
#include "../boundary/errors.h"
#include "../boundary/guard.h"
#include "../boundary/role.h"
#include "../boundary/snapshot.h"
#include "access_path.h"
#include "history.h"
#include "rows.h"

namespace crm {

namespace {

constexpr RowQuery<Locks> lock_of_customer{
    .part = &TableDescription::locks, .index = &LocksAccess::index, .as = As::owner, .expected = 1};

constexpr SqlStatement upsert_lock{"INSERT INTO {locks} (customer_id, lock_id, author, locked_at, expires_at, db_user) "
                                   "VALUES ($1, $2, $3, $4, $5, $6::pg_catalog.name) "
                                   "ON CONFLICT (customer_id) DO UPDATE SET lock_id = EXCLUDED.lock_id, "
                                   "author = EXCLUDED.author, locked_at = EXCLUDED.locked_at, "
                                   "expires_at = EXCLUDED.expires_at, db_user = EXCLUDED.db_user",
                                   As::owner, Part::locks};

constexpr SqlStatement select_all_locks{"SELECT lock_id, author, locked_at, expires_at, customer_id FROM ONLY {locks}",
                                        As::owner, Part::locks};

constexpr SqlStatement delete_lock{"DELETE FROM {locks} WHERE customer_id OPERATOR(pg_catalog.=) $1 "
                                   "AND lock_id OPERATOR(pg_catalog.=) $2",
                                   As::owner, Part::locks};

LockResult
result_of(core::LockOutcome outcome, const Key &key, std::string_view holder)
{
    const std::string_view customer = key_text(key);
    LockResult result = {};
    result.outcome = outcome;
    result.message = guarded_text([&] { return core::lock_message(outcome, customer, holder); });
    return result;
}

LockResult
result_of(core::LockOutcome outcome, const Key &key, const EditLock &lock, bool is_callers)
{
    LockResult result = result_of(outcome, key, lock.author);
    result.author = lock.author;
    result.expires_at = lock.expires_at;
    if (is_callers)
        result.lock_id = lock.lock_id;
    return result;
}

Datum
new_lock_id()
{
    return DirectFunctionCall1(gen_random_uuid, static_cast<Datum>(0));
}

bool
same_id(Datum a, Datum b)
{
    return std::memcmp(DatumGetUUIDP(a), DatumGetUUIDP(b), UUID_LEN) == 0;
}

void
write_lock(const AttachedTable &table, const Key &key, const EditLock &lock)
{
    Arguments arguments = arguments_of(key);
    arguments.add(UUIDOID, lock.lock_id);
    arguments.add(lock.author);
    arguments.add(lock.locked_at);
    arguments.add(lock.expires_at);
    arguments.add(std::string_view{GetUserNameFromId(GetSessionUserId(), false)});

    const std::uint64_t rows = execute(table, upsert_lock, arguments);
    if (rows != 1)
        errors::write_suppressed(table->locks.oid, key_text(key));
}

// Decides on a request whose customer is locked, and does what it decided.
LockResult
take_lock(const AttachedTable &table, const Key &key, std::string_view author, core::Microseconds ttl,
          std::optional<Datum> lock_id)
{
    const core::Timestamp now = clock_now();
    const std::optional<EditLock> found = find_edit_lock(table, key);
    std::optional<core::HeldLock> held;
    if (found)
        held = {core::is_live(found->expires_at, now), found->author == author,
                lock_id && same_id(*lock_id, found->lock_id)};

    const core::LockOutcome outcome = core::decide_lock(held, lock_id.has_value());
    switch (outcome)
    {
        case core::LockOutcome::acquired:
        {
            const EditLock lock = {new_lock_id(), author, now, core::shifted(now, ttl)};
            write_lock(table, key, lock);
            return result_of(outcome, key, lock, true);
        }
        case core::LockOutcome::renewed:
        {
            if (!held->is_by_author)
                errors::lock_of_another(key_text(key), found->author);
            EditLock lock = *found;
            lock.expires_at = core::shifted(now, ttl);
            write_lock(table, key, lock);
            return result_of(outcome, key, lock, true);
        }
        case core::LockOutcome::locked:
            return result_of(outcome, key, *found, false);
        default:
            return found && held->is_live ? result_of(outcome, key, *found, false)
                                          : result_of(outcome, key, std::string_view{});
    }
}

// Locks the customer's row, on which requests for its edit lock wait for each other; false when the caller sees none.
bool
lock_row(const AttachedTable &table, const Key &key)
{
    for (std::optional<core::Timestamp> tried;;)
    {
        CHECK_FOR_INTERRUPTS();
        const std::optional<CustomerRow> seen = access_path(table).look(table, key);
        if (!seen)
            return false;
        if (tried == seen->version)
            errors::hidden_by_row_security(table->customers.oid, key_text(key));
        if (access_path(table).lock(table, key, {}, *seen))
            return true;
        tried = seen->version;
    }
}

EditLock
lock_in(const LocksRow &row)
{
    return {datumCopy(row.value(&LocksFacts::lock_id), false, UUID_LEN), row.text(&LocksFacts::author),
            row.time(&LocksFacts::locked_at), row.time(&LocksFacts::expires_at)};
}

// The lock in a row of the latest result of SPI, which begins with these columns.
EditLock
lock_in_result(std::uint64_t row)
{
    return {datumCopy(result_datum(row, 0, UUIDOID), false, UUID_LEN), result_text(row, 1), result_time(row, 2),
            result_time(row, 3)};
}

// Locks that are gathered.
struct LockList
{
    ListedLock *locks = nullptr;
    std::size_t count = 0;
    std::size_t room = 0;

    void add_live(const Key &key, const EditLock &lock, core::Timestamp now)
    {
        if (!core::is_live(lock.expires_at, now))
            return;
        if (count == room)
        {
            room = 2 * room + 8;
            const std::size_t size = room * sizeof(ListedLock);
            locks = static_cast<ListedLock *>(locks == nullptr ? palloc(size) : repalloc_huge(locks, size));
        }
        locks[count++] = {copied_key(key, CurrentMemoryContext), lock};
    }
};

// Reads all rows without planning: nothing of the table's owner is called, which could keep the reader waiting.
void
scan_locks(const AttachedTable &table, LockList &list)
{
    const core::Timestamp now = clock_now();
    Relation relation = table_open(table->locks.oid, NoLock);
    TupleTableSlot *slot = table_slot_create(relation, nullptr);
    const LocksRow row{slot, table->locks};
    const Snapshot snapshot = RegisterSnapshot(new_snapshot());
    const TableScanDesc scan = table_beginscan(relation, snapshot, 0, nullptr);
    while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
    {
        CHECK_FOR_INTERRUPTS();
        list.add_live(stored_reference(table, row.value(&LocksFacts::customer_id)), lock_in(row), now);
    }
    table_endscan(scan);
    UnregisterSnapshot(snapshot);
    ExecDropSingleTupleTableSlot(slot);
    table_close(relation, NoLock);
}

void
select_locks(const AttachedTable &table, LockList &list)
{
    const core::Timestamp now = clock_now();
    const std::uint64_t rows = execute(table, select_all_locks, Arguments{});
    for (std::uint64_t row = 0; row < rows; row++)
        list.add_live(stored_reference(table, result_datum(row, 4, table->customers.key_type)), lock_in_result(row),
                      now);
}

}  // namespace

std::optional<EditLock>
find_edit_lock(const AttachedTable &table, const Key &key)
{
    std::optional<EditLock> lock;
    each_row(table, lock_of_customer, key, std::nullopt, latest_snapshot(), [&](const LocksRow &row) {
        lock = lock_in(row);
        return false;
    });
    return lock;
}

std::optional<EditLock>
live_edit_lock(const AttachedTable &table, const Key &key)
{
    const std::optional<EditLock> lock = find_edit_lock(table, key);
    return lock && core::is_live(lock->expires_at, clock_now()) ? lock : std::nullopt;
}

void
add_edit_lock(JsonBuilder &json, const EditLock &lock)
{
    json.open_object();
    json.key("author");
    json.text(lock.author);
    json.key("locked_at");
    json.time(lock.locked_at);
    json.key("expires_at");
    json.time(lock.expires_at);
    json.close_object();
}

LockResult
lock_customer(const AttachedTable &table, const Key &key, std::string_view author, core::Microseconds ttl,
              std::optional<Datum> lock_id)
{
    require_column_rights(table->customers.oid, {table->customers.status}, ACL_UPDATE);
    if (lock_row(table, key))
        return take_lock(table, key, author, ttl, lock_id);
    const bool was_there = !is_under_row_security(table->customers.oid) && oldest_change(table, key).has_value();
    return result_of(was_there ? core::LockOutcome::deleted : core::LockOutcome::not_found, key, std::string_view{});
}

bool
unlock_customer(const AttachedTable &table, const Key &key, Datum lock_id)
{
    require_column_rights(table->customers.oid, {table->customers.status}, ACL_UPDATE);
    // A renewal that found the lock just before would write it again.
    if (!lock_row(table, key))
        return false;

    Arguments arguments = arguments_of(key);
    arguments.add(UUIDOID, lock_id);
    const std::uint64_t rows = execute(table, delete_lock, arguments);
    return rows > 0;
}

std::span<const ListedLock>
read_live_locks(const AttachedTable &table)
{
    LockList list;
    if (may_go_direct())
        scan_locks(table, list);
    else
        select_locks(table, list);
    std::sort(list.locks, list.locks + list.count,
              [](const ListedLock &a, const ListedLock &b) { return compare_keys(a.key, b.key) < 0; });
    return {list.locks, list.count};
}

}  // namespace crm
