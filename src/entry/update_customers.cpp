#include "../boundary/row_set.h"
#include "../boundary/transaction.h"
#include "save_items.h"
#include "saves.h"

// Many saves by one call: each for itself, or all or none.

namespace crm {

namespace {

// The saves of a call, as given and by table and key.
struct Items
{
    SaveItem *given;
    SaveItem **sorted;
    int count;
};

SaveResult
made(const SaveItem &item, Stage stage)
{
    switch (item.request.intent)
    {
        case core::Intent::deletion:
            return delete_customer(item.table, item.key, item.request, stage);
        case core::Intent::check:
            return check_customer(item.table, item.key, item.request);
        default:
            return save_customer(item.table, item.key, item.request, item.fields, nullptr, stage);
    }
}

// Runs a call of SPI for an item, and keeps its result as the answer.
template <typename Call>
void
answer(SaveItem &item, TupleDesc columns, Call call)
{
    item.row = in_spi([&](MemoryContext caller) {
        const SaveResult result = call();
        item.decision = result.outcome;
        return made_in(caller, [&] {
            RowValues row;
            row.add(std::optional<Datum>{Int32GetDatum(item.ord)});
            row.add(result);
            return heap_form_tuple(columns, row.values, row.nulls);
        });
    });
}

// By table and key, so that calls which save the same rows do not deadlock; those of one row in the order given.
int
compare_items(const void *a, const void *b)
{
    const SaveItem &x = **static_cast<SaveItem *const *>(a);
    const SaveItem &y = **static_cast<SaveItem *const *>(b);
    if (!x.table.is_same(y.table))
        return x.table->customers.oid < y.table->customers.oid ? -1 : 1;
    const int order = compare_keys(x.key, y.key);
    return order != 0 ? order : x.ord - y.ord;
}

Items
read_items(FunctionCallInfo fcinfo, Operations allowed)
{
    require_argument(fcinfo, 0, "saves");
    Jsonb *saves = PG_GETARG_JSONB_P(0);
    if (!JB_ROOT_IS_ARRAY(saves) || JB_ROOT_IS_SCALAR(saves))
        ereport(
            ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("saves must be a JSON array"),
             errdetail("Nothing was saved."),
             errhint("Pass one object for each save, as in [{\"id\": 1, \"expected_ts\": ..., \"author\": ...}].")));
    ItemTables tables{extension_schema_of(fcinfo)};

    const int count = static_cast<int>(JB_ROOT_COUNT(saves));
    const Items items = {static_cast<SaveItem *>(palloc0(count * sizeof(SaveItem) + 1)),
                         static_cast<SaveItem **>(palloc(count * sizeof(SaveItem *) + 1)), count};
    for (int i = 0; i < count; i++)
    {
        items.given[i].ord = i + 1;
        items.sorted[i] = &items.given[i];
        on_item(i + 1, [&] {
            read_item(items.given[i], *getIthJsonbValueFromContainer(&saves->root, static_cast<std::uint32_t>(i)),
                      tables, allowed);
        });
    }
    qsort(items.sorted, count, sizeof(SaveItem *), compare_items);
    return items;
}

void
save_each(const Items &items, TupleDesc columns)
{
    for (int i = 0; i < items.count; i++)
    {
        SaveItem &item = *items.sorted[i];
        on_item(item.ord, [&] { answer(item, columns, [&item] { return made(item, Stage::whole); }); });
    }
}

// Raises 22023 for two items of one row, of which all cannot be judged before any is made.
void
require_different_rows(const Items &items)
{
    for (int i = 1; i < items.count; i++)
    {
        const SaveItem &item = *items.sorted[i];
        const SaveItem &before = *items.sorted[i - 1];
        if (item.table.is_same(before.table) && compare_keys(item.key, before.key) == 0)
            on_item(item.ord, [&] {
                ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                                errmsg("%s is named by save %d too", row_name(item.table, item.key).data(), before.ord),
                                errdetail("Nothing was saved."),
                                errhint("Name each record once when all or nothing is to be saved; a save checks its "
                                        "version, too.")));
            });
    }
}

// The refused items of a call, in the order given.
Refused
refused_of(const Items &items)
{
    StringInfoData numbers;
    initStringInfo(&numbers);
    JsonBuilder json;
    json.open_object();
    json.key("refused");
    json.open_array();
    for (int i = 0; i < items.count; i++)
        if (core::is_refusal(items.given[i].decision))
        {
            appendStringInfo(&numbers, numbers.len == 0 ? "%d" : ", %d", i + 1);
            json.number(i + 1);
        }
    json.close_array();
    json.close_object();
    return {{numbers.data, static_cast<std::size_t>(numbers.len)}, json.finish()};
}

bool
is_to_be_made(const SaveItem &item)
{
    return item.decision == core::Outcome::updated || item.decision == core::Outcome::merged ||
           item.decision == core::Outcome::deleted;
}

// Makes what was decided to be made; what the triggers of one do to another row of the call may keep it from that.
void
make_decided(SaveItem &item, TupleDesc columns)
{
    answer(item, columns, [&item] { return made(item, Stage::whole); });
    if (core::is_refusal(item.decision))
        ereport(ERROR,
                (errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
                 errmsg("%s was changed by what the call did before", row_name(item.table, item.key).data()),
                 errdetail("A foreign key or a trigger of an earlier save of the call changed it. Nothing was saved."),
                 errhint("Save it earlier in the call, or in another one.")));
}

// Decides about all in one order, with their rows locked; then makes all in the order given, or none.
void
save_all_or_nothing(const Items &items, TupleDesc columns)
{
    require_different_rows(items);
    bool is_any_refused = false;
    for (int i = 0; i < items.count; i++)
    {
        SaveItem &item = *items.sorted[i];
        on_item(item.ord, [&] { answer(item, columns, [&item] { return made(item, Stage::decision); }); });
        is_any_refused = is_any_refused || core::is_refusal(item.decision);
    }
    const std::optional<Refused> refused = is_any_refused ? std::optional{refused_of(items)} : std::nullopt;
    for (int i = 0; i < items.count; i++)
    {
        SaveItem &item = items.given[i];
        if (!is_to_be_made(item))
            continue;
        on_item(item.ord, [&] {
            if (refused)
                answer(item, columns,
                       [&] { return fail_with_others(item.table, item.key, item.request, item.fields, *refused); });
            else
                make_decided(item, columns);
        });
    }
}

Datum
answers(const Items &items, const RowSet &rows)
{
    for (int i = 0; i < items.count; i++)
        rows.add(items.given[i].row);
    return static_cast<Datum>(0);
}

}  // namespace

}  // namespace crm

CRM_FUNCTION(crm_update_customers)
{
    using namespace crm;

    require_writable("crm_update_customers()");
    const Items items = read_items(fcinfo, Operations::updates);
    const RowSet rows = begin_row_set(fcinfo);
    save_each(items, rows.columns);
    return answers(items, rows);
}

CRM_FUNCTION(crm_update_records)
{
    using namespace crm;

    require_writable("crm_update_records()");
    require_argument(fcinfo, 1, "all_or_nothing");
    const Items items = read_items(fcinfo, Operations::all);
    const RowSet rows = begin_row_set(fcinfo);
    if (PG_GETARG_BOOL(1))
        save_all_or_nothing(items, rows.columns);
    else
        save_each(items, rows.columns);
    return answers(items, rows);
}
