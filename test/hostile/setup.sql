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
