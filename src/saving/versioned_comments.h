#pragma once

#include "../tables/key.h"

// The comments inserted with a base that are between their BEFORE and their AFTER trigger.
namespace crm {

// Notes that the comment passed its check.
void note_versioned_comment(Oid comments, const Key &key, std::int64_t comment_id, core::Timestamp base);

// Whether the comment is one that was noted, and notes it no longer.
bool take_versioned_comment(Oid comments, const Key &key, std::int64_t comment_id, core::Timestamp base);

}  // namespace crm
