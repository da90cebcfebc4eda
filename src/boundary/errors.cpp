#include "errors.h"

namespace crm::errors {

namespace {

// SQLSTATEs that PostgREST answers with the HTTP status they carry.
constexpr int precondition_required = MAKE_SQLSTATE('P', 'T', '4', '2', '8');
constexpr int conflict_state = MAKE_SQLSTATE('P', 'T', '4', '0', '9');

// The table's name for a message; its number when it is gone.
const char *
name_of(Oid table)
{
    const char *name = get_rel_name(table);
    return name ? name : psprintf("%u", table);
}

}  // namespace

void
null_base()
{
    ereport(ERROR, (errcode(precondition_required), errmsg("expected_ts must not be null"),
                    errdetail("A save names the version that its author saw."),
                    errhint("Send the updated_at that was read with the customer.")));
}

void
null_argument(const char *argument)
{
    ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be null", argument),
                    errdetail("Nothing was saved."), errhint("Pass a value for %s.", argument)));
}

void
blank_argument(const char *argument, const char *hint)
{
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s must not be blank", argument),
                    errdetail("Nothing was saved."), errhint("%s", hint)));
}

void
comment_too_long(int length, int limit)
{
    ereport(ERROR, (errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION), errmsg("comment is too long"),
                    errdetail("It has %d characters; crm_concurrency.max_comment_length allows %d.", length, limit),
                    errhint("Shorten the comment or split it; nothing was saved.")));
}

void
nothing_attached()
{
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("no schema of the search_path has an attached customers table"),
                    errdetail("The first attached table that the search_path finds is used; temporary tables are not."),
                    errhint("Create the tables with SELECT crm_create_tables(), or set search_path to their schema.")));
}

void
ambiguous_schema(Oid schema)
{
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("schema \"%s\" has more than one attached customers table", get_namespace_name(schema)),
                    errdetail("A call finds its table by schema."),
                    errhint("Move all but one to other schemas with ALTER TABLE ... SET SCHEMA.")));
}

void
not_attached(Oid table)
{
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("table \"%s\" has triggers of crm_concurrency but is not attached", name_of(table)),
                    errdetail("crm_attached_tables has no row for it, or a table it belongs to is gone."),
                    errhint("When restoring a dump, load the data of crm_attached_tables first, or restore with "
                            "--disable-triggers.")));
}

void
missing_table(Oid table)
{
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("a table that belongs to the attached customers does not exist"),
                    errdetail("crm_attached_tables names a relation with OID %u.", table),
                    errhint("Restore the comments and history tables.")));
}

void
missing_column(Oid table, const char *column)
{
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("attached table \"%s\" has no column \"%s\"", name_of(table), column),
                    errdetail("It was dropped or renamed after the table was attached."),
                    errhint("Give the column its name back.")));
}

void
too_coarse_version(Oid table, const char *column)
{
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("column \"%s\" of attached table \"%s\" does not hold milliseconds", column,
                           name_of(table)),
                    errdetail("Versions are at least a millisecond apart."),
                    errhint("Give it the type timestamptz(3) or timestamptz.")));
}

void
wrong_column_type(Oid table, const char *column, Oid type, Oid expected)
{
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("column \"%s\" of attached table \"%s\" has type %s", column, name_of(table),
                           format_type_be(type)),
                    errdetail("It must have type %s.", format_type_be(expected)),
                    errhint("Give the column its type back.")));
}

void
missing_trigger(Oid table, const char *function)
{
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("attached table \"%s\" has no trigger that calls %s()", name_of(table), function),
                    errdetail("Without it, concurrent changes would go unnoticed."),
                    errhint("Create the trigger again as on a table that crm_create_tables() makes.")));
}

void
disabled_trigger(Oid table, const char *trigger)
{
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("trigger \"%s\" of table \"%s\" is disabled", trigger, name_of(table)),
                    errdetail("Without it, concurrent changes would go unnoticed."),
                    errhint("Use ALTER TABLE ... ENABLE TRIGGER, and SET session_replication_role = origin.")));
}

void
misused_trigger(const char *function, const char *expected)
{
    ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                    errmsg("function \"%s\" was not called as it must be", function),
                    errdetail("Expected trigger: %s.", expected),
                    errhint("Let crm_create_tables() create the triggers.")));
}

void
comment_not_stored(Oid table)
{
    ereport(ERROR, (errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
                    errmsg("comment was not stored in \"%s\" as the save asked", name_of(table)),
                    errdetail("The save was undone: another trigger changed whose comment it is, or the triggers of "
                              "crm_concurrency did not fire."),
                    errhint("Check session_replication_role and other triggers of the table.")));
}

void
triggers_did_not_fire(Oid table)
{
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("the triggers of crm_concurrency on table \"%s\" did not fire", name_of(table)),
                    errdetail("The save was undone: it would have gone unrecorded."),
                    errhint("Check session_replication_role and other triggers of the table.")));
}

void
table_exists(const char *schema, const char *table)
{
    ereport(ERROR, (errcode(ERRCODE_DUPLICATE_TABLE), errmsg("relation \"%s\" already exists in schema \"%s\"", table,
                                                             schema),
                    errdetail("Nothing was created."),
                    errhint("Attach an existing customers table with crm_attach(), or name another schema.")));
}

void
schema_in_use(Oid schema, Oid table)
{
    ereport(ERROR, (errcode(ERRCODE_DUPLICATE_TABLE),
                    errmsg("schema \"%s\" already has the attached customers table \"%s\"",
                           get_namespace_name(schema), name_of(table)),
                    errdetail("A schema has one; nothing was created."),
                    errhint("Name another schema, or move that table with ALTER TABLE ... SET SCHEMA.")));
}

void
temporary_schema()
{
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("cannot create the tables in a temporary schema"),
                    errdetail("Customers have to outlive the session and be seen by others."),
                    errhint("Name an ordinary schema.")));
}

void
no_schema()
{
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_SCHEMA), errmsg("no schema has been selected to create in"),
                    errdetail("The search_path names no schema that exists."),
                    errhint("Name a schema, or set search_path.")));
}

void
impossible_version(Oid table)
{
    ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
                    errmsg("version of a row of \"%s\" is out of range", name_of(table)),
                    errdetail("A version that is given is finite and lies within years 1 to 9998."),
                    errhint("Leave the version column out: the trigger sets it.")));
}

void
versions_exhausted(Oid table, const char *key)
{
    ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
                    errmsg("no version is left for row %s of \"%s\"", key, name_of(table)),
                    errdetail("Its version has reached the end of year 9999."),
                    errhint("Find out what wrote that version; the history names who did.")));
}

void
key_changed(Oid table, const char *from, const char *to)
{
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("cannot change the key of a row of \"%s\"", name_of(table)),
                    errdetail("Key %s would become %s, and lose its history.", from, to),
                    errhint("Insert a new row instead.")));
}

void
version_overruled(Oid table, const char *key)
{
    ereport(ERROR, (errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
                    errmsg("another trigger overruled the version of row %s of \"%s\"", key, name_of(table)),
                    errdetail("Stored, it would not follow the version before; the write was undone."),
                    errhint("Drop the trigger that sets the version column, or rename it so that it fires first.")));
}

void
ambiguous_key(Oid table, const char *key)
{
    ereport(ERROR, (errcode(ERRCODE_CARDINALITY_VIOLATION),
                    errmsg("more than one row of \"%s\" has key %s", name_of(table), key),
                    errdetail("Nothing was saved."),
                    errhint("Look for tables that inherit from it.")));
}

void
base_used_meanwhile(Oid table, const char *key)
{
    ereport(ERROR, (errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
                    errmsg("another trigger saved row %s of \"%s\" from the version of this save", key, name_of(table)),
                    errdetail("One version has one successor; the save was undone."),
                    errhint("Let the trigger change the row by a plain UPDATE.")));
}

void
null_version(Oid table, const char *key)
{
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("row %s of \"%s\" has no version", key, name_of(table)),
                    errdetail("Its version column is null."),
                    errhint("Update the row, which gives it a version, and make the column NOT NULL.")));
}

void
write_suppressed(Oid table, const char *key)
{
    ereport(ERROR, (errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
                    errmsg("another trigger or rule suppressed a write to \"%s\" for customer %s", name_of(table), key),
                    errdetail("Nothing was saved."),
                    errhint("Look for a BEFORE trigger that returns NULL.")));
}

void
hidden_by_row_security(Oid table, const char *key)
{
    ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                    errmsg("row-level security of table \"%s\" does not let you change row %s", name_of(table), key),
                    errdetail("Nothing was saved."),
                    errhint("The row is visible to you, but no policy allows you to update it.")));
}

void
customer_hidden(Oid table, const char *key)
{
    ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                    errmsg("row-level security of table \"%s\" hides row %s from you", name_of(table), key),
                    errdetail("A comment with expected_ts changes its customer; nothing was saved."),
                    errhint("Leave expected_ts out to add a comment alone.")));
}

void
changed_since_snapshot()
{
    ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
                    errmsg("could not serialize access due to concurrent update"),
                    errdetail("A row was changed by a transaction that this one cannot see."),
                    errhint("Retry the transaction.")));
}

void
comments_are_append_only(Oid table, bool is_delete)
{
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("cannot %s comments of table \"%s\"", is_delete ? "delete" : "update", name_of(table)),
                    errdetail("Comments are append-only; they go only with their customer."),
                    errhint("Add a comment that corrects the other.")));
}

void
truncate_refused(Oid table)
{
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("cannot truncate table \"%s\"", name_of(table)),
                    errdetail("It is guarded by crm_concurrency; TRUNCATE would go unrecorded."),
                    errhint("As its owner, SET LOCAL crm_concurrency.allow_truncate = on.")));
}

void
conflict(const char *key, const char *detail_json)
{
    ereport(ERROR, (errcode(conflict_state), errmsg("customer %s is not at the expected version", key),
                    errdetail_internal("%s", detail_json),
                    errdetail_log("The detail that the client received is not logged: it holds data of customers."),
                    errhint("Read the customer again and save from its current version. Nothing was kept, not even "
                            "the comment.")));
}

}  // namespace crm::errors
