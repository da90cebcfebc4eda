-- The PostgREST recipe of doc/http.md, with the settings that PostgREST makes set by hand.
SET client_min_messages = warning;
CREATE SCHEMA http_postgrest;
SET search_path = http_postgrest, public;
SELECT crm_create_tables();
INSERT INTO customers (id, name) VALUES (1, 'Acme'), (2, 'Bolt');
CREATE SCHEMA api;

CREATE FUNCTION api.etag(version timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT to_char(version AT TIME ZONE 'UTC', '"\""YYYY-MM-DD"T"HH24:MI:SS.US"Z\""')
$$;

-- GET /rpc/customer?id=123
CREATE FUNCTION api.customer(id bigint) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_variable
DECLARE
    found customers;
BEGIN
    SELECT c.* INTO found FROM customers c WHERE c.id = id;
    IF found.id IS NULL THEN
        PERFORM set_config('response.status', '404', true);
        RETURN jsonb_build_object('outcome', 'not_found', 'message', format('There is no customer %s.', id));
    END IF;
    PERFORM set_config('response.headers',
        jsonb_build_array(jsonb_build_object('ETag', api.etag(found.updated_at)))::text, true);
    RETURN to_jsonb(found);
END $$;

-- POST /rpc/save_customer with If-Match: "the ETag that was read"
CREATE FUNCTION api.save_customer(id bigint, status text DEFAULT NULL, notes text DEFAULT NULL)
RETURNS jsonb LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
    headers  jsonb := nullif(current_setting('request.headers', true), '');
    claims   jsonb := nullif(current_setting('request.jwt.claims', true), '');
    if_match text := headers ->> 'if-match';
    author   text := claims ->> 'email';
    saved    record;
BEGIN
    IF author IS NULL THEN
        RAISE SQLSTATE 'PT401' USING MESSAGE = 'no identity', DETAIL = 'The token names no email.';
    END IF;
    -- A proxy that compresses makes the ETag a weak one: W/"...".
    IF if_match !~ '^(W/)?"[^"]+"$' THEN
        RAISE SQLSTATE 'PT400' USING MESSAGE = 'malformed If-Match', HINT = 'Send the ETag that was read, in its quotes.';
    END IF;

    -- Without If-Match, expected_ts is NULL: PT428.
    SELECT s.* INTO saved FROM crm_update_customer(id, substring(if_match FROM '"(.+)"')::timestamptz, status, notes, author) s;

    -- No RAISE for what was refused: PostgREST commits what returns, and rolls back what raises.
    PERFORM set_config('response.status', saved.http_status::text, true);
    IF saved.updated_at IS NOT NULL THEN
        PERFORM set_config('response.headers',
            jsonb_build_array(jsonb_build_object('ETag', api.etag(saved.updated_at)))::text, true);
    END IF;
    RETURN jsonb_build_object('outcome', saved.outcome, 'message', saved.message, 'comment_id', saved.comment_id)
        || coalesce(CASE WHEN saved.http_status = 200 THEN (SELECT to_jsonb(c) FROM customers c WHERE c.id = id)
                         ELSE saved.detail END, '{}');
END $$;

-- One request, as the role that the token names: PostgREST sets the settings for the transaction, then calls.
CREATE ROLE regress_crm_http;
GRANT USAGE ON SCHEMA http_postgrest, api TO regress_crm_http;
GRANT SELECT, UPDATE (status) ON customers TO regress_crm_http;
GRANT SELECT, INSERT (customer_id, author, body) ON comments TO regress_crm_http;
GRANT SELECT ON customer_history TO regress_crm_http;
CREATE FUNCTION answer(statement text, if_match text, email text) RETURNS TABLE (http text, etag text, body jsonb)
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('request.headers', jsonb_strip_nulls(jsonb_build_object('if-match', if_match))::text, true);
    PERFORM set_config('request.jwt.claims', jsonb_strip_nulls(jsonb_build_object('email', email))::text, true);
    SET LOCAL ROLE regress_crm_http;
    EXECUTE statement INTO body;
    RESET ROLE;
    http := coalesce(nullif(current_setting('response.status', true), ''), '200');
    etag := nullif(current_setting('response.headers', true), '')::jsonb -> 0 ->> 'ETag';
    etag := CASE WHEN etag = (SELECT api.etag(updated_at) FROM customers WHERE id = 1) THEN 'current' ELSE etag END;
    RETURN NEXT;
END $$;
CREATE FUNCTION save(if_match text, new_status text, notes text, email text DEFAULT 'ana@example.com', customer bigint DEFAULT 1)
RETURNS TABLE (http text, etag text, body jsonb) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY SELECT * FROM answer(format('SELECT api.save_customer(%s, %L, %L)', customer, new_status, notes), if_match, email);
END $$;

-- reading gives the ETag
SELECT http, etag, body - 'updated_at' AS body FROM answer('SELECT api.customer(1)', NULL, NULL);
SELECT * FROM answer('SELECT api.customer(99)', NULL, NULL);
SELECT api.etag(updated_at) AS seen FROM customers WHERE id = 1 \gset

-- 200 with the row; the same request again; a conflict, whose comment is kept; the next save adopts it
SELECT http, etag, body - 'updated_at' AS body FROM save(:'seen', 'won', 'Signed');
SELECT http, etag, body ->> 'outcome' AS outcome, body ->> 'comment_id' AS comment FROM save(:'seen', 'won', 'Signed');
SELECT http, etag, body ->> 'outcome' AS outcome, body ->> 'comment_id' AS comment, body -> 'conflicts' AS conflicts,
       body #>> '{current,status}' AS current, jsonb_path_query_array(body, '$.changes[*].author') AS changes
FROM save(:'seen', 'lost', 'No budget', 'ben@example.com');
SELECT id, author, body, save_refused FROM comments ORDER BY id;
SELECT api.etag(updated_at) AS base FROM customers WHERE id = 1 \gset
SELECT http, body ->> 'outcome' AS outcome, body ->> 'comment_id' AS comment FROM save(:'base', 'lost', 'No budget', 'ben@example.com');
SELECT id, author, body, save_refused FROM comments ORDER BY id;

-- an ETag reads the same whatever the session's settings are
SET TimeZone = 'Asia/Kathmandu';
SET DateStyle = 'SQL, DMY';
SELECT http, etag FROM answer('SELECT api.customer(1)', NULL, NULL);
SELECT http, etag, body ->> 'outcome' AS outcome FROM save((SELECT api.etag(updated_at) FROM customers WHERE id = 1), 'won again', NULL);
RESET TimeZone;
RESET DateStyle;

-- a weak one is as good
SELECT http, etag, body ->> 'outcome' AS outcome FROM save('W/' || (SELECT api.etag(updated_at) FROM customers WHERE id = 1), 'won twice', NULL);

-- 404 and 410
SELECT http, etag, body FROM save(:'base', 'won', NULL, customer => 99);
DELETE FROM customers WHERE id = 2;
SELECT http, etag, body FROM save(:'base', 'won', NULL, customer => 2);

-- errors are raised: nothing was to be kept. PostgREST makes PTnnn the status nnn
SELECT state, message, hint FROM regress.error($$SELECT save(NULL, 'x', 'words')$$);
SELECT state, message, detail FROM regress.error(format($$SELECT save(%L, 'x', 'words', NULL)$$, :'base'));
SELECT state, message, hint FROM regress.error($$SELECT save('*', 'x', 'words')$$);
SELECT regress.state(format($$SELECT save(%L, 'x', 'words')$$, 'W/' || trim(:'base', '"')));
SELECT regress.state(format($$SELECT save(%L, 'x', 'words')$$, :'base' || ', ' || :'seen'));
SELECT regress.state($$SELECT save('"yesterday noon"', 'x', 'words')$$);
SELECT regress.state($$SELECT save('""', 'x', 'words')$$);
REVOKE UPDATE (status) ON customers FROM regress_crm_http;
SELECT regress.state(format($$SELECT save(%L, 'x', 'words')$$, api.etag(regress.current(1))));
SELECT count(*) FROM comments;

SELECT * FROM regress.violations();
DROP OWNED BY regress_crm_http;
DROP ROLE regress_crm_http;
