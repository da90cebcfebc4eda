#include "reading.h"

#include "../boundary/role.h"
#include "../records/comments.h"
#include "../records/deletions.h"
#include "../records/history.h"
#include "../saving/access_path.h"
#include "../tables/statements.h"

namespace crm {

namespace {

// $1: at most so many; $2: below this version; $3: the columns that are shown (NULL: all); $4: the name of the status;
// $5 and $6: whether the history and the comments may be read. What was created again, or deleted again, cannot be
// restored.
constexpr SqlStatement select_deleted{
    "SELECT d.customer_id::pg_catalog.text, d.version, h.author, h.db_user::pg_catalog.name, "
    "d.row_values OPERATOR(pg_catalog.->>) $4 AS status, "
    "(SELECT m.row_values OPERATOR(pg_catalog.->>) 'body' FROM {deletions} m WHERE $6 AND "
    "m.customer_id OPERATOR(pg_catalog.=) d.customer_id AND m.version OPERATOR(pg_catalog.=) d.version "
    "AND m.comment_id OPERATOR(pg_catalog.=) h.comment_id), "
    "(SELECT pg_catalog.count(*) FROM {deletions} m WHERE m.customer_id OPERATOR(pg_catalog.=) d.customer_id "
    "AND m.version OPERATOR(pg_catalog.=) d.version AND m.comment_id IS NOT NULL), "
    "CASE WHEN $3 IS NULL THEN d.row_values ELSE (SELECT pg_catalog.jsonb_object_agg(v.key, v.value) "
    "FROM pg_catalog.jsonb_each(d.row_values) v WHERE v.key OPERATOR(pg_catalog.=) ANY ($3)) END "
    "FROM {deletions} d LEFT JOIN {history} h ON $5 AND h.customer_id OPERATOR(pg_catalog.=) d.customer_id "
    "AND h.version OPERATOR(pg_catalog.=) d.version "
    "WHERE d.comment_id IS NULL AND d.version OPERATOR(pg_catalog.<) $2 "
    "AND NOT EXISTS (SELECT FROM {customers} c WHERE c.{key} OPERATOR(pg_catalog.=) d.customer_id) "
    "AND NOT EXISTS (SELECT FROM {deletions} n WHERE n.comment_id IS NULL "
    "AND n.customer_id OPERATOR(pg_catalog.=) d.customer_id AND n.version OPERATOR(pg_catalog.>) d.version) "
    "ORDER BY d.version DESC, d.customer_id LIMIT $1",
    As::reader, Part::deletions};

// The names of the columns that the caller may read, as an array; empty when these are all.
std::optional<Datum>
readable_columns(const AttachedTable &table)
{
    if (pg_class_aclcheck(table->customers.oid, GetUserId(), ACL_SELECT) == ACLCHECK_OK)
        return std::nullopt;
    Datum *names = static_cast<Datum *>(palloc(static_cast<std::size_t>(table->columns->natts) * sizeof(Datum) + 1));
    int count = 0;
    for (int i = 0; i < table->columns->natts; i++)
    {
        const FormData_pg_attribute *column = TupleDescAttr(table->columns, i);
        if (!column->attisdropped && has_column_right(table->customers.oid, column->attnum, ACL_SELECT))
            names[count++] = text_datum(NameStr(column->attname));
    }
    return PointerGetDatum(construct_array(names, count, TEXTOID, -1, false, TYPALIGN_INT));
}

}  // namespace

void
list_deleted(const AttachedTable &table, std::int32_t max_rows, core::Timestamp before, const RowSet &rows)
{
    require_may_read(table);
    require_deletions(table);
    Arguments arguments;
    arguments.add(std::optional<std::int64_t>{max_rows});
    arguments.add(before);
    if (const std::optional<Datum> columns = readable_columns(table))
        arguments.add(TEXTARRAYOID, *columns);
    else
        arguments.add_null(TEXTARRAYOID);
    if (table->customers.has_status())
        arguments.add(std::string_view{get_attname(table->customers.oid, table->customers.status, false)});
    else
        arguments.add_null(TEXTOID);
    arguments.add(BOOLOID, BoolGetDatum(may_read_all_history(table)));
    arguments.add(BOOLOID, BoolGetDatum(may_read_comments(table)));
    const std::uint64_t count = execute(table, select_deleted, arguments);
    for (std::uint64_t i = 0; i < count; i++)
    {
        Datum values[MaxTupleAttributeNumber];
        bool nulls[MaxTupleAttributeNumber];
        heap_deform_tuple(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, values, nulls);
        HeapTuple row = heap_form_tuple(rows.columns, values, nulls);
        rows.add(row);
        heap_freetuple(row);
    }
}

}  // namespace crm
