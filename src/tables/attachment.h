#pragma once

#include "../boundary/pg.h"
#include "own_triggers.h"

// Attaching customers tables: the tables that belong to them, the triggers that guard them, the registry. SPI must be
// connected, and pg_catalog alone in the search_path.
namespace crm {

// What crm_attach() is asked.
struct AttachRequest
{
    Oid customers;
    const char *status_column;  // nullptr: it has none
    const char *version_column;
    const char *companions_schema;  // nullptr: where the existing ones are, or that of the customers
    // Names in this schema; nullptr: the existing ones, or <customers>_comments and so on.
    const char *comments;
    const char *history;
    const char *locks;
    const char *deletions;
    const char *comment_edits;
    const char *refused_saves;
    const char *comments_column;  // or nullptr
    bool refuses_plain_updates;
    std::optional<Datum> merge_groups;  // jsonb; none: as they are
    std::optional<Datum> also_bump;     // likewise
    bool as_customers;                  // calls that name no table are to find it, in place of another of its schema
};

// The default of a version column: what plain INSERTs go on with when the triggers that give versions are gone.
inline constexpr SqlTemplate default_version = "date_trunc('milliseconds', clock_timestamp())";

// The default of the time of a comment, likewise.
inline constexpr SqlTemplate default_created_at = "clock_timestamp()";

// The comment on a version column that the extension has made.
inline constexpr const char *version_comment =
    "the version of the row, set by trigger: what the next save sends as expected_ts";

// Attaches the table, or makes what is missing of an attachment. The caller must own it. Raises what is wrong with the
// table or the request, and changes nothing then.
void attach(const AttachRequest &request, Oid extension_schema);

// Drops the triggers and forgets the attachment; all tables and their rows stay, and go on taking plain INSERTs.
void detach(Oid customers, Oid extension_schema);

// The columns of a table that can be attached.
struct AttachableColumns
{
    AttrNumber key;
    AttrNumber status;
    AttrNumber version;  // invalid when the column is to be added
};

// Checks that a table can be attached as it is, and raises the reason where it cannot.
AttachableColumns require_attachable(const AttachRequest &request);

// Raises when a BEFORE row trigger of the relation fires after this one of ours.
void require_fires_last(Oid relation, const OwnTrigger &own);

}  // namespace crm
