-- What every file starts from: the extension in its own schema, customers in another, pgTAP and what the tests call in
-- two more, so that all of public is the attackers'.
CREATE SCHEMA ext;
CREATE SCHEMA crm;
CREATE SCHEMA tap;
CREATE SCHEMA hostile;
CREATE EXTENSION crm_concurrency SCHEMA ext;
CREATE EXTENSION pgtap SCHEMA tap;
GRANT USAGE ON SCHEMA ext, tap, hostile TO PUBLIC;
GRANT CREATE ON SCHEMA public TO PUBLIC;
SET search_path = crm, ext, hostile, tap, public;
SELECT crm_create_tables('crm');

-- Runs a statement and tells its SQLSTATE, or what it returned. The search_path is for the statement alone.
CREATE FUNCTION hostile.answer(statement text, path text DEFAULT NULL, OUT state text, OUT result text, OUT message text)
LANGUAGE plpgsql AS $$
DECLARE
    own_path text := pg_catalog.current_setting('search_path');
    detail text;
    hint text;
BEGIN
    IF path IS NOT NULL THEN
        PERFORM pg_catalog.set_config('search_path', path, false);
    END IF;
    BEGIN
        EXECUTE statement INTO result;
        state := '00000';
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
            hint = PG_EXCEPTION_HINT;
        message := pg_catalog.concat_ws(E'\n', message, detail, hint);
    END;
    PERFORM pg_catalog.set_config('search_path', own_path, false);
END $$;

-- The same undone, so that what was called leaves nothing behind.
CREATE FUNCTION hostile.undone(statement text, OUT state text, OUT result text, OUT message text)
LANGUAGE plpgsql AS $$
BEGIN
    SELECT a.state, a.result, a.message INTO state, result, message FROM hostile.answer(statement) a;
    RAISE SQLSTATE 'ZZ999';
EXCEPTION WHEN SQLSTATE 'ZZ999' THEN
    NULL;
END $$;

CREATE FUNCTION hostile.state(statement text) RETURNS text LANGUAGE sql AS $$ SELECT a.state FROM hostile.answer(statement) a $$;

-- The version of a customer.
CREATE FUNCTION hostile.current(customer bigint) RETURNS timestamptz LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$ SELECT updated_at FROM crm.customers WHERE id = customer $$;

-- Makes look-alikes, in a schema and among the temporary objects, of every function, operator and type of pg_catalog that can be
-- imitated, of the catalogue's tables, and of the functions and tables of the extension where it is.
CREATE PROCEDURE hostile.make_look_alikes(home text) LANGUAGE plpgsql AS $$
DECLARE
    look record;
    relations name[] := CASE home WHEN 'ext' THEN '{}' ELSE '{crm_attached_tables,crm_locks}'::name[] END
        || '{customers,comments,customer_history,customer_locks}'::name[]
        || array(SELECT relname FROM pg_class WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind IN ('r', 'v'));
    types name[] := array(SELECT typname FROM pg_type WHERE typnamespace = 'pg_catalog'::regnamespace AND typtype = 'b' AND typcategory <> 'A');
    called name;
    body constant text := 'BEGIN PERFORM ' || home || '.alarm(%L); END';
BEGIN
    EXECUTE 'CREATE FUNCTION ' || home || '.alarm(text) RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog
        AS $alarm$ BEGIN RAISE SQLSTATE ''ATTCK'' USING MESSAGE = ''the attack succeeded: '' || $1; END $alarm$';
    -- functions of pg_catalog and of the extension; plpgsql takes and returns no other pseudo-types
    FOR look IN
        SELECT p.oid, p.proname, p.proretset, p.prorettype::regtype AS result, oidvectortypes(p.proargtypes) AS arguments
        FROM pg_proc p JOIN pg_type r ON r.oid = p.prorettype
        WHERE (p.pronamespace = 'pg_catalog'::regnamespace
               OR p.pronamespace = 'ext'::regnamespace AND p.proname LIKE 'crm\_%' AND home <> 'ext') AND p.prokind = 'f'
          AND (r.typtype <> 'p' OR r.typname IN ('record', 'void') OR r.typname LIKE 'any_%')
          AND NOT EXISTS (SELECT FROM unnest(p.proargtypes) a JOIN pg_type t ON t.oid = a
                          WHERE t.typtype = 'p' AND t.typname NOT LIKE 'any_%')
    LOOP
        EXECUTE format('CREATE FUNCTION ' || home || '.%I(%s) RETURNS %s %s LANGUAGE plpgsql AS %L', look.proname, look.arguments,
                       CASE WHEN look.proretset THEN 'SETOF' END, look.result, format(body, 'function ' || look.oid::regprocedure));
    END LOOP;
    FOR look IN
        SELECT o.oid, o.oprname, nullif(o.oprleft, 0)::regtype AS l, o.oprright::regtype AS r, o.oprresult::regtype AS result
        FROM pg_operator o WHERE o.oprnamespace = 'pg_catalog'::regnamespace
    LOOP
        EXECUTE format('CREATE FUNCTION ' || home || '.operator_%s(%s) RETURNS %s LANGUAGE plpgsql AS %L', look.oid, concat_ws(',', look.l, look.r),
                       look.result, format(body, 'operator ' || look.oid::regoperator));
        EXECUTE format('CREATE OPERATOR ' || home || '.%s (%s RIGHTARG = %s, FUNCTION = ' || home || '.operator_%s)', look.oprname,
                       'LEFTARG = ' || look.l || ',', look.r, look.oid);
    END LOOP;
    -- casts to a type of the attacker's own, which operators take that pg_catalog's do not
    EXECUTE 'CREATE TYPE ' || home || '.lure AS (bait text)';
    FOR look IN SELECT unnest('{text,bigint,integer,name,uuid,jsonb,timestamptz,boolean,regclass,interval}'::regtype[]) AS type LOOP
        EXECUTE format('CREATE FUNCTION ' || home || '.lure(%s) RETURNS ' || home || '.lure LANGUAGE plpgsql AS %L', look.type, format(body, 'cast of ' || look.type));
        EXECUTE format('CREATE CAST (%s AS ' || home || '.lure) WITH FUNCTION ' || home || '.lure(%1$s) AS IMPLICIT', look.type);
    END LOOP;
    -- relations of the catalogue, of the extension, and the customers; and types. A path that does not name pg_temp begins
    -- with it, for these.
    FOREACH called IN ARRAY relations LOOP
        EXECUTE pg_catalog.format(pg_catalog.concat('CREATE VIEW ', home, '.%I AS SELECT ', home, '.alarm(%L)'), called, pg_catalog.concat('relation ', called));
        EXECUTE pg_catalog.format('CREATE TEMP VIEW %I AS SELECT ' || home || '.alarm(%L)', called, pg_catalog.concat('relation ', called));
    END LOOP;
    FOREACH called IN ARRAY types LOOP
        EXECUTE pg_catalog.format('CREATE DOMAIN ' || home || '.%I AS pg_catalog.%1$I CHECK (' || home || '.alarm(%L))', called, pg_catalog.concat('type ', called));
        EXECUTE pg_catalog.format('CREATE DOMAIN pg_temp.%I AS pg_catalog.%1$I CHECK (' || home || '.alarm(%L))', called, pg_catalog.concat('type ', called));
    END LOOP;
END $$;
