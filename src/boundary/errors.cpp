#include "errors.h"

namespace crm::errors {

namespace {

void
report_not_attached(int level, Oid table, const char *consequence)
{
    ereport(level,
            (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
             errmsg("table \"%s\" has triggers of crm_concurrency but is not attached", name_of(table)),
             errdetail("crm_attached_tables has no row for it, or a table it belongs to is gone. %s", consequence),
             errhint("As the owner, attach the customers table with crm_attach(), which takes the tables and "
                     "triggers that are there. A restore of data alone loads crm_attached_tables first, or uses "
                     "--disable-triggers.")));
}

}  // namespace

const char *
name_of(Oid table)
{
    const char *name = get_rel_name(table);
    return name ? name : psprintf("%u", table);
}

const char *
name_of_schema(Oid schema)
{
    const char *name = get_namespace_name(schema);
    return name ? name : psprintf("%u", schema);
}

void
null_base()
{
    // PostgREST answers with this HTTP status.
    ereport(ERROR, (errcode(MAKE_SQLSTATE('P', 'T', '4', '2', '8')), errmsg("expected_ts must not be null"),
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
negative_limit(const char *argument)
{
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s must not be negative", argument),
                    errdetail("It is the most that is returned."), errhint("Leave it out for the default.")));
}

void
wrong_batch()
{
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("batch must be at least 1"),
                    errdetail("It is how much is done at a time."), errhint("Leave batch out for the default.")));
}

void
not_attached(Oid table)
{
    report_not_attached(ERROR, table, "Nothing was written.");
    pg_unreachable();
}

void
warn_not_attached(Oid table)
{
    report_not_attached(WARNING, table, "What its owner inserts meanwhile is not recorded.");
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
missing_column(Oid table, const char *column)
{
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("attached table \"%s\" has no column \"%s\"", name_of(table), column),
                    errdetail("It was dropped or renamed after the table was attached."),
                    errhint("Give the column its name back.")));
}

void
null_in_column(const char *column)
{
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("column \"%s\" has a null", column),
                    errdetail("The extension needs a value there in each row."),
                    errhint("Give the rows of the table a value, and make the column NOT NULL.")));
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
schema_in_use(Oid schema, Oid table)
{
    ereport(ERROR, (errcode(ERRCODE_DUPLICATE_TABLE),
                    errmsg("schema \"%s\" already has the attached customers table \"%s\"", name_of_schema(schema),
                           name_of(table)),
                    errdetail("A schema has one; nothing was created."),
                    errhint("Name another schema, or move that table with ALTER TABLE ... SET SCHEMA.")));
}

void
reply_without_comment()
{
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("reply_to needs a comment"),
                    errdetail("It names the comment that the comment answers; nothing was saved."),
                    errhint("Pass a comment, or leave reply_to out.")));
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
no_such_row(std::string_view row)
{
    ereport(ERROR, (errcode(ERRCODE_FOREIGN_KEY_VIOLATION), errmsg("there is no %s", row.data()),
                    errdetail("Nothing was stored."), errhint("Pass a key that is there.")));
}

void
no_such_comment(std::int64_t comment_id, std::string_view row)
{
    ereport(ERROR, (errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
                    errmsg("%s has no comment %lld to reply to", row.data(), static_cast<long long>(comment_id)),
                    errdetail("A reply answers an earlier comment on the same row; nothing was saved."),
                    errhint("Pass the id of one of its comments as reply_to.")));
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
null_version(Oid table, const char *key)
{
    ereport(ERROR,
            (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
             errmsg("row %s of \"%s\" has no version", key, name_of(table)), errdetail("Its version column is null."),
             errhint("Update the row, which gives it a version, and make the column NOT NULL.")));
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
missing_later_column(Oid table, const char *column)
{
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("attached table \"%s\" has no column \"%s\"", name_of(table), column),
                    errdetail("It was attached by version 1.0. Nothing was done."),
                    errhint("SELECT crm_attach(...) again, as its owner: it makes what is missing.")));
}

void
missing_later_part(Oid table, const char *part)
{
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("attached table \"%s\" has no table of %s", name_of(table), part),
                    errdetail("It was attached by version 1.0, or that table was dropped. Nothing was done."),
                    errhint("SELECT crm_attach(...) again, as its owner: it makes what is missing.")));
}

void
write_suppressed(Oid table, const char *key)
{
    ereport(ERROR, (errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
                    errmsg("another trigger or rule suppressed a write to \"%s\" for key %s", name_of(table), key),
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
missing_trigger(Oid table, const char *function)
{
    ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                    errmsg("attached table \"%s\" has no trigger that calls %s()", name_of(table), function),
                    errdetail("Without it, concurrent changes would go unnoticed."),
                    errhint("SELECT crm_attach(...) again with the columns of the table: it makes what is missing.")));
}

}  // namespace crm::errors
