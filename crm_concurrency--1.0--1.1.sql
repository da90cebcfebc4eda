-- complain if the script is sourced in psql instead of through ALTER EXTENSION
\echo Use "ALTER EXTENSION crm_concurrency UPDATE TO '1.1'" to load this file. \quit

-- The versions -----------------------------------------------------------------------------------

DO $$
BEGIN
    CREATE FUNCTION crm_concurrency_version()
    RETURNS text
    AS 'MODULE_PATHNAME'
    LANGUAGE C STABLE;
EXCEPTION WHEN undefined_function THEN
    RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
        MESSAGE = 'the library of crm_concurrency is older than version 1.1', DETAIL = SQLERRM,
        HINT = 'Install the library of version 1.1, and reconnect; restart the server where shared_preload_libraries names it.';
END
$$;

COMMENT ON FUNCTION crm_concurrency_version() IS
    'the version of the library that this session has loaded; that of the SQL objects is in pg_extension, and crm_doctor() compares them';

-- Reading ----------------------------------------------------------------------------------------

COMMENT ON FUNCTION crm_get_customer(bigint, timestamptz, integer) IS
    'a customer as {"key": text, "customer": row, "comments": [...], "comments_total": n, "lock": ...}, its latest comments as a tree of replies, as far as the caller may read it, now or as it was at a time; NULL for a customer that is not there, or was not then; raises 22004 and 22023 for bad arguments and for a time before the kept history, 42501, 55000 where no table is attached';

-- Operations -------------------------------------------------------------------------------------

COMMENT ON FUNCTION crm_verify(bigint) IS
    'what must never be in the data of a customer, or of all (NULL), as far as it is there: no rows are good; of all, it reads each table once, with little memory, and sends a NOTICE for every million rows; raises 42501 for who may not read all rows of customers, comments and history, 55000 where no table is attached';

-- What open sessions know of the registry they read again, and look at the version of the SQL objects.
DELETE FROM crm_attached_tables WHERE false;
