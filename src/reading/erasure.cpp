#include "reading.h"

#include "../boundary/clock.h"
#include "../boundary/errors.h"
#include "../boundary/json.h"
#include "../boundary/role.h"
#include "../records/comments.h"
#include "../records/deletions.h"
#include "../records/events.h"
#include "../records/history.h"
#include "../records/save_in_progress.h"
#include "../saving/access_path.h"
#include "../tables/own_triggers.h"
#include "../tables/statements.h"

namespace crm {

namespace {

constexpr SqlStatement delete_refused{"DELETE FROM {refused_saves} WHERE customer_id OPERATOR(pg_catalog.=) $1",
                                      As::owner, Part::refused_saves};

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
run(const AttachedTable &table, Part part, const Sql &statement, const Key &key, const Arguments &arguments)
{
    const Role caller = act_as((*table)[part].owner);
    const int result = SPI_execute_with_args(statement.text(), arguments.count, const_cast<Oid *>(arguments.types),
                                             const_cast<Datum *>(arguments.values), arguments.nulls, false, 0);
    act_again_as(caller);
    // A rule made another command of it: nothing is erased.
    if (result == SPI_OK_REWRITTEN)
        errors::write_suppressed((*table)[part].oid, key_text(key));
    if (result != SPI_OK_UPDATE)
        elog(ERROR, "could not erase: %s", SPI_result_code_string(result));
    return SPI_processed;
}

std::uint64_t
run(const AttachedTable &table, Part part, const Sql &statement, const Key &key)
{
    return run(table, part, statement, key, arguments_of(key));
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

std::uint64_t
blank_earlier_texts(const AttachedTable &table, const Key &key)
{
    return run(table, Part::comment_edits,
               sql(table, "UPDATE {comment_edits} SET body = '[erased]', reason = NULL "
                          "WHERE customer_id OPERATOR(pg_catalog.=) $1"),
               key);
}

void
add_count(JsonBuilder &json, const char *name, std::uint64_t rows)
{
    json.key(name);
    json.number(static_cast<std::int64_t>(rows));
}

// Locks the row, if it is there: then nobody deletes it, and where it is not, nobody restores it.
bool
lock_as_owner(const AttachedTable &table, const Key &key)
{
    if (table->has(Part::deletions))
        lock_restoration(table, key);
    const Role caller = act_as(table->customers.owner);
    const bool is_there = access_path(table).lock(table, key, {}).has_value();
    act_again_as(caller);
    return is_there;
}

std::uint64_t
redact_stored(const AttachedTable &table, const Key &key, const Arguments &arguments, std::int64_t comment_id)
{
    SaveInProgress progress = {};
    progress.table = table;
    progress.key = key;
    progress.step = Step::correct_comment;
    progress.comment_id = comment_id;
    std::uint64_t rows = 0;
    with_save_in_progress(progress, [&] {
        rows = run(table, Part::comments,
                   sql(table, "UPDATE {comments} SET body = '[redacted]', refused_request = NULL, edited_at = $3, "
                              "edited_by = NULL, withdrawn_at = coalesce(withdrawn_at, $3) "
                              "WHERE customer_id OPERATOR(pg_catalog.=) $1 AND id OPERATOR(pg_catalog.=) $2"),
                   key, arguments);
        if (progress.step != Step::none && (rows > 0 || comment_exists(table, key, comment_id)))
            errors::write_suppressed(table->comments.oid, key_text(key));
    });
    return rows;
}

std::uint64_t
redact_earlier_texts(const AttachedTable &table, const Key &key, const Arguments &arguments)
{
    return run(table, Part::comment_edits,
               sql(table, "UPDATE {comment_edits} SET body = '[redacted]', reason = NULL "
                          "WHERE customer_id OPERATOR(pg_catalog.=) $1 AND comment_id OPERATOR(pg_catalog.=) $2"),
               key, arguments);
}

std::uint64_t
redact_set_aside(const AttachedTable &table, const Key &key, const Arguments &arguments)
{
    if (!table->has(Part::deletions))
        return 0;
    return run(table, Part::deletions,
               sql(table, "UPDATE {deletions} SET row_values = (row_values "
                          "OPERATOR(pg_catalog.-) 'refused_request'::pg_catalog.text "
                          "OPERATOR(pg_catalog.-) 'edited_by'::pg_catalog.text) OPERATOR(pg_catalog.||) "
                          "pg_catalog.jsonb_build_object('body', '[redacted]', 'edited_at', $3, 'withdrawn_at', "
                          "coalesce(row_values OPERATOR(pg_catalog.->) 'withdrawn_at'::pg_catalog.text, "
                          "pg_catalog.to_jsonb($3))) "
                          "WHERE customer_id OPERATOR(pg_catalog.=) $1 AND comment_id OPERATOR(pg_catalog.=) $2"),
               key, arguments);
}

// The digest of a save covers its comment. One that is kept is found no more when it is repeated.
std::uint64_t
redact_digests_of_refused(const AttachedTable &table, const Key &key, const Arguments &arguments)
{
    if (!table->has(Part::refused_saves))
        return 0;
    return run(table, Part::refused_saves,
               sql(table, "UPDATE {refused_saves} SET request = pg_catalog.gen_random_uuid() "
                          "WHERE customer_id OPERATOR(pg_catalog.=) $1 AND comment_id OPERATOR(pg_catalog.=) $2"),
               key, arguments);
}

std::uint64_t
redact_digests(const AttachedTable &table, const Key &key, const Arguments &arguments)
{
    return run(table, Part::history,
               sql(table, "UPDATE {history} SET request = NULL WHERE customer_id OPERATOR(pg_catalog.=) $1 "
                          "AND comment_id OPERATOR(pg_catalog.=) $2 AND request IS NOT NULL"),
               key, arguments);
}

}  // namespace

Datum
erase_customer(const AttachedTable &table, const Key &key)
{
    const bool is_there = lock_as_owner(table, key);
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
    add_count(json, "comments", comments);
    add_count(json, "history", blank_history(table, key));
    if (table->has(Part::comment_edits))
        add_count(json, "comment_edits", blank_earlier_texts(table, key));
    if (table->has(Part::deletions))
        add_count(json, "deletions", execute(table, delete_set_aside, arguments_of(key)));
    if (table->has(Part::refused_saves))
        add_count(json, "refused_saves", execute(table, delete_refused, arguments_of(key)));
    json.close_object();
    return json.finish();
}

Datum
redact_comment(const AttachedTable &table, const Key &key, std::int64_t comment_id)
{
    const bool is_there = lock_as_owner(table, key);
    Arguments of_comment = arguments_of(key);
    of_comment.add(std::optional{comment_id});
    Arguments stamped = of_comment;
    stamped.add(clock_now());

    const std::uint64_t set_aside = redact_set_aside(table, key, stamped);
    const std::uint64_t stored = redact_stored(table, key, stamped, comment_id);
    // In a snapshot that shows what the corrections wrote which the one before waited for.
    const std::uint64_t earlier = redact_earlier_texts(table, key, of_comment);
    if (stored + set_aside + earlier == 0 && !is_there && !chain_head(table, key))
        errors::no_such_row(row_name(table, key));
    if (stored + set_aside + earlier == 0)
        ereport(ERROR,
                (errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
                 errmsg("%s has no comment %lld", row_name(table, key).data(), static_cast<long long>(comment_id)),
                 errdetail("Nor was one set aside when it was deleted. Nothing was changed."),
                 errhint("Pass the id of one of its comments.")));

    JsonBuilder json;
    json.open_object();
    add_count(json, "comments", stored);
    add_count(json, "comment_edits", earlier);
    add_count(json, "deletions", set_aside);
    add_count(json, "history", redact_digests(table, key, of_comment));
    add_count(json, "refused_saves", redact_digests_of_refused(table, key, of_comment));
    json.close_object();
    send_comment_event(table, key, comment_id, "redact");
    return json.finish();
}

}  // namespace crm
