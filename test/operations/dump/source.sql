-- Makes a CRM where the search_path begins and fills it with all that may occur: saves, refusals kept and adopted, plain
-- writes, deleted customers and ones that were created again, replies, imports, texts that are hard to quote.
\o /dev/null
SELECT crm_create_tables();
\o

DO $$
DECLARE
    base timestamptz;
    old_base timestamptz;
    saved crm_update_result;
BEGIN
    INSERT INTO customers (name, phone, email)
    SELECT 'Customer ' || n, '555-' || n, NULLIF('c' || n || '@example.org', 'c7@example.org') FROM generate_series(1, 60) n;

    -- 1: saves, a refusal, its adoption, a refusal that stays, odd texts
    SELECT updated_at INTO old_base FROM customers WHERE id = 1;
    SELECT * INTO saved FROM crm_update_customer(1, old_base, 'contacted', 'First call', 'ana');
    base := saved.updated_at;
    SELECT * INTO saved FROM crm_update_customer(1, old_base, 'lost', E'It''s "over"\\\n\ttab, emoji \U0001F600, é', 'bo');
    SELECT * INTO saved FROM crm_update_customer(1, base, 'lost', E'It''s "over"\\\n\ttab, emoji \U0001F600, é', 'bo');
    SELECT * INTO saved FROM crm_update_customer(1, base, 'won', 'Too late', 'cy');
    SELECT updated_at INTO base FROM customers WHERE id = 1;
    SELECT * INTO saved FROM crm_update_customer(1, base, NULL, 'No change of status', 'dee');

    -- 2: plain writes, and comments outside a save, a reply among them
    UPDATE customers SET phone = '555-0', status = 'plain' WHERE id = 2;
    INSERT INTO comments (customer_id, author, body) VALUES (2, 'ana', 'A bare comment');
    INSERT INTO comments (customer_id, author, body, reply_to)
    SELECT 2, 'bo', 'A reply', max(id) FROM comments WHERE customer_id = 2;
    INSERT INTO comments (customer_id, author, body, created_at) VALUES (2, 'old', 'An import', '2019-05-06 07:08:09+00');
    SELECT updated_at INTO base FROM customers WHERE id = 2;
    INSERT INTO comments (customer_id, author, body, expected_ts) VALUES (2, 'cy', 'A checked comment', base);

    -- 3 is deleted, 4 deleted and created again; both had comments
    INSERT INTO comments (customer_id, author, body) VALUES (3, 'ana', 'Goes'), (4, 'ana', 'Goes too');
    SELECT updated_at INTO base FROM customers WHERE id = 4;
    SELECT * INTO saved FROM crm_update_customer(4, base, 'closing', 'Last words', 'ana');
    DELETE FROM customers WHERE id IN (3, 4);
    INSERT INTO customers (id, name, status) OVERRIDING SYSTEM VALUE VALUES (4, 'Back again', 'returned');

    -- 1005 has versions ahead of the clock, as if that had been set back
    INSERT INTO customers (id, name) OVERRIDING SYSTEM VALUE VALUES (1005, 'Ahead');
    ALTER TABLE customers DISABLE TRIGGER USER;
    UPDATE customer_history SET version = '2150-01-01 00:00:00.123+00' WHERE customer_id = 1005;
    UPDATE customers SET updated_at = '2150-01-01 00:00:00.123+00' WHERE id = 1005;
    ALTER TABLE customers ENABLE TRIGGER USER;
    UPDATE customers SET status = 'further' WHERE id = 1005;

    -- the others in bulk
    UPDATE customers SET status = 'mailed' WHERE id BETWEEN 10 AND 60;

    -- 6 has the request that use.sql repeats
    SELECT updated_at INTO base FROM customers WHERE id = 6;
    SELECT * INTO saved FROM crm_update_customer(6, base, 'asked', 'Asked once', 'eve');
    UPDATE customers SET phone = '555-6' WHERE id = 6;
END $$;
