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

DROP VIEW crm_locks, crm_internal_locks, crm_internal_kept, crm_internal_history, crm_internal_savable, crm_internal_commentable;

DO $$
DECLARE
    schema CONSTANT oid := quote_ident(current_schema())::regnamespace;
BEGIN
    -- The Trusted Language Extension
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'crm_concurrency_plpgsql' AND extnamespace = schema) THEN
        DROP EXTENSION crm_concurrency_plpgsql;
    ELSE
        DROP VIEW crm_internal_casts_of_others;
        DROP TABLE crm_internal_secret;
        -- All in one statement, for some depend on others.
        EXECUTE (
            SELECT 'DROP FUNCTION ' || string_agg(p.oid::regprocedure::text, ', ') FROM pg_proc p
            WHERE p.pronamespace = schema
              AND (p.proname LIKE 'crm\_internal\_%'
                   OR p.proname IN ('crm_concurrency_version', 'crm_create_tables', 'crm_update_customer',
                                    'crm_update_customers', 'crm_add_comment', 'crm_lock_customer', 'crm_unlock_customer',
                                    'crm_customers_key', 'crm_customers_version', 'crm_customers_first_version',
                                    'crm_customers_history', 'crm_comments_guard', 'crm_comments_version',
                                    'crm_history_restore', 'crm_refuse_truncate'))
              AND NOT EXISTS (SELECT FROM pg_depend d
                              WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'));
        DROP TYPE crm_update_result, crm_update_customers_result, crm_lock_result, crm_internal_seen, crm_internal_save,
            crm_internal_plan;
    END IF;
END $$;

DROP FUNCTION crm_author_setting();
