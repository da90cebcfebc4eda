-- All clients look at the same customer and save it, each with a status and a comment of its own.
-- Works in simple, extended and prepared mode: a variable is text pasted into the statement in simple mode and a
-- parameter in the others, so the version travels as a quoted literal, and btrim takes away the quotes that a
-- parameter keeps.
\set nonce random(1, 1000000000000000)
SELECT customer_id, quote_literal(updated_at) AS base
FROM crm_pgbench JOIN customers ON customers.id = customer_id
WHERE n = 1 \gset
SELECT outcome, updated_at
FROM crm_update_customer(:customer_id, btrim(:base, '''')::timestamptz,
                         'status ' || :client_id || '.' || :nonce,
                         'comment ' || :client_id || '.' || :nonce,
                         'client ' || :client_id);
