-- Deleting a customer checks its version; what is deleted is set aside, and comes back as it was.
SET client_min_messages = warning;
CREATE SCHEMA deletions;
SET search_path = deletions, public;
SELECT crm_create_tables();
INSERT INTO customers (id, name, phone) SELECT i, 'Acme', '1' FROM generate_series(1, 9) i;
-- the comment of who is refused is kept; the deletion of an older tab does not go through
SELECT regress.current(1) AS base \gset
SELECT outcome FROM crm_update_customer(1, :'base', 'won', 'Signed', 'ana');
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'won', 'A reply', 'ben', reply_to => 1);
SELECT outcome, http_status, status, comment_id, message, detail #>> '{changes_total}' AS changes
FROM crm_delete_customer(1, :'base', 'Looks dead', 'eve');
SELECT outcome, comment_id FROM crm_delete_customer(1, :'base', 'Looks dead', 'eve');
SELECT crm_lock_customer(1, 'ana') IS NOT NULL AS locked;
SELECT outcome, http_status, message FROM crm_delete_customer(1, regress.current(1), NULL, 'eve');
SELECT count(*) FROM customers WHERE id = 1;

-- the one who has seen it all deletes it, with the comment that was kept
SELECT regress.current(1) AS base \gset
SELECT outcome, http_status, status, updated_at > :'base' AS later, comment_id, message, detail
FROM crm_delete_customer(1, :'base', 'Looks dead', 'ana');
SELECT updated_at AS deleted_at FROM crm_delete_customer(2, regress.current(2), NULL, 'ana') \gset
SELECT outcome, message, updated_at, detail ->> 'current' AS current FROM crm_delete_customer(1, :'base', 'Looks dead', 'ana');
SELECT outcome, http_status, message FROM crm_delete_customer(1, :'base', 'Me too', 'ben');
SELECT outcome, http_status, message FROM crm_update_customer(1, :'base', 'lost', NULL, 'ben');
SELECT outcome, http_status, message FROM crm_delete_customer(77, :'base', NULL, 'ben');
SELECT h.operation, h.author, h.comment_id, h.based_on = :'base' AS based, h.fields FROM customer_history h WHERE customer_id = 1 ORDER BY version DESC LIMIT 1;
SELECT comment_id, row_values - 'updated_at' - 'created_at' - 'based_on' - 'refused_request' - 'adopted_version' AS row_values FROM customer_deletions WHERE customer_id = 1 ORDER BY comment_id NULLS FIRST;
SELECT key, version > :'base' AS later, author, status, comment, comments, row_values ->> 'name' AS name FROM crm_deleted() ORDER BY key;
SELECT key FROM crm_deleted(1);
SELECT key FROM crm_deleted(before => :'deleted_at');
SELECT count(*) FROM crm_verify();

-- as it was before, and its timeline
SELECT c #>> '{comments,0,text}' AS first, c #>> '{comments,0,replies,0,text}' AS reply, c #>> '{customer,status}' AS status
FROM crm_get_customer(1, :'base') c;
SELECT crm_get_customer(1) IS NULL AS gone;
SELECT kind, operation, author, comment_id, reply_to, thread, depth, body FROM crm_timeline(1);

-- it comes back, with the ids, times and threads of its comments, and goes on
CREATE TEMP TABLE before AS SELECT comment_id, row_values FROM customer_deletions WHERE customer_id = 1;
SELECT outcome, http_status, status, updated_at = regress.current(1) AS current, comment_id, message, detail
FROM crm_restore_customer(1, 'ben', 'It was a mistake');
SELECT id, author, body, reply_to, save_refused FROM comments WHERE customer_id = 1 ORDER BY id;
SELECT count(*) AS same FROM comments c JOIN before b ON b.comment_id = c.id
WHERE (b.row_values ->> 'created_at')::timestamptz = c.created_at AND b.row_values ->> 'refused_request' IS NOT DISTINCT FROM c.refused_request::text
  AND (b.row_values ->> 'based_on')::timestamptz IS NOT DISTINCT FROM c.based_on AND (b.row_values ->> 'adopted_version')::timestamptz IS NOT DISTINCT FROM c.adopted_version;
SELECT count(*) AS left_over FROM customer_deletions WHERE customer_id = 1;
SELECT operation, author, status_from, status_to, comment_id FROM customer_history WHERE customer_id = 1 ORDER BY version;
SELECT outcome, http_status, message FROM crm_restore_customer(1, 'ben');
SELECT outcome, message FROM crm_delete_customer(1, :'base', 'Looks dead', 'ana');
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'lost', 'Goes on', 'ana');
SELECT c #>> '{comments,0,text}' AS first FROM crm_get_customer(1, :'base') c;
SELECT max(id) AS last FROM comments \gset
SELECT outcome, comment_id > :last AS new_id FROM crm_update_customer(3, regress.current(3), 'x', 'Never used before', 'ana');
SELECT count(*) FROM crm_verify();

-- a deletion is never taken for a save with the same comment from the same version
SELECT regress.current(5) AS base \gset
SELECT outcome FROM crm_update_customer(5, :'base', NULL, 'The same words', 'ana');
SELECT outcome FROM crm_delete_customer(5, :'base', 'The same words', 'ana');

-- a plain DELETE is set aside as well; created again it is another customer
SELECT outcome FROM crm_update_customer(4, regress.current(4), NULL, 'Of the first life', 'ana');
SELECT updated_at AS first_life FROM crm_update_customer(4, regress.current(4), 'won', NULL, 'ana') \gset
DELETE FROM customers WHERE id = 4;
INSERT INTO customers (id, name) VALUES (4, 'New');
SELECT crm_add_comment(4, 'Of the second life', 'ana') > 0 AS added;
SELECT outcome, http_status, message FROM crm_restore_customer(4, 'ben');
SELECT count(*) FROM crm_deleted() WHERE key = '4';
SELECT c ->> 'comments_total' AS total, c #>> '{comments,0,text}' AS text, c #>> '{customer,name}' AS name FROM crm_get_customer(4, :'first_life') c;
SELECT c ->> 'comments_total' AS total, c #>> '{comments,0,text}' AS text FROM crm_get_customer(4) c;
DELETE FROM customers WHERE id = 4;
SELECT outcome, detail FROM crm_restore_customer(4, 'ben');
SELECT body FROM comments WHERE customer_id = 4;
-- the comment of a deletion is not missed when the key is created again
SELECT outcome FROM crm_delete_customer(4, regress.current(4), 'Why', 'ana');
INSERT INTO customers (id) VALUES (4);
SELECT count(*) FROM crm_verify(4) UNION ALL SELECT count(*) FROM crm_verify();
SELECT outcome, message FROM crm_restore_customer(5, 'ben');
SELECT outcome, http_status, message FROM crm_restore_customer(77, 'ben');

-- what nobody has set aside is not known, and is not said to be nothing
SELECT updated_at AS then FROM crm_update_customer(6, regress.current(6), NULL, 'Lost', 'ana') \gset
DELETE FROM customers WHERE id = 6;
DELETE FROM customer_deletions WHERE customer_id = 6;
SELECT c -> 'comments' AS comments, c -> 'comments_total' AS total, c #>> '{customer,name}' AS name FROM crm_get_customer(6, :'then') c;
SELECT outcome, http_status, message FROM crm_restore_customer(6, 'ben');

-- pruning and erasing reach it
SELECT crm_add_comment(7, 'Private', 'ana') > 0 AS added;
DELETE FROM customers WHERE id = 7;
SELECT crm_erase_customer(7);
SELECT count(*) FROM customer_deletions WHERE customer_id = 7;
SELECT outcome FROM crm_restore_customer(7, 'ben');
DELETE FROM customers WHERE id = 8;
UPDATE customer_deletions SET version = version - interval '1 year', deleted_at = deleted_at - interval '1 year' WHERE customer_id = 8;
SELECT crm_prune_history('30 days');
SELECT count(*) FROM customer_deletions WHERE customer_id = 8;

-- constraints that have moved on, columns that are gone: a clear error, and nothing is restored
ALTER TABLE customers ADD COLUMN tax_id text UNIQUE, ADD COLUMN region text, ADD COLUMN both_names text GENERATED ALWAYS AS (name || ' ' || region) STORED;
UPDATE customers SET tax_id = 'T1', region = 'north' WHERE id = 9;
DELETE FROM customers WHERE id = 9;
INSERT INTO customers (id, tax_id) VALUES (90, 'T1');
SELECT state, message FROM regress.error($$SELECT crm_restore_customer(9, 'ben')$$);
DELETE FROM customers WHERE id = 90;
ALTER TABLE customers RENAME region TO area;
SELECT * FROM regress.error($$SELECT crm_restore_customer(9, 'ben')$$);
ALTER TABLE customers RENAME area TO region;
SELECT count(*) FROM customer_deletions WHERE customer_id = 9;
SELECT outcome FROM crm_restore_customer(9, 'ben');
SELECT name, tax_id, region, both_names FROM customers WHERE id = 9;

-- every type comes back as it was
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE TYPE place AS (street text, number int);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TABLE everything (id text PRIMARY KEY, status mood NOT NULL DEFAULT 'glad', a bytea, b json, c jsonb, d numeric, e float8, f float4, g interval, h timestamptz, i date, j int[], k place, l positive,
    m tstzrange, n inet, o bit(3), p "char", q regclass, r text[], s money, t timetz, u name, v char(5), w xml, x tsvector, y bool, z oid);
SELECT crm_attach('everything');
INSERT INTO everything VALUES ('ä b', 'sad', '\x00ff', '{"b": 1,  "a": 2.50}', '{"b": 1,  "a": 2.50}', 1.50, 0.1, 1e-20, '1 mon -2 days 03:04:05.678', '2026-01-05 10:00:00.123456+05', '0044-01-01 BC', '{{1,NULL},{3,4}}', '("a, ""b""",3)', 7,
    '[2026-01-01,)', '10.0.0.1/8', '101', 'x', 'customers', '{"a,b",NULL,""}', '12.34', '10:00+02', 'n', 'ab', '<a>1</a>', 'fat:2 cat:3', true, 7);
CREATE TEMP TABLE as_it_was AS SELECT to_jsonb(everything) - 'updated_at' AS row, b::text AS json FROM everything;
SET DateStyle = 'German'; SET IntervalStyle = 'sql_standard'; SET extra_float_digits = 0; SET TimeZone = 'America/New_York'; SET bytea_output = 'escape';
DELETE FROM everything;
RESET IntervalStyle; RESET DateStyle; SET extra_float_digits = 3; RESET bytea_output;
SELECT outcome FROM crm_restore_record('everything', 'ä b', 'ana');
RESET extra_float_digits; RESET TimeZone;
SELECT to_jsonb(everything) - 'updated_at' = row AS same, b::text = json AS same_json FROM everything, as_it_was;
SELECT count(*) FROM crm_verify_record('everything');

-- what a CASCADE took with it comes back with it, where it is attached
CREATE TABLE accounts (id int PRIMARY KEY, owner int REFERENCES accounts ON DELETE CASCADE, name text, status text NOT NULL DEFAULT 'new');
CREATE TABLE deals (id uuid PRIMARY KEY, account int REFERENCES accounts ON DELETE CASCADE, helper int REFERENCES accounts ON DELETE SET NULL, status text NOT NULL DEFAULT 'open');
CREATE TABLE files (name text PRIMARY KEY, deal uuid REFERENCES deals ON DELETE CASCADE);
CREATE TABLE plain (account int REFERENCES accounts ON DELETE CASCADE);
SELECT crm_attach('accounts'), crm_attach('deals'), crm_attach('files', NULL);
INSERT INTO accounts VALUES (1, NULL, 'Holding'), (2, 1, 'Daughter'), (3, NULL, 'Other');
INSERT INTO deals VALUES ('00000000-0000-0000-0000-000000000001', 2, NULL), ('00000000-0000-0000-0000-000000000002', 3, 1), ('00000000-0000-0000-0000-000000000003', 2, NULL);
INSERT INTO files VALUES ('offer.pdf', '00000000-0000-0000-0000-000000000001');
INSERT INTO plain VALUES (2);
SELECT crm_add_record_comment('deals', '00000000-0000-0000-0000-000000000001', 'Of the deal', 'ana') > 0 AS added;
DELETE FROM deals WHERE id = '00000000-0000-0000-0000-000000000003';
SELECT outcome, message FROM crm_delete_record('accounts', '1', (SELECT updated_at FROM accounts WHERE id = 1), 'Bankrupt', 'ana');
SELECT (SELECT count(*) FROM accounts) AS accounts, (SELECT count(*) FROM deals) AS deals, (SELECT count(*) FROM files) AS files, (SELECT count(*) FROM plain) AS plain;
SELECT outcome, message, detail FROM crm_restore_record('accounts', '1', 'ben');
SELECT id, owner FROM accounts ORDER BY id;
SELECT id, account, helper FROM deals ORDER BY id;
SELECT name FROM files;
SELECT body FROM deals_comments;
SELECT (SELECT count(*) FROM plain) AS plain;
SELECT key FROM crm_deleted_records('deals');
SELECT count(*) FROM crm_verify_record('accounts') UNION ALL SELECT count(*) FROM crm_verify_record('deals') UNION ALL SELECT count(*) FROM crm_verify_record('files');

-- what refers to it and does not go with it keeps it
CREATE TABLE invoices (customer bigint REFERENCES customers);
INSERT INTO invoices VALUES (3);
SELECT state, message FROM regress.error($$SELECT crm_delete_customer(3, regress.current(3), 'Why', 'ana')$$);
SELECT count(*) FROM comments WHERE body = 'Why';

-- arguments
SELECT * FROM regress.error($$SELECT crm_delete_customer(3, NULL, NULL, 'ana')$$);
SELECT * FROM regress.error($$SELECT crm_delete_customer(3, now(), NULL, ' ')$$);
SELECT * FROM regress.error($$SELECT crm_delete_customer(NULL, now(), NULL, 'ana')$$);
SELECT * FROM regress.error($$SELECT crm_restore_customer(3, NULL)$$);
SELECT * FROM regress.error($$SELECT crm_deleted(-1)$$);
SELECT * FROM regress.error($$SELECT crm_deleted(NULL)$$);
SELECT * FROM regress.error($$SELECT crm_delete_record('plain', '1', now(), NULL, 'ana')$$);
BEGIN READ ONLY;
SELECT state FROM regress.error($$SELECT crm_delete_customer(3, now(), NULL, 'ana')$$);
SELECT state FROM regress.error($$SELECT crm_restore_customer(3, 'ana')$$);
COMMIT;

-- rights: DELETE to delete, SELECT on what is set aside and INSERT to restore; columns that may not be read are not shown
CREATE ROLE regress_crm_deleter;
GRANT USAGE ON SCHEMA deletions TO regress_crm_deleter;
SET ROLE regress_crm_deleter;
SELECT * FROM regress.error($$SELECT crm_delete_customer(5, now(), NULL, 'ana')$$);
RESET ROLE;
GRANT SELECT (id, status, updated_at), DELETE ON customers TO regress_crm_deleter;
GRANT INSERT ON comments TO regress_crm_deleter;
SET ROLE regress_crm_deleter;
SELECT outcome FROM crm_delete_customer(5, (SELECT updated_at FROM customers WHERE id = 5), 'Bye', 'ana');
SELECT * FROM regress.error($$SELECT * FROM crm_deleted()$$);
SELECT * FROM regress.error($$SELECT crm_restore_customer(5, 'ana')$$);
RESET ROLE;
GRANT SELECT (id) ON customer_deletions TO regress_crm_deleter;
SET ROLE regress_crm_deleter;
SELECT key, author, comment, row_values - 'updated_at' AS row_values FROM crm_deleted() WHERE key = '5';
SELECT * FROM regress.error($$SELECT crm_restore_customer(5, 'ana')$$);
RESET ROLE;
GRANT INSERT ON customers TO regress_crm_deleter;
GRANT SELECT ON customer_history TO regress_crm_deleter;
SET ROLE regress_crm_deleter;
SELECT key, author, comment FROM crm_deleted() WHERE key = '5';
SELECT outcome FROM crm_restore_customer(5, 'ana');
RESET ROLE;
-- row-level security: what it hides is not shown after the deletion either
ALTER TABLE customers ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON customers TO regress_crm_deleter USING (status = 'mine');
SET ROLE regress_crm_deleter;
SELECT * FROM regress.error($$SELECT * FROM crm_deleted()$$);
SELECT * FROM regress.error($$SELECT crm_restore_customer(5, 'ana')$$);
SELECT outcome FROM crm_delete_customer(5, now(), NULL, 'ana');
RESET ROLE;
ALTER TABLE customer_deletions ENABLE ROW LEVEL SECURITY;
SELECT message, hint FROM regress.error($$SET LOCAL ROLE regress_crm_deleter; SELECT crm_deleted()$$);
GRANT SELECT ON customer_deletions TO regress_crm_deleter;
CREATE POLICY visible ON customer_deletions TO regress_crm_deleter USING (row_values ->> 'status' = 'mine' OR comment_id IS NOT NULL);
UPDATE customers SET status = 'mine' WHERE id IN (3, 5);
DELETE FROM invoices;
DELETE FROM customers WHERE id IN (5, 9);
SET ROLE regress_crm_deleter;
SELECT key FROM crm_deleted();
SELECT outcome FROM crm_restore_customer(9, 'ana');
SELECT outcome FROM crm_restore_customer(5, 'ana');
RESET ROLE;

-- what is set aside of one owner's rows does not say which of another's come back
CREATE ROLE regress_crm_other;
GRANT USAGE, CREATE ON SCHEMA deletions TO regress_crm_other;
CREATE TABLE hosts (id int PRIMARY KEY, status text);
GRANT REFERENCES ON hosts TO regress_crm_other;
SET ROLE regress_crm_other;
CREATE TABLE guests (id int PRIMARY KEY, host int REFERENCES hosts ON DELETE CASCADE, status text);
SELECT crm_attach('guests');
RESET ROLE;
SELECT crm_attach('hosts');
INSERT INTO hosts VALUES (1, 'a');
INSERT INTO guests VALUES (1, 1, 'b');
DELETE FROM hosts;
SELECT outcome, detail FROM crm_restore_record('hosts', '1', 'ana');
SELECT outcome, detail FROM crm_restore_record('guests', '1', 'ana');

-- an attachment without its table of deletions
DROP TABLE customer_deletions;
DELETE FROM customers WHERE id = 5;
SELECT * FROM regress.error($$SELECT crm_restore_customer(5, 'ana')$$);
SELECT * FROM regress.error($$SELECT crm_deleted()$$);
SELECT crm_attach('customers');
SELECT outcome FROM crm_restore_customer(5, 'ana');
DELETE FROM customers WHERE id = 3;
SELECT outcome FROM crm_restore_customer(3, 'ana');

SET client_min_messages = error;
DROP SCHEMA deletions CASCADE;
DROP ROLE regress_crm_deleter, regress_crm_other;
