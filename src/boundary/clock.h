#pragma once

#include "../core/timestamp.h"
#include "pg.h"

namespace crm {

// The server's clock, now; not the time at which the transaction began.
inline core::Timestamp
clock_now()
{
    return {GetCurrentTimestamp()};
}

}  // namespace crm
