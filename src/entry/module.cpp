#include "../boundary/library_version.h"
#include "../boundary/pg.h"
#include "../boundary/settings.h"
#include "../boundary/statistics.h"
#include "../boundary/transaction.h"
#include "../records/gathered_changes.h"
#include "../tables/registry.h"

extern "C" {

CRM_MODULE_MAGIC("crm_concurrency", crm::library_version);

PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
    crm::settings::define();
    crm::statistics::request();
    crm::watch_transactions();
    crm::watch_registry();
    crm::watch_gathered_changes();
}
}
