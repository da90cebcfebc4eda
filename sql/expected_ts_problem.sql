-- Why a base was never a version: detail.expected_ts_problem.
SET client_min_messages = warning;
CREATE SCHEMA expected_ts_problem;
SET search_path = expected_ts_problem, public;
SELECT crm_create_tables();
INSERT INTO customers (id, updated_at) VALUES (1, '2020-02-02 10:20:30.456+00');
UPDATE customers SET updated_at = '2020-02-03 11:21:31.567+00' WHERE id = 1;
UPDATE customers SET updated_at = '2020-02-04 12:22:32.678+00' WHERE id = 1;

CREATE FUNCTION problem(base timestamptz) RETURNS text LANGUAGE sql AS $$
    SELECT s.outcome || coalesce(': ' || (s.detail->'expected_ts_problem'->>'code'), '')
    FROM crm_update_customer(1, base, 'x', NULL, 'ana') s
$$;
-- what was a version is no problem
SELECT problem('2020-02-02 10:20:30.456+00'), problem('2020-02-03 11:21:31.567+00'), problem('2020-02-03 11:21:31.567999+00'),
       problem('2020-02-02 10:20:30.455001+00');
-- the fraction is missing
SELECT problem('2020-02-02 10:20:30+00'), problem('2020-02-03 11:21:31+00'), problem('2020-02-04 12:22:32+00');
-- a second late is not cut
SELECT problem('2020-02-03 11:21:32+00');
-- a zone
SELECT problem('2020-02-03 11:21:31.567+02'), problem('2020-02-03 11:21:31.567-07'), problem('2020-02-03 11:21:31.567+05:45'),
       problem('2020-02-04 12:22:32.678-12'), problem('2020-02-04 12:22:32.678+14'), problem('2020-02-02 10:20:30.456999+01');
-- no zone is that far away, and none of 10 minutes
SELECT problem('2020-02-03 11:21:31.567+00'::timestamptz - interval '15 h'), problem('2020-02-03 11:21:31.567+00:10');
-- the future
SELECT problem(now() + interval '1 day 7 min'), problem('2999-01-01'), problem('294276-12-31 23:59:59.999999+00');
-- infinity
SELECT problem('infinity'), problem('-infinity');
-- none of these: the history is complete
SELECT problem('2020-02-03 17:17:17.171+00'), problem('2001-01-01'), problem('4713-01-01 00:00:00+00 BC'), problem('epoch'), problem(now());
-- what is older than the kept history may have been one
DELETE FROM customer_history WHERE customer_id = 1 AND version = '2020-02-02 10:20:30.456+00';
SELECT problem('2020-02-02 10:20:30.456+00'), problem('2020-02-01 10:20:30.111+00'), problem('2020-02-03 17:17:17.171+00'), problem('2020-02-02 10:20:30+00');
DELETE FROM customer_history WHERE customer_id = 1 AND version = '2020-02-03 11:21:31.567+00';
SELECT problem('2020-02-02 10:20:30.456+00'), problem('2020-02-03 11:21:31.567+00');

-- message and hints
\x on
SELECT message, detail->'expected_ts_problem' AS expected_ts_problem
FROM (VALUES ('2020-02-04 12:22:32+00'::timestamptz), ('2020-02-04 12:22:32.678-03'), ('2999-01-01'), ('infinity'), ('2001-01-01'), ('2020-02-04 17:17:17.171+00'))
     AS bases (base), crm_update_customer(1, base, 'x', NULL, 'ana') ORDER BY base;
\x off
-- a comment is kept from these, too, and once
SELECT outcome, comment_id AS kept, message FROM crm_update_customer(1, 'infinity', 'x', 'Whenever', 'ana') \gset
SELECT :'outcome' AS outcome, :'message' AS message;
SELECT outcome, comment_id = :kept AS same FROM crm_update_customer(1, 'infinity', 'x', 'Whenever', 'ana');
SELECT outcome, comment_id = :kept AS same FROM crm_update_customer(1, '-infinity', 'x', 'Whenever', 'ana');
SELECT outcome, comment_id = :kept AS same FROM crm_update_customer(1, '2999-01-01', NULL, 'Whenever', 'ana');
SELECT outcome, comment_id = :kept AS same FROM crm_update_customer(1, regress.current(1), NULL, 'Whenever', 'ana');
-- changes and comments since such a base
SELECT detail->>'changes_total' AS changes, jsonb_array_length(detail->'changes') AS listed, detail->>'comments_total' AS comments
FROM (VALUES ('-infinity'::timestamptz), ('2001-01-01'), ('2999-01-01'), ('infinity')) AS bases (base),
     crm_update_customer(1, base, 'x', NULL, 'ana') ORDER BY base;
