#include "story.h"

#include <algorithm>

namespace crm::hammer {

Attempt &
Story::add(Attempt attempt)
{
    attempt.customer = customer;
    attempt.user = 1;
    attempt.sent = clock += 10;
    attempt.answered = clock += 10;
    log.push_back(attempt);
    return log.back();
}

Attempt &
Story::save(ServerTime base, std::optional<std::string> status, std::optional<std::string> comment)
{
    Attempt attempt;
    attempt.action = Action::save;
    attempt.base = base;
    attempt.status = std::move(status);
    attempt.comment = std::move(comment);
    attempt.author = "ana";
    return add(attempt);
}

Attempt &
Story::plain(Action action, std::optional<std::string> status)
{
    Attempt attempt;
    attempt.action = action;
    attempt.status = std::move(status);
    return add(attempt);
}

bool
Story::breaks(Invariant invariant) const
{
    const auto violations = check(log, tables).violations;
    return std::any_of(violations.begin(), violations.end(),
                       [&](const Violation &v) { return v.invariant == invariant; });
}

std::string
Story::all_violations() const
{
    std::string all;
    for (const Violation &v : check(log, tables).violations)
        all += std::to_string(static_cast<int>(v.invariant)) + " " + v.what + "\n";
    return all;
}

void
tell(Attempt &attempt, std::string outcome, std::optional<std::string> status, std::optional<ServerTime> version,
     std::optional<std::int64_t> comment)
{
    attempt.reply = Reply::answered;
    attempt.outcome = std::move(outcome);
    attempt.answer_status = std::move(status);
    attempt.answer_version = version;
    attempt.answer_comment = comment;
}

HistoryRow
plain_row(std::string operation, ServerTime version, std::optional<ServerTime> previous,
          std::optional<std::string> status_from, std::optional<std::string> status_to)
{
    return {.customer = customer,
            .version = version,
            .previous = previous,
            .operation = std::move(operation),
            .status_from = std::move(status_from),
            .status_to = std::move(status_to),
            .recorded_at = version};
}

HistoryRow
save_row(ServerTime version, ServerTime base, std::string status_from, std::string status_to,
         std::optional<std::int64_t> comment, std::string request)
{
    return {.customer = customer,
            .version = version,
            .previous = base,
            .based_on = base,
            .operation = "update",
            .author = "ana",
            .status_from = std::move(status_from),
            .status_to = std::move(status_to),
            .comment_id = comment,
            .request = std::move(request),
            .recorded_at = version};
}

Story
refused_then_landed()
{
    Story story;
    tell(story.plain(Action::insert, "new"), "done", "new", created);
    tell(story.plain(Action::update, "called"), "done", "called", created + ms);
    tell(story.save(created, "won", "signed"), "conflict", "called", created + ms, 5);
    tell(story.save(created + ms, "won", "signed"), "updated", "won", created + 2 * ms, 5);

    story.tables.customers = {{customer, "won", {}, created + 2 * ms}};
    story.tables.history = {
        plain_row("insert", created, {}, {}, "new"),
        plain_row("update", created + ms, created, "new", "called"),
        save_row(created + 2 * ms, created + ms, "called", "won", 5, "r1"),
    };
    story.tables.comments = {{customer, 5, "ana", "signed", created, false, created + 2 * ms}};
    return story;
}

Story
refused()
{
    Story story = refused_then_landed();
    story.log.pop_back();
    story.tables.history.pop_back();
    story.tables.customers[0].status = "called";
    story.tables.customers[0].version = created + ms;
    story.tables.comments[0].save_refused = true;
    story.tables.comments[0].adopted_version.reset();
    return story;
}

Story
brought_back()
{
    Story story = refused_then_landed();
    tell(story.plain(Action::remove, {}), "done", "won", created + 2 * ms);
    tell(story.plain(Action::read, {}), "none", {}, {});
    tell(story.plain(Action::insert, "back"), "done", "back", created + 4 * ms);

    story.tables.customers = {{customer, "back", {}, created + 4 * ms}};
    story.tables.comments.clear();
    story.tables.history.push_back(plain_row("delete", created + 3 * ms, created + 2 * ms, "won", {}));
    story.tables.history.push_back(plain_row("insert", created + 4 * ms, created + 3 * ms, {}, "back"));
    return story;
}

}  // namespace crm::hammer
