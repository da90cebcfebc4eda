#include "../boundary/guard.h"
#include "../boundary/role.h"
#include "../boundary/transaction.h"
#include "../reading/reading.h"
#include "../saving/saving.h"
#include "arguments.h"
#include "results.h"
#include "saves.h"

// Giving comments another text, withdrawing them, and removing what they said.

namespace crm {

namespace {

std::int64_t
comment_argument(FunctionCallInfo fcinfo, Naming naming)
{
    const int argument = after_key(naming, 1);
    require_argument(fcinfo, argument, "comment_id");
    return PG_GETARG_INT64(argument);
}

Datum
row_of(const CorrectionRequest &request, const CorrectionResult &result, TupleDesc columns)
{
    const bool is_there = result.outcome != core::CorrectionOutcome::not_found;
    RowValues row;
    row.add(std::optional<std::string_view>{core::name(result.outcome)});
    row.add(std::optional<Datum>{Int32GetDatum(core::http_status(result.outcome))});
    row.add(is_there ? std::optional<Datum>{Int64GetDatum(request.comment_id)} : std::nullopt);
    row.add(std::optional<std::string_view>{result.message});
    row.add(result.detail);
    return result_row(columns, row.values, row.nulls);
}

Datum
correct(FunctionCallInfo fcinfo, Naming naming, const CorrectionRequest &request)
{
    const AttachedTable table = named_table(fcinfo, naming, Purpose::correct);
    const Key key = key_argument(fcinfo, after_key(naming, 0), table);
    require_triggers(table);

    const TupleDesc columns = result_columns(fcinfo);
    return in_spi([&](MemoryContext caller) {
        const CorrectionResult result = correct_comment(table, key, request);
        return made_in(caller, [&] { return row_of(request, result, columns); });
    });
}

Datum
edit(FunctionCallInfo fcinfo, Naming naming, const char *function)
{
    require_writable(function);
    require_named_row(fcinfo, naming);
    CorrectionRequest request = {.correction = core::Correction::edit, .comment_id = comment_argument(fcinfo, naming)};
    request.expected_body = text_argument(fcinfo, after_key(naming, 2));
    if (!request.expected_body)
        errors::null_argument("expected_body");
    request.body = require_text(text_argument(fcinfo, after_key(naming, 3)), "body",
                                "Pass the text that the comment is to have, or withdraw it.");
    check_comment_length(*request.body);
    request.author = require_author(text_argument(fcinfo, after_key(naming, 4)));
    return correct(fcinfo, naming, request);
}

Datum
withdraw(FunctionCallInfo fcinfo, Naming naming, const char *function)
{
    require_writable(function);
    require_named_row(fcinfo, naming);
    CorrectionRequest request = {.correction = core::Correction::withdraw,
                                 .comment_id = comment_argument(fcinfo, naming)};
    request.author = require_author(text_argument(fcinfo, after_key(naming, 2)));
    request.reason = text_argument(fcinfo, after_key(naming, 3));
    if (request.reason && is_blank(*request.reason))
        request.reason = std::nullopt;
    if (request.reason)
        check_comment_length(*request.reason);
    return correct(fcinfo, naming, request);
}

Datum
redact(FunctionCallInfo fcinfo, Naming naming, const char *function)
{
    require_writable(function);
    require_named_row(fcinfo, naming);
    const std::int64_t comment_id = comment_argument(fcinfo, naming);
    const AttachedTable table = named_table(fcinfo, naming, Purpose::administer);
    const Key key = key_argument(fcinfo, after_key(naming, 0), table);
    require_triggers(table);
    for (const Oid relation : {table->customers.oid, table->comments.oid, table->history.oid})
        require_ownership(relation);
    require_corrections(table);
    require_ownership(table->comment_edits.oid);
    if (table->has(Part::deletions))
        require_ownership(table->deletions.oid);

    return in_spi([&](MemoryContext caller) { return copied_value(redact_comment(table, key, comment_id), caller); });
}

}  // namespace

}  // namespace crm

CRM_FUNCTION(crm_edit_comment)
{
    return crm::edit(fcinfo, crm::Naming::customer, "crm_edit_comment()");
}

CRM_FUNCTION(crm_edit_record_comment)
{
    return crm::edit(fcinfo, crm::Naming::record, "crm_edit_record_comment()");
}

CRM_FUNCTION(crm_withdraw_comment)
{
    return crm::withdraw(fcinfo, crm::Naming::customer, "crm_withdraw_comment()");
}

CRM_FUNCTION(crm_withdraw_record_comment)
{
    return crm::withdraw(fcinfo, crm::Naming::record, "crm_withdraw_record_comment()");
}

CRM_FUNCTION(crm_redact_comment)
{
    return crm::redact(fcinfo, crm::Naming::customer, "crm_redact_comment()");
}

CRM_FUNCTION(crm_redact_record_comment)
{
    return crm::redact(fcinfo, crm::Naming::record, "crm_redact_record_comment()");
}
