#include "../boundary/errors.h"
#include "../boundary/owner.h"
#include "../boundary/role.h"
#include "../boundary/statistics.h"
#include "../boundary/value_json.h"
#include "access_path.h"
#include "status.h"

namespace crm {

namespace {

std::optional<CustomerRow>
read_row(std::uint64_t rows, const AttachedTable &table, const Key &key)
{
    if (rows == 0)
        return std::nullopt;
    // One snapshot shows a row that others deleted beside its successor of this transaction.
    if (rows > 1 && IsolationUsesXactSnapshot())
        errors::changed_since_snapshot();
    if (rows > 1)
        errors::ambiguous_key(table.customers, key_text(key));
    if (result_is_null(0, 0))
        errors::null_version(table.customers, key_text(key));
    CustomerRow row = {result_time(0, 0), std::nullopt, {}, InvalidTransactionId};
    if (!result_is_null(0, 1))
        row.status = status_text(table, result_datum(0, 1));
    return row;
}

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
        if (!column->attisdropped && (reads_all || has_column_right(table.customers, column->attnum, ACL_SELECT)))
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

// The first row of the latest result without its first two columns, as an object.
Datum
result_as_json()
{
    const TupleDesc columns = SPI_tuptable->tupdesc;
    Datum *values = static_cast<Datum *>(palloc(columns->natts * sizeof(Datum)));
    bool *nulls = static_cast<bool *>(palloc(columns->natts));
    bool *left_out = static_cast<bool *>(palloc0(columns->natts));
    heap_deform_tuple(SPI_tuptable->vals[0], columns, values, nulls);
    left_out[0] = left_out[1] = true;
    return row_as_json(columns, values, nulls, left_out);
}

class SpiAccessPath final : public AccessPath
{
public:
    std::optional<CustomerRow>
    look(AttachedTable &table, const Key &key, ItemPointerData) const override
    {
        return read_row(execute(table.plan(Statement::look), [&] { return select_row(table, ""); },
                                arguments_of(key)),
                        table, key);
    }

    std::optional<ReadableCustomer>
    read(AttachedTable &table, const Key &key, Snapshot snapshot, Fields, ItemPointerData) const override
    {
        if (select_customer(table, key, snapshot) == 0)
            return std::nullopt;
        ReadableCustomer customer = {result_time(0, 0), std::nullopt, result_as_json()};
        if (!result_is_null(0, 1))
            customer.status = status_text(table, result_datum(0, 1));
        return customer;
    }

    std::optional<CustomerRow>
    lock(AttachedTable &table, const Key &key, Fields fields, const CustomerRow &,
         std::optional<core::Timestamp>) const override
    {
        return are_in_unique_index(table, fields)
                   ? lock_row(table, key, "UPDATE", Statement::lock_key_at_once, Statement::lock_key)
                   : lock_row(table, key, "NO KEY UPDATE", Statement::lock_at_once, Statement::lock);
    }

    bool
    lock_for_reference(AttachedTable &table, const Key &key) const override
    {
        return execute(table.plan(Statement::lock_for_reference),
                       [&] {
                           return psprintf("SELECT 1 FROM %s c WHERE c.%s OPERATOR(pg_catalog.=) $1 "
                                           "FOR KEY SHARE OF c",
                                           table.customers_sql, table.key_sql);
                       },
                       arguments_of(key)) > 0;
    }

    bool
    check_reference(AttachedTable &table, const Key &key) const override
    {
        return !IsolationUsesXactSnapshot() &&
               execute_as(
                   table.customers_owner, table.customers_path, table.plan(Statement::check_reference),
                   [&] {
                       return psprintf("SELECT 1 FROM %s c WHERE c.%s OPERATOR(pg_catalog.=) $1 FOR KEY SHARE OF c",
                                       table.customers_sql, table.key_sql);
                   },
                   arguments_of(key)) > 0;
    }

    bool
    update(AttachedTable &table, const Key &key, std::optional<std::string_view> status, Fields fields,
           ItemPointerData &) const override
    {
        if (!fields.empty())
            return update_fields(table, key, status, fields);
        Arguments arguments = arguments_of(key);
        if (!status)
            return execute(table.plan(Statement::touch),
                           [&] {
                               return psprintf("UPDATE %1$s SET %2$s = %2$s WHERE %3$s OPERATOR(pg_catalog.=) $1",
                                               table.customers_sql, table.status_sql, table.key_sql);
                           },
                           arguments) > 0;
        arguments.add(table.status_type, status_datum(table, *status));
        return execute(table.plan(Statement::set_status),
                       [&] {
                           return psprintf("UPDATE %s SET %s = $2 WHERE %s OPERATOR(pg_catalog.=) $1",
                                           table.customers_sql, table.status_sql, table.key_sql);
                       },
                       arguments) > 0;
    }

    bool
    insert_comment(AttachedTable &table, const Key &key, const core::Request &request, bool) const override
    {
        Arguments arguments = arguments_of(key);
        arguments.add(request.author);
        arguments.add(request.comment);
        if (request.reply_to)
        {
            arguments.add(request.reply_to);
            return execute(table.plan(Statement::insert_reply),
                           [&] {
                               return psprintf("INSERT INTO %s (customer_id, author, body, reply_to) "
                                               "VALUES ($1, $2, $3, $4)",
                                               table.comments_sql);
                           },
                           arguments) > 0;
        }
        return execute(table.plan(Statement::insert_comment),
                       [&] {
                           return psprintf("INSERT INTO %s (customer_id, author, body) VALUES ($1, $2, $3)",
                                           table.comments_sql);
                       },
                       arguments) > 0;
    }

private:
    // Tries without waiting first, so that waits can be counted.
    static std::optional<CustomerRow>
    lock_row(AttachedTable &table, const Key &key, const char *strength, Statement at_once, Statement waiting)
    {
        std::uint64_t rows = execute(
            table.plan(at_once), [&] { return select_row(table, psprintf(" FOR %s OF c SKIP LOCKED", strength)); },
            arguments_of(key));
        if (rows == 0)
        {
            statistics::count(statistics::Counter::lock_waits);
            rows = execute(table.plan(waiting), [&] { return select_row(table, psprintf(" FOR %s OF c", strength)); },
                           arguments_of(key));
        }
        return read_row(rows, table, key);
    }

    // Which columns are set differs from save to save, so the plan is not kept.
    static bool
    update_fields(const AttachedTable &table, const Key &key, std::optional<std::string_view> status, Fields fields)
    {
        const int most = static_cast<int>(fields.size()) + 2;
        Oid *types = static_cast<Oid *>(palloc(most * sizeof(Oid)));
        Datum *values = static_cast<Datum *>(palloc(most * sizeof(Datum)));
        char *nulls = static_cast<char *>(palloc(most));
        int count = 0;
        const auto add = [&](Oid type, Datum value, bool is_null) {
            types[count] = type;
            values[count] = value;
            nulls[count] = is_null ? 'n' : ' ';
            return ++count;
        };

        StringInfoData sql;
        initStringInfo(&sql);
        add(key.type, key.value, false);
        appendStringInfo(&sql, "UPDATE %s SET ", table.customers_sql);
        if (status)
            appendStringInfo(&sql, "%s = $%d, ", table.status_sql,
                             add(table.status_type, status_datum(table, *status), false));
        for (const Field &field : fields)
            appendStringInfo(&sql, "%s%s = $%d", &field == fields.data() ? "" : ", ", quote_identifier(field.name),
                             add(field.type, field.value, field.is_null));
        appendStringInfo(&sql, " WHERE %s OPERATOR(pg_catalog.=) $1", table.key_sql);

        const int result = SPI_execute_with_args(sql.data, count, types, values, nulls, false, 0);
        // A rule made another command of it.
        if (result == SPI_OK_REWRITTEN)
            return false;
        if (result != SPI_OK_UPDATE)
            elog(ERROR, "could not update the customer: %s", SPI_result_code_string(result));
        return SPI_processed > 0;
    }

    static const char *
    select_row(const AttachedTable &table, const char *locking)
    {
        return psprintf("SELECT c.%s, c.%s FROM %s c WHERE c.%s OPERATOR(pg_catalog.=) $1%s",
                        table.version_sql, table.status_sql, table.customers_sql, table.key_sql, locking);
    }
};

constexpr SpiAccessPath path;

}  // namespace

const AccessPath &
spi_access_path()
{
    return path;
}

}  // namespace crm
