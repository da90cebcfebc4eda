#include "saving.h"

#include "../boundary/clock.h"
#include "../boundary/errors.h"
#include "../boundary/guard.h"
#include "../boundary/role.h"
#include "../boundary/transaction.h"
#include "../records/comments.h"
#include "../records/events.h"
#include "../records/save_in_progress.h"
#include "../tables/statements.h"
#include "access_path.h"

namespace crm {

namespace {

// What a withdrawn comment says. Its place in the thread stays.
constexpr std::string_view withdrawn_text = "[withdrawn]";

constexpr SqlStatement select_visible{"SELECT 1 FROM {comments} WHERE customer_id OPERATOR(pg_catalog.=) $1 "
                                      "AND id OPERATOR(pg_catalog.=) $2",
                                      As::reader, Part::comments};

// Corrections of one comment wait for each other on its row.
constexpr SqlStatement select_locked{"SELECT author, body, {corrections} FROM {comments} "
                                     "WHERE customer_id OPERATOR(pg_catalog.=) $1 AND id OPERATOR(pg_catalog.=) $2 "
                                     "FOR NO KEY UPDATE",
                                     As::owner, Part::comments};

// When the comment was corrected last, and whether it was corrected so before. Texts are compared byte by byte.
constexpr SqlStatement select_made{
    "SELECT pg_catalog.max(edited_at), pg_catalog.bool_or(operation OPERATOR(pg_catalog.=) $3 "
    "AND author COLLATE pg_catalog.\"C\" OPERATOR(pg_catalog.=) $4 AND ($5::pg_catalog.text IS NULL "
    "OR (body COLLATE pg_catalog.\"C\" OPERATOR(pg_catalog.=) $5 "
    "AND after COLLATE pg_catalog.\"C\" OPERATOR(pg_catalog.=) $6))) "
    "FROM (SELECT edited_at, operation, author, body, pg_catalog.lead(body, 1, $7) OVER (ORDER BY edited_at) AS after "
    "FROM {comment_edits} WHERE customer_id OPERATOR(pg_catalog.=) $1 AND comment_id OPERATOR(pg_catalog.=) $2) e",
    As::owner, Part::comment_edits};

constexpr SqlStatement insert_edit{
    "INSERT INTO {comment_edits} (customer_id, comment_id, edited_at, operation, author, db_user, body, reason) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    As::owner, Part::comment_edits};

// What a refused save left and its author withdrew is not adopted.
constexpr SqlStatement update_text{
    "UPDATE {comments} SET body = $3, edited_at = $4, edited_by = $5, withdrawn_at = $6, "
    "refused_request = CASE WHEN $6 IS NULL OR adopted_version IS NOT NULL THEN refused_request END "
    "WHERE customer_id OPERATOR(pg_catalog.=) $1 AND id OPERATOR(pg_catalog.=) $2",
    As::owner, Part::comments};

struct LockedComment
{
    std::string_view author;
    std::string_view body;
    Corrections corrections;
};

struct Made
{
    std::optional<core::Timestamp> last;  // when the comment was corrected last
    bool is_made;
};

// Moderators correct the comments of others: in PostgreSQL's own terms, who may change the text.
bool
may_moderate(const AttachedTable &table)
{
    return caller_owns(table->comments.oid) || has_column_right(table->comments.oid, table->comments.body, ACL_UPDATE);
}

// Who may not read the comments has no text to correct, and who may add none has none of their own.
void
require_correction_rights(const AttachedTable &table)
{
    const Comments &comments = table->comments;
    if (!may_name(comments.oid))
        deny_schema(get_rel_namespace(comments.oid), ACL_USAGE);
    require_column_rights(comments.oid, {comments.customer_id, comments.id, comments.author, comments.body},
                          ACL_SELECT);
    if (!may_moderate(table))
        require_column_rights(comments.oid, {comments.customer_id, comments.author, comments.body}, ACL_INSERT);
}

Arguments
arguments_of(const Key &key, std::int64_t comment_id)
{
    Arguments arguments = crm::arguments_of(key);
    arguments.add(std::optional{comment_id});
    return arguments;
}

// Whether the policies that apply to the caller, if any do, show the comment.
bool
is_visible(const AttachedTable &table, const Key &key, std::int64_t comment_id)
{
    if (is_under_row_security(table->customers.oid) && !access_path(table).fetch(table, key))
        return false;
    if (!is_under_row_security(table->comments.oid))
        return true;
    const std::uint64_t rows = execute(table, select_visible, arguments_of(key, comment_id));
    return rows > 0;
}

std::optional<LockedComment>
lock_comment(const AttachedTable &table, const Key &key, std::int64_t comment_id)
{
    if (!is_visible(table, key, comment_id))
        return std::nullopt;
    const std::uint64_t rows = execute(table, select_locked, arguments_of(key, comment_id));
    if (rows == 0)
        return std::nullopt;
    return LockedComment{result_text(0, 0), result_text(0, 1), corrections_in_result(0, 2)};
}

Made
find_made(const AttachedTable &table, const Key &key, const CorrectionRequest &request, const LockedComment &comment)
{
    Arguments arguments = arguments_of(key, request.comment_id);
    arguments.add(core::name(request.correction));
    arguments.add(request.author);
    arguments.add(request.expected_body);
    arguments.add(request.body);
    arguments.add(comment.body);
    execute(table, select_made, arguments);
    return {result_optional(result_time, 0, 0), result_optional(result_boolean, 0, 1).value_or(false)};
}

void
require_own(const AttachedTable &table, const Key &key, const CorrectionRequest &request, const LockedComment &comment)
{
    if (comment.author == request.author || may_moderate(table))
        return;
    ereport(ERROR,
            (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
             errmsg("comment %lld of %s is not yours", static_cast<long long>(request.comment_id),
                    row_name(table, key).data()),
             errdetail("Another author wrote it. Nothing was changed."),
             errhint("Answer it with a comment of your own. Who may change the comments of others has UPDATE on column "
                     "\"body\" of table \"%s\".",
                     errors::name_of(table->comments.oid))));
}

void
write_correction(const AttachedTable &table, const Key &key, const CorrectionRequest &request,
                 const LockedComment &comment, std::optional<core::Timestamp> last)
{
    const bool is_edit = request.correction == core::Correction::edit;
    core::Timestamp now = clock_now();
    if (last && *last >= now)
        now = core::shifted(*last, 1);

    Arguments edit = arguments_of(key, request.comment_id);
    edit.add(now);
    edit.add(core::name(request.correction));
    edit.add(request.author);
    edit.add(std::string_view{GetUserNameFromId(GetSessionUserId(), false)});
    edit.add(comment.body);
    edit.add(request.reason);
    if (const std::uint64_t rows = execute(table, insert_edit, edit); rows != 1)
        errors::write_suppressed(table->comment_edits.oid, key_text(key));

    Arguments text = arguments_of(key, request.comment_id);
    text.add(is_edit ? *request.body : withdrawn_text);
    text.add(now);
    text.add(request.author);
    text.add(is_edit ? std::nullopt : std::optional{now});
    SaveInProgress progress = {};
    progress.table = table;
    progress.key = key;
    progress.step = Step::correct_comment;
    progress.comment_id = request.comment_id;
    with_save_in_progress(progress, [&] {
        const std::uint64_t rows = execute(table, update_text, text);
        if (rows != 1 || progress.step != Step::none)
            errors::write_suppressed(table->comments.oid, key_text(key));
    });
    send_comment_event(table, key, request.comment_id, core::name(request.correction));
}

// What is there, for who did not get their way.
Datum
detail_of(const LockedComment &comment)
{
    JsonBuilder json;
    json.open_object();
    json.key("text");
    json.text(comment.body);
    json.key("author");
    json.text(comment.author);
    add_corrections(json, comment.corrections);
    json.close_object();
    return json.finish();
}

}  // namespace

CorrectionResult
correct_comment(const AttachedTable &table, const Key &key, const CorrectionRequest &request)
{
    require_correction_rights(table);
    require_corrections(table);
    const std::optional<LockedComment> comment = lock_comment(table, key, request.comment_id);
    core::CorrectionSituation situation = {};
    Made made = {};
    if (comment)
    {
        require_own(table, key, request, *comment);
        made = find_made(table, key, request, *comment);
        situation = {.is_there = true,
                     .is_withdrawn = comment->corrections.withdrawn_at.has_value(),
                     .has_expected_text = !request.expected_body || *request.expected_body == comment->body,
                     .changes_text = !request.body || *request.body != comment->body,
                     .is_made = made.is_made};
    }
    const core::CorrectionOutcome outcome = core::decide(situation);
    CorrectionResult result = {.outcome = outcome};
    switch (outcome)
    {
        case core::CorrectionOutcome::updated:
            write_correction(table, key, request, *comment, made.last);
            break;
        case core::CorrectionOutcome::replayed:
        case core::CorrectionOutcome::conflict:
        case core::CorrectionOutcome::gone:
            result.detail = detail_of(*comment);
            [[fallthrough]];
        case core::CorrectionOutcome::unchanged:
            await_standbys_at_commit();
            break;
        case core::CorrectionOutcome::not_found:
            break;
    }
    const std::string_view row = row_name(table, key);
    result.message =
        guarded_text([&] { return core::correction_message(outcome, request.correction, row, request.comment_id); });
    return result;
}

}  // namespace crm
