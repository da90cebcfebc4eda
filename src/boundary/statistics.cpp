#include "statistics.h"

#include "errors.h"

namespace crm::statistics {

namespace {

// Databases beyond these share the counters of none.
constexpr int most_databases = 1000;

struct Entry
{
    Oid database;  // the key of the table, which stays as it is
    pg_atomic_uint64 counts[counters];
    pg_atomic_uint64 reset_at;
};

struct Shared
{
    LWLock *lock;  // for entries to be added
    TimestampTz started_at;
};

constexpr const char *name = "crm_concurrency";

shmem_startup_hook_type startup_of_others = nullptr;
shmem_request_hook_type request_of_others = nullptr;
Shared *shared = nullptr;
HTAB *entries = nullptr;
// Of this session's database, which cannot be dropped while it is there.
Entry *own = nullptr;

Size
entries_size()
{
    return hash_estimate_size(most_databases + 1, sizeof(Entry));
}

void
request_memory()
{
    if (request_of_others != nullptr)
        request_of_others();
    RequestAddinShmemSpace(add_size(MAXALIGN(sizeof(Shared)), entries_size()));
    RequestNamedLWLockTranche(name, 1);
}

void
start_up()
{
    if (startup_of_others != nullptr)
        startup_of_others();
    own = nullptr;

    HASHCTL control = {};
    control.keysize = sizeof(Oid);
    control.entrysize = sizeof(Entry);
    LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
    bool is_found;
    shared = static_cast<Shared *>(ShmemInitStruct(name, sizeof(Shared), &is_found));
    if (!is_found)
    {
        shared->lock = &GetNamedLWLockTranche(name)->lock;
        shared->started_at = GetCurrentTimestamp();
    }
    entries = shared_hash_table("crm_concurrency counters", most_databases + 1, &control, HASH_ELEM | HASH_BLOBS);
    LWLockRelease(AddinShmemInitLock);
}

Entry &
entered(Oid database)
{
    bool is_found;
    Entry *entry = static_cast<Entry *>(hash_search(entries, &database, HASH_ENTER, &is_found));
    if (!is_found)
    {
        for (pg_atomic_uint64 &each : entry->counts)
            pg_atomic_init_u64(&each, 0);
        pg_atomic_init_u64(&entry->reset_at, static_cast<std::uint64_t>(shared->started_at));
    }
    return *entry;
}

// Frees the counters of databases that were dropped; no session can be using them.
void
forget_dropped()
{
    Oid *databases = static_cast<Oid *>(palloc((most_databases + 1) * sizeof(Oid)));
    int count = 0;
    LWLockAcquire(shared->lock, LW_SHARED);
    HASH_SEQ_STATUS scan;
    hash_seq_init(&scan, entries);
    while (const Entry *entry = static_cast<const Entry *>(hash_seq_search(&scan)))
        databases[count++] = entry->database;
    LWLockRelease(shared->lock);

    // What was there before the counters were looked at is known then.
    AcceptInvalidationMessages();
    for (const Oid database : std::span(databases, static_cast<std::size_t>(count)))
    {
        if (!OidIsValid(database) || SearchSysCacheExists1(DATABASEOID, ObjectIdGetDatum(database)))
            continue;
        LWLockAcquire(shared->lock, LW_EXCLUSIVE);
        hash_search(entries, &database, HASH_REMOVE, nullptr);
        LWLockRelease(shared->lock);
    }
    pfree(databases);
}

Entry &
own_entry()
{
    if (own == nullptr)
    {
        if (hash_get_num_entries(entries) >= most_databases)
            forget_dropped();
        LWLockAcquire(shared->lock, LW_EXCLUSIVE);
        own = static_cast<Entry *>(hash_search(entries, &MyDatabaseId, HASH_FIND, nullptr));
        if (own == nullptr)
            own = &entered(hash_get_num_entries(entries) < most_databases ? MyDatabaseId : InvalidOid);
        LWLockRelease(shared->lock);
    }
    return *own;
}

void
count(int counter)
{
    if (is_on())
        pg_atomic_fetch_add_u64(&own_entry().counts[counter], 1);
}

void
require_memory()
{
    if (!is_on())
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("crm_concurrency must be loaded by shared_preload_libraries to count"),
                        errhint("Add crm_concurrency to shared_preload_libraries and restart the server.")));
}

}  // namespace

void
request()
{
    if (!process_shared_preload_libraries_in_progress)
        return;
    startup_of_others = shmem_startup_hook;
    shmem_startup_hook = start_up;
    request_of_others = shmem_request_hook;
    shmem_request_hook = request_memory;
}

bool
is_on()
{
    return entries != nullptr;
}

void
count(core::Outcome outcome)
{
    count(static_cast<int>(outcome));
}

void
count(Counter counter)
{
    count(static_cast<int>(counter));
}

void
reset()
{
    require_memory();
    Entry &entry = own_entry();
    for (pg_atomic_uint64 &each : entry.counts)
        pg_atomic_write_u64(&each, 0);
    pg_atomic_write_u64(&entry.reset_at, static_cast<std::uint64_t>(GetCurrentTimestamp()));
}

void
each(void (*visit)(const DatabaseCounts &counts, void *context), void *context)
{
    require_memory();
    forget_dropped();
    // So that this database has a row, if only of zeros.
    own_entry();
    LWLockAcquire(shared->lock, LW_SHARED);
    HASH_SEQ_STATUS scan;
    hash_seq_init(&scan, entries);
    while (Entry *entry = static_cast<Entry *>(hash_seq_search(&scan)))
    {
        DatabaseCounts counts = {};
        counts.database = entry->database;
        for (int i = 0; i < counters; i++)
            counts.counts[i] = static_cast<std::int64_t>(pg_atomic_read_u64(&entry->counts[i]));
        counts.reset_at = static_cast<TimestampTz>(pg_atomic_read_u64(&entry->reset_at));
        visit(counts, context);
    }
    LWLockRelease(shared->lock);
}

}  // namespace crm::statistics
