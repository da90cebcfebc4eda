#include "../boundary/guard.h"
#include "../boundary/row_set.h"
#include "../boundary/transaction.h"
#include "../reading/reading.h"
#include "saves.h"

// Refused saves that are kept whole: listing, resolving, discarding and counting them.

namespace crm {

namespace {

Datum
list(FunctionCallInfo fcinfo, Naming naming)
{
    if (naming == Naming::record)
        require_argument(fcinfo, 0, "record_table");
    const int author = static_cast<int>(naming);
    const int of_key = author + 1;
    const AttachedTable table = named_table(fcinfo, naming, Purpose::read);
    std::optional<Key> key;
    if (!PG_ARGISNULL(of_key))
        key = key_argument(fcinfo, of_key, table);
    const RowSet rows = begin_row_set(fcinfo);
    in_spi([&](MemoryContext) { list_refused(table, text_argument(fcinfo, author), key, rows); });
    return static_cast<Datum>(0);
}

Datum
resolve(FunctionCallInfo fcinfo, Naming naming, const char *function)
{
    require_writable(function);
    if (naming == Naming::record)
        require_argument(fcinfo, 0, "record_table");
    require_argument(fcinfo, after_key(naming, 0), "refused_id");
    require_argument(fcinfo, after_key(naming, 2), "choose");
    const int base = after_key(naming, 1);
    if (PG_ARGISNULL(base))
        errors::null_base();
    const std::optional<std::string_view> author = text_argument(fcinfo, after_key(naming, 4));
    const Resolution resolution = {
        .refused_id = PG_GETARG_INT64(after_key(naming, 0)),
        .choice = PG_GETARG_DATUM(after_key(naming, 2)),
        .base = core::Timestamp{PG_GETARG_TIMESTAMPTZ(base)},
        // Whose save it was need not be told again.
        .author = author || has_identity_source() ? std::optional{require_author(author)} : std::nullopt,
        .comment = checked_comment(text_argument(fcinfo, after_key(naming, 3))),
    };
    const AttachedTable table = named_table(fcinfo, naming, Purpose::save);
    require_triggers(table);
    return row_of_save(fcinfo, [&] { return resolve_refused(table, resolution); });
}

Datum
discard(FunctionCallInfo fcinfo, Naming naming, const char *function)
{
    require_writable(function);
    if (naming == Naming::record)
        require_argument(fcinfo, 0, "record_table");
    require_argument(fcinfo, after_key(naming, 0), "refused_id");
    const std::int64_t id = PG_GETARG_INT64(after_key(naming, 0));
    const AttachedTable table = named_table(fcinfo, naming, Purpose::save);
    return BoolGetDatum(in_spi([&](MemoryContext) { return discard_refused(table, id); }));
}

Datum
counts(FunctionCallInfo fcinfo, Naming naming)
{
    if (naming == Naming::record)
        require_argument(fcinfo, 0, "record_table");
    const AttachedTable table = named_table(fcinfo, naming, Purpose::read);
    const RowSet rows = begin_row_set(fcinfo);
    in_spi([&](MemoryContext) { count_refused(table, rows); });
    return static_cast<Datum>(0);
}

}  // namespace

}  // namespace crm

CRM_FUNCTION(crm_refused_saves)
{
    return crm::list(fcinfo, crm::Naming::customer);
}

CRM_FUNCTION(crm_refused_record_saves)
{
    return crm::list(fcinfo, crm::Naming::record);
}

CRM_FUNCTION(crm_resolve_refused)
{
    return crm::resolve(fcinfo, crm::Naming::customer, "crm_resolve_refused()");
}

CRM_FUNCTION(crm_resolve_refused_record)
{
    return crm::resolve(fcinfo, crm::Naming::record, "crm_resolve_refused_record()");
}

CRM_FUNCTION(crm_discard_refused)
{
    return crm::discard(fcinfo, crm::Naming::customer, "crm_discard_refused()");
}

CRM_FUNCTION(crm_discard_refused_record)
{
    return crm::discard(fcinfo, crm::Naming::record, "crm_discard_refused_record()");
}

CRM_FUNCTION(crm_refused_counts)
{
    return crm::counts(fcinfo, crm::Naming::customer);
}

CRM_FUNCTION(crm_refused_record_counts)
{
    return crm::counts(fcinfo, crm::Naming::record);
}
