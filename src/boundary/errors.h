#pragma once

#include "../core/timestamp.h"
#include "pg.h"

// Every error the extension raises, one function each, so that wording and SQLSTATE stand in one place.
namespace crm::errors {

// What is wrong with a call.
[[noreturn]] void null_base();
[[noreturn]] void null_argument(const char *argument);
[[noreturn]] void blank_argument(const char *argument, const char *hint);
[[noreturn]] void comment_too_long(int length, int limit);
[[noreturn]] void key_is_no_number(Oid table, Oid type);
[[noreturn]] void fields_are_no_object();
[[noreturn]] void unknown_field(Oid table, const char *name);
[[noreturn]] void cannot_be_assigned(const char *column, bool is_generated);
[[noreturn]] void field_of_its_own(const char *name);
[[noreturn]] void reply_without_comment();
[[noreturn]] void no_identity(const char *source);
[[noreturn]] void other_author(std::string_view author, std::string_view identity);
[[noreturn]] void wrong_ttl();
[[noreturn]] void lock_of_another(const char *key, std::string_view holder);
[[noreturn]] void saves_are_no_array();
[[noreturn]] void save_is_no_object();
[[noreturn]] void unknown_save_key(std::string_view key);
[[noreturn]] void wrong_save_value(const char *key, const char *expected);
[[noreturn]] void save_named_twice();
[[noreturn]] void no_such_customer(const char *key);
[[noreturn]] void time_without_text(std::int64_t comment_id);
[[noreturn]] void no_such_comment(std::int64_t comment_id, const char *key);

[[noreturn]] void setting_of_connection(const char *name);
[[noreturn]] void not_preloaded();

[[noreturn]] void shows_not_every_row(Oid table);
[[noreturn]] void negative_keep();
[[noreturn]] void negative_limit(const char *argument);
[[noreturn]] void not_in_history(const char *key, std::optional<core::Timestamp> oldest);
[[noreturn]] void nothing_to_import(Oid table);
[[noreturn]] void no_comments_column(Oid table);
[[noreturn]] void needs_its_own_transactions();
[[noreturn]] void wrong_batch();

// What is wrong with the installation.
[[noreturn]] void nothing_attached();
[[noreturn]] void extension_dropped();
[[noreturn]] void ambiguous_schema(Oid schema);
[[noreturn]] void not_attached(Oid table);
[[noreturn]] void missing_table(Oid table);
[[noreturn]] void missing_schema(Oid schema);
[[noreturn]] void missing_collation(Oid collation);
[[noreturn]] void no_longer_a_table(Oid table);
[[noreturn]] void malformed_registry(const char *column);
[[noreturn]] void missing_column(Oid table, const char *column);
[[noreturn]] void too_coarse_version(Oid table, const char *column);
[[noreturn]] void wrong_column_type(Oid table, const char *column, Oid type, const char *expected);
[[noreturn]] void missing_trigger(Oid table, const char *function);
[[noreturn]] void disabled_trigger(Oid table, const char *trigger);
[[noreturn]] void misused_trigger(const char *function, const char *expected);
[[noreturn]] void comment_not_stored(Oid table);
[[noreturn]] void malformed_history(Oid history, const char *key);
[[noreturn]] void triggers_did_not_fire(Oid table);
[[noreturn]] void owners_differ(Oid customers);
[[noreturn]] void table_exists(const char *schema, const char *table);
[[noreturn]] void schema_in_use(Oid schema, Oid table);
[[noreturn]] void temporary_schema();
[[noreturn]] void no_schema();

// What cannot be attached, and why.
[[noreturn]] void no_such_table(Oid table);
[[noreturn]] void not_an_ordinary_table(Oid table, const char *what);
[[noreturn]] void no_single_key(Oid table);
[[noreturn]] void unsupported_key_type(Oid table, const char *column, Oid type);
[[noreturn]] void nondeterministic_key(Oid table, const char *column);
[[noreturn]] void no_such_column(Oid table, const char *column, const char *hint);
[[noreturn]] void same_column_twice(Oid table, const char *column);
[[noreturn]] void generated_column(Oid table, const char *column);
[[noreturn]] void unsupported_status_type(Oid table, const char *column, Oid type);
[[noreturn]] void unsupported_version_type(Oid table, const char *column, const char *type);
[[noreturn]] void nullable_version(Oid table, const char *column);
[[noreturn]] void impossible_versions(Oid table, const char *column);
[[noreturn]] void unsupported_comments_type(Oid table, const char *column, Oid type);
[[noreturn]] void trigger_fires_later(Oid table, const char *trigger);
[[noreturn]] void name_taken(Oid table, const char *reason);
[[noreturn]] void companion_of_another(Oid customers, Oid table);
[[noreturn]] void other_companion(Oid customers, Oid attached, const char *asked);
[[noreturn]] void other_columns(Oid customers, const char *attached, const char *asked);
[[noreturn]] void unknown_plain_updates(std::string_view value);
[[noreturn]] void nothing_to_detach(Oid table);

// What PostgreSQL itself says of a row that was changed since the snapshot.
[[noreturn]] void concurrent_update();

// What the guarded tables refuse.
[[noreturn]] void plain_update_refused(Oid table, const char *key);
[[noreturn]] void impossible_version(Oid table);
[[noreturn]] void versions_exhausted(Oid table, const char *key);
[[noreturn]] void key_changed(Oid table, const char *from, const char *to);
[[noreturn]] void version_overruled(Oid table, const char *key);
[[noreturn]] void ambiguous_key(Oid table, const char *key);
[[noreturn]] void base_used_meanwhile(Oid table, const char *key);
[[noreturn]] void null_key(Oid table, AttrNumber column);
[[noreturn]] void null_version(Oid table, const char *key);
[[noreturn]] void write_suppressed(Oid table, const char *key);
[[noreturn]] void hidden_by_row_security(Oid table, const char *key);
[[noreturn]] void customer_hidden(Oid table, const char *key);
[[noreturn]] void changed_since_snapshot();
[[noreturn]] void impossible_time(Oid comments);
[[noreturn]] void comments_are_append_only(Oid table, bool is_delete);
[[noreturn]] void truncate_refused(Oid table);

// What changed while a call was under way.
[[noreturn]] void changed_meanwhile(Oid table);

// A warning that a table was left out, and why.
void warn_of_unreadable(Oid table, const char *problem);

// A conflict as an error, with the detail of the result as JSON.
[[noreturn]] void conflict(const char *key, const char *detail_json);

// A save refused for an edit lock as an error, the same way.
[[noreturn]] void locked(const char *key, const char *detail_json);

}  // namespace crm::errors
