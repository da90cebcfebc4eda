#include "record.h"

#include <ctime>

#include <fmt/chrono.h>
#include <fmt/format.h>

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

double
milliseconds(SteadyTime time)
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
    }
    return {};
}

std::string
to_text(const Attempt &attempt)
{
    std::string asked;
    if (attempt.action == Action::save)
        asked += fmt::format(" base={} author='{}'", to_text(attempt.base), attempt.author);
    if (attempt.merge)
        asked += " merge";
    if (attempt.action == Action::lock)
        asked += fmt::format(" ttl={} ms", attempt.ttl_ms);
    if (attempt.action == Action::comment || attempt.action == Action::lock)
        asked += fmt::format(" author='{}'", attempt.author);
    if (attempt.status)
        asked += fmt::format(" status='{}'", *attempt.status);
    if (attempt.phone)
        asked += fmt::format(" phone='{}'", *attempt.phone);
    if (attempt.comment)
        asked += fmt::format(" comment='{}'", *attempt.comment);

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
            answer = fmt::format("{} status={} updated_at={} comment_id={}", attempt.outcome,
                                 text_or_null(attempt.answer_status), time_or_null(attempt.answer_version),
                                 number_or_null(attempt.answer_comment));
            if (attempt.expires_at)
                answer += fmt::format(" expires_at={}", to_text(*attempt.expires_at));
            if (attempt.replayed_version)
                answer += fmt::format(" request's version={}", to_text(*attempt.replayed_version));
            break;
    }
    return fmt::format("user {} sent {} of customer {}{} at {:.3f} ms, told {:.3f} ms later: {}", attempt.user,
                       name(attempt.action), attempt.customer, asked, milliseconds(attempt.sent),
                       milliseconds(attempt.answered - attempt.sent), answer);
}

std::string
to_text(const CustomerRow &row)
{
    return fmt::format("customers id={} status='{}' phone={} updated_at={}", row.id, row.status,
                       text_or_null(row.phone), to_text(row.version));
}

std::string
to_text(const CommentRow &row)
{
    return fmt::format("comments customer_id={} id={} author='{}' body='{}' based_on={} save_refused={} "
                       "adopted_version={}",
                       row.customer, row.id, row.author, row.body, time_or_null(row.based_on), row.save_refused,
                       time_or_null(row.adopted_version));
}

std::string
to_text(const HistoryRow &row)
{
    return fmt::format("history customer_id={} version={} previous={} based_on={} {} author={} status {} -> {} "
                       "phone_to={} comment_id={} request={} recorded_at={}",
                       row.customer, to_text(row.version), time_or_null(row.previous), time_or_null(row.based_on),
                       row.operation, text_or_null(row.author), text_or_null(row.status_from),
                       text_or_null(row.status_to), text_or_null(row.phone_to), number_or_null(row.comment_id),
                       row.request.value_or("NULL"), to_text(row.recorded_at));
}

}  // namespace crm::hammer
