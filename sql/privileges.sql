-- Whoever saves needs rights on the customers and comments, and none on the history.
SET client_min_messages = warning;
CREATE SCHEMA privileges;
SET search_path = privileges, public;
SELECT crm_create_tables();
INSERT INTO customers (id, name, phone) VALUES (1, 'Acme', 'secret'), (2, 'Bolt', 'secret'), (3, 'Coil', 'secret');
CREATE ROLE regress_crm_user;
CREATE FUNCTION save(status text DEFAULT NULL, comment text DEFAULT NULL) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
AS $$ BEGIN RETURN format('SELECT crm_update_customer(1, %L, %L, %L, %L)', regress.current(1), status, comment, 'ana'); END $$;
CREATE FUNCTION stale(status text DEFAULT NULL, comment text DEFAULT NULL) RETURNS text LANGUAGE plpgsql
AS $$ BEGIN RETURN format('SELECT crm_update_customer(1, %L, %L, %L, %L)', '2001-01-01', status, comment, 'ana'); END $$;

-- without USAGE on the schema there is no table to be found
SET ROLE regress_crm_user;
SELECT state, message FROM regress.error($$SELECT crm_update_customer(1, '2001-01-01', 'x', NULL, 'ana')$$);
RESET ROLE;
GRANT USAGE ON SCHEMA privileges TO regress_crm_user;

-- the rights, one by one: none
SET ROLE regress_crm_user;
SELECT regress.state(save('a')), regress.state(stale('a'));
-- SELECT on some of the three columns
RESET ROLE; GRANT SELECT (id, status) ON customers TO regress_crm_user; SET ROLE regress_crm_user;
SELECT regress.state(save('a')), regress.state(stale('a'));
-- SELECT on all three: read, but not write
RESET ROLE; GRANT SELECT (updated_at) ON customers TO regress_crm_user; SET ROLE regress_crm_user;
SELECT regress.state(save()) AS unchanged, regress.state(save('a')), regress.state(save(NULL, 'words')), regress.state(stale('a', 'words'));
-- UPDATE on the wrong column, then on the status
RESET ROLE; GRANT UPDATE (phone) ON customers TO regress_crm_user; SET ROLE regress_crm_user;
SELECT regress.state(save('a'));
RESET ROLE; REVOKE UPDATE (phone) ON customers FROM regress_crm_user; GRANT UPDATE (status) ON customers TO regress_crm_user; SET ROLE regress_crm_user;
SELECT regress.state(save('a')), regress.state(save(NULL, 'words')), regress.state(save('b', 'words')), regress.state(stale('a', 'words'));
SELECT s.outcome, s.status FROM crm_update_customer(1, '2001-01-01', 'mine', NULL, 'ana') s;
-- INSERT on the comments
RESET ROLE; GRANT INSERT (customer_id, author, body) ON comments TO regress_crm_user; SET ROLE regress_crm_user;
SELECT regress.state(save('c', 'words')), regress.state(save(NULL, 'more words')), regress.state(stale('a', 'kept words'));
-- in a schema that may not be used
RESET ROLE; CREATE SCHEMA privileges_elsewhere; ALTER TABLE comments SET SCHEMA privileges_elsewhere; SET ROLE regress_crm_user;
SELECT * FROM regress.error(save('c', 'elsewhere'));
SELECT regress.state(stale('a', 'elsewhere')), regress.state($$SELECT crm_add_comment(1, 'elsewhere', 'ana')$$);
RESET ROLE; ALTER TABLE privileges_elsewhere.comments SET SCHEMA privileges; SET ROLE regress_crm_user;
-- the kept comment is adopted without any right to update it
SELECT regress.state(save('d', 'kept words'));
RESET ROLE;
SELECT body, save_refused, adopted_version IS NOT NULL AS adopted FROM comments ORDER BY id;
SELECT n, author, status_to, comment_id IS NOT NULL AS has_comment FROM regress.history(1);

-- what a refusal shows: the columns that may be read, no changes, no comments
SET ROLE regress_crm_user;
SELECT outcome, status, message, detail - 'current', (detail->'current') - 'updated_at' AS current
FROM crm_update_customer(1, '2001-01-01', 'mine', NULL, 'ana');
-- nor who superseded a save that was applied
RESET ROLE;
SELECT regress.version(1, 1) AS v1 \gset
SELECT updated_at AS v5 FROM customers WHERE id = 1 \gset
SET ROLE regress_crm_user;
SELECT outcome FROM crm_update_customer(1, :'v5', 'e', NULL, 'ana');
RESET ROLE; UPDATE customers SET name = 'Acme Inc.' WHERE id = 1; SET ROLE regress_crm_user;
SELECT outcome, detail - 'version' AS detail FROM crm_update_customer(1, :'v5', 'e', NULL, 'ana');
-- with SELECT on the comments, on the history, on all columns
RESET ROLE; GRANT SELECT ON comments TO regress_crm_user; SET ROLE regress_crm_user;
SELECT jsonb_object_agg(key, CASE WHEN key LIKE '%total' THEN value END) AS keys FROM crm_update_customer(1, :'v1', 'mine', NULL, 'ana') s, jsonb_each(s.detail);
RESET ROLE; REVOKE SELECT ON comments FROM regress_crm_user; GRANT SELECT ON customer_history TO regress_crm_user; SET ROLE regress_crm_user;
SELECT jsonb_object_agg(key, CASE WHEN key LIKE '%total' THEN value END) AS keys FROM crm_update_customer(1, :'v1', 'mine', NULL, 'ana') s, jsonb_each(s.detail);
RESET ROLE; GRANT SELECT ON customers, comments TO regress_crm_user; SET ROLE regress_crm_user;
SELECT jsonb_object_agg(key, CASE WHEN key LIKE '%total' THEN value END) AS keys,
       (SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys((array_agg(s.detail))[1]->'current') k) AS columns
FROM crm_update_customer(1, :'v1', 'mine', NULL, 'ana') s, jsonb_each(s.detail);

-- the history is written by nobody else
SELECT regress.state($$INSERT INTO customer_history (customer_id, version, recorded_at, operation, db_user) VALUES (9, now(), now(), 'insert', 'me')$$),
       regress.state($$UPDATE customer_history SET author = 'me'$$), regress.state($$DELETE FROM customer_history$$),
       regress.state($$TRUNCATE customer_history$$);
-- nor the registry
SELECT regress.state($$DELETE FROM public.crm_attached_tables$$), regress.state($$UPDATE public.crm_attached_tables SET plain_updates = 'refuse'$$),
       regress.state($$INSERT INTO public.crm_attached_tables SELECT * FROM public.crm_attached_tables$$);
-- plain writes need the plain rights, and no more
RESET ROLE; GRANT INSERT (id, name), DELETE ON customers TO regress_crm_user; SET ROLE regress_crm_user;
INSERT INTO customers (id, name) VALUES (50, 'own');
UPDATE customers SET status = 'own' WHERE id = 50;
DELETE FROM customers WHERE id = 50;
SELECT n, operation FROM regress.history(50);
-- a versioned INSERT needs the right to update the customer
INSERT INTO comments (customer_id, author, body) VALUES (1, 'ana', 'bare');
SELECT regress.state($$INSERT INTO comments (customer_id, author, body, expected_ts) VALUES (1, 'ana', 'versioned', regress.current(1))$$);
RESET ROLE; GRANT INSERT ON comments TO regress_crm_user; REVOKE UPDATE (status) ON customers FROM regress_crm_user; SET ROLE regress_crm_user;
SELECT regress.state($$INSERT INTO comments (customer_id, author, body, expected_ts) VALUES (1, 'ana', 'versioned', regress.current(1))$$);
RESET ROLE; GRANT UPDATE (status) ON customers TO regress_crm_user; SET ROLE regress_crm_user;
SELECT regress.state($$INSERT INTO comments (customer_id, author, body, expected_ts) VALUES (1, 'ana', 'versioned', regress.current(1))$$);
RESET ROLE;
-- a SECURITY DEFINER function lends its owner's rights
CREATE ROLE regress_crm_guest;
GRANT USAGE ON SCHEMA privileges TO regress_crm_guest;
CREATE FUNCTION save_for_guests(base timestamptz, comment text) RETURNS text LANGUAGE sql SECURITY DEFINER
SET search_path = privileges, public, pg_temp
AS $$ SELECT outcome FROM crm_update_customer(2, base, 'by a guest', comment, 'guest') $$;
SET ROLE regress_crm_guest;
SELECT save_for_guests('2001-01-01', 'kept');
SELECT regress.state($$SELECT crm_update_customer(2, '2001-01-01', 'x', NULL, 'guest')$$);
RESET ROLE;
SELECT save_for_guests(updated_at, 'kept') FROM customers WHERE id = 2;
-- without EXECUTE
REVOKE EXECUTE ON FUNCTION crm_update_customer FROM PUBLIC;
SET ROLE regress_crm_user;
SELECT regress.state(save('f'));
RESET ROLE;
GRANT EXECUTE ON FUNCTION crm_update_customer TO PUBLIC;

-- ordinary users make tables where they may
CREATE SCHEMA privileges_own AUTHORIZATION regress_crm_user;
SET ROLE regress_crm_user;
SELECT state, message FROM regress.error($$SELECT crm_create_tables('privileges')$$);
SELECT crm_create_tables('privileges_own');
INSERT INTO privileges_own.customers (id) VALUES (1);
SET search_path = privileges_own, public;
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'mine', 'words', 'ana');
SET search_path = privileges, public;
RESET ROLE;
SELECT relname, relowner::regrole FROM pg_class WHERE relnamespace = 'privileges_own'::regnamespace AND relkind = 'r' ORDER BY relname;
-- the owner of the history need not be the owner of the customers
GRANT USAGE ON SCHEMA privileges_own TO regress_crm_guest;
ALTER TABLE privileges_own.customer_history OWNER TO regress_crm_guest;
SET ROLE regress_crm_user;
SET search_path = privileges_own, public;
SELECT regress.state('SELECT * FROM customer_history');
SELECT outcome FROM crm_update_customer(1, (SELECT updated_at FROM customers), 'mine still', 'more words', 'ana');
RESET ROLE;
SELECT * FROM regress.violations();
SET search_path = privileges, public;

-- row security: everyone sees their own
ALTER TABLE customers ADD tenant text NOT NULL DEFAULT 'none';
UPDATE customers SET tenant = CASE id WHEN 1 THEN 'regress_crm_user' ELSE 'other' END;
ALTER TABLE customers ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON customers USING (tenant = current_user);
SELECT updated_at AS base1 FROM customers WHERE id = 1 \gset
SELECT updated_at AS base2 FROM customers WHERE id = 2 \gset
INSERT INTO customers (id, tenant) VALUES (60, 'other');
DELETE FROM customers WHERE id = 60;
SET ROLE regress_crm_user;
SELECT outcome FROM crm_update_customer(1, :'base1', 'own', 'own words', 'ana');
SELECT outcome FROM crm_update_customer(1, :'base1', 'own', 'own words', 'ana');
SELECT outcome, comment_id IS NOT NULL AS kept FROM crm_update_customer(1, :'base1', 'own too', 'own refused words', 'ana');
SELECT outcome, http_status, message, detail FROM crm_update_customer(2, :'base2', 'stolen', 'words', 'ana');
SELECT outcome, http_status, message, detail FROM crm_update_customer(2, '2001-01-01', 'stolen', 'words', 'ana');
-- never deleted: that one was there
SELECT outcome, http_status, message, detail FROM crm_update_customer(60, '2001-01-01', 'x', NULL, 'ana');
SELECT outcome, http_status, message, detail FROM crm_update_customer(61, '2001-01-01', 'x', NULL, 'ana');
RESET ROLE;
SELECT id, status FROM customers WHERE id IN (1, 2) ORDER BY id;
SELECT count(*) FROM comments WHERE customer_id = 2 AND author = 'ana';
-- the owner, not under row security, is told
SELECT outcome FROM crm_update_customer(60, '2001-01-01', 'x', NULL, 'ana');
-- plans follow the role, within one session
SET ROLE regress_crm_guest;
SELECT regress.state($$SELECT crm_update_customer(1, '2001-01-01', 'x', NULL, 'ana')$$);
SET ROLE regress_crm_user;
SELECT outcome FROM crm_update_customer(1, '2001-01-01', 'x', NULL, 'ana');
RESET ROLE;
-- with row_security off, who may not read is told that, and who may is told of the policies
CREATE FUNCTION told() RETURNS TABLE (call text, state text, message text) LANGUAGE sql AS $$
    SELECT split_part(c.call, '(', 1), e.state, e.message
    FROM unnest(ARRAY['SELECT crm_update_customer(1, now(), ''x'', NULL, ''ana'')', 'SELECT crm_lock_customer(1, ''ana'')',
                      'SELECT crm_unlock_customer(1, gen_random_uuid())',
                      'INSERT INTO comments (customer_id, author, body, expected_ts) VALUES (1, ''ana'', ''words'', now())']) c (call), regress.error(c.call) e $$;
CREATE ROLE regress_crm_reader;
GRANT USAGE ON SCHEMA privileges TO regress_crm_reader;
GRANT INSERT ON comments TO regress_crm_reader;
GRANT UPDATE (status), SELECT (id, updated_at) ON customers TO regress_crm_reader;
SET ROLE regress_crm_reader;
SET row_security = off;
SELECT * FROM told();
RESET ROLE; GRANT SELECT (status) ON customers TO regress_crm_reader; SET ROLE regress_crm_reader;
SELECT * FROM told();
RESET row_security;
RESET ROLE;
REVOKE ALL ON SCHEMA privileges FROM regress_crm_reader; REVOKE ALL ON customers, comments FROM regress_crm_reader;
DROP ROLE regress_crm_reader;
-- visible, but not to be changed: an error, whatever the base
DROP POLICY own ON customers;
CREATE POLICY see ON customers FOR SELECT USING (true);
CREATE POLICY change ON customers FOR UPDATE USING (tenant = current_user);
SET ROLE regress_crm_user;
SET statement_timeout = '10s';
SELECT * FROM regress.error(format($$SELECT crm_update_customer(2, %L, 'stolen', NULL, 'ana')$$, :'base2'));
SELECT regress.state(format($$SELECT crm_update_customer(2, %L, 'stolen', 'words', 'ana')$$, :'base2'));
SELECT regress.state($$SELECT crm_update_customer(2, '2001-01-01', 'stolen', 'words', 'ana')$$);
RESET statement_timeout;
-- a versioned comment is checked, or refused: it never slips by a customer that may not be seen or changed
SELECT regress.state(format($$INSERT INTO comments (customer_id, author, body, expected_ts) VALUES (2, 'ana', 'slipped by', %L)$$, :'base2'));
SELECT regress.state($$INSERT INTO comments (customer_id, author, body, expected_ts) VALUES (2, 'ana', 'slipped by', '2001-01-01')$$);
RESET ROLE; DROP POLICY see ON customers; CREATE POLICY see ON customers FOR SELECT USING (tenant = current_user); SET ROLE regress_crm_user;
SELECT * FROM regress.error($$INSERT INTO comments (customer_id, author, body, expected_ts) VALUES (2, 'ana', 'slipped by', '2001-01-01')$$);
SELECT regress.state(format($$INSERT INTO comments (customer_id, author, body, expected_ts) VALUES (2, 'ana', 'slipped by', %L)$$, :'base2')) <> '00000' AS refused;
RESET ROLE; DROP POLICY see ON customers; CREATE POLICY see ON customers FOR SELECT USING (true); SET ROLE regress_crm_user;
RESET ROLE;
SELECT count(*) FROM comments WHERE customer_id = 2 AND author = 'ana';
-- a policy on the new row
DROP POLICY change ON customers;
CREATE POLICY change ON customers FOR UPDATE USING (true) WITH CHECK (status <> 'forbidden');
SET ROLE regress_crm_user;
SELECT regress.state(format($$SELECT crm_update_customer(1, %L, 'forbidden', 'words', 'ana')$$, regress.current(1)));
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'allowed', NULL, 'ana');
RESET ROLE;
-- a policy on comments: the kept one is found again, although its author does not see it
ALTER TABLE comments ENABLE ROW LEVEL SECURITY;
CREATE POLICY add ON comments FOR INSERT WITH CHECK (body <> 'forbidden');
SET ROLE regress_crm_user;
SELECT regress.state($$SELECT crm_update_customer(1, '2001-01-01', 'x', 'forbidden', 'ana')$$);
SELECT comment_id AS kept, jsonb_array_length(detail->'comments') AS listed FROM crm_update_customer(1, '2001-01-01', 'x', 'hidden words', 'ana') \gset
SELECT :listed AS listed;
SELECT comment_id = :kept AS same FROM crm_update_customer(1, '2001-01-01', 'x', 'hidden words', 'ana');
SELECT outcome, comment_id = :kept AS same FROM crm_update_customer(1, regress.current(1), 'x', 'hidden words', 'ana');
-- with policies on both tables, a versioned comment does not tell whether a hidden customer is there
RESET ROLE; DROP POLICY see ON customers; CREATE POLICY see ON customers FOR SELECT USING (tenant = current_user); SET ROLE regress_crm_user;
SELECT body, e.state, replace(e.message, id::text, 'N') AS message, count(*)
FROM unnest(ARRAY[2, 99]) id, unnest(ARRAY['words', 'forbidden']) body,
     regress.error(format($$INSERT INTO comments (customer_id, author, body, expected_ts) VALUES (%s, 'ana', %L, now())$$, id, body)) e
GROUP BY 1, 2, 3 ORDER BY 1;
RESET ROLE; DROP POLICY see ON customers; CREATE POLICY see ON customers FOR SELECT USING (true);
-- row security that is forced on the owner does not stop the history or the adoption
ALTER TABLE customer_history ENABLE ROW LEVEL SECURITY; ALTER TABLE customer_history FORCE ROW LEVEL SECURITY;
ALTER TABLE comments FORCE ROW LEVEL SECURITY;
SET ROLE regress_crm_user;
-- nor does row security on the history show what it hides: changes, and who superseded
SELECT outcome, detail->'changes' AS changes, detail->'conflicts'->0->'was' AS was
FROM crm_update_customer(1, :'base1', 'x2', NULL, 'ana');
SELECT outcome, detail ? 'superseded_by' AS superseded_by FROM crm_update_customer(1, :'base1', 'own', 'own words', 'ana');
SELECT outcome FROM crm_update_customer(1, regress.current(1), 'after', NULL, 'ana');
RESET ROLE;
SELECT count(*) FROM comments WHERE customer_id = 1 AND body = 'hidden words';
SELECT * FROM regress.violations();

-- attacks by the search_path: look-alikes of operators, functions, types and tables
CREATE SCHEMA privileges_attack;
CREATE FUNCTION privileges_attack.alarm() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'the attack succeeded'; END $$;
CREATE FUNCTION privileges_attack.eq(bigint, bigint) RETURNS boolean LANGUAGE sql AS 'SELECT privileges_attack.alarm()';
CREATE FUNCTION privileges_attack.eq(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT privileges_attack.alarm()';
CREATE FUNCTION privileges_attack.eq(timestamptz, timestamptz) RETURNS boolean LANGUAGE sql AS 'SELECT privileges_attack.alarm()';
CREATE FUNCTION privileges_attack.eq(uuid, uuid) RETURNS boolean LANGUAGE sql AS 'SELECT privileges_attack.alarm()';
DO $$ DECLARE t text; op text; BEGIN
    FOREACH t IN ARRAY ARRAY['bigint', 'text', 'timestamptz', 'uuid'] LOOP
        FOREACH op IN ARRAY ARRAY['=', '<>', '<', '>', '<=', '>='] LOOP
            EXECUTE format('CREATE OPERATOR privileges_attack.%s (LEFTARG = %s, RIGHTARG = %2$s, FUNCTION = privileges_attack.eq)', op, t);
        END LOOP;
    END LOOP;
END $$;
CREATE FUNCTION privileges_attack.to_jsonb(anyelement) RETURNS jsonb LANGUAGE sql AS 'SELECT privileges_attack.alarm()::text::jsonb';
CREATE FUNCTION privileges_attack.hashtextextended(text, bigint) RETURNS bigint LANGUAGE sql AS 'SELECT privileges_attack.alarm()::int::bigint';
CREATE FUNCTION privileges_attack.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT NULL::timestamptz WHERE privileges_attack.alarm()';
CREATE TABLE privileges_attack.crm_attached_tables (LIKE public.crm_attached_tables);
CREATE TABLE privileges_attack.customer_history (x int);
CREATE DOMAIN privileges_attack.text AS pg_catalog.text CHECK (privileges_attack.alarm());
CREATE DOMAIN privileges_attack.name AS pg_catalog.name CHECK (privileges_attack.alarm());
CREATE DOMAIN privileges_attack.uuid AS pg_catalog.uuid CHECK (privileges_attack.alarm());
CREATE DOMAIN privileges_attack.jsonb AS pg_catalog.jsonb CHECK (privileges_attack.alarm());
CREATE DOMAIN privileges_attack.timestamptz AS pg_catalog.timestamptz CHECK (privileges_attack.alarm());
ALTER TABLE comments NO FORCE ROW LEVEL SECURITY; ALTER TABLE comments DISABLE ROW LEVEL SECURITY;
SELECT updated_at AS base3 FROM customers WHERE id = 3 \gset
SET search_path = privileges_attack, privileges, pg_catalog, public;
SELECT outcome FROM public.crm_update_customer(3, :'base3', 'safe', 'words', 'ana');
SELECT outcome FROM public.crm_update_customer(3, :'base3', 'safe', 'words', 'ana');
SELECT outcome FROM public.crm_update_customer(3, :'base3', 'other', 'kept words', 'ana');
SELECT outcome FROM public.crm_update_customer(99, :'base3', 'other', 'kept words', 'ana');
UPDATE customers SET status = 'plainly' WHERE id OPERATOR(pg_catalog.=) 3;
INSERT INTO comments (customer_id, author, body) VALUES (3, 'ana', 'bare');
-- tables made under such a search_path are the same as ever
CREATE SCHEMA privileges_attacked;
SELECT public.crm_create_tables('privileges_attacked');
SET search_path = privileges, public;
SELECT outcome FROM crm_update_customer(3, regress.current(3), 'fine', 'kept words', 'ana');
SELECT count(*) FROM pg_catalog.pg_depend
WHERE refobjid IN (SELECT oid FROM pg_type WHERE typnamespace = 'privileges_attack'::regnamespace
                   UNION ALL SELECT oid FROM pg_operator WHERE oprnamespace = 'privileges_attack'::regnamespace)
  AND (classid, objid) IN (SELECT 'pg_class'::regclass, oid FROM pg_class WHERE relnamespace = 'privileges_attacked'::regnamespace
                           UNION ALL SELECT 'pg_constraint'::regclass, oid FROM pg_constraint WHERE connamespace = 'privileges_attacked'::regnamespace
                           UNION ALL SELECT 'pg_attrdef'::regclass, d.oid FROM pg_attrdef d JOIN pg_class c ON c.oid = adrelid
                                     WHERE relnamespace = 'privileges_attacked'::regnamespace);
SELECT attrelid::regclass, attname, atttypid::regtype FROM pg_attribute
WHERE attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'privileges_attacked'::regnamespace AND relkind = 'r')
  AND atttypid::regtype::text LIKE 'privileges_attack.%' ORDER BY 1, attnum;
INSERT INTO privileges_attacked.customers (id) VALUES (1);
-- nor do temporary types and relations take the place of others, with which a path begins that does not name pg_temp
SELECT count(*) AS checks FROM crm_doctor() \gset
CREATE DOMAIN pg_temp.text AS pg_catalog.text CHECK (privileges_attack.alarm());
CREATE VIEW pg_temp.pg_trigger AS SELECT privileges_attack.alarm();
SELECT count(*) AS violations FROM crm_verify();
SELECT count(*) = :checks AS same FROM crm_doctor();
DISCARD TEMP;

RESET search_path;
DROP OWNED BY regress_crm_user CASCADE;
ALTER TABLE IF EXISTS privileges_own.customer_history OWNER TO CURRENT_USER;
DROP OWNED BY regress_crm_guest CASCADE;
DROP ROLE regress_crm_user, regress_crm_guest;

-- what runs with the owner's rights does not resolve names through the caller's search_path
RESET ROLE;
CREATE ROLE regress_crm_owner2;
CREATE ROLE regress_crm_caller2;
CREATE SCHEMA owned AUTHORIZATION regress_crm_owner2;
CREATE SCHEMA evil2 AUTHORIZATION regress_crm_caller2;
GRANT USAGE ON SCHEMA regress TO regress_crm_owner2, regress_crm_caller2;
SET ROLE regress_crm_owner2;
SET search_path = owned, public;
SELECT crm_create_tables();
INSERT INTO customers (id) VALUES (1);
CREATE TABLE audit (who name);
CREATE FUNCTION note() RETURNS void LANGUAGE sql AS 'INSERT INTO owned.audit VALUES (current_user)';
CREATE FUNCTION audited() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM note(); RETURN NULL; END $$;
CREATE TRIGGER audited AFTER INSERT ON customer_history FOR EACH ROW EXECUTE FUNCTION audited();
GRANT USAGE ON SCHEMA owned TO regress_crm_caller2;
GRANT SELECT, UPDATE ON customers TO regress_crm_caller2;
RESET ROLE;
SET ROLE regress_crm_caller2;
CREATE FUNCTION evil2.note() RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'stolen rights of %', current_user; END $$;
SET search_path = evil2, owned, public;
UPDATE customers SET phone = '1' WHERE id = 1;
RESET ROLE;
SELECT * FROM owned.audit;
SET client_min_messages = warning;
DROP SCHEMA owned, evil2 CASCADE;
RESET client_min_messages;
REVOKE USAGE ON SCHEMA regress FROM regress_crm_owner2, regress_crm_caller2;
DROP ROLE regress_crm_owner2, regress_crm_caller2;

-- nor does what the owner's constraints call
CREATE ROLE regress_crm_owner3;
CREATE ROLE regress_crm_caller3;
CREATE SCHEMA owned AUTHORIZATION regress_crm_owner3;
CREATE SCHEMA evil3 AUTHORIZATION regress_crm_caller3;
GRANT USAGE ON SCHEMA evil3 TO PUBLIC;
SET ROLE regress_crm_owner3;
SET search_path = owned, public;
SELECT crm_create_tables();
INSERT INTO customers (id) VALUES (1);
CREATE FUNCTION known(text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION is_known(status text) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RETURN known(status); END';
ALTER TABLE customer_history ADD CHECK (owned.is_known(status_to));
GRANT USAGE ON SCHEMA owned TO regress_crm_caller3;
GRANT SELECT, UPDATE ON customers TO regress_crm_caller3;
RESET ROLE;
SET ROLE regress_crm_caller3;
CREATE FUNCTION evil3.known(text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'stolen rights of %', current_user; END $$;
SET search_path = evil3, owned, public;
SELECT outcome FROM crm_update_customer(1, (SELECT updated_at FROM customers WHERE id = 1), 'won', NULL, 'ana');
RESET ROLE;
SET client_min_messages = warning;
DROP SCHEMA owned, evil3 CASCADE;
RESET client_min_messages;
DROP ROLE regress_crm_owner3, regress_crm_caller3;

SET client_min_messages = warning;
-- Each error names what is not granted, and its hint is the GRANT: pasted, one after the other, they are all it takes.
CREATE SCHEMA "privileges of"; CREATE ROLE "regress_crm Nobody";
SET search_path = "privileges of", public;
SELECT crm_create_tables();
INSERT INTO customers (id, name, updated_at) VALUES (1, 'Acme', '2026-01-05 10:00:00.123+00');
INSERT INTO comments (customer_id, author, body) VALUES (1, 'ana', 'words');
CREATE FUNCTION regress.grants(statement text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    e record;
BEGIN
    FOR i IN 1..20 LOOP
        SET LOCAL ROLE "regress_crm Nobody";
        e := regress.error(statement);
        RESET ROLE;
        EXIT WHEN e.state <> '42501' OR e.hint NOT LIKE 'GRANT %;';
        EXECUTE e.hint;
        RETURN NEXT e.message || '. ' || e.detail || ' ' || e.hint;
    END LOOP;
    RETURN NEXT e.state || ': ' || e.message;
END $$;
SELECT call, grants FROM unnest(ARRAY[
    $$SELECT crm_update_customer(1, '2026-01-05 10:00:00.123+00', 'won', 'More words', 'ana', reply_to => 1, fields => '{"name": "Acme Ltd"}')$$,
    $$SELECT crm_update_customer(1, '2026-01-05 10:00:00.123+00', 'lost', 'Refused', 'ben', fields => '{"name": "Acme Inc", "phone": "1"}')$$,
    $$SELECT crm_add_comment(1, 'Bare', 'ana')$$, $$SELECT crm_lock_customer(1, 'ana')$$, $$SELECT crm_get_customer(1)$$,
    $$SELECT crm_get_customer(1, now())$$, $$SELECT crm_timeline(1)$$, $$SELECT crm_export_comments(1)$$, $$SELECT crm_verify(1)$$]) WITH ORDINALITY c (call, n), regress.grants(call)
    WITH ORDINALITY g (grants, m) ORDER BY n, m;
-- the same by statements
REVOKE ALL ON ALL TABLES IN SCHEMA "privileges of" FROM "regress_crm Nobody";
REVOKE ALL (id, name, phone, status, updated_at) ON customers FROM "regress_crm Nobody";
REVOKE ALL (customer_id, id, author, body, created_at, reply_to) ON comments FROM "regress_crm Nobody";
SET crm_concurrency.access_path = spi;
SELECT grants FROM regress.grants($$SELECT crm_update_customer(1, '2026-01-05 10:00:00.123+00', 'lost', 'Refused', 'ben', reply_to => 1, fields => '{"name": "Acme Inc", "phone": "1"}')$$) grants;
RESET crm_concurrency.access_path;
DROP SCHEMA "privileges of" CASCADE;
DROP ROLE "regress_crm Nobody";
DROP FUNCTION regress.grants(text);
