-- What the driver does in the partitions that an application cannot do through the proxy: plain INSERT, UPDATE and DELETE, and
-- reading the tables at the end. To be run in the proxy's database, and partition.sql in the partitions'. For tests only.

CREATE SCHEMA crm_hammer;
GRANT USAGE ON SCHEMA crm_hammer TO PUBLIC;

CREATE FUNCTION crm_hammer.run_on(hash integer, statement text, arguments text[])
RETURNS SETOF jsonb
LANGUAGE plproxy
AS $$
    CLUSTER 'crm';
    RUN ON hash;
    SELECT * FROM crm_hammer.run(statement::text, arguments::text[]);
$$;

CREATE FUNCTION crm_hammer.run_on_customer(id bigint, statement text, arguments text[])
RETURNS SETOF jsonb
LANGUAGE plpgsql
AS $$
DECLARE
    error_detail text;
    error_hint text;
BEGIN
    RETURN QUERY SELECT * FROM crm_hammer.run_on(crm_proxy.key_hash(id::text), statement, arguments);
EXCEPTION WHEN query_canceled OR OTHERS THEN
    GET STACKED DIAGNOSTICS error_detail = PG_EXCEPTION_DETAIL, error_hint = PG_EXCEPTION_HINT;
    PERFORM crm_proxy.raise_error(SQLSTATE, SQLERRM, error_detail, error_hint);
END
$$;

COMMENT ON FUNCTION crm_hammer.run_on_customer(bigint, text, text[]) IS
    'runs a statement in the partition of the customer; returns its rows';

CREATE FUNCTION crm_hammer.run_on_all(statement text, arguments text[])
RETURNS SETOF jsonb
LANGUAGE plproxy
AS $$
    CLUSTER 'crm';
    RUN ON ALL;
    SELECT * FROM crm_hammer.run(statement::text, arguments::text[]);
$$;

COMMENT ON FUNCTION crm_hammer.run_on_all(text, text[]) IS 'runs a statement in every partition; returns the rows of all';
