#include "errors.h"

namespace crm::errors {

namespace {

// SQLSTATEs that PostgREST answers with the HTTP status they carry.
constexpr int precondition_required = MAKE_SQLSTATE('P', 'T', '4', '2', '8');
constexpr int conflict_state = MAKE_SQLSTATE('P', 'T', '4', '0', '9');
constexpr int locked_state = MAKE_SQLSTATE('P', 'T', '4', '2', '3');

// The table's name for a message; its number when it is gone.
const char *
name_of(Oid table)
{
    const char *name = get_rel_name(table);
    return name ? name : psprintf("%u", table);
}

// The same of a schema.
const char *
name_of_schema(Oid schema)
{
    const char *name = get_namespace_name(schema);
    return name ? name : psprintf("%u", schema);
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
setting_of_connection(const char *name)
{
    ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("permission denied to set parameter \"%s\"", name),
                    errdetail("The options of this connection set it."), errhint("Connect without it.")));
}

void
not_preloaded()
{
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("crm_concurrency must be loaded by shared_preload_libraries to count"),
                    errhint("Add crm_concurrency to shared_preload_libraries and restart the server.")));
}

void
shows_not_every_row(Oid table)
{
    ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                    errmsg("row-level security of table \"%s\" hides rows from you", name_of(table)),
                    errdetail("What is hidden would be taken for missing."),
                    errhint("Ask as the owner of the table where row-level security is not forced, or as a role with "
                            "BYPASSRLS.")));
}

void
negative_keep()
{
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("keep must not be negative"),
                    errdetail("It is how long changes are kept. Nothing was removed."),
                    errhint("Pass an interval such as '2 years'.")));
}

void
negative_limit(const char *argument)
{
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s must not be negative", argument),
                    errdetail("It is the most that is returned."), errhint("Leave it out for the default.")));
}

void
not_in_history(const char *key, std::optional<core::Timestamp> oldest)
{
    const int utc = 0;
    char *time = static_cast<char *>(palloc(MAXDATELEN + 1));
    if (oldest)
        JsonEncodeDateTime(time, TimestampTzGetDatum(oldest->us), TIMESTAMPTZOID, &utc);
    ereport(
        ERROR,
        (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("what customer %s was at that time is not known", key),
         errdetail("The history that is kept of it begins later, or misses what was written while triggers were off."),
         oldest ? errhint("Ask for %s or a later time.", time)
                : errhint("See what is wrong with the history: SELECT * FROM crm_verify(...).")));
}

void
nothing_to_import(Oid table)
{
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("table \"%s\" is not attached", name_of(table)), errdetail("Nothing was imported."),
                    errhint("Attach it with crm_attach(..., comments_column => ...) first.")));
}

void
no_comments_column(Oid table)
{
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("no column with older comments is known of table \"%s\"", name_of(table)),
                    errdetail("It was attached without one. Nothing was imported."),
                    errhint("Attach it again with crm_attach(..., comments_column => ...).")));
}

void
needs_its_own_transactions()
{
    ereport(ERROR, (errcode(ERRCODE_INVALID_TRANSACTION_TERMINATION),
                    errmsg("crm_import_comments_column() commits after each batch and cannot run in a transaction"),
                    errdetail("Nothing was imported."), errhint("CALL it by itself, outside BEGIN and COMMIT.")));
}

void
wrong_batch()
{
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("batch must be at least 1"),
                    errdetail("It is how much is done at a time."), errhint("Leave batch out for the default.")));
}

void
nothing_attached()
{
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("no schema of the search_path has an attached customers table"),
                    errdetail("The first attached table that the search_path finds is used; temporary tables are not."),
                    errhint("Create the tables with SELECT crm_create_tables(), attach an existing one with "
                            "crm_attach(), or set search_path to its schema.")));
}

void
extension_dropped()
{
    ereport(ERROR,
            (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
             errmsg("the extension crm_concurrency was dropped during this call"), errdetail("Nothing was done."),
             errhint("When the extension is there again and the tables are attached, send the same again.")));
}

void
ambiguous_schema(Oid schema)
{
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("schema \"%s\" has more than one attached customers table", name_of_schema(schema)),
                    errdetail("None of them was attached there, and a call finds its table by schema."),
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
                    errhint("SELECT crm_attach(...) again: it makes what is missing.")));
}

void
missing_schema(Oid schema)
{
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("a schema that the attached customers are in does not exist any more"),
                    errdetail("Its OID was %u. Nothing was changed.", schema), errhint("Send the same again.")));
}

void
missing_collation(Oid collation)
{
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("the collation of the key does not exist any more"),
                    errdetail("Its OID was %u. Nothing was changed.", collation), errhint("Send the same again.")));
}

void
no_longer_a_table(Oid table)
{
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("attached relation \"%s\" is no ordinary table any more", name_of(table)),
                    errdetail("It was made another kind of relation after it was attached."),
                    errhint("Drop it, and SELECT crm_attach(...) again: it makes what is missing.")));
}

void
changed_meanwhile(Oid table)
{
    ereport(ERROR,
            (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
             errmsg("attached table \"%s\" was changed during this call", name_of(table)),
             errdetail("A trigger, constraint or policy changed the definition of the table, or of one that belongs "
                       "to it. Nothing was saved."),
             errhint("Change tables in transactions of their own; then send the same again.")));
}

void
malformed_registry(const char *column)
{
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("a row of crm_attached_tables has no %s", column),
                    errdetail("The registry is written by crm_attach()."),
                    errhint("Delete the row, and attach the table again.")));
}

void
warn_of_unreadable(Oid table, const char *problem)
{
    ereport(WARNING, (errmsg("attached table \"%s\" is left out", name_of(table)), errdetail("%s", problem),
                      errhint("SELECT * FROM crm_doctor() shows what is wrong with it.")));
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
    ereport(ERROR,
            (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
             errmsg("column \"%s\" of attached table \"%s\" does not hold milliseconds", column, name_of(table)),
             errdetail("Versions are at least a millisecond apart."),
             errhint("Drop the trigger that calls crm_customers_key(), give the column the type timestamptz(3) or "
                     "timestamptz, and SELECT crm_attach(...) again.")));
}

void
wrong_column_type(Oid table, const char *column, Oid type, const char *expected)
{
    ereport(ERROR,
            (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
             errmsg("column \"%s\" of attached table \"%s\" has type %s", column, name_of(table), format_type_be(type)),
             errdetail("It must have type %s.", expected),
             errhint("Give the column its type back; first drop the trigger that names it, if there is one, and "
                     "SELECT crm_attach(...) again in the end.")));
}

void
missing_trigger(Oid table, const char *function)
{
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("attached table \"%s\" has no trigger that calls %s()", name_of(table), function),
                    errdetail("Without it, concurrent changes would go unnoticed."),
                    errhint("SELECT crm_attach(...) again with the columns of the table: it makes what is missing.")));
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
                    errhint("Let CREATE EXTENSION and crm_attach() create the triggers.")));
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
malformed_history(Oid history, const char *key)
{
    ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
                    errmsg("a change of customer %s in \"%s\" is malformed", key, name_of(history)),
                    errdetail("Its fields are no JSON object. Nothing was saved."),
                    errhint("The history is written by triggers: correct what was written by hand.")));
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
    ereport(ERROR,
            (errcode(ERRCODE_DUPLICATE_TABLE), errmsg("relation \"%s\" already exists in schema \"%s\"", table, schema),
             errdetail("Nothing was created."),
             errhint("Attach an existing customers table with crm_attach(), or name another schema.")));
}

void
schema_in_use(Oid schema, Oid table)
{
    ereport(ERROR, (errcode(ERRCODE_DUPLICATE_TABLE),
                    errmsg("schema \"%s\" already has the attached customers table \"%s\"", name_of_schema(schema),
                           name_of(table)),
                    errdetail("A schema has one; nothing was created."),
                    errhint("Name another schema, or move that table with ALTER TABLE ... SET SCHEMA.")));
}

void
temporary_schema()
{
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("cannot create the tables in a temporary schema"),
                    errdetail("Customers have to outlive the session and be seen by others."),
                    errhint("Name an ordinary schema.")));
}

void
no_schema()
{
    ereport(ERROR,
            (errcode(ERRCODE_UNDEFINED_SCHEMA), errmsg("no schema has been selected to create in"),
             errdetail("The search_path names no schema that exists."), errhint("Name a schema, or set search_path.")));
}

void
key_is_no_number(Oid table, Oid type)
{
    ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
                    errmsg("keys of customers table \"%s\" have type %s", name_of(table), format_type_be(type)),
                    errdetail("The function takes a number; nothing was done."),
                    errhint("Use the function of the same name that ends in _by_key: it takes the key as text.")));
}

void
fields_are_no_object()
{
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("fields must be a JSON object"),
                    errdetail("Nothing was saved."),
                    errhint("Pass the columns to change and their values, as in {\"phone\": \"555 0100\"}.")));
}

void
unknown_field(Oid table, const char *name)
{
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
                    errmsg("column \"%s\" of relation \"%s\" does not exist", name, name_of(table)),
                    errdetail("It is named in fields; nothing was saved."),
                    errhint("Names in fields are those of columns, as they are stored: case matters.")));
}

void
cannot_be_assigned(const char *column, bool is_generated)
{
    ereport(ERROR,
            (errcode(ERRCODE_GENERATED_ALWAYS), errmsg("column \"%s\" can only be updated to DEFAULT", column),
             is_generated ? errdetail("Column \"%s\" is a generated column.", column)
                          : errdetail("Column \"%s\" is an identity column defined as GENERATED ALWAYS.", column),
             errhint("Leave it out of fields.")));
}

void
field_of_its_own(const char *name)
{
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("fields must not hold column \"%s\"", name),
             errdetail("The key cannot be changed, the version follows by itself, and the status is an argument of its "
                       "own. Nothing was saved."),
             errhint("Leave the column out of fields.")));
}

void
reply_without_comment()
{
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("reply_to needs a comment"),
                    errdetail("It names the comment that the comment answers; nothing was saved."),
                    errhint("Pass a comment, or leave reply_to out.")));
}

void
no_identity(const char *source)
{
    ereport(ERROR, (errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION), errmsg("no authenticated user is set"),
                    errdetail("crm_concurrency.author_setting is \"%s\", and names nobody now.", source),
                    errhint("Let the backend set it when it has checked who the user is, for one transaction: SELECT "
                            "set_config(..., ..., true).")));
}

void
other_author(std::string_view author, std::string_view identity)
{
    ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                    errmsg("author \"%s\" is not the authenticated user", pnstrdup(author.data(), author.size())),
                    errdetail("crm_concurrency.author_setting says that it is \"%s\".",
                              pnstrdup(identity.data(), identity.size())),
                    errhint("Leave the author out, or pass that name.")));
}

void
wrong_ttl()
{
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("ttl must be more than 0 and at most 24 hours"),
                    errdetail("Months, whose length varies, cannot be given. Nothing was locked."),
                    errhint("Pass an interval such as '15 minutes', and renew the lock while it is needed.")));
}

void
lock_of_another(const char *key, std::string_view holder)
{
    ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("the lock on customer %s is not yours", key),
                    errdetail("It is held by \"%s\". Nothing was changed.", pnstrdup(holder.data(), holder.size())),
                    errhint("Pass the author who took the lock.")));
}

void
saves_are_no_array()
{
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("saves must be a JSON array"),
             errdetail("Nothing was saved."),
             errhint("Pass one object for each save, as in [{\"id\": 1, \"expected_ts\": ..., \"author\": ...}].")));
}

void
save_is_no_object()
{
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a save must be a JSON object"),
                    errdetail("No save of the call was made."),
                    errhint("Its keys are those of the arguments of crm_update_customer().")));
}

void
unknown_save_key(std::string_view key)
{
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("a save has no argument \"%s\"", pnstrdup(key.data(), key.size())),
                    errdetail("No save of the call was made."),
                    errhint("The arguments are id or key, expected_ts, status, comment, author, merge, reply_to and "
                            "fields; other columns go into fields.")));
}

void
wrong_save_value(const char *key, const char *expected)
{
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s must be %s", key, expected),
                    errdetail("No save of the call was made."), errhint("Mend the value of \"%s\".", key)));
}

void
save_named_twice()
{
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a save must not have both id and key"),
                    errdetail("No save of the call was made."), errhint("Leave one of them out.")));
}

void
no_such_customer(const char *key)
{
    ereport(ERROR, (errcode(ERRCODE_FOREIGN_KEY_VIOLATION), errmsg("there is no customer %s", key),
                    errdetail("Nothing was stored."), errhint("Pass the key of a customer that is there.")));
}

void
no_such_comment(std::int64_t comment_id, const char *key)
{
    ereport(ERROR, (errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
                    errmsg("customer %s has no comment %lld to reply to", key, static_cast<long long>(comment_id)),
                    errdetail("A reply answers an earlier comment of the same customer; nothing was saved."),
                    errhint("Pass the id of one of the customer's comments as reply_to.")));
}

void
no_such_table(Oid table)
{
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("there is no table with OID %u", table),
                    errdetail("Nothing was changed."), errhint("Name the table of the customers.")));
}

void
not_an_ordinary_table(Oid table, const char *what)
{
    ereport(ERROR,
            (errcode(ERRCODE_WRONG_OBJECT_TYPE), errmsg("cannot attach \"%s\": it is %s", name_of(table), what),
             errdetail("The triggers that guard customers see every write only in an ordinary, logged table that "
                       "stands alone."),
             errhint("Attach the table that stores the customers.")));
}

void
no_single_key(Oid table)
{
    ereport(ERROR,
            (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
             errmsg("cannot attach \"%s\": it has no primary key of one column", name_of(table)),
             errdetail("Comments, history and edit locks refer to a customer by that key; it must not be "
                       "deferrable."),
             errhint("Add one: ALTER TABLE ... ADD PRIMARY KEY (column), or ADD PRIMARY KEY USING INDEX of a unique "
                     "index on a NOT NULL column.")));
}

void
unsupported_key_type(Oid table, const char *column, Oid type)
{
    ereport(ERROR,
            (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
             errmsg("cannot attach \"%s\": its key \"%s\" has type %s", name_of(table), column, format_type_be(type)),
             errdetail("Keys are smallint, integer, bigint, uuid, text or varchar, or domains over these."),
             errhint("Change the type of the column.")));
}

void
nondeterministic_key(Oid table, const char *column)
{
    ereport(ERROR,
            (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
             errmsg("cannot attach \"%s\": its key \"%s\" has a nondeterministic collation", name_of(table), column),
             errdetail("Two texts that differ would be one customer."),
             errhint("Give the column a deterministic collation.")));
}

void
no_such_column(Oid table, const char *column, const char *hint)
{
    ereport(ERROR,
            (errcode(ERRCODE_UNDEFINED_COLUMN), errmsg("table \"%s\" has no column \"%s\"", name_of(table), column),
             errdetail("Nothing was attached."), errhint("%s", hint)));
}

void
same_column_twice(Oid table, const char *column)
{
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("cannot attach \"%s\": column \"%s\" cannot be two things at once", name_of(table), column),
                    errdetail("Key, status, version and older comments are different columns."),
                    errhint("Name different columns.")));
}

void
generated_column(Oid table, const char *column)
{
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("cannot attach \"%s\": column \"%s\" is generated", name_of(table), column),
                    errdetail("A save could not write it."), errhint("Name a column that stores a value of its own.")));
}

void
unsupported_status_type(Oid table, const char *column, Oid type)
{
    ereport(
        ERROR,
        (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
         errmsg("cannot attach \"%s\": its status \"%s\" has type %s", name_of(table), column, format_type_be(type)),
         errdetail("A status is text, varchar, citext, an enum or an integer, or a domain over one of them."),
         errhint("Name another column as status_column, or change the type of this one.")));
}

void
unsupported_version_type(Oid table, const char *column, const char *type)
{
    ereport(ERROR,
            (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
             errmsg("cannot attach \"%s\": its version \"%s\" has type %s", name_of(table), column, type),
             errdetail("A version is a timestamptz that holds milliseconds: a time without its zone means another "
                       "moment for every client."),
             errhint("Either change the column: ALTER TABLE ... ALTER COLUMN %s TYPE timestamptz(3) USING %s AT TIME "
                     "ZONE 'UTC'. Or leave it alone and name a new column, which is added without rewriting the "
                     "table: crm_attach(..., version_column => 'row_version').",
                     quote_identifier(column), quote_identifier(column))));
}

void
nullable_version(Oid table, const char *column)
{
    ereport(ERROR, (errcode(ERRCODE_NOT_NULL_VIOLATION),
                    errmsg("cannot attach \"%s\": its version \"%s\" can be null", name_of(table), column),
                    errdetail("A customer without a version cannot be saved."),
                    errhint("Either fill in the nulls and ALTER TABLE ... ALTER COLUMN %s SET NOT NULL. Or name a new "
                            "column, which is added without rewriting the table: crm_attach(..., version_column => "
                            "'row_version').",
                            quote_identifier(column))));
}

void
impossible_versions(Oid table, const char *column)
{
    ereport(ERROR,
            (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
             errmsg("cannot attach \"%s\": its version \"%s\" is out of range in some rows", name_of(table), column),
             errdetail("A version is finite and lies within years 1 to 9998."), errhint("Update those rows first.")));
}

void
unsupported_comments_type(Oid table, const char *column, Oid type)
{
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("cannot attach \"%s\": its older comments \"%s\" have type %s", name_of(table), column,
                           format_type_be(type)),
                    errdetail("They are read from a column of type text or varchar."),
                    errhint("Name another column as comments_column, or none.")));
}

void
trigger_fires_later(Oid table, const char *trigger)
{
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("cannot attach: trigger \"%s\" of table \"%s\" would fire after those of crm_concurrency",
                           trigger, name_of(table)),
                    errdetail("Row triggers fire in the order of their names; one that fires later could overrule the "
                              "version that was given or the comment that was checked."),
                    errhint("Rename it to a name that sorts before \"zz_crm\": ALTER TRIGGER ... RENAME TO ....")));
}

void
name_taken(Oid table, const char *reason)
{
    ereport(ERROR, (errcode(ERRCODE_DUPLICATE_TABLE),
                    errmsg("relation \"%s\" already exists and is not of these customers", name_of(table)),
                    errdetail("%s Nothing was attached.", reason),
                    errhint("Name other tables: crm_attach(..., comments => ..., history => ..., locks => ...).")));
}

void
companion_of_another(Oid customers, Oid table)
{
    ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                    errmsg("table \"%s\" does not belong to the owner of \"%s\"", name_of(table), name_of(customers)),
                    errdetail("Its owner would read what it is told of these customers. Nothing was attached."),
                    errhint("Give it the same owner, or name another table: crm_attach(..., comments => ..., "
                            "history => ..., locks => ...).")));
}

void
owners_differ(Oid customers)
{
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("the tables that belong to \"%s\" have different owners", name_of(customers)),
                    errdetail("One of them would read the rows of the others."),
                    errhint("Use ALTER TABLE ... OWNER TO the owner of the customers.")));
}

void
other_companion(Oid customers, Oid attached, const char *asked)
{
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("table \"%s\" is attached with \"%s\"", name_of(customers), name_of(attached)),
                    errdetail("It cannot be attached with \"%s\" as well. Nothing was changed.", asked),
                    errhint("Detach it first with crm_detach(), which leaves all data.")));
}

void
other_columns(Oid customers, const char *attached, const char *asked)
{
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("table \"%s\" is attached with column \"%s\"", name_of(customers), attached),
                    errdetail("It cannot be attached with \"%s\" as well. Nothing was changed.", asked),
                    errhint("Detach it first with crm_detach(), which leaves all data.")));
}

void
unknown_plain_updates(std::string_view value)
{
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("plain_updates cannot be \"%s\"", pnstrdup(value.data(), value.size())),
                    errdetail("It says whether an UPDATE may change the status beside crm_update_customer()."),
                    errhint("Pass allow or refuse.")));
}

void
nothing_to_detach(Oid table)
{
    ereport(ERROR,
            (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("table \"%s\" is not attached", name_of(table)),
             errdetail("crm_attached_tables has no row for it, and it has no trigger of crm_concurrency."),
             errhint("Name the customers table.")));
}

void
plain_update_refused(Oid table, const char *key)
{
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("cannot change the status of row %s of \"%s\" by a plain UPDATE", key, name_of(table)),
                    errdetail("The table was attached with plain_updates => 'refuse'; nothing was changed."),
                    errhint("Save with crm_update_customer(), which checks the version that its author saw.")));
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
    ereport(
        ERROR,
        (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
         errmsg("no version is left for row %s of \"%s\"", key, name_of(table)),
         errdetail("Its version has reached the end of year 9999."),
         errhint("Only a write past the triggers gives such a version. As the owner of the table, correct it in the "
                 "same way.")));
}

void
key_changed(Oid table, const char *from, const char *to)
{
    ereport(ERROR,
            (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("cannot change the key of a row of \"%s\"", name_of(table)),
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
                    errdetail("Nothing was saved."), errhint("Look for tables that inherit from it.")));
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
null_key(Oid table, AttrNumber column)
{
    ereport(
        ERROR,
        (errcode(ERRCODE_NOT_NULL_VIOLATION),
         errmsg("null value in column \"%s\" of relation \"%s\"", get_attname(table, column, false), name_of(table)),
         errdetail("A customer has a key."),
         errhint("Give the table its primary key back. As its owner, delete rows without a key while its triggers "
                 "are disabled.")));
}

void
null_version(Oid table, const char *key)
{
    ereport(ERROR,
            (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
             errmsg("row %s of \"%s\" has no version", key, name_of(table)), errdetail("Its version column is null."),
             errhint("Update the row, which gives it a version, and make the column NOT NULL.")));
}

void
write_suppressed(Oid table, const char *key)
{
    ereport(ERROR, (errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
                    errmsg("another trigger or rule suppressed a write to \"%s\" for customer %s", name_of(table), key),
                    errdetail("Nothing was saved."), errhint("Look for a BEFORE trigger that returns NULL.")));
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
concurrent_update()
{
    ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
                    errmsg("could not serialize access due to concurrent update")));
}

void
changed_since_snapshot()
{
    ereport(ERROR,
            (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE), errmsg("could not serialize access due to concurrent update"),
             errdetail("A row was changed by a transaction that this one cannot see."),
             errhint("Retry the transaction.")));
}

void
impossible_time(Oid comments)
{
    ereport(ERROR,
            (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
             errmsg("created_at of a comment in \"%s\" must be a time of the years 1 to 9999", name_of(comments)),
             errdetail("Beyond them, ISO 8601 and the text form of comments end. Nothing was stored."),
             errhint("Leave it out for the time of now, or give the time when the comment was written.")));
}

void
time_without_text(std::int64_t comment_id)
{
    ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
                    errmsg("the time of comment %lld cannot be written as text", static_cast<long long>(comment_id)),
                    errdetail("The text form of comments has times of the years 1 to 9999."),
                    errhint("Read the comments with crm_get_customer() or crm_timeline().")));
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
    ereport(ERROR,
            (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("cannot truncate table \"%s\"", name_of(table)),
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

void
locked(const char *key, const char *detail_json)
{
    ereport(ERROR, (errcode(locked_state), errmsg("customer %s is locked for editing by another user", key),
                    errdetail_internal("%s", detail_json),
                    errdetail_log("The detail that the client received is not logged: it holds data of customers."),
                    errhint("Save again when the lock is released or has expired. Nothing was kept, not even the "
                            "comment.")));
}

}  // namespace crm::errors
