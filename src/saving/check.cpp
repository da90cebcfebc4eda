#include "saving.h"

#include "../boundary/errors.h"
#include "../boundary/statistics.h"
#include "../boundary/transaction.h"
#include "../core/version.h"
#include "../tables/statements.h"
#include "attempt.h"

namespace crm {

namespace {

// With the rights of the owner, since it takes SELECT alone. FOR KEY SHARE would let others update what is no key.
constexpr SqlStatement lock_version{"SELECT {version} FROM {customers} WHERE {key} OPERATOR(pg_catalog.=) $1 FOR SHARE",
                                    As::owner};

SaveResult
is_at_version(const Attempt &check, core::Timestamp version)
{
    await_standbys_at_commit();
    SaveResult result = {};
    result.outcome = core::Outcome::unchanged;
    if (const std::optional<CustomerRow> row = check.path().fetch(check.table, check.key))
        result.status = row->status;
    result.version = version;
    result.message = message_of(facts_of(check, result.outcome));
    return result;
}

SaveResult
result_of_check(const Attempt &check)
{
    const AttachedTable &table = check.table;
    require_may_read(table);
    for (std::optional<core::Timestamp> tried;;)
    {
        CHECK_FOR_INTERRUPTS();
        const std::optional<CustomerRow> seen = check.path().fetch(table, check.key);
        if (!seen)
            return missing(check);
        // A row that is gone and comes back has another version.
        if (tried == seen->version)
            errors::hidden_by_row_security(table->customers.oid, key_text(check.key));
        std::optional<SaveResult> result;
        if (is_settled(check, *seen))
            result = refuse(check, *seen, std::nullopt);
        else if (execute(table, lock_version, arguments_of(check.key)) > 0)
            result = !result_is_null(0, 0) && core::same_version(check.request.base, result_time(0, 0))
                         ? is_at_version(check, result_time(0, 0))
                         : refuse(check, *seen, std::nullopt);
        if (result)
            return *result;
        tried = seen->version;
    }
}

}  // namespace

SaveResult
check_customer(const AttachedTable &table, const Key &key, const core::Request &request)
{
    const SaveResult result = result_of_check(Attempt{table, key, request, {}});
    statistics::count(result.outcome);
    return result;
}

}  // namespace crm
