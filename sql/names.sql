-- Names made of what means something in SQL, in a format or in a template: in every position they are names, and nothing else.
SET client_min_messages = warning;
CREATE SCHEMA names;
CREATE TABLE names.nasty (n int GENERATED ALWAYS AS IDENTITY (MINVALUE 0), name name UNIQUE);
INSERT INTO names.nasty (name) VALUES
    ('{'), ('}{'), ('%'), ('$'), ('"'), (''''), ('\'), (';'), ('--'), ('/*'), ('{key}'), ('{customers}'), ('{}'), ('"x{key}"'), ('{history} {'), ('%s%n%1$s'), ('$1'), ('$$'),
    ('" owner to regress_names; alter role regress_names superuser;--'), ('); SELECT 1; --'), ('E''\'''), ('a.b'), ('x.pg_temp'), (' a  b '), (E'tab\tand\nline'),
    ('select'), ('null'), ('Upper'), ('Ünïcode ☃ 𝄞'), (repeat('{', 63)), (repeat('"', 63)), (repeat('é', 31)), (repeat('{key}', 12) || 'é');
SELECT count(*) > 30 AS enough, max(octet_length(name)) FROM names.nasty;
CREATE ROLE regress_names;

-- In choice n each position has another name, and over all choices each position has each name.
CREATE FUNCTION names.choice(n int) RETURNS jsonb
LANGUAGE sql AS $$
    -- A role may have no line feed in its name since PostgreSQL 19.
    SELECT jsonb_object_agg(position, CASE position WHEN 'role' THEN replace(name, E'\n', '\\') ELSE name END)
    FROM unnest(ARRAY['schema', 'table', 'comments', 'history', 'locks', 'key', 'status', 'version', 'field', 'other', 'notes', 'role', 'collation', 'claim', 'value'])
         WITH ORDINALITY p (position, i)
    JOIN names.nasty ON nasty.n = (choice.n + i * 2) % (SELECT count(*) FROM names.nasty) $$;
SELECT count(DISTINCT v) FROM jsonb_each_text(names.choice(0)) c (k, v);

-- A statement with the names of a choice: <key> is the identifier, <'key'> the literal, <table> has its schema.
CREATE FUNCTION names.filled(n int, statement text) RETURNS text
LANGUAGE sql AS $$
    SELECT string_agg(CASE WHEN part[1] = '<table>' THEN format('%I.%I', choice->>'schema', choice->>'table')
                           WHEN part[1] = '<''table''>' THEN quote_literal(format('%I.%I', choice->>'schema', choice->>'table'))
                           WHEN part[1] LIKE '<''%' THEN quote_literal(choice->>trim('<''>' FROM part[1]))
                           WHEN part[1] LIKE '<_%' THEN quote_ident(choice->>trim('<>' FROM part[1]))
                           ELSE part[1] END, '' ORDER BY ord)
    FROM names.choice(n) choice, regexp_matches(statement, '([^<]+|<''?[a-z]+''?>|<)', 'g') WITH ORDINALITY p (part, ord) $$;

CREATE TABLE names.results (ord int GENERATED ALWAYS AS IDENTITY, n int, step text, result text, message text);
CREATE FUNCTION names.step(n int, step text, statement text, is_owner boolean DEFAULT true) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    result text;
    message text;
BEGIN
    BEGIN
        PERFORM set_config('search_path', names.filled(n, '<schema>, public'), true);
        statement := names.filled(n, statement);
        IF is_owner THEN
            EXECUTE names.filled(n, 'SET LOCAL SESSION AUTHORIZATION <role>');
        END IF;
        EXECUTE statement INTO result;
        SET LOCAL SESSION AUTHORIZATION DEFAULT;
    EXCEPTION WHEN OTHERS THEN
        result := SQLSTATE;
        message := SQLERRM;
    END;
    INSERT INTO names.results (n, step, result, message) VALUES (n, step, result, message);
END $$;

CREATE FUNCTION names.use_before(n int) RETURNS void
LANGUAGE plpgsql AS $use$
BEGIN
    EXECUTE names.filled(n, 'CREATE ROLE <role>');
    EXECUTE names.filled(n, 'CREATE SCHEMA <schema> AUTHORIZATION <role>');
    EXECUTE names.filled(n, 'CREATE COLLATION <schema>.<collation> (locale = "C")');
    EXECUTE names.filled(n, 'CREATE TABLE <table> (<key> text COLLATE <schema>.<collation> PRIMARY KEY, <status> text, <field> text, <other> text, <notes> text)');
    EXECUTE names.filled(n, 'ALTER TABLE <table> OWNER TO <role>');
    EXECUTE names.filled(n, 'INSERT INTO <table> (<key>, <status>, <notes>) VALUES (<''value''>, ''new'', ''[1/2/2024, 9:00:00 AM] ana: Old'')');

    PERFORM names.step(n, 'attach', $$SELECT crm_attach(<'table'>, <'status'>, <'version'>, <'comments'>, <'history'>, <'locks'>, <'notes'>) = <'table'>::regclass$$, false);
    PERFORM names.step(n, 'attach again', $$SELECT crm_attach(<'table'>, <'status'>, <'version'>, comments_column => <'notes'>) = <'table'>::regclass$$);
    PERFORM names.step(n, 'other columns', $$SELECT state FROM regress.error('SELECT crm_attach(' || quote_literal(<'table'>) || ')')$$);
    PERFORM names.step(n, 'registry', $$SELECT (comments, history, locks, comments_column) = (to_regclass(quote_ident(<'comments'>)), to_regclass(quote_ident(<'history'>)), to_regclass(quote_ident(<'locks'>)), <'notes'>)
        FROM crm_attached_tables WHERE customers = <'table'>::regclass$$);
END $use$;

CREATE FUNCTION names.use_after(n int) RETURNS void
LANGUAGE plpgsql AS $use$
BEGIN
    PERFORM names.step(n, 'imported column', $$SELECT string_agg(author || ': ' || body, ', ') FROM <comments>$$);
    PERFORM names.step(n, 'save', $$SELECT outcome FROM crm_update_customer_by_key(<'value'>, (SELECT <version> FROM <table>), 'won', <'field'>, NULL, fields => jsonb_build_object(<'field'>, <'status'>))$$);
    PERFORM names.step(n, 'saved', $$SELECT (<status>, <field>) = ('won', <'status'>) FROM <table>$$);
    PERFORM names.step(n, 'history', $$SELECT (author, db_user, fields) = (<'role'>, <'role'>::name, jsonb_build_object(<'field'>, jsonb_build_object('from', NULL, 'to', <'status'>))) FROM <history>$$);
    PERFORM names.step(n, 'comment', $$SELECT (author, body) = (<'role'>, <'field'>) FROM <comments> WHERE author <> 'ana'$$);
    PERFORM names.step(n, 'conflict', $$SELECT format('%s %s %s', outcome, detail->'current'->>(<'key'>) = <'value'>, (SELECT array_agg(c->>'field' ORDER BY c->>'field') = (SELECT array_agg(f ORDER BY f) FROM unnest(ARRAY[<'status'>, <'field'>]) f)
        FROM jsonb_array_elements(detail->'conflicts') c))
        FROM crm_update_customer_by_key(<'value'>, (SELECT previous FROM <history>), 'lost', 'Refused', NULL, fields => jsonb_build_object(<'field'>, 'mine'))$$);
    PERFORM names.step(n, 'merge', $$SELECT outcome FROM crm_update_customer_by_key(<'value'>, (SELECT previous FROM <history>), NULL, NULL, NULL, true, fields => jsonb_build_object(<'other'>, 'mine'))$$);
    PERFORM names.step(n, 'many', $$SELECT outcome FROM crm_update_customers(jsonb_build_array(jsonb_build_object('key', <'value'>, 'expected_ts', (SELECT <version> FROM <table>), 'comment', 'Refused')))$$);
    PERFORM names.step(n, 'versioned comment', $$INSERT INTO <comments> (customer_id, body, expected_ts) SELECT <key>, 'Plain', <version> FROM <table> RETURNING author = <'role'>$$);
    PERFORM names.step(n, 'plain write', $$UPDATE <table> SET <other> = 'plain' RETURNING <other>$$);
    PERFORM names.step(n, 'changed key', $$UPDATE <table> SET <key> = 'other'$$);
    PERFORM names.step(n, 'get', $$SELECT (crm_get_customer_by_key(<'value'>)->'customer') - <'version'> = (SELECT to_jsonb(t) - <'version'> FROM <table> t)$$);
    PERFORM names.step(n, 'get of then', $$SELECT crm_get_customer_by_key(<'value'>, (SELECT min(version) FROM <history>))->'customer'->>(<'field'>) = <'status'>$$);
    PERFORM names.step(n, 'timeline', $$SELECT count(*) || ' ' || count(*) FILTER (WHERE kind = 'comment') FROM crm_timeline_by_key(<'value'>)$$);
    PERFORM names.step(n, 'add comment', $$SELECT crm_add_comment_by_key(<'value'>, <'other'>, NULL) > 0$$);
    PERFORM names.step(n, 'no customer', $$SELECT regress.state('SELECT crm_add_comment_by_key(''none'', ''x'', NULL)')$$);
    PERFORM names.step(n, 'export', $$SELECT count(*) FROM regexp_matches(crm_export_comments_by_key(<'value'>), ' [AP]M\] ', 'g')$$);
    PERFORM names.step(n, 'import', $$SELECT crm_import_comments_by_key(<'value'>, '[1/3/2024, 9:00:00 AM] cem: Older')$$);
    PERFORM names.step(n, 'lock', $$SELECT outcome FROM crm_lock_customer_by_key(<'value'>, NULL)$$);
    PERFORM names.step(n, 'locks', $$SELECT (customers, key, author) = (<'table'>::regclass, <'value'>, <'role'>) FROM crm_locks$$);
    PERFORM names.step(n, 'a setting', $$SELECT set_config('crm_concurrency.author_setting', 'names.claims->>' || <'claim'>, true) || set_config('names.claims', jsonb_build_object(<'claim'>, 'eve')::text, true) <> ''$$, false);
    PERFORM names.step(n, 'locked', $$SELECT outcome FROM crm_update_customer_by_key(<'value'>, (SELECT <version> FROM <table>), 'lost', 'By claim', NULL)$$);
    PERFORM names.step(n, 'by the setting', $$SELECT author FROM <comments> WHERE body = 'By claim'$$);
    PERFORM names.step(n, 'the user again', $$SELECT set_config('crm_concurrency.author_setting', 'session_user', true)$$, false);
    PERFORM names.step(n, 'unlock', $$SELECT crm_unlock_customer_by_key(<'value'>, (SELECT lock_id FROM <locks>))$$);
    PERFORM names.step(n, 'verify', $$SELECT count(*) FROM crm_verify()$$);
    PERFORM names.step(n, 'doctor', $$SELECT string_agg(DISTINCT check_name, ', ') FILTER (WHERE status = 'error' AND check_name <> 'settings') FROM crm_doctor()$$, false);
    PERFORM names.step(n, 'doctor of the owner', $$SELECT string_agg(DISTINCT check_name, ', ') FILTER (WHERE status = 'error' AND check_name <> 'settings') FROM crm_doctor()$$);
    PERFORM names.step(n, 'prune', $$SELECT crm_prune_history('0')$$);
    PERFORM names.step(n, 'erase', $$SELECT (SELECT array_agg(b ORDER BY b) = (SELECT array_agg(f ORDER BY f) FROM unnest(ARRAY[<'field'>, <'other'>, <'notes'>]) f) FROM jsonb_array_elements_text(e->'blanked') b)
        FROM crm_erase_customer_by_key(<'value'>) e$$);
    PERFORM names.step(n, 'delete', $$DELETE FROM <table> RETURNING <key> = <'value'>$$);
    PERFORM names.step(n, 'deleted', $$SELECT outcome FROM crm_update_customer_by_key(<'value'>, '2026-01-01', 'lost', NULL, NULL)$$);
    PERFORM names.step(n, 'refuse plain writes', $$SELECT crm_attach(<'table'>, <'status'>, <'version'>, plain_updates => 'refuse') IS NOT NULL$$);
    PERFORM names.step(n, 'truncate', $$TRUNCATE <table> CASCADE$$);
    -- What there is of each kind: what was made, and nothing else.
    PERFORM names.step(n, 'made', $$SELECT (SELECT string_agg(format('%s %s', relkind, n), ', ' ORDER BY relkind) FROM (SELECT relkind, count(*) AS n FROM pg_class WHERE relnamespace = quote_ident(<'schema'>)::regnamespace GROUP BY 1) c) ||
        (SELECT ', triggers ' || count(*) FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid WHERE relnamespace = quote_ident(<'schema'>)::regnamespace AND NOT tgisinternal) ||
        (SELECT ', of others ' || count(*) FROM pg_class WHERE relnamespace = quote_ident(<'schema'>)::regnamespace AND pg_get_userbyid(relowner) <> <'role'>)$$);
    PERFORM names.step(n, 'detach', $$SELECT crm_detach(<'table'>)$$);
    PERFORM names.step(n, 'no triggers', $$SELECT count(*) FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid WHERE relnamespace = quote_ident(<'schema'>)::regnamespace AND NOT tgisinternal$$);
    PERFORM names.step(n, 'attach with tables named after it', $$SELECT crm_attach(<'table'>, <'status'>, <'version'>) = <'table'>::regclass$$, false);
    PERFORM names.step(n, 'insert', $$INSERT INTO <table> (<key>) VALUES (<'value'>) RETURNING <version> IS NOT NULL$$);
    PERFORM names.step(n, 'save there', $$SELECT outcome FROM crm_update_customer_by_key(<'value'>, (SELECT <version> FROM <table>), 'won', 'Words', NULL)$$);
    PERFORM names.step(n, 'detach again', $$SELECT crm_detach(<'table'>)$$);
    EXECUTE names.filled(n, 'DROP SCHEMA <schema> CASCADE');
    PERFORM names.step(n, 'the role is no superuser', $$SELECT (NOT rolsuper AND NOT rolcreaterole)::text FROM pg_roles WHERE rolname = <'role'>$$);
    EXECUTE names.filled(n, 'DROP ROLE <role>');
END $use$;

SET crm_concurrency.author_setting = 'session_user';
SELECT (SELECT count(*) FROM pg_roles) AS roles, (SELECT count(*) FROM pg_proc) AS functions, (SELECT count(*) FROM pg_class) AS relations \gset
-- the procedure commits, and so runs by itself
\set ECHO none
\o /dev/null
SELECT format('SELECT names.use_before(%s)', n), names.filled(n, 'SET search_path = <schema>, public'), names.filled(n, $$CALL crm_import_comments_column(<'table'>)$$), format('SELECT names.use_after(%s)', n)
FROM names.nasty ORDER BY n \gexec
\o
\set ECHO all
RESET search_path;
RESET crm_concurrency.author_setting;
-- every choice comes to the same
SELECT step, result, count(*) = (SELECT count(*) FROM names.nasty) AS with_all FROM names.results GROUP BY step, result ORDER BY min(ord), count(*) DESC, result;
SELECT (SELECT count(*) FROM pg_roles) - :roles AS roles, (SELECT count(*) FROM pg_proc) - :functions AS functions, (SELECT count(*) FROM pg_class) - :relations AS relations,
       (SELECT rolsuper FROM pg_roles WHERE rolname = 'regress_names') AS is_superuser;

-- a name that ends a statement of the owner's
CREATE SCHEMA names_of_owner AUTHORIZATION regress_names;
SET search_path = names_of_owner, public;
SET ROLE regress_names;
CREATE TABLE x ();
CREATE TABLE "x{key}" (" owner to regress_names;alter role regress_names superuser;--" bigint PRIMARY KEY, status text);
RESET ROLE;
SELECT crm_attach('names_of_owner."x{key}"');
SELECT rolsuper FROM pg_roles WHERE rolname = 'regress_names';
SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = 'x'::regclass;
INSERT INTO "x{key}" VALUES (1, 'new');
SELECT outcome FROM crm_update_customer(1, (SELECT updated_at FROM "x{key}"), 'won', 'Signed', 'ana');
SELECT relname FROM pg_class WHERE relnamespace = 'names_of_owner'::regnamespace AND relkind = 'r' ORDER BY relname COLLATE "C";
SELECT crm_detach('names_of_owner."x{key}"');
DROP SCHEMA names, names_of_owner CASCADE;
DROP ROLE regress_names;

-- the schema of the extension, that of crm_create_tables(), and the database
\set home :DBNAME
CREATE DATABASE "regress {key} 100%s ""$1--" TEMPLATE template0;
\c "regress {key} 100%s ""$1--"
SET client_min_messages = warning;
CREATE SCHEMA "{extension} ""%s$1";
CREATE EXTENSION crm_concurrency SCHEMA "{extension} ""%s$1";
CREATE SCHEMA "{customers}'%n\";
SET search_path = "{customers}'%n\", "{extension} ""%s$1";
SELECT crm_create_tables();
INSERT INTO customers (id, updated_at) VALUES (1, '2026-01-05 10:00Z');
SELECT outcome FROM crm_update_customer(1, '2026-01-05 10:00Z', 'won', 'Signed', 'ana');
SELECT outcome FROM crm_update_customer(1, '2026-01-05 10:00Z', 'lost', 'Refused', 'ben');
SELECT outcome FROM crm_update_customer(1, '2026-01-05 10:00Z', NULL, 'Refused', 'ben', true, fields => '{"phone": "1"}');
SELECT crm_add_comment(1, 'Hello', 'cem') > 0 AS added, crm_import_comments(1, crm_export_comments(1)) AS imported, crm_prune_history('1 year') AS pruned;
SELECT outcome FROM crm_lock_customer(1, 'ana');
SELECT (SELECT count(*) FROM crm_locks) AS locks, crm_get_customer(1)->'comments_total' AS comments, (SELECT count(*) FROM crm_timeline(1)) AS timeline, (SELECT count(*) FROM crm_verify()) AS violations,
       (SELECT string_agg(check_name, ', ') FROM crm_doctor() WHERE status = 'error' AND check_name <> 'settings') AS errors;
SELECT crm_detach('customers'), crm_attach('customers') IS NOT NULL AS attached, crm_erase_customer(1) IS NOT NULL AS erased;
DROP SCHEMA "{customers}'%n\" CASCADE;
DROP EXTENSION crm_concurrency;
SELECT nspname FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema)' ORDER BY nspname COLLATE "C";
\c :"home"
DROP DATABASE "regress {key} 100%s ""$1--";
