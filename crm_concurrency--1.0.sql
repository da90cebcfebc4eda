-- complain if the script is sourced in psql instead of through CREATE EXTENSION
\echo Use "CREATE EXTENSION crm_concurrency" to load this file. \quit

-- The registry -----------------------------------------------------------------------------------

CREATE TABLE crm_attached_tables (
    customers       regclass    NOT NULL,
    comments        regclass    NOT NULL,
    history         regclass    NOT NULL,
    locks           regclass    NOT NULL,
    comments_column name,
    home            name,
    plain_updates   text        NOT NULL DEFAULT 'allow' CHECK (plain_updates IN ('allow', 'refuse')),
    attached_at     timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    -- The newest row of a table counts: loading a dump beside a fresh attachment must not collide.
    PRIMARY KEY (customers, attached_at)
);

GRANT SELECT ON crm_attached_tables TO PUBLIC;

COMMENT ON TABLE crm_attached_tables IS
    'the tables that crm_concurrency guards, one row per attachment; the newest row of a customers table counts';
COMMENT ON COLUMN crm_attached_tables.customers IS 'the customers table';
COMMENT ON COLUMN crm_attached_tables.comments IS 'the comments of these customers';
COMMENT ON COLUMN crm_attached_tables.history IS 'the history of these customers';
COMMENT ON COLUMN crm_attached_tables.locks IS 'the edit locks on these customers';
COMMENT ON COLUMN crm_attached_tables.comments_column IS
    'the column of the customers table with comments in the older text form; NULL where there is none';
COMMENT ON COLUMN crm_attached_tables.home IS
    'the schema in which the table was attached: in a schema with several attached tables, calls find the one that was attached there';
COMMENT ON COLUMN crm_attached_tables.plain_updates IS
    'allow, or refuse: then crm_update_customer() alone may change the status';
COMMENT ON COLUMN crm_attached_tables.attached_at IS 'when the attachment was made';

-- A table that was dropped would be dumped as a bare number that could name another table later.
SELECT pg_catalog.pg_extension_config_dump('crm_attached_tables',
    'WHERE (SELECT pg_catalog.count(*) FROM pg_catalog.pg_class c WHERE c.oid IN (customers, comments, history, locks)) = 4');

CREATE FUNCTION crm_registry_changed()
RETURNS trigger
AS 'MODULE_PATHNAME'
LANGUAGE C;

COMMENT ON FUNCTION crm_registry_changed() IS
    'trigger of crm_attached_tables: tells every session that the registry changed';

CREATE TRIGGER crm_registry_changed
AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON crm_attached_tables
FOR EACH STATEMENT EXECUTE FUNCTION crm_registry_changed();

-- Also where triggers are off, as in a restore: no session may go by an old registry.
ALTER TABLE crm_attached_tables ENABLE ALWAYS TRIGGER crm_registry_changed;

-- Triggers of the attached tables ----------------------------------------------------------------

CREATE FUNCTION crm_customers_key()
RETURNS trigger
AS 'MODULE_PATHNAME'
LANGUAGE C;

COMMENT ON FUNCTION crm_customers_key() IS
    'BEFORE UPDATE row trigger of a customers table, whose columns name key, status and version; raises 0A000 for a changed key';

CREATE FUNCTION crm_customers_version()
RETURNS trigger
AS 'MODULE_PATHNAME'
LANGUAGE C;

COMMENT ON FUNCTION crm_customers_version() IS
    'BEFORE row trigger of a customers table: gives every write its version; raises 0A000 for a changed key and 22008 for a version outside years 1 to 9999';

CREATE FUNCTION crm_customers_history()
RETURNS trigger
AS 'MODULE_PATHNAME'
LANGUAGE C;

COMMENT ON FUNCTION crm_customers_history() IS
    'AFTER row trigger of a customers table: records every change in the history';

CREATE FUNCTION crm_comments_guard()
RETURNS trigger
AS 'MODULE_PATHNAME'
LANGUAGE C;

COMMENT ON FUNCTION crm_comments_guard() IS
    'BEFORE row trigger of a comments table: stamps and checks new comments, checks expected_ts like a save, and keeps the table append-only';

CREATE FUNCTION crm_comments_version()
RETURNS trigger
AS 'MODULE_PATHNAME'
LANGUAGE C;

COMMENT ON FUNCTION crm_comments_version() IS
    'AFTER INSERT row trigger of a comments table: gives the customer of a comment with expected_ts its next version, and sends the event of a comment';

CREATE FUNCTION crm_history_restore()
RETURNS trigger
AS 'MODULE_PATHNAME'
LANGUAGE C;

COMMENT ON FUNCTION crm_history_restore() IS
    'BEFORE INSERT row trigger of a history table: lets the rows of a dump replace those that loading the customers wrote';

CREATE FUNCTION crm_refuse_truncate()
RETURNS trigger
AS 'MODULE_PATHNAME'
LANGUAGE C;

COMMENT ON FUNCTION crm_refuse_truncate() IS
    'BEFORE TRUNCATE trigger of customers and comments tables: raises 55000 unless the owner has set crm_concurrency.allow_truncate';

-- Functions --------------------------------------------------------------------------------------

CREATE FUNCTION crm_create_tables(schema name DEFAULT NULL)
RETURNS regclass
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_create_tables(name) IS
    'creates and attaches customers, comments, customer_history and customer_locks in a schema (default: the current one) and returns the customers table; raises 42P07 and changes nothing where one of them exists';

CREATE FUNCTION crm_attach(
    customers      regclass,
    status_column  name DEFAULT 'status',
    version_column name DEFAULT 'updated_at',
    comments       name DEFAULT NULL,
    history        name DEFAULT NULL,
    locks          name DEFAULT NULL,
    comments_column name DEFAULT NULL,
    plain_updates  text DEFAULT 'allow'
)
RETURNS regclass
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_attach(regclass, name, name, name, name, name, name, text) IS
    'guards an existing customers table: creates its tables of comments, history and edit locks (default names: <customers>_comments, _history, _locks), adds the version column where there is none, creates the triggers and registers it; can be run again, and then makes what is missing; returns the table. Raises 42501 for somebody else''s table, and with the reason 42809, 55000, 0A000, 42703, 23502, 22008 or 42P07 where it cannot be attached; nothing is changed then';

CREATE FUNCTION crm_detach(customers regclass)
RETURNS void
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_detach(regclass) IS
    'guards a customers table no longer: drops the triggers and the registration and leaves all tables and rows; raises 42501 for somebody else''s table, 55000 where it is not attached';

CREATE TYPE crm_update_result AS (
    outcome     text,
    http_status integer,
    status      text,
    updated_at  timestamptz,
    comment_id  bigint,
    message     text,
    detail      jsonb
);

COMMENT ON TYPE crm_update_result IS 'what became of a save';
COMMENT ON COLUMN crm_update_result.outcome IS 'updated, merged, unchanged, replayed, conflict, locked, deleted or not_found';
COMMENT ON COLUMN crm_update_result.http_status IS 'the outcome as an HTTP status code (RFC 9110): 200, 404, 409, 410 or 423';
COMMENT ON COLUMN crm_update_result.status IS 'the status of the customer as it is now';
COMMENT ON COLUMN crm_update_result.updated_at IS 'the version of the customer as it is now: the base of the next save';
COMMENT ON COLUMN crm_update_result.comment_id IS 'where the comment of the save is stored; NULL where none is';
COMMENT ON COLUMN crm_update_result.message IS 'the outcome in one English sentence';
COMMENT ON COLUMN crm_update_result.detail IS 'what a refused or replayed save has to know; NULL on a plain success';

CREATE FUNCTION crm_update_customer(
    id          bigint,
    expected_ts timestamptz,
    status      text,
    comment     text,
    author      text,
    merge       boolean DEFAULT NULL,
    reply_to    bigint DEFAULT NULL,
    fields      jsonb DEFAULT NULL
)
RETURNS crm_update_result
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_update_customer(bigint, timestamptz, text, text, text, boolean, bigint, jsonb) IS
    'saves one customer if its version is still expected_ts, or with merge (default: crm_concurrency.merge) if nothing others changed since collides: status (NULL leaves it), comment (NULL or blank for none) and the comment that it answers, author, other columns as a JSON object; returns one crm_update_result; raises PT428 for a NULL expected_ts, 22004, 22023, 22001, 42703 and 23503 for other bad arguments, 42501, 25006, 55000 where no table is attached, and PT409 for a conflict and PT423 for the edit lock of another user under crm_concurrency.on_conflict = raise. Call it in FROM: (f()).* calls it once a column';

CREATE FUNCTION crm_update_customer_by_key(
    key         text,
    expected_ts timestamptz,
    status      text,
    comment     text,
    author      text,
    merge       boolean DEFAULT NULL,
    reply_to    bigint DEFAULT NULL,
    fields      jsonb DEFAULT NULL
)
RETURNS crm_update_result
AS 'MODULE_PATHNAME', 'crm_update_customer'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_update_customer_by_key(text, timestamptz, text, text, text, boolean, bigint, jsonb) IS
    'crm_update_customer() for keys of every type, given as text; raises 22P02 also for a malformed key';

CREATE TYPE crm_update_customers_result AS (
    ord         integer,
    outcome     text,
    http_status integer,
    status      text,
    updated_at  timestamptz,
    comment_id  bigint,
    message     text,
    detail      jsonb
);

COMMENT ON TYPE crm_update_customers_result IS 'what became of one of many saves';
COMMENT ON COLUMN crm_update_customers_result.ord IS 'the position of the save in the array, from 1';
COMMENT ON COLUMN crm_update_customers_result.outcome IS 'as in crm_update_result';
COMMENT ON COLUMN crm_update_customers_result.http_status IS 'as in crm_update_result';
COMMENT ON COLUMN crm_update_customers_result.status IS 'the status of the customer right after the save';
COMMENT ON COLUMN crm_update_customers_result.updated_at IS
    'the version of the customer right after the save; later saves of the call may have advanced it';
COMMENT ON COLUMN crm_update_customers_result.comment_id IS 'as in crm_update_result';
COMMENT ON COLUMN crm_update_customers_result.message IS 'as in crm_update_result';
COMMENT ON COLUMN crm_update_customers_result.detail IS 'as in crm_update_result';

CREATE FUNCTION crm_update_customers(saves jsonb)
RETURNS SETOF crm_update_customers_result
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_update_customers(jsonb) IS
    'makes many saves in one call: an array of objects whose keys are the arguments of crm_update_customer() (id or key), each with the outcome of a single save; they are made in the order of their keys, those of one customer in the order given, and returned as given. An error of one of them names its position and undoes all: 22004 and 22023 for what is no save, else as crm_update_customer()';

-- Reading ----------------------------------------------------------------------------------------

CREATE FUNCTION crm_get_customer(
    id           bigint,
    at           timestamptz DEFAULT NULL,
    max_comments integer DEFAULT 50
)
RETURNS jsonb
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_get_customer(bigint, timestamptz, integer) IS
    'a customer as {"customer": row, "comments": [...], "comments_total": n, "lock": ...}, its latest comments as a tree of replies, as far as the caller may read it, now or as it was at a time; NULL for a customer that is not there, or was not then; raises 22004 and 22023 for bad arguments and for a time before the kept history, 42501, 55000 where no table is attached';

CREATE FUNCTION crm_get_customer_by_key(
    key          text,
    at           timestamptz DEFAULT NULL,
    max_comments integer DEFAULT 50
)
RETURNS jsonb
AS 'MODULE_PATHNAME', 'crm_get_customer'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_get_customer_by_key(text, timestamptz, integer) IS
    'crm_get_customer() for keys of every type, given as text; raises 22P02 also for a malformed key';

CREATE FUNCTION crm_timeline(
    id              bigint,
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
    OUT save_refused boolean
)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_timeline(bigint, integer, timestamptz) IS
    'the changes (at: their recorded_at) and comments (at: their created_at) of a customer in one order, newest first, before a time: the next page begins before the last at; more than max_rows only for the same at; thread is the comment that begins the thread, depth how far a reply is from it; what the caller may not read is left out; raises 22004 and 22023 for bad arguments, 42501 for who may read neither, 55000 where no table is attached';

CREATE FUNCTION crm_timeline_by_key(
    key             text,
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
    OUT save_refused boolean
)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'crm_timeline'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_timeline_by_key(text, integer, timestamptz) IS
    'crm_timeline() for keys of every type, given as text; raises 22P02 also for a malformed key';

-- Comments ---------------------------------------------------------------------------------------

CREATE FUNCTION crm_add_comment(
    id       bigint,
    body     text,
    author   text,
    reply_to bigint DEFAULT NULL
)
RETURNS bigint
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_add_comment(bigint, text, text, bigint) IS
    'adds a comment without a save, which waits for no save and never conflicts, and returns its id; the same comment within crm_concurrency.repeated_comment_window returns the id of the first; raises 22004, 22023 and 22001 for bad arguments, 23503 for a customer, or a comment to reply to, that is not there, 42501, 25006, 55000 where no table is attached';

CREATE FUNCTION crm_add_comment_by_key(
    key      text,
    body     text,
    author   text,
    reply_to bigint DEFAULT NULL
)
RETURNS bigint
AS 'MODULE_PATHNAME', 'crm_add_comment'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_add_comment_by_key(text, text, text, bigint) IS
    'crm_add_comment() for keys of every type, given as text; raises 22P02 also for a malformed key';

CREATE FUNCTION crm_export_comments(id bigint, time_zone text DEFAULT 'UTC')
RETURNS text
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_export_comments(bigint, text) IS
    'the comments of a customer as one text, oldest first, each as "[12/15/2024, 3:45:23 PM] author: text" with its time in the zone, a blank line between them; NULL for a customer that is not there; raises 22004, 22023 for an unknown zone, 42501, 55000 where no table is attached';

CREATE FUNCTION crm_export_comments_by_key(key text, time_zone text DEFAULT 'UTC')
RETURNS text
AS 'MODULE_PATHNAME', 'crm_export_comments'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_export_comments_by_key(text, text) IS
    'crm_export_comments() for keys of every type, given as text; raises 22P02 also for a malformed key';

CREATE FUNCTION crm_import_comments(id bigint, comments text, time_zone text DEFAULT 'UTC')
RETURNS integer
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_import_comments(bigint, text, text) IS
    'stores the comments of a text as crm_export_comments() writes it that are not there yet, and returns how many; what does not parse stays text; for the owner of the comments; raises 22004, 22023 for an unknown zone, 22001 for a comment that is too long, 23503 for a customer that is not there, 42501, 25006, 55000 where no table is attached';

CREATE FUNCTION crm_import_comments_by_key(key text, comments text, time_zone text DEFAULT 'UTC')
RETURNS integer
AS 'MODULE_PATHNAME', 'crm_import_comments'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_import_comments_by_key(text, text, text) IS
    'crm_import_comments() for keys of every type, given as text; raises 22P02 also for a malformed key';

CREATE PROCEDURE crm_import_comments_column(
    customers regclass,
    batch     integer DEFAULT 1000,
    time_zone text DEFAULT 'UTC'
)
AS 'MODULE_PATHNAME'
LANGUAGE C;

COMMENT ON PROCEDURE crm_import_comments_column(regclass, integer, text) IS
    'imports the texts of the column that crm_attach() was given as comments_column, as crm_import_comments() does for one customer; commits after each batch of customers, and can be interrupted and called again; for the owner of the tables; an error names the customer; raises 2D000 within a transaction, else as crm_import_comments()';

-- Edit locks -------------------------------------------------------------------------------------

CREATE TYPE crm_lock_result AS (
    outcome     text,
    http_status integer,
    lock_id     uuid,
    author      text,
    expires_at  timestamptz,
    message     text
);

COMMENT ON TYPE crm_lock_result IS 'what became of a request for an edit lock';
COMMENT ON COLUMN crm_lock_result.outcome IS 'acquired, renewed, locked, lost, deleted or not_found';
COMMENT ON COLUMN crm_lock_result.http_status IS
    'the outcome as an HTTP status code (RFC 9110): 200, 404, 409, 410 or 423';
COMMENT ON COLUMN crm_lock_result.lock_id IS 'what renews and releases the lock; NULL where it is not the caller''s';
COMMENT ON COLUMN crm_lock_result.author IS 'who holds the lock';
COMMENT ON COLUMN crm_lock_result.expires_at IS 'when the lock ends by itself, by the server''s clock';
COMMENT ON COLUMN crm_lock_result.message IS 'the outcome in one English sentence';

CREATE FUNCTION crm_lock_customer(
    id      bigint,
    author  text,
    ttl     interval DEFAULT '15 minutes',
    lock_id uuid DEFAULT NULL
)
RETURNS crm_lock_result
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_lock_customer(bigint, text, interval, uuid) IS
    'locks a customer for editing by an author, whose saves alone are admitted until it is released or expires after ttl (at most 24 hours); with lock_id, or for the same author again, renews the lock; returns one crm_lock_result; raises 22004 and 22023 for bad arguments, 42501 for who may not save the customer or gives the lock_id of another author, 25006, 55000 where no table is attached';

CREATE FUNCTION crm_lock_customer_by_key(
    key     text,
    author  text,
    ttl     interval DEFAULT '15 minutes',
    lock_id uuid DEFAULT NULL
)
RETURNS crm_lock_result
AS 'MODULE_PATHNAME', 'crm_lock_customer'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_lock_customer_by_key(text, text, interval, uuid) IS
    'crm_lock_customer() for keys of every type, given as text; raises 22P02 also for a malformed key';

CREATE FUNCTION crm_unlock_customer(id bigint, lock_id uuid)
RETURNS boolean
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_unlock_customer(bigint, uuid) IS
    'releases the edit lock that has this id; returns false where the customer''s lock has another id or there is none; raises 22004, 42501, 25006, 55000 as crm_lock_customer()';

CREATE FUNCTION crm_unlock_customer_by_key(key text, lock_id uuid)
RETURNS boolean
AS 'MODULE_PATHNAME', 'crm_unlock_customer'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_unlock_customer_by_key(text, uuid) IS
    'crm_unlock_customer() for keys of every type, given as text; raises 22P02 also for a malformed key';

CREATE FUNCTION crm_live_locks(
    OUT customers  regclass,
    OUT key        text,
    OUT author     text,
    OUT locked_at  timestamptz,
    OUT expires_at timestamptz
)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_live_locks() IS
    'the rows of the view crm_locks: the live edit locks on the customers that the caller may see';

CREATE VIEW crm_locks AS SELECT customers, key, author, locked_at, expires_at FROM crm_live_locks();

GRANT SELECT ON crm_locks TO PUBLIC;

COMMENT ON VIEW crm_locks IS 'the live edit locks on the customers that the caller may see, of all attached tables';
COMMENT ON COLUMN crm_locks.customers IS 'the customers table';
COMMENT ON COLUMN crm_locks.key IS 'the key of the customer, as text';
COMMENT ON COLUMN crm_locks.author IS 'who holds the lock';
COMMENT ON COLUMN crm_locks.locked_at IS 'since when';
COMMENT ON COLUMN crm_locks.expires_at IS 'when the lock ends by itself';

-- Operations -------------------------------------------------------------------------------------

CREATE FUNCTION crm_verify(
    id            bigint DEFAULT NULL,
    OUT customer  text,
    OUT invariant text,
    OUT problem   text,
    OUT detail    jsonb
)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_verify(bigint) IS
    'what must never be in the data of a customer, or of all (NULL), as far as it is there: no rows are good; raises 42501 for who may not read all rows of customers, comments and history, 55000 where no table is attached';

CREATE FUNCTION crm_verify_by_key(
    key           text,
    OUT customer  text,
    OUT invariant text,
    OUT problem   text,
    OUT detail    jsonb
)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'crm_verify'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_verify_by_key(text) IS
    'crm_verify() for keys of every type, given as text; raises 22P02 also for a malformed key';

CREATE FUNCTION crm_prune_history(keep interval, batch integer DEFAULT 10000)
RETURNS bigint
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_prune_history(interval, integer) IS
    'removes at most batch changes older than keep from the history, never the last change of a customer, and returns how many: to be called until it returns 0; for the owner of the history; raises 22004 and 22023 for bad arguments, 42501, 25006, 55000 where no table is attached';

CREATE FUNCTION crm_doctor(
    OUT check_name text,
    OUT status     text,
    OUT finding    text,
    OUT hint       text
)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_doctor() IS
    'examines the installation: one row for each check that is ok, and one for each warning or error with a hint: triggers missing, disabled or overruled, indexes that defeat HOT updates, missing rights, settings that weaken a guarantee, versions ahead of the clock';

CREATE FUNCTION crm_erase_customer(id bigint)
RETURNS jsonb
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_erase_customer(bigint) IS
    'blanks what is personal of a customer, also of one that was deleted: columns of the row, texts of comments, values in the history; status, versions and authors stay; returns {"blanked": [columns], "kept": [columns], "comments": n, "history": n}; for the owner of the tables; raises 22004, 23503 for a customer of whom nothing is known, 42501, 25006, 55000 where no table is attached';

CREATE FUNCTION crm_erase_customer_by_key(key text)
RETURNS jsonb
AS 'MODULE_PATHNAME', 'crm_erase_customer'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_erase_customer_by_key(text) IS
    'crm_erase_customer() for keys of every type, given as text; raises 22P02 also for a malformed key';

-- Statistics -------------------------------------------------------------------------------------

CREATE FUNCTION crm_stat_databases(
    OUT datid            oid,
    OUT updated          bigint,
    OUT merged           bigint,
    OUT unchanged        bigint,
    OUT replayed         bigint,
    OUT conflict         bigint,
    OUT locked           bigint,
    OUT deleted          bigint,
    OUT not_found        bigint,
    OUT comments_kept    bigint,
    OUT comments_adopted bigint,
    OUT lock_waits       bigint,
    OUT stats_reset      timestamptz
)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION crm_stat_databases() IS
    'the rows of the view crm_stat; raises 55000 where shared_preload_libraries does not have crm_concurrency';

CREATE VIEW crm_stat AS
    SELECT s.datid, d.datname, s.updated, s.merged, s.unchanged, s.replayed, s.conflict, s.locked, s.deleted, s.not_found,
           s.comments_kept, s.comments_adopted, s.lock_waits, s.stats_reset
    FROM crm_stat_databases() s JOIN pg_catalog.pg_database d ON d.oid OPERATOR(pg_catalog.=) s.datid;

GRANT SELECT ON crm_stat TO PUBLIC;

COMMENT ON VIEW crm_stat IS
    'how saves ended, one row for each database where there were any since the server started or the counters were reset; also of transactions that were rolled back; raises 55000 where shared_preload_libraries does not have crm_concurrency';
COMMENT ON COLUMN crm_stat.datid IS 'the database';
COMMENT ON COLUMN crm_stat.datname IS 'its name';
COMMENT ON COLUMN crm_stat.updated IS 'how many saves were applied';
COMMENT ON COLUMN crm_stat.merged IS 'how many saves were merged with what others had changed';
COMMENT ON COLUMN crm_stat.unchanged IS 'how many saves asked for what was there';
COMMENT ON COLUMN crm_stat.replayed IS 'how many saves had been applied before';
COMMENT ON COLUMN crm_stat.conflict IS 'how many saves were refused for their base';
COMMENT ON COLUMN crm_stat.locked IS 'how many saves were refused for the edit lock of another';
COMMENT ON COLUMN crm_stat.deleted IS 'how many saves were of customers that had been deleted';
COMMENT ON COLUMN crm_stat.not_found IS 'how many saves were of customers that nobody knows, or that the caller may not see';
COMMENT ON COLUMN crm_stat.comments_kept IS 'how many comments of refused saves were stored';
COMMENT ON COLUMN crm_stat.comments_adopted IS 'how many of these became the comments of later saves';
COMMENT ON COLUMN crm_stat.lock_waits IS 'how many saves waited for another transaction that had the customer''s row';
COMMENT ON COLUMN crm_stat.stats_reset IS 'since when';

CREATE FUNCTION crm_stat_reset()
RETURNS void
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

REVOKE EXECUTE ON FUNCTION crm_stat_reset() FROM PUBLIC;

COMMENT ON FUNCTION crm_stat_reset() IS
    'sets the counters of crm_stat for this database to zero; nobody but superusers may, unless it is granted; raises 55000 as crm_stat does';
