#pragma once

#include "../tables/attached_tables.h"
#include "../tables/key.h"
#include "recorded_changes.h"
#include "save_in_progress.h"

// What every change of a customer comes with: its version, and its row of the history.
namespace crm {

// Rows of a customers table.
struct CustomerRows
{
    const AttachedTable &table;
    TupleDesc columns;
    Written recorded = Written::at_once;  // their changes
};

Key key_of(const CustomerRows &rows, HeapTuple row);

std::optional<core::Timestamp> version_of(const CustomerRows &rows, HeapTuple row);

// The version that follows the one of a row (none: null); raises 22008 when none is left.
core::Timestamp require_next_version(const AttachedTable &table, const Key &key, std::optional<core::Timestamp> current);

// The version of a row that is inserted: its own where it comes above the chain and not ahead of the clock, or where the
// customer is there, which the row then restores or is compared with.
core::Timestamp version_of_insert(const CustomerRows &rows, HeapTuple row);

// The version that a save gives a row which has this one (none: null); raises 40001 when somebody has saved from its base in
// the meantime.
core::Timestamp version_of_save(const AttachedTable &table, const Key &key, std::optional<core::Timestamp> current,
                                SaveInProgress &save);

// The version of a row that is updated, by a step of a save or (nullptr) by others: the next one, or a later one, not ahead
// of the clock, that an application chose itself.
core::Timestamp version_of_update(const CustomerRows &rows, HeapTuple before, HeapTuple after, SaveInProgress *save);

// These record a change that has been made, by a step of a save or (nullptr) by others. What is deleted is set aside.
void record_insert(const CustomerRows &rows, HeapTuple row, SaveInProgress *save);
void record_update(const CustomerRows &rows, HeapTuple before, HeapTuple after, SaveInProgress *save);
void record_delete(const CustomerRows &rows, HeapTuple row, SaveInProgress *save);

// record_update() of a save that wrote the row itself, status and version alone.
void record_saved_status(const AttachedTable &table, const Key &key, core::Timestamp previous,
                         std::optional<std::string_view> status_from, std::optional<std::string_view> status_to,
                         SaveInProgress &save);

}  // namespace crm
