#include "../boundary/library_version.h"
#include "../boundary/pg.h"
#include "../boundary/settings.h"
#include "../boundary/statistics.h"
#include "../boundary/transaction.h"
#include "../tables/registry.h"

extern "C" {

#ifdef PG_MODULE_MAGIC_EXT
PG_MODULE_MAGIC_EXT(.name = "crm_concurrency", .version = crm::library_version);
#else
PG_MODULE_MAGIC;
#endif

PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
    crm::settings::define();
    crm::statistics::request();
    crm::watch_transactions();
    crm::watch_registry();
}
}
