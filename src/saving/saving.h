#pragma once

#include "../core/correction.h"
#include "../core/decision.h"
#include "../core/edit_lock.h"
#include "../tables/attached_tables.h"
#include "../tables/key.h"

// Saves, comments and edit locks.
namespace crm {

// What became of a save: the columns of crm_update_result.
struct SaveResult
{
    core::Outcome outcome;
    std::optional<std::string_view> status;
    std::optional<core::Timestamp> version;
    std::optional<std::int64_t> comment_id;
    std::string_view message;
    std::optional<Datum> detail;  // jsonb
};

// How far a save goes. A decision leaves the customer locked until the transaction ends, and writes nothing but what a refusal
// keeps; its result has the outcome alone where that is a change.
enum class Stage
{
    decision,
    whole,
};

// What of a customer is to be undone.
struct Reversion
{
    core::Timestamp version;  // of the change; or, whole, of the state to go back to
    bool whole;
    std::span<const char *const> columns;  // these alone; none: all that changed
};

// Saves a customer; fields is a jsonb object of other columns. SPI must be connected; what the result refers to lives
// in the current memory context. reversion: what the save undoes. Raises 42501 without the rights on the tables, and
// PT409 for a conflict where crm_concurrency.on_conflict says so.
SaveResult save_customer(const AttachedTable &table, const Key &key, const core::Request &request,
                         std::optional<Datum> fields, const Reversion *reversion = nullptr, Stage stage = Stage::whole);

// Undoes a change by a save: what the change has written is what it was before, where nobody has changed it again. Raises 22023
// where that is not known or no change of values, 42501 for who may not read all of the history, and what save_customer()
// raises.
SaveResult revert_customer(const AttachedTable &table, const Key &key, core::Request request, const Reversion &wanted);

// Deletes a customer whose version is still the base of the request, and records the deletion like a save. Raises 42501 without
// DELETE on the customers, PT409 and PT423 as save_customer() does, and what refers to the customer raises.
SaveResult delete_customer(const AttachedTable &table, const Key &key, const core::Request &request,
                           Stage stage = Stage::whole);

// What becomes of the fields of a refused save that was kept.
struct Resolution
{
    std::int64_t refused_id;
    Datum choice;  // jsonb: "mine" or "theirs" for each
    core::Timestamp base;
    std::optional<std::string_view> author;  // none: whose save it was
    std::optional<std::string_view> comment;
};

// Saves what is chosen of a refused save, and ends it. Raises 22023 for a choice that is not of its fields, 42501 without SELECT on
// the refused saves and for that of another author where an identity is set, 55000 where none are kept, and what save_customer()
// raises.
SaveResult resolve_refused(const AttachedTable &table, const Resolution &resolution);

// Ends a refused save without saving it; false where there is none that waits. Raises 42501 and 55000 as above.
bool discard_refused(const AttachedTable &table, std::int64_t refused_id);

// Whether the customer still has the version of the base: it keeps it until the transaction ends then. Raises 42501 without SELECT
// on key, version and status, and PT409 as save_customer() does.
SaveResult check_customer(const AttachedTable &table, const Key &key, const core::Request &request);

// Answers a save, or a deletion, that was decided and is not made, since others of its call were refused; keeps its comment.
struct Refused
{
    std::string_view numbers;  // as "2, 3"
    Datum json;                // as {"refused": [2, 3]}
};
SaveResult fail_with_others(const AttachedTable &table, const Key &key, core::Request request,
                            std::optional<Datum> fields, const Refused &refused);

// Brings a deleted customer back with its comments, and with the rows of other attached tables that a CASCADE deleted with it.
// Raises 42501 without SELECT on what is set aside and INSERT on the tables, 55000 where nothing is set aside, 42703 where a column
// is there no longer, and what the constraints of the tables raise.
SaveResult restore_customer(const AttachedTable &table, const Key &key, const core::Request &request);

// A comment inserted with a base, on its way into the table: first its BEFORE trigger checks the base and locks the
// customer, then its AFTER trigger gives the customer its next version and records it. Both raise PT409 when the base is
// not current, and 42501 when the caller may not change the customer. Without a customer they do nothing: the foreign key
// tells.
void check_versioned_comment(const AttachedTable &table, const Key &key, const core::Request &request);
void apply_versioned_comment(const AttachedTable &table, const Key &key, const core::Request &request,
                             std::int64_t comment_id);

// Notes that a comment with a base passed its check, between its BEFORE and its AFTER trigger.
void note_versioned_comment(Oid comments, const Key &key, std::int64_t comment_id, core::Timestamp base);

// Whether the comment is one that was noted, and notes it no longer.
bool take_versioned_comment(Oid comments, const Key &key, std::int64_t comment_id, core::Timestamp base);

// Adds a comment without a save, and returns its id; the same one that was added a moment before is not added again.
// SPI must be connected. Raises 42501 without the rights on the comments, and 23503 where the customer, or the comment
// that it answers, is not there.
std::int64_t add_comment(const AttachedTable &table, const Key &key, const core::Request &comment);

// A comment as somebody wants to correct it.
struct CorrectionRequest
{
    core::Correction correction;
    std::int64_t comment_id;
    std::string_view author = {};
    std::optional<std::string_view> expected_body = std::nullopt;  // of an edit
    std::optional<std::string_view> body = std::nullopt;           // of an edit
    std::optional<std::string_view> reason = std::nullopt;
};

// What became of a correction: columns of crm_comment_result.
struct CorrectionResult
{
    core::CorrectionOutcome outcome;
    std::string_view message = {};
    std::optional<Datum> detail = std::nullopt;  // jsonb
};

// Gives a comment another text, or withdraws it, and keeps its text before. SPI must be connected. Raises 42501 without the
// rights on the comments, and for the comment of another author, which only moderators correct.
CorrectionResult correct_comment(const AttachedTable &table, const Key &key, const CorrectionRequest &request);

// What became of a request for a lock: the columns of crm_lock_result.
struct LockResult
{
    core::LockOutcome outcome;
    std::optional<Datum> lock_id;
    std::optional<std::string_view> author;
    std::optional<core::Timestamp> expires_at;
    std::string_view message;
};

// Locks the customer for an author, or renews the lock that has this id. SPI must be connected. Raises 42501 for who may
// not save the customer, and for the id of another author's lock.
LockResult lock_customer(const AttachedTable &table, const Key &key, std::string_view author, core::Microseconds ttl,
                         std::optional<Datum> lock_id);

// A request to end a lock: by its id, or for an author who ends the lock of somebody else by force.
struct UnlockRequest
{
    std::optional<Datum> lock_id;
    std::optional<std::string_view> forced_by;
};

// Releases the lock that has this id, or ends whatever lock is not over yet; false when there is none of these. Raises 42501
// for who may not save the customer, and for who may not end locks by force.
bool unlock_customer(const AttachedTable &table, const Key &key, const UnlockRequest &request);

}  // namespace crm
