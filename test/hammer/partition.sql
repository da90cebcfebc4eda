-- What the driver's functions in the proxy (through_proxy.sql) call in each partition. For tests only: it runs any statement.

CREATE SCHEMA crm_hammer;
GRANT USAGE ON SCHEMA crm_hammer TO PUBLIC;

CREATE FUNCTION crm_hammer.run(statement text, arguments text[])
RETURNS SETOF jsonb
LANGUAGE plpgsql
AS $$
BEGIN
    RETURN QUERY EXECUTE format('WITH r AS (%s) SELECT to_jsonb(r) FROM r', statement)
        USING arguments[1], arguments[2], arguments[3], arguments[4];
END
$$;
