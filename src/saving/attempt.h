#pragma once

#include "../core/message.h"
#include "../records/changes_since.h"
#include "../records/comments.h"
#include "../records/edit_locks.h"
#include "../records/save_in_progress.h"
#include "access_path.h"
#include "saving.h"

// What saving and refusing share.
namespace crm {

// One save on its way to its result.
struct Attempt
{
    const AttachedTable &table;
    const Key &key;
    const core::Request &request;
    Fields fields;
    Fields watched = {};                   // watched_fields()
    const Reversion *reversion = nullptr;  // what it undoes, if that is what it does
    Stage stage = Stage::whole;
    std::optional<Datum> given = std::nullopt;  // the fields as they were given

    // As the table is now: triggers of others may have changed it.
    const AccessPath &path() const { return access_path(table); }
};

// Reads the fields of a save, and gives its status and these the one form that what means the same has. Raises 22023 and what the
// types of the columns raise.
Fields prepare(const AttachedTable &table, core::Request &request, std::optional<Datum> fields);

// Raises 42501 without the rights that a save needs beside SELECT, which its queries check.
void require_save_rights(const AttachedTable &table, const core::Request &request);

// The message of a result; and what is known for it so far.
std::string_view message_of(const core::MessageFacts &facts);
core::MessageFacts facts_of(const Attempt &save, core::Outcome outcome);

// Answers a decision to change the customer, whose row is locked. A comment is nobody else's from here on: who brings the same waits
// until the transaction ends.
SaveResult decided(const Attempt &save, core::Outcome outcome, const CustomerRow &locked);

// Whether a save has ended with this outcome: a decision to change something is not the end.
bool is_end(Stage stage, core::Outcome outcome);

// Counts how a save ended, if it has.
void count(Stage stage, core::Outcome outcome);

// A save for the triggers of its statements.
SaveInProgress in_progress(const Attempt &save);

// Inserts the comment of a save, by which its trigger fills in where it is stored.
void insert_comment(const Attempt &save, SaveInProgress &progress);

// Updates the customer, whose row is locked, and leaves the row that it is after that, if nothing of others has run.
void update_customer(const Attempt &save, const Write &write, CustomerRow &row, SaveInProgress &progress);

// What happened since the base of the save, as a snapshot shows it.
ChangesSince changes_since(const Attempt &save, Snapshot snapshot);

// What of that which a save undoes was changed again since to something else than it was before, and by whom, for which
// it is refused: jsonb; empty where nothing was.
std::optional<Datum> superseded(const Attempt &save, const ReadableCustomer &customer, Snapshot snapshot);

// Whether the version seen settles that the save is refused: it does not come back. Where the transaction keeps one
// snapshot, a later base may be the version that others have made since.
bool is_settled(const Attempt &save, const CustomerRow &row);

// The live edit lock of somebody else, which refuses the save.
std::optional<EditLock> lock_of_another(const Attempt &save);

// Whether this very request was applied from an earlier base by the save that took its comment over: an arrival that was
// late, of which the user, who has gone on to a later base, was not told.
bool is_applied_late(const Attempt &save, const KeptComment &comment);

// Answers a request that was applied before; row is the customer as it is, none when it is gone.
SaveResult replayed(const Attempt &save, const AppliedRequest &applied, const std::optional<CustomerRow> &row);

// Answers a save whose customer the caller does not see.
SaveResult missing(const Attempt &save);

// Answers a save whose base is not the customer's version, or that a lock refuses. Empty when the customer went in the
// meantime, or when row security does not let the caller refer to it.
std::optional<SaveResult> refuse(const Attempt &save, const CustomerRow &row, const std::optional<EditLock> &lock);

// Raises the conflict, or the lock that refuses the save, unless the customer went in the meantime.
void raise_refusal(const Attempt &save, const std::optional<EditLock> &lock);

}  // namespace crm
