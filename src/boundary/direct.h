#pragma once

#include "settings.h"

#include "pg.h"

namespace crm {

// Whether tables may be read and written without statements: not where another library asks of each statement what it
// reads and writes, as pgaudit and sepgsql do.
inline bool
may_go_direct()
{
    return settings::access_path() != settings::access_path_spi && ExecutorCheckPerms_hook == nullptr;
}

}  // namespace crm
