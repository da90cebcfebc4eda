#include "../boundary/transaction.h"
#include "../reading/reading.h"

#include "../boundary/guard.h"
#include "../boundary/role.h"
#include "arguments.h"
#include "results.h"

CRM_FUNCTION(crm_erase_customer)
{
    using namespace crm;

    require_writable("crm_erase_customer()");
    require_argument(fcinfo, 0, "id");
    const AttachedTable table = attached_by_search_path(extension_schema_of(fcinfo), Purpose::administer);
    const Key key = key_argument(fcinfo, 0, table);
    require_triggers(table);
    for (const Oid relation : {table->customers.oid, table->comments.oid, table->history.oid})
        require_ownership(relation);

    return in_spi([&](MemoryContext caller) { return copied_value(erase_customer(table, key), caller); });
}
