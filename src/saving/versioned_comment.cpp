#include "../boundary/errors.h"
#include "../boundary/role.h"
#include "../boundary/statistics.h"
#include "../boundary/transaction.h"
#include "../core/version.h"
#include "../records/history.h"
#include "attempt.h"

namespace crm {

namespace {

[[noreturn]] void
customer_hidden(Oid table, const char *key)
{
    ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                    errmsg("row-level security of table \"%s\" hides row %s from you", errors::name_of(table), key),
                    errdetail("A comment with expected_ts changes its customer; nothing was saved."),
                    errhint("Leave expected_ts out to add a comment alone.")));
}

// A comment with a base that is between its BEFORE and its AFTER trigger.
struct Noted
{
    Oid comments;
    Key key;
    std::int64_t comment_id;
    core::Timestamp base;
    SubTransactionId subtransaction;
    Noted *next;
};

// Lives in the transaction's memory context. What a suppressed insertion leaves goes with it.
Noted *noted = nullptr;
std::uint64_t noted_in = 0;

}  // namespace

void
note_versioned_comment(Oid comments, const Key &key, std::int64_t comment_id, core::Timestamp base)
{
    if (noted_in != transaction_number())
    {
        noted_in = transaction_number();
        noted = nullptr;
    }
    Noted *entry = static_cast<Noted *>(MemoryContextAlloc(TopTransactionContext, sizeof(Noted)));
    *entry = {comments, copied_key(key, TopTransactionContext), comment_id, base, GetCurrentSubTransactionId(), noted};
    noted = entry;
}

bool
take_versioned_comment(Oid comments, const Key &key, std::int64_t comment_id, core::Timestamp base)
{
    if (noted_in != transaction_number())
        return false;
    for (Noted **link = &noted; *link != nullptr; link = &(*link)->next)
    {
        Noted *entry = *link;
        if (entry->comments != comments || entry->comment_id != comment_id || entry->base != base ||
            entry->subtransaction != GetCurrentSubTransactionId() || !same_key(entry->key, key))
            continue;
        *link = entry->next;
        pfree(entry);
        return true;
    }
    return false;
}

void
check_versioned_comment(const AttachedTable &table, const Key &key, const core::Request &request)
{
    require_save_rights(table, request);
    const Attempt save = {table, key, request, {}, {}};

    for (std::optional<core::Timestamp> tried;;)
    {
        CHECK_FOR_INTERRUPTS();
        std::optional<CustomerRow> row = save.path().fetch(table, key);
        if (!row)
        {
            const bool is_filtered = is_under_row_security(table->customers.oid);
            // Whom policies keep from comments is not told whether it is there.
            if (is_filtered && is_under_row_security(table->comments.oid))
                customer_hidden(table->customers.oid, key_text(key));
            if (!customer_exists(table, key))
                return;
            if (is_filtered)
                customer_hidden(table->customers.oid, key_text(key));
            // It has come since the look.
            if (IsolationUsesXactSnapshot())
                errors::concurrent_update();
            continue;
        }
        if (tried == row->version)
            errors::hidden_by_row_security(table->customers.oid, key_text(key));
        tried = row->version;
        if (!is_settled(save, *row))
            row = save.path().lock(table, key, {}, *row, request.base);
        if (!row)
            continue;
        if (!core::same_version(request.base, row->version))
            raise_refusal(save, std::nullopt);
        else if (const auto lock = lock_of_another(save))
            raise_refusal(save, lock);
        return;
    }
}

void
apply_versioned_comment(const AttachedTable &table, const Key &key, const core::Request &request,
                        std::int64_t comment_id)
{
    const Attempt save = {table, key, request, {}, {}};

    const std::optional<CustomerRow> row = save.path().lock(table, key, {});
    if (!row)
        errors::write_suppressed(table->customers.oid, key_text(key));
    // Other triggers of this statement may have changed the customer since the check; another save from the same base must
    // not have.
    if (!core::same_version(request.base, row->version) && is_base_used(table, key, request.base))
        raise_refusal(save, std::nullopt);

    SaveInProgress progress = in_progress(save);
    progress.comment_id = comment_id;
    CustomerRow locked = *row;
    with_save_in_progress(progress, [&] { update_customer(save, {}, locked, progress); });
    statistics::count(core::Outcome::updated);
}

}  // namespace crm
