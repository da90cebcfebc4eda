#pragma once

#include "../boundary/direct.h"
#include "../boundary/spi.h"
#include "attached_tables.h"

// Rows of the tables beside customers, found through an index without parsing or planning. Nobody's rights are checked, as
// the owner's would not be.
namespace crm {

// A row as it is stored, by attribute number.
struct StoredRow
{
    TupleTableSlot *row;

    // A value of the row, which lives as long as the row; none for null.
    std::optional<Datum> optional_value(AttrNumber column) const
    {
        bool is_null;
        const Datum value = slot_getattr(row, column, &is_null);
        return is_null ? std::nullopt : std::optional{value};
    }

    Datum value(AttrNumber column) const
    {
        const std::optional<Datum> value = optional_value(column);
        if (!value)
            elog(ERROR, "unexpected null in column %d of a row", column);
        return *value;
    }

    core::Timestamp time(AttrNumber column) const { return {DatumGetTimestampTz(value(column))}; }

    std::optional<core::Timestamp> optional_time(AttrNumber column) const
    {
        const std::optional<Datum> value = optional_value(column);
        return value ? std::optional{core::Timestamp{DatumGetTimestampTz(*value)}} : std::nullopt;
    }

    std::optional<std::int64_t> optional_bigint(AttrNumber column) const
    {
        const std::optional<Datum> value = optional_value(column);
        return value ? std::optional{DatumGetInt64(*value)} : std::nullopt;
    }

    std::optional<std::string_view> optional_text(AttrNumber column) const
    {
        const std::optional<Datum> value = optional_value(column);
        return value ? std::optional{text_of(*value)} : std::nullopt;
    }

    // Whether a value is this text; other texts cost no copy.
    bool has_text(AttrNumber column, std::string_view text) const
    {
        const Datum stored = value(column);
        if (toast_raw_datum_size(stored) - VARHDRSZ != text.size())
            return false;
        const varlena *plain = pg_detoast_datum_packed(reinterpret_cast<varlena *>(DatumGetPointer(stored)));
        return std::string_view(VARDATA_ANY(plain), VARSIZE_ANY_EXHDR(plain)) == text;
    }

    bool has_uuid(AttrNumber column, Datum uuid) const
    {
        const std::optional<Datum> stored = optional_value(column);
        return stored && std::memcmp(DatumGetUUIDP(*stored), DatumGetUUIDP(uuid), UUID_LEN) == 0;
    }
};

// A scan of an open table.
struct IndexLookup : StoredRow
{
    Relation relation;
    Relation index;
    Snapshot snapshot;
    IndexScanDesc scan;  // nullptr when nothing is in the index

    // The next row; false at the end.
    bool next() const { return scan != nullptr && index_getnext_slot(scan, ForwardScanDirection, row); }

    // The same from the end of the index.
    bool previous() const { return scan != nullptr && index_getnext_slot(scan, BackwardScanDirection, row); }
};

// Whether a table may be read so: access_path allows it, and there is such an index.
inline bool
can_look_up(const LookupIndex &index)
{
    return OidIsValid(index.index) && may_go_direct();
}

// Begins to look for the rows whose first index columns have these values, as a snapshot shows them; and as the newest
// committed state has them.
IndexLookup begin_lookup(Oid table, const LookupIndex &index, std::initializer_list<Datum> values, Snapshot snapshot);
IndexLookup begin_latest_lookup(Oid table, const LookupIndex &index, std::initializer_list<Datum> values);

// Begins to look for the rows of a customer's history with versions above one, as a snapshot shows them.
IndexLookup begin_history_lookup(const AttachedTable &table, Datum key, core::Timestamp above, Snapshot snapshot);

void end_lookup(const IndexLookup &lookup);

}  // namespace crm
