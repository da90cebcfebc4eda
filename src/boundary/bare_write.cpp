#include "bare_write.h"

#include "../core/timestamp.h"
#include "bare_plan.h"

namespace crm {

namespace {

// Whether the values of an index are those that they were, as the executor tells its access method.
bool
is_unchanged(const IndexInfo &info, List *updated_columns)
{
    for (int i = 0; i < info.ii_NumIndexKeyAttrs; i++)
        if (list_member_int(updated_columns, info.ii_IndexAttrNumbers[i]))
            return false;
    return true;
}

// A row as the values of its columns by number.
struct Values
{
    const Datum *values;
    const bool *nulls;
};

// Inserts an entry of an open index. What info keeps for further entries, the caller cleans up.
void
insert_entry(Relation relation, Relation index, IndexInfo *info, Values row, ItemPointer tid, bool is_unchanged)
{
    Datum entry[INDEX_MAX_KEYS];
    bool is_null[INDEX_MAX_KEYS];
    for (int i = 0; i < info->ii_NumIndexAttrs; i++)
    {
        const int column = info->ii_IndexAttrNumbers[i] - 1;
        entry[i] = row.values[column];
        is_null[i] = row.nulls[column];
    }
    const IndexUniqueCheck check = index->rd_index->indisunique ? UNIQUE_CHECK_YES : UNIQUE_CHECK_NO;
    index_insert(index, entry, is_null, tid, relation, check, is_unchanged, info);
}

// Calls insert(info) to insert entries; other access methods than btree keep something there until the end.
template <typename Insert>
void
with_info(Relation index, const BareIndex &bare, Insert insert)
{
    if (bare.is_btree)
    {
        insert(bare.info);
        return;
    }
    IndexInfo info = *bare.info;
    info.ii_Context = CurrentMemoryContext;
    info.ii_AmCache = nullptr;
    insert(&info);
    clean_up_insertion(index, &info);
}

void
insert_entries(Relation relation, const BareWrite &bare, IndexesToUpdate which, const NewRow &row, ItemPointer tid,
               List *updated_columns)
{
    for (const BareIndex &known : bare.indexes)
    {
        if (known.covers != 0 && row.nulls[known.covers - 1])
            continue;
        Relation index = index_open(known.index, RowExclusiveLock);
        if (index->rd_index->indisready && (which == IndexesToUpdate::all || is_summarizing(index)))
            with_info(index, known, [&](IndexInfo *info) {
                insert_entry(relation, index, info, {row.values, row.nulls}, tid,
                             updated_columns != NIL && is_unchanged(*info, updated_columns));
            });
        index_close(index, NoLock);
    }
}

core::Timestamp
time_of(const TupleTableSlot *row, AttrNumber column)
{
    return {DatumGetTimestampTz(row->tts_values[column - 1])};
}

// How many of some rows, from the first on, lie in its block.
std::size_t
rows_in_block(std::span<TupleTableSlot *> rows)
{
    const BlockNumber block = ItemPointerGetBlockNumber(&rows[0]->tts_tid);
    std::size_t count = 1;
    while (count < rows.size() && ItemPointerGetBlockNumber(&rows[count]->tts_tid) == block)
        count++;
    return count;
}

// Tells an index that summarizes a column of the first row of each block, which may begin a range, and of its least and
// greatest time: it would keep no others.
void
summarize(Relation relation, Relation index, IndexInfo *info, AttrNumber column, std::span<TupleTableSlot *> rows)
{
    const auto earlier = [column](const TupleTableSlot *a, const TupleTableSlot *b) {
        return time_of(a, column) < time_of(b, column);
    };
    while (!rows.empty())
    {
        const std::span of_block = rows.first(rows_in_block(rows));
        const auto [least, greatest] = std::ranges::minmax_element(of_block, earlier);
        for (TupleTableSlot *row : of_block)
            if (row == of_block.front() || row == *least || row == *greatest)
                insert_entry(relation, index, info, {row->tts_values, row->tts_isnull}, &row->tts_tid, false);
        rows = rows.subspan(of_block.size());
    }
}

}  // namespace

bool
meets_constraints(Relation relation, const BareWrite &bare, const NewRow &row)
{
    const TupleDesc columns = RelationGetDescr(relation);
    for (int i = 0; i < columns->natts; i++)
        if (row.nulls[i] && TupleDescAttr(columns, i)->attnotnull)
            return false;
    const auto is_to_be_evaluated = [&row](const BareCheck &check) {
        return check.met_by_null == 0 || !row.nulls[check.met_by_null - 1];
    };
    if (std::ranges::none_of(bare.checks, is_to_be_evaluated))
        return true;

    ExecClearTuple(bare.row);
    std::memcpy(bare.row->tts_values, row.values, columns->natts * sizeof(Datum));
    std::memcpy(bare.row->tts_isnull, row.nulls, columns->natts * sizeof(bool));
    ExecStoreVirtualTuple(bare.row);
    bare.row->tts_tableOid = RelationGetRelid(relation);
    bare.context->ecxt_scantuple = bare.row;
    const bool are_met = std::ranges::all_of(bare.checks, [&](const BareCheck &check) {
        return !is_to_be_evaluated(check) || ExecCheck(check.state, bare.context);
    });
    ExecClearTuple(bare.row);
    return are_met;
}

bool
may_insert_bare(const PreparedWrite *prepared, std::span<const Oid> skipped_constraints)
{
    if (prepared == nullptr || prepared->bare == nullptr)
        return false;
    ListCell *cell;
    foreach (cell, prepared->bare->constraints)
        if (std::ranges::find(skipped_constraints, lfirst_oid(cell)) == skipped_constraints.end())
            return false;
    return true;
}

bool
may_update_bare(const PreparedWrite *prepared, List *updated_columns, TupleTableSlot *locked)
{
    if (prepared == nullptr || prepared->bare == nullptr)
        return false;
    if (prepared->bare->constraints == NIL)
        return true;
    ListCell *cell;
    foreach (cell, updated_columns)
        if (bms_is_member(lfirst_int(cell), prepared->bare->in_keys))
            return false;
    // The check of a row that this transaction inserted may be due yet, and looks at the newest version of it.
    bool is_null;
    const Datum writer = slot_getsysattr(locked, MinTransactionIdAttributeNumber, &is_null);
    return !TransactionIdIsCurrentTransactionId(DatumGetTransactionId(writer));
}

void
fill_defaults(const BareWrite &bare, NewRow &row)
{
    ResetExprContext(bare.context);
    for (int i = 0; i < row.count; i++)
        if (!row.given[i] && bare.defaults[i] != nullptr)
        {
            row.values[i] = ExecEvalExprSwitchContext(bare.defaults[i], bare.context, &row.nulls[i]);
            row.given[i] = true;
        }
}

bool
insert_bare(Relation relation, const BareWrite &bare, const NewRow &row)
{
    if (!meets_constraints(relation, bare, row))
        return false;
    HeapTuple tuple = heap_form_tuple(RelationGetDescr(relation), row.values, row.nulls);
    tuple->t_tableOid = RelationGetRelid(relation);
    heap_insert(relation, tuple, GetCurrentCommandId(true), 0, nullptr);
    insert_entries(relation, bare, IndexesToUpdate::all, row, &tuple->t_self, NIL);
    return true;
}

TupleTableSlot *
slot_of(Relation relation, const BareWrite &bare, const NewRow &row)
{
    TupleTableSlot *slot = MakeSingleTupleTableSlot(bare.row->tts_tupleDescriptor, &TTSOpsVirtual);
    row.store_in(slot);
    slot->tts_tableOid = RelationGetRelid(relation);
    return slot;
}

void
insert_many_bare(Relation relation, const BareWrite &bare, std::span<TupleTableSlot *> rows)
{
    heap_multi_insert(relation, rows.data(), static_cast<int>(rows.size()), GetCurrentCommandId(true), 0, nullptr);
    for (const BareIndex &known : bare.indexes)
    {
        Relation index = index_open(known.index, RowExclusiveLock);
        if (index->rd_index->indisready)
            with_info(index, known, [&](IndexInfo *info) {
                if (known.summarizes != 0 && known.covers == 0)
                    summarize(relation, index, info, known.summarizes, rows);
                else
                    for (TupleTableSlot *row : rows)
                        if (known.covers == 0 || !row->tts_isnull[known.covers - 1])
                            insert_entry(relation, index, info, {row->tts_values, row->tts_isnull}, &row->tts_tid,
                                         false);
            });
        index_close(index, NoLock);
    }
}

HeapTuple
update_bare(Relation relation, const BareWrite &bare, List *updated_columns, TupleTableSlot *locked, const NewRow &row)
{
    ResetExprContext(bare.context);
    if (!meets_constraints(relation, bare, row))
        return nullptr;
    CheckCmdReplicaIdentity(relation, CMD_UPDATE);
    HeapTuple tuple = heap_form_tuple(RelationGetDescr(relation), row.values, row.nulls);
    tuple->t_tableOid = RelationGetRelid(relation);
    const IndexesToUpdate which = update_locked_row(relation, &locked->tts_tid, tuple);
    if (which != IndexesToUpdate::none)
        insert_entries(relation, bare, which, row, &tuple->t_self, updated_columns);
    return tuple;
}

}  // namespace crm
