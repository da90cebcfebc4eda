#pragma once

#include "pg.h"

// The errors that are raised in more than one place. The others stand where they are raised, in the same form:
// ereport() with SQLSTATE, message, detail and hint.
namespace crm::errors {

// The names of a table and of a schema for a message; their numbers when they are gone.
const char *name_of(Oid table);
const char *name_of_schema(Oid schema);

// What is wrong with a call.
[[noreturn]] void null_base();
[[noreturn]] void null_argument(const char *argument);
[[noreturn]] void blank_argument(const char *argument, const char *hint);
[[noreturn]] void comment_too_long(int length, int limit);
[[noreturn]] void reply_without_comment();
[[noreturn]] void other_author(std::string_view author, std::string_view identity);
[[noreturn]] void no_such_row(std::string_view row);
[[noreturn]] void no_such_comment(std::int64_t comment_id, std::string_view row);
[[noreturn]] void negative_limit(const char *argument);
[[noreturn]] void wrong_batch();

// What is wrong with the installation.
[[noreturn]] void not_attached(Oid table);
void warn_not_attached(Oid table);
[[noreturn]] void missing_table(Oid table);
[[noreturn]] void missing_schema(Oid schema);
[[noreturn]] void missing_column(Oid table, const char *column);
[[noreturn]] void null_in_column(const char *column);
[[noreturn]] void missing_trigger(Oid table, const char *function);
[[noreturn]] void misused_trigger(const char *function, const char *expected);
[[noreturn]] void comment_not_stored(Oid table);
[[noreturn]] void schema_in_use(Oid schema, Oid table);

// What the guarded tables refuse.
[[noreturn]] void key_changed(Oid table, const char *from, const char *to);
[[noreturn]] void null_version(Oid table, const char *key);
[[noreturn]] void triggers_did_not_fire(Oid table);
[[noreturn]] void missing_later_column(Oid table, const char *column);
[[noreturn]] void missing_later_part(Oid table, const char *part);
[[noreturn]] void write_suppressed(Oid table, const char *key);
[[noreturn]] void hidden_by_row_security(Oid table, const char *key);

// What changed while a call was under way: a row since the snapshot, in PostgreSQL's words and in ours, and the table.
[[noreturn]] void concurrent_update();
[[noreturn]] void changed_since_snapshot();
[[noreturn]] void changed_meanwhile(Oid table);

}  // namespace crm::errors
