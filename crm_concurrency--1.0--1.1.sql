-- complain if the script is sourced in psql instead of through ALTER EXTENSION
\echo Use "ALTER EXTENSION crm_concurrency UPDATE TO '1.1'" to load this file. \quit

-- The versions -----------------------------------------------------------------------------------

DO $$
BEGIN
    CREATE FUNCTION crm_concurrency_version()
    RETURNS text
    AS 'MODULE_PATHNAME'
    LANGUAGE C STABLE;
EXCEPTION WHEN undefined_function THEN
    RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
        MESSAGE = 'the library of crm_concurrency is older than version 1.1', DETAIL = SQLERRM,
        HINT = 'Install the library of version 1.1, and reconnect; restart the server where shared_preload_libraries names it.';
END
$$;

COMMENT ON FUNCTION crm_concurrency_version() IS
    'the version of the library that this session has loaded; that of the SQL objects is in pg_extension, and crm_doctor() compares them';

-- The registry -----------------------------------------------------------------------------------

ALTER TABLE crm_attached_tables
    ADD COLUMN is_customers boolean NOT NULL DEFAULT true,
    ADD COLUMN deletions regclass,
    ADD COLUMN comment_edits regclass,
    ADD COLUMN refused_saves regclass,
    ADD COLUMN merge_groups jsonb,
    ADD COLUMN also_bump jsonb;

-- A table that was dropped would be dumped as a bare number that could name another table later.
SELECT pg_catalog.pg_extension_config_dump('crm_attached_tables',
    'WHERE (SELECT pg_catalog.count(*) FROM pg_catalog.pg_class c
            WHERE c.oid IN (customers, comments, history, locks, deletions, comment_edits, refused_saves))
         = 4 + pg_catalog.num_nonnulls(deletions, comment_edits, refused_saves)');

COMMENT ON TABLE crm_attached_tables IS
    'the tables that crm_concurrency guards, one row per attachment; the newest row of a table counts';
COMMENT ON COLUMN crm_attached_tables.customers IS 'the table whose rows are guarded';
COMMENT ON COLUMN crm_attached_tables.is_customers IS
    'whether it is the customers table of its schema, which functions find that name no table';
COMMENT ON COLUMN crm_attached_tables.deletions IS
    'its deleted rows with their comments; NULL until crm_attach() is called again after an update from version 1.0';
COMMENT ON COLUMN crm_attached_tables.comment_edits IS 'the earlier texts of its comments; NULL likewise';
COMMENT ON COLUMN crm_attached_tables.refused_saves IS 'what refused saves asked for; NULL likewise';
COMMENT ON COLUMN crm_attached_tables.merge_groups IS
    'the columns that merge as one field, as [["city", "country"], ...]; NULL: each by itself';

COMMENT ON COLUMN crm_attached_tables.also_bump IS
    'the columns that every change bumps beside the version, as ["lock_version"]; NULL: none';

-- Any table -------------------------------------------------------------------------------------

DROP FUNCTION crm_attach(regclass, name, name, name, name, name, name, text);

CREATE FUNCTION crm_attach(
    customers      regclass,
    status_column  name DEFAULT 'status',
    version_column name DEFAULT 'updated_at',
    comments       name DEFAULT NULL,
    history        name DEFAULT NULL,
    locks          name DEFAULT NULL,
    comments_column name DEFAULT NULL,
    plain_updates  text DEFAULT 'allow',
    as_customers   boolean DEFAULT false,
    deletions      name DEFAULT NULL,
    comment_edits  name DEFAULT NULL,
    refused_saves  name DEFAULT NULL,
    merge_groups   jsonb DEFAULT NULL,
    also_bump      text[] DEFAULT NULL,
    companions_schema name DEFAULT NULL
)
RETURNS regclass
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_attach(regclass, name, name, name, name, name, name, text, boolean, name, name, name, jsonb, text[], name) IS
    'guards an existing table, of customers or of other records: creates its tables of comments, history, edit locks, deletions, earlier texts of comments and refused saves (default names: <table>_comments, _history, _locks, _deletions, _comment_edits, _refused_saves) in companions_schema (default: the schema of the table, or where they are), adds the version column where there is none, creates the triggers and a statistics object that names its columns, and registers it; status_column is NULL for a table without one. The first of a schema is its customers table, which functions find that name no table; as_customers makes it that in place of another. merge_groups is an array of arrays of columns: those of one array merge as one field; NULL leaves them as they are, and [] removes them. also_bump names columns by which an application checks what it saves: every change that leaves them alone adds 1 to integers and sets times to the new version; NULL leaves them as they are, and {} removes them. Can be run again, and then makes what is missing; returns the table. Raises 42501 for somebody else''s table, and with the reason 42809, 55000, 0A000, 42703, 23502, 22008, 22023 or 42P07 where it cannot be attached; nothing is changed then';

CREATE FUNCTION crm_refuse_drop()
RETURNS event_trigger
AS 'MODULE_PATHNAME'
LANGUAGE C;

COMMENT ON FUNCTION crm_refuse_drop() IS
    'for an event trigger ON sql_drop: refuses to drop what belongs to attached tables that stay, their other tables, the triggers and the statistics object of crm_concurrency, as tools do that compare schemas; raises 2BP01 then, and 39P03 where it is called otherwise';

COMMENT ON FUNCTION crm_update_customers(jsonb) IS
    'makes many saves in one call: an array of objects whose keys are the arguments of crm_update_customer() (id or key), or of crm_update_record() with the name of the table as "table", each with the outcome of a single save; they are made in the order of their tables and keys, those of one row in the order given, and returned as given. An error of one of them names its position and undoes all: 22004 and 22023 for what is no save, else as crm_update_customer()';

CREATE FUNCTION crm_update_record(
    record_table regclass,
    key          text,
    expected_ts  timestamptz,
    status       text,
    comment      text,
    author       text,
    merge        boolean DEFAULT NULL,
    reply_to     bigint DEFAULT NULL,
    fields       jsonb DEFAULT NULL
)
RETURNS crm_update_result
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_update_record(regclass, text, timestamptz, text, text, text, boolean, bigint, jsonb) IS
    'crm_update_customer() for a row of any attached table, its key given as text; status must be NULL in a table without one; raises 22P02 also for a malformed key, 55000 where the table is not attached';

CREATE FUNCTION crm_get_record(
    record_table regclass,
    key          text,
    at           timestamptz DEFAULT NULL,
    max_comments integer DEFAULT 50
)
RETURNS jsonb
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_get_record(regclass, text, timestamptz, integer) IS
    'crm_get_customer() for a row of any attached table: {"key": text, "record": row, ...}; raises 22P02 also for a malformed key, 55000 where the table is not attached';

CREATE FUNCTION crm_record_timeline(
    record_table     regclass,
    key              text,
    max_rows        integer DEFAULT 100,
    before          timestamptz DEFAULT NULL,
    OUT at           timestamptz,
    OUT kind         text,
    OUT version      timestamptz,
    OUT operation    text,
    OUT author       text,
    OUT db_user      name,
    OUT status_from  text,
    OUT status_to    text,
    OUT fields       jsonb,
    OUT comment_id   bigint,
    OUT reply_to     bigint,
    OUT thread       bigint,
    OUT depth        integer,
    OUT body         text,
    OUT save_refused boolean,
    OUT edited_at    timestamptz,
    OUT edited_by    text,
    OUT withdrawn_at timestamptz,
    OUT reverts      timestamptz
)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_record_timeline(regclass, text, integer, timestamptz) IS
    'crm_timeline() for a row of any attached table, of comments also when and by whom they were corrected or withdrawn, and of changes which version they undo; raises 22P02 also for a malformed key, 55000 where the table is not attached';

CREATE FUNCTION crm_add_record_comment(
    record_table regclass,
    key          text,
    body         text,
    author       text,
    reply_to     bigint DEFAULT NULL
)
RETURNS bigint
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_add_record_comment(regclass, text, text, text, bigint) IS
    'crm_add_comment() for a row of any attached table; raises 22P02 also for a malformed key, 55000 where the table is not attached';

CREATE FUNCTION crm_export_record_comments(record_table regclass, key text, time_zone text DEFAULT 'UTC')
RETURNS text
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_export_record_comments(regclass, text, text) IS
    'crm_export_comments() for a row of any attached table; raises 22P02 also for a malformed key, 55000 where the table is not attached';

CREATE FUNCTION crm_import_record_comments(record_table regclass, key text, comments text, time_zone text DEFAULT 'UTC')
RETURNS integer
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_import_record_comments(regclass, text, text, text) IS
    'crm_import_comments() for a row of any attached table; raises 22P02 also for a malformed key, 55000 where the table is not attached';

CREATE FUNCTION crm_lock_record(
    record_table regclass,
    key          text,
    author       text,
    ttl          interval DEFAULT '15 minutes',
    lock_id      uuid DEFAULT NULL
)
RETURNS crm_lock_result
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_lock_record(regclass, text, text, interval, uuid) IS
    'crm_lock_customer() for a row of any attached table; raises 22P02 also for a malformed key, 55000 where the table is not attached';

CREATE FUNCTION crm_unlock_record(
    record_table regclass,
    key          text,
    lock_id      uuid,
    force        boolean DEFAULT false,
    author       text DEFAULT NULL
)
RETURNS boolean
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_unlock_record(regclass, text, uuid, boolean, text) IS
    'crm_unlock_customer() for a row of any attached table; raises 22P02 also for a malformed key, 55000 where the table is not attached';

CREATE FUNCTION crm_verify_record(
    record_table  regclass,
    key           text DEFAULT NULL,
    OUT customer  text,
    OUT invariant text,
    OUT problem   text,
    OUT detail    jsonb
)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_verify_record(regclass, text) IS
    'crm_verify() for a row of any attached table, or for all of it (NULL); customer is the key; raises 22P02 also for a malformed key, 55000 where the table is not attached';

CREATE FUNCTION crm_prune_record_history(record_table regclass, keep interval, batch integer DEFAULT 10000)
RETURNS bigint
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_prune_record_history(regclass, interval, integer) IS
    'crm_prune_history() for any attached table; raises 55000 where it is not attached';

CREATE FUNCTION crm_erase_record(record_table regclass, key text)
RETURNS jsonb
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_prune_history(interval, integer) IS
    'removes at most batch of what is older than keep, and returns how many: changes from the history, never the last change of a customer, and then deletions that are set aside and refused saves that are kept; to be called until it returns 0; for the owner of the history; raises 22004 and 22023 for bad arguments, 42501, 25006, 55000 where no table is attached';

COMMENT ON FUNCTION crm_erase_customer(bigint) IS
    'blanks what is personal of a customer, also of one that was deleted: columns of the row, texts of comments and what they said before, values in the history; and removes what deletions have set aside of it and its refused saves; status, versions and authors stay; returns {"blanked": [columns], "kept": [columns], "comments": n, "history": n, "comment_edits": n, "deletions": n, "refused_saves": n}; for the owner of the tables; raises 22004, 23503 for a customer of whom nothing is known, 42501, 25006, 55000 where no table is attached';

COMMENT ON FUNCTION crm_erase_record(regclass, text) IS
    'crm_erase_customer() for a row of any attached table; raises 22P02 also for a malformed key, 55000 where the table is not attached';

-- Corrections of comments ------------------------------------------------------------------------

CREATE TYPE crm_comment_result AS (
    outcome     text,
    http_status integer,
    comment_id  bigint,
    message     text,
    detail      jsonb
);

COMMENT ON TYPE crm_comment_result IS 'what became of a correction of a comment';
COMMENT ON COLUMN crm_comment_result.outcome IS 'updated, unchanged, replayed, conflict, gone or not_found';
COMMENT ON COLUMN crm_comment_result.http_status IS 'the outcome as an HTTP status code';
COMMENT ON COLUMN crm_comment_result.comment_id IS 'the comment; NULL when it is not there';
COMMENT ON COLUMN crm_comment_result.message IS 'the outcome in one English sentence';
COMMENT ON COLUMN crm_comment_result.detail IS
    'of replayed, conflict and gone: the comment as it is now, {"text": ..., "author": ..., "edited_at": ..., "edited_by": ..., "withdrawn_at": ...}, what is not NULL of it';

CREATE FUNCTION crm_edit_comment(id bigint, comment_id bigint, expected_body text, body text, author text)
RETURNS crm_comment_result
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_edit_comment(bigint, bigint, text, text, text) IS
    'gives a comment of a customer another text, if it still has the expected one; the text before goes to the table of comment edits. For its author, and who has UPDATE on the column body of the comments or owns them; what became of it is the outcome. Raises 22004, 22023, 22001 and 28000 for bad arguments, 42501 for the comment of another author and without the rights, 55000 where no table is attached, or an attachment of version 1.0';

CREATE FUNCTION crm_edit_record_comment(
    record_table  regclass,
    key           text,
    comment_id    bigint,
    expected_body text,
    body          text,
    author        text
)
RETURNS crm_comment_result
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_edit_record_comment(regclass, text, bigint, text, text, text) IS
    'crm_edit_comment() for a row of any attached table; raises 22P02 also for a malformed key, 55000 where the table is not attached';

CREATE FUNCTION crm_withdraw_comment(id bigint, comment_id bigint, author text, reason text DEFAULT NULL)
RETURNS crm_comment_result
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_withdraw_comment(bigint, bigint, text, text) IS
    'withdraws a comment of a customer: its text becomes [withdrawn], for good, in its place in the thread; the text before goes to the table of comment edits, with the reason. For the same callers, with the same errors, as crm_edit_comment()';

CREATE FUNCTION crm_withdraw_record_comment(
    record_table regclass,
    key          text,
    comment_id   bigint,
    author       text,
    reason       text DEFAULT NULL
)
RETURNS crm_comment_result
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_withdraw_record_comment(regclass, text, bigint, text, text) IS
    'crm_withdraw_comment() for a row of any attached table; raises 22P02 also for a malformed key, 55000 where the table is not attached';

CREATE FUNCTION crm_redact_comment(id bigint, comment_id bigint)
RETURNS jsonb
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_redact_comment(bigint, bigint) IS
    'removes what a comment of a customer says and said: its text becomes [redacted], for good, as do earlier texts and what was set aside of it, and digests of its save go; returns how many rows of comments, comment_edits, deletions and history that was, as jsonb. For the owner of the tables; raises 22004 for bad arguments, 42501 for others, 23503 where there is no such comment, 55000 where no table is attached, or an attachment of version 1.0';

CREATE FUNCTION crm_redact_record_comment(record_table regclass, key text, comment_id bigint)
RETURNS jsonb
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_redact_record_comment(regclass, text, bigint) IS
    'crm_redact_comment() for a row of any attached table; raises 22P02 also for a malformed key, 55000 where the table is not attached';

-- Deleting and restoring -------------------------------------------------------------------------

COMMENT ON COLUMN crm_update_result.http_status IS
    'the outcome as an HTTP status code (RFC 9110; RFC 4918 for 424): 200, 404, 409, 410, 423 or 424';
COMMENT ON TYPE crm_update_result IS 'what became of a save, a deletion or a restoration';
COMMENT ON COLUMN crm_update_result.outcome IS
    'updated, merged, unchanged, replayed, deleted, restored, conflict, locked, gone (it was deleted), not_found or failed_dependency (another save of the call was refused, which makes all or none)';
COMMENT ON COLUMN crm_update_result.status IS 'the status of the customer as it is now; NULL when it is gone';
COMMENT ON COLUMN crm_update_result.updated_at IS
    'the version of the customer as it is now: the base of the next save; after its deletion, that of the deletion';
COMMENT ON COLUMN crm_update_result.comment_id IS 'where the comment of the request is stored; NULL where none is';
COMMENT ON COLUMN crm_update_result.detail IS 'what a refused or replayed request, a merge or a restoration has to tell; else NULL';

CREATE FUNCTION crm_comments_deleted()
RETURNS trigger
AS 'MODULE_PATHNAME'
LANGUAGE C;

COMMENT ON FUNCTION crm_comments_deleted() IS
    'AFTER DELETE row trigger of a comments table: sets the comments of a deleted customer aside';

CREATE FUNCTION crm_delete_customer(id bigint, expected_ts timestamptz, comment text, author text)
RETURNS crm_update_result
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_delete_customer(bigint, timestamptz, text, text) IS
    'deletes a customer if its version is still expected_ts, with a comment (NULL or blank for none) that says why; its row and comments are set aside, and crm_restore_customer() brings them back; outcomes are deleted, replayed (the same request again), conflict, locked, gone and not_found; raises PT428 for a NULL expected_ts, 22004, 22023 and 22001 for other bad arguments, 42501, 25006, 55000 where no table is attached, 23503 where others refer to the customer, and PT409 and PT423 under crm_concurrency.on_conflict = raise';

CREATE FUNCTION crm_delete_record(record_table regclass, key text, expected_ts timestamptz, comment text, author text)
RETURNS crm_update_result
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_delete_record(regclass, text, timestamptz, text, text) IS
    'crm_delete_customer() for a row of any attached table; raises 22P02 also for a malformed key, 55000 where the table is not attached';

CREATE FUNCTION crm_restore_customer(id bigint, author text, comment text DEFAULT NULL)
RETURNS crm_update_result
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_restore_customer(bigint, text, text) IS
    'brings a deleted customer back, with its comments, their ids, times and threads, and with the rows of other attached tables that a CASCADE deleted with it in the same transaction; takes SELECT (id) on the table of deletions and INSERT on the tables; detail has the number of comments and these rows; outcomes are restored, unchanged (it is there), conflict (it was created again), gone (it is kept no longer) and not_found; raises 42703 where a column is there no longer, 23505 and 23503 where constraints stand in the way, 22004, 22023 and 22001 for bad arguments, 42501, 25006, 55000 where no table is attached; nothing is restored then';

CREATE FUNCTION crm_restore_record(record_table regclass, key text, author text, comment text DEFAULT NULL)
RETURNS crm_update_result
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_restore_record(regclass, text, text, text) IS
    'crm_restore_customer() for a row of any attached table; raises 22P02 also for a malformed key, 55000 where the table is not attached';

CREATE FUNCTION crm_deleted(
    max_rows       integer DEFAULT 100,
    before         timestamptz DEFAULT NULL,
    OUT key        text,
    OUT version    timestamptz,
    OUT author     text,
    OUT db_user    name,
    OUT status     text,
    OUT comment    text,
    OUT comments   bigint,
    OUT row_values jsonb
)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_deleted(integer, timestamptz) IS
    'the deleted customers that can be restored, latest first: the version of the deletion, who deleted it and the comment to it, the status and the number of comments, and the text forms of the columns that the caller may read; before continues below a version; takes SELECT (id) on the table of deletions; raises 22004 and 22023 for bad arguments, 42501, 55000 where no table is attached';

CREATE FUNCTION crm_deleted_records(
    record_table   regclass,
    max_rows       integer DEFAULT 100,
    before         timestamptz DEFAULT NULL,
    OUT key        text,
    OUT version    timestamptz,
    OUT author     text,
    OUT db_user    name,
    OUT status     text,
    OUT comment    text,
    OUT comments   bigint,
    OUT row_values jsonb
)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_deleted_records(regclass, integer, timestamptz) IS
    'crm_deleted() of any attached table; raises 55000 where it is not attached';

-- Undoing ----------------------------------------------------------------------------------------

CREATE FUNCTION crm_revert_customer(
    id          bigint,
    expected_ts timestamptz,
    version     timestamptz,
    author      text,
    comment     text DEFAULT NULL,
    whole       boolean DEFAULT false,
    fields      text[] DEFAULT NULL
)
RETURNS crm_update_result
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_revert_customer(bigint, timestamptz, timestamptz, text, text, boolean, text[]) IS
    'undoes the change that made a version, as a save: each column that it changed is what it was before, or those that fields names; what has that value already stays; what was changed again since is a conflict, whose detail lists it in "superseded"; whole goes back to the state at that version; returns one crm_update_result, and the history says what was undone (reverts); takes SELECT on all of the history; raises 22023 where the history does not know, or the change is no update, 42703 for a column that is there no longer, and else as crm_update_customer()';

CREATE FUNCTION crm_revert_record(
    record_table regclass,
    key          text,
    expected_ts  timestamptz,
    version      timestamptz,
    author       text,
    comment      text DEFAULT NULL,
    whole        boolean DEFAULT false,
    fields       text[] DEFAULT NULL
)
RETURNS crm_update_result
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_revert_record(regclass, text, timestamptz, timestamptz, text, text, boolean, text[]) IS
    'crm_revert_customer() for a row of any attached table; raises 22P02 also for a malformed key, 55000 where the table is not attached';

-- Edit locks -------------------------------------------------------------------------------------

DROP FUNCTION crm_unlock_customer(bigint, uuid);

CREATE FUNCTION crm_unlock_customer(id bigint, lock_id uuid, force boolean DEFAULT false, author text DEFAULT NULL)
RETURNS boolean
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_unlock_customer(bigint, uuid, boolean, text) IS
    'releases the edit lock with this id; with force it ends whatever lock there is, of whomever, and keeps who did that (author) in the table of edit locks until somebody takes the lock. Returns whether it did. Raises 22004 and 22023 for bad arguments, 42501 for who may not save the customer or, with force, is neither the owner of the table nor may update the column ended_by of its table of edit locks; 55000 where no table is attached, or its table of edit locks is of version 1.0';

DROP FUNCTION crm_unlock_customer_by_key(text, uuid);

CREATE FUNCTION crm_unlock_customer_by_key(key text, lock_id uuid, force boolean DEFAULT false, author text DEFAULT NULL)
RETURNS boolean
AS 'MODULE_PATHNAME', 'crm_unlock_customer'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_unlock_customer_by_key(text, uuid, boolean, text) IS
    'crm_unlock_customer() for keys of every type, given as text; raises 22P02 also for a malformed key';

-- Reading ----------------------------------------------------------------------------------------

COMMENT ON FUNCTION crm_get_customer(bigint, timestamptz, integer) IS
    'a customer as {"key": text, "customer": row, "comments": [...], "comments_total": n, "lock": ...}, its latest comments as a tree of replies, as far as the caller may read it, now or as it was at a time; NULL for a customer that is not there, or was not then; raises 22004 and 22023 for bad arguments and for a time before the kept history, 42501, 55000 where no table is attached';

-- Operations -------------------------------------------------------------------------------------

COMMENT ON FUNCTION crm_verify(bigint) IS
    'what must never be in the data of a customer, or of all (NULL), as far as it is there: no rows are good; of all, it reads each table once, with little memory, and sends a NOTICE for every million rows; raises 42501 for who may not read all rows of customers, comments and history, 55000 where no table is attached';

-- Statistics -------------------------------------------------------------------------------------

DROP VIEW crm_stat;
DROP FUNCTION crm_stat_databases();

CREATE FUNCTION crm_update_records(saves jsonb, all_or_nothing boolean DEFAULT false)
RETURNS SETOF crm_update_customers_result
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_update_records(jsonb, boolean) IS
    'makes an array of JSON objects of any attached tables, each with the table (default: the customers table that the search_path finds), id or key, and an operation: update (default), with the arguments of crm_update_customer(); delete, with those of crm_delete_customer(); or check, with expected_ts alone: that the record has this version, which it keeps until the transaction ends then. Rows are locked by table and key. Without all_or_nothing each is for itself, in this order. With it, one refusal refuses all: what would have been made is answered failed_dependency (424), with the refused ones in detail, and its comment is kept; else all are made in the order given. One result for each, in the order given; all in one transaction. Raises 22023 for what is no such operation, and with all_or_nothing for a record that is named twice, 27000 when triggers of one change another of the call, and what crm_update_customer() and crm_delete_customer() raise, naming the position; all is undone then';

CREATE FUNCTION crm_refused_saves(
    author          text DEFAULT NULL,
    id              bigint DEFAULT NULL,
    OUT refused_id  bigint,
    OUT key         text,
    OUT author      text,
    OUT db_user     name,
    OUT kept_at     timestamptz,
    OUT refused_at  timestamptz,
    OUT times       bigint,
    OUT based_on    timestamptz,
    OUT status      text,
    OUT fields      jsonb,
    OUT comment_id  bigint,
    OUT conflicts   jsonb
)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_refused_saves(text, bigint) IS
    'what refused saves asked for, where crm_concurrency.keep_refused was all, until it is saved, resolved or discarded, latest first; of one author, or of one customer: the number for crm_resolve_refused(), the key, whose save it was, when it was refused first and last, and how often, the latest version its author was looking at, the status and the fields that the caller may read, the kept comment, and the columns that others had changed; customers that the caller does not see are left out; takes SELECT (id) on the table of refused saves; raises 42501, 55000 where no table is attached or refused saves are not kept';

CREATE FUNCTION crm_refused_record_saves(
    record_table    regclass,
    author          text DEFAULT NULL,
    key             text DEFAULT NULL,
    OUT refused_id  bigint,
    OUT key         text,
    OUT author      text,
    OUT db_user     name,
    OUT kept_at     timestamptz,
    OUT refused_at  timestamptz,
    OUT times       bigint,
    OUT based_on    timestamptz,
    OUT status      text,
    OUT fields      jsonb,
    OUT comment_id  bigint,
    OUT conflicts   jsonb
)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_refused_record_saves(regclass, text, text) IS
    'crm_refused_saves() for any attached table; raises 55000 where it is not attached';

CREATE FUNCTION crm_resolve_refused(
    refused_id  bigint,
    expected_ts timestamptz,
    choose      jsonb,
    comment     text DEFAULT NULL,
    author      text DEFAULT NULL
)
RETURNS crm_update_result
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_resolve_refused(bigint, timestamptz, jsonb, text, text) IS
    'saves what is chosen of a refused save from the version that the chooser saw, and ends it: choose has "mine" or "theirs" for each of its fields, the status under the name of its column; author is whose save it was where that is NULL; outcomes, rights and errors are those of crm_update_customer(), with gone for a refused save that has ended and not_found where there is none; takes SELECT (id) on the table of refused saves; raises 22023 for a choice of other fields, 28000 and 42501 for the save of another author where an identity is set, 55000 where refused saves are not kept';

CREATE FUNCTION crm_resolve_refused_record(
    record_table regclass,
    refused_id   bigint,
    expected_ts  timestamptz,
    choose       jsonb,
    comment      text DEFAULT NULL,
    author       text DEFAULT NULL
)
RETURNS crm_update_result
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_resolve_refused_record(regclass, bigint, timestamptz, jsonb, text, text) IS
    'crm_resolve_refused() for any attached table; raises 55000 where it is not attached';

CREATE FUNCTION crm_discard_refused(refused_id bigint)
RETURNS boolean
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_discard_refused(bigint) IS
    'ends a refused save without saving it; false where none waits under this number; takes SELECT (id) on the table of refused saves and UPDATE on a column of the customers; raises 22004, 42501, also for the save of another author where an identity is set, 55000 where refused saves are not kept';

CREATE FUNCTION crm_discard_refused_record(record_table regclass, refused_id bigint)
RETURNS boolean
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_discard_refused_record(regclass, bigint) IS
    'crm_discard_refused() for any attached table; raises 55000 where it is not attached';

CREATE FUNCTION crm_refused_counts(OUT kind text, OUT name text, OUT refused bigint, OUT waiting bigint)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_refused_counts() IS
    'how often saves were refused that were kept, and how many of them wait: by field that others had changed, by customer and by author; takes SELECT (id) on the table of refused saves; raises 42501, also where row-level security hides customers, 55000 where refused saves are not kept';

CREATE FUNCTION crm_refused_record_counts(
    record_table regclass,
    OUT kind     text,
    OUT name     text,
    OUT refused  bigint,
    OUT waiting  bigint
)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_refused_record_counts(regclass) IS
    'crm_refused_counts() for any attached table; raises 55000 where it is not attached';

CREATE FUNCTION crm_stat_databases(
    OUT datid            oid,
    OUT updated          bigint,
    OUT merged           bigint,
    OUT unchanged        bigint,
    OUT replayed         bigint,
    OUT conflict         bigint,
    OUT locked           bigint,
    OUT gone             bigint,
    OUT not_found        bigint,
    OUT deleted          bigint,
    OUT restored         bigint,
    OUT failed_dependency bigint,
    OUT comments_kept    bigint,
    OUT comments_adopted bigint,
    OUT saves_kept       bigint,
    OUT lock_waits       bigint,
    OUT stats_reset      timestamptz
)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_stat_databases() IS
    'the rows of the view crm_stat; raises 55000 where shared_preload_libraries does not have crm_concurrency';

CREATE VIEW crm_stat AS
    SELECT s.datid, d.datname, s.updated, s.merged, s.unchanged, s.replayed, s.conflict, s.locked, s.gone, s.not_found,
           s.deleted, s.restored, s.failed_dependency, s.comments_kept, s.comments_adopted, s.saves_kept, s.lock_waits, s.stats_reset
    FROM crm_stat_databases() s JOIN pg_catalog.pg_database d ON d.oid OPERATOR(pg_catalog.=) s.datid;

GRANT SELECT ON crm_stat TO PUBLIC;

COMMENT ON VIEW crm_stat IS
    'how saves, deletions and restorations ended, one row for each database where there were any since the server started or the counters were reset; also of transactions that were rolled back; raises 55000 where shared_preload_libraries does not have crm_concurrency';
COMMENT ON COLUMN crm_stat.datid IS 'the database';
COMMENT ON COLUMN crm_stat.datname IS 'its name';
COMMENT ON COLUMN crm_stat.updated IS 'how many saves were applied';
COMMENT ON COLUMN crm_stat.merged IS 'how many saves were merged with what others had changed';
COMMENT ON COLUMN crm_stat.unchanged IS 'how many saves asked for what was there';
COMMENT ON COLUMN crm_stat.replayed IS 'how many saves had been applied before';
COMMENT ON COLUMN crm_stat.conflict IS 'how many saves were refused for their base';
COMMENT ON COLUMN crm_stat.locked IS 'how many saves were refused for the edit lock of another';
COMMENT ON COLUMN crm_stat.gone IS 'how many saves were of customers that had been deleted';
COMMENT ON COLUMN crm_stat.not_found IS 'how many saves were of customers that nobody knows, or that the caller may not see';
COMMENT ON COLUMN crm_stat.deleted IS 'how many customers were deleted by crm_delete_customer()';
COMMENT ON COLUMN crm_stat.restored IS 'how many customers were restored';
COMMENT ON COLUMN crm_stat.failed_dependency IS
    'how many saves and deletions of an all-or-nothing call were not made since others of the call were refused';
COMMENT ON COLUMN crm_stat.comments_kept IS 'how many comments of refused saves were stored';
COMMENT ON COLUMN crm_stat.comments_adopted IS 'how many of these became the comments of later saves';
COMMENT ON COLUMN crm_stat.saves_kept IS 'how many refused saves were kept, each time that they were refused';
COMMENT ON COLUMN crm_stat.lock_waits IS 'how many saves waited for another transaction that had the customer''s row';
COMMENT ON COLUMN crm_stat.stats_reset IS 'since when';

-- Partitions -------------------------------------------------------------------------------------

CREATE FUNCTION crm_partition_of(key text, partitions integer)
RETURNS integer
AS 'MODULE_PATHNAME'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION crm_partition_of(text, integer) IS
    'the number of the partition, from 0, that has the record with this key, where there are so many (scale/README.md): the first four bytes of the SHA-256 of the key in UTF-8, a big-endian integer, modulo their number; the key is in its one spelling; raises 22023 where the number is not a power of two';

-- What open sessions know of the registry they read again, and look at the version of the SQL objects.
DELETE FROM crm_attached_tables WHERE false;
