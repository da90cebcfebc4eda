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
    'the version of the library that this session has loaded: see doc/operations.md#updating-the-extension';

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
    'the tables that are guarded; the newest row of a table counts: see doc/reference.md#registry';
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
    'guards an existing table; called again, it makes what is missing: see doc/reference.md#crm_attach';

CREATE FUNCTION crm_refuse_drop()
RETURNS event_trigger
AS 'MODULE_PATHNAME'
LANGUAGE C;

COMMENT ON FUNCTION crm_refuse_drop() IS
    'event trigger ON sql_drop: refuses to drop what attached tables need: see doc/adopting.md#schema-tools';

COMMENT ON FUNCTION crm_update_customers(jsonb) IS
    'makes many saves in one call, and answers each: see doc/merge.md#many-saves';

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
    'crm_update_customer() for any attached table: see doc/reference.md#any-table';

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
    'crm_get_customer() for any attached table: see doc/reference.md#any-table';

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
    'crm_timeline() for any attached table: see doc/reference.md#any-table';

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
    'crm_add_comment() for any attached table: see doc/reference.md#any-table';

CREATE FUNCTION crm_export_record_comments(record_table regclass, key text, time_zone text DEFAULT 'UTC')
RETURNS text
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_export_record_comments(regclass, text, text) IS
    'crm_export_comments() for any attached table: see doc/reference.md#any-table';

CREATE FUNCTION crm_import_record_comments(record_table regclass, key text, comments text, time_zone text DEFAULT 'UTC')
RETURNS integer
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_import_record_comments(regclass, text, text, text) IS
    'crm_import_comments() for any attached table: see doc/reference.md#any-table';

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
    'crm_lock_customer() for any attached table: see doc/reference.md#any-table';

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
    'crm_unlock_customer() for any attached table: see doc/reference.md#any-table';

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
    'crm_verify() for any attached table: see doc/reference.md#any-table';

CREATE FUNCTION crm_prune_record_history(record_table regclass, keep interval, batch integer DEFAULT 10000)
RETURNS bigint
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_prune_record_history(regclass, interval, integer) IS
    'crm_prune_history() for any attached table: see doc/reference.md#any-table';

CREATE FUNCTION crm_erase_record(record_table regclass, key text)
RETURNS jsonb
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_prune_history(interval, integer) IS
    'removes what is older from the history; call it until it returns 0: see doc/operations.md#pruning';

COMMENT ON FUNCTION crm_erase_customer(bigint) IS
    'blanks what is personal of a customer, also of a deleted one: see doc/operations.md#erasing-a-person';

COMMENT ON FUNCTION crm_erase_record(regclass, text) IS
    'crm_erase_customer() for any attached table: see doc/reference.md#any-table';

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
    'corrects a comment if it still has the expected text: see doc/comments.md#correcting-and-withdrawing';

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
    'crm_edit_comment() for any attached table: see doc/reference.md#any-table';

CREATE FUNCTION crm_withdraw_comment(id bigint, comment_id bigint, author text, reason text DEFAULT NULL)
RETURNS crm_comment_result
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_withdraw_comment(bigint, bigint, text, text) IS
    'withdraws a comment, which keeps its place in the thread: see doc/comments.md#correcting-and-withdrawing';

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
    'crm_withdraw_comment() for any attached table: see doc/reference.md#any-table';

CREATE FUNCTION crm_redact_comment(id bigint, comment_id bigint)
RETURNS jsonb
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_redact_comment(bigint, bigint) IS
    'removes what a comment says and said, for good: see doc/comments.md#removing-a-text';

CREATE FUNCTION crm_redact_record_comment(record_table regclass, key text, comment_id bigint)
RETURNS jsonb
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_redact_record_comment(regclass, text, bigint) IS
    'crm_redact_comment() for any attached table: see doc/reference.md#any-table';

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
    'AFTER DELETE trigger of comments: sets those of a deleted customer aside: see doc/deleting.md#what-is-set-aside';

CREATE FUNCTION crm_delete_customer(id bigint, expected_ts timestamptz, comment text, author text)
RETURNS crm_update_result
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_delete_customer(bigint, timestamptz, text, text) IS
    'deletes a customer if its version is still expected_ts: see doc/deleting.md#deleting';

CREATE FUNCTION crm_delete_record(record_table regclass, key text, expected_ts timestamptz, comment text, author text)
RETURNS crm_update_result
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_delete_record(regclass, text, timestamptz, text, text) IS
    'crm_delete_customer() for any attached table: see doc/reference.md#any-table';

CREATE FUNCTION crm_restore_customer(id bigint, author text, comment text DEFAULT NULL)
RETURNS crm_update_result
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_restore_customer(bigint, text, text) IS
    'brings a deleted customer back, with its comments: see doc/deleting.md#restoring';

CREATE FUNCTION crm_restore_record(record_table regclass, key text, author text, comment text DEFAULT NULL)
RETURNS crm_update_result
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_restore_record(regclass, text, text, text) IS
    'crm_restore_customer() for any attached table: see doc/reference.md#any-table';

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
    'the deleted customers that can be restored, latest first: see doc/deleting.md#what-is-set-aside';

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
    'crm_deleted() for any attached table: see doc/reference.md#any-table';

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
    'undoes the change that made a version, as a save: see doc/deleting.md#undoing-a-change';

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
    'crm_revert_customer() for any attached table: see doc/reference.md#any-table';

-- Edit locks -------------------------------------------------------------------------------------

DROP FUNCTION crm_unlock_customer(bigint, uuid);

CREATE FUNCTION crm_unlock_customer(id bigint, lock_id uuid, force boolean DEFAULT false, author text DEFAULT NULL)
RETURNS boolean
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_unlock_customer(bigint, uuid, boolean, text) IS
    'releases an edit lock, or ends that of another by force: see doc/edit-locks.md#ended-by-force';

DROP FUNCTION crm_unlock_customer_by_key(text, uuid);

CREATE FUNCTION crm_unlock_customer_by_key(key text, lock_id uuid, force boolean DEFAULT false, author text DEFAULT NULL)
RETURNS boolean
AS 'MODULE_PATHNAME', 'crm_unlock_customer'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_unlock_customer_by_key(text, uuid, boolean, text) IS
    'crm_unlock_customer() for keys of every type, given as text: see doc/reference.md#objects';

-- Reading ----------------------------------------------------------------------------------------

COMMENT ON FUNCTION crm_get_customer(bigint, timestamptz, integer) IS
    'a customer with its comments, now or as it was: see doc/history.md#as-it-was';

-- Operations -------------------------------------------------------------------------------------

COMMENT ON FUNCTION crm_verify(bigint) IS
    'what must never be in the data of a customer, or of all: no rows are good: see doc/operations.md#crm_verify';

-- One line for what version 1.0 described at length ------------------------------------------------

COMMENT ON FUNCTION crm_registry_changed() IS
    'trigger of crm_attached_tables: tells every session that the registry changed: see doc/reference.md#registry';
COMMENT ON FUNCTION crm_customers_key() IS
    'BEFORE UPDATE trigger of an attached table: refuses a changed key: see doc/reference.md#triggers';
COMMENT ON FUNCTION crm_customers_version() IS
    'BEFORE trigger of an attached table: gives every write its version: see doc/reference.md#triggers';
COMMENT ON FUNCTION crm_customers_history() IS
    'AFTER trigger of an attached table: records every change in the history: see doc/reference.md#triggers';
COMMENT ON FUNCTION crm_comments_guard() IS
    'BEFORE trigger of comments: checks new ones and keeps the table append-only: see doc/reference.md#triggers';
COMMENT ON FUNCTION crm_comments_version() IS
    'AFTER INSERT trigger of comments: the version and the event of a comment: see doc/reference.md#triggers';
COMMENT ON FUNCTION crm_history_restore() IS
    'BEFORE INSERT trigger of a history: lets the rows of a dump in: see doc/reference.md#triggers';
COMMENT ON FUNCTION crm_refuse_truncate() IS
    'BEFORE TRUNCATE trigger of customers and comments: refuses it: see doc/reference.md#triggers';
COMMENT ON FUNCTION crm_create_tables(name) IS
    'creates and attaches customers, comments, history and edit locks: see doc/reference.md#crm_create_tables';
COMMENT ON FUNCTION crm_detach(regclass) IS
    'guards a table no longer; all tables and rows stay: see doc/reference.md#crm_attach';
COMMENT ON FUNCTION crm_update_customer(bigint, timestamptz, text, text, text, boolean, bigint, jsonb) IS
    'saves one customer if its version is still expected_ts: see doc/reference.md#crm_update_customer';
COMMENT ON FUNCTION crm_timeline(bigint, integer, timestamptz) IS
    'changes and comments of a customer in one order, newest first: see doc/history.md#one-customer';
COMMENT ON FUNCTION crm_add_comment(bigint, text, text, bigint) IS
    'adds a comment without a save, and returns its id: see doc/comments.md#without-a-save';
COMMENT ON FUNCTION crm_export_comments(bigint, text) IS
    'the comments of a customer in the older text form: see doc/comments.md#the-older-text-form';
COMMENT ON FUNCTION crm_import_comments(bigint, text, text) IS
    'stores comments in the older text form that are not there yet: see doc/comments.md#the-older-text-form';
COMMENT ON PROCEDURE crm_import_comments_column(regclass, integer, text) IS
    'imports a column of comments in the older text form, in batches: see doc/comments.md#the-older-text-form';
COMMENT ON FUNCTION crm_lock_customer(bigint, text, interval, uuid) IS
    'locks a customer for editing by one author, or renews the lock: see doc/edit-locks.md';
COMMENT ON FUNCTION crm_live_locks() IS
    'the rows of the view crm_locks: see doc/edit-locks.md';
COMMENT ON FUNCTION crm_doctor() IS
    'examines the installation: one row for each check, with a hint: see doc/operations.md#crm_doctor';
COMMENT ON FUNCTION crm_stat_reset() IS
    'sets the counters of crm_stat for this database to zero: see doc/operations.md#crm_stat';
COMMENT ON VIEW crm_locks IS
    'the live edit locks on the customers that the caller may see: see doc/edit-locks.md';
COMMENT ON FUNCTION crm_update_customer_by_key(text, timestamptz, text, text, text, boolean, bigint, jsonb) IS
    'crm_update_customer() for keys of every type, given as text: see doc/reference.md#objects';
COMMENT ON FUNCTION crm_get_customer_by_key(text, timestamptz, integer) IS
    'crm_get_customer() for keys of every type, given as text: see doc/reference.md#objects';
COMMENT ON FUNCTION crm_timeline_by_key(text, integer, timestamptz) IS
    'crm_timeline() for keys of every type, given as text: see doc/reference.md#objects';
COMMENT ON FUNCTION crm_add_comment_by_key(text, text, text, bigint) IS
    'crm_add_comment() for keys of every type, given as text: see doc/reference.md#objects';
COMMENT ON FUNCTION crm_export_comments_by_key(text, text) IS
    'crm_export_comments() for keys of every type, given as text: see doc/reference.md#objects';
COMMENT ON FUNCTION crm_import_comments_by_key(text, text, text) IS
    'crm_import_comments() for keys of every type, given as text: see doc/reference.md#objects';
COMMENT ON FUNCTION crm_lock_customer_by_key(text, text, interval, uuid) IS
    'crm_lock_customer() for keys of every type, given as text: see doc/reference.md#objects';
COMMENT ON FUNCTION crm_verify_by_key(text) IS
    'crm_verify() for keys of every type, given as text: see doc/reference.md#objects';
COMMENT ON FUNCTION crm_erase_customer_by_key(text) IS
    'crm_erase_customer() for keys of every type, given as text: see doc/reference.md#objects';

-- Statistics -------------------------------------------------------------------------------------

DROP VIEW crm_stat;
DROP FUNCTION crm_stat_databases();

CREATE FUNCTION crm_update_records(saves jsonb, all_or_nothing boolean DEFAULT false)
RETURNS SETOF crm_update_customers_result
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_update_records(jsonb, boolean) IS
    'makes many saves, deletions and checks, each for itself or all or none: see doc/merge.md#all-or-nothing';

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
    'what refused saves asked for that are kept whole, latest first: see doc/refused-saves.md#what-waits';

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
    'crm_refused_saves() for any attached table: see doc/reference.md#any-table';

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
    'saves what is chosen of a refused save, and ends it: see doc/refused-saves.md#how-it-ends';

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
    'crm_resolve_refused() for any attached table: see doc/reference.md#any-table';

CREATE FUNCTION crm_discard_refused(refused_id bigint)
RETURNS boolean
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_discard_refused(bigint) IS
    'ends a refused save without saving it: see doc/refused-saves.md#how-it-ends';

CREATE FUNCTION crm_discard_refused_record(record_table regclass, refused_id bigint)
RETURNS boolean
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_discard_refused_record(regclass, bigint) IS
    'crm_discard_refused() for any attached table: see doc/reference.md#any-table';

CREATE FUNCTION crm_refused_counts(OUT kind text, OUT name text, OUT refused bigint, OUT waiting bigint)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_refused_counts() IS
    'how often saves were refused that are kept whole, and how many wait: see doc/refused-saves.md#what-conflicts-most';

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
    'crm_refused_counts() for any attached table: see doc/reference.md#any-table';

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
    'the rows of the view crm_stat: see doc/operations.md#crm_stat';

CREATE VIEW crm_stat AS
    SELECT s.datid, d.datname, s.updated, s.merged, s.unchanged, s.replayed, s.conflict, s.locked, s.gone, s.not_found,
           s.deleted, s.restored, s.failed_dependency, s.comments_kept, s.comments_adopted, s.saves_kept, s.lock_waits, s.stats_reset
    FROM crm_stat_databases() s JOIN pg_catalog.pg_database d ON d.oid OPERATOR(pg_catalog.=) s.datid;

GRANT SELECT ON crm_stat TO PUBLIC;

COMMENT ON VIEW crm_stat IS
    'how saves, deletions and restorations ended, one row for each database: see doc/operations.md#crm_stat';
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
    'the number of the partition, from 0, that has a key: see doc/reference.md#objects';

-- What open sessions know of the registry they read again, and look at the version of the SQL objects.
DELETE FROM crm_attached_tables WHERE false;
