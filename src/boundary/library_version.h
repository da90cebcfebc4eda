#pragma once

#include "pg.h"

namespace crm {

// The version of the library. The Makefile reads it from the control file.
inline constexpr const char *library_version = CppAsString2(CRM_VERSION);

// The versions of SQL objects that it works with beside its own: who installs a new library need not update at that
// moment.
inline constexpr const char *earlier_versions[] = {"1.0"};

// Raises 55000 where the SQL objects of this database are of a version that the library does not know.
void require_served_version();

}  // namespace crm
