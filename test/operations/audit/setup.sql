-- The tables that calls are made on: nobody saved customer 1 since its base, somebody did save 2, and 3 has an edit lock.
CREATE EXTENSION crm_concurrency;
SELECT crm_create_tables();
INSERT INTO customers (id, updated_at) OVERRIDING SYSTEM VALUE SELECT i, '2026-01-05 10:00Z' FROM generate_series(1, 3) i;
UPDATE customers SET phone = '2', updated_at = '2026-01-06 10:00Z' WHERE id = 2;
INSERT INTO comments (customer_id, author, body) SELECT i, 'ana', 'First' FROM generate_series(1, 3) i;
INSERT INTO customer_locks (customer_id, lock_id, author, locked_at, expires_at, db_user)
VALUES (3, '00000000-0000-0000-0000-000000000003', 'ana', clock_timestamp(), clock_timestamp() + interval '1 day', 'postgres');
CREATE ROLE app;
CREATE ROLE auditor;
GRANT ALL ON customers, comments, customer_history, customer_locks TO app, auditor;

CREATE TABLE calls (n int GENERATED ALWAYS AS IDENTITY, name text, call text);
GRANT SELECT ON calls TO app;
INSERT INTO calls (name, call) VALUES
    ('a save', $$SELECT outcome FROM crm_update_customer(1, '2026-01-05 10:00Z', 'won', NULL, 'ana')$$),
    ('a save with a comment', $$SELECT outcome FROM crm_update_customer(1, '2026-01-05 10:00Z', 'won', 'Signed', 'ana')$$),
    ('a save of fields', $$SELECT outcome FROM crm_update_customer(1, '2026-01-05 10:00Z', NULL, NULL, 'ana', fields => '{"phone": "1"}')$$),
    ('a conflict', $$SELECT outcome FROM crm_update_customer(2, '2026-01-05 10:00Z', 'won', NULL, 'ana')$$),
    ('a refused comment', $$SELECT outcome FROM crm_update_customer(2, '2026-01-05 10:00Z', 'won', 'Refused', 'ana')$$),
    ('a merge', $$SELECT outcome FROM crm_update_customer(2, '2026-01-05 10:00Z', 'won', NULL, 'ana', true)$$),
    ('many saves', $$SELECT outcome FROM crm_update_customers('[{"id": 1, "expected_ts": "2026-01-05T10:00Z", "status": "won", "author": "ana"}]')$$),
    ('all or nothing', $$SELECT outcome FROM crm_update_records('[{"id": 1, "expected_ts": "2026-01-05T10:00Z", "status": "won", "author": "ana"}, {"id": 3, "operation": "check", "expected_ts": "2026-01-05T10:00Z"}]', true)$$),
    ('crm_get_customer()', $$SELECT crm_get_customer(3)$$),
    ('crm_get_customer(), then', $$SELECT crm_get_customer(2, '2026-01-05 11:00Z')$$),
    ('crm_timeline()', $$SELECT count(*) FROM crm_timeline(1)$$),
    ('crm_export_comments()', $$SELECT crm_export_comments(1)$$),
    ('crm_add_comment()', $$SELECT crm_add_comment(1, 'Hello', 'ana')$$),
    ('crm_lock_customer()', $$SELECT outcome FROM crm_lock_customer(1, 'ana')$$),
    ('crm_unlock_customer()', $$SELECT crm_unlock_customer(3, '00000000-0000-0000-0000-000000000003')$$),
    ('crm_locks', $$SELECT count(*) FROM crm_locks$$),
    ('an UPDATE', $$UPDATE customers SET phone = '1' WHERE id = 1$$),
    ('an INSERT of a comment', $$INSERT INTO comments (customer_id, author, body) VALUES (1, 'ana', 'Hello')$$),
    ('one with a version', $$INSERT INTO comments (customer_id, author, body, expected_ts) VALUES (1, 'ana', 'Hello', '2026-01-05 10:00Z')$$);
