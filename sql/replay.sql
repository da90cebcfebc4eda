-- A save that arrives twice is applied once.
SET client_min_messages = warning;
CREATE SCHEMA replay;
SET search_path = replay, public;
SELECT crm_create_tables();
INSERT INTO customers (id, updated_at) VALUES (1, '2020-01-01 00:00:00.001+00'), (2, '2020-01-02 00:00:00.002+00'), (3, '2020-01-03 00:00:00.003+00');
SELECT regress.version(1, 1) AS v1 \gset

-- applied, then sent again: at once, and long after
SELECT outcome, comment_id AS stored FROM crm_update_customer(1, :'v1', 'won', 'Signed', 'ana') \gset
SELECT outcome, comment_id = :stored AS same FROM crm_update_customer(1, :'v1', 'won', 'Signed', 'ana');
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'paid', NULL, 'ben');
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'closed', NULL, 'cy');
SELECT outcome, status, comment_id = :stored AS same, (detail->>'current')::boolean AS current, detail->'superseded_by'->>'author' AS by
FROM crm_update_customer(1, :'v1', 'won', 'Signed', 'ana');
-- the base to the millisecond
SELECT outcome FROM crm_update_customer(1, :'v1'::timestamptz + interval '700 us', 'won', 'Signed', 'ana');
SELECT outcome FROM crm_update_customer(1, :'v1'::timestamptz - interval '700 us', 'won', 'Signed', 'ana');
-- every part of the request counts
SELECT outcome FROM crm_update_customer(1, :'v1', 'won', 'Signed', 'Ana');
SELECT outcome FROM crm_update_customer(1, :'v1', 'Won', 'Signed', 'ana');
SELECT outcome FROM crm_update_customer(1, :'v1', 'won', 'Signed.', 'ana');
SELECT outcome FROM crm_update_customer(1, :'v1', NULL, 'Signed', 'ana');
SELECT outcome FROM crm_update_customer(1, :'v1', 'won', NULL, 'ana');
SELECT outcome FROM crm_update_customer(1, regress.version(1, 2), 'won', 'Signed', 'ana');
SELECT outcome FROM crm_update_customer(2, :'v1', 'won', 'Signed', 'ana');
-- where one part ends and the next begins
SELECT outcome FROM crm_update_customer(3, regress.current(3), 'ab', 'c', 'ana');
SELECT outcome FROM crm_update_customer(3, regress.version(3, 1), 'a', 'bc', 'ana');
SELECT outcome FROM crm_update_customer(3, regress.version(3, 1), 'ab', 'c', 'ana');
-- a blank comment is no comment
SELECT outcome FROM crm_update_customer(3, regress.current(3), 'blank', '  ', 'ana');
SELECT outcome, comment_id FROM crm_update_customer(3, regress.version(3, 2), 'blank', NULL, 'ana');
SELECT outcome, comment_id FROM crm_update_customer(3, regress.version(3, 2), 'blank', E'\n', 'ana');
-- a comment alone, a status alone
SELECT outcome FROM crm_update_customer(3, regress.current(3), NULL, 'alone', 'ana');
SELECT outcome, comment_id IS NOT NULL AS has_comment FROM crm_update_customer(3, regress.version(3, 3), NULL, 'alone', 'ana');
-- twice within one transaction
BEGIN;
SELECT outcome FROM crm_update_customer(3, regress.version(3, 4), 'within', 'once', 'ana');
SELECT outcome FROM crm_update_customer(3, regress.version(3, 4), 'within', 'once', 'ana');
COMMIT;
-- rolled back was never applied
BEGIN;
SELECT outcome FROM crm_update_customer(3, regress.version(3, 5), 'undone', 'gone', 'ana');
ROLLBACK;
SELECT outcome FROM crm_update_customer(3, regress.version(3, 5), 'undone', 'gone', 'ana');
-- a replay is no refusal
SET crm_concurrency.on_conflict = raise;
SELECT outcome FROM crm_update_customer(1, :'v1', 'won', 'Signed', 'ana');
RESET crm_concurrency.on_conflict;
-- the save that adopted a comment replays with that comment
SELECT comment_id AS kept FROM crm_update_customer(2, '2001-01-01', 'x', 'kept first', 'dee') \gset
SELECT outcome, comment_id = :kept AS same FROM crm_update_customer(2, regress.version(2, 1), 'x', 'kept first', 'dee');
SELECT outcome, comment_id = :kept AS same FROM crm_update_customer(2, regress.version(2, 1), 'x', 'kept first', 'dee');
-- a request that was refused, not applied, stays refused
SELECT outcome, comment_id = :kept AS same FROM crm_update_customer(2, '2001-01-01', 'x', 'kept first', 'dee');
-- a merge that was refused, arrived again late and won, while its user had gone on to what the refusal told
UPDATE customers SET phone = 'first' WHERE id = 1;
SELECT regress.current(1) AS v_read \gset
UPDATE customers SET phone = 'theirs' WHERE id = 1;
SELECT outcome, comment_id AS kept, updated_at AS v_told
FROM crm_update_customer(1, :'v_read', NULL, 'late', 'eve', merge => true, fields => '{"phone": "mine"}') \gset
UPDATE customers SET phone = 'first' WHERE id = 1;
SELECT outcome, comment_id = :kept AS same, updated_at AS v_late
FROM crm_update_customer(1, :'v_read', NULL, 'late', 'eve', merge => true, fields => '{"phone": "mine"}') \gset
UPDATE customers SET phone = 'other' WHERE id = 1;
-- where it collides now, and where it could be merged once more
SELECT outcome, comment_id = :kept AS same, (detail->>'version')::timestamptz = :'v_late' AS told_which, detail->'current' AS current
FROM crm_update_customer(1, :'v_told', NULL, 'late', 'eve', merge => true, fields => '{"phone": "mine"}');
UPDATE customers SET phone = 'theirs' WHERE id = 1;
SELECT outcome, comment_id = :kept AS same, (detail->>'version')::timestamptz = :'v_late' AS told_which
FROM crm_update_customer(1, :'v_told', NULL, 'late', 'eve', merge => true, fields => '{"phone": "mine"}');
SELECT outcome FROM crm_update_customer(1, :'v_told', NULL, 'late', 'eve', fields => '{"phone": "mine"}');
-- something else is another request; and who has seen it says it anew
SELECT outcome, comment_id = :kept AS same FROM crm_update_customer(1, :'v_told', NULL, 'late', 'eve', fields => '{"phone": "other"}');
SELECT outcome, comment_id = :kept AS same FROM crm_update_customer(1, :'v_late', NULL, 'late', 'eve', fields => '{"phone": "mine"}');
-- after the deletion, and after the customer is created again
SELECT outcome FROM crm_update_customer(2, regress.version(2, 2), 'last', NULL, 'ana');
DELETE FROM customers WHERE id = 2;
SELECT outcome, http_status, status, message FROM crm_update_customer(2, regress.version(2, 2), 'last', NULL, 'ana');
SELECT outcome FROM crm_update_customer(2, regress.version(2, 2), 'other', NULL, 'ana');
INSERT INTO customers (id, status) VALUES (2, 'again');
SELECT outcome, status FROM crm_update_customer(2, regress.version(2, 2), 'last', NULL, 'ana');

SELECT n, author, status_to, comment_id IS NOT NULL AS has_comment FROM regress.history(3);
SELECT body, count(*) FROM comments WHERE NOT save_refused GROUP BY body ORDER BY body;
SELECT * FROM regress.violations();
