#include "core/base_diagnosis.h"
#include "core/decision.h"
#include "core/message.h"
#include "core/text.h"
#include "core/timestamp.h"
#include "core/version.h"

// The core stands on its own: no header of PostgreSQL reaches it.
#if defined(PG_VERSION) || defined(PG_VERSION_NUM) || defined(POSTGRES_H) || defined(C_H)
#error "a header of PostgreSQL reached the core"
#endif
