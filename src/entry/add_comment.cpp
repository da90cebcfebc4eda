#include "../boundary/transaction.h"
#include "../saving/saving.h"

#include "../boundary/guard.h"
#include "arguments.h"

CRM_FUNCTION(crm_add_comment)
{
    using namespace crm;

    require_writable("crm_add_comment()");
    require_argument(fcinfo, 0, "id");
    core::Request comment = {};
    comment.comment = require_text(text_argument(fcinfo, 1), "body", "Pass the text of the comment.");
    check_comment_length(*comment.comment);
    comment.author = require_author(text_argument(fcinfo, 2));
    if (!PG_ARGISNULL(3))
        comment.reply_to = PG_GETARG_INT64(3);
    const AttachedTable table = attached_by_search_path(extension_schema_of(fcinfo), Purpose::comment);
    const Key key = key_argument(fcinfo, 0, table);
    require_triggers(table);

    return in_spi([&](MemoryContext) { return Int64GetDatum(add_comment(table, key, comment)); });
}
