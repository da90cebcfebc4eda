#pragma once

namespace crm {

// The version of the library, to be compared with that of the SQL objects.
inline constexpr const char *library_version = "1.0";

}  // namespace crm
