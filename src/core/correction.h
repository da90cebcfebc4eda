#pragma once

#include <cstdint>
#include <string>
#include <string_view>

// Corrections: who wrote a comment gives it another text, or withdraws it. Of two that begin at one text, one is made.
namespace crm::core {

enum class Correction
{
    edit,
    withdraw,
};

// The correction's name in SQL.
std::string_view name(Correction correction);

enum class CorrectionOutcome
{
    updated,
    unchanged,
    replayed,
    conflict,
    gone,
    not_found,
};

// The outcome's name in SQL.
std::string_view name(CorrectionOutcome outcome);

// The outcome as an HTTP status code (RFC 9110).
int http_status(CorrectionOutcome outcome);

// What a correction finds.
struct CorrectionSituation
{
    bool is_there;
    bool is_withdrawn;
    bool has_expected_text;  // a withdrawal expects any
    bool changes_text;
    bool is_made;  // by the same author before
};

CorrectionOutcome decide(const CorrectionSituation &situation);

// One English sentence for a person.
std::string correction_message(CorrectionOutcome outcome, Correction correction, std::string_view row,
                               std::int64_t comment_id);

}  // namespace crm::core
