#include "../boundary/errors.h"
#include "../boundary/role.h"
#include "../boundary/statistics.h"
#include "../core/version.h"
#include "../records/history.h"
#include "refusal.h"

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

}  // namespace

void
check_versioned_comment(const AttachedTable &table, const Key &key, const core::Request &request)
{
    require_save_rights(table, request);
    const Attempt save = {table, key, request, {}};

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
    const Attempt save = {table, key, request, {}};

    const std::optional<CustomerRow> row = save.path().lock(table, key, {});
    if (!row)
        errors::write_suppressed(table->customers.oid, key_text(key));
    // Other triggers of this statement may have changed the customer since the check; another save from the same base must
    // not have.
    if (!core::same_version(request.base, row->version) && is_base_used(table, key, request.base))
        raise_refusal(save, std::nullopt);

    SaveInProgress progress = in_progress(save);
    progress.comment_id = comment_id;
    ItemPointerData tid = row->tid;
    with_save_in_progress(progress, [&] { update_customer(save, {}, tid, progress); });
    statistics::count(core::Outcome::updated);
}

}  // namespace crm
