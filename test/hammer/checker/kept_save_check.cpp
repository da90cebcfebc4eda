#include "checker.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

namespace crm::hammer {

namespace {

// What makes two refused saves the same one, whatever version they were sent from.
using Identity = std::tuple<std::string, std::optional<std::string>, std::map<std::string, std::string>,
                            std::optional<std::string>, std::optional<std::int64_t>>;

Identity
identity_of(const Attempt &save)
{
    return {save.author, save.status, save.fields, save.comment, save.reply_to};
}

// The refusals of one save, as far as they are known.
struct Refusals
{
    std::vector<const Attempt *> told;
    std::vector<const Attempt *> in_doubt;
    std::set<ServerTime> bases;  // of both
};

bool
asks_for(const Attempt &save, const KeptSave &kept)
{
    return save.author == kept.author && save.status == kept.status && save.fields.size() == kept.fields.size() &&
           std::all_of(kept.fields.begin(), kept.fields.end(), [&](const auto &field) {
               const auto mine = save.fields.find(field.first);
               return mine != save.fields.end() && field.second == mine->second;
           });
}

class KeptSaveCheck : CustomerCheck
{
public:
    using CustomerCheck::CustomerCheck;

    void run()
    {
        if (!evidence_.keeps_refused)
            return;
        findings_.counts.kept += static_cast<std::int64_t>(evidence_.kept.size());
        gather();
        for (const auto &[identity, refusals] : refusals_)
            check_refusals(refusals);
        for (const KeptSave *kept : evidence_.kept)
        {
            check_kept(*kept);
            check_not_applied(*kept);
        }
        for (const Attempt *attempt : evidence_.attempts)
            if (attempt->reply == Reply::answered)
                check_answer(*attempt);
    }

private:
    // 20: what is refused of a session that keeps it is told under which number, and nothing else is.
    void gather()
    {
        for (const Attempt *attempt : evidence_.attempts)
        {
            const bool may_be_kept = attempt->action == Action::save && attempt->keeps_refused &&
                                     (attempt->status || !attempt->fields.empty());
            if (attempt->is_turned_away() && may_be_kept != attempt->answer_kept.has_value())
                report(Invariant::refused_save_waits,
                       may_be_kept ? "a refused save was not kept whole" : "what is not to be kept whole was",
                       {to_text(*attempt)});
            if (!may_be_kept || (!attempt->is_turned_away() && attempt->reply != Reply::in_doubt))
                continue;
            Refusals &refusals = refusals_[identity_of(*attempt)];
            (attempt->is_turned_away() ? refusals.told : refusals.in_doubt).push_back(attempt);
            refusals.bases.insert(attempt->base);
            if (attempt->answer_kept)
                told_[*attempt->answer_kept] = &refusals;
        }
    }

    // 20: it is kept once.
    void check_refusals(const Refusals &refusals)
    {
        if (refusals.told.empty())
            return;
        const Attempt &first = *refusals.told.front();
        for (const Attempt *attempt : refusals.told)
            if (attempt->answer_kept != first.answer_kept)
            {
                ++findings_.counts.twice;
                return report(Invariant::refused_save_waits, "a refused save was kept twice",
                              {to_text(first), to_text(*attempt)});
            }
        const auto kept = std::find_if(evidence_.kept.begin(), evidence_.kept.end(),
                                       [&](const KeptSave *k) { return k->id == first.answer_kept; });
        if (first.answer_kept && (kept == evidence_.kept.end() || !asks_for(first, **kept)))
        {
            ++findings_.counts.lost;
            report(Invariant::refused_save_waits, "what a refused save asked for is not kept", texts(refusals.told));
        }
    }

    // 20: who asked for it was refused, and it waits until it is ended.
    void check_kept(const KeptSave &kept)
    {
        const Refusals *refusals = refusals_of(kept);
        if (!refusals)
            return report(Invariant::refused_save_waits, "a save is kept that nobody was refused", {to_text(kept)});
        const auto told = static_cast<std::int64_t>(refusals->told.size());
        const auto in_doubt = static_cast<std::int64_t>(refusals->in_doubt.size());
        const bool is_based_right = kept.based_on && (refusals->bases.contains(*kept.based_on)) &&
                                    std::all_of(refusals->told.begin(), refusals->told.end(),
                                                [&](const Attempt *a) { return a->base <= *kept.based_on; });
        if (kept.times < told || kept.times > told + in_doubt || !is_based_right)
            accuse("a refused save says otherwise than it was refused", kept, *refusals);

        // It waits again where it was refused from a later version.
        const auto ends_told =
            std::count_if(evidence_.attempts.begin(), evidence_.attempts.end(), [&](const Attempt *a) {
                return a->kept_save == kept.id && (a->is_done() || a->is_applied());
            });
        if (ends_told > static_cast<std::ptrdiff_t>(refusals->bases.size()))
            report_ends(kept);
        if (kept.ended_by && !may_have_ended(kept))
            accuse("a refused save has ended, and nobody ended it", kept, *refusals);
        if (kept.ended_by || !refusals->in_doubt.empty())
            return;
        for (const Attempt *attempt : evidence_.attempts)
            if (ends(*attempt, kept) && attempt->reply == Reply::answered &&
                std::all_of(refusals->told.begin(), refusals->told.end(),
                            [&](const Attempt *a) { return a->answered < attempt->sent; }))
                return report(Invariant::refused_save_waits, "a refused save was ended, and waits",
                              {to_text(kept), to_text(*attempt)});
    }

    void report_ends(const KeptSave &kept)
    {
        std::vector<std::string> rows{to_text(kept)};
        for (const Attempt *attempt : evidence_.attempts)
            if (attempt->kept_save == kept.id || (attempt->answer_kept == kept.id && attempt->is_turned_away()))
                rows.push_back(to_text(*attempt));
        report(Invariant::refused_save_waits, "a refused save was ended more often than it waited", std::move(rows));
    }

    // The refusals that it was kept for: those that were told its number, or some whose answer was lost.
    const Refusals *refusals_of(const KeptSave &kept) const
    {
        if (const auto told = told_.find(kept.id); told != told_.end())
            return told->second;
        for (const auto &[identity, refusals] : refusals_)
            if (refusals.told.empty() && asks_for(*refusals.in_doubt.front(), kept))
                return &refusals;
        return nullptr;
    }

    // Whether an attempt that was answered so ends it for sure.
    static bool ends(const Attempt &attempt, const KeptSave &kept)
    {
        if (attempt.action == Action::discard)
            return attempt.kept_save == kept.id && attempt.is_done();
        if (attempt.action == Action::resolve && attempt.kept_save == kept.id)
            return attempt.is_applied() || attempt.outcome == "unchanged";
        return attempt.is_save() && attempt.keeps_refused && attempt.is_applied() && includes(attempt, kept);
    }

    static bool includes(const Attempt &save, const KeptSave &kept)
    {
        return save.author == kept.author && (!kept.status || kept.status == save.status) &&
               std::all_of(kept.fields.begin(), kept.fields.end(), [&](const auto &field) {
                   const auto mine = save.fields.find(field.first);
                   return mine != save.fields.end() && field.second == mine->second;
               });
    }

    // What an undoing asks for is found out when it is made.
    bool may_have_ended(const KeptSave &kept) const
    {
        return std::any_of(evidence_.attempts.begin(), evidence_.attempts.end(), [&](const Attempt *a) {
            const bool is_lost = a->reply == Reply::in_doubt;
            if (a->action == Action::discard || (a->action == Action::resolve && a->kept_save == kept.id))
                return a->kept_save == kept.id && (is_lost || a->is_done() || a->is_applied() ||
                                                   a->outcome == "unchanged" || a->outcome == "replayed");
            if (!a->keeps_refused ||
                (!is_lost && (a->is_turned_away() || !a->is_request() || a->reply == Reply::failed)))
                return false;
            return a->is_save() ? includes(*a, kept) : a->action == Action::revert && a->author == kept.author;
        });
    }

    // 20: nothing is applied in its author's name but what was told so.
    void check_not_applied(const KeptSave &kept)
    {
        const auto look = [&](const HistoryRow *row) {
            const auto written = written_by(*row);
            const bool is_of_it = std::all_of(written.begin(), written.end(), [&](const auto &value) {
                const auto &[column, made] = value;
                const auto field = kept.fields.find(column);
                return column == "status" ? made == kept.status : field != kept.fields.end() && field->second == made;
            });
            if (row->author == kept.author && !written.empty() && is_of_it)
                report(Invariant::refused_save_waits, "a refused save was applied by itself",
                       {to_text(kept), to_text(*row)});
        };
        for (const HistoryRow *row : evidence_.unknown_rows)
            look(row);
        for (const Request &request : evidence_.requests)
            if (!request.is_told_applied() && !request.is_in_doubt())
                for (const HistoryRow *row : request.rows)
                    look(row);
    }

    // 20: what the other answers say of it.
    void check_answer(const Attempt &attempt)
    {
        if (attempt.action == Action::list_kept)
        {
            for (const KeptSave &listed : attempt.waiting)
                if (const KeptSave *kept = kept_of(listed.id); !kept || kept->author != listed.author ||
                                                               kept->status != listed.status ||
                                                               kept->fields != listed.fields)
                    report(Invariant::refused_save_waits, "a refused save was shown otherwise than it is kept",
                           {to_text(listed), to_text(attempt)});
            return;
        }
        if (attempt.action != Action::resolve && attempt.action != Action::discard)
            return;
        findings_.counts.resolved += attempt.is_applied() && attempt.action == Action::resolve;
        findings_.counts.discarded += attempt.is_done() && attempt.action == Action::discard;
        const KeptSave *kept = kept_of(attempt.kept_save);
        if (!kept || attempt.outcome == "not_found")
            return report(Invariant::refused_save_waits, "a refused save was asked for that is not there",
                          {to_text(attempt)});
        const bool says_ended = attempt.outcome == (attempt.action == Action::resolve ? "gone" : "none");
        if (says_ended && !evidence_.may_have_been_absent(attempt) && !may_have_ended(*kept))
            report(Invariant::refused_save_waits, "a refused save that nobody ended was told to have ended",
                   {to_text(*kept), to_text(attempt)});
    }

    const KeptSave *kept_of(std::int64_t id) const
    {
        const auto kept =
            std::find_if(evidence_.kept.begin(), evidence_.kept.end(), [&](const KeptSave *k) { return k->id == id; });
        return kept == evidence_.kept.end() ? nullptr : *kept;
    }

    void accuse(std::string what, const KeptSave &kept, const Refusals &refusals)
    {
        std::vector<std::string> rows = texts(refusals.told);
        for (const Attempt *attempt : refusals.in_doubt)
            rows.push_back(to_text(*attempt));
        rows.insert(rows.begin(), to_text(kept));
        report(Invariant::refused_save_waits, std::move(what), std::move(rows));
    }

    std::map<Identity, Refusals> refusals_;
    std::map<std::int64_t, const Refusals *> told_;
};

}  // namespace

void
check_kept_saves(const Evidence &evidence, Findings &findings)
{
    KeptSaveCheck(evidence, findings).run();
}

}  // namespace crm::hammer
