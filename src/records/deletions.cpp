#include "deletions.h"

#include "../boundary/errors.h"
#include "../boundary/json.h"
#include "../boundary/role.h"
#include "../boundary/value_json.h"
#include "../tables/lock_class.h"
#include "../tables/own_triggers.h"
#include "../tables/statements.h"
#include "save_in_progress.h"

namespace crm {

namespace {

constexpr SqlStatement insert_deleted{
    "INSERT INTO {deletions} (customer_id, version, comment_id, row_values, deleted_at, transaction_id) "
    "VALUES ($1, $2, $3, $4, $5, $6)",
    As::owner, Part::deletions};

constexpr SqlStatement select_deleted{"SELECT row_values, transaction_id, deleted_at FROM {deletions} "
                                      "WHERE customer_id OPERATOR(pg_catalog.=) $1 "
                                      "AND version OPERATOR(pg_catalog.=) $2 AND comment_id IS NULL",
                                      As::reader, Part::deletions};

constexpr SqlStatement select_deleted_comments{"SELECT row_values, comment_id FROM {deletions} "
                                               "WHERE customer_id OPERATOR(pg_catalog.=) $1 "
                                               "AND version OPERATOR(pg_catalog.=) $2 AND comment_id IS NOT NULL "
                                               "ORDER BY comment_id",
                                               As::owner, Part::deletions};

constexpr SqlStatement delete_deleted{"DELETE FROM {deletions} WHERE customer_id OPERATOR(pg_catalog.=) $1 "
                                      "AND version OPERATOR(pg_catalog.=) $2",
                                      As::owner, Part::deletions};

// The columns of a row that are not null, by name, in their text forms. What the server works out itself is left out.
Datum
values_of(TupleDesc columns, HeapTuple row)
{
    JsonBuilder json;
    json.open_object();
    const int settings = fix_formats();
    set_search_path("pg_catalog, pg_temp");
    for (int i = 0; i < columns->natts; i++)
    {
        const FormData_pg_attribute *column = TupleDescAttr(columns, i);
        bool is_null;
        const Datum value = heap_getattr(row, i + 1, columns, &is_null);
        if (is_null || column->attisdropped || column->attgenerated != '\0')
            continue;
        Oid output;
        bool is_varlena;
        getTypeOutputInfo(column->atttypid, &output, &is_varlena);
        json.key(NameStr(column->attname));
        json.text(OidOutputFunctionCall(output, value));
    }
    AtEOXact_GUC(true, settings);
    json.close_object();
    return json.finish();
}

void
set_aside(const AttachedTable &table, const Key &key, core::Timestamp version, std::optional<std::int64_t> comment_id,
          Datum values)
{
    Arguments arguments = arguments_of(key);
    arguments.add(version);
    arguments.add(comment_id);
    arguments.add(JSONBOID, values);
    arguments.add(core::Timestamp{GetCurrentTransactionStartTimestamp()});
    arguments.add(std::optional{static_cast<std::int64_t>(U64FromFullTransactionId(GetTopFullTransactionId()))});
    if (execute(table, insert_deleted, arguments) != 1)
        errors::write_suppressed(table->deletions.oid, key_text(key));
}

[[noreturn]] void
column_gone(Oid table, const char *column)
{
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
                    errmsg("column \"%s\" of table \"%s\" does not exist any more", column, errors::name_of(table)),
                    errdetail("The deleted row has a value for it. Nothing was restored."),
                    errhint("Add the column again, or, as the owner, remove the value from row_values of what is set "
                            "aside.")));
}

// The parts of a statement that inserts a row again.
struct InsertedAgain
{
    Sql *columns;
    Sql *parameters;
    Oid *types;
    Datum *values;
    char *nulls;
    int count = 0;

    explicit InsertedAgain(int most)
    {
        const std::size_t room = static_cast<std::size_t>(most) + 1;
        columns = static_cast<Sql *>(palloc0(room * sizeof(Sql)));
        parameters = static_cast<Sql *>(palloc0(room * sizeof(Sql)));
        types = static_cast<Oid *>(palloc(room * sizeof(Oid)));
        values = static_cast<Datum *>(palloc(room * sizeof(Datum)));
        nulls = static_cast<char *>(palloc(room));
    }

    void add(const char *name, const FormData_pg_attribute &column, const char *text)
    {
        Oid input, parameter;
        getTypeInputInfo(column.atttypid, &input, &parameter);
        columns[count] = sql_identifier(name);
        parameters[count] = sql_parameter(count + 1);
        types[count] = column.atttypid;
        values[count] = OidInputFunctionCall(input, const_cast<char *>(text), parameter, column.atttypmod);
        nulls[count++] = ' ';
    }
};

// Inserts values that were set aside into their table, but for a column (or none).
void
insert_again(const PartFacts &part, const Key &key, Datum values, AttrNumber left_out)
{
    JsonbContainer *object = &DatumGetJsonbP(values)->root;
    InsertedAgain row(static_cast<int>(JsonContainerSize(object)));
    const int settings = fix_formats();
    set_search_path("pg_catalog, pg_temp");
    each_key(object, [&](const char *name) {
        const AttrNumber number = get_attnum(part.oid, name);
        if (number <= 0)
            column_gone(part.oid, name);
        HeapTuple tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(part.oid), Int16GetDatum(number));
        if (!HeapTupleIsValid(tuple))
            column_gone(part.oid, name);
        const FormData_pg_attribute column = *reinterpret_cast<FormData_pg_attribute *>(GETSTRUCT(tuple));
        ReleaseSysCache(tuple);
        JsonbValue value;
        getKeyJsonValueFromContainer(object, name, static_cast<int>(std::strlen(name)), &value);
        // A column that is computed since then gets its value by itself.
        if (number == left_out || column.attgenerated != '\0' || value.type != jbvString)
            return;
        row.add(name, column, pnstrdup(value.val.string.val, static_cast<std::size_t>(value.val.string.len)));
    });
    AtEOXact_GUC(true, settings);

    const std::size_t count = static_cast<std::size_t>(row.count);
    const Sql statement = sql("INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE VALUES ({values})",
                              {{"table", part.sql},
                               {"columns", sql_joined(", ", {row.columns, count})},
                               {"values", sql_joined(", ", {row.parameters, count})}});
    const int result = SPI_execute_with_args(statement.text(), row.count, row.types, row.values, row.nulls, false, 0);
    if (result == SPI_OK_REWRITTEN || SPI_processed != 1)
        errors::write_suppressed(part.oid, key_text(key));
}

bool
is_hidden_by_policies(const AttachedTable &table)
{
    return (is_under_row_security(table->customers.oid) || is_under_row_security(table->comments.oid)) &&
           !is_under_row_security(table->deletions.oid);
}

// The condition that a deleted row refers by a foreign key to another; empty where it is no such key.
std::optional<Sql>
reference_condition(const ForeignKeyCacheInfo &key, Oid child, const AttachedTable &parent, Datum parent_values)
{
    if (key.confrelid != parent->customers.oid)
        return std::nullopt;
    HeapTuple tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(key.conoid));
    if (!HeapTupleIsValid(tuple))
        return std::nullopt;
    const char action = reinterpret_cast<FormData_pg_constraint *>(GETSTRUCT(tuple))->confdeltype;
    ReleaseSysCache(tuple);
    if (action != FKCONSTR_ACTION_CASCADE)
        return std::nullopt;
    Sql conditions[INDEX_MAX_KEYS] = {};
    for (int i = 0; i < key.nkeys; i++)
    {
        const char *referenced = get_attname(parent->customers.oid, key.confkey[i], false);
        JsonbValue value;
        if (getKeyJsonValueFromContainer(&DatumGetJsonbP(parent_values)->root, referenced,
                                         static_cast<int>(std::strlen(referenced)), &value) == nullptr)
            return std::nullopt;
        const char *text = pnstrdup(value.val.string.val, static_cast<std::size_t>(value.val.string.len));
        conditions[i] =
            sql("row_values OPERATOR(pg_catalog.->>) {column} OPERATOR(pg_catalog.=) {value}",
                {{"column", sql_literal(get_attname(child, key.conkey[i], false))}, {"value", sql_literal(text)}});
    }
    return sql_joined(" AND ", {conditions, static_cast<std::size_t>(key.nkeys)});
}

}  // namespace

void
lock_restoration(const AttachedTable &table, const Key &key)
{
    const LOCKTAG tag = lock_tag(LockClass::restoration, table->customers.oid, number_of(key_text(key)));
    LockAcquire(&tag, ExclusiveLock, false, false);
}

void
set_row_aside(const AttachedTable &table, const Key &key, core::Timestamp version, TupleDesc columns, HeapTuple row)
{
    if (table->has(Part::deletions))
        set_aside(table, key, version, std::nullopt, values_of(columns, row));
}

void
set_comment_aside(const AttachedTable &table, const Key &key, core::Timestamp version, std::int64_t comment_id,
                  TupleDesc columns, HeapTuple comment)
{
    if (table->has(Part::deletions))
        set_aside(table, key, version, comment_id, values_of(columns, comment));
}

void
require_deletions(const AttachedTable &table)
{
    if (!table->has(Part::deletions))
        errors::missing_later_part(table->customers.oid, "deletions");
    const Oid deletions = table->deletions.oid;
    require_numbers(deletions);
    if (is_hidden_by_policies(table))
        ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                        errmsg("row-level security applies to \"%s\", but not to \"%s\"",
                               errors::name_of(table->customers.oid), errors::name_of(deletions)),
                        errdetail("What is set aside of hidden rows must not be shown."),
                        errhint("Enable row-level security on \"%s\", with policies on its column row_values: "
                                "USING (row_values ->> 'column' = ...).",
                                errors::name_of(deletions))));
}

bool
may_read_deletions(const AttachedTable &table)
{
    return table->has(Part::deletions) && may_read_numbers(table->deletions.oid) && !is_hidden_by_policies(table);
}

std::optional<DeletedRow>
find_deleted(const AttachedTable &table, const Key &key, core::Timestamp version, Snapshot snapshot)
{
    Arguments arguments = arguments_of(key);
    arguments.add(version);
    if ((snapshot == InvalidSnapshot ? execute_latest(table, select_deleted, arguments)
                                     : execute(table, select_deleted, arguments, snapshot)) == 0)
        return std::nullopt;
    return DeletedRow{datumCopy(result_datum(0, 0, JSONBOID), false, -1), {result_bigint(0, 1), result_time(0, 2)}};
}

void
insert_row_again(const AttachedTable &table, const Key &key, Datum values)
{
    insert_again(table->customers, key, values, table->customers.version);
}

std::int64_t
insert_comments_again(const AttachedTable &table, const Key &key, core::Timestamp version)
{
    Arguments arguments = arguments_of(key);
    arguments.add(version);
    const std::uint64_t count = execute_latest(table, select_deleted_comments, arguments);
    Datum *comments = static_cast<Datum *>(palloc(count * sizeof(Datum) + 1));
    for (std::uint64_t i = 0; i < count; i++)
        comments[i] = result_datum(i, 0, JSONBOID);
    for (const Datum values : std::span(comments, count))
    {
        CHECK_FOR_INTERRUPTS();
        as_owner(table, Part::comments, [&] {
            insert_again(table->comments, key, values, InvalidAttrNumber);
            return true;
        });
    }
    return static_cast<std::int64_t>(count);
}

void
forget_deleted(const AttachedTable &table, const Key &key, core::Timestamp version)
{
    Arguments arguments = arguments_of(key);
    arguments.add(version);
    execute_latest(table, delete_deleted, arguments);
}

List *
deleted_children(const AttachedTable &child, const AttachedTable &parent, const DeletedRow &row)
{
    List *keys = NIL;
    if (!child->has(Part::deletions))
        return keys;
    Relation relation = table_open(child->customers.oid, NoLock);
    const List *foreign_keys = copied_foreign_keys(relation);
    table_close(relation, NoLock);
    const ListCell *cell;
    foreach (cell, foreign_keys)
    {
        const ForeignKeyCacheInfo *key = static_cast<const ForeignKeyCacheInfo *>(lfirst(cell));
        const std::optional<Sql> condition = reference_condition(*key, child->customers.oid, parent, row.values);
        if (!condition)
            continue;
        Arguments arguments;
        arguments.add(std::optional{row.deleting.transaction});
        arguments.add(row.deleting.began);
        const Sql statement =
            sql("SELECT customer_id::pg_catalog.text FROM {deletions} WHERE comment_id IS NULL AND "
                "transaction_id OPERATOR(pg_catalog.=) $1 AND deleted_at OPERATOR(pg_catalog.=) $2 AND {condition} "
                "ORDER BY 1",
                {{"deletions", child->deletions.sql}, {"condition", *condition}});
        as_owner(child, Part::deletions, [&] {
            return SPI_execute_with_args(statement.text(), arguments.count, arguments.types, arguments.values,
                                         arguments.nulls, true, 0);
        });
        for (std::uint64_t i = 0; i < SPI_processed; i++)
            keys = lappend(keys, const_cast<char *>(result_text(i, 0).data()));
    }
    return keys;
}

}  // namespace crm
