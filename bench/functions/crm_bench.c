#include "postgres.h"

#include "access/genam.h"
#include "access/skey.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "commands/sequence.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(noop);
PG_FUNCTION_INFO_V1(save_floor);

/* The columns, in the order in which crm_create_tables() makes them. */
enum
{
    CUSTOMERS_ID,
    CUSTOMERS_NAME,
    CUSTOMERS_PHONE,
    CUSTOMERS_EMAIL,
    CUSTOMERS_STATUS,
    CUSTOMERS_UPDATED_AT
};

enum
{
    COMMENTS_CUSTOMER_ID,
    COMMENTS_ID,
    COMMENTS_AUTHOR,
    COMMENTS_BODY,
    COMMENTS_CREATED_AT,
    COMMENTS_REPLY_TO,
    COMMENTS_BASED_ON,
    COMMENTS_SAVE_REFUSED
};

enum
{
    HISTORY_CUSTOMER_ID,
    HISTORY_VERSION,
    HISTORY_PREVIOUS,
    HISTORY_BASED_ON,
    HISTORY_RECORDED_AT,
    HISTORY_OPERATION,
    HISTORY_AUTHOR,
    HISTORY_DB_USER,
    HISTORY_STATUS_FROM,
    HISTORY_STATUS_TO,
    HISTORY_FIELDS,
    HISTORY_COMMENT_ID,
    HISTORY_REQUEST,
    HISTORY_EARLIER_PRUNED
};

#define MAX_INDEXES 4

/* A table, and those of its indexes that a new row goes to. */
typedef struct Target
{
    Oid table;
    int count;
    Oid indexes[MAX_INDEXES];
    IndexInfo infos[MAX_INDEXES];
} Target;

/* What a session works out once. */
static Target customers;
static Target comments;
static Target history;
static Oid comment_ids;
static Datum user_name;

static void
find_target(Target *target, const char *name, Oid schema)
{
    Relation table;
    ListCell *cell;

    target->count = 0;
    target->table = get_relname_relid(name, schema);
    table = table_open(target->table, RowExclusiveLock);
    foreach (cell, RelationGetIndexList(table))
    {
        Relation index = index_open(lfirst_oid(cell), RowExclusiveLock);
        IndexInfo *info = BuildIndexInfo(index);

        if (info->ii_Predicate == NIL)
        {
            if (target->count == MAX_INDEXES)
                elog(ERROR, "table \"%s\" has more indexes than expected", name);
            target->indexes[target->count] = RelationGetRelid(index);
            target->infos[target->count++] = *info;
        }
        index_close(index, NoLock);
    }
    table_close(table, NoLock);
}

static void
find_targets(void)
{
    const MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);
    const Oid schema = get_namespace_oid("floor", false);

    find_target(&comments, "comments", schema);
    find_target(&history, "customer_history", schema);
    comment_ids = get_relname_relid("comments_id_seq", schema);
    user_name = CStringGetTextDatum(GetUserNameFromId(GetSessionUserId(), false));
    find_target(&customers, "customers", schema);
    MemoryContextSwitchTo(caller);
}

static void
insert_index_entries(const Target *target, Relation table, TupleTableSlot *row)
{
    for (int i = 0; i < target->count; i++)
    {
        Relation index = index_open(target->indexes[i], RowExclusiveLock);
        IndexInfo info = target->infos[i];
        Datum values[INDEX_MAX_KEYS];
        bool nulls[INDEX_MAX_KEYS];

        info.ii_Context = CurrentMemoryContext;
        FormIndexDatum(&info, row, NULL, values, nulls);
        index_insert(index, values, nulls, &row->tts_tid, table,
                     index->rd_index->indisunique ? UNIQUE_CHECK_YES : UNIQUE_CHECK_NO, false, &info);
#if PG_VERSION_NUM >= 170000
        index_insert_cleanup(index, &info);
#endif
        index_close(index, NoLock);
    }
}

/* Inserts a row, whose values are in the slot. */
static void
insert_row(const Target *target, Relation table, TupleTableSlot *row)
{
    ExecStoreVirtualTuple(row);
    simple_table_tuple_insert(table, row);
    insert_index_entries(target, table, row);
    ExecDropSingleTupleTableSlot(row);
}

/* A slot whose values are all NULL. */
static TupleTableSlot *
new_row(Relation table)
{
    TupleTableSlot *row = MakeSingleTupleTableSlot(RelationGetDescr(table), &TTSOpsVirtual);

    memset(row->tts_isnull, true, RelationGetDescr(table)->natts);
    return row;
}

static void
set(TupleTableSlot *row, int column, Datum value)
{
    row->tts_values[column] = value;
    row->tts_isnull[column] = false;
}

/* Finds a customer's row and locks it as it is now. */
static void
lock_customer(Relation table, Datum id, TupleTableSlot *row)
{
    Relation index = index_open(customers.indexes[0], RowExclusiveLock);
    const Snapshot snapshot = GetActiveSnapshot();
    ScanKeyData key;
    IndexScanDesc scan;
    TM_FailureData failure;

    ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT8EQ, id);
#if PG_VERSION_NUM >= 190000
    scan = index_beginscan(table, index, snapshot, NULL, 1, 0, SO_NONE);
#elif PG_VERSION_NUM >= 180000
    scan = index_beginscan(table, index, snapshot, NULL, 1, 0);
#else
    scan = index_beginscan(table, index, snapshot, 1, 0);
#endif
    index_rescan(scan, &key, 1, NULL, 0);
    if (!index_getnext_slot(scan, ForwardScanDirection, row))
        elog(ERROR, "there is no such customer");
    index_endscan(scan);
    index_close(index, NoLock);
    if (table_tuple_lock(table, &row->tts_tid, snapshot, row, GetCurrentCommandId(true), LockTupleNoKeyExclusive,
                         LockWaitBlock, TUPLE_LOCK_FLAG_FIND_LAST_VERSION, &failure) != TM_Ok)
        elog(ERROR, "could not lock the customer");
    slot_getallattrs(row);
}

static void
update_customer(Relation table, TupleTableSlot *locked, Datum status, TimestampTz version)
{
    const int columns = RelationGetDescr(table)->natts;
    TupleTableSlot *row = new_row(table);
#if PG_VERSION_NUM >= 160000
    TU_UpdateIndexes update_indexes = TU_None;
#else
    bool update_indexes = false;
#endif

    memcpy(row->tts_values, locked->tts_values, columns * sizeof(Datum));
    memcpy(row->tts_isnull, locked->tts_isnull, columns * sizeof(bool));
    set(row, CUSTOMERS_STATUS, status);
    set(row, CUSTOMERS_UPDATED_AT, TimestampTzGetDatum(version));
    ExecStoreVirtualTuple(row);
    simple_table_tuple_update(table, &locked->tts_tid, row, GetActiveSnapshot(), &update_indexes);
    if (update_indexes)
        insert_index_entries(&customers, table, row);
    ExecDropSingleTupleTableSlot(row);
}

/* Does nothing, to show what any call costs. */
Datum
noop(PG_FUNCTION_ARGS)
{
    PG_RETURN_NULL();
}

/*
 * Writes the rows of a save to the tables of the schema "floor" by the access methods, and does nothing else, to show
 * the least that they cost. Its arguments are those of crm_update_customer().
 */
Datum
save_floor(PG_FUNCTION_ARGS)
{
    const Datum id = PG_GETARG_DATUM(0);
    const Datum based_on = PG_GETARG_DATUM(1);
    const Datum status = PG_GETARG_DATUM(2);
    const Datum author = PG_GETARG_DATUM(4);
    const TimestampTz now = GetCurrentTimestamp();
    TimestampTz version;
    pg_uuid_t request = {0};
    Datum comment_id;
    TupleTableSlot *locked;
    TupleTableSlot *row;
    Relation table;

    if (!OidIsValid(customers.table))
        find_targets();

    table = table_open(customers.table, RowExclusiveLock);
    locked = table_slot_create(table, NULL);
    lock_customer(table, id, locked);
    version = Max(now - now % 1000, DatumGetTimestampTz(locked->tts_values[CUSTOMERS_UPDATED_AT]) + 1000);
    update_customer(table, locked, status, version);
    table_close(table, NoLock);

    table = table_open(comments.table, RowExclusiveLock);
    comment_id = Int64GetDatum(nextval_internal(comment_ids, false));
    row = new_row(table);
    set(row, COMMENTS_CUSTOMER_ID, id);
    set(row, COMMENTS_ID, comment_id);
    set(row, COMMENTS_AUTHOR, author);
    set(row, COMMENTS_BODY, PG_GETARG_DATUM(3));
    set(row, COMMENTS_CREATED_AT, TimestampTzGetDatum(now));
    set(row, COMMENTS_BASED_ON, based_on);
    set(row, COMMENTS_SAVE_REFUSED, BoolGetDatum(false));
    insert_row(&comments, table, row);
    table_close(table, NoLock);

    table = table_open(history.table, RowExclusiveLock);
    row = new_row(table);
    set(row, HISTORY_CUSTOMER_ID, id);
    set(row, HISTORY_VERSION, TimestampTzGetDatum(version));
    set(row, HISTORY_PREVIOUS, locked->tts_values[CUSTOMERS_UPDATED_AT]);
    set(row, HISTORY_BASED_ON, based_on);
    set(row, HISTORY_RECORDED_AT, TimestampTzGetDatum(now));
    set(row, HISTORY_OPERATION, CStringGetTextDatum("update"));
    set(row, HISTORY_AUTHOR, author);
    set(row, HISTORY_DB_USER, user_name);
    set(row, HISTORY_STATUS_FROM, locked->tts_values[CUSTOMERS_STATUS]);
    set(row, HISTORY_STATUS_TO, status);
    set(row, HISTORY_COMMENT_ID, comment_id);
    set(row, HISTORY_REQUEST, UUIDPGetDatum(&request));
    set(row, HISTORY_EARLIER_PRUNED, BoolGetDatum(false));
    insert_row(&history, table, row);
    table_close(table, NoLock);

    ExecDropSingleTupleTableSlot(locked);
    PG_RETURN_NULL();
}
