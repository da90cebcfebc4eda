#pragma once

#include "pg.h"

namespace crm {

// A jsonb value in the form in which it is stored, a datum. A container in it may be in that form already: it is copied.
Datum jsonb_datum(const JsonbValue &value);

}  // namespace crm
