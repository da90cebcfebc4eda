-- Every client looks at any of the customers and saves it, with a status and a comment of its own.
-- As in one_customer.sql, the version travels as a quoted literal, so that all query modes work.
\set nonce random(1, 1000000000000000)
SELECT customer_id, quote_literal(updated_at) AS base
FROM crm_pgbench JOIN customers ON customers.id = customer_id
WHERE n = 1 + :nonce::bigint % (SELECT max(n) FROM crm_pgbench) \gset
SELECT outcome, updated_at
FROM crm_update_customer(:customer_id, btrim(:base, '''')::timestamptz,
                         'status ' || :client_id || '.' || :nonce,
                         'comment ' || :client_id || '.' || :nonce,
                         'client ' || :client_id);
