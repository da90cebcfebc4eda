-- What each partition's database has besides the extension and its tables: the functions that the proxy calls there.
-- To be run by the owner of the tables, with the search_path that finds the extension and the tables; again, to update it.

CREATE SCHEMA IF NOT EXISTS crm_shard;

-- What somebody else made here would stay that role's when it is replaced.
DO $$
DECLARE
    planted text;
BEGIN
    SELECT n.nspname || coalesce('.' || p.proname, '') INTO planted
    FROM pg_catalog.pg_namespace n LEFT JOIN pg_catalog.pg_proc p ON p.pronamespace = n.oid AND p.proowner <> current_user::regrole
    WHERE n.nspname = 'crm_shard' AND (p.oid IS NOT NULL OR n.nspowner <> current_user::regrole) LIMIT 1;
    IF planted IS NOT NULL THEN
        RAISE insufficient_privilege USING MESSAGE = format('%s belongs to another role', planted),
            DETAIL = 'Nothing was changed.', HINT = 'Drop it, or SET ROLE to its owner.';
    END IF;
END
$$;

COMMENT ON SCHEMA crm_shard IS 'what the proxy of several crm_concurrency databases calls in each of them (scale/shard.sql)';

GRANT USAGE ON SCHEMA crm_shard TO PUBLIC;

CREATE OR REPLACE FUNCTION crm_shard.version()
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT '1.1' $$;

COMMENT ON FUNCTION crm_shard.version() IS 'the version of crm_concurrency that these functions belong to';

CREATE OR REPLACE FUNCTION crm_shard.tables(
    OUT customers      regclass,
    OUT comments       regclass,
    OUT history        regclass,
    OUT locks          regclass,
    OUT key_column     name,
    OUT version_column name
)
RETURNS record
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    SELECT t.customers, t.comments, t.history, t.locks, k.attname, v.attname
    INTO customers, comments, history, locks, key_column, version_column
    FROM crm_attached_tables t
    JOIN pg_class c ON c.oid = t.customers
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_trigger g ON g.tgrelid = t.customers AND g.tgfoid = 'crm_customers_key()'::regprocedure
    JOIN pg_attribute k ON k.attrelid = t.customers AND k.attnum = g.tgattr[0]
    -- The statistics object names the columns, or the trigger does; one is a timestamptz, or of a domain over it.
    LEFT JOIN pg_statistic_ext s ON s.stxrelid = t.customers AND s.stxname LIKE '%crm\_columns'
    JOIN pg_attribute v ON v.attrelid = t.customers AND v.attnum <> k.attnum
        AND v.attnum = ANY (g.tgattr::int2[] || s.stxkeys::int2[])
    JOIN pg_type y ON y.oid = v.atttypid AND 'timestamptz'::regtype IN (y.oid, y.typbasetype)
    WHERE n.nspname = ANY (current_schemas(true))
    ORDER BY array_position(current_schemas(true), n.nspname), t.attached_at DESC
    LIMIT 1;
    IF customers IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = 'no customers table is attached in the schemas of search_path',
            HINT = 'Set the search_path of the role that the proxy connects as.';
    END IF;
END
$$;

COMMENT ON FUNCTION crm_shard.tables() IS
    'the attached tables that the search_path finds, and the columns of key and version; raises 55000 where there are none';

CREATE OR REPLACE FUNCTION crm_shard.create_customer(INOUT key text, fields jsonb, OUT updated_at timestamptz)
RETURNS record
LANGUAGE plpgsql
AS $$
DECLARE
    t record := crm_shard.tables();
    columns text;
    row_values jsonb := coalesce(fields, '{}');
BEGIN
    IF jsonb_typeof(row_values) <> 'object' THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'fields must be a JSON object',
            DETAIL = 'Nothing was saved.', HINT = 'Its keys are the names of columns.';
    END IF;
    IF key IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'key must not be null',
            DETAIL = 'Nothing was saved.', HINT = 'Pass a value for key.';
    END IF;
    IF row_values ? t.key_column THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('fields must not have the key column "%s"', t.key_column),
            DETAIL = 'Nothing was saved.', HINT = 'The key is an argument of its own.';
    END IF;
    row_values := row_values || jsonb_build_object(t.key_column, key);
    SELECT string_agg(quote_ident(c), ', ') INTO columns FROM jsonb_object_keys(row_values) c;
    EXECUTE format('INSERT INTO %1$s (%2$s) OVERRIDING SYSTEM VALUE SELECT %2$s FROM jsonb_populate_record(NULL::%1$s, $1)
        RETURNING %3$I::text, %4$I', t.customers, columns, t.key_column, t.version_column)
        INTO key, updated_at USING row_values;
END
$$;

COMMENT ON FUNCTION crm_shard.create_customer(text, jsonb) IS
    'inserts a customer with a key and the columns that fields names, with the caller''s rights, as an INSERT does; returns the key and the version';

CREATE OR REPLACE FUNCTION crm_shard.counts(OUT customers bigint, OUT comments bigint, OUT history bigint, OUT live_locks bigint)
RETURNS record
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    t record := crm_shard.tables();
BEGIN
    EXECUTE format('SELECT (SELECT count(*) FROM %s), (SELECT count(*) FROM %s), (SELECT count(*) FROM %s),
        (SELECT count(*) FROM %s WHERE expires_at > clock_timestamp())', t.customers, t.comments, t.history, t.locks)
        INTO customers, comments, history, live_locks;
END
$$;

COMMENT ON FUNCTION crm_shard.counts() IS 'how many customers, comments, changes in the history and live edit locks there are';

CREATE OR REPLACE FUNCTION crm_shard.misplaced(partition integer, partitions integer, OUT key text, OUT belongs_to integer)
RETURNS SETOF record
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    t record := crm_shard.tables();
BEGIN
    -- As crm_proxy.key_hash() of a key that is given in its one spelling.
    RETURN QUERY EXECUTE format($query$
        SELECT k.key, k.belongs_to FROM (SELECT %1$I::text AS key,
            ('x' || encode(substr(sha256(convert_to(%1$I::text, 'UTF8')), 1, 4), 'hex'))::bit(32)::integer & ($2 - 1)
                AS belongs_to
            FROM %2$s) k
        WHERE k.belongs_to <> $1
        $query$, t.key_column, t.customers) USING partition, partitions;
END
$$;

COMMENT ON FUNCTION crm_shard.misplaced(integer, integer) IS
    'the customers that do not belong in this one of so many partitions, and where they do; reads all keys';

CREATE OR REPLACE FUNCTION crm_shard.recent_changes(
    max_rows        integer,
    OUT key         text,
    OUT version     timestamptz,
    OUT recorded_at timestamptz,
    OUT operation   text,
    OUT author      text,
    OUT db_user     name,
    OUT status_from text,
    OUT status_to   text,
    OUT fields      jsonb,
    OUT comment_id  bigint
)
RETURNS SETOF record
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    t record := crm_shard.tables();
    since timestamptz;
    found_rows bigint;
BEGIN
    -- The history's index on versions answers short times at almost no cost.
    FOREACH since IN ARRAY ARRAY[now() - interval '10 minutes', now() - interval '1 day', '-infinity'] LOOP
        EXECUTE format('SELECT count(*) FROM (SELECT FROM %s WHERE version >= $1 LIMIT $2) s', t.history)
            INTO found_rows USING since, max_rows;
        EXIT WHEN found_rows >= max_rows;
    END LOOP;
    RETURN QUERY EXECUTE format('SELECT customer_id::text, version, recorded_at, operation, author, db_user::name, status_from,
        status_to, fields, comment_id FROM %s WHERE version >= $1 ORDER BY version DESC LIMIT $2', t.history)
        USING since, max_rows;
END
$$;

COMMENT ON FUNCTION crm_shard.recent_changes(integer) IS 'the latest changes of all customers, newest first';

CREATE OR REPLACE FUNCTION crm_shard.spread_comment_ids(partition integer)
RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
    t record := crm_shard.tables();
    ids text := pg_get_serial_sequence(t.comments::text, 'id');
    first_id bigint := greatest(partition::bigint << 40, 1);
    last_id bigint := ((partition::bigint + 1) << 40) - 1;
    next_id bigint;
BEGIN
    IF partition IS NULL OR partition NOT BETWEEN 0 AND 8191 THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'partition must be between 0 and 8191';
    END IF;
    EXECUTE format('SELECT greatest($1, max(id) + 1) FROM (SELECT max(id) AS id FROM %s WHERE id BETWEEN $1 AND $2
        UNION ALL SELECT last_value FROM %s WHERE last_value BETWEEN $1 AND $2 AND is_called) s', t.comments, ids)
        INTO next_id USING first_id, last_id;
    EXECUTE format('ALTER SEQUENCE %1$s MINVALUE %2$s MAXVALUE %3$s START %2$s RESTART %4$s', ids, first_id, last_id, next_id);
    RETURN next_id;
END
$$;

COMMENT ON FUNCTION crm_shard.spread_comment_ids(integer) IS
    'gives the ids of new comments a range of the partition''s own, 2^40 ids from partition * 2^40, and returns the next one; for the owner of the tables, before the partition is in use; can be run again. The ids of partitions up to 8191 are below 2^53, which a JSON number holds exactly';
