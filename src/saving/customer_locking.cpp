#include "saving.h"

#include "../boundary/clock.h"
#include "../boundary/errors.h"
#include "../boundary/guard.h"
#include "../boundary/role.h"
#include "../records/edit_locks.h"
#include "../records/events.h"
#include "../records/history.h"
#include "../tables/statements.h"
#include "access_path.h"

namespace crm {

namespace {

constexpr SqlStatement upsert_lock{"INSERT INTO {locks} (customer_id, lock_id, author, locked_at, expires_at, db_user) "
                                   "VALUES ($1, $2, $3, $4, $5, $6) "
                                   "ON CONFLICT (customer_id) DO UPDATE SET lock_id = EXCLUDED.lock_id, "
                                   "author = EXCLUDED.author, locked_at = EXCLUDED.locked_at, "
                                   "expires_at = EXCLUDED.expires_at, db_user = EXCLUDED.db_user",
                                   As::owner, Part::locks};

constexpr SqlStatement delete_lock{"DELETE FROM {locks} WHERE customer_id OPERATOR(pg_catalog.=) $1 "
                                   "AND lock_id OPERATOR(pg_catalog.=) $2",
                                   As::owner, Part::locks};

// The row stays, and tells who did that until somebody takes the lock. Its id is nobody's.
constexpr SqlStatement end_lock{"UPDATE {locks} SET lock_id = $3, expires_at = $4, ended_at = $4, ended_by = $5, "
                                "ended_db_user = $6 WHERE customer_id OPERATOR(pg_catalog.=) $1 "
                                "AND lock_id OPERATOR(pg_catalog.=) $2",
                                As::owner, Part::locks};

constexpr SqlStatement forget_end{"UPDATE {locks} SET ended_at = NULL, ended_by = NULL, ended_db_user = NULL "
                                  "WHERE customer_id OPERATOR(pg_catalog.=) $1 AND ended_at IS NOT NULL",
                                  As::owner, Part::locks};

constexpr SqlStatement select_end{"SELECT author, ended_by FROM {locks} "
                                  "WHERE customer_id OPERATOR(pg_catalog.=) $1 AND ended_by IS NOT NULL",
                                  As::owner, Part::locks};

LockResult
result_of(core::LockOutcome outcome, const AttachedTable &table, const Key &key, std::string_view holder)
{
    const std::string_view row = row_name(table, key);
    LockResult result = {};
    result.outcome = outcome;
    result.message = guarded_text([&] { return core::lock_message(outcome, row, holder); });
    return result;
}

LockResult
result_of(core::LockOutcome outcome, const AttachedTable &table, const Key &key, const EditLock &lock)
{
    LockResult result = result_of(outcome, table, key, lock.author);
    result.author = lock.author;
    result.expires_at = lock.expires_at;
    // The id is its holder's secret.
    if (outcome == core::LockOutcome::acquired || outcome == core::LockOutcome::renewed)
        result.lock_id = lock.lock_id;
    return result;
}

Datum
new_lock_id()
{
    return DirectFunctionCall1(gen_random_uuid, static_cast<Datum>(0));
}

bool
same_id(Datum a, Datum b)
{
    return std::memcmp(DatumGetUUIDP(a), DatumGetUUIDP(b), UUID_LEN) == 0;
}

void
write_lock(const AttachedTable &table, const Key &key, const EditLock &lock)
{
    Arguments arguments = arguments_of(key);
    arguments.add(UUIDOID, lock.lock_id);
    arguments.add(lock.author);
    arguments.add(lock.locked_at);
    arguments.add(lock.expires_at);
    arguments.add(std::string_view{GetUserNameFromId(GetSessionUserId(), false)});

    const std::uint64_t rows = execute(table, upsert_lock, arguments);
    if (rows != 1)
        errors::write_suppressed(table->locks.oid, key_text(key));
    send_lock_event(table, key);
}

bool
can_be_forced(const AttachedTable &table)
{
    const Locks &locks = table->locks;
    return locks.ended_at != InvalidAttrNumber && locks.ended_by != InvalidAttrNumber &&
           locks.ended_db_user != InvalidAttrNumber;
}

// Who ended the lock of the author by force, if that was the last that happened to the customer's lock.
std::optional<std::string_view>
who_ended(const AttachedTable &table, const Key &key, std::string_view author)
{
    if (!can_be_forced(table) || execute_latest(table, select_end, arguments_of(key)) == 0 ||
        result_text(0, 0) != author)
        return std::nullopt;
    return result_text(0, 1);
}

LockResult
lost(const AttachedTable &table, const Key &key, std::string_view author)
{
    LockResult result = {};
    result.outcome = core::LockOutcome::lost;
    const std::string_view row = row_name(table, key);
    const std::optional<std::string_view> ended_by = who_ended(table, key, author);
    result.message = guarded_text([&] {
        return ended_by ? core::ended_message(row, *ended_by)
                        : core::lock_message(core::LockOutcome::lost, row, std::string_view{});
    });
    return result;
}

// Decides on a request whose customer is locked, and does what it decided.
LockResult
take_lock(const AttachedTable &table, const Key &key, std::string_view author, core::Microseconds ttl,
          std::optional<Datum> lock_id)
{
    const core::Timestamp now = clock_now();
    const std::optional<EditLock> found = find_edit_lock(table, key);
    std::optional<core::HeldLock> held;
    if (found)
        held = {core::is_live(found->expires_at, now), found->author == author,
                lock_id && same_id(*lock_id, found->lock_id)};

    const core::LockOutcome outcome = core::decide_lock(held, lock_id.has_value());
    switch (outcome)
    {
        case core::LockOutcome::acquired:
        {
            const EditLock lock = {new_lock_id(), author, now, core::shifted(now, ttl)};
            write_lock(table, key, lock);
            if (found && can_be_forced(table))
                execute(table, forget_end, arguments_of(key));
            return result_of(outcome, table, key, lock);
        }
        case core::LockOutcome::renewed:
        {
            if (!held->is_by_author)
                ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                                errmsg("the lock on %s is not yours", row_name(table, key).data()),
                                errdetail("It is held by \"%s\". Nothing was changed.",
                                          pnstrdup(found->author.data(), found->author.size())),
                                errhint("Pass the author who took the lock.")));
            EditLock lock = *found;
            lock.expires_at = core::shifted(now, ttl);
            write_lock(table, key, lock);
            return result_of(outcome, table, key, lock);
        }
        case core::LockOutcome::locked:
            return result_of(outcome, table, key, *found);
        default:
            return found && held->is_live ? result_of(outcome, table, key, *found) : lost(table, key, author);
    }
}

// Locks the customer's row, on which requests for its edit lock wait for each other; false when the caller sees none.
bool
lock_row(const AttachedTable &table, const Key &key)
{
    for (std::optional<core::Timestamp> tried;;)
    {
        CHECK_FOR_INTERRUPTS();
        const std::optional<CustomerRow> seen = access_path(table).fetch(table, key);
        if (!seen)
            return false;
        if (tried == seen->version)
            errors::hidden_by_row_security(table->customers.oid, key_text(key));
        if (access_path(table).lock(table, key, {}, *seen))
            return true;
        tried = seen->version;
    }
}

// Raises where the lock of somebody else cannot be ended by force, or not by the caller.
void
require_may_force(const AttachedTable &table)
{
    if (!can_be_forced(table))
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("table \"%s\" cannot tell who ended a lock by force", errors::name_of(table->locks.oid)),
                        errdetail("It was made by version 1.0 and lacks columns. No lock was ended."),
                        errhint("SELECT crm_attach(...) again: it adds them.")));
    if (!caller_owns(table->customers.oid))
        require_column_rights(table->locks.oid, {table->locks.ended_by}, ACL_UPDATE);
}

bool
release(const AttachedTable &table, const Key &key, Datum lock_id)
{
    Arguments arguments = arguments_of(key);
    arguments.add(UUIDOID, lock_id);
    if (execute(table, delete_lock, arguments) == 0)
        return false;
    send_unlock_event(table, key, false);
    return true;
}

bool
end_by_force(const AttachedTable &table, const Key &key, std::string_view author)
{
    const core::Timestamp now = clock_now();
    const std::optional<EditLock> found = find_edit_lock(table, key);
    if (!found || found->expires_at <= now)
        return false;

    const char *db_user = GetUserNameFromId(GetSessionUserId(), false);
    Arguments arguments = arguments_of(key);
    arguments.add(UUIDOID, found->lock_id);
    arguments.add(UUIDOID, new_lock_id());
    arguments.add(now);
    arguments.add(author);
    arguments.add(std::string_view{db_user});
    if (execute(table, end_lock, arguments) == 0)
    {
        if (IsolationUsesXactSnapshot())
            errors::concurrent_update();
        errors::write_suppressed(table->locks.oid, key_text(key));
    }
    send_unlock_event(table, key, true);
    ereport(LOG_SERVER_ONLY, (errmsg("the edit lock of row %s of table %s is ended by force", key_text(key),
                                     table->customers.sql.text()),
                              errdetail("It is held by \"%s\". \"%s\" ends it, as role \"%s\".",
                                        pnstrdup(found->author.data(), found->author.size()),
                                        pnstrdup(author.data(), author.size()), db_user)));
    return true;
}

}  // namespace

LockResult
lock_customer(const AttachedTable &table, const Key &key, std::string_view author, core::Microseconds ttl,
              std::optional<Datum> lock_id)
{
    require_update_right(table);
    if (lock_row(table, key))
        return take_lock(table, key, author, ttl, lock_id);
    const bool was_there = !is_under_row_security(table->customers.oid) && oldest_change(table, key).has_value();
    return result_of(was_there ? core::LockOutcome::gone : core::LockOutcome::not_found, table, key,
                     std::string_view{});
}

bool
unlock_customer(const AttachedTable &table, const Key &key, const UnlockRequest &request)
{
    require_update_right(table);
    if (request.forced_by)
        require_may_force(table);
    // A renewal that found the lock just before would write it again.
    if (!lock_row(table, key))
        return false;
    if (request.lock_id && release(table, key, *request.lock_id))
        return true;
    return request.forced_by && end_by_force(table, key, *request.forced_by);
}

}  // namespace crm
