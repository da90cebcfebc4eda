-- What is written without the executor meets the same constraints and fills the same indexes, and what cannot be written so is
-- left to the executor.
SET client_min_messages = warning;
CREATE SCHEMA written;
SET search_path = written, public;
SELECT crm_create_tables('written');
\set save 'SELECT outcome, status FROM crm_update_customer(1, (SELECT updated_at FROM customers WHERE id = 1),'
\set save_2 'SELECT outcome, status FROM crm_update_customer(2, (SELECT updated_at FROM customers WHERE id = 2),'
SET enable_seqscan = off;
-- the details show times
\set VERBOSITY terse

CREATE TABLE users (id int PRIMARY KEY);
INSERT INTO users VALUES (1), (2);
ALTER TABLE customers
    ADD owner int DEFAULT 1 REFERENCES users DEFERRABLE,
    ADD code text UNIQUE,
    ADD town text NOT NULL DEFAULT 'Kiel',
    ADD CONSTRAINT never_lost CHECK (status <> 'lost'),
    ADD CONSTRAINT no_phone_without_email CHECK (phone IS NULL OR email IS NOT NULL),
    ADD notes text,
    ADD CONSTRAINT no_notes CHECK (notes IS NULL);
CREATE INDEX customers_town ON customers (town) INCLUDE (status);
CREATE INDEX customers_email ON customers (email) WHERE email IS NOT NULL;
CREATE INDEX customers_range ON customers USING brin (updated_at);
INSERT INTO customers (name, code) VALUES ('Ana', 'a'), ('Ben', 'b');
ALTER TABLE comments
    ADD channel text DEFAULT upper('mail'),
    ADD urgent boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT no_shouting CHECK (body <> upper(body)),
    ADD CONSTRAINT said_once UNIQUE (customer_id, author, body);
ALTER TABLE customer_history ADD CONSTRAINT not_mallory CHECK (author <> 'mallory');
CREATE INDEX customer_history_author ON customer_history (author) WHERE author IS NOT NULL;

-- The server checks as ever, and nothing is left of what it refuses.
:save 'lost', 'Gone', 'ana');
:save NULL, 'No town', 'ana', fields => '{"town": null}');
:save NULL, 'Call', 'ana', fields => '{"phone": "1"}');
:save NULL, 'Write', 'ana', fields => '{"notes": "by fax"}');
:save NULL, 'Taken', 'ana', fields => '{"code": "b"}');
:save NULL, 'Nobody', 'ana', fields => '{"owner": 3}');
:save 'new', 'WHERE ARE YOU?', 'ana');
:save 'old', 'Here', 'mallory');
SELECT (SELECT count(*) FROM comments) AS comments, (SELECT count(*) FROM customer_history WHERE operation = 'update') AS updates;
:save 'old', 'Here', 'ana');
:save 'new', 'Here', 'ana');

-- A deferred check looks at the row that was saved since.
BEGIN;
SET CONSTRAINTS ALL DEFERRED;
INSERT INTO customers (name, owner) VALUES ('Cleo', 3);
SELECT outcome FROM customers, crm_update_customer(id, updated_at, 'won', NULL, 'ana') WHERE name = 'Cleo';
COMMIT;

-- Rows are found by their indexes.
:save 'won', 'Moves', 'ana', fields => '{"town": "Bremen", "code": "c", "name": "Anna", "email": "a@example.com", "owner": 2}');
SELECT (SELECT id FROM customers WHERE town = 'Bremen') AS new_town, (SELECT id FROM customers WHERE town = 'Kiel') AS old_town,
       (SELECT id FROM customers WHERE code = 'c') AS new_code, (SELECT id FROM customers WHERE code = 'a') AS old_code,
       (SELECT id FROM customers WHERE email = 'a@example.com') AS email,
       (SELECT id FROM customers WHERE updated_at >= (SELECT max(updated_at) FROM customers)) AS latest;
:save 'old', repeat('A long story. ', 2000), 'ben');
SELECT author, left(body, 20) AS body, length(body), channel, urgent FROM comments ORDER BY id;
SELECT version = (SELECT updated_at FROM customers WHERE id = 1) AS is_recorded FROM customer_history WHERE author = 'ben';

-- The history is written in its owner's name, whoever saves.
ALTER TABLE customer_history ADD recorded_by name;
ALTER TABLE customer_history ALTER recorded_by SET DEFAULT current_user;
CREATE UNIQUE INDEX customer_history_once ON customer_history (recorded_by, author) WHERE author IS NOT NULL;
CREATE ROLE regress_crm_seller;
GRANT USAGE ON SCHEMA written TO regress_crm_seller;
GRANT SELECT, UPDATE ON customers TO regress_crm_seller;
GRANT INSERT ON comments TO regress_crm_seller;
SET ROLE regress_crm_seller;
:save_2 'open', 'Calls back', 'wim');
SELECT state, replace(detail, session_user, 'owner') AS detail
FROM regress.error($$SELECT crm_update_customer(2, regress.current(2), 'won', 'Signs', 'wim')$$);
RESET ROLE;
SELECT recorded_by = current_user AS by_owner, db_user = session_user AS by_session FROM customer_history WHERE author = 'wim';
DROP INDEX customer_history_once;
DROP OWNED BY regress_crm_seller;
DROP ROLE regress_crm_seller;

-- A trigger of comments may alter the customers.
CREATE FUNCTION alter_customers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN ALTER TABLE customers ALTER town SET STATISTICS 17; RETURN NULL; END $$;
CREATE TRIGGER alter_customers AFTER INSERT ON comments FOR EACH ROW EXECUTE FUNCTION alter_customers();
SELECT outcome, status FROM crm_update_customer(2, regress.current(2), 'won', 'Altered', 'ana');
SELECT attstattarget FROM pg_attribute WHERE attrelid = 'customers'::regclass AND attname = 'town';
DROP TRIGGER alter_customers ON comments;

-- Other tables refer to what a save changes.
CREATE TABLE tickets (code text REFERENCES customers (code) ON UPDATE CASCADE);
CREATE TABLE calls (code text REFERENCES customers (code));
INSERT INTO tickets VALUES ('c');
INSERT INTO calls VALUES ('b');
:save NULL, NULL, 'ana', fields => '{"code": "d"}');
SELECT code FROM tickets;
:save_2 NULL, NULL, 'ana', fields => '{"code": "e"}');
:save 'open', NULL, 'ana');

-- ... the version among it
ALTER TABLE customers ADD UNIQUE (id, updated_at);
CREATE TABLE seen (id bigint, updated_at timestamptz(3), FOREIGN KEY (id, updated_at) REFERENCES customers (id, updated_at) ON UPDATE CASCADE);
INSERT INTO seen SELECT id, updated_at FROM customers;
:save 'seen', NULL, 'ana');
SELECT count(*) AS seen FROM seen JOIN customers USING (id, updated_at);
DROP TABLE seen;

-- What a publication needs of a table is asked as ever.
ALTER TABLE customers REPLICA IDENTITY NOTHING;
SET client_min_messages = error;  -- wal_level
CREATE PUBLICATION of_customers FOR TABLE customers;
SET client_min_messages = warning;
:save 'won', NULL, 'ana');
ALTER TABLE customers REPLICA IDENTITY DEFAULT;
:save 'won', NULL, 'ana');
DROP PUBLICATION of_customers;

-- What only the executor can write, in the same session.
ALTER TABLE customers
    ADD rank int UNIQUE DEFERRABLE,
    ADD slot int,
    ADD CONSTRAINT one_per_slot EXCLUDE USING btree (slot WITH =),
    ADD shown text GENERATED ALWAYS AS (name || ', ' || town) STORED;
UPDATE customers SET rank = id, slot = id;
CREATE INDEX customers_won ON customers (name) WHERE status = 'won';
CREATE INDEX customers_lower ON customers (lower(name));
CREATE INDEX comments_author ON comments USING hash (author);
CREATE INDEX comments_words ON comments USING gin (to_tsvector('english', body));
:save NULL, 'Taken', 'ana', fields => '{"slot": 2}');
BEGIN;
SET CONSTRAINTS ALL DEFERRED;
:save 'open', NULL, 'ana', fields => '{"rank": 2}');
:save_2 'open', NULL, 'ana', fields => '{"rank": 1}');
COMMIT;
:save NULL, NULL, 'ana', fields => '{"rank": 1}');
:save 'won', 'Found by words', 'cleo', fields => '{"name": "Annette"}');
SELECT (SELECT shown FROM customers WHERE status = 'won' AND name = 'Annette') AS won,
       (SELECT id FROM customers WHERE lower(name) = 'annette') AS lower, (SELECT id FROM customers WHERE rank = 2) AS rank,
       (SELECT body FROM comments WHERE author = 'cleo') AS by_author,
       (SELECT author FROM comments WHERE to_tsvector('english', body) @@ to_tsquery('english', 'word')) AS by_words;
SELECT * FROM crm_verify();
-- What an operator class of others calls, it calls with the owner's rights and search_path, however often a row is recorded
CREATE SCHEMA others;
SET search_path = others, public;
SELECT crm_create_tables();
CREATE TABLE paths (path text);
CREATE FUNCTION compare(a text, b text) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    INSERT INTO others.paths VALUES (pg_catalog.current_setting('search_path'));
    RETURN pg_catalog.bttextcmp(a, b);
END $$;
ALTER FUNCTION compare VOLATILE;
CREATE OPERATOR CLASS others.by_compare FOR TYPE text USING btree AS
    OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 compare(text, text);
CREATE INDEX ON customer_history (author others.by_compare);
INSERT INTO customers (id, name) VALUES (1, 'n'), (2, 'n');
SET search_path = others, public, pg_temp;
TRUNCATE paths;
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'a', NULL, 'ana');
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'b', NULL, 'ben');
UPDATE customers SET status = 'c';
UPDATE customers SET status = 'd';
SELECT DISTINCT path FROM paths;
DROP SCHEMA written, others CASCADE;
