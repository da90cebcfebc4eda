#include "fresh_keys.h"

#include "../boundary/snapshot.h"
#include "../boundary/transaction.h"
#include "index_lookup.h"

namespace crm {

bool
is_fresh(FreshKeys &known, const AttachedTable &table, const Key &key, CommandId command)
{
    // A serializable transaction would come into conflict with all that insert greater keys.
    if (key.type != INT8OID || IsolationIsSerializable() || !can_look_up(table->history.index))
        return false;
    const std::int64_t number = DatumGetInt64(key.value);
    const bool is_of_command =
        known.history == table->history.oid && known.transaction == transaction_number() && known.command == command;
    if (is_of_command && (!known.from || *known.from <= number))
        return known.from.has_value();
    known = {table->history.oid, transaction_number(), command, std::nullopt};
    if (!has_from(table->history.oid, table->history.index, number, latest_snapshot()))
        known.from = number;
    return known.from.has_value();
}

}  // namespace crm
