#include "../boundary/transaction.h"
#include "../saving/saving.h"

#include "../boundary/guard.h"
#include "arguments.h"

namespace crm {

namespace {

Datum
add(FunctionCallInfo fcinfo, Naming naming, const char *function)
{
    require_writable(function);
    require_named_row(fcinfo, naming);
    core::Request comment = {};
    comment.comment =
        require_text(text_argument(fcinfo, after_key(naming, 1)), "body", "Pass the text of the comment.");
    check_comment_length(*comment.comment);
    comment.author = require_author(text_argument(fcinfo, after_key(naming, 2)));
    if (const int reply_to = after_key(naming, 3); !PG_ARGISNULL(reply_to))
        comment.reply_to = PG_GETARG_INT64(reply_to);
    const AttachedTable table = named_table(fcinfo, naming, Purpose::comment);
    const Key key = key_argument(fcinfo, after_key(naming, 0), table);
    require_triggers(table);

    return in_spi([&](MemoryContext) { return Int64GetDatum(add_comment(table, key, comment)); });
}

}  // namespace

}  // namespace crm

CRM_FUNCTION(crm_add_comment)
{
    return crm::add(fcinfo, crm::Naming::customer, "crm_add_comment()");
}

CRM_FUNCTION(crm_add_record_comment)
{
    return crm::add(fcinfo, crm::Naming::record, "crm_add_record_comment()");
}
