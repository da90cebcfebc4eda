-- What before.sql asked the edition, asked again of the extension.
SELECT n, a.outcome AS told, r.outcome, r.comment_id IS NOT DISTINCT FROM a.comment_id AS same_comment
FROM (SELECT * FROM asked ORDER BY n) a,
     LATERAL crm_update_customer(id, base, status, comment, author, merge, reply_to, fields) r;
-- the refused comment is adopted by its author's next save
SELECT outcome, comment_id = (SELECT id FROM comments WHERE body = 'Refused, kept') AS same
FROM crm_update_customer(1000003, (SELECT updated_at FROM customers WHERE id = 1000003), 'adopted', 'Refused, kept', 'ben');
-- the edit lock holds, for others alone
SELECT outcome FROM crm_update_customer(1000006, (SELECT first FROM moved WHERE id = 1000006), 'x', NULL, 'ben');
SELECT outcome FROM crm_update_customer(1000006, (SELECT first FROM moved WHERE id = 1000006), 'x', NULL, 'ana');
-- a customer as it was before the move, from the edition's history
SELECT crm_get_customer(1000002, first)->'customer'->'amount', crm_get_customer(1000002, first)->'customer'->>'status'
FROM moved WHERE id = 1000002;
-- merged with what was written before the move
SELECT outcome, status FROM crm_update_customer(1000007, (SELECT first FROM moved WHERE id = 1000007), 'merged', NULL, 'dee', merge => true);
SELECT operation, author, status_to, fields, comment_id IS NOT NULL FROM customer_history WHERE customer_id = 1000007 ORDER BY version;
-- what was too large for the history is not known, what looks like that is
SELECT outcome, detail->'conflicts'
FROM crm_update_customer(1000010, (SELECT version FROM customer_history WHERE customer_id = 1000010 ORDER BY version OFFSET 1 LIMIT 1), NULL, NULL, 'ben',
                         fields => '{"phone": "mine", "doc": {"omitted_bytes": 7}}');
SELECT * FROM crm_verify();
