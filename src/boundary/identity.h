#pragma once

#include "pg.h"

// The authenticated user, where crm_concurrency.author_setting says who that is.
namespace crm {

// Whether crm_concurrency.author_setting names a source.
bool has_identity_source();

// The name of the authenticated user; raises 28000 where the source has none.
std::string_view require_identity();

// The name of the authenticated user, or nothing where there is no source or it has none.
std::optional<std::string_view> find_identity();

}  // namespace crm
