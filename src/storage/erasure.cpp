#include "erasure.h"

#include "../boundary/errors.h"
#include "../boundary/json.h"
#include "../boundary/role.h"
#include "access_path.h"
#include "history.h"
#include "save_in_progress.h"

namespace crm {

namespace {

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
    if (column->attisdropped || column->attnum == table.key || column->attnum == table.status ||
        column->attnum == table.version || column->attgenerated != '\0')
        return Blank::none;
    if (is_foreign_key(foreign_keys, column->attnum) || column->attidentity != '\0')
        return Blank::keep;
    // The constraints of a domain may forbid null as well.
    const bool is_domain = get_typtype(column->atttypid) == TYPTYPE_DOMAIN;
    if (!column->attnotnull && !(is_domain && DomainHasConstraints(column->atttypid)))
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
const char *
blanking(const AttachedTable &table, JsonBuilder &json)
{
    StringInfoData sql;
    initStringInfo(&sql);
    appendStringInfo(&sql, "UPDATE %s SET ", table.customers_sql);
    bool any = false;

    Relation relation = table_open(table.customers, NoLock);
    const TupleDesc columns = RelationGetDescr(relation);
    const List *foreign_keys = RelationGetFKeyList(relation);
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
            appendStringInfo(&sql, "%s%s = %s", any ? ", " : "", quote_identifier(NameStr(column->attname)),
                             blank == Blank::text   ? "''"
                             : blank == Blank::json ? "'{}'"
                                                    : "NULL");
            any = true;
        }
        json.close_array();
    }
    table_close(relation, NoLock);
    if (!any)
        appendStringInfo(&sql, "%1$s = %1$s", table.status_sql);
    appendStringInfo(&sql, " WHERE %s OPERATOR(pg_catalog.=) $1", table.key_sql);
    return sql.data;
}

std::uint64_t
run(Oid table, const char *sql, const Key &key)
{
    Arguments arguments = arguments_of(key);
    const int result = SPI_execute_with_args(sql, arguments.count, arguments.types, arguments.values, arguments.nulls,
                                             false, 0);
    // A rule made another command of it: nothing is erased.
    if (result == SPI_OK_REWRITTEN)
        errors::write_suppressed(table, key_text(key));
    if (result != SPI_OK_UPDATE)
        elog(ERROR, "could not erase: %s", SPI_result_code_string(result));
    return SPI_processed;
}

void
blank_row(AttachedTable &table, const Key &key, SaveInProgress &progress, const char *sql)
{
    progress.step = Step::erase_customer;
    const Role caller = act_as(table.customers_owner, table.customers_path);
    const std::uint64_t rows = run(table.customers, sql, key);
    act_again_as(caller);
    if (rows != 1 || progress.step != Step::none)
        errors::write_suppressed(table.customers, key_text(key));
}

// Comments stay where they are in their threads.
std::uint64_t
blank_comments(AttachedTable &table, const Key &key, SaveInProgress &progress)
{
    progress.step = Step::erase_comments;
    const Role caller = act_as(table.comments_owner, table.comments_path);
    const std::uint64_t rows = run(table.comments,
                                   psprintf("UPDATE %s SET body = '[erased]', refused_request = NULL "
                                            "WHERE customer_id OPERATOR(pg_catalog.=) $1",
                                            table.comments_sql),
                                   key);
    act_again_as(caller);
    progress.step = Step::none;
    return rows;
}

std::uint64_t
blank_history(AttachedTable &table, const Key &key)
{
    const Role caller = act_as(table.history_owner, table.history_path);
    const std::uint64_t rows = run(table.history,
                                   psprintf("UPDATE %s SET fields = CASE WHEN fields OPERATOR(pg_catalog.?) '' "
                                            "THEN fields END, request = NULL "
                                            "WHERE customer_id OPERATOR(pg_catalog.=) $1",
                                            table.history_sql),
                                   key);
    act_again_as(caller);
    return rows;
}

}  // namespace

Datum
erase_customer(AttachedTable &table, const Key &key)
{
    const bool is_there = access_path(table).lock(table, key, {}).has_value();
    if (!is_there && !chain_head(table, key))
        errors::no_such_customer(key_text(key));

    JsonBuilder json;
    json.open_object();
    std::uint64_t comments = 0;
    if (is_there)
    {
        SaveInProgress progress = {};
        progress.table = &table;
        progress.key = key;
        const char *blank = blanking(table, json);
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
    json.close_object();
    return json.finish();
}

}  // namespace crm
