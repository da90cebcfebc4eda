#include "../boundary/errors.h"
#include "../boundary/role.h"
#include "../boundary/statistics.h"
#include "../boundary/value_json.h"
#include "../tables/statements.h"
#include "../tables/status.h"
#include "direct_row.h"

namespace crm {

namespace {

// {columns}: version, status, and all columns of the table.
constexpr SqlStatement select_whole_row{"SELECT {columns} FROM {customers} c WHERE c.{key} OPERATOR(pg_catalog.=) $1",
                                        As::reader};

constexpr SqlStatement lock_at_once{"SELECT c.{version}, {status_of_row} FROM {customers} c "
                                    "WHERE c.{key} OPERATOR(pg_catalog.=) $1 FOR NO KEY UPDATE OF c SKIP LOCKED",
                                    As::reader};

constexpr SqlStatement lock_and_wait{"SELECT c.{version}, {status_of_row} FROM {customers} c "
                                     "WHERE c.{key} OPERATOR(pg_catalog.=) $1 FOR NO KEY UPDATE OF c",
                                     As::reader};

constexpr SqlStatement lock_key_at_once{"SELECT c.{version}, {status_of_row} FROM {customers} c "
                                        "WHERE c.{key} OPERATOR(pg_catalog.=) $1 FOR UPDATE OF c SKIP LOCKED",
                                        As::reader};

constexpr SqlStatement lock_key_and_wait{"SELECT c.{version}, {status_of_row} FROM {customers} c "
                                         "WHERE c.{key} OPERATOR(pg_catalog.=) $1 FOR UPDATE OF c",
                                         As::reader};

constexpr SqlStatement select_version{"SELECT c.{version}, {status_of_row} FROM {customers} c "
                                      "WHERE c.{key} OPERATOR(pg_catalog.=) $1",
                                      As::reader, Part::customers};

constexpr SqlStatement key_share_by_reader{
    "SELECT 1 FROM {customers} c WHERE c.{key} OPERATOR(pg_catalog.=) $1 FOR KEY SHARE OF c", As::reader,
    Part::customers};

constexpr SqlStatement key_share_by_owner{
    "SELECT 1 FROM {customers} c WHERE c.{key} OPERATOR(pg_catalog.=) $1 FOR KEY SHARE OF c", As::owner,
    Part::customers};

constexpr SqlStatement update_status{"UPDATE {customers} SET {status} = $2 WHERE {key} OPERATOR(pg_catalog.=) $1",
                                     As::caller};

constexpr SqlStatement insert_reply_row{
    "INSERT INTO {comments} (customer_id, author, body, reply_to) VALUES ($1, $2, $3, $4)", As::caller};

constexpr SqlStatement insert_comment_row{"INSERT INTO {comments} (customer_id, author, body) VALUES ($1, $2, $3)",
                                          As::caller};

std::optional<CustomerRow>
read_row(std::uint64_t rows, const AttachedTable &table, const Key &key)
{
    if (rows == 0)
        return std::nullopt;
    // One snapshot shows a row that others deleted beside its successor of this transaction.
    if (rows > 1 && IsolationUsesXactSnapshot())
        errors::changed_since_snapshot();
    if (rows > 1)
        ereport(ERROR,
                (errcode(ERRCODE_CARDINALITY_VIOLATION),
                 errmsg("more than one row of \"%s\" has key %s", errors::name_of(table->customers.oid), key_text(key)),
                 errdetail("Nothing was saved."), errhint("Look for tables that inherit from it.")));
    if (result_is_null(0, 0))
        errors::null_version(table->customers.oid, key_text(key));
    CustomerRow row = {};
    row.version = result_time(0, 0);
    if (!result_is_null(0, 1))
        row.status = status_text(table, result_datum(0, 1, getBaseType(table->customers.status_type)));
    return row;
}

// The query for version, status and the columns that the caller may read.
Sql
select_readable(const AttachedTable &table, bool reads_all)
{
    Relation relation = table_open(table->customers.oid, NoLock);
    const TupleDesc columns = RelationGetDescr(relation);
    Sql *readable = static_cast<Sql *>(palloc0((columns->natts + 2) * sizeof(Sql)));
    std::size_t count = 0;
    readable[count++] = sql(table, "c.{version}");
    readable[count++] = sql(table, "{status_of_row}");
    for (int i = 0; i < columns->natts; i++)
    {
        const FormData_pg_attribute *column = TupleDescAttr(columns, i);
        if (!column->attisdropped && (reads_all || has_column_right(table->customers.oid, column->attnum, ACL_SELECT)))
            readable[count++] = sql("c.{column}", {{"column", sql_identifier(NameStr(column->attname))}});
    }
    const Sql list = sql_joined(", ", {readable, count});
    table_close(relation, NoLock);
    return sql(table, select_whole_row.text, {{"columns", list}});
}

std::uint64_t
select_customer(const AttachedTable &table, const Key &key, Snapshot snapshot)
{
    const Arguments arguments = arguments_of(key);
    const bool reads_all = pg_class_aclcheck(table->customers.oid, GetUserId(), ACL_SELECT) == ACLCHECK_OK;
    if (reads_all)
        return as_reader(table, Part::customers, [&] {
            return execute(
                table->plan(&select_whole_row), [&] { return select_readable(table, reads_all); }, arguments, snapshot);
        });

    // The columns differ by role, so the plan is not kept.
    const Sql query = select_readable(table, reads_all);
    return as_reader(table, Part::customers, [&] {
        SPIPlanPtr plan = SPI_prepare(query.text(), arguments.count, const_cast<Oid *>(arguments.types));
        if (plan == nullptr)
            elog(ERROR, "could not read the customer: %s", SPI_result_code_string(SPI_result));
        const std::uint64_t rows = run_statement(plan, arguments, snapshot);
        SPI_freeplan(plan);
        return rows;
    });
}

// The first row of the latest result without its first two columns, as an object.
RowAsJson
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
    std::optional<CustomerRow> fetch(const AttachedTable &table, const Key &key, ItemPointerData) const override
    {
        require_may_read(table);
        return read_row(execute(table, select_version, arguments_of(key)), table, key);
    }

    std::optional<ReadableCustomer> read(const AttachedTable &table, const Key &key, Snapshot snapshot, Fields,
                                         const CustomerRow &) const override
    {
        require_may_read(table);
        if (select_customer(table, key, snapshot) == 0)
            return std::nullopt;
        ReadableCustomer customer = {result_time(0, 0), std::nullopt, result_as_json()};
        if (!result_is_null(0, 1))
            customer.status = status_text(table, result_datum(0, 1, getBaseType(table->customers.status_type)));
        return customer;
    }

    std::optional<CustomerRow> lock(const AttachedTable &table, const Key &key, Fields fields, const CustomerRow &,
                                    std::optional<core::Timestamp>) const override
    {
        return are_in_unique_index(table, fields) ? lock_row(table, key, lock_key_at_once, lock_key_and_wait)
                                                  : lock_row(table, key, lock_at_once, lock_and_wait);
    }

    bool lock_for_reference(const AttachedTable &table, const Key &key) const override
    {
        return execute(table, key_share_by_reader, arguments_of(key)) > 0;
    }

    std::optional<CustomerRow> find_reference(const AttachedTable &table, const Key &key) const override
    {
        if (IsolationUsesXactSnapshot() || execute(table, key_share_by_owner, arguments_of(key)) == 0)
            return std::nullopt;
        return CustomerRow{};
    }

    bool lock_reference(const AttachedTable &, const Key &, const CustomerRow &) const override { return true; }

    bool update(SaveInProgress &save, const Write &write, CustomerRow &) const override
    {
        save.called_others = true;
        let_go(save.in_hand);
        const AttachedTable &table = save.table;
        if (!write.fields.empty())
            return update_fields(table, save.key, write);
        if (!write.status)
            return update_nothing(table, save.key);
        Arguments arguments = arguments_of(save.key);
        arguments.add(table->customers.status_type, status_datum(table, *write.status));
        return execute(table, update_status, arguments) > 0;
    }

    bool insert_comment(SaveInProgress &save, const core::Request &request, CustomerLocked) const override
    {
        save.called_others = true;
        let_go(save.in_hand);
        const AttachedTable &table = save.table;
        Arguments arguments = arguments_of(save.key);
        arguments.add(request.author);
        arguments.add(request.comment);
        if (request.reply_to)
        {
            arguments.add(request.reply_to);
            return execute(table, insert_reply_row, arguments) > 0;
        }
        return execute(table, insert_comment_row, arguments) > 0;
    }

private:
    // Tries without waiting first, so that waits can be counted.
    static std::optional<CustomerRow> lock_row(const AttachedTable &table, const Key &key, const SqlStatement &at_once,
                                               const SqlStatement &and_wait)
    {
        std::uint64_t rows = execute(table, at_once, arguments_of(key));
        if (rows == 0)
        {
            statistics::count(statistics::Counter::lock_waits);
            rows = execute(table, and_wait, arguments_of(key));
        }
        return read_row(rows, table, key);
    }

    // Which column that is may differ from role to role.
    static bool update_nothing(const AttachedTable &table, const Key &key)
    {
        const Sql column = sql_identifier(get_attname(table->customers.oid, touched_column(table), false));
        const Sql statement =
            sql(table, "UPDATE {customers} SET {column} = {column} WHERE {key} OPERATOR(pg_catalog.=) $1",
                {{"column", column}});
        Arguments arguments = arguments_of(key);
        if (SPIPlanPtr *kept = table->plan_of_text(statement.text()))
            return execute(
                       *kept, [&] { return statement; }, arguments) > 0;
        const int result = SPI_execute_with_args(statement.text(), arguments.count, arguments.types, arguments.values,
                                                 arguments.nulls, false, 0);
        if (result < 0)
            elog(ERROR, "could not update the customer: %s", SPI_result_code_string(result));
        return SPI_processed > 0;
    }

    // Which columns are set differs from save to save, so the plan is not kept.
    static bool update_fields(const AttachedTable &table, const Key &key, const Write &write)
    {
        const int most = static_cast<int>(write.fields.size()) + 2;
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

        Sql *assignments = static_cast<Sql *>(palloc0(most * sizeof(Sql)));
        std::size_t assigned = 0;
        const auto assign = [&](Sql column, int parameter) {
            assignments[assigned++] =
                sql("{column} = {parameter}", {{"column", column}, {"parameter", sql_parameter(parameter)}});
        };
        add(key.type, key.value, false);
        if (write.status)
            assign(table->customers.status_sql,
                   add(table->customers.status_type, status_datum(table, *write.status), false));
        for (const Field &field : write.fields)
            assign(sql_identifier(field.name), add(field.type, field.value, field.is_null));
        const Sql statement = sql(table, "UPDATE {customers} SET {assignments} WHERE {key} OPERATOR(pg_catalog.=) $1",
                                  {{"assignments", sql_joined(", ", {assignments, assigned})}});

        const int result = SPI_execute_with_args(statement.text(), count, types, values, nulls, false, 0);
        // A rule made another command of it.
        if (result == SPI_OK_REWRITTEN)
            return false;
        if (result != SPI_OK_UPDATE)
            elog(ERROR, "could not update the customer: %s", SPI_result_code_string(result));
        return SPI_processed > 0;
    }
};

constexpr SpiAccessPath spi_path;

}  // namespace

const AccessPath &
spi_access_path()
{
    return spi_path;
}

}  // namespace crm
