#include "checker.h"

#include <algorithm>

#include <fmt/format.h>

namespace crm::hammer {

namespace {

constexpr std::string_view withdrawn_text = "[withdrawn]";

class CorrectionCheck : CustomerCheck
{
public:
    using CustomerCheck::CustomerCheck;

    void run()
    {
        for (auto edit = evidence_.edits.begin(); edit != evidence_.edits.end(); ++edit)
        {
            const auto next = std::next(edit);
            const bool is_last = next == evidence_.edits.end() || (*next)->comment != (*edit)->comment;
            const CommentRow *now = row_of((*edit)->comment);
            if (is_last && !now)
                report(Invariant::correction_leaves_a_trace, "a comment that was corrected is not there",
                       {to_text(**edit)});
            else
                check_trace({*edit, is_last ? now->body : (*next)->body});
        }
        for (const CommentRow *row : evidence_.unknown_comments)
            check_text(*row);
        for (const Attempt *attempt : evidence_.attempts)
            if (attempt->is_correction() && attempt->reply == Reply::answered)
                check_answer(*attempt);
    }

private:
    // A correction as the tables have it.
    struct Trace
    {
        const EditRow *edit;
        std::string text;  // what it made of the comment
    };

    static bool is_of(const Trace &trace, const Attempt &attempt)
    {
        const EditRow &edit = *trace.edit;
        if (attempt.corrected != edit.comment || attempt.author != edit.author)
            return false;
        return attempt.action == Action::edit
                   ? edit.operation == "edit" && attempt.text_seen == edit.body && attempt.new_text == trace.text
                   : edit.operation == "withdraw" && trace.text == withdrawn_text;
    }

    // 17: somebody asked for it, and was not told otherwise.
    void check_trace(const Trace &trace)
    {
        ++findings_.counts.corrected;
        traces_.push_back(trace);
        std::int64_t told = 0;
        bool may_be_made = false;
        std::vector<std::string> rows{to_text(*trace.edit)};
        for (const Attempt *attempt : evidence_.attempts)
        {
            if (!attempt->is_correction() || !is_of(trace, *attempt))
                continue;
            told += attempt->outcome == "updated";
            may_be_made |= attempt->outcome == "updated" || attempt->reply == Reply::in_doubt;
            rows.push_back(to_text(*attempt));
        }
        if (told > 1)
        {
            ++findings_.counts.twice;
            report(Invariant::nothing_twice, "a comment was corrected twice by one request", rows);
        }
        else if (!may_be_made)
            report(Invariant::correction_leaves_a_trace, "a comment was corrected by nobody who was told so", rows);
    }

    // 17: a comment that says what only a correction asked for.
    void check_text(const CommentRow &row)
    {
        for (const Attempt *attempt : evidence_.attempts)
            if (attempt->action == Action::edit && attempt->corrected == row.id &&
                attempt->new_text == (row.first_text.empty() ? row.body : row.first_text))
                return report(Invariant::correction_leaves_a_trace, "a correction has not kept what the comment said",
                              {to_text(row), to_text(*attempt)});
    }

    // 17: what was answered is what became of the comment.
    void check_answer(const Attempt &attempt)
    {
        const auto accuse = [&](std::string what) {
            report(Invariant::correction_leaves_a_trace, std::move(what), {to_text(attempt)});
        };
        const bool has_trace =
            std::any_of(traces_.begin(), traces_.end(), [&](const Trace &trace) { return is_of(trace, attempt); });
        const bool is_withdrawn = std::any_of(traces_.begin(), traces_.end(), [&](const Trace &trace) {
            return trace.edit->comment == attempt.corrected && trace.edit->operation == "withdraw";
        });
        const auto comment = evidence_.comment_rows.find(attempt.corrected);
        if (attempt.outcome == "updated" || attempt.outcome == "replayed")
        {
            if (!has_trace)
                accuse("a correction was acknowledged, and the comment says something else or has no earlier text");
        }
        else if (attempt.outcome == "conflict")
        {
            if (attempt.latest_text == attempt.text_seen)
                accuse("a correction was refused although the comment says what it expected");
        }
        else if (attempt.outcome == "gone")
        {
            if (!is_withdrawn)
                accuse("a comment was told to be withdrawn, and nobody withdrew it");
        }
        else if (attempt.outcome == "not_found")
        {
            const bool may_be_away = evidence_.may_have_been_absent(attempt) ||
                                     (comment != evidence_.comment_rows.end() && comment->second.front()->set_aside);
            if (!may_be_away)
                accuse("a comment was not found that is there");
        }
        else
            accuse(fmt::format("the outcome \"{}\" does not tell what became of a correction", attempt.outcome));
    }

    const CommentRow *row_of(std::int64_t comment) const
    {
        const auto rows = evidence_.comment_rows.find(comment);
        return rows == evidence_.comment_rows.end() ? nullptr : rows->second.front();
    }

    std::vector<Trace> traces_;
};

}  // namespace

void
check_corrections(const Evidence &evidence, Findings &findings)
{
    CorrectionCheck(evidence, findings).run();
}

}  // namespace crm::hammer
