#include "conflict_detail.h"

#include "../boundary/clock.h"
#include "../boundary/value_json.h"
#include "../core/base_diagnosis.h"
#include "../core/version.h"
#include "comments.h"
#include "history.h"
#include "status.h"
#include "three_way.h"

namespace crm {

namespace {

// The query for version, status and the columns that the caller may read.
const char *
select_readable(const AttachedTable &table, bool reads_all)
{
    StringInfoData sql;
    initStringInfo(&sql);
    appendStringInfo(&sql, "SELECT c.%s, c.%s", table.version_sql, table.status_sql);

    Relation relation = table_open(table.customers, NoLock);
    const TupleDesc columns = RelationGetDescr(relation);
    for (int i = 0; i < columns->natts; i++)
    {
        const FormData_pg_attribute *column = TupleDescAttr(columns, i);
        if (column->attisdropped)
            continue;
        if (reads_all ||
            pg_attribute_aclcheck(table.customers, column->attnum, GetUserId(), ACL_SELECT) == ACLCHECK_OK)
            appendStringInfo(&sql, ", c.%s", quote_identifier(NameStr(column->attname)));
    }
    table_close(relation, NoLock);

    appendStringInfo(&sql, " FROM %s c WHERE c.%s OPERATOR(pg_catalog.=) $1", table.customers_sql, table.key_sql);
    return sql.data;
}

std::uint64_t
select_customer(AttachedTable &table, const Key &key, Snapshot snapshot)
{
    const Arguments arguments = arguments_of(key);
    if (pg_class_aclcheck(table.customers, GetUserId(), ACL_SELECT) == ACLCHECK_OK)
        return execute(table.plan(Statement::read_customer), [&] { return select_readable(table, true); }, arguments,
                       snapshot);

    // The columns differ by role, so the plan is not kept.
    SPIPlanPtr plan = SPI_prepare(select_readable(table, false), arguments.count, const_cast<Oid *>(arguments.types));
    if (plan == nullptr)
        elog(ERROR, "could not read the customer: %s", SPI_result_code_string(SPI_result));
    const std::uint64_t rows = run_statement(plan, arguments, snapshot);
    SPI_freeplan(plan);
    return rows;
}

// The columns of the first row from this one on, as an object.
Datum
row_as_json(int first_column)
{
    JsonBuilder json;
    ValueRenderer renderer{json};
    const TupleDesc columns = SPI_tuptable->tupdesc;

    json.open_object();
    for (int i = first_column; i < columns->natts; i++)
    {
        const FormData_pg_attribute *column = TupleDescAttr(columns, i);
        bool is_null;
        const Datum value = SPI_getbinval(SPI_tuptable->vals[0], columns, i + 1, &is_null);
        json.key(NameStr(column->attname));
        renderer.add(value, is_null, column->atttypid);
    }
    renderer.finish();
    json.close_object();
    return json.finish();
}

// Why the base is no version of the customer; empty when it was one.
std::optional<core::BaseProblem>
find_base_problem(AttachedTable &table, const Key &key, core::Timestamp base, core::Timestamp current)
{
    if (!core::is_finite(base))
        return core::BaseProblem::infinite;

    const std::optional<FirstChange> first = first_change(table, key, base);
    if (first && first->previous && core::same_version(*first->previous, base))
        return std::nullopt;
    if (recorded_at(table, key, base))
        return std::nullopt;

    constexpr std::size_t limit = 1000;
    core::Timestamp *versions = static_cast<core::Timestamp *>(palloc((limit + 2) * sizeof(core::Timestamp)));
    std::size_t count = nearby_versions(table, key, base, versions, limit);
    versions[count++] = current;
    if (first && first->previous)
        versions[count++] = *first->previous;

    core::KnownVersions known = {{versions, count}, std::nullopt};
    const std::optional<FirstChange> oldest = first_change(table, key, core::minus_infinity);
    if (!oldest)
        known.oldest_kept = current;
    else if (oldest->previous)
        known.oldest_kept = oldest->previous;
    return core::diagnose(base, known, clock_now());
}

// The status is text; of a field, its value as JSON.
Datum
shown(const ThreeWay &item, const core::Value &value)
{
    if (item.field != nullptr)
        return jsonb_of(value);
    JsonbValue text = {};
    text.type = value ? jbvString : jbvNull;
    if (value)
    {
        text.val.string.val = const_cast<char *>(value->data());
        text.val.string.len = static_cast<int>(value->size());
    }
    return JsonbPGetDatum(JsonbValueToJsonb(&text));
}

void
add_collisions(JsonBuilder &json, ThreeWays items, const ReadableCustomer &customer)
{
    json.key("conflicts");
    json.open_array();
    for (const ThreeWay &item : items)
    {
        if (item.merged() != core::Merge::collide)
            continue;
        json.open_object();
        json.key("field");
        json.text(item.name);
        json.key("was");
        json.jsonb(shown(item, item.was.value_or(core::Value{})));
        json.key("mine");
        json.jsonb(item.field != nullptr ? item.field->shown : shown(item, item.mine));
        json.key("theirs");
        json.jsonb(item.field != nullptr ? value_shown_in(customer.row, item.name) : shown(item, item.theirs));
        json.close_object();
    }
    json.close_array();
}

}  // namespace

std::optional<ReadableCustomer>
read_customer(AttachedTable &table, const Key &key, Snapshot snapshot)
{
    const std::uint64_t rows = select_customer(table, key, snapshot);
    if (rows == 0)
        return std::nullopt;
    ReadableCustomer customer = {result_time(0, 0), std::nullopt, row_as_json(2)};
    if (!result_is_null(0, 1))
        customer.status = status_text(table, result_datum(0, 1));
    return customer;
}

ConflictDetail
conflict_detail(AttachedTable &table, const Key &key, const core::Request &request, Fields fields,
                const ReadableCustomer &customer, std::optional<std::int64_t> own_comment,
                const std::optional<EditLock> &lock)
{
    ConflictDetail detail = {};
    JsonBuilder json;

    json.open_object();
    json.key("current");
    json.jsonb(customer.row);

    if (lock)
    {
        json.key("lock");
        add_edit_lock(json, *lock);
    }
    if (may_read_history(table))
    {
        json.key("changes");
        const ChangesSince changes = list_changes(table, key, request.base, json);
        json.key("changes_total");
        json.number(changes.total);
        detail.changes = changes.total;
        detail.last_author = changes.last_author;
    }

    core::Timestamp since = request.base;
    if (may_read_all_history(table))
    {
        since = recorded_at(table, key, request.base).value_or(request.base);
        detail.base_problem = find_base_problem(table, key, request.base, customer.version);
    }
    if (detail.base_problem)
    {
        json.key("expected_ts_problem");
        json.open_object();
        json.key("code");
        json.text(core::code(*detail.base_problem));
        json.key("hint");
        json.text(core::hint(*detail.base_problem));
        json.close_object();
    }
    add_collisions(json,
                   core::same_version(request.base, customer.version)
                       ? compare_with_current(table, request, fields, customer)
                   : may_read_all_history(table) ? compare_with_base(table, key, request, fields, customer)
                                                 : compare(table, request, fields, customer),
                   customer);
    if (may_read_comments(table))
    {
        json.key("comments");
        const std::int64_t total = list_comments(table, key, since, own_comment, json);
        json.key("comments_total");
        json.number(total);
    }
    json.close_object();
    detail.json = json.finish();
    return detail;
}

MergedChanges
merged_changes(AttachedTable &table, const Key &key, core::Timestamp base)
{
    if (!may_read_history(table))
        return {std::nullopt, 0};
    JsonBuilder json;
    const ChangesSince changes = list_changes(table, key, base, json);
    return {json.finish(), changes.total};
}

Datum
merge_detail(const MergedChanges &merged, const ReadableCustomer &customer)
{
    JsonBuilder json;
    json.open_object();
    json.key("current");
    json.jsonb(customer.row);
    if (merged.changes)
    {
        json.key("changes");
        json.jsonb(*merged.changes);
        json.key("changes_total");
        json.number(merged.total);
    }
    json.close_object();
    return json.finish();
}

}  // namespace crm
