#include "suspects.h"

#include "../tables/statements.h"

namespace crm {

namespace {

constexpr long rows_at_once = 1000;
constexpr std::uint64_t million = 1'000'000;

// Each begins with the key. The search_path is pg_catalog alone.
constexpr SqlTemplate read_customers =
    "SELECT c.{key}::{key_type}, c.{version}, CASE WHEN {status_of_row} IS NOT NULL THEN format('%s', {status_of_row}) END "
    "FROM {customers} c ORDER BY c.{key} {collate}";

constexpr SqlTemplate read_comments =
    "SELECT customer_id, id, reply_to, save_refused, adopted_version, refused_request, based_on "
    "FROM {comments} ORDER BY customer_id {collate}, id";

constexpr SqlTemplate read_history =
    "SELECT customer_id, version, previous, based_on, comment_id, request, earlier_pruned, operation = 'delete', "
    "status_from, status_to FROM {history} ORDER BY customer_id {collate}, version";

std::optional<core::Timestamp>
time_of(const OrderedRows &row, int column)
{
    if (row.nulls[column])
        return std::nullopt;
    return core::Timestamp{DatumGetTimestampTz(row.values[column])};
}

std::optional<std::int64_t>
number_of(const OrderedRows &row, int column)
{
    return row.nulls[column] ? std::nullopt : std::optional{DatumGetInt64(row.values[column])};
}

bool
is_true(const OrderedRows &row, int column)
{
    return !row.nulls[column] && DatumGetBool(row.values[column]);
}

// What is no part of the row as it is lives as long as the row does.
std::optional<std::string_view>
text_of(const OrderedRows &row, int column)
{
    if (row.nulls[column])
        return std::nullopt;
    const text *value = made_in(GetMemoryChunkContext(row.rows), [&] { return DatumGetTextPP(row.values[column]); });
    return std::string_view{VARDATA_ANY(value), static_cast<std::size_t>(VARSIZE_ANY_EXHDR(value))};
}

// A number for a digest and the version that it was based on.
std::optional<std::int64_t>
digest_of(const OrderedRows &row, int digest, int based_on)
{
    if (row.nulls[digest])
        return std::nullopt;
    const std::uint64_t base = row.nulls[based_on] ? 0 : static_cast<std::uint64_t>(row.values[based_on]);
    const std::uint64_t number =
        hash_bytes_extended(reinterpret_cast<const unsigned char *>(DatumGetUUIDP(row.values[digest])), UUID_LEN, base);
    return static_cast<std::int64_t>(number);
}

core::StoredCustomer
stored_customer(const OrderedRows &row)
{
    return {.version = time_of(row, 1), .status = text_of(row, 2)};
}

core::StoredComment
stored_comment(const OrderedRows &row)
{
    return {.id = number_of(row, 1),
            .reply_to = number_of(row, 2),
            .save_refused = is_true(row, 3),
            .adopted_version = time_of(row, 4),
            .refusal = digest_of(row, 5, 6)};
}

core::StoredChange
stored_change(const OrderedRows &row)
{
    return {.version = time_of(row, 1),
            .previous = time_of(row, 2),
            .is_deletion = is_true(row, 7),
            .status_from = text_of(row, 8),
            .status_to = text_of(row, 9),
            .comment_id = number_of(row, 4),
            .request = digest_of(row, 5, 3),
            .earlier_pruned = is_true(row, 6)};
}

Oid
collation_of_keys(const AttachedTable &table)
{
    Oid column_type, collation;
    std::int32_t typmod;
    get_atttypetypmodcoll(table->customers.oid, table->customers.key, &column_type, &typmod, &collation);
    return collation;
}

}  // namespace

void
OrderedRows::advance()
{
    if (++position >= count)
    {
        if (earlier != nullptr)
            SPI_freetuptable(earlier);
        earlier = rows;
        SPI_cursor_fetch(portal, true, rows_at_once);
        rows = SPI_tuptable;
        count = SPI_processed;
        position = 0;
    }
    if (has_row())
        heap_deform_tuple(rows->vals[position], rows->tupdesc, values, nulls);
}

Suspects::Suspects(const AttachedTable &table)
    : type(lookup_type_cache(table->customers.key_type, TYPECACHE_CMP_PROC_FINFO)), collation(collation_of_keys(table)),
      memory(AllocSetContextCreate(CurrentMemoryContext, "key of a customer", ALLOCSET_SMALL_SIZES)),
      screening(new (palloc(sizeof(core::Screening))) core::Screening)
{
    const int level = NewGUCNestLevel();
    set_search_path("pg_catalog, pg_temp");
    customers = open(table, read_customers);
    comments = open(table, read_comments);
    history = open(table, read_history);
    AtEOXact_GUC(true, level);
    for (OrderedRows *rows : {&customers, &comments, &history})
        rows->advance();
}

OrderedRows
Suspects::open(const AttachedTable &table, SqlTemplate statement)
{
    const Sql query =
        sql(table, statement,
            {{"key_type", sql_type(table->customers.key_type)},
             {"collate", OidIsValid(collation) ? sql("COLLATE {c}", {{"c", sql_collation(collation)}}) : Sql{}}});
    OrderedRows rows = {};
    rows.portal =
        SPI_cursor_open_with_args(nullptr, query.text(), 0, nullptr, nullptr, nullptr, true, CURSOR_OPT_NO_SCROLL);
    const PlannedStmt *plan = linitial_node(PlannedStmt, rows.portal->stmts);
    estimated_rows += static_cast<std::uint64_t>(plan->planTree->plan_rows);
    return rows;
}

void
Suspects::advance(OrderedRows &of)
{
    CHECK_FOR_INTERRUPTS();
    if (++rows_read % million == 0)
    {
        const std::uint64_t read = rows_read / million;
        const std::uint64_t all = std::max(read, (estimated_rows + million / 2) / million);
        ereport(NOTICE,
                (errmsg("crm_verify() has read %llu of about %llu million rows of customers, comments and history",
                        static_cast<unsigned long long>(read), static_cast<unsigned long long>(all))));
    }
    of.advance();
}

int
Suspects::compare(Datum a, Datum b) const
{
    return DatumGetInt32(FunctionCall2Coll(const_cast<FmgrInfo *>(&type->cmp_proc_finfo), collation, a, b));
}

// Rows without a key come last.
std::optional<Datum>
Suspects::least_key()
{
    const OrderedRows *least = nullptr;
    for (const OrderedRows *rows : {&customers, &comments, &history})
        if (rows->has_key() && (least == nullptr || compare(rows->values[0], least->values[0]) < 0))
            least = rows;
    if (least == nullptr)
        return std::nullopt;
    if (type->typbyval)
        return least->values[0];
    MemoryContextReset(memory);
    return made_in(memory, [&] { return datumCopy(least->values[0], false, type->typlen); });
}

std::optional<Datum>
Suspects::next()
{
    while (const std::optional<Datum> key = least_key())
    {
        screening->begin();
        for (; is_of(customers, *key); advance(customers))
            screening->add(stored_customer(customers));
        for (; is_of(comments, *key); advance(comments))
            screening->add(stored_comment(comments));
        for (; is_of(history, *key); advance(history))
            screening->add(stored_change(history));
        if (screening->end())
            return key;
    }
    return std::nullopt;
}

std::optional<Datum>
Suspects::next(int most)
{
    ArrayBuildState *keys = nullptr;
    for (int count = 0; count < most; count++)
    {
        const std::optional<Datum> key = next();
        if (!key)
            break;
        keys = accumArrayResult(keys, *key, false, type->type_id, CurrentMemoryContext);
    }
    return keys == nullptr ? std::nullopt : std::optional{makeArrayResult(keys, CurrentMemoryContext)};
}

bool
Suspects::has_rows_without_key() const
{
    return customers.has_row() || comments.has_row() || history.has_row();
}

void
Suspects::close()
{
    for (const OrderedRows *rows : {&customers, &comments, &history})
        SPI_cursor_close(rows->portal);
    MemoryContextDelete(memory);
}

}  // namespace crm
