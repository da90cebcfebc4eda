-- The proxy database of several crm_concurrency databases: the extension's functions, each of which PL/Proxy runs in the
-- database that has the customer. scale/README.md says how it is set up. Here are no tables, and not the extension. To be run
-- by psql in one transaction (-1); again, to update it: the key type, the ids and the partitions stay.
--
-- What is called here finds nothing of other users: a search_path of its own. What only these call does without.

CREATE EXTENSION IF NOT EXISTS plproxy;

CREATE SCHEMA IF NOT EXISTS crm_proxy;

-- What somebody else made here would stay that role's when it is replaced.
DO $$
DECLARE
    planted text;
BEGIN
    SELECT n.nspname || coalesce('.' || p.proname, '') INTO planted
    FROM pg_catalog.pg_namespace n LEFT JOIN pg_catalog.pg_proc p ON p.pronamespace = n.oid AND p.proowner <> current_user::regrole
        AND (n.nspname = 'crm_proxy' OR p.proname ~ '^crm_')
    WHERE n.nspname IN ('crm_proxy', current_schema()) AND (p.oid IS NOT NULL OR n.nspname = 'crm_proxy' AND n.nspowner <> current_user::regrole) LIMIT 1;
    IF planted IS NOT NULL THEN
        RAISE insufficient_privilege USING MESSAGE = format('%s belongs to another role', planted),
            DETAIL = 'Nothing was changed.', HINT = 'Drop it, or SET ROLE to its owner.';
    END IF;
END
$$;

COMMENT ON SCHEMA crm_proxy IS
    'how the crm functions of this database reach the partitions (scale/proxy.sql): what a call does in a partition is committed there at once, whatever becomes of the transaction here';

GRANT USAGE ON SCHEMA crm_proxy TO PUBLIC;

-- Keys and partitions ----------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION crm_proxy.version()
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT '1.1' $$;

COMMENT ON FUNCTION crm_proxy.version() IS 'the version of crm_concurrency that this proxy belongs to';

SELECT to_regprocedure('crm_proxy.key_type()') IS NULL AS is_new \gset
\if :is_new
CREATE FUNCTION crm_proxy.key_type()
RETURNS regtype
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT 'bigint'::regtype $$;
\endif

COMMENT ON FUNCTION crm_proxy.key_type() IS
    'the type of the customers'' keys: bigint (also for smallint and integer), uuid or text; to be replaced where it is not bigint';

CREATE OR REPLACE FUNCTION crm_proxy.canonical_key(key text)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
BEGIN
    RETURN CASE crm_proxy.key_type()
        WHEN 'bigint'::regtype THEN key::bigint::text
        WHEN 'uuid'::regtype THEN key::uuid::text
        ELSE key
    END;
END
$$;

COMMENT ON FUNCTION crm_proxy.canonical_key(text) IS
    'the one spelling of a key by which it is routed; raises 22P02 and 22003 as the key''s type does';

CREATE OR REPLACE FUNCTION crm_proxy.key_hash(key text)
RETURNS integer
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
    RETURN coalesce(('x' OPERATOR(pg_catalog.||) pg_catalog.encode(
        pg_catalog.substr(pg_catalog.sha256(pg_catalog.convert_to(key, 'UTF8')), 1, 4), 'hex'))::bit(32)::integer, 0);
END
$$;

COMMENT ON FUNCTION crm_proxy.key_hash(text) IS
    'the first four bytes of the SHA-256 of the canonical key in UTF-8, as a signed big-endian integer: its low bits are the number of the partition. 0 for NULL, which every partition refuses';

CREATE OR REPLACE FUNCTION crm_proxy.hash_of_key(key text)
RETURNS integer
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
BEGIN
    RETURN crm_proxy.key_hash(crm_proxy.canonical_key(key));
EXCEPTION
    -- Any partition says what is wrong with it, and with the other arguments first.
    WHEN data_exception THEN
        RETURN 0;
END
$$;

COMMENT ON FUNCTION crm_proxy.hash_of_key(text) IS
    'key_hash() of a key in any spelling; 0 for a malformed one, which every partition refuses';

CREATE OR REPLACE FUNCTION crm_proxy.partitions(OUT partition integer, OUT database text, OUT connection text)
RETURNS SETOF record
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT m[1]::integer, (regexp_match(m[2], '(?:^|\s)dbname\s*=\s*''?([^''\s]+)'))[1], m[2]
    FROM pg_foreign_server s, unnest(s.srvoptions) o, regexp_match(o, '^p(\d+)=(.*)$') m
    WHERE s.srvname = 'crm' AND m IS NOT NULL
    ORDER BY 1
$$;

COMMENT ON FUNCTION crm_proxy.partitions() IS
    'the partitions, as the options p0, p1, ... of the server crm define them; each has a database name of its own';

CREATE OR REPLACE FUNCTION crm_proxy.all_partitions()
RETURNS integer[]
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT array_agg(partition ORDER BY partition) FROM crm_proxy.partitions() $$;

COMMENT ON FUNCTION crm_proxy.all_partitions() IS 'the numbers of the partitions';

CREATE OR REPLACE FUNCTION crm_partition(key text)
RETURNS integer
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT crm_proxy.key_hash(crm_proxy.canonical_key(key)) & (nullif(count(*)::integer, 0) - 1) FROM crm_proxy.partitions() $$;

COMMENT ON FUNCTION crm_partition(text) IS
    'the number of the partition that has the customer with this key; raises 22P02 for a malformed key';

-- crm_proxy.key_hash() has the low bits.
CREATE OR REPLACE FUNCTION crm_partition_of(key text, partitions integer)
RETURNS integer
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF partitions <= 0 OR partitions & (partitions - 1) <> 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'partitions must be a power of two',
            DETAIL = format('It is %s.', partitions),
            HINT = 'Pass how many partitions there are, as each of them and the proxy have it.';
    END IF;
    RETURN crm_proxy.key_hash(key) & (partitions - 1);
END
$$;

COMMENT ON FUNCTION crm_partition_of(text, integer) IS
    'the extension''s crm_partition_of(text, integer), run here';

-- Errors -----------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION crm_proxy.partition_name(database_name text)
RETURNS text
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format('partition %s (database %s)', coalesce(string_agg(partition::text, ', '), 'unknown'), database_name)
    FROM crm_proxy.partitions() WHERE database = database_name
$$;

COMMENT ON FUNCTION crm_proxy.partition_name(text) IS 'how messages name a partition';

CREATE OR REPLACE FUNCTION crm_proxy.raise_error(state text, message text, detail text, hint text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    in_doubt constant text := 'It may have been applied or not. A save can be sent again, for it is not applied twice; '
        'a comment by crm_add_comment() within crm_concurrency.repeated_comment_window.';
    -- What PL/Proxy puts before the words of a partition, and its own words about a connection.
    remote text[] := regexp_match(message, '^\S+\(\d+\): \[([^]]*)\] REMOTE ([^:]*): (.*)$');
    own text[];
BEGIN
    IF remote IS NOT NULL AND state = '08P01' THEN
        -- PgBouncer, between here and the partition, ends a connection with words of its own.
        state := 'connection_failure';
        message := format('the connection to %s was lost', crm_proxy.partition_name(remote[1]));
        detail := format('%s: %s', remote[2], remote[3]);
        hint := in_doubt;
    ELSIF remote IS NOT NULL AND (remote[2], remote[3]) <> ('(null)', '(null)') THEN
        message := remote[3];
        detail := regexp_replace(detail, '^Remote detail: ', '');
        hint := regexp_replace(hint, '^Remote hint: ', '');
        IF state LIKE '57P%' THEN
            detail := coalesce(nullif(detail, ''), format('%s ended the connection during the call.',
                crm_proxy.partition_name(remote[1])));
            hint := coalesce(nullif(hint, ''), in_doubt);
        END IF;
    ELSIF remote IS NOT NULL THEN
        state := 'connection_failure';
        message := format('the connection to %s was lost', crm_proxy.partition_name(remote[1]));
        detail := 'The server closed the connection during the call.';
        hint := in_doubt;
    ELSIF message LIKE 'PL/Proxy function %' THEN
        own := regexp_match(message,
            '^PL/Proxy function \S+\(\d+\): (?:\[([^]]*)\] )?(PQ\w+|connect timeout to|query timeout):?\s*(.*)$');
        IF own[2] IN ('PQconnectStart', 'PQconnectPoll', 'connect timeout to') THEN
            state := 'sqlclient_unable_to_establish_sqlconnection';
            message := format('%s cannot be reached', coalesce(crm_proxy.partition_name(own[1]), 'a partition'));
            detail := format('Nothing was applied there. %s: %s', own[2], rtrim(own[3], E'\n'));
            hint := 'Send the call again later. Customers of other servers are served meanwhile.';
        ELSIF own IS NOT NULL THEN
            state := 'connection_failure';
            message := format('the connection to %s was lost', coalesce(crm_proxy.partition_name(own[1]), 'a partition'));
            detail := concat_ws(': ', own[2], nullif(rtrim(own[3], E'\n'), ''));
            hint := in_doubt;
        END IF;
    ELSIF state = '57014' THEN
        -- Cancelled here.
        hint := coalesce(nullif(hint, ''), in_doubt);
    END IF;

    -- An empty detail is not none.
    IF detail <> '' AND hint <> '' THEN
        RAISE EXCEPTION USING ERRCODE = state, MESSAGE = message, DETAIL = detail, HINT = hint;
    ELSIF detail <> '' THEN
        RAISE EXCEPTION USING ERRCODE = state, MESSAGE = message, DETAIL = detail;
    ELSIF hint <> '' THEN
        RAISE EXCEPTION USING ERRCODE = state, MESSAGE = message, HINT = hint;
    ELSE
        RAISE EXCEPTION USING ERRCODE = state, MESSAGE = message;
    END IF;
END
$$;

COMMENT ON FUNCTION crm_proxy.raise_error(text, text, text, text) IS
    'raises the error of a partition as the partition raised it, without what PL/Proxy puts before it; a partition that cannot be reached is 08001, a lost connection 08006';

-- Result types, as the extension has them --------------------------------------------------------

\if :is_new
CREATE TYPE crm_update_result AS (
    outcome     text,
    http_status integer,
    status      text,
    updated_at  timestamptz,
    comment_id  bigint,
    message     text,
    detail      jsonb
);

CREATE TYPE crm_update_customers_result AS (
    ord         integer,
    outcome     text,
    http_status integer,
    status      text,
    updated_at  timestamptz,
    comment_id  bigint,
    message     text,
    detail      jsonb
);

CREATE TYPE crm_lock_result AS (
    outcome     text,
    http_status integer,
    lock_id     uuid,
    author      text,
    expires_at  timestamptz,
    message     text
);
\endif

-- A proxy of version 1.0 has none.
SELECT to_regtype('crm_comment_result') IS NULL AS lacks_corrections \gset
\if :lacks_corrections
CREATE TYPE crm_comment_result AS (
    outcome     text,
    http_status integer,
    comment_id  bigint,
    message     text,
    detail      jsonb
);
\endif

COMMENT ON TYPE crm_update_result IS 'what became of a save';
COMMENT ON COLUMN crm_update_result.outcome IS 'updated, merged, unchanged, replayed, deleted, restored, conflict, locked, gone, not_found or failed_dependency';
COMMENT ON COLUMN crm_update_result.http_status IS 'the outcome as an HTTP status code (RFC 9110; RFC 4918 for 424): 200, 404, 409, 410, 423 or 424';
COMMENT ON COLUMN crm_update_result.status IS 'the status of the customer as it is now';
COMMENT ON COLUMN crm_update_result.updated_at IS 'the version of the customer as it is now: the base of the next save';
COMMENT ON COLUMN crm_update_result.comment_id IS 'where the comment of the save is stored; NULL where none is';
COMMENT ON COLUMN crm_update_result.message IS 'the outcome in one English sentence';
COMMENT ON COLUMN crm_update_result.detail IS 'what a refused or replayed save has to know; NULL on a plain success';

COMMENT ON TYPE crm_update_customers_result IS 'what became of one of many saves';
COMMENT ON COLUMN crm_update_customers_result.ord IS 'the position of the save in the array, from 1';
COMMENT ON COLUMN crm_update_customers_result.outcome IS 'as in crm_update_result';
COMMENT ON COLUMN crm_update_customers_result.http_status IS 'as in crm_update_result';
COMMENT ON COLUMN crm_update_customers_result.status IS 'the status of the customer right after the save';
COMMENT ON COLUMN crm_update_customers_result.updated_at IS
    'the version of the customer right after the save; later saves of the call may have advanced it';
COMMENT ON COLUMN crm_update_customers_result.comment_id IS 'as in crm_update_result';
COMMENT ON COLUMN crm_update_customers_result.message IS 'as in crm_update_result';
COMMENT ON COLUMN crm_update_customers_result.detail IS 'as in crm_update_result';

COMMENT ON TYPE crm_lock_result IS 'what became of a request for an edit lock';
COMMENT ON COLUMN crm_lock_result.outcome IS 'acquired, renewed, locked, lost, gone or not_found';
COMMENT ON COLUMN crm_lock_result.http_status IS
    'the outcome as an HTTP status code (RFC 9110): 200, 404, 409, 410 or 423';
COMMENT ON COLUMN crm_lock_result.lock_id IS 'what renews and releases the lock; NULL where it is not the caller''s';
COMMENT ON COLUMN crm_lock_result.author IS 'who holds the lock';
COMMENT ON COLUMN crm_lock_result.expires_at IS 'when the lock ends by itself, by the server''s clock';
COMMENT ON COLUMN crm_lock_result.message IS 'the outcome in one English sentence';

COMMENT ON TYPE crm_comment_result IS 'what became of a correction of a comment';
COMMENT ON COLUMN crm_comment_result.outcome IS 'updated, unchanged, replayed, conflict, gone or not_found';
COMMENT ON COLUMN crm_comment_result.http_status IS 'the outcome as an HTTP status code';
COMMENT ON COLUMN crm_comment_result.comment_id IS 'the comment; NULL when it is not there';
COMMENT ON COLUMN crm_comment_result.message IS 'the outcome in one English sentence';
COMMENT ON COLUMN crm_comment_result.detail IS 'what a refused correction has to know; NULL on a success';

-- Functions of one customer ----------------------------------------------------------------------
--
-- Each has a function in crm_proxy that PL/Proxy runs in the partition of a hash, and around it one that hands its
-- errors on as the partition raised them. These name schemas instead of setting a search_path, which would cost at
-- every call, as would casts in the statements, which the partitions parse anew each time.

-- Makes both for each form of a function of the extension that is named: by id, by key, and of a record of any attached
-- table. The arguments are those after the customer: each a name, a type of one word and perhaps a default, with no commas
-- but those between them.
CREATE OR REPLACE PROCEDURE pg_temp.create_function(by_id text, by_key text, of_record text, arguments text, result text,
    out_arguments text DEFAULT '', customer_default text DEFAULT '', of_refused text DEFAULT NULL)
LANGUAGE plpgsql
AS $procedure$
DECLARE
    name text;
    customer text;
    hash text;
    comment text;
    inputs text;
    names text;
    types text;
    without_defaults text;
BEGIN
    FOR name, customer, hash, comment IN
        SELECT f.name, f.customer, f.hash, f.comment
        FROM (VALUES
            (by_id, concat_ws(' ', 'id bigint', nullif(customer_default, '')), 'crm_proxy.key_hash(id::pg_catalog.text)',
                'the extension''s crm_%1$s(%2$s), run in the partition of the customer, with its rights and settings '
                'there, and committed there at once; raises what it raises, 08001 where the partition cannot be reached, '
                'and 08006 where its connection was lost'),
            (by_key, 'key text', 'crm_proxy.hash_of_key(key)',
                format('crm_%s() for keys of every type, given as text; raises 22P02 also for a malformed key', by_id)),
            (of_record, concat_ws(' ', 'record_table text, key text', nullif(customer_default, '')), 'crm_proxy.hash_of_key(key)',
                concat('the extension''s crm_%1$s() for the record with this key, in the partition of the key, and of the attached '
                    'table that has this name there', format('; the rest is as of crm_%s()', by_id))),
            (of_refused, 'partition integer, refused_id bigint', 'partition',
                'the extension''s crm_%1$s() in a partition, which crm_refused_saves() tells with the number of a refused save'),
            (of_refused || '_record', 'partition integer, record_table text, refused_id bigint', 'partition',
                'the extension''s crm_%1$s() in a partition')
        ) f (name, customer, hash, comment)
        WHERE f.name IS NOT NULL
    LOOP
        inputs := concat_ws(', ', customer, nullif(arguments, ''));
        names := regexp_replace(inputs, '(\w+) [^,]+', '\1', 'g');
        types := regexp_replace(inputs, '\w+ ([\w\[\]]+)[^,]*', '\1', 'g');
        without_defaults := regexp_replace(inputs, ' DEFAULT [^,]+', '', 'g');

        EXECUTE format($create$
CREATE OR REPLACE FUNCTION crm_proxy.%1$s(%2$s)
RETURNS %3$s
LANGUAGE plproxy
AS $$
    CLUSTER 'crm';
    RUN ON hash;
    SELECT %4$scrm_%1$s(%5$s);
$$
            $create$, name, concat_ws(', ', 'hash integer', without_defaults, nullif(out_arguments, '')),
            result, CASE WHEN result = 'SETOF record' OR result LIKE 'crm\_%' THEN '* FROM ' END,
            regexp_replace(names, '^partition, ', ''));

        EXECUTE format($create$
CREATE OR REPLACE FUNCTION crm_%1$s(%2$s)
RETURNS %3$s
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
DECLARE
    error_detail pg_catalog.text;
    error_hint pg_catalog.text;
BEGIN
    RETURN %4$scrm_proxy.%1$s(%5$s, %6$s);
EXCEPTION WHEN query_canceled OR OTHERS THEN
    GET STACKED DIAGNOSTICS error_detail = PG_EXCEPTION_DETAIL, error_hint = PG_EXCEPTION_HINT;
    PERFORM crm_proxy.raise_error(SQLSTATE, SQLERRM, error_detail, error_hint);
END
$$
            $create$, name, concat_ws(', ', inputs, nullif(out_arguments, '')), result,
            CASE WHEN result LIKE 'SETOF %' THEN 'QUERY SELECT * FROM ' END, hash, names);

        EXECUTE format('COMMENT ON FUNCTION crm_%s(%s) IS %L', name, types, format(comment, name, types));
    END LOOP;
END
$procedure$;

CALL pg_temp.create_function('update_customer', 'update_customer_by_key', 'update_record',
    'expected_ts timestamptz, status text, comment text, author text, merge boolean DEFAULT NULL, '
    'reply_to bigint DEFAULT NULL, fields jsonb DEFAULT NULL', 'crm_update_result');

CALL pg_temp.create_function('get_customer', 'get_customer_by_key', 'get_record',
    'at timestamptz DEFAULT NULL, max_comments integer DEFAULT 50', 'jsonb');

\set columns_of_timeline 'OUT at timestamptz, OUT kind text, OUT version timestamptz, OUT operation text, OUT author text, OUT db_user name, OUT status_from text, OUT status_to text, OUT fields jsonb, OUT comment_id bigint, OUT reply_to bigint, OUT thread bigint, OUT depth integer, OUT body text, OUT save_refused boolean'

CALL pg_temp.create_function('timeline', 'timeline_by_key', NULL,
    'max_rows integer DEFAULT 100, before timestamptz DEFAULT NULL', 'SETOF record', :'columns_of_timeline');

CALL pg_temp.create_function(NULL, NULL, 'record_timeline',
    'max_rows integer DEFAULT 100, before timestamptz DEFAULT NULL', 'SETOF record',
    :'columns_of_timeline' || ', OUT edited_at timestamptz, OUT edited_by text, OUT withdrawn_at timestamptz, OUT reverts timestamptz');

CALL pg_temp.create_function('add_comment', 'add_comment_by_key', 'add_record_comment',
    'body text, author text, reply_to bigint DEFAULT NULL', 'bigint');

CALL pg_temp.create_function('edit_comment', NULL, 'edit_record_comment',
    'comment_id bigint, expected_body text, body text, author text', 'crm_comment_result');

CALL pg_temp.create_function('withdraw_comment', NULL, 'withdraw_record_comment',
    'comment_id bigint, author text, reason text DEFAULT NULL', 'crm_comment_result');

CALL pg_temp.create_function('redact_comment', NULL, 'redact_record_comment', 'comment_id bigint', 'jsonb');

CALL pg_temp.create_function('export_comments', 'export_comments_by_key', 'export_record_comments',
    'time_zone text DEFAULT ''UTC''', 'text');

CALL pg_temp.create_function('import_comments', 'import_comments_by_key', 'import_record_comments',
    'comments text, time_zone text DEFAULT ''UTC''', 'integer');

CALL pg_temp.create_function('lock_customer', 'lock_customer_by_key', 'lock_record',
    'author text, ttl interval DEFAULT ''15 minutes'', lock_id uuid DEFAULT NULL', 'crm_lock_result');

-- Those of version 1.0.
DROP FUNCTION IF EXISTS crm_unlock_customer(bigint, uuid), crm_unlock_customer_by_key(text, uuid),
    crm_proxy.unlock_customer(integer, bigint, uuid), crm_proxy.unlock_customer_by_key(integer, text, uuid);

CALL pg_temp.create_function('unlock_customer', 'unlock_customer_by_key', 'unlock_record',
    'lock_id uuid, force boolean DEFAULT false, author text DEFAULT NULL', 'boolean');

CALL pg_temp.create_function('delete_customer', NULL, 'delete_record',
    'expected_ts timestamptz, comment text, author text', 'crm_update_result');

CALL pg_temp.create_function('restore_customer', NULL, 'restore_record',
    'author text, comment text DEFAULT NULL', 'crm_update_result');

CALL pg_temp.create_function('revert_customer', NULL, 'revert_record',
    'expected_ts timestamptz, version timestamptz, author text, comment text DEFAULT NULL, whole boolean DEFAULT false, '
    'fields text[] DEFAULT NULL', 'crm_update_result');

CALL pg_temp.create_function(NULL, NULL, NULL,
    'expected_ts timestamptz, choose jsonb, comment text DEFAULT NULL, author text DEFAULT NULL', 'crm_update_result',
    of_refused => 'resolve_refused');

CALL pg_temp.create_function(NULL, NULL, NULL, '', 'boolean', of_refused => 'discard_refused');

CALL pg_temp.create_function('erase_customer', 'erase_customer_by_key', 'erase_record', '', 'jsonb');

CALL pg_temp.create_function('verify', 'verify_by_key', 'verify_record',
    '', 'SETOF record', 'OUT customer text, OUT invariant text, OUT problem text, OUT detail jsonb', 'DEFAULT NULL');

-- Without a key these read all partitions.
CREATE OR REPLACE FUNCTION crm_verify(
    id            bigint DEFAULT NULL,
    OUT customer  text,
    OUT invariant text,
    OUT problem   text,
    OUT detail    jsonb
)
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
DECLARE
    error_detail pg_catalog.text;
    error_hint pg_catalog.text;
BEGIN
    IF id IS NULL THEN
        RETURN QUERY SELECT v.customer, v.invariant, v.problem, v.detail FROM crm_proxy.verify_all(crm_proxy.all_partitions()) v;
        RETURN;
    END IF;
    RETURN QUERY SELECT * FROM crm_proxy.verify(crm_proxy.key_hash(id::pg_catalog.text), id);
EXCEPTION WHEN query_canceled OR OTHERS THEN
    GET STACKED DIAGNOSTICS error_detail = PG_EXCEPTION_DETAIL, error_hint = PG_EXCEPTION_HINT;
    PERFORM crm_proxy.raise_error(SQLSTATE, SQLERRM, error_detail, error_hint);
END
$$;

CREATE OR REPLACE FUNCTION crm_proxy.verify_records(parts integer[], record_table text, OUT customer text, OUT invariant text,
    OUT problem text, OUT detail jsonb
)
RETURNS SETOF record
LANGUAGE plproxy
AS $$
    CLUSTER 'crm';
    SPLIT parts;
    RUN ON parts;
    SELECT * FROM crm_verify_record(record_table);
$$;

CREATE OR REPLACE FUNCTION crm_verify_record(
    record_table  text,
    key           text DEFAULT NULL,
    OUT customer  text,
    OUT invariant text,
    OUT problem   text,
    OUT detail    jsonb
)
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
AS $$
DECLARE
    error_detail pg_catalog.text;
    error_hint pg_catalog.text;
BEGIN
    IF key IS NULL THEN
        RETURN QUERY SELECT * FROM crm_proxy.verify_records(crm_proxy.all_partitions(), record_table);
        RETURN;
    END IF;
    RETURN QUERY SELECT * FROM crm_proxy.verify_record(crm_proxy.hash_of_key(key), record_table, key);
EXCEPTION WHEN query_canceled OR OTHERS THEN
    GET STACKED DIAGNOSTICS error_detail = PG_EXCEPTION_DETAIL, error_hint = PG_EXCEPTION_HINT;
    PERFORM crm_proxy.raise_error(SQLSTATE, SQLERRM, error_detail, error_hint);
END
$$;

-- Many saves -------------------------------------------------------------------------------------

-- Those of version 1.0.
DROP FUNCTION IF EXISTS crm_proxy.update_customers(integer[], jsonb[]), crm_proxy.hash_of_save(jsonb);

CREATE OR REPLACE FUNCTION crm_proxy.update_records(parts integer[], part_saves jsonb[], all_or_nothing boolean,
    OUT partition integer, OUT ord integer, OUT outcome text, OUT http_status integer, OUT status text,
    OUT updated_at timestamptz, OUT comment_id bigint, OUT message text, OUT detail jsonb
)
RETURNS SETOF record
LANGUAGE plproxy
AS $$
    CLUSTER 'crm';
    SPLIT parts, part_saves;
    RUN ON parts;
    SELECT (parts::integer[])[1] AS partition, r.* FROM crm_update_records((part_saves::jsonb[])[1], all_or_nothing) r;
$$;

CREATE OR REPLACE FUNCTION crm_proxy.hash_of_save(save jsonb, has_operation boolean)
RETURNS integer
LANGUAGE plpgsql
AS $$
DECLARE
    no_save constant text := 'No save of the call was made.';
    argument text;
    id text := save ->> 'id';
    key text := save ->> 'key';
BEGIN
    IF jsonb_typeof(save) <> 'object' THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'a save must be a JSON object', DETAIL = no_save,
            HINT = 'Its keys are those of the arguments of crm_update_customer().';
    END IF;
    FOR argument IN SELECT jsonb_object_keys(save) LOOP
        IF argument NOT IN ('table', 'id', 'key', 'expected_ts', 'status', 'comment', 'author', 'merge', 'reply_to', 'fields')
            AND NOT (has_operation AND argument = 'operation') THEN
            RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = format('a save has no argument "%s"', argument), DETAIL = no_save,
                HINT = 'Its arguments are those of crm_update_customer(), with id or key; other columns go into fields.';
        END IF;
    END LOOP;
    FOREACH argument IN ARRAY ARRAY['id', 'key'] LOOP
        IF jsonb_typeof(save -> argument) NOT IN ('string', 'number', 'null') THEN
            RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = format('%s must be a string', argument), DETAIL = no_save,
                HINT = format('Mend the value of "%s".', argument);
        END IF;
        IF argument = 'id' THEN
            id := id::bigint::text;
        END IF;
    END LOOP;
    IF id IS NOT NULL AND key IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'a save must not have both id and key', DETAIL = no_save,
            HINT = 'Leave one of them out.';
    ELSIF id IS NULL AND key IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22004', MESSAGE = 'id must not be null', DETAIL = 'Nothing was saved.',
            HINT = 'Pass a value for id.';
    END IF;
    RETURN crm_proxy.key_hash(coalesce(id, crm_proxy.canonical_key(key)));
END
$$;

COMMENT ON FUNCTION crm_proxy.hash_of_save(jsonb, boolean) IS
    'the hash of the record of one of many saves, which may name an operation or not; raises what the extension raises for what is no save';

CREATE OR REPLACE FUNCTION crm_proxy.position_of(routes integer[], partition_number integer, ord integer)
RETURNS integer
LANGUAGE sql IMMUTABLE
AS $$
    SELECT position::integer FROM unnest(routes) WITH ORDINALITY r (partition, position)
    WHERE r.partition = partition_number ORDER BY position LIMIT 1 OFFSET ord - 1
$$;

COMMENT ON FUNCTION crm_proxy.position_of(integer[], integer, integer) IS
    'the position in the whole array of the save that has the position ord in the part of its partition';

CREATE OR REPLACE FUNCTION crm_proxy.save_many(saves jsonb, all_or_nothing boolean, have_operations boolean)
RETURNS SETOF crm_update_customers_result
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    save jsonb;
    position integer := 0;
    routes integer[] := '{}';
    mask integer;
    is_routed boolean := false;
    error_message text;
    error_detail text;
    error_hint text;
    in_part text[];
BEGIN
    IF saves IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22004', MESSAGE = 'saves must not be null', DETAIL = 'Nothing was saved.',
            HINT = 'Pass a value for saves.';
    ELSIF all_or_nothing IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22004', MESSAGE = 'all_or_nothing must not be null', DETAIL = 'Nothing was saved.',
            HINT = 'Pass a value for all_or_nothing.';
    ELSIF jsonb_typeof(saves) <> 'array' THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'saves must be a JSON array', DETAIL = 'Nothing was saved.',
            HINT = 'Pass one object for each save, as in [{"id": 1, "expected_ts": ..., "author": ...}].';
    END IF;
    mask := cardinality(crm_proxy.all_partitions()) - 1;
    FOR save IN SELECT jsonb_array_elements(saves) LOOP
        position := position + 1;
        routes[position] := crm_proxy.hash_of_save(save, have_operations) & mask;
        IF all_or_nothing AND routes[position] <> routes[1] THEN
            RAISE EXCEPTION USING ERRCODE = '0A000', MESSAGE = 'saves of several partitions cannot be made all or none',
                DETAIL = format('This one is of partition %s, save 1 of partition %s. Nothing was saved.', routes[position], routes[1]),
                HINT = 'Send one call for each partition, which crm_partition() tells, or leave out all_or_nothing.';
        END IF;
    END LOOP;
    is_routed := true;

    RETURN QUERY
        WITH placed AS (
            SELECT r.partition, r.position, row_number() OVER (PARTITION BY r.partition ORDER BY r.position) AS ord,
                   saves -> (r.position::integer - 1) AS save
            FROM unnest(routes) WITH ORDINALITY r (partition, position)
        ), parts AS (
            SELECT array_agg(p.partition) AS numbers, array_agg(p.part) AS saves
            FROM (SELECT s.partition, jsonb_agg(s.save ORDER BY s.position) AS part FROM placed s GROUP BY s.partition) p
        )
        SELECT p.position::integer, r.outcome, r.http_status, r.status, r.updated_at, r.comment_id, r.message, r.detail
        FROM parts, crm_proxy.update_records(parts.numbers, parts.saves, all_or_nothing) r
        JOIN placed p ON p.partition = r.partition AND p.ord = r.ord
        ORDER BY p.position;
EXCEPTION WHEN query_canceled OR OTHERS THEN
    GET STACKED DIAGNOSTICS error_detail = PG_EXCEPTION_DETAIL, error_hint = PG_EXCEPTION_HINT;
    error_message := SQLERRM;
    IF NOT is_routed AND position > 0 THEN
        error_message := format('save %s: %s', position, error_message);
    ELSIF is_routed THEN
        in_part := regexp_match(error_message, '^(\S+\(\d+\): \[([^]]*)\] REMOTE [^:]*: save )(\d+)(: .*)$');
        SELECT in_part[1] || crm_proxy.position_of(routes, p.partition, in_part[3]::integer) || in_part[4]
            INTO error_message FROM crm_proxy.partitions() p WHERE p.database = in_part[2];
        error_message := coalesce(error_message, SQLERRM);
    END IF;
    BEGIN
        PERFORM crm_proxy.raise_error(SQLSTATE, error_message, error_detail, error_hint);
    EXCEPTION WHEN query_canceled OR OTHERS THEN
        IF NOT is_routed OR (SELECT count(DISTINCT r) < 2 FROM unnest(routes) r) THEN
            RAISE;
        END IF;
        GET STACKED DIAGNOSTICS error_detail = PG_EXCEPTION_DETAIL, error_hint = PG_EXCEPTION_HINT;
        PERFORM crm_proxy.raise_error(SQLSTATE, SQLERRM, error_detail, concat_ws(' ', nullif(error_hint, ''),
            'The saves of other partitions may have been applied; sent again, these are answered as replayed.'));
    END;
END
$$;

COMMENT ON FUNCTION crm_proxy.save_many(jsonb, boolean, boolean) IS 'crm_update_customers(), or where saves have operations crm_update_records()';

CREATE OR REPLACE FUNCTION crm_update_customers(saves jsonb)
RETURNS SETOF crm_update_customers_result
LANGUAGE sql VOLATILE PARALLEL UNSAFE
AS $$ SELECT * FROM crm_proxy.save_many(saves, false, false) $$;

CREATE OR REPLACE FUNCTION crm_update_records(saves jsonb, all_or_nothing boolean DEFAULT false)
RETURNS SETOF crm_update_customers_result
LANGUAGE sql VOLATILE PARALLEL UNSAFE
AS $$ SELECT * FROM crm_proxy.save_many(saves, all_or_nothing, true) $$;

COMMENT ON FUNCTION crm_update_records(jsonb, boolean) IS
    'the extension''s crm_update_records(jsonb, boolean), as crm_update_customers() is; all or nothing is of one partition: raises 0A000 for saves of several';

COMMENT ON FUNCTION crm_update_customers(jsonb) IS
    'the extension''s crm_update_customers(jsonb): the saves of each partition are one transaction there, all partitions at the same time; answered in the order given. Sent again after an error, what was applied is answered as replayed. An error names the position in the whole array and undoes the saves of its partition; what is no save, or has no key, is refused before any is made';

-- Creation ---------------------------------------------------------------------------------------

CREATE SEQUENCE IF NOT EXISTS crm_proxy.customer_ids;

COMMENT ON SEQUENCE crm_proxy.customer_ids IS
    'the ids of new customers of all partitions; of n proxies each has INCREMENT n and a START of its own (scale/README.md)';

GRANT USAGE ON SEQUENCE crm_proxy.customer_ids TO PUBLIC;

CREATE OR REPLACE FUNCTION crm_new_customer_id()
RETURNS bigint
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT nextval('crm_proxy.customer_ids') $$;

COMMENT ON FUNCTION crm_new_customer_id() IS
    'an id for a new customer that no other customer of any partition has: drawn before crm_create_customer(), so that this can be sent again';

CREATE OR REPLACE FUNCTION crm_proxy.create_customer(hash integer, customer_key text, new_fields jsonb,
    OUT key text, OUT updated_at timestamptz
)
RETURNS record
LANGUAGE plproxy
AS $$
    CLUSTER 'crm';
    RUN ON hash;
    SELECT * FROM crm_shard.create_customer(customer_key, new_fields);
$$;

CREATE OR REPLACE FUNCTION crm_create_customer(fields jsonb, INOUT id bigint DEFAULT NULL, OUT updated_at timestamptz)
RETURNS record
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    error_detail text;
    error_hint text;
BEGIN
    id := coalesce(id, nextval('crm_proxy.customer_ids'));
    SELECT c.updated_at INTO updated_at FROM crm_proxy.create_customer(crm_proxy.key_hash(id::text), id::text, fields) c;
EXCEPTION WHEN query_canceled OR OTHERS THEN
    GET STACKED DIAGNOSTICS error_detail = PG_EXCEPTION_DETAIL, error_hint = PG_EXCEPTION_HINT;
    PERFORM crm_proxy.raise_error(SQLSTATE, SQLERRM, error_detail, error_hint);
END
$$;

COMMENT ON FUNCTION crm_create_customer(jsonb, bigint) IS
    'inserts a customer with the columns that fields names, in the partition of its id (default: a new one), and returns id and version; raises what an INSERT raises: 23505 for an id that is there. After a lost connection only a caller who chose the id, with crm_new_customer_id(), can send it again: 23505 then says that it was inserted';

CREATE OR REPLACE FUNCTION crm_create_customer_by_key(INOUT key text, fields jsonb, OUT updated_at timestamptz)
RETURNS record
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    error_detail text;
    error_hint text;
BEGIN
    SELECT c.key, c.updated_at INTO key, updated_at
    FROM crm_proxy.create_customer(crm_proxy.hash_of_key(key), key, fields) c;
EXCEPTION WHEN query_canceled OR OTHERS THEN
    GET STACKED DIAGNOSTICS error_detail = PG_EXCEPTION_DETAIL, error_hint = PG_EXCEPTION_HINT;
    PERFORM crm_proxy.raise_error(SQLSTATE, SQLERRM, error_detail, error_hint);
END
$$;

COMMENT ON FUNCTION crm_create_customer_by_key(text, jsonb) IS
    'crm_create_customer() for keys of every type, given as text; returns the key and the version; raises 22P02 also for a malformed key';

-- All partitions ---------------------------------------------------------------------------------
--
-- One partition that cannot be reached fails these: its error names it.

-- Makes crm_proxy.NAME, which runs a query in each partition, and crm_NAME, which reads what all of them answer. The
-- query may have one parameter, which it has to cast; its value is an expression, perhaps of the argument of crm_NAME.
CREATE OR REPLACE PROCEDURE pg_temp.create_function_of_all_partitions(
    name          text,
    out_arguments text,
    query         text,
    comment       text,
    argument      text DEFAULT '',
    parameter     text DEFAULT '',
    value         text DEFAULT '',
    order_by      text DEFAULT 'r.partition'
)
LANGUAGE plpgsql
AS $procedure$
BEGIN
    out_arguments := 'OUT partition integer, ' || out_arguments;

    EXECUTE format($create$
CREATE OR REPLACE FUNCTION crm_proxy.%1$s(%2$s)
RETURNS SETOF record
LANGUAGE plproxy
AS $$
    CLUSTER 'crm';
    SPLIT parts;
    RUN ON parts;
    SELECT (parts::integer[])[1] AS partition, %3$s;
$$
        $create$, name, concat_ws(', ', 'parts integer[]', nullif(parameter, ''), out_arguments), query);

    EXECUTE format($create$
CREATE OR REPLACE FUNCTION crm_%1$s(%2$s)
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    error_detail text;
    error_hint text;
BEGIN
    RETURN QUERY SELECT * FROM crm_proxy.%1$s(%3$s) r
        ORDER BY %4$s;
EXCEPTION WHEN query_canceled OR OTHERS THEN
    GET STACKED DIAGNOSTICS error_detail = PG_EXCEPTION_DETAIL, error_hint = PG_EXCEPTION_HINT;
    PERFORM crm_proxy.raise_error(SQLSTATE, SQLERRM, error_detail, error_hint);
END
$$
        $create$, name, concat_ws(', ', nullif(argument, ''), out_arguments),
        concat_ws(', ', 'crm_proxy.all_partitions()', nullif(value, '')), order_by);

    EXECUTE format('COMMENT ON FUNCTION crm_%s IS %L', name, comment);
END
$procedure$;

CALL pg_temp.create_function_of_all_partitions('doctor_all',
    'OUT check_name text, OUT status text, OUT finding text, OUT hint text',
    'r.* FROM crm_doctor() r',
    'crm_doctor() of every partition');

CALL pg_temp.create_function_of_all_partitions('versions',
    'OUT sql_objects text, OUT library text, OUT shard text, OUT proxy text',
    'e.extversion AS sql_objects, crm_concurrency_version() AS library, crm_shard.version() AS shard,
        of_proxy::text AS proxy FROM pg_catalog.pg_extension e WHERE e.extname = ''crm_concurrency''',
    'the versions of each partition''s extension, of the library that it loads and of shard.sql, beside that of this proxy: '
    'all alike are good; raises 42883 where a partition is older than 1.1',
    parameter => 'of_proxy text', value => 'crm_proxy.version()');

CALL pg_temp.create_function_of_all_partitions('verify_all',
    'OUT customer text, OUT invariant text, OUT problem text, OUT detail jsonb',
    'r.* FROM crm_verify() r',
    'crm_verify() of every partition: no rows are good');

CALL pg_temp.create_function_of_all_partitions('misplaced',
    'OUT key text, OUT belongs_to integer',
    'r.* FROM crm_shard.misplaced((parts::integer[])[1], partitions::integer) r',
    'the customers that lie in another partition than the one where calls look for them, and the one where they '
    'belong: no rows are good. Each partition reads all its keys',
    parameter => 'partitions integer', value => 'cardinality(crm_proxy.all_partitions())',
    order_by => 'r.partition, r.key');

\set columns_of_deleted 'OUT key text, OUT version timestamptz, OUT author text, OUT db_user name, OUT status text, OUT comment text, OUT comments bigint, OUT row_values jsonb'

CALL pg_temp.create_function_of_all_partitions('deleted', :'columns_of_deleted',
    'r.* FROM crm_deleted(row_limit::integer, until::timestamptz) r',
    'the extension''s crm_deleted(integer, timestamptz) of all partitions: what can be restored, newest first, by the clocks of '
    'their servers',
    argument => 'max_rows integer DEFAULT 100, before timestamptz DEFAULT NULL',
    parameter => 'row_limit integer, until timestamptz', value => 'max_rows, before',
    order_by => 'r.version DESC, r.partition, r.key LIMIT max_rows');

CALL pg_temp.create_function_of_all_partitions('deleted_records', :'columns_of_deleted',
    'r.* FROM crm_deleted_records(of_table::regclass, row_limit::integer, until::timestamptz) r',
    'crm_deleted() for the attached table that has this name in the partitions',
    argument => 'record_table text, max_rows integer DEFAULT 100, before timestamptz DEFAULT NULL',
    parameter => 'of_table text, row_limit integer, until timestamptz', value => 'record_table, max_rows, before',
    order_by => 'r.version DESC, r.partition, r.key LIMIT max_rows');

\set columns_of_refused 'OUT refused_id bigint, OUT key text, OUT author text, OUT db_user name, OUT kept_at timestamptz, OUT refused_at timestamptz, OUT times bigint, OUT based_on timestamptz, OUT status text, OUT fields jsonb, OUT comment_id bigint, OUT conflicts jsonb'

CALL pg_temp.create_function_of_all_partitions('refused_saves', :'columns_of_refused',
    'r.* FROM crm_refused_saves(of_author, of_id::bigint) r',
    'the extension''s crm_refused_saves(text, bigint) of all partitions, latest first, by the clocks of their servers',
    argument => 'of_author text DEFAULT NULL, id bigint DEFAULT NULL',
    parameter => 'of_author text, of_id bigint', value => 'of_author, id',
    order_by => 'r.refused_at DESC, r.partition, r.refused_id DESC');

CALL pg_temp.create_function_of_all_partitions('refused_record_saves', :'columns_of_refused',
    'r.* FROM crm_refused_record_saves(of_table::regclass, of_author, of_key) r',
    'crm_refused_saves() for the attached table that has this name in the partitions',
    argument => 'record_table text, of_author text DEFAULT NULL, of_key text DEFAULT NULL',
    parameter => 'of_table text, of_author text, of_key text', value => 'record_table, of_author, of_key',
    order_by => 'r.refused_at DESC, r.partition, r.refused_id DESC');

CALL pg_temp.create_function_of_all_partitions('refused_counts', 'OUT kind text, OUT name text, OUT refused bigint, OUT waiting bigint',
    'r.* FROM crm_refused_counts() r',
    'crm_refused_counts() of every partition');

CALL pg_temp.create_function_of_all_partitions('refused_record_counts', 'OUT kind text, OUT name text, OUT refused bigint, OUT waiting bigint',
    'r.* FROM crm_refused_record_counts(of_table::regclass) r',
    'crm_refused_counts() of every partition, for the attached table that has this name there',
    argument => 'record_table text', parameter => 'of_table text', value => 'record_table');

CALL pg_temp.create_function_of_all_partitions('counts',
    'OUT customers bigint, OUT comments bigint, OUT history bigint, OUT live_locks bigint',
    'r.* FROM crm_shard.counts() r',
    'how many customers, comments, changes in the history and live edit locks each partition has');

CALL pg_temp.create_function_of_all_partitions('recent_changes',
    'OUT key text, OUT version timestamptz, OUT recorded_at timestamptz, OUT operation text, OUT author text, '
    'OUT db_user name, OUT status_from text, OUT status_to text, OUT fields jsonb, OUT comment_id bigint',
    'r.* FROM crm_shard.recent_changes(row_limit::integer) r',
    'the latest changes of the customers of all partitions, newest first, by the clocks of their servers',
    argument => 'max_rows integer DEFAULT 100', parameter => 'row_limit integer', value => 'max_rows',
    order_by => 'r.version DESC, r.partition LIMIT max_rows');

CALL pg_temp.create_function_of_all_partitions('live_locks',
    'OUT customers text, OUT key text, OUT author text, OUT locked_at timestamptz, OUT expires_at timestamptz',
    'l.customers::text, l.key, l.author, l.locked_at,
        l.expires_at FROM crm_live_locks() l',
    'the rows of the view crm_locks',
    order_by => 'r.partition, r.key');

CREATE OR REPLACE VIEW crm_locks AS SELECT partition, customers, key, author, locked_at, expires_at FROM crm_live_locks();

GRANT SELECT ON crm_locks TO PUBLIC;

COMMENT ON VIEW crm_locks IS 'the live edit locks of all partitions';
COMMENT ON COLUMN crm_locks.partition IS 'the partition of the customer';
COMMENT ON COLUMN crm_locks.customers IS 'the customers table there';
COMMENT ON COLUMN crm_locks.key IS 'the key of the customer, as text';
COMMENT ON COLUMN crm_locks.author IS 'who holds the lock';
COMMENT ON COLUMN crm_locks.locked_at IS 'since when';
COMMENT ON COLUMN crm_locks.expires_at IS 'when the lock ends by itself';
