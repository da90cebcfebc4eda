#include "../boundary/library_version.h"
#include "../boundary/guard.h"
#include "../boundary/spi.h"

CRM_FUNCTION(crm_concurrency_version)
{
    using namespace crm;

    return text_datum(library_version);
}
