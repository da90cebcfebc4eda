-- The first step from the script to the Trusted Language Extension: what crm_concurrency.sql made in this schema, of any version,
-- becomes members of the extension, but for the tables and what crm_create_tables() makes with them. The step from there is
-- crm_concurrency.sql again.
DO $$
DECLARE
    schema CONSTANT oid := quote_ident(current_schema())::regnamespace;
    member text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_class WHERE relnamespace = schema AND relname = 'crm_internal_secret') THEN
        RAISE undefined_object USING MESSAGE = format('there is no PL/pgSQL edition in schema %I', current_schema()),
            HINT = 'Leave VERSION out where there is none yet.';
    END IF;
    FOR member IN
        SELECT 'FUNCTION ' || oid::regprocedure FROM pg_proc
        WHERE pronamespace = schema
          AND (proname LIKE 'crm\_internal\_%'
               OR proname IN ('crm_concurrency_version', 'crm_create_tables', 'crm_update_customer', 'crm_update_customers',
                              'crm_add_comment', 'crm_lock_customer', 'crm_unlock_customer', 'crm_customers_key',
                              'crm_customers_version', 'crm_customers_first_version', 'crm_customers_history',
                              'crm_comments_guard', 'crm_comments_version', 'crm_history_restore', 'crm_refuse_truncate'))
        UNION ALL
        SELECT CASE relkind WHEN 'c' THEN 'TYPE ' WHEN 'r' THEN 'TABLE ' ELSE 'VIEW ' END || oid::regclass FROM pg_class
        WHERE relnamespace = schema
          AND relname IN ('crm_update_result', 'crm_update_customers_result', 'crm_lock_result', 'crm_internal_seen',
                          'crm_internal_save', 'crm_internal_plan', 'crm_internal_secret', 'crm_internal_casts_of_others')
    LOOP
        EXECUTE 'ALTER EXTENSION crm_concurrency_plpgsql ADD ' || member;
    END LOOP;
END $$;
