-- Columns by which an application checks what it saves are bumped by every change that leaves them alone.
SET client_min_messages = warning;
CREATE SCHEMA bump;
SET search_path = bump, public;
CREATE TABLE customers (id bigint PRIMARY KEY, status text NOT NULL DEFAULT 'new', phone text, lock_version int NOT NULL DEFAULT 0,
    write_date timestamp(0), touched timestamptz, small smallint DEFAULT 1, big bigint);
SELECT finding, hint FROM crm_doctor() WHERE finding ~ 'application';
SELECT crm_attach('customers');
SELECT finding, hint FROM crm_doctor() WHERE finding ~ 'application';
SELECT crm_attach('customers', also_bump => '{lock_version,write_date,touched,small,big}');
SELECT also_bump FROM crm_attached_tables WHERE customers = 'customers'::regclass;
SELECT finding FROM crm_doctor() WHERE finding ~ 'application';
INSERT INTO customers (id, write_date, touched) VALUES (1, '2020-01-01 10:00', '2020-01-01 10:00+00'), (2, NULL, 'infinity');
SELECT id, lock_version, small, big FROM customers ORDER BY id;
CREATE VIEW bumped AS SELECT id, lock_version, small, big, write_date = date_trunc('second', updated_at AT TIME ZONE 'UTC') AS at_version,
    touched = updated_at AS touched FROM customers;

-- a save by the function, of the status alone, of fields, with a comment alone, and by a comment with a base
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'lead', NULL, 'ana');
SELECT * FROM bumped ORDER BY id;
SELECT outcome FROM crm_update_customer(1, regress.current(1), NULL, NULL, 'ana', fields => '{"phone": "2"}');
SELECT outcome FROM crm_update_customer(1, regress.current(1), NULL, 'Called', 'ana');
INSERT INTO customers_comments (customer_id, author, body, expected_ts) VALUES (1, 'ana', 'Again', regress.current(1));
SELECT lock_version, small, touched FROM bumped WHERE id = 1;
SELECT lock_version, touched FROM customers WHERE id = 2;
-- one that asks for nothing new bumps nothing
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'lead', NULL, 'ana');
-- a plain UPDATE, and an ORM's own that sets the column; its stale one finds nothing
UPDATE customers SET phone = '3' WHERE id = 1;
UPDATE customers SET phone = '4', lock_version = 6 WHERE id = 1 AND lock_version = 5;
UPDATE customers SET phone = '5', lock_version = 6 WHERE id = 1 AND lock_version = 5;
SELECT phone, lock_version, small FROM customers WHERE id = 1;
-- within one second a time of whole seconds goes on all the same
UPDATE customers SET write_date = '2999-01-01' WHERE id = 1;
UPDATE customers SET phone = '6' WHERE id = 1;
SELECT write_date FROM customers WHERE id = 1;
-- a number that has no next one
UPDATE customers SET small = 32767 WHERE id = 2;
SELECT state, message FROM regress.error($$SELECT crm_update_customer(2, regress.current(2), 'lead', NULL, 'ana')$$);
UPDATE customers SET small = 1 WHERE id = 2;
-- NULL is what was never set: a time gets the version, a number goes on from 0; what the application sets to NULL stays NULL
UPDATE customers SET write_date = NULL, small = NULL, big = NULL WHERE id = 2;
SELECT write_date, small, big FROM customers WHERE id = 2;
SELECT outcome FROM crm_update_customer(2, regress.current(2), NULL, NULL, 'ana', fields => '{"phone": "1"}');
SELECT lock_version, small, big, at_version FROM bumped WHERE id = 2;

-- never a reason for a conflict: not in the history, no field of a save, not undone
SELECT regress.current(1) AS base \gset
UPDATE customers SET status = 'won' WHERE id = 1;
SELECT outcome FROM crm_update_customer(1, :'base', NULL, NULL, 'ben', true, fields => '{"phone": "7"}');
SELECT count(*) FROM customers_history WHERE fields ?| '{lock_version,write_date,touched,small,big}';
SELECT * FROM regress.error($$SELECT crm_update_customer(1, regress.current(1), NULL, NULL, 'ben', fields => '{"lock_version": 1}')$$);
SELECT outcome FROM crm_revert_customer(1, regress.current(1), regress.current(1), 'ana');
SELECT lock_version FROM customers WHERE id = 1;
SELECT count(*) FROM crm_verify();

-- what is deleted comes back with them
SELECT outcome FROM crm_delete_customer(1, regress.current(1), NULL, 'ana');
SELECT outcome FROM crm_restore_customer(1, 'ana');
SELECT lock_version FROM customers WHERE id = 1;

-- attached again it stays; an empty array removes it; a column that is renamed is told by the doctor, and bumped no longer
SELECT crm_attach('customers');
ALTER TABLE customers RENAME lock_version TO locks;
UPDATE customers SET phone = '8' WHERE id = 1;
SELECT locks FROM customers WHERE id = 1;
SELECT status, finding, hint FROM crm_doctor() WHERE finding ~ 'bumped';
SELECT crm_attach('customers', also_bump => '{}');
SELECT also_bump FROM crm_attached_tables WHERE customers = 'customers'::regclass;

-- the name of a column that is bumped may be given to another: the key, the status and the version are not bumped
CREATE TABLE swapped (id int PRIMARY KEY, status int, lock_version int DEFAULT 0, state int DEFAULT 0, at timestamptz);
SELECT crm_attach('swapped', also_bump => '{lock_version,state,at}');
INSERT INTO swapped VALUES (1, 5);
ALTER TABLE swapped RENAME lock_version TO x;
ALTER TABLE swapped RENAME id TO lock_version;
ALTER TABLE swapped RENAME state TO y;
ALTER TABLE swapped RENAME status TO state;
ALTER TABLE swapped RENAME at TO z;
ALTER TABLE swapped RENAME updated_at TO at;
UPDATE swapped SET x = 7;
SELECT lock_version, state, x FROM swapped;
SELECT count(*) FROM crm_verify_record('swapped');
-- a time at its end
UPDATE customers SET touched = '294276-12-31 23:59:59.999999+00' WHERE id = 2;
SELECT crm_attach('customers', also_bump => '{touched}');
SELECT * FROM regress.error($$SELECT crm_update_customer(2, regress.current(2), 'lead', NULL, 'ana')$$);

-- what cannot be bumped
SELECT * FROM regress.error($$SELECT crm_attach('customers', also_bump => '{phone}')$$);
SELECT * FROM regress.error($$SELECT crm_attach('customers', also_bump => '{nosuch}')$$);
SELECT * FROM regress.error($$SELECT crm_attach('customers', also_bump => '{updated_at}')$$);
SELECT * FROM regress.error($$SELECT crm_attach('customers', also_bump => '{id}')$$);
SELECT * FROM regress.error($$SELECT crm_attach('customers', also_bump => '{NULL}')$$);
DROP SCHEMA bump CASCADE;
