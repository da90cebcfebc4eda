#include "correction.h"

#include "message.h"

namespace crm::core {

std::string_view
name(Correction correction)
{
    return correction == Correction::edit ? "edit" : "withdraw";
}

std::string_view
name(CorrectionOutcome outcome)
{
    switch (outcome)
    {
        case CorrectionOutcome::updated:
            return "updated";
        case CorrectionOutcome::unchanged:
            return "unchanged";
        case CorrectionOutcome::replayed:
            return "replayed";
        case CorrectionOutcome::conflict:
            return "conflict";
        case CorrectionOutcome::gone:
            return "gone";
        case CorrectionOutcome::not_found:
            return "not_found";
    }
    return {};
}

int
http_status(CorrectionOutcome outcome)
{
    switch (outcome)
    {
        case CorrectionOutcome::not_found:
            return 404;
        case CorrectionOutcome::conflict:
            return 409;
        case CorrectionOutcome::gone:
            return 410;
        case CorrectionOutcome::updated:
        case CorrectionOutcome::unchanged:
        case CorrectionOutcome::replayed:
            return 200;
    }
    return 500;
}

CorrectionOutcome
decide(const CorrectionSituation &situation)
{
    if (!situation.is_there)
        return CorrectionOutcome::not_found;
    if (situation.has_expected_text && !situation.is_withdrawn)
        return situation.changes_text ? CorrectionOutcome::updated : CorrectionOutcome::unchanged;
    if (situation.is_made)
        return CorrectionOutcome::replayed;
    return situation.is_withdrawn ? CorrectionOutcome::gone : CorrectionOutcome::conflict;
}

std::string
correction_message(CorrectionOutcome outcome, Correction correction, std::string_view row, std::int64_t comment_id)
{
    const std::string comment = "Comment " + std::to_string(comment_id) + " of " + std::string{row};
    switch (outcome)
    {
        case CorrectionOutcome::updated:
            return comment + (correction == Correction::edit ? " is corrected." : " is withdrawn.");
        case CorrectionOutcome::unchanged:
            return comment + " has this text already.";
        case CorrectionOutcome::replayed:
            return comment + (correction == Correction::edit ? " was corrected so before." : " was withdrawn before.");
        case CorrectionOutcome::conflict:
            return comment + " has another text by now. Nothing was changed.";
        case CorrectionOutcome::gone:
            return comment + " was withdrawn. Nothing was changed.";
        case CorrectionOutcome::not_found:
            return "There is no comment " + std::to_string(comment_id) + " of " + std::string{row} + ".";
    }
    return {};
}

}  // namespace crm::core
