#include "../boundary/guard.h"
#include "../boundary/row_set.h"
#include "../boundary/transaction.h"
#include "../reading/reading.h"
#include "saves.h"

// Deleting customers, listing what was deleted, and restoring it.

namespace crm {

namespace {

// Runs change(table, key) and returns its result as a row.
template <typename Change>
Datum
changed(FunctionCallInfo fcinfo, Naming naming, Purpose purpose, Change change)
{
    const AttachedTable table = named_table(fcinfo, naming, purpose);
    const Key key = key_argument(fcinfo, after_key(naming, 0), table);
    require_triggers(table);
    return row_of_save(fcinfo, [&] { return change(table, key); });
}

Datum
remove(FunctionCallInfo fcinfo, Naming naming, const char *function)
{
    require_writable(function);
    require_named_row(fcinfo, naming);
    SaveArguments arguments = {};
    if (const int base = after_key(naming, 1); !PG_ARGISNULL(base))
        arguments.base = core::Timestamp{PG_GETARG_TIMESTAMPTZ(base)};
    arguments.comment = text_argument(fcinfo, after_key(naming, 2));
    arguments.author = text_argument(fcinfo, after_key(naming, 3));
    const core::Request request = checked_deletion(arguments);
    return changed(fcinfo, naming, Purpose::remove,
                   [&](const AttachedTable &table, const Key &key) { return delete_customer(table, key, request); });
}

Datum
restore(FunctionCallInfo fcinfo, Naming naming, const char *function)
{
    require_writable(function);
    require_named_row(fcinfo, naming);
    SaveArguments arguments = {};
    // It has no base: what it brings back is what is set aside.
    arguments.base = core::Timestamp{};
    arguments.author = text_argument(fcinfo, after_key(naming, 1));
    arguments.comment = text_argument(fcinfo, after_key(naming, 2));
    arguments.merge = false;
    core::Request request = checked_request(arguments);
    request.intent = core::Intent::restoration;
    return changed(fcinfo, naming, Purpose::restore,
                   [&](const AttachedTable &table, const Key &key) { return restore_customer(table, key, request); });
}

Datum
deleted(FunctionCallInfo fcinfo, Naming naming)
{
    if (naming == Naming::record)
        require_argument(fcinfo, 0, "record_table");
    const int first = static_cast<int>(naming);
    require_argument(fcinfo, first, "max_rows");
    const std::int32_t max_rows = PG_GETARG_INT32(first);
    if (max_rows < 0)
        errors::negative_limit("max_rows");
    core::Timestamp before = core::infinity;
    if (!PG_ARGISNULL(first + 1))
        before = core::Timestamp{PG_GETARG_TIMESTAMPTZ(first + 1)};
    const AttachedTable table = named_table(fcinfo, naming, Purpose::read);
    const RowSet rows = begin_row_set(fcinfo);
    in_spi([&](MemoryContext) { list_deleted(table, max_rows, before, rows); });
    return static_cast<Datum>(0);
}

}  // namespace

}  // namespace crm

CRM_FUNCTION(crm_delete_customer)
{
    return crm::remove(fcinfo, crm::Naming::customer, "crm_delete_customer()");
}

CRM_FUNCTION(crm_delete_record)
{
    return crm::remove(fcinfo, crm::Naming::record, "crm_delete_record()");
}

CRM_FUNCTION(crm_restore_customer)
{
    return crm::restore(fcinfo, crm::Naming::customer, "crm_restore_customer()");
}

CRM_FUNCTION(crm_restore_record)
{
    return crm::restore(fcinfo, crm::Naming::record, "crm_restore_record()");
}

CRM_FUNCTION(crm_deleted)
{
    return crm::deleted(fcinfo, crm::Naming::customer);
}

CRM_FUNCTION(crm_deleted_records)
{
    return crm::deleted(fcinfo, crm::Naming::record);
}
