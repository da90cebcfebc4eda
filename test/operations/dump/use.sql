-- Works on a restored database: one line for each thing that must go on as before. :customers is the name of the customers
-- table that the search_path finds.
SELECT previous AS base, comment_id FROM customer_history WHERE customer_id = 6 AND author = 'eve' \gset
CREATE TEMP VIEW written AS SELECT (SELECT count(*) FROM customer_history) + (SELECT count(*) FROM comments) AS count;
SELECT count AS before FROM written \gset
SELECT outcome, comment_id = :comment_id AS is_same
FROM crm_update_customer(6, :'base', 'asked', 'Asked once', 'eve') \gset
SELECT format('retry: %s, the same comment %s, nothing written %s', :'outcome', :'is_same', count = :before) FROM written;

SELECT previous AS old_base FROM customer_history WHERE customer_id = 1 ORDER BY version DESC LIMIT 1 \gset
SELECT outcome, comment_id FROM crm_update_customer(1, :'old_base', 'stale', 'Said after the restore', 'fay') \gset
SELECT format('stale: %s, comment kept %s', :'outcome',
              (SELECT save_refused FROM comments WHERE customer_id = 1 AND id = :comment_id));

SELECT updated_at AS base FROM :customers WHERE id = 1 \gset
SELECT outcome, updated_at FROM crm_update_customer(1, :'base', 'restored', 'Saved after the restore', 'fay') \gset
SELECT format('save: %s, later %s, linked %s', :'outcome', :'updated_at'::timestamptz > :'base',
              (SELECT previous = :'base' FROM customer_history WHERE customer_id = 1 AND version = :'updated_at'));

SELECT id AS kept, :'updated_at' AS base FROM comments WHERE customer_id = 1 AND author = 'cy' AND save_refused \gset
SELECT outcome, comment_id = :kept AS is_same FROM crm_update_customer(1, :'base', 'won', 'Too late', 'cy') \gset
SELECT format('kept comment: %s, adopted %s', :'outcome', :'is_same' AND NOT save_refused)
FROM comments WHERE customer_id = 1 AND id = :kept;

SELECT updated_at AS base FROM :customers WHERE id = 1005 \gset
UPDATE :customers SET phone = 'new' WHERE id = 1005 RETURNING updated_at \gset
SELECT format('plain update: later %s, linked %s', :'updated_at'::timestamptz > :'base',
              (SELECT previous = :'base' FROM customer_history WHERE customer_id = 1005 AND version = :'updated_at'));

INSERT INTO :customers (name) VALUES ('After the restore') RETURNING id \gset
SELECT format('new customer: has history %s', EXISTS (SELECT FROM customer_history WHERE customer_id = :id));

SELECT max(id) AS newest FROM comments \gset
INSERT INTO comments (customer_id, author, body) VALUES (1, 'fay', 'Bare, after the restore') RETURNING id \gset
SELECT format('comment: has an id of its own %s', :id > :newest);

SELECT version AS deleted FROM customer_history WHERE customer_id = 3 ORDER BY version DESC LIMIT 1 \gset
INSERT INTO :customers (id, name) OVERRIDING SYSTEM VALUE VALUES (3, 'Back after the restore');
SELECT format('created again: continues the chain %s', previous = :'deleted')
FROM customer_history WHERE customer_id = 3 ORDER BY version DESC LIMIT 1;
