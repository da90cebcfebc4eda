#pragma once

#include "../tables/attached_tables.h"
#include "../tables/key.h"

// Comments as one text, in the form of core/comment_text.h. Times in it are those of a time zone.
namespace crm {

// The comments of a customer that the caller may read, oldest first.
Datum export_comments(const AttachedTable &table, const Key &key, Datum time_zone);

// Stores the comments of a text that are not there yet, and returns how many. The caller must own the comments; the
// customer must be there.
std::int64_t import_comments(const AttachedTable &table, const Key &key, std::string_view text, Datum time_zone);

}  // namespace crm
