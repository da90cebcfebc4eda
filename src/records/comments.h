#pragma once

#include "../boundary/json.h"
#include "../core/decision.h"
#include "../tables/attached_tables.h"
#include "../tables/key.h"

// Reading comments, and keeping those of refused saves once. The digest of a comment is comment_digest().
namespace crm {

// Raises 42501 unless the caller has the rights that the comment of a request needs.
void require_comment_rights(const AttachedTable &table, const core::Request &request);

// Waits until no other refused save with this comment is in flight, and keeps later ones waiting until unlock_comment().
LOCKTAG lock_kept_comment(const AttachedTable &table, const Key &key, const core::Request &request);

// Waits until no other import into these comments is in flight, and keeps later ones waiting until the transaction ends.
void lock_imports(const AttachedTable &table);

// Waits until no other refused save with this comment is in flight.
void await_kept_comment(const AttachedTable &table, const Key &key, const core::Request &request);

// A comment that a refused save left.
struct KeptComment
{
    std::int64_t id;
    std::optional<core::Timestamp> adopted_version = std::nullopt;  // the version of the save that took it over
};

// The comment that an earlier refusal of this save left, as the newest committed state has it.
std::optional<KeptComment> find_repeated_comment(const AttachedTable &table, const Key &key, Datum digest,
                                                 core::Timestamp base);

// find_repeated_comment() among those that a save took over.
std::optional<KeptComment> find_adopted_comment(const AttachedTable &table, const Key &key,
                                                const core::Request &request);

// A comment that had the words of this request first, from its base: what a save stored whose change the history may have no longer.
std::optional<std::int64_t> find_comment_of_base(const AttachedTable &table, const Key &key,
                                                 const core::Request &request);

// The comment of a refused save that a save which succeeds now takes over, as the newest committed state has it.
std::optional<std::int64_t> find_adoptable_comment(const AttachedTable &table, const Key &key,
                                                   const core::Request &request);

// Whether the customer has this comment, whatever the caller may see.
bool comment_exists(const AttachedTable &table, const Key &key, std::int64_t comment_id);

// Marks a kept comment as saved with this version, with the rights of the comments' owner. A save in progress must say
// that it adopts. Raises 40001 for a comment that the transaction's snapshot does not see.
void adopt_comment(const AttachedTable &table, const Key &key, std::int64_t comment_id, core::Timestamp version);

// Whether the caller may read the comments.
bool may_read_comments(const AttachedTable &table);

// What is shown of a comment.
struct Comment
{
    std::int64_t id;
    std::string_view body;
    std::string_view author;
    core::Timestamp created_at;
    std::optional<std::int64_t> reply_to;
    bool save_refused;
};

// The comment in a row of the latest result of SPI, which begins with these columns.
Comment comment_in_result(std::uint64_t row);

// What the row of a comment tells of its corrections: three columns of the latest result of SPI.
struct Corrections
{
    std::optional<core::Timestamp> edited_at;
    std::optional<std::string_view> edited_by;
    std::optional<core::Timestamp> withdrawn_at;
};
Corrections corrections_in_result(std::uint64_t row, int column);

// Adds them to an open object, as far as there are any.
void add_corrections(JsonBuilder &json, const Corrections &corrections);

// Adds a comment to an open object. In a list a long text is cut.
enum class CommentText
{
    whole,
    cut,
};
void add_comment_values(JsonBuilder &json, const Comment &comment, CommentText text);

// The latest comments created after a time, oldest first, at most 50 and without one of them, into the builder as an
// array; returns how many there are among the latest 1000 of the customer. As a snapshot shows them, with the caller's rights, which must suffice.
std::int64_t list_comments(const AttachedTable &table, const Key &key, core::Timestamp after,
                           std::optional<std::int64_t> except, Snapshot snapshot, JsonBuilder &json);

}  // namespace crm
