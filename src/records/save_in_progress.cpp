#include "save_in_progress.h"

namespace crm {

SaveInProgress *innermost_save = nullptr;

int
current_trigger_depth()
{
    return DatumGetInt32(DirectFunctionCall1(pg_trigger_depth, static_cast<Datum>(0)));
}

SaveInProgress *
save_that_fired(const AttachedTable &table, const Key &key, Step step)
{
    SaveInProgress *save = innermost_save;
    if (save == nullptr || save->step != step || save->table->customers.oid != table->customers.oid ||
        save->trigger_depth + 1 != current_trigger_depth() || !same_key(save->key, key))
        return nullptr;
    return save;
}

}  // namespace crm
