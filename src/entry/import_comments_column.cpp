#include "../boundary/errors.h"
#include "../boundary/guard.h"
#include "../boundary/role.h"
#include "../boundary/transaction.h"
#include "../reading/reading.h"
#include "../tables/statements.h"
#include "arguments.h"

namespace crm {

namespace {

// How far an import has come.
struct Progress
{
    std::optional<Key> last;  // the customer that was read last
    std::int64_t customers;
    std::int64_t comments;
};

// The attached table; looked up anew in each transaction.
AttachedTable
require_importable(Oid customers, Oid extension_schema)
{
    const std::optional<AttachedTable> found =
        attached_by_member(Part::customers, customers, extension_schema, Purpose::administer);
    if (!found)
        ereport(ERROR,
                (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                 errmsg("table \"%s\" is not attached", errors::name_of(customers)), errdetail("Nothing was imported."),
                 errhint("Attach it with crm_attach(..., comments_column => ...) first.")));
    const AttachedTable &table = *found;
    for (const Oid relation : {table->customers.oid, table->comments.oid})
        require_ownership(relation);
    require_triggers(table);
    if (table->comments_column.empty())
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("no column with older comments is known of table \"%s\"", errors::name_of(customers)),
                        errdetail("It was attached without one. Nothing was imported."),
                        errhint("Attach it again with crm_attach(..., comments_column => ...).")));
    if (get_attnum(customers, table->comments_column.data()) <= 0)
        errors::missing_column(customers, table->comments_column.data());
    return table;
}

// The next customers with a text, in the order of their keys.
std::uint64_t
read_texts(const AttachedTable &table, const std::optional<Key> &after, std::int64_t limit)
{
    Arguments arguments;
    arguments.add(std::optional<std::int64_t>{limit});
    if (after)
        arguments.add(after->type, after->value);
    const Sql query = sql(table,
                          "SELECT c.{key}, c.{column}::pg_catalog.text FROM {customers} c "
                          "WHERE c.{column} IS NOT NULL{after} ORDER BY c.{key} LIMIT $1",
                          {{"column", sql_identifier(table->comments_column.data())},
                           {"after", after ? sql(table, " AND c.{key} OPERATOR(pg_catalog.>) $2") : Sql{}}});
    const Role caller = act_as(table->customers.owner);
    if (SPI_execute_with_args(query.text(), arguments.count, arguments.types, arguments.values, arguments.nulls, true,
                              0) != SPI_OK_SELECT)
        elog(ERROR, "could not read the texts");
    act_again_as(caller);
    return SPI_processed;
}

// Imports the texts of one batch of customers, in one transaction; false when there are none left.
bool
import_batch(const AttachedTable &table, Progress &progress, std::int64_t batch, Datum time_zone, MemoryContext lasting)
{
    const MemoryContext of_customer =
        AllocSetContextCreate(lasting, "crm_concurrency import of a customer", ALLOCSET_DEFAULT_SIZES);
    const std::uint64_t rows = read_texts(table, progress.last, batch);
    SPITupleTable *const texts = SPI_tuptable;
    Key key = {};
    for (std::uint64_t row = 0; row < rows; row++)
    {
        CHECK_FOR_INTERRUPTS();
        SPI_tuptable = texts;
        MemoryContextReset(of_customer);
        MemoryContextSwitchTo(of_customer);
        key = stored_key(table, result_datum(row, 0, table->customers.key_column_type));
        const std::string_view text = result_text(row, 1);
        with_error_prefix([&] { return psprintf("customer %s", key_text(key)); },
                          [&] { progress.comments += import_comments(table, key, text, time_zone); });
    }
    MemoryContextSwitchTo(lasting);
    if (rows > 0)
        progress.last = copied_key(key, lasting);
    progress.customers += static_cast<std::int64_t>(rows);
    MemoryContextDelete(of_customer);
    SPI_freetuptable(texts);
    return rows > 0;
}

}  // namespace

}  // namespace crm

CRM_FUNCTION(crm_import_comments_column)
{
    using namespace crm;

    require_writable("crm_import_comments_column()");
    const CallContext *context = reinterpret_cast<CallContext *>(fcinfo->context);
    if (context == nullptr || !IsA(context, CallContext) || context->atomic)
        ereport(ERROR, (errcode(ERRCODE_INVALID_TRANSACTION_TERMINATION),
                        errmsg("crm_import_comments_column() commits after each batch and cannot run in a transaction"),
                        errdetail("Nothing was imported."), errhint("CALL it by itself, outside BEGIN and COMMIT.")));
    require_argument(fcinfo, 0, "customers");
    require_argument(fcinfo, 1, "batch");
    require_argument(fcinfo, 2, "time_zone");
    const Oid customers = PG_GETARG_OID(0);
    const std::int32_t batch = PG_GETARG_INT32(1);
    if (batch < 1)
        errors::wrong_batch();

    const Oid extension_schema = extension_schema_of(fcinfo);
    SPI_connect_ext(SPI_OPT_NONATOMIC);
    const MemoryContext lasting = CurrentMemoryContext;
    Progress progress = {};
    for (bool is_left = true; is_left;)
    {
        PushActiveSnapshot(GetTransactionSnapshot());
        is_left =
            import_batch(require_importable(customers, extension_schema), progress, batch, PG_GETARG_DATUM(2), lasting);
        PopActiveSnapshot();
        SPI_commit();
        SPI_start_transaction();
        if (is_left)
            ereport(NOTICE,
                    (errmsg("%lld comments imported, of %lld customers read so far",
                            static_cast<long long>(progress.comments), static_cast<long long>(progress.customers))));
    }
    SPI_finish();
    PG_RETURN_VOID();
}
