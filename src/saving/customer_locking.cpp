#include "saving.h"

#include "../boundary/clock.h"
#include "../boundary/errors.h"
#include "../boundary/guard.h"
#include "../boundary/role.h"
#include "../records/edit_locks.h"
#include "../records/history.h"
#include "../tables/statements.h"
#include "access_path.h"

namespace crm {

namespace {

constexpr SqlStatement upsert_lock{"INSERT INTO {locks} (customer_id, lock_id, author, locked_at, expires_at, db_user) "
                                   "VALUES ($1, $2, $3, $4, $5, $6::pg_catalog.name) "
                                   "ON CONFLICT (customer_id) DO UPDATE SET lock_id = EXCLUDED.lock_id, "
                                   "author = EXCLUDED.author, locked_at = EXCLUDED.locked_at, "
                                   "expires_at = EXCLUDED.expires_at, db_user = EXCLUDED.db_user",
                                   As::owner, Part::locks};

constexpr SqlStatement delete_lock{"DELETE FROM {locks} WHERE customer_id OPERATOR(pg_catalog.=) $1 "
                                   "AND lock_id OPERATOR(pg_catalog.=) $2",
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
            return found && held->is_live ? result_of(outcome, table, key, *found)
                                          : result_of(outcome, table, key, std::string_view{});
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
unlock_customer(const AttachedTable &table, const Key &key, Datum lock_id)
{
    require_update_right(table);
    // A renewal that found the lock just before would write it again.
    if (!lock_row(table, key))
        return false;

    Arguments arguments = arguments_of(key);
    arguments.add(UUIDOID, lock_id);
    const std::uint64_t rows = execute(table, delete_lock, arguments);
    return rows > 0;
}

}  // namespace crm
