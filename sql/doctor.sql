-- crm_doctor: each fault of an installation is found, where it is made.
SET client_min_messages = warning;
-- The other tests' tables are not looked at here: each fault is shown by what it adds.
CREATE SCHEMA doctor;
SET search_path = doctor, public;
CREATE FUNCTION findings() RETURNS TABLE (check_name text, status text, finding text, hint text)
LANGUAGE sql AS $$ SELECT * FROM crm_doctor() d WHERE d.status <> 'ok' AND (d.finding LIKE '%doctor%' OR d.check_name IN ('settings', 'session_replication_role', 'library_version')
    AND d.finding NOT LIKE 'fsync%' AND d.finding NOT LIKE 'full_page_writes%' AND d.finding NOT LIKE 'synchronous_commit%') $$;
SELECT check_name FROM crm_doctor() WHERE check_name <> 'settings' GROUP BY check_name ORDER BY check_name;
SELECT crm_create_tables();
INSERT INTO customers (id) VALUES (1);
SELECT * FROM findings();
SELECT check_name, finding FROM crm_doctor() WHERE status = 'ok' AND check_name IN ('library_version', 'clock', 'other_triggers') AND hint IS NULL;

-- Makes a fault, shows what is found, and takes it back.
CREATE FUNCTION fault(statement text) RETURNS TABLE (check_name text, status text, finding text, hint text)
LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        EXECUTE statement;
        RETURN QUERY SELECT * FROM findings();
        RAISE EXCEPTION USING ERRCODE = 'ZZ000';
    EXCEPTION WHEN SQLSTATE 'ZZ000' THEN NULL;
    END;
END $$;
SELECT * FROM fault('DROP TRIGGER crm_history ON customers');
SELECT * FROM fault('DROP TRIGGER crm_history_end ON customers');
SELECT * FROM fault('DROP TRIGGER zz_crm_guard ON comments');
SELECT * FROM fault('ALTER TABLE customers DISABLE TRIGGER zz_crm_version');
SELECT * FROM fault('ALTER TABLE comments ENABLE REPLICA TRIGGER crm_version');
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
SELECT * FROM fault('CREATE TRIGGER zzz BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION nothing()');
SELECT * FROM fault('CREATE TRIGGER zzz BEFORE INSERT ON comments FOR EACH ROW EXECUTE FUNCTION nothing()');
SELECT count(*) FROM fault('CREATE TRIGGER zzz AFTER UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION nothing(); CREATE TRIGGER aaa BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION nothing()');
-- a trigger of others that its owner has disabled, or means for a replica, whatever schema its function is in
SELECT count(*) FROM fault('CREATE FUNCTION public.nothing() RETURNS trigger LANGUAGE plpgsql AS ''BEGIN RETURN NEW; END'';
    CREATE TRIGGER aaa AFTER UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION public.nothing(); ALTER TABLE customers ENABLE REPLICA TRIGGER aaa');
SELECT * FROM fault('SET LOCAL session_replication_role = replica');
SELECT * FROM fault('CREATE INDEX by_status ON customers (status); CREATE INDEX by_name ON customers (name, updated_at)');
SELECT * FROM fault('CREATE INDEX by_expression ON customers (lower(status)); CREATE INDEX by_condition ON customers (name) WHERE status = ''new''');
SELECT * FROM fault('ALTER TABLE customers RESET (fillfactor)');
CREATE ROLE regress_crm_doctor;
SELECT * FROM fault('ALTER TABLE comments OWNER TO regress_crm_doctor');
SELECT * FROM fault('GRANT UPDATE (status) ON customers TO regress_crm_doctor');
SELECT count(*) FROM fault('GRANT UPDATE (status) ON customers TO regress_crm_doctor; GRANT INSERT (customer_id, author, body) ON comments TO regress_crm_doctor');
SELECT * FROM fault('ALTER TABLE customer_history SET UNLOGGED');
SELECT * FROM fault('ALTER TABLE comments DROP CONSTRAINT comments_customer_id_fkey; ALTER TABLE customer_locks DROP CONSTRAINT customer_locks_customer_id_fkey');
SELECT * FROM fault('ALTER TABLE comments DISABLE TRIGGER ALL; ALTER TABLE comments ENABLE TRIGGER USER');
SELECT * FROM fault('ALTER TABLE comments DROP CONSTRAINT comments_customer_id_fkey; ALTER TABLE comments ADD FOREIGN KEY (customer_id) REFERENCES customers NOT VALID');
SELECT * FROM fault('ALTER TABLE comments DROP CONSTRAINT comments_customer_id_fkey; ALTER TABLE comments ADD COLUMN merged_into bigint REFERENCES customers');
SELECT * FROM fault('CREATE CONSTRAINT TRIGGER later AFTER UPDATE ON comments DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION nothing()');
SELECT * FROM fault('ALTER TABLE comments ALTER CONSTRAINT comments_customer_id_fkey DEFERRABLE INITIALLY DEFERRED');
SELECT * FROM fault('ALTER TABLE customer_history ENABLE ROW LEVEL SECURITY');
SELECT * FROM fault('SET LOCAL crm_concurrency.allow_truncate = on');
SELECT * FROM fault('SET LOCAL crm_concurrency.refused_comment_window = 0');
SELECT * FROM fault($$UPDATE customer_history SET version = clock_timestamp() + interval '2 minutes'$$);
SELECT * FROM fault('CREATE TABLE archive () INHERITS (customers)');
SELECT * FROM fault('CREATE TABLE people (LIKE customers); ALTER TABLE customers INHERIT people');
SELECT * FROM fault('ALTER TABLE customers ALTER id DROP IDENTITY; CREATE TABLE everybody (LIKE customers) PARTITION BY RANGE (id); ALTER TABLE everybody ATTACH PARTITION customers DEFAULT');
SELECT * FROM fault('CREATE CONSTRAINT TRIGGER later AFTER UPDATE ON customers DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION nothing()');
SELECT * FROM fault('ALTER TABLE customers ALTER updated_at DROP DEFAULT; ALTER TABLE comments ALTER created_at DROP DEFAULT');
-- each hint puts it right as it stands
CREATE FUNCTION mended(statement text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    hint text;
    left_over bigint;
BEGIN
    BEGIN
        EXECUTE statement;
        FOR hint IN SELECT f.hint FROM findings() f LOOP
            EXECUTE hint;
        END LOOP;
        left_over := (SELECT count(*) FROM findings());
        RAISE EXCEPTION USING ERRCODE = 'ZZ000';
    EXCEPTION WHEN SQLSTATE 'ZZ000' THEN NULL;
    END;
    RETURN left_over;
END $$;
CREATE TABLE deals (id int PRIMARY KEY, stage text, notes text, city text, country text, lock_version int DEFAULT 0, updated_at timestamptz NOT NULL DEFAULT now()) WITH (fillfactor = 80);
SELECT crm_attach('deals', 'stage', comments_column => 'notes', plain_updates => 'refuse', merge_groups => '[["city", "country"]]', also_bump => '{lock_version}');
SELECT * FROM fault('ALTER TABLE deals RENAME city TO town; ALTER TABLE deals RENAME notes TO remarks; ALTER TABLE deals RENAME lock_version TO revision');
SELECT * FROM fault('DROP TRIGGER crm_key ON deals');
SELECT * FROM fault('ALTER TABLE deals DROP COLUMN stage');
SELECT statement, mended FROM (VALUES
    ('CREATE TABLE archive () INHERITS (customers)'),
    ('CREATE TABLE people (LIKE customers); ALTER TABLE customers INHERIT people'),
    ('ALTER TABLE customers ALTER id DROP IDENTITY; CREATE TABLE everybody (LIKE customers) PARTITION BY RANGE (id); ALTER TABLE everybody ATTACH PARTITION customers DEFAULT'),
    ('CREATE CONSTRAINT TRIGGER later AFTER UPDATE ON customers DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION nothing()'),
    ('CREATE CONSTRAINT TRIGGER later AFTER INSERT ON customer_history DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION nothing()'),
    ('ALTER TABLE customers ALTER updated_at DROP DEFAULT; ALTER TABLE comments ALTER created_at DROP DEFAULT'),
    ('DROP TRIGGER crm_history_end ON customers'),
    ('DROP TRIGGER crm_history ON customers'),
    ('DROP TRIGGER crm_key ON customers'),
    ('DROP TRIGGER zz_crm_guard ON comments; DROP TRIGGER crm_deleted ON comments'),
    ('DROP TRIGGER crm_key ON deals; DROP TRIGGER zz_crm_version ON deals'),
    ('DROP STATISTICS customers_crm_columns'),
    ('ALTER TABLE customers DISABLE TRIGGER zz_crm_version'),
    ('ALTER TABLE comments ENABLE REPLICA TRIGGER crm_version'),
    ('CREATE TRIGGER zzz BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION nothing()'),
    ('CREATE INDEX by_status ON customers (status); CREATE INDEX by_name ON customers (name, updated_at)'),
    ('ALTER TABLE customers ADD UNIQUE (id, status)'),
    ('ALTER TABLE customers RESET (fillfactor)'),
    ('ALTER TABLE comments OWNER TO regress_crm_doctor'),
    ('GRANT UPDATE (status) ON customers TO regress_crm_doctor; GRANT INSERT ON comments TO regress_crm_doctor'),
    ('GRANT UPDATE (status) ON customers TO regress_crm_doctor'),
    ('ALTER TABLE customer_history SET UNLOGGED'),
    ('ALTER TABLE comments DROP CONSTRAINT comments_customer_id_fkey; ALTER TABLE customer_locks DROP CONSTRAINT customer_locks_customer_id_fkey'),
    ('ALTER TABLE comments DISABLE TRIGGER ALL; ALTER TABLE comments ENABLE TRIGGER USER'),
    ('ALTER TABLE customers DISABLE TRIGGER ALL; ALTER TABLE customers ENABLE TRIGGER USER'),
    ('ALTER TABLE comments DROP CONSTRAINT comments_customer_id_fkey; ALTER TABLE comments ADD FOREIGN KEY (customer_id) REFERENCES customers NOT VALID'),
    ('ALTER TABLE comments DROP CONSTRAINT comments_customer_id_fkey; ALTER TABLE comments ADD COLUMN merged_into bigint REFERENCES customers'),
    ('ALTER TABLE comments ALTER CONSTRAINT comments_customer_id_fkey DEFERRABLE INITIALLY DEFERRED'),
    ('ALTER TABLE customer_history ENABLE ROW LEVEL SECURITY'),
    ('ALTER TABLE customers ENABLE ROW LEVEL SECURITY'),
    ('DROP TABLE customer_locks'),
    ('DROP TABLE customer_deletions, comment_edits'),
    ('SET LOCAL session_replication_role = replica'),
    ('SET LOCAL crm_concurrency.allow_truncate = on'),
    ('SET LOCAL crm_concurrency.refused_comment_window = 0'),
    ('ALTER TABLE deals RENAME city TO town'),
    ('ALTER TABLE deals RENAME notes TO remarks'),
    ('ALTER TABLE deals RENAME lock_version TO revision'),
    ('ALTER TABLE deals ADD COLUMN row_version bigint'),
    ('CREATE SCHEMA doctor_2; CREATE TABLE doctor_2.others (id int PRIMARY KEY, status text); ALTER TABLE doctor_2.others SET (fillfactor = 80);
      SELECT crm_attach(''doctor_2.others''); ALTER TABLE doctor_2.others SET SCHEMA doctor')) s (statement), mended(statement);
-- and leaves what was attached as it was
BEGIN;
DROP TRIGGER crm_history ON deals;
SELECT hint FROM findings() \gexec
SELECT comments_column, plain_updates, merge_groups, also_bump FROM crm_attached_tables WHERE customers = 'deals'::regclass;
ROLLBACK;
DROP TABLE deals CASCADE;
SELECT finding ~ 'an attached table was dropped: OID \d+' AS found FROM crm_doctor() WHERE finding LIKE '%dropped%';
-- what is left of it is in the way of a new table of its name
BEGIN;
CREATE SCHEMA doctor_dropped;
SET LOCAL client_min_messages = warning;
CREATE TABLE doctor_dropped.customers (id int PRIMARY KEY, status text);
SELECT crm_attach('doctor_dropped.customers');
DROP TABLE doctor_dropped.customers CASCADE;
CREATE TABLE doctor_dropped.customers (id int PRIMARY KEY, status text);
SAVEPOINT refused;
SELECT crm_attach('doctor_dropped.customers');
ROLLBACK TO refused;
SELECT hint FROM crm_doctor() WHERE finding ~ 'an attached table was dropped: OID \d+' AND hint ~ 'doctor_dropped' \gexec
SELECT crm_attach('doctor_dropped.customers');
SELECT count(*) FROM crm_doctor() WHERE finding LIKE 'an attached table was dropped%';
ROLLBACK;
SELECT * FROM fault('DROP TABLE customer_locks');
SELECT * FROM fault('CREATE SCHEMA doctor_2; CREATE TABLE doctor_2.others (id int PRIMARY KEY, status text); ALTER TABLE doctor_2.others SET (fillfactor = 80);
    SELECT crm_attach(''doctor_2.others''); ALTER TABLE doctor_2.others SET SCHEMA doctor');
SELECT * FROM fault('CREATE SCHEMA doctor_2; CREATE TABLE doctor_2.others (id int PRIMARY KEY, status text, notes text) WITH (fillfactor = 80);
    SELECT crm_attach(''doctor_2.others'', comments_column => ''notes''); ALTER TABLE doctor_2.others RENAME COLUMN notes TO remarks');
-- anybody may ask
GRANT USAGE ON SCHEMA doctor TO regress_crm_doctor;
SET ROLE regress_crm_doctor;
SELECT count(DISTINCT check_name) FROM crm_doctor();
RESET ROLE;
-- also who may read the history, but not use its schema
REVOKE USAGE ON SCHEMA doctor FROM regress_crm_doctor;
GRANT SELECT ON customer_history TO regress_crm_doctor;
SET ROLE regress_crm_doctor;
SELECT count(DISTINCT check_name) FROM crm_doctor();
RESET ROLE;
-- a table whose drop is rolled back is attached as before
BEGIN;
DROP TABLE customers CASCADE;
SELECT count(DISTINCT check_name) FROM crm_doctor();
ROLLBACK;
SELECT outcome FROM crm_update_customer(1, (SELECT updated_at FROM customers), 'won', NULL, 'ana');
UPDATE customers SET status = 'open';
DROP SCHEMA doctor CASCADE;
DROP ROLE regress_crm_doctor;
