#include "reading.h"

#include "../boundary/errors.h"
#include "../boundary/json.h"
#include "../boundary/role.h"
#include "../records/history.h"
#include "../records/save_in_progress.h"
#include "../saving/access_path.h"
#include "../tables/own_triggers.h"
#include "../tables/statements.h"

namespace crm {

namespace {

constexpr SqlStatement delete_set_aside{"DELETE FROM {deletions} WHERE customer_id OPERATOR(pg_catalog.=) $1",
                                        As::owner, Part::deletions};

// What becomes of a column.
enum class Blank
{
    none,  // it is no value of the customer: key, status, version, or computed from others
    keep,  // nothing can stand for it: it refers to another table, or must not be null
    null,
    text,
    json,
};

bool
is_foreign_key(const List *foreign_keys, AttrNumber column)
{
    const ListCell *cell;
    foreach (cell, foreign_keys)
    {
        const ForeignKeyCacheInfo *key = static_cast<ForeignKeyCacheInfo *>(lfirst(cell));
        for (int i = 0; i < key->nkeys; i++)
            if (key->conkey[i] == column)
                return true;
    }
    return false;
}

Blank
blank_of(const AttachedTable &table, const FormData_pg_attribute *column, const List *foreign_keys)
{
    if (column->attisdropped || column->attnum == table->customers.key || column->attnum == table->customers.status ||
        column->attnum == table->customers.version || column->attgenerated != '\0')
        return Blank::none;
    if (is_foreign_key(foreign_keys, column->attnum) || column->attidentity != '\0')
        return Blank::keep;
    // The constraints of a domain may forbid null as well.
    const bool is_domain = get_typtype(column->atttypid) == TYPTYPE_DOMAIN;
    if (!column->attnotnull && !(is_domain && has_domain_constraints(column->atttypid)))
        return Blank::null;
    switch (getBaseType(column->atttypid))
    {
        case TEXTOID:
        case VARCHAROID:
            return Blank::text;
        case JSONOID:
        case JSONBOID:
            return Blank::json;
        default:
            return Blank::keep;
    }
}

// The statement that blanks the row, which makes a version also where there is nothing to blank; adds the names of the
// columns to the result.
Sql
blanking(const AttachedTable &table, JsonBuilder &json)
{
    Relation relation = table_open(table->customers.oid, NoLock);
    const TupleDesc columns = RelationGetDescr(relation);
    Sql *assignments = static_cast<Sql *>(palloc0((columns->natts + 1) * sizeof(Sql)));
    std::size_t count = 0;
    const List *foreign_keys = copied_foreign_keys(relation);
    for (const bool blanked : {true, false})
    {
        json.key(blanked ? "blanked" : "kept");
        json.open_array();
        for (int i = 0; i < columns->natts; i++)
        {
            const FormData_pg_attribute *column = TupleDescAttr(columns, i);
            const Blank blank = blank_of(table, column, foreign_keys);
            if (blank == Blank::none || blanked == (blank == Blank::keep))
                continue;
            json.text(pstrdup(NameStr(column->attname)));
            if (!blanked)
                continue;
            assignments[count++] = sql("{column} = {blank}", {{"column", sql_identifier(NameStr(column->attname))},
                                                              {"blank", blank == Blank::text   ? sql("''")
                                                                        : blank == Blank::json ? sql("'{}'")
                                                                                               : sql("NULL")}});
        }
        json.close_array();
    }
    if (count == 0)
        assignments[count++] =
            sql("{column} = {column}",
                {{"column", sql_identifier(get_attname(table->customers.oid, touched_column(table), false))}});
    const Sql list = sql_joined(", ", {assignments, count});
    table_close(relation, NoLock);
    return sql(table, "UPDATE {customers} SET {assignments} WHERE {key} OPERATOR(pg_catalog.=) $1",
               {{"assignments", list}});
}

// Runs a statement on a part of the table with its owner's rights.
std::uint64_t
run(const AttachedTable &table, Part part, const Sql &statement, const Key &key)
{
    Arguments arguments = arguments_of(key);
    const Role caller = act_as((*table)[part].owner);
    const int result = SPI_execute_with_args(statement.text(), arguments.count, arguments.types, arguments.values,
                                             arguments.nulls, false, 0);
    act_again_as(caller);
    // A rule made another command of it: nothing is erased.
    if (result == SPI_OK_REWRITTEN)
        errors::write_suppressed((*table)[part].oid, key_text(key));
    if (result != SPI_OK_UPDATE)
        elog(ERROR, "could not erase: %s", SPI_result_code_string(result));
    return SPI_processed;
}

void
blank_row(const AttachedTable &table, const Key &key, SaveInProgress &progress, const Sql &statement)
{
    progress.step = Step::erase_customer;
    const std::uint64_t rows = run(table, Part::customers, statement, key);
    if (rows != 1 || progress.step != Step::none)
        errors::write_suppressed(table->customers.oid, key_text(key));
}

// Comments stay where they are in their threads.
std::uint64_t
blank_comments(const AttachedTable &table, const Key &key, SaveInProgress &progress)
{
    progress.step = Step::erase_comments;
    const std::uint64_t rows = run(table, Part::comments,
                                   sql(table, "UPDATE {comments} SET body = '[erased]', refused_request = NULL "
                                              "WHERE customer_id OPERATOR(pg_catalog.=) $1"),
                                   key);
    progress.step = Step::none;
    return rows;
}

std::uint64_t
blank_history(const AttachedTable &table, const Key &key)
{
    return run(table, Part::history,
               sql(table, "UPDATE {history} SET fields = CASE WHEN fields OPERATOR(pg_catalog.?) '' "
                          "THEN fields END, request = NULL WHERE customer_id OPERATOR(pg_catalog.=) $1"),
               key);
}

}  // namespace

Datum
erase_customer(const AttachedTable &table, const Key &key)
{
    const Role caller = act_as(table->customers.owner);
    const bool is_there = access_path(table).lock(table, key, {}).has_value();
    act_again_as(caller);
    if (!is_there && !chain_head(table, key))
        errors::no_such_row(row_name(table, key));

    JsonBuilder json;
    json.open_object();
    std::uint64_t comments = 0;
    if (is_there)
    {
        SaveInProgress progress = {};
        progress.table = table;
        progress.key = key;
        // Whether a domain has constraints is found out by planning them.
        const Role as_owner = act_as(table->customers.owner);
        const Sql blank = blanking(table, json);
        act_again_as(as_owner);
        with_save_in_progress(progress, [&] {
            blank_row(table, key, progress, blank);
            comments = blank_comments(table, key, progress);
        });
    }
    else
    {
        for (const char *columns : {"blanked", "kept"})
        {
            json.key(columns);
            json.open_array();
            json.close_array();
        }
    }
    json.key("comments");
    json.number(static_cast<std::int64_t>(comments));
    json.key("history");
    json.number(static_cast<std::int64_t>(blank_history(table, key)));
    if (table->has(Part::deletions))
    {
        json.key("deletions");
        json.number(static_cast<std::int64_t>(execute(table, delete_set_aside, arguments_of(key))));
    }
    json.close_object();
    return json.finish();
}

}  // namespace crm
