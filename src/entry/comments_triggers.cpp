#include "../boundary/clock.h"
#include "../boundary/errors.h"
#include "../boundary/guard.h"
#include "../boundary/role.h"
#include "../boundary/spi.h"
#include "../core/version.h"
#include "../records/comment_stamps.h"
#include "../records/deletions.h"
#include "../records/events.h"
#include "../records/history.h"
#include "../records/save_in_progress.h"
#include "../saving/access_path.h"
#include "../saving/saving.h"
#include "arguments.h"
#include "triggers.h"

namespace crm {

namespace {

// A row of the comments table that a trigger was fired for.
struct CommentRow
{
    const AttachedTable &table;
    HeapTuple row;
    TupleDesc columns;

    std::optional<Datum> value(AttrNumber column) const
    {
        bool is_null;
        const Datum datum = heap_getattr(row, column, columns, &is_null);
        if (is_null)
            return std::nullopt;
        return datum;
    }

    std::optional<std::string_view> text(AttrNumber column) const
    {
        const std::optional<Datum> datum = value(column);
        if (!datum)
            return std::nullopt;
        return text_of(*datum);
    }

    std::optional<core::Timestamp> time(AttrNumber column) const
    {
        const std::optional<Datum> datum = value(column);
        if (!datum)
            return std::nullopt;
        return core::Timestamp{DatumGetTimestampTz(*datum)};
    }
};

// The columns that the trigger sets in a new row.
struct NewValues
{
    static constexpr int count = 10;
    int columns[count];
    Datum values[count];
    bool nulls[count];
    int used = 0;

    void set(AttrNumber column, std::optional<Datum> value)
    {
        columns[used] = column;
        values[used] = value.value_or(static_cast<Datum>(0));
        nulls[used++] = !value;
    }

    void set(const Comments &comments, const CommentStamps &stamps)
    {
        each_stamp(comments, stamps, [this](AttrNumber column, std::optional<Datum> value) { set(column, value); });
        for (const CompanionColumn<CommentsFacts> &column : later_comments_columns)
            if (comments.*column.number != InvalidAttrNumber)
                set(comments.*column.number, std::nullopt);
    }
};

core::Request
request_of(const CommentRow &comment, core::Timestamp base, std::string_view author)
{
    core::Request request = {};
    request.base = base;
    request.comment = comment.text(comment.table->comments.body);
    request.author = author;
    return request;
}

// The time of the past that the owner gives a comment. One since the statement began is that of the column's default.
std::optional<core::Timestamp>
time_of_past(const CommentRow &comment)
{
    const std::optional<core::Timestamp> given = comment.time(comment.table->comments.created_at);
    if (!given || given->us >= GetCurrentStatementStartTimestamp() || !caller_owns(comment.table->comments.oid))
        return std::nullopt;
    return given;
}

// Whether the owner adds a comment of the past, whose author is not the one who adds it.
bool
is_import(const CommentRow &comment)
{
    return !comment.time(comment.table->comments.expected_ts) && comment.text(comment.table->comments.author) &&
           time_of_past(comment);
}

// Who wrote the comment; a missing name is filled in where the authenticated user is known.
std::string_view
author_of(const CommentRow &comment, NewValues &set)
{
    const std::optional<std::string_view> given = comment.text(comment.table->comments.author);
    const std::string_view author =
        is_import(comment) ? require_text(given, "author", "Pass the name of the person who wrote the comment.")
                           : require_author(given);
    if (!given)
        set.set(comment.table->comments.author, text_datum(author));
    return author;
}

// What only the extension knows is kept from the owner alone, who restores and imports.
void
set_plain(const CommentRow &comment, NewValues &set)
{
    if (!caller_owns(comment.table->comments.oid))
        set.set(comment.table->comments, {.created_at = clock_now()});
    else if (!time_of_past(comment))
        set.set(comment.table->comments.created_at, TimestampTzGetDatum(clock_now().us));
}

// Whether a restoration brings the comment back as it was; its event was sent when it was written.
bool
is_restored(const CommentRow &comment)
{
    const std::optional<Datum> customer = comment.value(comment.table->comments.customer_id);
    return innermost_save != nullptr && customer &&
           save_that_fired(comment.table, stored_reference(comment.table, *customer), Step::restore_comments) !=
               nullptr;
}

HeapTuple
before_insert(const CommentRow &comment)
{
    const AttachedTable &table = comment.table;
    NewValues set;
    const std::string_view author = author_of(comment, set);
    check_comment_length(require_text(comment.text(table->comments.body), "body", "Pass the text of the comment."));

    if (const std::optional<core::Timestamp> created_at = comment.time(table->comments.created_at);
        created_at && !core::is_possible_version(*created_at))
        ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
                        errmsg("created_at of a comment in \"%s\" must be a time of the years 1 to 9999",
                               errors::name_of(table->comments.oid)),
                        errdetail("Beyond them, ISO 8601 and the text form of comments end. Nothing was stored."),
                        errhint("Leave it out for the time of now, or give the time when the comment was written.")));

    const std::optional<Datum> customer = comment.value(table->comments.customer_id);
    const std::optional<Datum> id = comment.value(table->comments.id);
    if (!customer || !id)
        return comment.row;  // the NOT NULL constraints tell
    const Key key = stored_reference(table, *customer);

    if (const SaveInProgress *save = save_that_fired(table, key, Step::insert_comment))
        set.set(table->comments, stamps_of(*save));
    else if (SaveInProgress *added = save_that_fired(table, key, Step::add_comment))
    {
        set.set(table->comments, stamps_of(*added));
        added->comment_id = DatumGetInt64(*id);
        added->step = Step::none;
    }
    else if (const std::optional<core::Timestamp> base = comment.time(table->comments.expected_ts))
    {
        check_versioned_comment(table, key, request_of(comment, *base, author));
        note_versioned_comment(table->comments.oid, key, DatumGetInt64(*id), *base);
        set.set(table->comments, {.created_at = clock_now(), .based_on = base});
    }
    else
        set_plain(comment, set);
    return heap_modify_tuple_by_cols(comment.row, comment.columns, set.used, set.columns, set.values, set.nulls);
}

void
after_insert(const CommentRow &comment)
{
    const AttachedTable &table = comment.table;
    const Key key = stored_reference(table, *comment.value(table->comments.customer_id));
    const std::int64_t id = DatumGetInt64(*comment.value(table->comments.id));
    const std::optional<core::Timestamp> base = comment.time(table->comments.based_on);

    send_comment_event(table, key, id);
    if (SaveInProgress *save = save_that_fired(table, key, Step::insert_comment))
    {
        save->comment_id = id;
        save->step = Step::none;
    }
    else if (base && take_versioned_comment(table->comments.oid, key, id, *base))
        apply_versioned_comment(table, key, request_of(comment, *base, *comment.text(table->comments.author)), id);
}

// A CASCADE deletes comments after the trigger of their customer has recorded its deletion.
void
after_delete(const CommentRow &comment)
{
    const AttachedTable &table = comment.table;
    const Key key = stored_reference(table, *comment.value(table->comments.customer_id));
    const std::optional<ChainHead> head = chain_head(table, key);
    if (head && head->is_delete)
        set_comment_aside(table, key, head->version, DatumGetInt64(*comment.value(table->comments.id)), comment.columns,
                          comment.row);
}

[[noreturn]] void
refuse_change(const AttachedTable &table, const char *command)
{
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("cannot %s comments of table \"%s\"", command, errors::name_of(table->comments.oid)),
                    errdetail("Comments are append-only; they go only with their customer."),
                    errhint("Correct or withdraw a comment with crm_edit_comment() or crm_withdraw_comment(). Columns "
                            "of your own can be updated by themselves.")));
}

// Whether two rows have the same in a column. What was not given a value has the same bytes in both, also where these only
// point to a text that is stored elsewhere.
bool
same_value(const CommentRow &was, const CommentRow &is, AttrNumber column)
{
    const std::optional<Datum> before = was.value(column);
    const std::optional<Datum> after = is.value(column);
    if (!before || !after)
        return !before && !after;
    const FormData_pg_attribute *type = TupleDescAttr(was.columns, column - 1);
    return datumIsEqual(*before, *after, type->attbyval, type->attlen) ||
           datum_image_eq(*before, *after, type->attbyval, type->attlen);
}

// Whether an update changes none of the extension's columns.
bool
leaves_own_columns(const CommentRow &was, const CommentRow &is)
{
    const Comments &comments = was.table->comments;
    bool is_same = true;
    for (const CompanionColumn<CommentsFacts> &column : comments_columns)
        is_same = is_same && same_value(was, is, comments.*column.number);
    for (const CompanionColumn<CommentsFacts> &column : later_comments_columns)
        is_same =
            is_same && (comments.*column.number == InvalidAttrNumber || same_value(was, is, comments.*column.number));
    return is_same;
}

void
check_update(const CommentRow &was, const CommentRow &is)
{
    const AttachedTable &table = was.table;
    const Key key = stored_reference(table, *was.value(table->comments.customer_id));
    if (save_that_fired(table, key, Step::erase_comments))
        return;
    for (const Step step : {Step::adopt_comment, Step::correct_comment})
        if (SaveInProgress *save = save_that_fired(table, key, step);
            save != nullptr && DatumGetInt64(*was.value(table->comments.id)) == *save->comment_id)
        {
            save->step = Step::none;
            return;
        }
    if (!leaves_own_columns(was, is))
        refuse_change(table, "update");
}

void
check_delete(const CommentRow &comment)
{
    const AttachedTable &table = comment.table;
    if (customer_exists(table, stored_reference(table, *comment.value(table->comments.customer_id))))
        refuse_change(table, "delete");
}

}  // namespace

}  // namespace crm

CRM_FUNCTION(crm_comments_guard)
{
    using namespace crm;

    TriggerData *data = require_row_trigger(fcinfo, Timing::before, "crm_comments_guard",
                                            "BEFORE INSERT OR UPDATE OR DELETE, for each row");
    const std::optional<AttachedTable> table = attached_or_restoring(fcinfo, data, Part::comments);
    if (!table)
        return PointerGetDatum(data->tg_trigtuple);
    const CommentRow comment = {*table, data->tg_trigtuple, RelationGetDescr(data->tg_relation)};

    HeapTuple result = in_spi([&](MemoryContext caller) -> HeapTuple {
        if (TRIGGER_FIRED_BY_UPDATE(data->tg_event))
        {
            check_update(comment, {*table, data->tg_newtuple, comment.columns});
            return data->tg_newtuple;
        }
        if (TRIGGER_FIRED_BY_DELETE(data->tg_event))
        {
            check_delete(comment);
            return comment.row;
        }
        HeapTuple stamped = is_restored(comment) ? comment.row : before_insert(comment);
        return stamped == comment.row ? stamped : made_in(caller, [stamped] { return heap_copytuple(stamped); });
    });
    return PointerGetDatum(result);
}

CRM_FUNCTION(crm_comments_deleted)
{
    using namespace crm;

    constexpr const char *expected = "AFTER DELETE, for each row";
    TriggerData *data = require_row_trigger(fcinfo, Timing::after, "crm_comments_deleted", expected);
    if (!TRIGGER_FIRED_BY_DELETE(data->tg_event))
        errors::misused_trigger("crm_comments_deleted", expected);
    const std::optional<AttachedTable> table = attached_or_restoring(fcinfo, data, Part::comments);
    const CommentRow comment = {*table, data->tg_trigtuple, RelationGetDescr(data->tg_relation)};
    in_spi([&](MemoryContext) { after_delete(comment); });
    return static_cast<Datum>(0);
}

CRM_FUNCTION(crm_comments_version)
{
    using namespace crm;

    constexpr const char *expected = "AFTER INSERT, for each row";
    TriggerData *data = require_row_trigger(fcinfo, Timing::after, "crm_comments_version", expected);
    if (!TRIGGER_FIRED_BY_INSERT(data->tg_event))
        errors::misused_trigger("crm_comments_version", expected);
    if (const std::optional<AttachedTable> table = attached_or_restoring(fcinfo, data, Part::comments))
    {
        const CommentRow comment = {*table, data->tg_trigtuple, RelationGetDescr(data->tg_relation)};
        in_spi([&](MemoryContext) {
            if (!is_restored(comment))
                after_insert(comment);
        });
    }
    return static_cast<Datum>(0);
}
