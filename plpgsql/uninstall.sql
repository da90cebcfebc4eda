-- Drops the functions, triggers, views and types of the PL/pgSQL edition from the first schema of the search_path. The tables
-- stay, with every row: the extension takes them with
--
--     CREATE EXTENSION crm_concurrency;
--     SELECT crm_attach('customers', comments => 'comments', history => 'customer_history', locks => 'customer_locks');
--
-- Until then nothing guards them. Do all three in one transaction, and nobody saves in between.

LOCK TABLE customers, comments, customer_history, customer_locks IN SHARE ROW EXCLUSIVE MODE;

DROP TRIGGER crm_key ON customers;
DROP TRIGGER zz_crm_version ON customers;
DROP TRIGGER zz_crm_first_version ON customers;
DROP TRIGGER crm_history ON customers;
DROP TRIGGER crm_truncate ON customers;
DROP TRIGGER zz_crm_guard ON comments;
DROP TRIGGER crm_version ON comments;
DROP TRIGGER crm_truncate ON comments;
DROP TRIGGER crm_restore ON customer_history;

DROP VIEW crm_locks, crm_internal_locks, crm_internal_kept, crm_internal_history, crm_internal_savable,
    crm_internal_commentable, crm_internal_casts_of_others;
DROP TABLE crm_internal_secret;

-- All in one statement, for some depend on others.
DO $$
BEGIN
    EXECUTE (
        SELECT 'DROP FUNCTION ' || string_agg(p.oid::regprocedure::text, ', ') FROM pg_proc p
        WHERE p.pronamespace = current_schema()::regnamespace
          AND (p.proname LIKE 'crm\_internal\_%'
               OR p.proname IN ('crm_author_setting', 'crm_update_customer', 'crm_update_customers', 'crm_add_comment',
                                'crm_lock_customer', 'crm_unlock_customer', 'crm_customers_key',
                                'crm_customers_version', 'crm_customers_first_version', 'crm_customers_history',
                                'crm_comments_guard', 'crm_comments_version', 'crm_history_restore',
                                'crm_refuse_truncate'))
          AND NOT EXISTS (SELECT FROM pg_depend d
                          WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'));
END $$;

DROP TYPE crm_update_result, crm_update_customers_result, crm_lock_result, crm_internal_seen, crm_internal_save,
    crm_internal_plan;
