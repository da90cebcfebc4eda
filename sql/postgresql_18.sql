-- What PostgreSQL 18 brought: constraints that are not enforced or not valid, and columns that are computed when they are read.
SET client_min_messages = warning;
SELECT current_setting('server_version_num')::int < 180000 AS is_older \gset
\if :is_older
\quit
\endif
\set VERBOSITY terse
CREATE SCHEMA postgresql_18;
SET search_path = postgresql_18, public;
SELECT crm_create_tables();
INSERT INTO customers (id, status) VALUES (1, 'new'), (2, 'new'), (3, 'new');

-- a CHECK that is not enforced refuses nothing, beside one that is
ALTER TABLE customers ADD CHECK (status <> 'won') NOT ENFORCED, ADD CHECK (status <> 'impossible');
ALTER TABLE comments ADD CHECK (body <> 'Signed') NOT ENFORCED, ADD CHECK (body <> 'Impossible');
ALTER TABLE customer_history ADD CHECK (operation <> 'update') NOT ENFORCED, ADD CHECK (author IS DISTINCT FROM 'nobody');
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'won', 'Signed', 'ana');
SELECT crm_add_comment(2, 'Signed', 'ana') IS NOT NULL AS is_added;
SELECT * FROM crm_update_customer(1, regress.current(1), 'impossible', NULL, 'ana');
SELECT * FROM crm_update_customer(1, regress.current(1), 'lost', 'Impossible', 'ana');
SELECT * FROM crm_update_customer(1, regress.current(1), 'lost', NULL, 'nobody');

-- computed when it is read: on the table itself, and beside it in what a save may see
ALTER TABLE customers ADD COLUMN shout text GENERATED ALWAYS AS (upper(status)) VIRTUAL;
SELECT outcome FROM crm_update_customer(2, regress.current(2), 'open', NULL, 'ana', fields => '{"name": "Ada"}');
SELECT crm_get_customer(2)->'customer'->>'shout' AS shout;
SELECT * FROM crm_update_customer(2, regress.current(2), 'open', NULL, 'ana', fields => '{"shout": "x"}');
ALTER TABLE customers DROP COLUMN shout;

-- the foreign key of the comments, no longer enforced: no comment of nobody comes in by a function
ALTER TABLE comments ALTER CONSTRAINT comments_customer_id_fkey NOT ENFORCED;
SELECT check_name, status, finding FROM crm_doctor() WHERE check_name = 'foreign_keys' AND finding LIKE '%postgresql_18%';
SELECT crm_add_comment(-1, 'To nobody', 'ana');
SELECT outcome FROM crm_update_customer(3, regress.current(3), 'open', 'Called', 'ana');
ALTER TABLE comments ALTER CONSTRAINT comments_customer_id_fkey ENFORCED;

-- a version that may be null in rows that are there
CREATE SCHEMA postgresql_18_b;
SET search_path = postgresql_18_b, public;
CREATE TABLE clients (id bigint PRIMARY KEY, status text, updated_at timestamptz);
INSERT INTO clients VALUES (1, 'new', NULL);
ALTER TABLE clients ADD CONSTRAINT has_version NOT NULL updated_at NOT VALID;
SELECT crm_attach('clients');
UPDATE clients SET updated_at = '2026-01-05 10:00:00+00';
ALTER TABLE clients VALIDATE CONSTRAINT has_version;
SELECT crm_attach('clients');
SELECT outcome FROM crm_update_customer(1, '2026-01-05 10:00:00+00', 'won', NULL, 'ana');

-- a unique index in which nulls are not distinct, and a period without overlaps
CREATE TABLE rooms (id int4range, during daterange, PRIMARY KEY (id, during WITHOUT OVERLAPS));
SELECT crm_attach('rooms');
ALTER TABLE clients ADD COLUMN email text, ADD CONSTRAINT one_email UNIQUE NULLS NOT DISTINCT (email);
INSERT INTO clients (id, email) VALUES (2, 'ana@example.org');
SELECT crm_update_customer(2, (SELECT updated_at FROM clients WHERE id = 2), 'new', NULL, 'ana', fields => '{"email": null}');
SELECT outcome FROM crm_update_customer(2, (SELECT updated_at FROM clients WHERE id = 2), 'new', NULL, 'ana', fields => '{"email": "ben@example.org"}');

-- RETURNING the row before and after, and MERGE that returns
UPDATE clients SET status = 'open' WHERE id = 2 RETURNING old.status AS before, new.status AS after, new.updated_at > old.updated_at AS has_next;
MERGE INTO clients c USING (VALUES (2, 'won'), (3, 'new')) v (id, status) ON c.id = v.id
WHEN MATCHED THEN UPDATE SET status = v.status WHEN NOT MATCHED THEN INSERT (id, status, email) VALUES (v.id, v.status, 'cem@example.org')
RETURNING merge_action(), old.status AS before, new.status AS after, new.updated_at IS NOT NULL AS has_version;
SELECT customer_id, operation, status_from, status_to FROM clients_history WHERE customer_id > 1 ORDER BY customer_id, version;
SELECT * FROM crm_verify();
DROP SCHEMA postgresql_18, postgresql_18_b CASCADE;
