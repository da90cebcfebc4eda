-- What the extension puts into the catalogue: every object documented, every function declared as it behaves, every
-- privilege as intended.
BEGIN;
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS crm_concurrency;
CREATE SCHEMA crm_catalogue;
SET LOCAL search_path = crm_catalogue, public;
SELECT no_plan();

CREATE TEMP VIEW member AS
    SELECT d.classid, d.objid
    FROM pg_depend d
    WHERE d.refclassid = 'pg_extension'::regclass
      AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'crm_concurrency')
      AND d.deptype = 'e';

-- Members and their names ------------------------------------------------------------------------

SELECT set_eq(
    $$SELECT p.oid::regprocedure::text FROM member m JOIN pg_proc p ON m.classid = 'pg_proc'::regclass AND p.oid = m.objid$$,
    ARRAY[
        'crm_registry_changed()',
        'crm_customers_key()',
        'crm_customers_version()',
        'crm_customers_history()',
        'crm_comments_guard()',
        'crm_comments_version()',
        'crm_history_restore()',
        'crm_refuse_drop()',
        'crm_refuse_truncate()',
        'crm_create_tables(name)',
        'crm_attach(regclass,name,name,name,name,name,name,text,boolean,name,name,name,jsonb,text[],name)',
        'crm_comments_deleted()',
        'crm_delete_customer(bigint,timestamp with time zone,text,text)',
        'crm_delete_record(regclass,text,timestamp with time zone,text,text)',
        'crm_deleted(integer,timestamp with time zone)',
        'crm_deleted_records(regclass,integer,timestamp with time zone)',
        'crm_restore_customer(bigint,text,text)',
        'crm_revert_customer(bigint,timestamp with time zone,timestamp with time zone,text,text,boolean,text[])',
        'crm_revert_record(regclass,text,timestamp with time zone,timestamp with time zone,text,text,boolean,text[])',
        'crm_restore_record(regclass,text,text,text)',
        'crm_update_record(regclass,text,timestamp with time zone,text,text,text,boolean,bigint,jsonb)',
        'crm_get_record(regclass,text,timestamp with time zone,integer)',
        'crm_record_timeline(regclass,text,integer,timestamp with time zone)',
        'crm_add_record_comment(regclass,text,text,text,bigint)',
        'crm_export_record_comments(regclass,text,text)',
        'crm_import_record_comments(regclass,text,text,text)',
        'crm_lock_record(regclass,text,text,interval,uuid)',
        'crm_unlock_record(regclass,text,uuid,boolean,text)',
        'crm_verify_record(regclass,text)',
        'crm_prune_record_history(regclass,interval,integer)',
        'crm_erase_record(regclass,text)',
        'crm_edit_comment(bigint,bigint,text,text,text)',
        'crm_edit_record_comment(regclass,text,bigint,text,text,text)',
        'crm_withdraw_comment(bigint,bigint,text,text)',
        'crm_withdraw_record_comment(regclass,text,bigint,text,text)',
        'crm_redact_comment(bigint,bigint)',
        'crm_redact_record_comment(regclass,text,bigint)',
        'crm_detach(regclass)',
        'crm_update_customer(bigint,timestamp with time zone,text,text,text,boolean,bigint,jsonb)',
        'crm_update_customers(jsonb)',
        'crm_update_records(jsonb,boolean)',
        'crm_refused_saves(text,bigint)',
        'crm_refused_record_saves(regclass,text,text)',
        'crm_resolve_refused(bigint,timestamp with time zone,jsonb,text,text)',
        'crm_resolve_refused_record(regclass,bigint,timestamp with time zone,jsonb,text,text)',
        'crm_discard_refused(bigint)',
        'crm_discard_refused_record(regclass,bigint)',
        'crm_refused_counts()',
        'crm_refused_record_counts(regclass)',
        'crm_add_comment(bigint,text,text,bigint)',
        'crm_add_comment_by_key(text,text,text,bigint)',
        'crm_export_comments(bigint,text)',
        'crm_export_comments_by_key(text,text)',
        'crm_import_comments(bigint,text,text)',
        'crm_import_comments_by_key(text,text,text)',
        'crm_import_comments_column(regclass,integer,text)',
        'crm_get_customer(bigint,timestamp with time zone,integer)',
        'crm_get_customer_by_key(text,timestamp with time zone,integer)',
        'crm_timeline(bigint,integer,timestamp with time zone)',
        'crm_timeline_by_key(text,integer,timestamp with time zone)',
        'crm_verify(bigint)',
        'crm_verify_by_key(text)',
        'crm_prune_history(interval,integer)',
        'crm_doctor()',
        'crm_concurrency_version()',
        'crm_erase_customer(bigint)',
        'crm_erase_customer_by_key(text)',
        'crm_lock_customer(bigint,text,interval,uuid)',
        'crm_lock_customer_by_key(text,text,interval,uuid)',
        'crm_unlock_customer(bigint,uuid,boolean,text)',
        'crm_unlock_customer_by_key(text,uuid,boolean,text)',
        'crm_live_locks()',
        'crm_stat_databases()',
        'crm_partition_of(text,integer)',
        'crm_stat_reset()',
        'crm_update_customer_by_key(text,timestamp with time zone,text,text,text,boolean,bigint,jsonb)'
    ],
    'the functions of the extension');
SELECT set_eq(
    $$SELECT c.relname::text FROM member m JOIN pg_class c ON m.classid = 'pg_class'::regclass AND c.oid = m.objid$$,
    ARRAY['crm_attached_tables', 'crm_locks', 'crm_stat'],
    'the registry is the only table of the extension, beside it there are two views');
SELECT set_eq(
    $$SELECT t.typname::text FROM member m JOIN pg_type t ON m.classid = 'pg_type'::regclass AND t.oid = m.objid
      LEFT JOIN pg_class c ON c.oid = t.typrelid
      WHERE t.typelem = 0 AND (t.typtype <> 'c' OR c.relkind = 'c')$$,
    ARRAY['crm_update_result', 'crm_update_customers_result', 'crm_lock_result', 'crm_comment_result'],
    'the result types are the only types of the extension');
SELECT is_empty(
    $$SELECT pg_describe_object(classid, objid, 0) FROM member m
      WHERE pg_describe_object(classid, objid, 0) !~ '\mcrm_'$$,
    'every member has the prefix crm_');

-- Documentation ----------------------------------------------------------------------------------

SELECT is_empty(
    $$SELECT pg_describe_object(classid, objid, 0) FROM member m
      WHERE classid IN ('pg_proc'::regclass, 'pg_class'::regclass)
        AND obj_description(objid, classid::regclass::name) IS NULL$$,
    'every function and table has a comment');
SELECT is_empty(
    $$SELECT pg_describe_object(classid, objid, 0), obj_description(objid, classid::regclass::name) FROM member
      WHERE classid IN ('pg_proc'::regclass, 'pg_class'::regclass)
        AND obj_description(objid, classid::regclass::name) !~ '^[^\n]+: see doc/[a-z-]+\.md(#[a-z_-]+)?$'$$,
    'every such comment is one line that ends with the page to read');
SELECT is_empty(
    $$SELECT pg_describe_object(classid, objid, 0), obj_description(objid, classid::regclass::name) FROM member
      WHERE length(obj_description(objid, classid::regclass::name)) > 120$$,
    'no comment of a function, table or type is longer than 120 characters');
SELECT is_empty(
    $$SELECT objid::regtype FROM member JOIN pg_type t ON classid = 'pg_type'::regclass AND t.oid = objid
      WHERE t.typelem = 0 AND t.typrelid <> 0 AND obj_description(objid, 'pg_type') IS NULL
        AND objid::regtype::text NOT IN ('crm_attached_tables', 'crm_locks', 'crm_stat')$$,
    'every result type has a comment');
SELECT is_empty(
    $$SELECT a.attrelid::regclass, a.attname FROM pg_attribute a
      WHERE a.attrelid IN ('crm_attached_tables'::regclass, 'crm_update_result'::regclass,
                           'crm_update_customers_result'::regclass, 'crm_lock_result'::regclass, 'crm_comment_result'::regclass, 'crm_locks'::regclass,
                           'crm_stat'::regclass)
        AND a.attnum > 0 AND NOT a.attisdropped AND col_description(a.attrelid, a.attnum) IS NULL$$,
    'every column has a comment');

-- How functions are declared ---------------------------------------------------------------------

SELECT volatility_is('crm_update_customer', ARRAY['bigint', 'timestamp with time zone', 'text', 'text', 'text', 'boolean', 'bigint', 'jsonb'], 'volatile',
    'crm_update_customer is volatile');
SELECT volatility_is('crm_create_tables', ARRAY['name'], 'volatile', 'crm_create_tables is volatile');
SELECT is_empty(
    $$SELECT p.oid::regprocedure FROM member m JOIN pg_proc p ON m.classid = 'pg_proc'::regclass AND p.oid = m.objid
      WHERE p.proparallel <> 'u' AND p.prorettype <> 'trigger'::regtype AND p.proname <> 'crm_partition_of'$$,
    'every function that writes is parallel unsafe');
SELECT is_empty(
    $$SELECT p.oid::regprocedure FROM member m JOIN pg_proc p ON m.classid = 'pg_proc'::regclass AND p.oid = m.objid
      WHERE p.prosecdef$$,
    'no function runs with the rights of its owner');
SELECT is(
    (SELECT count(*) FROM pg_proc WHERE proname = 'crm_update_customer' AND pronamespace = 'public'::regnamespace), 1::bigint,
    'crm_update_customer has one signature');
SELECT is(
    (SELECT proargnames[1:8]::text FROM pg_proc WHERE proname = 'crm_update_customer'),
    '{id,expected_ts,status,comment,author,merge,reply_to,fields}',
    'the arguments can be passed by name');

-- Privileges -------------------------------------------------------------------------------------

CREATE ROLE regress_crm_nobody;
SELECT table_privs_are('crm_attached_tables', 'regress_crm_nobody', ARRAY['SELECT'],
    'everybody may read the registry, nobody may write it');
SELECT function_privs_are('crm_update_customer', ARRAY['bigint', 'timestamp with time zone', 'text', 'text', 'text', 'boolean', 'bigint', 'jsonb'],
    'regress_crm_nobody', ARRAY['EXECUTE'], 'everybody may call crm_update_customer: it checks their rights on the tables');

SELECT function_privs_are('crm_stat_reset', '{}'::text[], 'regress_crm_nobody', '{}'::text[],
    'nobody may reset the counters unasked');
SELECT table_privs_are('crm_stat', 'regress_crm_nobody', ARRAY['SELECT'], 'everybody may read them');

-- The tables are the user's own ------------------------------------------------------------------

SELECT lives_ok('SELECT crm_create_tables()', 'crm_create_tables works in the first schema of the search_path');
SELECT tables_are('crm_catalogue', ARRAY['customers', 'comments', 'customer_history', 'customer_locks', 'customer_deletions', 'comment_edits', 'customer_refused_saves'], 'the tables of a new CRM');
SELECT is_empty(
    $$SELECT pg_describe_object(classid, objid, 0) FROM member m JOIN pg_class c
        ON m.classid = 'pg_class'::regclass AND c.oid = m.objid WHERE c.relnamespace = 'crm_catalogue'::regnamespace$$,
    'no customer data is a member of the extension');
SELECT is_empty(
    $$SELECT a.attrelid::regclass, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
      JOIN member m ON m.classid = 'pg_type'::regclass AND m.objid = a.atttypid
      WHERE c.relnamespace = 'crm_catalogue'::regnamespace$$,
    'no column has a type of the extension');
SELECT is_empty(
    $$SELECT c.oid::regclass FROM pg_class c WHERE c.relnamespace = 'crm_catalogue'::regnamespace AND c.relkind = 'r'
        AND obj_description(c.oid, 'pg_class') IS NULL$$,
    'every table has a comment');
SELECT col_is_pk('customers', ARRAY['id'], 'key of customers');
SELECT col_is_pk('comments', ARRAY['customer_id', 'id'], 'key of comments begins with the customer');
SELECT col_is_pk('customer_history', ARRAY['customer_id', 'version'], 'key of the history begins with the customer');
SELECT col_type_is('customers', 'updated_at', 'timestamp with time zone', 'versions that applications give are kept as they are');
SELECT col_has_default('customers', 'updated_at', 'INSERTs go on without the extension');
SELECT col_has_default('comments', 'created_at', 'INSERTs of comments, too');
SELECT col_not_null('customers', 'updated_at', 'every customer has a version');
SELECT is_empty(
    $$SELECT i.indexrelid::regclass FROM pg_index i JOIN pg_attribute a
        ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
      WHERE i.indrelid = 'customers'::regclass AND a.attname IN ('status', 'updated_at')$$,
    'no index stands in the way of HOT updates');
SELECT is(
    (SELECT count(*) FROM pg_constraint WHERE conrelid = 'customer_history'::regclass AND contype = 'f'), 0::bigint,
    'the history has no foreign key: it stays');
SELECT set_eq(
    $$SELECT t.tgrelid::regclass::text, t.tgname::text FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
      WHERE c.relnamespace = 'crm_catalogue'::regnamespace AND NOT t.tgisinternal$$,
    $$VALUES ('customers', 'crm_key'), ('customers', 'zz_crm_version'), ('customers', 'crm_history'), ('customers', 'crm_history_end'), ('customers', 'crm_truncate'),
             ('comments', 'zz_crm_guard'), ('comments', 'crm_version'), ('comments', 'crm_deleted'), ('comments', 'crm_truncate'),
             ('customer_history', 'crm_restore')$$,
    'the triggers of the tables');
SELECT is(
    (SELECT array_agg(grantee::text) FROM information_schema.role_table_grants
     WHERE table_schema = 'crm_catalogue' AND grantee <> current_user), NULL,
    'nobody but the owner gets a right on the tables');

-- Dropping ---------------------------------------------------------------------------------------

INSERT INTO customers (name) VALUES ('Acme');
SELECT throws_ok('DROP EXTENSION crm_concurrency', '2BP01', NULL, 'the extension is not dropped under guarded tables');
SELECT lives_ok('DROP EXTENSION crm_concurrency CASCADE', 'with CASCADE it goes');
SELECT results_eq('SELECT count(*) FROM customers JOIN customer_history h ON h.customer_id = customers.id',
    ARRAY[1::bigint], 'the data stays');

SELECT * FROM finish();
ROLLBACK;
