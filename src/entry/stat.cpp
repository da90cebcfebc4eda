#include "../boundary/guard.h"
#include "../boundary/row_set.h"
#include "../boundary/statistics.h"
#include "arguments.h"

namespace crm {

namespace {

void
add_row(const statistics::DatabaseCounts &counts, void *context)
{
    const RowSet &rows = *static_cast<const RowSet *>(context);
    constexpr int most_columns = statistics::counters + 2;
    Datum values[most_columns];
    bool nulls[most_columns] = {};

    int columns = 0;
    values[columns++] = ObjectIdGetDatum(counts.database);
    for (int i = 0; i < statistics::counters; i++)
        // SQL objects of version 1.0 have no columns for them.
        if (rows.columns->natts == most_columns ||
            ((i < static_cast<int>(core::Outcome::deleted) || i > static_cast<int>(core::Outcome::failed_dependency)) &&
             i != static_cast<int>(statistics::Counter::saves_kept)))
            values[columns++] = Int64GetDatum(counts.counts[i]);
    values[columns] = TimestampTzGetDatum(counts.reset_at);
    rows.add(heap_form_tuple(rows.columns, values, nulls));
}

}  // namespace

}  // namespace crm

CRM_FUNCTION(crm_stat_databases)
{
    using namespace crm;

    RowSet rows = begin_row_set(fcinfo);
    statistics::each(add_row, &rows);
    return static_cast<Datum>(0);
}

CRM_FUNCTION(crm_stat_reset)
{
    using namespace crm;

    statistics::reset();
    PG_RETURN_VOID();
}
