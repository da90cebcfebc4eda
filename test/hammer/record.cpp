#include "record.h"

#include <ctime>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace crm::hammer {

namespace {

std::string
text_or_null(const std::optional<std::string> &text)
{
    return text ? fmt::format("'{}'", *text) : "NULL";
}

std::string
time_or_null(const std::optional<ServerTime> &time)
{
    return time ? to_text(*time) : "NULL";
}

std::string
number_or_null(const std::optional<std::int64_t> &number)
{
    return number ? fmt::format("{}", *number) : "NULL";
}

std::string
fields_text(const Values &fields)
{
    std::string all;
    for (const auto &[column, value] : fields)
        all += fmt::format(" {}={}", column, text_or_null(value));
    return all;
}

double
in_milliseconds(SteadyTime time)
{
    return static_cast<double>(time) / 1e6;
}

}  // namespace

std::string
to_text(ServerTime time)
{
    // Rounds towards the past, so that the microseconds stay positive.
    const std::int64_t second = (time >= 0 ? time : time - 999'999) / 1'000'000;
    return fmt::format("{:%FT%T}.{:06}Z", fmt::gmtime(static_cast<std::time_t>(second)), time - second * 1'000'000);
}

std::string_view
name(Action action)
{
    switch (action)
    {
        case Action::read:
            return "read";
        case Action::save:
            return "save";
        case Action::comment:
            return "comment";
        case Action::add_comment:
            return "add comment";
        case Action::update:
            return "update";
        case Action::insert:
            return "insert";
        case Action::remove:
            return "delete";
        case Action::lock:
            return "lock";
        case Action::unlock:
            return "unlock";
        case Action::remove_seen:
            return "checked delete";
        case Action::restore:
            return "restore";
        case Action::timeline:
            return "timeline";
        case Action::revert:
            return "revert";
        case Action::edit:
            return "edit comment";
        case Action::withdraw:
            return "withdraw comment";
        case Action::check:
            return "check";
        case Action::locate:
            return "partition";
        case Action::list_kept:
            return "list refused";
        case Action::resolve:
            return "resolve refused";
        case Action::discard:
            return "discard refused";
    }
    return {};
}

std::string
to_text(const Attempt &attempt)
{
    std::string asked;
    if (attempt.is_request() || attempt.action == Action::check)
        asked += fmt::format(" base={}{}", to_text(attempt.base), attempt.merge ? " merge" : "");
    if (attempt.action == Action::revert)
        asked += fmt::format(" version={}{}", to_text(attempt.reverted), attempt.is_whole ? " whole" : "");
    if (attempt.is_correction())
        asked += fmt::format(" comment_id={} expected_body={} body={}", attempt.corrected,
                             text_or_null(attempt.text_seen), text_or_null(attempt.new_text));
    if (attempt.is_forced)
        asked += " force";
    if (attempt.kept_save != 0)
        asked += fmt::format(" refused_id={} {}", attempt.kept_save, attempt.choices);
    if (!attempt.author.empty())
        asked += fmt::format(" author='{}'", attempt.author);
    if (attempt.status)
        asked += fmt::format(" status='{}'", *attempt.status);
    for (const auto &[column, value] : attempt.fields)
        asked += fmt::format(" {}='{}'", column, value);
    if (attempt.comment)
        asked += fmt::format(" comment='{}'", *attempt.comment);
    if (attempt.reply_to)
        asked += fmt::format(" reply_to={}", *attempt.reply_to);
    if (attempt.action == Action::lock)
        asked += fmt::format(" ttl={} ms", attempt.ttl / 1000);
    if (attempt.lock_id)
        asked += fmt::format(" lock_id={}", *attempt.lock_id);
    if (attempt.batch_size > 0)
        asked += fmt::format(" as {} of {}{}", attempt.batch_position, attempt.batch_size,
                             attempt.all_or_nothing ? ", all or nothing" : "");

    std::string answer;
    switch (attempt.reply)
    {
        case Reply::failed:
            answer = fmt::format("error {}: {}", attempt.sqlstate, attempt.error);
            break;
        case Reply::in_doubt:
            answer = fmt::format("no answer: {}", attempt.error);
            break;
        case Reply::answered:
            answer = fmt::format("{} status={} updated_at={} comment_id={}{}", attempt.outcome,
                                 text_or_null(attempt.answer_status), time_or_null(attempt.answer_version),
                                 number_or_null(attempt.answer_comment), fields_text(attempt.answer_fields));
            if (attempt.lock_expires_at)
                answer += fmt::format(" lock_id={} of '{}' until {}", attempt.answer_lock_id.value_or("unknown"),
                                      attempt.lock_holder.value_or(""), to_text(*attempt.lock_expires_at));
            if (attempt.clock)
                answer += fmt::format(" after {}", to_text(*attempt.clock));
            if (attempt.latest_text)
                answer += fmt::format(" text={}", text_or_null(attempt.latest_text));
            for (const std::string &column : attempt.superseded)
                answer += fmt::format(" superseded={}", column);
            if (attempt.answer_kept)
                answer += fmt::format(" refused_id={}", *attempt.answer_kept);
            if (!attempt.refused_items.empty())
                answer += fmt::format(" refused=[{}]", fmt::join(attempt.refused_items, ", "));
            if (attempt.replayed_version)
                answer += fmt::format(" request's version={}", to_text(*attempt.replayed_version));
            break;
    }
    return fmt::format("user {} sent {} of customer {}{} at {:.3f} ms, told {:.3f} ms later: {}", attempt.user,
                       name(attempt.action), attempt.customer, asked, in_milliseconds(attempt.sent),
                       in_milliseconds(attempt.answered - attempt.sent), answer);
}

std::string
to_text(const CustomerRow &row)
{
    return fmt::format("customers id={} status='{}'{} updated_at={}", row.id, row.status, fields_text(row.fields),
                       to_text(row.version));
}

std::string
to_text(const CommentRow &row)
{
    return fmt::format("comments customer_id={} id={} author='{}' body='{}' reply_to={} based_on={} save_refused={} "
                       "adopted_version={}{}{}{}",
                       row.customer, row.id, row.author, row.body, number_or_null(row.reply_to),
                       time_or_null(row.based_on), row.save_refused, time_or_null(row.adopted_version),
                       row.is_withdrawn ? " withdrawn" : "",
                       row.set_aside ? fmt::format(" set aside by {}", to_text(*row.set_aside)) : "",
                       row.first_text.empty() ? "" : fmt::format(" first text='{}'", row.first_text));
}

std::string
to_text(const HistoryRow &row)
{
    std::string fields;
    for (const auto &[column, change] : row.fields)
        fields += fmt::format(" {} {} -> {}", column, text_or_null(change.from), text_or_null(change.to));
    return fmt::format("history customer_id={} version={} previous={} based_on={} recorded_at={} {} author={} "
                       "status {} -> {}{} comment_id={} request={} transaction={}{}",
                       row.customer, to_text(row.version), time_or_null(row.previous), time_or_null(row.based_on),
                       to_text(row.recorded_at), row.operation, text_or_null(row.author), text_or_null(row.status_from),
                       text_or_null(row.status_to), fields, number_or_null(row.comment_id),
                       row.request.value_or("NULL"), row.transaction,
                       row.reverts ? fmt::format(" reverts={}", to_text(*row.reverts)) : "");
}

std::string
to_text(const EditRow &row)
{
    return fmt::format("comment_edits customer_id={} comment_id={} edited_at={} {} author='{}' body='{}'", row.customer,
                       row.comment, to_text(row.edited_at), row.operation, row.author, row.body);
}

std::string
to_text(const DeletedRow &row)
{
    return fmt::format("customer_deletions customer_id={} version={} status={}{}", row.customer, to_text(row.version),
                       text_or_null(row.status), fields_text(row.fields));
}

std::string
to_text(const KeptSave &row)
{
    return fmt::format("refused_saves customer_id={} id={} author='{}' status={}{} based_on={} times={} {}",
                       row.customer, row.id, row.author, text_or_null(row.status), fields_text(row.fields),
                       time_or_null(row.based_on), row.times,
                       row.ended_by ? fmt::format("ended by {}", *row.ended_by) : "waits");
}

}  // namespace crm::hammer
