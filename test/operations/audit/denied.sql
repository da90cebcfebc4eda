-- Which rights, denied by the hook, end each call: one line for each call. The variable path is the access path.
-- crm_locks leaves out what it may not read, with a warning.
SET client_min_messages = error;
LOAD 'deny';
SET crm_concurrency.access_path = :'path';
-- The SQLSTATE of a call with a right denied; it leaves nothing.
CREATE FUNCTION pg_temp.state(call text, of_table text, denied text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text := '00000';
BEGIN
    BEGIN
        PERFORM set_config('deny.table', of_table, true), set_config('deny.right', denied, true);
        EXECUTE call;
    EXCEPTION WHEN OTHERS THEN
        result := SQLSTATE;
    END;
    RAISE EXCEPTION USING ERRCODE = 'UND00', MESSAGE = result;
EXCEPTION WHEN SQLSTATE 'UND00' THEN
    RETURN SQLERRM;
END $$;
SET ROLE app;
-- What fails with nothing denied. Later calls use again what these prepare.
SELECT name, pg_temp.state(call, '', 'none') FROM calls WHERE pg_temp.state(call, '', 'none') <> '00000' ORDER BY n;
SELECT name || ': ' || string_agg(format('%s on %s', denied, of_table), ', ' ORDER BY t, r)
FROM calls, unnest(ARRAY['customers', 'comments', 'customer_history', 'customer_locks']) WITH ORDINALITY AS tables (of_table, t),
     unnest(ARRAY['select', 'insert', 'update', 'delete']) WITH ORDINALITY AS rights (denied, r)
WHERE pg_temp.state(call, of_table, denied) = '42501' GROUP BY n, name ORDER BY n;
