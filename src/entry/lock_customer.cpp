#include "../boundary/guard.h"
#include "../boundary/role.h"
#include "../boundary/row_set.h"
#include "../boundary/transaction.h"
#include "../records/edit_locks.h"
#include "../saving/access_path.h"
#include "../saving/saving.h"
#include "arguments.h"
#include "results.h"

namespace crm {

namespace {

[[noreturn]] void
wrong_ttl()
{
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("ttl must be more than 0 and at most 24 hours"),
                    errdetail("Months, whose length varies, cannot be given. Nothing was locked."),
                    errhint("Pass an interval such as '15 minutes', and renew the lock while it is needed.")));
}

core::Microseconds
ttl_argument(FunctionCallInfo fcinfo, int argument)
{
    require_argument(fcinfo, argument, "ttl");
    const Interval *ttl = PG_GETARG_INTERVAL_P(argument);
    // Days and times are bounded one by one first, so that the sum does not overflow.
    if (ttl->month != 0 || ttl->day < -1 || ttl->day > 1 || ttl->time < -core::longest_lock ||
        ttl->time > core::longest_lock)
        wrong_ttl();
    const core::Microseconds length = ttl->day * (24 * core::hour) + ttl->time;
    if (length <= 0 || length > core::longest_lock)
        wrong_ttl();
    return length;
}

std::optional<Datum>
optional_time(std::optional<core::Timestamp> time)
{
    if (!time)
        return std::nullopt;
    return TimestampTzGetDatum(time->us);
}

void
set(Datum *values, bool *nulls, int column, std::optional<Datum> value)
{
    nulls[column] = !value;
    values[column] = value.value_or(static_cast<Datum>(0));
}

Datum
row_of(const LockResult &result, TupleDesc columns)
{
    Datum values[6];
    bool nulls[6];
    set(values, nulls, 0, text_datum(core::name(result.outcome)));
    set(values, nulls, 1, Int32GetDatum(core::http_status(result.outcome)));
    set(values, nulls, 2, result.lock_id);
    set(values, nulls, 3, result.author ? std::optional<Datum>{text_datum(*result.author)} : std::nullopt);
    set(values, nulls, 4, optional_time(result.expires_at));
    set(values, nulls, 5, text_datum(result.message));
    return result_row(columns, values, nulls);
}

bool
may_read_customers(const AttachedTable &table)
{
    return may_name(table->customers.oid) && has_column_right(table->customers.oid, table->customers.key, ACL_SELECT) &&
           (!table->customers.has_status() ||
            has_column_right(table->customers.oid, table->customers.status, ACL_SELECT)) &&
           has_column_right(table->customers.oid, table->customers.version, ACL_SELECT);
}

// Gathers the locks on customers that the caller sees.
class LiveLocks final : public TableVisitor
{
public:
    LiveLocks(const RowSet &result, Oid schema) : rows(result), extension_schema(schema) {}

    void visit(const Registered &registered) override
    {
        const std::optional<AttachedTable> table =
            attached_by_member(Part::customers, registered.customers, extension_schema, Purpose::read);
        if (!table || !may_read_customers(*table))
            return;
        // Policies are those of a table that the caller has chosen by the search_path: who attaches a table must not have
        // functions called by all who look at the locks.
        const bool is_filtered = is_under_row_security(registered.customers);
        if (is_filtered && !is_found_by_search_path(registered.customers, extension_schema))
            return;
        in_spi([&](MemoryContext) {
            for (const ListedLock &listed : read_live_locks(*table))
                if (!is_filtered || access_path(*table).fetch(*table, listed.key))
                    add(registered.customers, listed);
        });
    }

    void on_problem(const Registered &registered, const char *message) override
    {
        ereport(WARNING,
                (errmsg("attached table \"%s\" is left out", errors::name_of(registered.customers)),
                 errdetail("%s", message), errhint("SELECT * FROM crm_doctor() shows what is wrong with it.")));
    }

private:
    void add(Oid customers, const ListedLock &listed) const
    {
        Datum values[] = {ObjectIdGetDatum(customers), text_datum(key_text(listed.key)), text_datum(listed.lock.author),
                          TimestampTzGetDatum(listed.lock.locked_at.us),
                          TimestampTzGetDatum(listed.lock.expires_at.us)};
        bool nulls[std::size(values)] = {};
        rows.add(heap_form_tuple(rows.columns, values, nulls));
    }

    const RowSet &rows;
    Oid extension_schema;
};

Datum
lock(FunctionCallInfo fcinfo, Naming naming, const char *function)
{
    require_writable(function);
    require_named_row(fcinfo, naming);
    const std::string_view author = require_author(text_argument(fcinfo, after_key(naming, 1)));
    const core::Microseconds ttl = ttl_argument(fcinfo, after_key(naming, 2));
    std::optional<Datum> lock_id;
    if (const int argument = after_key(naming, 3); !PG_ARGISNULL(argument))
        lock_id = PG_GETARG_DATUM(argument);
    const AttachedTable table = named_table(fcinfo, naming, Purpose::save);
    const Key key = key_argument(fcinfo, after_key(naming, 0), table);

    const TupleDesc columns = result_columns(fcinfo);
    return in_spi([&](MemoryContext caller) {
        const LockResult result = lock_customer(table, key, author, ttl, lock_id);
        return made_in(caller, [&] { return row_of(result, columns); });
    });
}

// Who ends the lock by force, if that is asked; SQL objects of version 1.0 do not pass it.
std::optional<std::string_view>
forced_by_argument(FunctionCallInfo fcinfo, int force)
{
    if (PG_NARGS() <= force)
        return std::nullopt;
    const std::optional<std::string_view> author = text_argument(fcinfo, force + 1);
    if (!PG_ARGISNULL(force) && PG_GETARG_BOOL(force))
        return require_author(author);
    if (author)
        require_author(author);
    return std::nullopt;
}

Datum
unlock(FunctionCallInfo fcinfo, Naming naming, const char *function)
{
    require_writable(function);
    require_named_row(fcinfo, naming);
    const int lock_id = after_key(naming, 1);
    UnlockRequest request = {.lock_id = std::nullopt, .forced_by = forced_by_argument(fcinfo, after_key(naming, 2))};
    if (!request.forced_by)
        require_argument(fcinfo, lock_id, "lock_id");
    if (!PG_ARGISNULL(lock_id))
        request.lock_id = PG_GETARG_DATUM(lock_id);
    const AttachedTable table = named_table(fcinfo, naming, Purpose::save);
    const Key key = key_argument(fcinfo, after_key(naming, 0), table);

    return in_spi([&](MemoryContext) { return BoolGetDatum(unlock_customer(table, key, request)); });
}

}  // namespace

}  // namespace crm

CRM_FUNCTION(crm_lock_customer)
{
    return crm::lock(fcinfo, crm::Naming::customer, "crm_lock_customer()");
}

CRM_FUNCTION(crm_lock_record)
{
    return crm::lock(fcinfo, crm::Naming::record, "crm_lock_record()");
}

CRM_FUNCTION(crm_unlock_customer)
{
    return crm::unlock(fcinfo, crm::Naming::customer, "crm_unlock_customer()");
}

CRM_FUNCTION(crm_unlock_record)
{
    return crm::unlock(fcinfo, crm::Naming::record, "crm_unlock_record()");
}

CRM_FUNCTION(crm_live_locks)
{
    using namespace crm;

    const RowSet rows = begin_row_set(fcinfo);
    const Oid extension_schema = extension_schema_of(fcinfo);
    LiveLocks locks{rows, extension_schema};
    each_readable_table(extension_schema, locks);
    return static_cast<Datum>(0);
}
