-- A call of every function, and whether it writes. Those of crm_stat (NULL) need the library to be preloaded.
CREATE TABLE hostile.call (statement text, writes boolean);
INSERT INTO hostile.call VALUES
    ($$SELECT crm_update_customer(8, '2026-01-05 10:00:00+00', 'won', 'words', 'ana')$$, true), ($$SELECT crm_update_customer(8, '2001-01-01', 'won', NULL, 'ana')$$, true),
    ($$SELECT crm_update_customer_by_key('8', '2001-01-01', 'won', NULL, 'ana')$$, true), ($$SELECT crm_update_customers('[]')$$, true),
    ($$SELECT crm_add_comment(8::bigint, 'words', 'ana')$$, true), ($$SELECT crm_add_comment_by_key('8', 'words', 'ana')$$, true),
    ($$SELECT crm_import_comments(8::bigint, 'words')$$, true), ($$SELECT crm_import_comments_by_key('8', NULL)$$, true),
    ($$SELECT crm_lock_customer(8::bigint, 'ana')$$, true), ($$SELECT crm_lock_customer_by_key('8', 'ana')$$, true),
    ($$SELECT crm_unlock_customer(8::bigint, '0d9e4a55-6f0c-4f3a-9d56-7f2f4f1b8a11')$$, true), ($$SELECT crm_unlock_customer_by_key('8', '0d9e4a55-6f0c-4f3a-9d56-7f2f4f1b8a11')$$, true),
    ($$SELECT crm_unlock_customer(8::bigint, NULL, true, 'ana')$$, true), ($$SELECT crm_unlock_record('customers', '8', NULL, true, 'ana')$$, true),
    ($$SELECT crm_prune_history('1 day')$$, true), ($$SELECT crm_erase_customer(8::bigint)$$, true), ($$SELECT crm_erase_customer_by_key('8')$$, true),
    ($$SELECT crm_create_tables('hostile')$$, true), ($$SELECT crm_attach('customers')$$, true), ($$SELECT crm_detach('customers')$$, true),
    ($$SELECT crm_get_customer(8::bigint)$$, false), ($$SELECT crm_get_customer_by_key('8', now())$$, false), ($$SELECT crm_timeline(8::bigint)$$, false), ($$SELECT crm_timeline_by_key('8')$$, false),
    ($$SELECT crm_export_comments(8::bigint)$$, false), ($$SELECT crm_export_comments_by_key('8')$$, false), ($$SELECT count(*) FROM crm_locks$$, false), ($$SELECT crm_live_locks()$$, false),
    ($$SELECT crm_stat_databases()$$, NULL), ($$SELECT count(*) FROM crm_stat$$, NULL), ($$SELECT crm_stat_reset()$$, NULL),
    ($$SELECT count(*) FROM crm_verify()$$, false), ($$SELECT count(*) FROM crm_verify_by_key('8')$$, false), ($$SELECT count(*) FROM crm_doctor()$$, false),
    ($$SELECT crm_update_record('customers', '8', '2001-01-01', 'won', NULL, 'ana')$$, true), ($$SELECT crm_add_record_comment('customers', '8', 'words', 'ana')$$, true),
    ($$SELECT crm_import_record_comments('customers', '8', 'words')$$, true), ($$SELECT crm_lock_record('customers', '8', 'ana')$$, true),
    ($$SELECT crm_unlock_record('customers', '8', '0d9e4a55-6f0c-4f3a-9d56-7f2f4f1b8a11')$$, true), ($$SELECT crm_prune_record_history('customers', '1 day')$$, true),
    ($$SELECT crm_erase_record('customers', '8')$$, true), ($$SELECT crm_get_record('customers', '8')$$, false), ($$SELECT crm_record_timeline('customers', '8')$$, false),
    ($$SELECT crm_export_record_comments('customers', '8')$$, false), ($$SELECT count(*) FROM crm_verify_record('customers')$$, false),
    ($$SELECT crm_delete_customer(8, '2001-01-01', NULL, 'ana')$$, true), ($$SELECT crm_delete_record('customers', '8', '2001-01-01', NULL, 'ana')$$, true),
    ($$SELECT crm_update_records('[{"table": "customers", "id": 8, "operation": "check", "expected_ts": "2001-01-01"}]', true)$$, true),
    ($$SELECT count(*) FROM crm_refused_saves()$$, false), ($$SELECT count(*) FROM crm_refused_record_saves('customers')$$, false),
    ($$SELECT crm_resolve_refused(1, '2001-01-01', '{}')$$, true), ($$SELECT crm_resolve_refused_record('customers', 1, '2001-01-01', '{}')$$, true),
    ($$SELECT crm_discard_refused(1)$$, true), ($$SELECT crm_discard_refused_record('customers', 1)$$, true),
    ($$SELECT count(*) FROM crm_refused_counts()$$, false), ($$SELECT count(*) FROM crm_refused_record_counts('customers')$$, false),
    ($$SELECT crm_restore_customer(8, 'ana')$$, true), ($$SELECT crm_restore_record('customers', '8', 'ana')$$, true),
    ($$SELECT count(*) FROM crm_deleted()$$, false), ($$SELECT count(*) FROM crm_deleted_records('customers')$$, false),
    ($$SELECT crm_revert_customer(8, '2001-01-01', (SELECT max(version) FROM customer_history WHERE customer_id = 8), 'ana')$$, true),
    ($$SELECT crm_revert_record('customers', '8', '2001-01-01', (SELECT max(version) FROM customer_history WHERE customer_id = 8), 'ana')$$, true),
    ($$SELECT crm_edit_comment(8, 1, 'words', 'other words', 'ana')$$, true), ($$SELECT crm_edit_record_comment('customers', '8', 1, 'words', 'other words', 'ana')$$, true),
    ($$SELECT crm_withdraw_comment(8, 1, 'ana')$$, true), ($$SELECT crm_withdraw_record_comment('customers', '8', 1, 'ana', 'a reason')$$, true),
    ($$SELECT crm_redact_comment(8, 1)$$, true), ($$SELECT crm_redact_record_comment('customers', '8', 1)$$, true),
    ($$SELECT crm_concurrency_version()$$, false), ($$SELECT crm_partition_of('8', 4)$$, false);

-- What such a call is to answer to who may write, or may not (denied is the SQLSTATE).
CREATE FUNCTION hostile.expected(writes boolean, denied text) RETURNS text LANGUAGE sql AS $$
    SELECT CASE WHEN writes THEN denied
                WHEN writes IS NULL AND current_setting('shared_preload_libraries') !~ 'crm_concurrency' THEN '55000'
                ELSE '00000' END
$$;
