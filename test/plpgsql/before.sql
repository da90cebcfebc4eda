-- Saves of every kind in the PL/pgSQL edition, which are to be asked again after the move: see after.sql.
CREATE TABLE asked (n serial, id bigint, base timestamptz, status text, comment text, author text, merge boolean, reply_to bigint,
                    fields jsonb, answer crm_update_customers_result);

CREATE FUNCTION ask(id bigint, base timestamptz, status text, comment text, author text, merge boolean DEFAULT NULL,
                    reply_to bigint DEFAULT NULL, fields jsonb DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    a crm_update_result := crm_update_customer(id, base, status, comment, author, merge, reply_to, fields);
BEGIN
    INSERT INTO asked (id, base, status, comment, author, merge, reply_to, fields, answer)
    VALUES (id, base, status, comment, author, merge, reply_to, fields,
            (NULL, a.outcome, a.http_status, a.status, a.updated_at, a.comment_id, a.message, a.detail));
    RETURN a.outcome;
END $$;

ALTER TABLE customers ADD amount numeric, ADD due date, ADD tags text[], ADD doc jsonb;
INSERT INTO customers (id, name, updated_at) SELECT 1000000 + i, 'Moved', '2026-01-05 10:00:00.123+00' FROM generate_series(1, 10) i;
CREATE TABLE moved AS SELECT id, updated_at AS first FROM customers WHERE name = 'Moved';

DO $$
DECLARE
    first timestamptz := (SELECT min(m.first) FROM moved m);
    words bigint;
BEGIN
    PERFORM ask(1000001, first, 'won', 'Signed, "quoted" and ünïcödé', 'ana');
    words := (SELECT max(c.id) FROM comments c WHERE customer_id = 1000001);
    PERFORM ask(1000001, (SELECT updated_at FROM customers WHERE id = 1000001), NULL, 'A reply', 'ben', NULL, words);
    PERFORM ask(1000002, first, NULL, NULL, 'ana', NULL, NULL, '{"amount": 12.50, "due": "2026-02-03", "tags": ["a", null], "phone": null, "email": "x"}');
    PERFORM ask(1000002, first, 'paid', 'Merged', 'ben', true, NULL, '{"phone": "7", "name": "Moved"}');
    PERFORM ask(1000003, first, 'lost', NULL, 'ana');
    PERFORM ask(1000003, first, 'refused', 'Refused, kept', 'ben');
    PERFORM ask(1000004, first, 'lost', NULL, 'ana');
    PERFORM ask(1000004, first, 'refused', 'Refused, adopted', 'ben');
    PERFORM ask(1000004, (SELECT updated_at FROM customers WHERE id = 1000004), 'adopted', 'Refused, adopted', 'ben');
    PERFORM ask(1000005, first, 'gone', 'Last words', 'ana');
    DELETE FROM customers WHERE id = 1000005;
    PERFORM crm_lock_customer(1000006, 'ana', '1 hour');
    UPDATE customers SET phone = 'plain' WHERE id = 1000007;
    INSERT INTO comments (customer_id, author, body, expected_ts)
    SELECT 1000007, 'cem', 'Versioned', updated_at FROM customers WHERE id = 1000007;
    PERFORM crm_add_comment(1000008, 'Bare', 'ana');
    -- a value that is left out of the history for its size, and one that only looks like that
    UPDATE customers SET phone = repeat('7', 17000000), doc = '{"omitted_bytes": 5}' WHERE id = 1000010;
    UPDATE customers SET phone = '7', doc = '{"omitted_bytes": 6}' WHERE id = 1000010;
END $$;

-- The functions that name the edition's types have to go before it does.
ALTER TABLE asked ADD outcome text, ADD comment_id bigint;
UPDATE asked SET outcome = (answer).outcome, comment_id = (answer).comment_id;
ALTER TABLE asked DROP answer;
DROP FUNCTION ask;
