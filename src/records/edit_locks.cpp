#include "edit_locks.h"

#include "../boundary/clock.h"
#include "../boundary/snapshot.h"
#include "../core/edit_lock.h"
#include "rows.h"

namespace crm {

namespace {

constexpr RowQuery<Locks> lock_of_customer{.expected = 1};

constexpr SqlStatement select_all_locks{"SELECT lock_id, author, locked_at, expires_at, customer_id FROM ONLY {locks}",
                                        As::owner, Part::locks};

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
    const TableScanDesc scan = begin_table_scan(relation, snapshot);
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
