#pragma once

#include "../tables/table_description.h"

namespace crm {

// What serves all writes of one of the tables, which is open; made on the first. It is nullptr where the tables have changed
// since.
const PreparedWrite *prepared_record(TableDescription &table, Relation history);
const PreparedWrite *prepared_update(TableDescription &table, Relation customers);
const PreparedWrite *prepared_comment(TableDescription &table, Relation comments);

// What a write may call that is prepared so, or (nullptr) not at all.
Called called_by(const PreparedWrite *prepared);

// What serves updates of the customers table and insertions of comments and records, which are open, when the work of the
// extension's triggers is done without them; nullptr where triggers of others have a say.
const PreparedWrite *prepared_record_without_triggers(TableDescription &table, Relation history);
const PreparedWrite *prepared_update_without_triggers(TableDescription &table, Relation customers);
const PreparedWrite *prepared_comment_without_triggers(TableDescription &table, Relation comments);

}  // namespace crm
