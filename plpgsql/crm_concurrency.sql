-- crm_concurrency, the PL/pgSQL edition: for servers that take no C extension.
--
-- Creates the standard tables and their functions in the first schema of the search_path, where only their owner should be
-- able to create anything, and brings an older edition that is there to this version:
--
--     psql -1 -v ON_ERROR_STOP=1 -c 'CREATE SCHEMA crm' -c 'SET search_path = crm' -f crm_concurrency.sql
--
-- It is plain SQL, for PostgreSQL 15 to 19 and databases in UTF-8, and one statement: all or nothing, however it is sent.
-- doc/plpgsql-edition.md says what it has and lacks; uninstall.sql makes way for the extension, which takes the tables as they
-- are; scripts/package makes a Trusted Language Extension of it. Names that begin with crm_internal are not for callers.

DO $crm_concurrency$
DECLARE
    state text;
    message text;
    detail text;
    hint text;
BEGIN
EXECUTE $script$

-- Tables may have columns that are named as variables here: #variable_conflict says which are meant, and columns that are named
-- as arguments stand behind the name of their table.

-- Until the functions know their schema, see the end, and the tables are there.
SET check_function_bodies = off;

-- The version -------------------------------------------------------------------------------------

DO $$
DECLARE
    edition CONSTANT text := '1.1';
    schema CONSTANT text := quote_ident(current_schema());
    secret CONSTANT oid := to_regclass(schema || '.crm_internal_secret');
    owner CONSTANT name := (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = secret);
    installed text;
    extension record;
    planted record;
BEGIN
    IF schema IS NULL THEN
        RAISE invalid_schema_name USING MESSAGE = 'no schema has been selected to create in',
            DETAIL = 'Nothing was changed.', HINT = 'Set search_path to the schema that is to have crm_concurrency.';
    ELSIF secret IS NULL THEN
        IF to_regtype(schema || '.crm_update_result') IS NOT NULL THEN
            RAISE duplicate_object
                USING MESSAGE = format('schema %s has a crm_concurrency that is not the PL/pgSQL edition', schema),
                    DETAIL = 'Nothing was changed.', HINT = 'Install the edition in a schema of its own.';
        END IF;
    ELSIF owner <> current_user THEN
        RAISE insufficient_privilege
            USING MESSAGE = format('crm_concurrency in schema %s belongs to %s', schema, quote_ident(owner)),
                DETAIL = 'Nothing was changed.', HINT = format('SET ROLE %I.', owner);
    END IF;

    -- What somebody else made here would be called now, and stay that role's when it is replaced.
    SELECT p.oid::regprocedure AS name, pg_get_userbyid(p.proowner) AS owner INTO planted FROM pg_proc p
    WHERE p.pronamespace = to_regnamespace(schema) AND p.proname ~ '^crm_' AND pg_get_userbyid(p.proowner) <> current_user LIMIT 1;
    IF planted.name IS NOT NULL THEN
        RAISE insufficient_privilege
            USING MESSAGE = format('function %s belongs to %s', planted.name, quote_ident(planted.owner)),
                DETAIL = 'Nothing was changed.', HINT = 'Install the edition in a schema where nobody else may create.';
    END IF;

    IF secret IS NOT NULL THEN
        installed := '1.0';
        IF to_regprocedure(schema || '.crm_concurrency_version()') IS NOT NULL THEN
            EXECUTE format('SELECT %s.crm_concurrency_version()', schema) INTO installed;
        END IF;
        IF string_to_array(installed, '.')::integer[] OPERATOR(pg_catalog.>) string_to_array(edition, '.')::integer[] THEN
            RAISE object_not_in_prerequisite_state
                USING MESSAGE = format('schema %s has version %s of crm_concurrency, this is version %s',
                                       schema, installed, edition),
                    DETAIL = 'Nothing was changed.', HINT = 'Install that version or a newer one.';
        END IF;
        SELECT e.extname, e.extversion INTO extension FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
        WHERE d.classid = 'pg_class'::regclass AND d.objid = secret AND d.refclassid = 'pg_extension'::regclass
          AND d.deptype = 'e';
        IF extension.extversion <> edition THEN
            RAISE object_not_in_prerequisite_state
                USING MESSAGE = format('crm_concurrency in schema %s is extension %s', schema, quote_ident(extension.extname)),
                    DETAIL = 'Nothing was changed.', HINT = format('ALTER EXTENSION %I UPDATE.', extension.extname);
        END IF;

        -- Saves that are under way end before, and others wait: all lock a row of this table, before they lock anything else. What
        -- follows waits for none of them.
        IF to_regclass(schema || '.customers') IS NOT NULL THEN
            EXECUTE format('LOCK TABLE %s.customers IN EXCLUSIVE MODE', schema);
        END IF;

        -- What earlier versions had and this one has not. That which is replaced need not be named.
        IF installed = '1.0' THEN
            EXECUTE format('DROP FUNCTION %1$s.crm_internal_changed(%1$s.customers, %1$s.customers), '
                           '%1$s.crm_internal_large_change(%1$s.customers, %1$s.customers), '
                           '%1$s.crm_internal_fields(jsonb)', schema);
        END IF;
    END IF;

    EXECUTE format('CREATE OR REPLACE FUNCTION crm_concurrency_version() RETURNS text IMMUTABLE RETURN %L', edition);
END $$;

COMMENT ON FUNCTION crm_concurrency_version() IS 'the version of crm_concurrency: see doc/plpgsql-edition.md#versions';

-- Types ------------------------------------------------------------------------------------------

DO $$
BEGIN
    IF to_regclass(quote_ident(current_schema()) || '.crm_internal_secret') IS NULL THEN
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

        CREATE TYPE crm_internal_seen AS (
            shown   jsonb,
            omitted text[],
            status  text
        );

        CREATE TYPE crm_internal_save AS (
            customer       bigint,
            base           timestamptz,
            status         text,
            comment        text,
            author         text,
            reply_to       bigint,
            merge          boolean,
            fields         jsonb,     -- as the columns would store them
            omitted_fields jsonb,     -- those of them that are shown by their size
            kept_window    interval,  -- how long the comment of a refused save is looked for
            comment_key    bigint,    -- of the advisory lock that refused and adopted comments meet at
            request        uuid       -- the digest, once it is needed
        );

        CREATE TYPE crm_internal_plan AS (
            outcome    text,         -- updated, merged, unchanged, replayed or conflict
            status     text,
            fields     jsonb,
            comment_id bigint,       -- when the comment is there already
            has_kept   boolean,      -- whether refused saves left comments
            applied    timestamptz   -- the version to replay
        );

        -- See "What saves read with the owner's rights".
        CREATE TABLE crm_internal_secret (secret text);
        INSERT INTO crm_internal_secret VALUES (gen_random_uuid()::text || gen_random_uuid()::text);
        REVOKE ALL ON crm_internal_secret FROM PUBLIC;

        -- See "Values as JSON".
        CREATE VIEW crm_internal_casts_of_others AS
        SELECT c.castsource AS type
        FROM pg_catalog.pg_cast c
            JOIN pg_catalog.pg_proc p ON p.oid = c.castfunc
            JOIN pg_catalog.pg_language l ON l.oid = p.prolang
        WHERE c.castsource >= 16384 AND c.casttarget = 'pg_catalog.json'::regtype AND c.castmethod = 'f'
          AND l.lanname NOT IN ('internal', 'c')
          AND NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.oid = p.proowner AND r.rolsuper);

        GRANT SELECT ON crm_internal_casts_of_others TO PUBLIC;
    END IF;
END $$;

COMMENT ON TYPE crm_update_result IS 'what became of a save';
COMMENT ON TYPE crm_update_customers_result IS 'what became of one of many saves';
COMMENT ON TYPE crm_lock_result IS 'what became of a request for an edit lock';
COMMENT ON TYPE crm_internal_seen IS
    'internal: a customer as the caller sees it, the columns of which it has the size alone, and the status';
COMMENT ON TYPE crm_internal_save IS 'internal: one save on its way to its result';
COMMENT ON TYPE crm_internal_plan IS
    'internal: what is to become of a save whose row is locked, and what of it differs from what is there';
COMMENT ON TABLE crm_internal_secret IS 'internal: what passes are made of';
COMMENT ON VIEW crm_internal_casts_of_others IS 'internal: the types whose cast to json is not called';

-- Versions, texts and settings -------------------------------------------------------------------

-- Whether both name the same version: they differ by less than a millisecond.
CREATE OR REPLACE FUNCTION crm_internal_same(a timestamptz, b timestamptz) RETURNS boolean STABLE
RETURN isfinite(a) AND isfinite(b) AND a > b - interval '1 ms' AND a < b + interval '1 ms';

-- Whether a time lies less than a window before the clock. It may lie as far ahead, of a clock that was set back since.
CREATE OR REPLACE FUNCTION crm_internal_is_within(t timestamptz, within interval) RETURNS boolean
RETURN within > interval '0' AND t > clock_timestamp() - within AND t <= clock_timestamp() + within;

-- Whether an edit lock is live. One that would last longer than any was taken when the clock was ahead.
CREATE OR REPLACE FUNCTION crm_internal_is_live(expires_at timestamptz) RETURNS boolean
RETURN expires_at > clock_timestamp() AND expires_at <= clock_timestamp() + interval '24 hours';

-- A time that no version can have is as good as one nearer by, which leaves room for what is added to it.
CREATE OR REPLACE FUNCTION crm_internal_in_reach(base timestamptz) RETURNS timestamptz IMMUTABLE
RETURN CASE WHEN isfinite(base) THEN greatest(least(base, '290000-01-01 00:00:00+00'), '4000-01-01 00:00:00+00 BC')
            ELSE base END;

-- The version that follows another (NULL: none yet) now; beyond year 9999 where none is left.
CREATE OR REPLACE FUNCTION crm_internal_next(current timestamptz) RETURNS timestamptz VOLATILE
RETURN greatest(date_trunc('milliseconds', clock_timestamp()),
                CASE WHEN isfinite(current)
                     THEN date_trunc('milliseconds', current + interval '999 us') + interval '1 ms' END);

-- Whether candidate is a possible version and follows current by a millisecond at least.
CREATE OR REPLACE FUNCTION crm_internal_follows(candidate timestamptz, current timestamptz) RETURNS boolean STABLE
RETURN candidate >= current + interval '1 ms' AND isfinite(current)
       AND candidate >= '0001-01-01 00:00:00+00' AND candidate < '10000-01-01 00:00:00+00';

-- Whether a version that is given lies further ahead of the clock than those of servers whose clocks are kept in step. What a
-- dump has, whose script turns off check_function_bodies, comes back as it was.
CREATE OR REPLACE FUNCTION crm_internal_is_ahead(t timestamptz) RETURNS boolean VOLATILE
RETURN t > clock_timestamp() + interval '1 s' AND current_setting('check_function_bodies') = 'on';

-- Whether a text is empty or nothing but white space, Unicode's included.
CREATE OR REPLACE FUNCTION crm_internal_is_blank(words text) RETURNS boolean IMMUTABLE
RETURN btrim(words, E' \t\n\x0b\f\r\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a'
                    '\u2028\u2029\u202f\u205f\u3000') = '';

-- A setting crm_concurrency.*, or its default.
CREATE OR REPLACE FUNCTION crm_internal_setting(name text, otherwise text) RETURNS text STABLE
RETURN coalesce(nullif(current_setting('crm_concurrency.' || name, true), ''), otherwise);

-- A time as text that every session reads as the same time.
CREATE OR REPLACE FUNCTION crm_internal_time(moment timestamptz) RETURNS text STABLE
RETURN btrim(to_json(moment)::text, '"');

-- A part of a request for its digest: whether it is there, its length and its bytes, so that no two requests give the same.
CREATE OR REPLACE FUNCTION crm_internal_part(part text) RETURNS bytea STABLE
RETURN CASE
    WHEN part IS NULL THEN decode('00', 'hex')
    WHEN octet_length(part) < 256
    THEN set_byte(decode('0100000000', 'hex'), 1, octet_length(part)) || convert_to(part, 'UTF8')
    ELSE set_byte(set_byte(set_byte(set_byte(decode('0100000000', 'hex'), 1, octet_length(part) & 255),
                                    2, (octet_length(part) >> 8) & 255), 3, (octet_length(part) >> 16) & 255),
                  4, octet_length(part) >> 24) || convert_to(part, 'UTF8')
END;

-- The digest of parts, the same as the extension's.
CREATE OR REPLACE FUNCTION crm_internal_digest(parts bytea) RETURNS uuid IMMUTABLE
RETURN encode(substr(sha256(parts), 1, 16), 'hex')::uuid;

-- A value of a field in one form for what means the same: 1.50 and 1.5 are one number.
CREATE OR REPLACE FUNCTION crm_internal_canonical(value jsonb) RETURNS jsonb IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
    RETURN CASE jsonb_typeof(value)
        WHEN 'number' THEN to_jsonb(trim_scale(value::numeric))
        WHEN 'array' THEN (SELECT coalesce(jsonb_agg(crm_schema.crm_internal_canonical(e.value) ORDER BY e.n), '[]')
                           FROM jsonb_array_elements(value) WITH ORDINALITY e (value, n))
        WHEN 'object' THEN (SELECT coalesce(jsonb_object_agg(e.key, crm_schema.crm_internal_canonical(e.value)), '{}')
                            FROM jsonb_each(value) e)
        ELSE value
    END;
END $$;

-- Errors -----------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION crm_internal_null(argument text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE null_value_not_allowed USING MESSAGE = argument || ' must not be null', DETAIL = 'Nothing was saved.',
        HINT = format('Pass a value for %s.', argument);
END $$;

CREATE OR REPLACE FUNCTION crm_internal_blank(argument text, hint text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE invalid_parameter_value USING MESSAGE = argument || ' must not be blank', DETAIL = 'Nothing was saved.',
        HINT = crm_internal_blank.hint;
END $$;

CREATE OR REPLACE FUNCTION crm_internal_read_only(function text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE read_only_sql_transaction
        USING MESSAGE = format('cannot execute %s() in a read-only transaction', function);
END $$;

CREATE OR REPLACE FUNCTION crm_internal_denied(relation text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE insufficient_privilege USING MESSAGE = 'permission denied for table ' || relation;
END $$;

CREATE OR REPLACE FUNCTION crm_internal_suppressed(relation text, customer bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE triggered_action_exception
        USING MESSAGE = format('another trigger or rule suppressed a write to "%s" for key %s', relation, customer),
            DETAIL = 'Nothing was saved.', HINT = 'Look for a BEFORE trigger that returns NULL.';
END $$;

CREATE OR REPLACE FUNCTION crm_internal_did_not_fire() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE object_not_in_prerequisite_state
        USING MESSAGE = 'the triggers of crm_concurrency on table "customers" did not fire',
            DETAIL = 'The save was undone: it would have gone unrecorded.',
            HINT = 'Check session_replication_role and other triggers of the table.';
END $$;

CREATE OR REPLACE FUNCTION crm_internal_not_stored() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE triggered_action_exception
        USING MESSAGE = 'comment was not stored in "comments" as the save asked',
            DETAIL = 'The save was undone: another trigger changed whose comment it is, or the triggers of '
                     'crm_concurrency did not fire.',
            HINT = 'Check session_replication_role and other triggers of the table.';
END $$;

CREATE OR REPLACE FUNCTION crm_internal_hidden(customer bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE insufficient_privilege
        USING MESSAGE = format('row-level security of table "customers" does not let you change row %s', customer),
            DETAIL = 'Nothing was saved.', HINT = 'The row is visible to you, but no policy allows you to update it.';
END $$;

CREATE OR REPLACE FUNCTION crm_internal_exhausted(customer bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE datetime_field_overflow
        USING MESSAGE = format('no version is left for row %s of "customers"', customer),
            DETAIL = 'Its version has reached the end of year 9999.',
            HINT = 'Only a write past the triggers gives such a version. As the owner of the table, correct it in the same way.';
END $$;

CREATE OR REPLACE FUNCTION crm_internal_impossible_time() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE datetime_field_overflow
        USING MESSAGE = 'created_at of a comment in "comments" must be a time of the years 1 to 9999',
            DETAIL = 'Beyond them, ISO 8601 and the text form of comments end. Nothing was stored.',
            HINT = 'Leave it out for the time of now, or give the time when the comment was written.';
END $$;

CREATE OR REPLACE FUNCTION crm_internal_no_comment(customer bigint, comment bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE foreign_key_violation
        USING MESSAGE = format('customer %s has no comment %s to reply to', customer, comment),
            DETAIL = 'A reply answers an earlier comment on the same row; nothing was saved.',
            HINT = 'Pass the id of one of its comments as reply_to.';
END $$;

-- A refusal as an error, PT409 or PT423: then nothing is kept.
CREATE OR REPLACE FUNCTION crm_internal_raise(customer bigint, detail jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF crm_internal_raise.detail ? 'lock' THEN
        RAISE SQLSTATE 'PT423' USING MESSAGE = format('customer %s is locked for editing by another user', customer),
            DETAIL = crm_internal_raise.detail::text,
            HINT = 'Save again when the lock is released or has expired. Nothing was kept, not even the comment.';
    END IF;
    RAISE SQLSTATE 'PT409' USING MESSAGE = format('customer %s is not at the expected version', customer),
        DETAIL = crm_internal_raise.detail::text,
        HINT = 'Read it again and save from its current version. Nothing was kept, not even the comment.';
END $$;

CREATE OR REPLACE FUNCTION crm_internal_check_length(words text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    most CONSTANT integer := crm_schema.crm_internal_setting('max_comment_length', '1000000');
BEGIN
    IF length(words) > most THEN
        RAISE string_data_right_truncation USING MESSAGE = 'comment is too long',
            DETAIL = format('It has %s characters; crm_concurrency.max_comment_length allows %s.', length(words), most),
            HINT = 'Shorten the comment or split it; nothing was saved.';
    END IF;
END $$;

CREATE OR REPLACE FUNCTION crm_internal_check_body(words text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF words IS NULL THEN
        PERFORM crm_schema.crm_internal_null('body');
    ELSIF crm_schema.crm_internal_is_blank(words) THEN
        PERFORM crm_schema.crm_internal_blank('body', 'Pass the text of the comment.');
    END IF;
    PERFORM crm_schema.crm_internal_check_length(words);
END $$;

-- Who is the author ------------------------------------------------------------------------------

-- The authenticated user, as crm_concurrency.author_setting says where to find it; NULL where it names nobody.
CREATE OR REPLACE FUNCTION crm_internal_identity() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    source CONSTANT text := crm_schema.crm_author_setting();
    arrow CONSTANT integer := position('->>' IN source);
    name text;
    claims json;
BEGIN
    IF source = 'session_user' THEN
        RETURN session_user;
    ELSIF source = '' THEN
        RETURN NULL;
    ELSIF arrow = 0 THEN
        name := current_setting(source, true);
    ELSE
        BEGIN
            claims := current_setting(left(source, arrow - 1), true)::json;
            IF json_typeof(claims -> substr(source, arrow + 3)) IN ('string', 'number') THEN
                name := claims ->> substr(source, arrow + 3);
            END IF;
        EXCEPTION WHEN data_exception OR program_limit_exceeded OR statement_too_complex THEN
            RETURN NULL;  -- what is no JSON names nobody
        END;
    END IF;
    RETURN CASE WHEN NOT crm_schema.crm_internal_is_blank(name) THEN name END;
END $$;

-- The author of a call: the authenticated user where a setting says who that is, and then no other.
CREATE OR REPLACE FUNCTION crm_internal_author(author text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    source CONSTANT text := crm_schema.crm_author_setting();
    identity text;
BEGIN
    IF source <> '' THEN
        identity := crm_schema.crm_internal_identity();
        IF identity IS NULL THEN
            RAISE invalid_authorization_specification USING MESSAGE = 'no authenticated user is set',
                DETAIL = format('crm_concurrency.author_setting is "%s", and names nobody now.', source),
                HINT = 'Let the backend set it when it has checked who the user is, for one transaction: SELECT '
                       'set_config(..., ..., true).';
        ELSIF author <> identity THEN
            RAISE insufficient_privilege USING MESSAGE = format('author "%s" is not the authenticated user', author),
                DETAIL = format('crm_concurrency.author_setting says that it is "%s".', identity),
                HINT = 'Leave the author out, or pass that name.';
        END IF;
        RETURN identity;
    ELSIF author IS NULL THEN
        PERFORM crm_schema.crm_internal_null('author');
    ELSIF crm_schema.crm_internal_is_blank(author) THEN
        PERFORM crm_schema.crm_internal_blank('author', 'Pass the name of the person who makes the change.');
    END IF;
    RETURN author;
END $$;

-- Raises unless the caller may read what every save reads of a customer. Queries alone tell of the policies first, where
-- row_security is off.
CREATE OR REPLACE FUNCTION crm_internal_require_readable() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF NOT (has_column_privilege('crm_schema.customers'::regclass, 'id', 'SELECT')
            AND has_column_privilege('crm_schema.customers'::regclass, 'status', 'SELECT')
            AND has_column_privilege('crm_schema.customers'::regclass, 'updated_at', 'SELECT')) THEN
        PERFORM crm_schema.crm_internal_denied('customers');
    END IF;
END $$;

-- Checks the arguments of a save, and returns its author.
CREATE OR REPLACE FUNCTION crm_internal_check(base timestamptz, new_status text, words text, writer text, answered bigint)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    author text;
BEGIN
    IF base IS NULL THEN
        RAISE SQLSTATE 'PT428' USING MESSAGE = 'expected_ts must not be null',
            DETAIL = 'A save names the version that its author saw.',
            HINT = 'Send the updated_at that was read with the customer.';
    END IF;
    author := crm_schema.crm_internal_author(writer);
    IF crm_schema.crm_internal_is_blank(new_status) THEN
        PERFORM crm_schema.crm_internal_blank('status', 'Pass NULL to leave the status as it is.');
    ELSIF NOT crm_schema.crm_internal_is_blank(words) THEN
        PERFORM crm_schema.crm_internal_check_length(words);
    ELSIF answered IS NOT NULL THEN
        RAISE invalid_parameter_value USING MESSAGE = 'reply_to needs a comment',
            DETAIL = 'It names the comment that the comment answers; nothing was saved.',
            HINT = 'Pass a comment, or leave reply_to out.';
    END IF;
    RETURN author;
END $$;

-- What saves read with the owner's rights --------------------------------------------------------
--
-- A save reads history, kept comments and edit locks on which its caller has no rights. The views of crm_create_tables() show
-- them to who may save the customer, and no more of them than saves tell: a view reads its tables with the rights of its owner,
-- and calls the functions in its WHERE with those of the caller.

CREATE OR REPLACE FUNCTION crm_internal_sees(customer bigint) RETURNS boolean STABLE LANGUAGE plpgsql AS $$
#variable_conflict use_variable
BEGIN
    RETURN EXISTS (SELECT FROM crm_schema.customers WHERE id = customer);
END $$;

-- What a change says of values before it, {"column": {"from": ...}}, of columns that the caller may read as they are now; of
-- others, and of values that were left out for their size, the names alone.
CREATE OR REPLACE FUNCTION crm_internal_fields_before(fields jsonb) RETURNS jsonb STABLE LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT jsonb_object_agg(f.key, CASE WHEN has_column_privilege(a.attrelid, a.attnum, 'SELECT')
                                                     AND NOT f.value @> '{"omitted": ["from"]}'
                                                THEN f.value - 'to' - 'omitted' ELSE '{}' END)
            FROM jsonb_each(fields) f LEFT JOIN pg_catalog.pg_attribute a
                ON a.attrelid = 'crm_schema.customers'::regclass AND a.attname = f.key AND NOT a.attisdropped);
END $$;

-- What answers questions with the owner's rights, and cannot be a view, wants a pass. A view gives it to those whom a save,
-- or the foreign key of a comment, tells the answer anyway; it is good for one transaction of one session.

CREATE OR REPLACE FUNCTION crm_internal_pass_to_save(customer bigint) RETURNS bytea LANGUAGE plpgsql AS $$
#variable_conflict use_variable
BEGIN
    RETURN (SELECT pass FROM crm_schema.crm_internal_savable WHERE customer_id = customer);
END $$;

CREATE OR REPLACE FUNCTION crm_internal_pass_to_comment() RETURNS bytea LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT pass FROM crm_schema.crm_internal_commentable);
END $$;

-- Raises unless this is the pass of one of these subjects: a customer to be saved, or any to be commented. NULL is none. It
-- works with the owner's rights alone.
CREATE OR REPLACE FUNCTION crm_internal_require(pass bytea, subjects text[]) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
    IF pass IS NULL OR pass <> ALL (
        SELECT sha256(convert_to(concat_ws(' ', s.secret, pg_backend_pid(), extract(epoch FROM transaction_timestamp()), subject),
                                 'UTF8'))
        FROM crm_schema.crm_internal_secret s, unnest(subjects) AS subject) THEN
        RAISE insufficient_privilege USING MESSAGE = 'permission denied for what saves and comments ask',
            DETAIL = 'It answers only to those who may save the customer, or comment any.',
            HINT = 'Call crm_update_customer() or crm_add_comment().';
    END IF;
END $$;

CREATE OR REPLACE FUNCTION crm_internal_comment_is_there(customer bigint, comment bigint, pass bytea) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
    PERFORM crm_schema.crm_internal_require(pass, ARRAY[customer::text, 'any']);
    RETURN EXISTS (SELECT FROM crm_schema.comments WHERE customer_id = customer AND id = comment);
END $$;

CREATE OR REPLACE FUNCTION crm_internal_customer_is_there(customer bigint, pass bytea) RETURNS boolean LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
    PERFORM crm_schema.crm_internal_require(pass, ARRAY['any']);
    RETURN EXISTS (SELECT FROM crm_schema.customers WHERE id = customer);
END $$;

-- The same, and it stays until the transaction ends, as a foreign key makes it. One snapshot could not lock what has changed
-- since.
CREATE OR REPLACE FUNCTION crm_internal_customer_stays(customer bigint, pass bytea) RETURNS boolean LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
    PERFORM crm_schema.crm_internal_require(pass, ARRAY['any']);
    IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
        RETURN EXISTS (SELECT FROM crm_schema.customers WHERE id = customer);
    END IF;
    PERFORM FROM crm_schema.customers WHERE id = customer FOR KEY SHARE;
    RETURN FOUND;
END $$;

-- The comment with these words that was stored by a save from this base.
CREATE OR REPLACE FUNCTION crm_internal_comment_of_base(customer bigint, writer text, words text, answered bigint, base timestamptz,
                                                        pass bytea)
RETURNS bigint LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
    PERFORM crm_schema.crm_internal_require(pass, ARRAY[customer::text]);
    RETURN (SELECT id FROM crm_schema.comments
            WHERE customer_id = customer AND author = writer AND body = words AND reply_to IS NOT DISTINCT FROM answered
              AND based_on BETWEEN base - interval '999 us' AND base + interval '999 us'
            ORDER BY id LIMIT 1);
END $$;

-- The same comment, if it was added lately.
CREATE OR REPLACE FUNCTION crm_internal_comment_added(customer bigint, writer text, words text, answered bigint, within interval,
                                                      pass bytea)
RETURNS bigint LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
    PERFORM crm_schema.crm_internal_require(pass, ARRAY['any']);
    RETURN (SELECT c.id
            FROM (SELECT id, author, body, reply_to, created_at, based_on FROM crm_schema.comments
                  WHERE customer_id = customer ORDER BY id DESC LIMIT 30) c
            WHERE c.author = writer AND c.body = words AND c.reply_to IS NOT DISTINCT FROM answered
              AND crm_schema.crm_internal_is_within(c.created_at, within) AND c.based_on IS NULL
            ORDER BY c.id DESC LIMIT 1);
END $$;

-- When the base was made, by the clock.
CREATE OR REPLACE FUNCTION crm_internal_recorded_at(customer bigint, base timestamptz, pass bytea) RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
    PERFORM crm_schema.crm_internal_require(pass, ARRAY[customer::text]);
    RETURN (SELECT recorded_at FROM crm_schema.customer_history
            WHERE customer_id = customer AND version BETWEEN base - interval '999 us' AND base + interval '999 us'
            ORDER BY version DESC LIMIT 1);
END $$;

-- Values as JSON ---------------------------------------------------------------------------------

-- The history and answers show at most 40 MiB of a row, and no value above 16 MiB; in place of the others stands their size,
-- {"omitted_bytes": n}. To know it takes a look at every column, which is for large rows alone: what is stored in 32000 bytes has
-- no value above 16 MiB, for compression makes nothing 256 times smaller, and jsonb can hold all of it.

-- A cast to json that somebody else than a superuser made is not called, for it would run with the rights of whoever changes
-- or reads the row: the value is shown as its text. Where crm_internal_casts_of_others shows no such cast at all, no column is
-- looked at.

-- Whether to_jsonb() would call such a cast for a value of a type, or for what is in it.
CREATE OR REPLACE FUNCTION crm_internal_calls_cast_of_others(of_type oid) RETURNS boolean STABLE LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    base CONSTANT oid := (SELECT typbasetype FROM pg_type WHERE oid = of_type);
    element CONSTANT oid := (SELECT typelem FROM pg_type
                             WHERE oid = of_type AND typsubscript = 'array_subscript_handler'::regproc);
    columns CONSTANT oid := (SELECT typrelid FROM pg_type WHERE oid = of_type);
BEGIN
    IF base <> 0 THEN
        RETURN crm_schema.crm_internal_calls_cast_of_others(base);
    ELSIF element <> 0 THEN
        RETURN crm_schema.crm_internal_calls_cast_of_others(element);
    ELSIF columns <> 0 THEN
        RETURN EXISTS (SELECT FROM pg_attribute
                       WHERE attrelid = columns AND attnum > 0 AND NOT attisdropped
                         AND crm_schema.crm_internal_calls_cast_of_others(atttypid));
    END IF;
    RETURN EXISTS (SELECT FROM crm_schema.crm_internal_casts_of_others c WHERE c.type = of_type);
END $$;

-- A value as it is shown where there is room for so many bytes, and how many of them it takes; NULL for NULL. Its size is that of
-- the uncompressed value, or of its JSON where that is beyond the room.
CREATE OR REPLACE FUNCTION crm_internal_shown(value anyelement, room bigint,
                                              OUT shown jsonb, OUT is_omitted boolean, OUT takes bigint)
STRICT STABLE LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET extra_float_digits = 1 SET bytea_output = 'hex' AS $$
DECLARE
    type oid := pg_typeof(value);
    length CONSTANT integer := (SELECT typlen FROM pg_type WHERE oid = type);
    is_array CONSTANT boolean := (SELECT typelem <> 0 AND typsubscript = 'array_subscript_handler'::regproc
                                  FROM pg_type WHERE oid = type);
    size bigint;
BEGIN
    WHILE (SELECT typtype = 'd' FROM pg_type WHERE oid = type) LOOP
        type := (SELECT typbasetype FROM pg_type WHERE oid = type);
    END LOOP;
    -- What is no text is uncompressed to know its size.
    IF length <> -1 THEN
        size := 0;
    ELSIF type IN ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype, 'bytea'::regtype) THEN
        size := octet_length(value) + 4;
    ELSIF type = 'json'::regtype THEN
        size := octet_length(value::text) + 4;
    ELSIF is_array THEN
        size := pg_column_size(array_cat(value, '{}'));
    ELSE
        size := pg_column_size((ARRAY[value])[1]);
    END IF;
    is_omitted := size > least(room, 16777216);
    IF NOT is_omitted THEN
        IF crm_schema.crm_internal_calls_cast_of_others(type) THEN
            shown := to_jsonb(format('%s', value));
            takes := octet_length(format('%s', value));
        ELSE
            shown := to_jsonb(value);
            takes := CASE WHEN type IN ('bigint'::regtype, 'timestamptz'::regtype) THEN 0
                          WHEN type IN ('text'::regtype, 'varchar'::regtype, 'json'::regtype) THEN size - 4
                          ELSE pg_column_size(shown) END;
        END IF;
        size := takes;
        is_omitted := size > room;
    END IF;
    IF is_omitted THEN
        shown := jsonb_build_object('omitted_bytes', size);
        takes := 0;
    END IF;
END $$;

-- A customer's row, of the columns that the caller may read; all of it is NULL when it is not there.
CREATE OR REPLACE FUNCTION crm_internal_row(customer bigint) RETURNS crm_internal_seen LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET "TimeZone" = 'UTC' SET "DateStyle" = 'ISO, YMD' SET "IntervalStyle" = 'postgres'
SET extra_float_digits = 1 SET bytea_output = 'hex' SET lc_monetary = 'C' AS $$
#variable_conflict use_variable
DECLARE
    shown jsonb;
BEGIN
    IF EXISTS (SELECT FROM crm_schema.crm_internal_casts_of_others) THEN
        RETURN crm_schema.crm_internal_large_row(customer);
    ELSIF has_table_privilege('crm_schema.customers'::regclass, 'SELECT') THEN
        SELECT CASE WHEN pg_column_size(c.*) <= 32000 THEN to_jsonb(c.*) END INTO shown
        FROM crm_schema.customers c WHERE c.id = customer;
    ELSE
        EXECUTE (SELECT format('SELECT CASE WHEN pg_column_size(r.*) <= 32000 THEN to_jsonb(r.*) END '
                               'FROM (SELECT %s FROM crm_schema.customers WHERE id = $1) r',
                               string_agg(quote_ident(attname), ', ' ORDER BY attnum))
                 FROM pg_attribute
                 WHERE attrelid = 'crm_schema.customers'::regclass AND attnum > 0 AND NOT attisdropped
                   AND has_column_privilege(attrelid, attnum, 'SELECT'))
            INTO shown USING customer;
    END IF;
    IF shown IS NULL OR pg_column_size(shown) > 16777216 THEN
        RETURN crm_schema.crm_internal_large_row(customer);
    END IF;
    RETURN (shown, NULL, shown ->> 'status')::crm_schema.crm_internal_seen;
END $$;

-- The same of a row of any size, column by column; STABLE, so that all of them are those of one moment.
CREATE OR REPLACE FUNCTION crm_internal_large_row(customer bigint) RETURNS crm_internal_seen STABLE LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
    seen crm_schema.crm_internal_seen;
    name text;
    value record;
    names text[];
    shown jsonb[];
    room bigint := 41943040;
BEGIN
    IF NOT EXISTS (SELECT FROM crm_schema.customers c WHERE c.id = customer) THEN
        RETURN NULL;
    END IF;
    FOR name IN SELECT attname FROM pg_attribute
                WHERE attrelid = 'crm_schema.customers'::regclass AND attnum > 0 AND NOT attisdropped
                  AND has_column_privilege(attrelid, attnum, 'SELECT')
                ORDER BY attnum LOOP
        EXECUTE format('SELECT v.* FROM crm_schema.customers c CROSS JOIN LATERAL crm_schema.crm_internal_shown(c.%I, $2) v '
                       'WHERE c.id = $1', name)
            INTO value USING customer, room;
        names := names || name;
        shown := shown || coalesce(value.shown, 'null');
        room := room - coalesce(value.takes, 0);
        IF value.is_omitted THEN
            seen.omitted := seen.omitted || name;
        END IF;
        IF name = 'status' THEN
            SELECT c.status INTO seen.status FROM crm_schema.customers c WHERE c.id = customer;
        END IF;
    END LOOP;
    seen.shown := (SELECT jsonb_object_agg(u.name, u.value) FROM unnest(names, shown) AS u (name, value));
    RETURN seen;
END $$;

-- What differs between two states of a row beside key, status and version, as the history has it; NULL when nothing does.
CREATE OR REPLACE FUNCTION crm_internal_changed(before anyelement, after anyelement) RETURNS jsonb LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET "TimeZone" = 'UTC' SET "DateStyle" = 'ISO, YMD' SET "IntervalStyle" = 'postgres'
SET extra_float_digits = 1 SET bytea_output = 'hex' SET lc_monetary = 'C' AS $$
DECLARE
    changed jsonb;
BEGIN
    IF coalesce(pg_column_size(before), 0) + coalesce(pg_column_size(after), 0) > 32000
       OR EXISTS (SELECT FROM crm_schema.crm_internal_casts_of_others) THEN
        RETURN crm_schema.crm_internal_large_change(before, after);
    END IF;
    changed := (
        SELECT jsonb_object_agg(
            column_name,
            CASE WHEN before IS NULL THEN '{}' ELSE jsonb_build_object('from', b.value) END
            || CASE WHEN after IS NULL THEN '{}' ELSE jsonb_build_object('to', a.value) END)
        FROM jsonb_each(to_jsonb(before)) b FULL JOIN jsonb_each(to_jsonb(after)) a USING (key),
             LATERAL (SELECT key) AS k (column_name)
        WHERE column_name NOT IN ('id', 'status', 'updated_at')
          AND coalesce(b.value, 'null')::text <> coalesce(a.value, 'null')::text
          -- What is generated follows from the other columns.
          AND NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'crm_schema.customers'::regclass AND attname = column_name
                                                     AND attgenerated <> ''));
    IF pg_column_size(changed) > 16777216 THEN
        RETURN crm_schema.crm_internal_large_change(before, after);
    END IF;
    RETURN changed;
END $$;

-- The same of rows of any size, column by column. What is left out for its size is marked, {"from": ..., "to": ...,
-- "omitted": ["from", "to"]}, for a value may look like a size.
CREATE OR REPLACE FUNCTION crm_internal_large_change(before anyelement, after anyelement) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    name text;
    value record;
    differing text[];
    names text[];
    changed jsonb[];
    room bigint := 41943040;
BEGIN
    EXECUTE (SELECT format('SELECT ARRAY[%s]::text[]',
                           string_agg(format('CASE WHEN NOT record_image_eq(ROW(($1).%1$I), ROW(($2).%1$I)) THEN %1$L END',
                                             attname), ', ' ORDER BY attnum))
             FROM pg_attribute
             WHERE attrelid = 'crm_schema.customers'::regclass AND attnum > 0 AND NOT attisdropped
               AND attgenerated = '' AND attname NOT IN ('id', 'status', 'updated_at'))
        INTO differing USING before, after;
    FOREACH name IN ARRAY array_remove(differing, NULL) LOOP
        EXECUTE format('SELECT b.shown AS was, a.shown AS becomes, coalesce(b.takes, 0) + coalesce(a.takes, 0) AS takes, '
                       'array_remove(ARRAY[CASE WHEN b.is_omitted THEN ''from'' END, CASE WHEN a.is_omitted THEN ''to'' END], '
                       'NULL) AS omitted '
                       'FROM crm_schema.crm_internal_shown(($1).%1$I, $3) b '
                       'CROSS JOIN LATERAL crm_schema.crm_internal_shown(($2).%1$I, $3 - coalesce(b.takes, 0)) a', name)
            INTO value USING before, after, room;
        names := names || name;
        changed := changed || (
            CASE WHEN before IS NULL THEN '{}' ELSE jsonb_build_object('from', value.was) END
            || CASE WHEN after IS NULL THEN '{}' ELSE jsonb_build_object('to', value.becomes) END
            || CASE WHEN value.omitted = '{}' THEN '{}' ELSE jsonb_build_object('omitted', value.omitted) END);
        room := room - value.takes;
    END LOOP;
    RETURN (SELECT jsonb_object_agg(u.name, u.value) FROM unnest(names, changed) AS u (name, value));
END $$;

-- The columns and values of a save's argument "fields", as the columns would store them, NULL when there are none; those of
-- them that are shown by their size, as they are shown; and the first that is no column, whose value is as given.
CREATE OR REPLACE FUNCTION crm_internal_fields(fields jsonb, OUT asked jsonb, OUT omitted jsonb, OUT unknown text)
LANGUAGE plpgsql
SET "TimeZone" = 'UTC' SET "DateStyle" = 'ISO, YMD' SET "IntervalStyle" = 'postgres' SET lc_monetary = 'C' AS $$
DECLARE
    name text;
    number smallint;
    stored jsonb;
    size integer;
    value record;
    others text[] := '{}';
    room bigint := 41943040;
BEGIN
    IF jsonb_typeof(fields) <> 'object' THEN
        RAISE invalid_parameter_value USING MESSAGE = 'fields must be a JSON object', DETAIL = 'Nothing was saved.',
            HINT = 'Pass the columns to change and their values, as in {"phone": "555 0100"}.';
    END IF;
    IF fields = '{}' THEN
        RETURN;
    END IF;
    FOR name IN SELECT jsonb_object_keys(fields) LOOP
        number := (SELECT attnum FROM pg_attribute
                   WHERE attrelid = 'crm_schema.customers'::regclass AND attname = name AND attnum > 0 AND NOT attisdropped);
        IF number IS NULL THEN
            others := others || name;
        ELSIF name IN ('id', 'status', 'updated_at') THEN
            RAISE invalid_parameter_value USING MESSAGE = format('fields must not hold column "%s"', name),
                DETAIL = 'The key cannot be changed, the version follows by itself, and the status is an argument of its '
                         'own. Nothing was saved.',
                HINT = 'Leave the column out of fields.';
        ELSIF NOT has_column_privilege('crm_schema.customers'::regclass, number, 'UPDATE')
           OR NOT has_column_privilege('crm_schema.customers'::regclass, number, 'SELECT') THEN
            PERFORM crm_schema.crm_internal_denied('customers');
        END IF;
    END LOOP;
    unknown := others[1];
    FOREACH name IN ARRAY others LOOP
        asked := coalesce(asked, '{}') || jsonb_build_object(name, fields -> name);
    END LOOP;
    fields := fields - others;
    IF fields <> '{}' THEN
        EXECUTE format('SELECT crm_schema.crm_internal_rendered(v.*), pg_catalog.pg_column_size(r.*) '
                       'FROM pg_catalog.jsonb_to_record($1) AS r(%s) CROSS JOIN LATERAL (SELECT %s) v',
                       crm_schema.crm_internal_columns(fields), crm_schema.crm_internal_values(fields))
            INTO stored, size USING fields;
        asked := coalesce(asked, '{}') || stored;
    END IF;
    IF coalesce(size, 0) <= 32000 AND pg_column_size(asked) <= 16777216 THEN
        RETURN;
    END IF;
    FOR name IN SELECT jsonb_object_keys(fields) LOOP
        EXECUTE format('SELECT v.* FROM pg_catalog.jsonb_to_record($1) AS r(%s) '
                       'CROSS JOIN LATERAL crm_schema.crm_internal_shown(r.%I, $2) v',
                       crm_schema.crm_internal_columns(jsonb_build_object(name, NULL)), name)
            INTO value USING jsonb_build_object(name, fields -> name), room;
        room := room - coalesce(value.takes, 0);
        IF value.is_omitted THEN
            omitted := coalesce(omitted, '{}') || jsonb_build_object(name, value.shown);
        END IF;
    END LOOP;
END $$;

-- Values as the history shows them, whatever their size.
CREATE OR REPLACE FUNCTION crm_internal_rendered(of record) RETURNS jsonb LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET extra_float_digits = 1 SET bytea_output = 'hex' AS $$
BEGIN
    RETURN to_jsonb(of);
END $$;

-- Whether fields are part of a unique index, so that their update locks out those who refer to the row.
CREATE OR REPLACE FUNCTION crm_internal_are_unique(fields jsonb) RETURNS boolean STABLE LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM pg_index i JOIN pg_attribute a
                       ON a.attrelid = i.indrelid AND a.attnum = ANY ((i.indkey::smallint[])[0:i.indnkeyatts - 1])
                   WHERE i.indrelid = 'crm_schema.customers'::regclass AND i.indisunique AND i.indexprs IS NULL
                     AND i.indpred IS NULL AND fields ? a.attname);
END $$;

-- Refuses fields that the server makes.
CREATE OR REPLACE FUNCTION crm_internal_check_assignable(fields jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    made record;
BEGIN
    FOR made IN
        SELECT f.name, a.attgenerated <> '' AS is_generated
        FROM jsonb_object_keys(fields) WITH ORDINALITY f (name, n)
            JOIN pg_catalog.pg_attribute a ON a.attrelid = 'crm_schema.customers'::regclass AND a.attname = f.name
        WHERE a.attgenerated <> '' OR a.attidentity = 'a'
        ORDER BY f.n
    LOOP
        RAISE generated_always USING MESSAGE = format('column "%s" can only be updated to DEFAULT', made.name),
            DETAIL = format(CASE WHEN made.is_generated THEN 'Column "%s" is a generated column.'
                                 ELSE 'Column "%s" is an identity column defined as GENERATED ALWAYS.' END, made.name),
            HINT = 'Leave it out of fields.';
    END LOOP;
END $$;

-- The columns that an object names, with their types, as a query declares them.
CREATE OR REPLACE FUNCTION crm_internal_columns(fields jsonb) RETURNS text STABLE LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY f.n)
            FROM jsonb_object_keys(fields) WITH ORDINALITY f (name, n)
                JOIN pg_attribute a ON a.attrelid = 'crm_schema.customers'::regclass AND a.attname = f.name);
END $$;

-- Their values that to_jsonb() can be given: as text where it would call a cast of others.
CREATE OR REPLACE FUNCTION crm_internal_values(fields jsonb) RETURNS text STABLE LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM crm_schema.crm_internal_casts_of_others) THEN
        RETURN 'r.*';
    END IF;
    RETURN (SELECT string_agg(format(CASE WHEN crm_schema.crm_internal_calls_cast_of_others(a.atttypid)
                                          THEN 'crm_schema.crm_internal_text(r.%1$I) AS %1$I'
                                          ELSE 'r.%1$I' END, a.attname), ', ')
            FROM jsonb_object_keys(fields) f (name)
                JOIN pg_attribute a ON a.attrelid = 'crm_schema.customers'::regclass AND a.attname = f.name);
END $$;

-- A value as its type writes it, by no cast; NULL for NULL.
CREATE OR REPLACE FUNCTION crm_internal_text(value anyelement) RETURNS text STRICT STABLE LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET extra_float_digits = 1 SET bytea_output = 'hex' AS $$
BEGIN
    RETURN format('%s', value);
END $$;

-- Fields as text for the digest of a request.
CREATE OR REPLACE FUNCTION crm_internal_fields_text(asked jsonb) RETURNS text STABLE LANGUAGE plpgsql AS $$
BEGIN
    RETURN coalesce((SELECT string_agg(f.key || E'\n' || crm_schema.crm_internal_canonical(f.value)::text || E'\n', ''
                                       ORDER BY f.n)
                     FROM jsonb_each(asked) WITH ORDINALITY f (key, value, n)), '');
END $$;

-- The digest of what a save asks, and that of the comment that a refused save leaves.
CREATE OR REPLACE FUNCTION crm_internal_request(save crm_internal_save) RETURNS uuid STABLE
RETURN crm_internal_digest(
    crm_internal_part((save).customer::text) || crm_internal_part((save).author) || crm_internal_part((save).status)
    || crm_internal_part((save).comment) || crm_internal_part((save).reply_to::text)
    || crm_internal_part(CASE WHEN (save).fields IS NULL THEN '' ELSE crm_internal_fields_text((save).fields) END));

CREATE OR REPLACE FUNCTION crm_internal_words(customer bigint, writer text, words text, answered bigint)
RETURNS uuid LANGUAGE plpgsql AS $$
BEGIN
    RETURN crm_schema.crm_internal_digest(
        crm_schema.crm_internal_part(customer::text) || crm_schema.crm_internal_part(writer)
        || crm_schema.crm_internal_part(words) || crm_schema.crm_internal_part(answered::text));
END $$;

-- What others did since ------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION crm_internal_may_read_history() RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN has_table_privilege('crm_schema.customer_history'::regclass, 'SELECT')
       AND NOT row_security_active('crm_schema.customer_history'::regclass);
END $$;

-- The changes since a base, the newest 50 of them.
CREATE OR REPLACE FUNCTION crm_internal_changes(customer bigint, base timestamptz,
                                                OUT changes jsonb, OUT total bigint, OUT last_author text)
LANGUAGE plpgsql SET "TimeZone" = 'UTC' SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
    SELECT coalesce(jsonb_agg(h.change ORDER BY h.version), '[]'), coalesce(max(h.n), 0),
           (array_agg(coalesce(h.author, h.db_user::text) ORDER BY h.version DESC))[1]
    INTO changes, total, last_author
    FROM (SELECT version, author, db_user, count(*) OVER () AS n,
                 jsonb_build_object(
                     'version', version, 'previous', previous, 'recorded_at', recorded_at, 'operation', operation,
                     'author', author, 'db_user', db_user, 'status_from', status_from, 'status_to', status_to,
                     'fields', CASE WHEN pg_column_size(fields || '{}') <= 100000 THEN fields
                                    WHEN fields IS NOT NULL
                                    THEN jsonb_build_object('omitted_bytes', pg_column_size(fields || '{}')) END,
                     'comment_id', comment_id) AS change
          FROM crm_schema.customer_history
          WHERE customer_id = customer AND version > base + interval '999 us'
          ORDER BY version DESC LIMIT 50) h;
END $$;

-- Why a base was never a version of the customer: a code; NULL when it was one.
CREATE OR REPLACE FUNCTION crm_internal_base_problem(customer bigint, base timestamptz, current timestamptz)
RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    follower timestamptz;
    oldest timestamptz;
    nearby timestamptz[];
    reach CONSTANT interval := '15 hours';
    is_whole CONSTANT boolean := isfinite(base) AND date_trunc('second', base) = base;
BEGIN
    IF NOT isfinite(base) THEN
        RETURN 'infinite';
    END IF;
    follower := (SELECT previous FROM crm_schema.customer_history
                 WHERE customer_id = customer AND version > base + interval '999 us' ORDER BY version LIMIT 1);
    IF crm_schema.crm_internal_same(follower, base)
       OR EXISTS (SELECT FROM crm_schema.customer_history
                  WHERE customer_id = customer AND version BETWEEN base - interval '999 us' AND base + interval '999 us') THEN
        RETURN NULL;
    END IF;
    nearby := ARRAY(SELECT version FROM crm_schema.customer_history
                    WHERE customer_id = customer AND version BETWEEN base - reach AND base + reach
                    ORDER BY version DESC LIMIT 1000)
              || current || follower;
    IF is_whole AND EXISTS (SELECT FROM unnest(nearby) v WHERE v >= base AND v < base + interval '1 second') THEN
        RETURN 'cut_to_seconds';
    END IF;
    -- Off by whole quarter hours, a client that keeps milliseconds, or seconds alone, allowed for.
    IF EXISTS (SELECT
               FROM unnest(nearby) v,
                    LATERAL (VALUES (v), (CASE WHEN is_whole THEN date_trunc('second', v) END)) AS c (version),
                    LATERAL (SELECT (extract(epoch FROM c.version - base) * 1000000)::bigint) AS d (us)
               WHERE abs(d.us) < 54000000000 AND abs(d.us) > 900000000 - 1000
                 AND abs(d.us) % 900000000 NOT BETWEEN 1000 AND 900000000 - 1000) THEN
        RETURN 'zone_offset';
    END IF;
    IF base > clock_timestamp() THEN
        RETURN 'in_the_future';
    END IF;
    SELECT previous INTO oldest FROM crm_schema.customer_history WHERE customer_id = customer ORDER BY version LIMIT 1;
    RETURN CASE WHEN base < CASE WHEN FOUND THEN oldest ELSE current END THEN 'before_history'
                ELSE 'never_a_version' END;
END $$;

-- What to do about it.
CREATE OR REPLACE FUNCTION crm_internal_base_hint(problem text) RETURNS text IMMUTABLE
RETURN CASE problem
    WHEN 'infinite' THEN 'Infinity names no version. Send the updated_at that was read with the customer.'
    WHEN 'cut_to_seconds' THEN 'The fraction of the second is missing. Keep updated_at to the millisecond at least.'
    WHEN 'zone_offset' THEN 'It is off by a time zone. Send updated_at with its zone, and store it as timestamptz.'
    WHEN 'in_the_future' THEN
        'It lies ahead of the server''s clock. Send the updated_at that was read, not a time of your own.'
    WHEN 'before_history' THEN 'It is older than the kept history. Read the customer again and save from there.'
    WHEN 'never_a_version' THEN
        'The customer never had this version. Send the updated_at that was read with the customer.'
END;

-- The three-way merge ----------------------------------------------------------------------------

-- Each field that a save asks for: what it was at the base (NULL where that is not known), what the caller asks, what it is
-- now, and whether it is left, written, or collides. base_is tells how was is known: current, followed from history, unknown.
-- A value that is known by its size alone differs from every other.
CREATE OR REPLACE FUNCTION crm_internal_compare(customer bigint, base timestamptz, base_is text, new_status text, asked jsonb,
                                                asked_omitted jsonb, now_is crm_internal_seen,
                                                OUT field text, OUT was jsonb, OUT mine jsonb, OUT theirs jsonb, OUT becomes text)
RETURNS SETOF record LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
    first_previous timestamptz;
    first_status text;
    first_operation text;
    is_followed boolean := false;
    is_theirs boolean;
    earlier jsonb := '{}';
    mine_known jsonb;
    theirs_known jsonb;
BEGIN
    IF base_is = 'history' THEN
        SELECT h.previous, h.status_from, h.operation INTO first_previous, first_status, first_operation
        FROM crm_schema.crm_internal_history h
        WHERE h.customer_id = customer AND h.version > base + interval '999 us' ORDER BY h.version LIMIT 1;
        is_followed := coalesce(crm_schema.crm_internal_same(first_previous, base), false);
        IF asked IS NOT NULL THEN
            earlier := (SELECT coalesce(jsonb_object_agg(e.key, e.value), '{}')
                        FROM (SELECT DISTINCT ON (f.key) f.key, f.value
                              FROM crm_schema.crm_internal_history h, jsonb_each(h.fields_before) f
                              WHERE h.customer_id = customer AND h.version > base + interval '999 us' AND asked ? f.key
                              ORDER BY f.key, h.version) e);
        END IF;
    END IF;
    FOR field, mine IN
        SELECT 'status', to_jsonb(new_status) WHERE new_status IS NOT NULL
        UNION ALL
        SELECT f.key, f.value FROM jsonb_each(asked) f
    LOOP
        theirs := CASE WHEN field = 'status' THEN coalesce(to_jsonb(now_is.status), 'null') ELSE now_is.shown -> field END;
        mine_known := CASE WHEN asked_omitted ? field THEN NULL ELSE crm_schema.crm_internal_canonical(mine) END;
        theirs_known := CASE WHEN field <> 'status' AND field = ANY (now_is.omitted) THEN NULL
                             ELSE crm_schema.crm_internal_canonical(theirs) END;
        is_theirs := base_is = 'current' OR base_is = 'history' AND field <> 'status' AND is_followed AND NOT earlier ? field;
        was := CASE WHEN is_theirs THEN theirs_known
                    WHEN base_is <> 'history' THEN NULL
                    WHEN field <> 'status' THEN crm_schema.crm_internal_canonical(earlier -> field -> 'from')
                    WHEN first_operation <> 'insert' THEN to_jsonb(first_status) END;
        becomes := CASE WHEN mine_known IN (theirs_known, was) THEN 'left'
                        WHEN is_theirs OR was = theirs_known THEN 'written'
                        ELSE 'collides' END;
        RETURN NEXT;
    END LOOP;
END $$;

-- The detail of a refusal, and what its message tells; now_version is NULL when the customer is not there any more.
CREATE OR REPLACE FUNCTION crm_internal_refusal(customer bigint, base timestamptz, new_status text, asked jsonb, asked_omitted jsonb,
                                                own_comment bigint, lock_author text, locked_at timestamptz,
                                                lock_expires_at timestamptz,
                                                OUT detail jsonb, OUT now_status text, OUT now_version timestamptz,
                                                OUT total bigint, OUT last_author text, OUT problem text)
LANGUAGE plpgsql SET "TimeZone" = 'UTC' SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    now_is CONSTANT crm_schema.crm_internal_seen := crm_schema.crm_internal_row(customer);
    pass CONSTANT bytea := crm_schema.crm_internal_pass_to_save(customer);
    since CONSTANT timestamptz := coalesce(
        CASE WHEN pass IS NOT NULL THEN crm_schema.crm_internal_recorded_at(customer, base, pass) END, base);
    changes jsonb;
    knows_history CONSTANT boolean := crm_schema.crm_internal_may_read_history();
BEGIN
    now_version := now_is.shown ->> 'updated_at';
    now_status := now_is.status;
    IF now_version IS NULL THEN
        RETURN;
    END IF;
    detail := jsonb_build_object('key', customer::text, 'current', now_is.shown);
    IF lock_author IS NOT NULL THEN
        detail := detail || jsonb_build_object('lock', jsonb_build_object(
            'author', lock_author, 'locked_at', locked_at, 'expires_at', lock_expires_at));
    END IF;
    IF has_table_privilege('crm_schema.customer_history'::regclass, 'SELECT') THEN
        SELECT c.changes, c.total, c.last_author INTO changes, total, last_author
        FROM crm_schema.crm_internal_changes(customer, base) c;
        detail := detail || jsonb_build_object('changes', changes, 'changes_total', total);
    END IF;
    IF knows_history THEN
        problem := crm_schema.crm_internal_base_problem(customer, base, now_version);
    END IF;
    IF problem IS NOT NULL THEN
        detail := detail || jsonb_build_object('expected_ts_problem', jsonb_build_object(
            'code', problem, 'hint', crm_schema.crm_internal_base_hint(problem)));
    END IF;
    detail := detail || jsonb_build_object('conflicts', (
        SELECT coalesce(jsonb_agg(jsonb_build_object('field', field, 'was', was, 'theirs', theirs,
                                                     'mine', coalesce(asked_omitted -> field, mine)) ORDER BY n), '[]')
        FROM crm_schema.crm_internal_compare(customer, base,
                                             CASE WHEN crm_schema.crm_internal_same(base, now_version) THEN 'current'
                                                  WHEN knows_history THEN 'history' ELSE 'unknown' END,
                                             new_status, asked, asked_omitted, now_is)
             WITH ORDINALITY c (field, was, mine, theirs, becomes, n)
        WHERE becomes = 'collides'));
    IF has_table_privilege('crm_schema.comments'::regclass, 'SELECT') THEN
        detail := detail || (
            SELECT jsonb_build_object('comments', coalesce(jsonb_agg(c.comment ORDER BY c.id), '[]'),
                                      'comments_total', coalesce(max(c.n), 0))
            FROM (SELECT id, count(*) OVER () AS n,
                         jsonb_build_object('id', id, 'text', left(body, 10000), 'author', author, 'timestamp', created_at,
                                            'reply_to', reply_to, 'save_refused', save_refused)
                         || CASE WHEN length(body) > 10000 THEN '{"text_is_cut": true}' ELSE '{}' END::jsonb AS comment
                  FROM (SELECT id, body, author, created_at, reply_to, save_refused FROM crm_schema.comments
                        WHERE customer_id = customer ORDER BY id DESC LIMIT 1000) latest
                  WHERE created_at > since AND id IS DISTINCT FROM own_comment
                  ORDER BY id DESC LIMIT 50) c);
    END IF;
END $$;

-- The answer to a save that was applied before, as this version; now_version is NULL when the customer is gone.
CREATE OR REPLACE FUNCTION crm_internal_replayed(customer bigint, applied timestamptz, comment bigint, now_status text,
                                                 now_version timestamptz)
RETURNS crm_update_result LANGUAGE plpgsql SET "TimeZone" = 'UTC' SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    is_current CONSTANT boolean := coalesce(crm_schema.crm_internal_same(now_version, applied), false);
    detail jsonb := jsonb_build_object('version', applied, 'current', is_current);
BEGIN
    IF NOT is_current AND crm_schema.crm_internal_may_read_history() THEN
        detail := detail || coalesce((
            SELECT jsonb_build_object('superseded_by',
                                      jsonb_build_object('version', version, 'author', author, 'db_user', db_user))
            FROM crm_schema.customer_history WHERE customer_id = customer ORDER BY version DESC LIMIT 1), '{}');
    END IF;
    RETURN ('replayed', 200, now_status, now_version, comment,
            format('This save of customer %s was applied before%s; nothing was done twice.', customer,
                   CASE WHEN now_version IS NULL THEN ', and the customer was deleted since'
                        WHEN NOT is_current THEN ', and the customer was changed since' END),
            detail)::crm_schema.crm_update_result;
END $$;

-- How the customer differs from what the caller saw.
CREATE OR REPLACE FUNCTION crm_internal_what_happened(customer bigint, problem text, changes bigint, last_author text)
RETURNS text STABLE
RETURN CASE WHEN problem = 'before_history'
            THEN format('The version you sent is older than the kept history of customer %s', customer)
            WHEN problem IS NOT NULL THEN format('Customer %s never had the version you sent', customer)
            WHEN coalesce(changes, 0) <= 1
            THEN format('Customer %s was changed%s since you read it', customer, ' by ' || last_author)
            ELSE format('Customer %s was changed %s times since you read it%s', customer, changes, ', last by ' || last_author)
       END;

-- Saving -----------------------------------------------------------------------------------------
--
-- A save tells the triggers that its statements fire what they are to record in the setting crm_internal.save, an array: of
-- what kind it is, the customer, how deep in triggers the statement runs, and what belongs to the kind. They answer there.

CREATE OR REPLACE FUNCTION crm_update_customer(
    id          bigint,
    expected_ts timestamptz,
    status      text,
    comment     text,
    author      text,
    merge       boolean DEFAULT NULL,
    reply_to    bigint DEFAULT NULL,
    fields      jsonb DEFAULT NULL
)
RETURNS crm_update_result LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE AS $$
#variable_conflict use_variable
DECLARE
    save crm_schema.crm_internal_save;
    now_status text;
    now_version timestamptz;
    tried timestamptz;  -- the version of a row that could not be locked
    unknown text;       -- a field that is no column
    result crm_schema.crm_update_result;
BEGIN
    -- The call itself ---------------------------------------------------------------------------
    IF current_setting('transaction_read_only') = 'on' THEN
        PERFORM crm_schema.crm_internal_read_only('crm_update_customer');
    ELSIF id IS NULL THEN
        PERFORM crm_schema.crm_internal_null('id');
    END IF;
    save.customer := id;
    save.base := crm_schema.crm_internal_in_reach(expected_ts);
    save.status := status;
    save.comment := CASE WHEN NOT crm_schema.crm_internal_is_blank(comment) THEN comment END;
    save.author := author;
    save.reply_to := reply_to;
    IF save.base IS NULL OR author IS NULL OR crm_schema.crm_internal_is_blank(author)
       OR crm_schema.crm_author_setting() <> '' OR crm_schema.crm_internal_is_blank(status)
       OR (reply_to IS NOT NULL AND save.comment IS NULL)
       OR octet_length(save.comment) > crm_schema.crm_internal_setting('max_comment_length', '1000000')::integer THEN
        save.author := crm_schema.crm_internal_check(save.base, status, save.comment, author, reply_to);
    END IF;
    save.merge := coalesce(merge, crm_schema.crm_internal_setting('merge', 'off')::boolean);

    -- The caller's rights -----------------------------------------------------------------------
    IF NOT has_column_privilege('crm_schema.customers'::regclass, 'status', 'UPDATE') THEN
        PERFORM crm_schema.crm_internal_denied('customers');
    END IF;
    IF save.comment IS NOT NULL
       AND NOT (has_column_privilege('crm_schema.comments'::regclass, 'body', 'INSERT')
                AND has_column_privilege('crm_schema.comments'::regclass, 'author', 'INSERT')
                AND has_column_privilege('crm_schema.comments'::regclass, 'customer_id', 'INSERT')
                AND (reply_to IS NULL
                     OR has_column_privilege('crm_schema.comments'::regclass, 'reply_to', 'INSERT'))) THEN
        PERFORM crm_schema.crm_internal_denied('comments');
    END IF;
    IF fields IS NOT NULL THEN
        SELECT f.asked, f.omitted, f.unknown INTO save.fields, save.omitted_fields, unknown
        FROM crm_schema.crm_internal_fields(fields) f;
        -- Where it was applied, a column may have been dropped since.
        IF unknown IS NOT NULL THEN
            save.request := crm_schema.crm_internal_request(save);
            IF (crm_schema.crm_internal_replay(save, NULL, NULL)).outcome IS NULL THEN
                RAISE undefined_column
                    USING MESSAGE = format('column "%s" of relation "customers" does not exist', unknown),
                        DETAIL = 'It is named in fields; nothing was saved.',
                        HINT = 'Names in fields are those of columns, as they are stored: case matters.';
            END IF;
        END IF;
    END IF;
    IF save.comment IS NOT NULL THEN
        save.kept_window := crm_schema.crm_internal_setting('refused_comment_window', '1h');
        save.comment_key := hashtextextended(save.comment, hashtextextended(
            save.author, hashint8extended(coalesce(reply_to, 0), id # 7809847782465536371)));
    END IF;
    PERFORM crm_schema.crm_internal_require_readable();

    LOOP
        SELECT c.status, c.updated_at INTO now_status, now_version
        FROM crm_schema.customers c WHERE c.id = save.customer;
        IF NOT FOUND THEN
            RETURN crm_schema.crm_internal_missing(save);
        ELSIF now_version IS NULL THEN
            RAISE object_not_in_prerequisite_state
                USING MESSAGE = format('row %s of "customers" has no version', save.customer),
                    DETAIL = 'Its version column is null.',
                    HINT = 'Update the row, which gives it a version, and make the column NOT NULL.';
        ELSIF tried = now_version THEN
            PERFORM crm_schema.crm_internal_hidden(save.customer);
        END IF;
        tried := now_version;
        result := crm_schema.crm_internal_try_to_save(save, now_status, now_version);
        IF result.outcome IS NOT NULL THEN
            RETURN result;
        END IF;
    END LOOP;
END $$;

COMMENT ON FUNCTION crm_update_customer(bigint, timestamptz, text, text, text, boolean, bigint, jsonb) IS
    'saves one customer if its version is still expected_ts: see doc/reference.md#crm_update_customer';

-- Answers a save whose customer is there; NULL when the row cannot be locked, or went in the meantime.
CREATE OR REPLACE FUNCTION crm_internal_try_to_save(save crm_internal_save, now_status text, now_version timestamptz)
RETURNS crm_update_result LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
    is_current boolean := crm_schema.crm_internal_same(save.base, now_version);
    result crm_schema.crm_update_result;
    plan crm_schema.crm_internal_plan;
    held_by text;  -- who else has an edit lock, since when and until when
    held_at timestamptz;
    held_until timestamptz;
BEGIN
    -- An old base is refused at first look. Where the transaction keeps one snapshot, a later base may be the version
    -- that others have made since.
    IF NOT is_current AND NOT save.merge
       AND (save.base < now_version
            OR current_setting('transaction_isolation') NOT IN ('repeatable read', 'serializable')) THEN
        RETURN crm_schema.crm_internal_refuse(save, now_status, now_version);
    ELSIF is_current AND save.comment IS NULL AND save.fields IS NULL
          AND (save.status IS NULL OR save.status = now_status)
          AND NOT EXISTS (SELECT FROM crm_schema.crm_internal_locks l
                          WHERE l.customer_id = save.customer AND crm_schema.crm_internal_is_live(l.expires_at)
                            AND l.author <> save.author) THEN
        RETURN crm_schema.crm_internal_unchanged(save.customer, now_status, now_version, NULL);
    END IF;

    -- Words that somebody is keeping from a refused save just now are waited for. The error gives the lock back: one of the
    -- session would stay where a cancel comes between.
    IF save.comment IS NOT NULL THEN
        BEGIN
            PERFORM pg_advisory_xact_lock_shared(save.comment_key);
            RAISE SQLSTATE 'CRM00';
        EXCEPTION WHEN SQLSTATE 'CRM00' THEN
            NULL;
        END;
    END IF;
    IF save.fields IS NOT NULL AND crm_schema.crm_internal_are_unique(save.fields) THEN
        SELECT c.status, c.updated_at INTO now_status, now_version FROM crm_schema.customers c
        WHERE c.id = save.customer FOR UPDATE;
    ELSE
        SELECT c.status, c.updated_at INTO now_status, now_version FROM crm_schema.customers c
        WHERE c.id = save.customer FOR NO KEY UPDATE;
    END IF;
    IF now_version IS NULL THEN
        RETURN NULL;
    END IF;

    is_current := crm_schema.crm_internal_same(save.base, now_version);
    IF NOT is_current THEN
        save.request := crm_schema.crm_internal_request(save);
        result := crm_schema.crm_internal_replay(save, now_status, now_version);
        IF result.outcome IS NOT NULL THEN
            RETURN result;
        END IF;
    END IF;
    IF is_current AND save.fields IS NULL THEN
        plan.outcome := CASE WHEN save.comment IS NULL AND (save.status IS NULL OR save.status = now_status)
                             THEN 'unchanged' ELSE 'updated' END;
        plan.status := save.status;
    ELSE
        plan := crm_schema.crm_internal_decide(save, now_version);
    END IF;
    IF plan.outcome = 'replayed' THEN
        RETURN crm_schema.crm_internal_replayed(save.customer, plan.applied, plan.comment_id, now_status, now_version);
    ELSIF plan.outcome = 'conflict' THEN
        RETURN crm_schema.crm_internal_refuse(save, now_status, now_version);
    END IF;

    SELECT l.author, l.locked_at, l.expires_at, k.is_there INTO held_by, held_at, held_until, plan.has_kept
    FROM (SELECT save.comment IS NOT NULL AND plan.comment_id IS NULL
                 AND EXISTS (SELECT FROM crm_schema.crm_internal_kept WHERE customer_id = save.customer)) k (is_there)
         LEFT JOIN crm_schema.crm_internal_locks l
         ON l.customer_id = save.customer AND crm_schema.crm_internal_is_live(l.expires_at) AND l.author <> save.author;
    IF held_by IS NOT NULL THEN
        RETURN crm_schema.crm_internal_refuse(save, now_status, now_version, held_by, held_at, held_until);
    ELSIF plan.outcome = 'unchanged' THEN
        RETURN crm_schema.crm_internal_unchanged(save.customer, now_status, now_version, plan.comment_id);
    END IF;
    RETURN crm_schema.crm_internal_apply(save, plan, now_version);
END $$;

-- Decides on a save of fields, or from an old base, whose row is locked: what of it differs from what is there, and
-- whether it collides with what others did.
CREATE OR REPLACE FUNCTION crm_internal_decide(save crm_internal_save, now_version timestamptz)
RETURNS crm_internal_plan LANGUAGE plpgsql AS $$
DECLARE
    is_current CONSTANT boolean := crm_schema.crm_internal_same(save.base, now_version);
    plan crm_schema.crm_internal_plan;
BEGIN
    IF NOT is_current
       AND NOT (save.merge AND crm_schema.crm_internal_can_merge(save.customer, save.base, now_version)) THEN
        plan.outcome := 'conflict';
        RETURN plan;
    END IF;

    SELECT CASE WHEN is_current THEN 'updated' WHEN bool_or(d.becomes = 'collides') THEN 'conflict' ELSE 'merged' END,
           max(d.mine #>> '{}') FILTER (WHERE d.field = 'status' AND d.becomes = 'written'),
           jsonb_object_agg(d.field, d.mine) FILTER (WHERE d.field <> 'status' AND d.becomes = 'written')
    INTO plan.outcome, plan.status, plan.fields
    FROM crm_schema.crm_internal_compare(save.customer, save.base,
                                         CASE WHEN is_current THEN 'current' ELSE 'history' END,
                                         save.status, save.fields, save.omitted_fields,
                                         crm_schema.crm_internal_row(save.customer)) d;
    -- A late repeat of a refused save, whose comment a later one took over.
    IF plan.outcome = 'merged' AND save.comment IS NOT NULL THEN
        plan.comment_id := crm_schema.crm_internal_repeated(
            save.customer, crm_schema.crm_internal_words(save.customer, save.author, save.comment, save.reply_to),
            save.base, save.kept_window, true);
        IF plan.comment_id IS NOT NULL THEN
            plan.applied := crm_schema.crm_internal_applied_late(save, plan.comment_id);
        END IF;
    END IF;
    IF plan.applied IS NOT NULL THEN
        plan.outcome := 'replayed';
    ELSIF plan.outcome <> 'conflict' AND (save.comment IS NULL OR plan.comment_id IS NOT NULL)
          AND plan.status IS NULL AND plan.fields IS NULL THEN
        plan.outcome := 'unchanged';
    END IF;
    RETURN plan;
END $$;

-- Applies a save whose row is locked.
CREATE OR REPLACE FUNCTION crm_internal_apply(save crm_internal_save, plan crm_internal_plan, now_version timestamptz)
RETURNS crm_update_result LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
    others jsonb;        -- what others changed, of a merge, and how many times
    others_total bigint;
    adopted bigint;      -- the comment of a refused save that this one takes over
    outer_save text;
    written bigint;
    answer text[];       -- of the triggers
    pass bytea;
    result crm_schema.crm_update_result;
BEGIN
    IF plan.outcome = 'merged' AND has_table_privilege('crm_schema.customer_history'::regclass, 'SELECT') THEN
        SELECT c.changes, c.total INTO others, others_total
        FROM crm_schema.crm_internal_changes(save.customer, save.base) c;
    END IF;
    save.request := coalesce(save.request, crm_schema.crm_internal_request(save));
    IF plan.has_kept THEN
        adopted := crm_schema.crm_internal_adoptable(save);
        plan.comment_id := adopted;
    END IF;
    IF save.comment IS NOT NULL AND plan.comment_id IS NULL THEN
        plan.comment_id := crm_schema.crm_internal_store(save.customer, save.author, save.comment, save.reply_to,
                                                         save.base, NULL);
    END IF;

    outer_save := coalesce(current_setting('crm_internal.save', true), '');
    PERFORM set_config('crm_internal.save', ARRAY[
        'save', save.customer::text, pg_trigger_depth()::text, save.author, crm_schema.crm_internal_time(save.base),
        save.request::text, plan.comment_id::text,
        CASE WHEN plan.outcome = 'merged' THEN crm_schema.crm_internal_time(now_version) END]::text, true);
    IF plan.fields IS NOT NULL THEN
        written := crm_schema.crm_internal_update_fields(save.customer, plan);
    ELSIF plan.status IS NOT NULL THEN
        UPDATE crm_schema.customers c SET status = plan.status WHERE c.id = save.customer;
        GET DIAGNOSTICS written = ROW_COUNT;
    ELSE
        UPDATE crm_schema.customers c SET status = c.status WHERE c.id = save.customer;
        GET DIAGNOSTICS written = ROW_COUNT;
    END IF;
    IF written = 0 THEN
        PERFORM crm_schema.crm_internal_suppressed('customers', save.customer);
    END IF;
    answer := current_setting('crm_internal.save');
    PERFORM set_config('crm_internal.save', outer_save, true);
    IF answer[1] <> 'done' THEN
        PERFORM crm_schema.crm_internal_did_not_fire();
    END IF;

    IF adopted IS NOT NULL THEN
        pass := crm_schema.crm_internal_pass_to_save(save.customer);
        IF pass IS NULL THEN
            -- A trigger has deleted the customer with its comments, or hides it from the caller.
            PERFORM crm_schema.crm_internal_suppressed('comments', save.customer);
        END IF;
        PERFORM crm_schema.crm_internal_adopt(save.customer, adopted, save.comment, save.reply_to,
                                              answer[2]::timestamptz, pass);
    END IF;
    -- Other triggers may have changed the row again.
    SELECT c.status, c.updated_at INTO result.status, result.updated_at
    FROM crm_schema.customers c WHERE c.id = save.customer;
    result.outcome := plan.outcome;
    result.http_status := 200;
    result.comment_id := plan.comment_id;
    IF plan.outcome = 'merged' THEN
        result.message := format('Customer %s is saved together with what others changed since you read it.',
                                 save.customer);
        result.detail := jsonb_build_object('key', save.customer::text,
                                            'current', (crm_schema.crm_internal_row(save.customer)).shown);
        IF result.detail -> 'current' = 'null' THEN
            result.detail := NULL;
        ELSIF others IS NOT NULL THEN
            result.detail := result.detail || jsonb_build_object('changes', others, 'changes_total', others_total);
        END IF;
    ELSE
        result.message := format('Customer %s is saved.', save.customer);
    END IF;
    RETURN result;
END $$;

-- Updates the fields of a customer as planned, and the status with them; returns the number of rows.
CREATE OR REPLACE FUNCTION crm_internal_update_fields(customer bigint, plan crm_internal_plan)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    style CONSTANT text := current_setting('IntervalStyle');
    written bigint;
BEGIN
    PERFORM crm_schema.crm_internal_check_assignable(plan.fields);
    IF style <> 'postgres' THEN
        PERFORM set_config('IntervalStyle', 'postgres', true);
    END IF;
    EXECUTE (SELECT format('UPDATE crm_schema.customers c SET %s%s '
                           'FROM pg_catalog.jsonb_to_record($3) AS r(%s) WHERE c.id = $1',
                           CASE WHEN plan.status IS NOT NULL THEN 'status = $2, ' END,
                           string_agg(format('%1$I = r.%1$I', f.name), ', '),
                           crm_schema.crm_internal_columns(plan.fields))
             FROM jsonb_object_keys(plan.fields) AS f (name))
        USING customer, plan.status, plan.fields;
    GET DIAGNOSTICS written = ROW_COUNT;
    IF style <> 'postgres' THEN
        PERFORM set_config('IntervalStyle', style, true);
    END IF;
    RETURN written;
END $$;

-- Refuses a save because of its base, or of an edit lock, unless this very request was applied before; NULL when the
-- customer went in the meantime.
CREATE OR REPLACE FUNCTION crm_internal_refuse(save crm_internal_save, now_status text, now_version timestamptz,
                                               held_by text DEFAULT NULL, held_at timestamptz DEFAULT NULL,
                                               held_until timestamptz DEFAULT NULL)
RETURNS crm_update_result LANGUAGE plpgsql AS $$
DECLARE
    result crm_schema.crm_update_result;
    kept record;
    comment_id bigint;
    refusal record;
BEGIN
    IF held_by IS NULL THEN
        save.request := coalesce(save.request, crm_schema.crm_internal_request(save));
        result := crm_schema.crm_internal_replay(save, now_status, now_version);
        IF result.outcome IS NOT NULL THEN
            RETURN result;
        END IF;
    END IF;

    IF save.comment IS NOT NULL AND crm_schema.crm_internal_setting('on_conflict', 'return') <> 'raise' THEN
        PERFORM FROM crm_schema.customers c WHERE c.id = save.customer FOR KEY SHARE;
        IF NOT FOUND THEN
            RETURN NULL;
        END IF;
        kept := crm_schema.crm_internal_keep(save);
        comment_id := kept.comment_id;
        IF kept.applied IS NOT NULL THEN
            SELECT c.status, c.updated_at INTO now_status, now_version
            FROM crm_schema.customers c WHERE c.id = save.customer;
            RETURN crm_schema.crm_internal_replayed(save.customer, kept.applied, comment_id, now_status, now_version);
        END IF;
    END IF;
    refusal := crm_schema.crm_internal_refusal(save.customer, save.base, save.status, save.fields, save.omitted_fields,
                                               comment_id, held_by, held_at, held_until);
    IF refusal.now_version IS NULL THEN
        RETURN NULL;
    ELSIF crm_schema.crm_internal_setting('on_conflict', 'return') = 'raise' THEN
        PERFORM crm_schema.crm_internal_raise(save.customer, refusal.detail);
    END IF;
    RETURN (CASE WHEN held_by IS NULL THEN 'conflict' ELSE 'locked' END,
            CASE WHEN held_by IS NULL THEN 409 ELSE 423 END,
            refusal.now_status, refusal.now_version, comment_id,
            CASE WHEN held_by IS NOT NULL THEN format('Customer %s is locked for editing by %s', save.customer, held_by)
                 ELSE crm_schema.crm_internal_what_happened(save.customer, refusal.problem, refusal.total,
                                                            refusal.last_author) END
            || CASE WHEN save.status IS NULL AND save.fields IS NULL THEN '; nothing was changed'
                    ELSE '; your change was not applied' END
            || CASE WHEN comment_id IS NOT NULL THEN ', and your comment is kept once you commit.' ELSE '.' END,
            refusal.detail)::crm_schema.crm_update_result;
END $$;

-- Stores the comment of a refused save, once however often it is refused; applied is the version that this very request
-- made when it arrived late.
CREATE OR REPLACE FUNCTION crm_internal_keep(save crm_internal_save, OUT comment_id bigint, OUT applied timestamptz)
LANGUAGE plpgsql AS $$
DECLARE
    digest CONSTANT uuid := crm_schema.crm_internal_words(save.customer, save.author, save.comment, save.reply_to);
    is_repeated boolean;
BEGIN
    -- Others wait for who stores the comment, and not for who finds it: an error gives the lock back.
    BEGIN
        PERFORM pg_advisory_xact_lock(save.comment_key);
        comment_id := crm_schema.crm_internal_repeated(save.customer, digest, save.base, save.kept_window, false);
        is_repeated := comment_id IS NOT NULL;
        -- What was made of an earlier arrival of this request may be pruned from the history.
        IF NOT is_repeated AND NOT crm_schema.crm_internal_is_followed(save.customer, save.base) THEN
            comment_id := crm_schema.crm_internal_comment_of_base(
                save.customer, save.author, save.comment, save.reply_to, save.base,
                crm_schema.crm_internal_pass_to_save(save.customer));
        END IF;
        IF comment_id IS NOT NULL THEN
            RAISE SQLSTATE 'CRM00';
        END IF;
    EXCEPTION WHEN SQLSTATE 'CRM00' THEN
        IF comment_id IS NULL THEN
            RAISE;
        END IF;
    END;
    IF is_repeated THEN
        save.request := coalesce(save.request, crm_schema.crm_internal_request(save));
        applied := crm_schema.crm_internal_applied_late(save, comment_id);
    ELSIF comment_id IS NULL THEN
        comment_id := crm_schema.crm_internal_store(save.customer, save.author, save.comment, save.reply_to, save.base,
                                                    digest);
    END IF;
END $$;

-- The answer to a save that has nothing to write.
CREATE OR REPLACE FUNCTION crm_internal_unchanged(customer bigint, now_status text, now_version timestamptz, comment_id bigint)
RETURNS crm_update_result STABLE
RETURN ROW('unchanged', 200, now_status, now_version, comment_id,
           format('Customer %s already is as you asked; nothing was written.', customer), NULL)::crm_update_result;

-- The answer to a save whose customer the caller does not see. Who is under row security learns no more.
CREATE OR REPLACE FUNCTION crm_internal_missing(save crm_internal_save) RETURNS crm_update_result LANGUAGE plpgsql AS $$
DECLARE
    result crm_schema.crm_update_result;
BEGIN
    IF NOT row_security_active('crm_schema.customers'::regclass) THEN
        save.request := crm_schema.crm_internal_request(save);
        result := crm_schema.crm_internal_replay(save, NULL, NULL);
        IF result.outcome IS NOT NULL THEN
            RETURN result;
        ELSIF EXISTS (SELECT FROM crm_schema.crm_internal_history h WHERE h.customer_id = save.customer) THEN
            RETURN ('gone', 410, NULL, NULL, NULL, format('Customer %s was deleted; nothing was saved.',
                    save.customer), NULL)::crm_schema.crm_update_result;
        END IF;
    END IF;
    RETURN ('not_found', 404, NULL, NULL, NULL, format('There is no customer %s; nothing was saved.', save.customer),
            NULL)::crm_schema.crm_update_result;
END $$;

-- Whether the first change since a base followed it.
CREATE OR REPLACE FUNCTION crm_internal_is_followed(customer bigint, base timestamptz) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RETURN coalesce(crm_schema.crm_internal_same(
        (SELECT previous FROM crm_schema.crm_internal_history
         WHERE customer_id = customer AND version > base + interval '999 us' ORDER BY version LIMIT 1), base), false);
END $$;

-- Whether the history tells everything that became of a customer since a base: updates of columns that are there, up to the
-- current version.
CREATE OR REPLACE FUNCTION crm_internal_can_merge(customer bigint, base timestamptz, current timestamptz)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RETURN current IS NOT DISTINCT FROM (SELECT max(version) FROM crm_schema.crm_internal_history WHERE customer_id = customer)
       AND crm_schema.crm_internal_is_followed(customer, base)
       AND NOT EXISTS (SELECT FROM crm_schema.crm_internal_history h
                       WHERE h.customer_id = customer AND h.version > base + interval '999 us'
                         AND (h.operation <> 'update'
                              OR EXISTS (SELECT FROM jsonb_object_keys(h.fields_before) k (name)
                                         WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_attribute
                                                           WHERE attrelid = 'crm_schema.customers'::regclass
                                                             AND attname = k.name AND NOT attisdropped))));
END $$;

-- The comment that a refused save with these words left, if a save from this base repeats it: the same request at any time,
-- another base within the window. A base at or after an adoption has seen it and repeats nothing.
CREATE OR REPLACE FUNCTION crm_internal_repeated(customer bigint, words_digest uuid, base timestamptz, within interval,
                                                 only_adopted boolean)
RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT id FROM crm_schema.crm_internal_kept
            WHERE customer_id = customer AND refused_request = words_digest
              AND (adopted_version IS NOT NULL OR NOT only_adopted)
              AND (base = coalesce(based_on, '-infinity') OR crm_schema.crm_internal_same(base, based_on)
                   OR (adopted_version IS NULL OR base <= adopted_version - interval '1 ms')
                      AND crm_schema.crm_internal_is_within(created_at, within))
            ORDER BY id DESC LIMIT 1);
END $$;

-- The comment that a refused save with these words left, if this one is to take it over.
CREATE OR REPLACE FUNCTION crm_internal_adoptable(save crm_internal_save) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    digest CONSTANT uuid := crm_schema.crm_internal_words(save.customer, save.author, save.comment, save.reply_to);
BEGIN
    RETURN (SELECT k.id FROM crm_schema.crm_internal_kept k
            WHERE k.customer_id = save.customer AND k.refused_request = digest AND k.adopted_version IS NULL
              AND crm_schema.crm_internal_is_within(k.created_at, save.kept_window)
            ORDER BY k.id DESC LIMIT 1);
END $$;

-- The answer to a save that was applied before; NULL when it was not. now_version is NULL when the customer is gone.
CREATE OR REPLACE FUNCTION crm_internal_replay(save crm_internal_save, now_status text, now_version timestamptz)
RETURNS crm_update_result LANGUAGE plpgsql AS $$
DECLARE
    applied timestamptz;
    comment bigint;
BEGIN
    SELECT h.version, h.comment_id INTO applied, comment FROM crm_schema.crm_internal_history h
    WHERE h.customer_id = save.customer AND h.version > save.base + interval '999 us' AND h.request = save.request
      AND h.based_on BETWEEN save.base - interval '999 us' AND save.base + interval '999 us'
    ORDER BY h.version LIMIT 1;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    RETURN crm_schema.crm_internal_replayed(save.customer, applied, comment, now_status, now_version);
END $$;

-- The version that this very request made from an earlier base, by the save that took its kept comment over: an arrival
-- that was late, of which the user, who has gone on to a later base, was not told. NULL when there is none.
CREATE OR REPLACE FUNCTION crm_internal_applied_late(save crm_internal_save, comment bigint)
RETURNS timestamptz LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT h.version
            FROM crm_schema.crm_internal_kept k JOIN crm_schema.crm_internal_history h ON h.version = k.adopted_version
            WHERE k.customer_id = save.customer AND h.customer_id = save.customer AND k.id = comment
              AND h.request = save.request AND h.based_on < save.base - interval '999 us');
END $$;

-- Stores the comment of a save with the rights of the caller, and returns where; words_digest is that of a refused one.
CREATE OR REPLACE FUNCTION crm_internal_store(customer bigint, writer text, words text, answered bigint, base timestamptz,
                                              words_digest uuid)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    outer_save CONSTANT text := coalesce(current_setting('crm_internal.save', true), '');
    stored text[];
    inserted bigint;
BEGIN
    -- A comment without a save is first for the policies.
    IF answered IS NOT NULL AND NOT (base IS NULL AND row_security_active('crm_schema.comments'::regclass))
       AND NOT crm_schema.crm_internal_comment_is_there(customer, answered, CASE WHEN base IS NULL
               THEN crm_schema.crm_internal_pass_to_comment() ELSE crm_schema.crm_internal_pass_to_save(customer) END) THEN
        PERFORM crm_schema.crm_internal_no_comment(customer, answered);
    END IF;
    -- A comment without a base is no save's.
    PERFORM set_config('crm_internal.save', ARRAY[
        'comment', customer::text, pg_trigger_depth()::text, crm_schema.crm_internal_time(base),
        words_digest::text]::text, true);
    IF answered IS NULL THEN
        INSERT INTO crm_schema.comments (customer_id, author, body) VALUES (customer, writer, words);
    ELSE
        INSERT INTO crm_schema.comments (customer_id, author, body, reply_to) VALUES (customer, writer, words, answered);
    END IF;
    GET DIAGNOSTICS inserted = ROW_COUNT;
    stored := current_setting('crm_internal.save');
    PERFORM set_config('crm_internal.save', outer_save, true);
    IF inserted = 0 THEN
        PERFORM crm_schema.crm_internal_suppressed('comments', customer);
    ELSIF stored[1] <> 'stored' THEN
        PERFORM crm_schema.crm_internal_not_stored();
    END IF;
    RETURN stored[2];
END $$;

-- Lets a save take over the comment that a refused one with the same words and author left. The history row of the save names
-- both, so that nobody adopts what they did not save.
CREATE OR REPLACE FUNCTION crm_internal_adopt(customer bigint, comment bigint, words text, answered bigint, made timestamptz,
                                              pass bytea)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, crm_schema, pg_temp AS $$
#variable_conflict use_variable
BEGIN
    PERFORM crm_schema.crm_internal_require(pass, ARRAY[customer::text]);
    UPDATE crm_schema.comments c SET save_refused = false, adopted_version = made
    FROM crm_schema.customer_history h
    WHERE c.customer_id = customer AND c.id = comment
      AND h.customer_id = customer AND h.version = made AND h.comment_id = comment
      AND c.refused_request = crm_schema.crm_internal_words(customer, h.author, words, answered);
    IF NOT FOUND THEN
        PERFORM crm_schema.crm_internal_suppressed('comments', customer);
    END IF;
END $$;

-- Comments and edit locks ------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION crm_add_comment(id bigint, body text, author text, reply_to bigint DEFAULT NULL)
RETURNS bigint LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE AS $$
#variable_conflict use_column
DECLARE
    customer CONSTANT bigint := crm_add_comment.id;
    words CONSTANT text := crm_add_comment.body;
    writer text := crm_add_comment.author;
    answered CONSTANT bigint := crm_add_comment.reply_to;
    within CONSTANT interval := crm_schema.crm_internal_setting('repeated_comment_window', '5s');
    is_filtered CONSTANT boolean := row_security_active('crm_schema.comments'::regclass);
    pass bytea;
    repeated bigint;
BEGIN
    IF current_setting('transaction_read_only') = 'on' THEN
        PERFORM crm_schema.crm_internal_read_only('crm_add_comment');
    ELSIF customer IS NULL THEN
        PERFORM crm_schema.crm_internal_null('id');
    END IF;
    PERFORM crm_schema.crm_internal_check_body(words);
    writer := crm_schema.crm_internal_author(writer);
    IF NOT (has_column_privilege('crm_schema.comments'::regclass, 'body', 'INSERT')
            AND has_column_privilege('crm_schema.comments'::regclass, 'author', 'INSERT')
            AND has_column_privilege('crm_schema.comments'::regclass, 'customer_id', 'INSERT')
            AND (answered IS NULL OR has_column_privilege('crm_schema.comments'::regclass, 'reply_to', 'INSERT'))) THEN
        PERFORM crm_schema.crm_internal_denied('comments');
    END IF;
    pass := crm_schema.crm_internal_pass_to_comment();
    -- Whom the policies do not let comment is not told what is there: the foreign keys are checked after the policies.
    IF is_filtered THEN
        NULL;
    ELSIF NOT crm_schema.crm_internal_customer_stays(customer, pass) THEN
        RAISE foreign_key_violation USING MESSAGE = format('there is no customer %s', customer),
            DETAIL = 'Nothing was stored.', HINT = 'Pass a key that is there.';
    ELSIF answered IS NOT NULL AND NOT crm_schema.crm_internal_comment_is_there(customer, answered, pass) THEN
        PERFORM crm_schema.crm_internal_no_comment(customer, answered);
    END IF;
    IF within > interval '0' THEN
        -- Two that arrive together are one. Others wait for who stores it, and not for who finds it: an error gives the
        -- lock back.
        BEGIN
            PERFORM pg_advisory_xact_lock(hashtextextended(words, hashtextextended(writer, hashint8extended(
                coalesce(answered, 0), customer # 4412368917455083977))));
            IF NOT is_filtered THEN
                repeated := crm_schema.crm_internal_comment_added(customer, writer, words, answered, within, pass);
            ELSIF has_table_privilege('crm_schema.comments'::regclass, 'SELECT') THEN
                SELECT c.id INTO repeated
                FROM (SELECT id, author, body, reply_to, created_at, based_on FROM crm_schema.comments
                      WHERE customer_id = crm_add_comment.id ORDER BY id DESC LIMIT 30) c
                WHERE c.author = writer AND c.body = words AND c.reply_to IS NOT DISTINCT FROM answered
                  AND crm_schema.crm_internal_is_within(c.created_at, within) AND c.based_on IS NULL
                ORDER BY c.id DESC LIMIT 1;
            END IF;
            IF repeated IS NOT NULL THEN
                RAISE SQLSTATE 'CRM00';
            END IF;
        EXCEPTION WHEN SQLSTATE 'CRM00' THEN
            IF repeated IS NULL THEN
                RAISE;
            END IF;
            RETURN repeated;
        END;
    END IF;
    RETURN crm_schema.crm_internal_store(customer, writer, words, answered, NULL, NULL);
END $$;

COMMENT ON FUNCTION crm_add_comment(bigint, text, text, bigint) IS
    'adds a comment without a save, and returns its id: see doc/comments.md#without-a-save';

-- Locks the customer's row, on which requests for its edit lock wait for each other; false when the caller sees none.
CREATE OR REPLACE FUNCTION crm_internal_lock_row(customer bigint) RETURNS boolean LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
    seen timestamptz;
    tried timestamptz;
BEGIN
    IF NOT has_column_privilege('crm_schema.customers'::regclass, 'status', 'UPDATE') THEN
        PERFORM crm_schema.crm_internal_denied('customers');
    END IF;
    PERFORM crm_schema.crm_internal_require_readable();
    LOOP
        SELECT updated_at INTO seen FROM crm_schema.customers WHERE id = customer;
        IF NOT FOUND THEN
            RETURN false;
        ELSIF seen = tried THEN
            PERFORM crm_schema.crm_internal_hidden(customer);
        END IF;
        PERFORM FROM crm_schema.customers WHERE id = customer FOR NO KEY UPDATE;
        IF FOUND THEN
            RETURN true;
        END IF;
        tried := seen;
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION crm_lock_customer(id bigint, author text, ttl interval DEFAULT '15 minutes', lock_id uuid DEFAULT NULL)
RETURNS crm_lock_result LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE AS $$
#variable_conflict use_column
DECLARE
    customer CONSTANT bigint := crm_lock_customer.id;
    offered CONSTANT uuid := crm_lock_customer.lock_id;
    writer text := crm_lock_customer.author;
    clock timestamptz;
    held_id uuid;
    held_by text;
    held_at timestamptz;
    held_until timestamptz;
    is_live boolean;
BEGIN
    IF current_setting('transaction_read_only') = 'on' THEN
        PERFORM crm_schema.crm_internal_read_only('crm_lock_customer');
    ELSIF customer IS NULL THEN
        PERFORM crm_schema.crm_internal_null('id');
    END IF;
    writer := crm_schema.crm_internal_author(writer);
    IF ttl IS NULL THEN
        PERFORM crm_schema.crm_internal_null('ttl');
    ELSIF extract(year FROM ttl) <> 0 OR extract(month FROM ttl) <> 0 OR abs(extract(day FROM ttl)) > 1
       OR abs(extract(epoch FROM ttl) - 86400 * extract(day FROM ttl)) > 86400
       OR ttl <= interval '0' OR ttl > interval '24 hours' THEN
        RAISE invalid_parameter_value USING MESSAGE = 'ttl must be more than 0 and at most 24 hours',
            DETAIL = 'Months, whose length varies, cannot be given. Nothing was locked.',
            HINT = 'Pass an interval such as ''15 minutes'', and renew the lock while it is needed.';
    END IF;

    IF NOT crm_schema.crm_internal_lock_row(customer) THEN
        IF NOT row_security_active('crm_schema.customers'::regclass)
           AND EXISTS (SELECT FROM crm_schema.crm_internal_history h WHERE h.customer_id = customer) THEN
            RETURN ('gone', 410, NULL, NULL, NULL, format('Customer %s was deleted.', customer))::crm_schema.crm_lock_result;
        END IF;
        RETURN ('not_found', 404, NULL, NULL, NULL, format('There is no customer %s.', customer))::crm_schema.crm_lock_result;
    END IF;

    clock := clock_timestamp();
    SELECT l.lock_id, l.author, l.locked_at, l.expires_at INTO held_id, held_by, held_at, held_until
    FROM crm_schema.crm_internal_locks l WHERE l.customer_id = customer;
    is_live := coalesce(crm_schema.crm_internal_is_live(held_until), false);
    -- A lock that expired is renewed as long as nobody took it over.
    IF offered = held_id OR (offered IS NULL AND is_live AND held_by = writer) THEN
        IF held_by <> writer THEN
            RAISE insufficient_privilege USING MESSAGE = format('the lock on customer %s is not yours', customer),
                DETAIL = format('It is held by "%s". Nothing was changed.', held_by),
                HINT = 'Pass the author who took the lock.';
        END IF;
        held_until := clock + ttl;
        UPDATE crm_schema.crm_internal_locks l SET expires_at = held_until, db_user = session_user
        WHERE l.customer_id = customer;
        IF NOT FOUND THEN
            PERFORM crm_schema.crm_internal_suppressed('customer_locks', customer);
        END IF;
        RETURN ('renewed', 200, held_id, held_by, held_until,
                format('Your lock on customer %s is renewed.', customer))::crm_schema.crm_lock_result;
    ELSIF offered IS NOT NULL AND is_live THEN
        RETURN ('lost', 409, NULL, held_by, held_until,
                format('Your lock on customer %s was taken over by %s.', customer, held_by))::crm_schema.crm_lock_result;
    ELSIF offered IS NOT NULL THEN
        RETURN ('lost', 409, NULL, NULL, NULL,
                format('Your lock on customer %s was released.', customer))::crm_schema.crm_lock_result;
    ELSIF is_live THEN
        RETURN ('locked', 423, NULL, held_by, held_until,
                format('Customer %s is locked for editing by %s.', customer, held_by))::crm_schema.crm_lock_result;
    END IF;
    held_id := gen_random_uuid();
    held_until := clock + ttl;
    INSERT INTO crm_schema.crm_internal_locks (customer_id, lock_id, author, locked_at, expires_at, db_user)
    VALUES (customer, held_id, writer, clock, held_until, session_user)
    ON CONFLICT (customer_id) DO UPDATE SET lock_id = excluded.lock_id, author = excluded.author,
        locked_at = excluded.locked_at, expires_at = excluded.expires_at, db_user = excluded.db_user;
    IF NOT FOUND THEN
        PERFORM crm_schema.crm_internal_suppressed('customer_locks', customer);
    END IF;
    RETURN ('acquired', 200, held_id, writer, held_until,
            format('Customer %s is locked for you.', customer))::crm_schema.crm_lock_result;
END $$;

COMMENT ON FUNCTION crm_lock_customer(bigint, text, interval, uuid) IS
    'locks a customer for editing by one author, or renews the lock: see doc/edit-locks.md';

CREATE OR REPLACE FUNCTION crm_unlock_customer(id bigint, lock_id uuid)
RETURNS boolean LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE AS $$
#variable_conflict use_column
DECLARE
    customer CONSTANT bigint := crm_unlock_customer.id;
    offered CONSTANT uuid := crm_unlock_customer.lock_id;
BEGIN
    IF current_setting('transaction_read_only') = 'on' THEN
        PERFORM crm_schema.crm_internal_read_only('crm_unlock_customer');
    ELSIF customer IS NULL THEN
        PERFORM crm_schema.crm_internal_null('id');
    ELSIF offered IS NULL THEN
        PERFORM crm_schema.crm_internal_null('lock_id');
    -- A renewal that found the lock just before would write it again.
    ELSIF NOT crm_schema.crm_internal_lock_row(customer) THEN
        RETURN false;
    END IF;
    DELETE FROM crm_schema.crm_internal_locks l WHERE l.customer_id = customer AND l.lock_id = offered;
    RETURN FOUND;
END $$;

COMMENT ON FUNCTION crm_unlock_customer(bigint, uuid) IS
    'releases the edit lock that has this id: see doc/edit-locks.md';

-- Many saves -------------------------------------------------------------------------------------

-- The value of a key of a save as text, where it is a string or a number.
CREATE OR REPLACE FUNCTION crm_internal_save_text(save jsonb, name text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF jsonb_typeof(save -> name) NOT IN ('string', 'number', 'null') THEN
        RAISE invalid_parameter_value USING MESSAGE = name || ' must be a string',
            DETAIL = 'No save of the call was made.', HINT = format('Mend the value of "%s".', name);
    END IF;
    RETURN save ->> name;
END $$;

CREATE OR REPLACE FUNCTION crm_update_customers(saves jsonb)
RETURNS SETOF crm_update_customers_result LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE AS $$
DECLARE
    save jsonb;
    ord integer;
    name text;
    customer bigint;
    key_text text;
    base timestamptz;
    new_status text;
    words text;
    writer text;
    customers bigint[] := '{}';
    answers crm_schema.crm_update_customers_result[];
    answer crm_schema.crm_update_result;
    state text;
    message text;
    detail text;
    hint text;
    of_schema text;
    of_table text;
    of_column text;
    of_type text;
    of_constraint text;
BEGIN
    IF current_setting('transaction_read_only') = 'on' THEN
        PERFORM crm_schema.crm_internal_read_only('crm_update_customers');
    ELSIF saves IS NULL THEN
        PERFORM crm_schema.crm_internal_null('saves');
    ELSIF jsonb_typeof(saves) <> 'array' THEN
        RAISE invalid_parameter_value USING MESSAGE = 'saves must be a JSON array', DETAIL = 'Nothing was saved.',
            HINT = 'Pass one object for each save, as in [{"id": 1, "expected_ts": ..., "author": ...}].';
    END IF;

    BEGIN
        FOR save, ord IN SELECT s.value, s.n FROM jsonb_array_elements(saves) WITH ORDINALITY s (value, n) ORDER BY s.n LOOP
            IF jsonb_typeof(save) <> 'object' THEN
                RAISE invalid_parameter_value USING MESSAGE = 'a save must be a JSON object',
                    DETAIL = 'No save of the call was made.',
                    HINT = 'Its keys are those of the arguments of crm_update_customer().';
            END IF;
            FOR name IN SELECT jsonb_object_keys(save) LOOP
                IF name NOT IN ('id', 'key', 'expected_ts', 'status', 'comment', 'author', 'merge', 'reply_to', 'fields') THEN
                    RAISE invalid_parameter_value USING MESSAGE = format('a save has no argument "%s"', name),
                        DETAIL = 'No save of the call was made.',
                        HINT = 'Its arguments are those of crm_update_customer(), with id or key; other columns go into fields.';
                END IF;
            END LOOP;
            IF NOT has_any_column_privilege('crm_schema.customers'::regclass, 'UPDATE') THEN
                PERFORM crm_schema.crm_internal_denied('customers');
            END IF;
            customer := crm_schema.crm_internal_save_text(save, 'id');
            key_text := crm_schema.crm_internal_save_text(save, 'key');
            IF customer IS NOT NULL AND key_text IS NOT NULL THEN
                RAISE invalid_parameter_value USING MESSAGE = 'a save must not have both id and key',
                    DETAIL = 'No save of the call was made.', HINT = 'Leave one of them out.';
            END IF;
            customer := coalesce(customer, key_text::bigint);
            IF customer IS NULL THEN
                PERFORM crm_schema.crm_internal_null('id');
            END IF;
            base := crm_schema.crm_internal_utc(crm_schema.crm_internal_save_text(save, 'expected_ts'));
            new_status := crm_schema.crm_internal_save_text(save, 'status');
            words := crm_schema.crm_internal_save_text(save, 'comment');
            writer := crm_schema.crm_internal_save_text(save, 'author');
            IF jsonb_typeof(save -> 'merge') NOT IN ('boolean', 'null') THEN
                RAISE invalid_parameter_value USING MESSAGE = 'merge must be true, false or null',
                    DETAIL = 'No save of the call was made.', HINT = 'Mend the value of "merge".';
            END IF;
            PERFORM crm_schema.crm_internal_check(base, new_status, words, writer,
                                                  crm_schema.crm_internal_save_text(save, 'reply_to')::bigint);
            customers := customers || customer;
        END LOOP;

        -- In the order of their keys, so that calls which save the same customers do not deadlock.
        FOR customer, ord IN SELECT c.id, c.n FROM unnest(customers) WITH ORDINALITY c (id, n) ORDER BY c.id, c.n LOOP
            save := saves -> (ord - 1);
            answer := crm_schema.crm_update_customer(
                customer, crm_schema.crm_internal_utc(crm_schema.crm_internal_save_text(save, 'expected_ts')),
                crm_schema.crm_internal_save_text(save, 'status'), crm_schema.crm_internal_save_text(save, 'comment'),
                crm_schema.crm_internal_save_text(save, 'author'), (save ->> 'merge')::boolean,
                crm_schema.crm_internal_save_text(save, 'reply_to')::bigint, nullif(save -> 'fields', 'null'));
            answers[ord] := (ord, answer.outcome, answer.http_status, answer.status, answer.updated_at, answer.comment_id,
                             answer.message, answer.detail)::crm_schema.crm_update_customers_result;
        END LOOP;
    EXCEPTION WHEN OTHERS OR query_canceled OR assert_failure THEN
        GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
            hint = PG_EXCEPTION_HINT, of_schema = SCHEMA_NAME, of_table = TABLE_NAME, of_column = COLUMN_NAME,
            of_type = PG_DATATYPE_NAME, of_constraint = CONSTRAINT_NAME;
        -- An option of RAISE cannot be left out by its value.
        EXECUTE format('DO %L', (
            SELECT format('BEGIN RAISE USING %s; END', string_agg(format('%s = %L', o.name, o.value), ', '))
            FROM (VALUES ('ERRCODE', state), ('MESSAGE', format('save %s: %s', ord, message)), ('DETAIL', detail),
                         ('HINT', hint), ('SCHEMA', of_schema), ('TABLE', of_table), ('COLUMN', of_column),
                         ('DATATYPE', of_type), ('CONSTRAINT', of_constraint)) o (name, value)
            WHERE o.value <> ''));
    END;
    RETURN QUERY SELECT a.* FROM unnest(answers) a ORDER BY a.ord;
END $$;

-- A time of JSON, which is UTC where it names no zone.
CREATE OR REPLACE FUNCTION crm_internal_utc(moment text) RETURNS timestamptz LANGUAGE plpgsql STABLE
SET "TimeZone" = 'UTC' SET "DateStyle" = 'ISO, YMD' AS $$
BEGIN
    RETURN moment::timestamptz;
END $$;

COMMENT ON FUNCTION crm_update_customers(jsonb) IS
    'makes many saves in one call, and answers each: see doc/merge.md#many-saves';

-- Triggers ---------------------------------------------------------------------------------------
--
-- Nobody needs to be allowed to call their functions; whoever may could make a trigger of another table run with the owner's
-- rights.

CREATE OR REPLACE FUNCTION crm_customers_key() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM crm_schema.crm_internal_key_changed(OLD.id, NEW.id);
END $$;

COMMENT ON FUNCTION crm_customers_key() IS
    'BEFORE UPDATE trigger of customers: refuses a changed key: see doc/reference.md#triggers';

CREATE OR REPLACE FUNCTION crm_internal_key_changed(before bigint, after bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE feature_not_supported USING MESSAGE = 'cannot change the key of a row of "customers"',
        DETAIL = format('Key %s would become %s, and lose its history.', before, coalesce(after::text, 'NULL')),
        HINT = 'Insert a new row instead.';
END $$;

CREATE OR REPLACE FUNCTION crm_customers_version() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    saved CONSTANT text[] := nullif(current_setting('crm_internal.save', true), '');
    lifts CONSTANT boolean := coalesce(
        saved[1] = 'lift' AND saved[2] = NEW.id::text AND saved[3]::integer = pg_trigger_depth() - 1, false);
    checked timestamptz;  -- the version that the row had when it was found fit to be saved
    next timestamptz;
BEGIN
    IF NEW.id IS NULL THEN
        RETURN NEW;  -- the NOT NULL constraint tells
    ELSIF NEW.id <> OLD.id THEN
        PERFORM crm_schema.crm_internal_key_changed(OLD.id, NEW.id);
    ELSIF saved[1] = 'save' AND saved[2] = NEW.id::text AND saved[3]::integer = pg_trigger_depth() - 1 THEN
        -- Triggers of the comment may have touched the row since the base was checked, but not saved from the same base.
        checked := coalesce(saved[8], saved[5]);
        IF NOT crm_schema.crm_internal_same(OLD.updated_at, checked) AND crm_schema.crm_internal_is_used(
               NEW.id, checked, crm_schema.crm_internal_pass_to_save(NEW.id)) THEN
            RAISE triggered_action_exception
                USING MESSAGE = format('another trigger saved row %s of "customers" from the version of this save', NEW.id),
                    DETAIL = 'One version has one successor; the save was undone.',
                    HINT = 'Let the trigger change the row by a plain UPDATE.';
        END IF;
    ELSIF crm_schema.crm_internal_follows(NEW.updated_at, OLD.updated_at)
          AND NOT crm_schema.crm_internal_is_ahead(NEW.updated_at) AND NOT lifts THEN
        RETURN NEW;
    END IF;
    -- A row is lifted above its chain, whatever triggers of others have made of what was asked.
    next := crm_schema.crm_internal_next(CASE WHEN lifts THEN greatest(OLD.updated_at, saved[4]::timestamptz)
                                              ELSE OLD.updated_at END);
    IF next >= '10000-01-01 00:00:00+00' THEN
        PERFORM crm_schema.crm_internal_exhausted(OLD.id);
    END IF;
    NEW.updated_at := next;
    RETURN NEW;
END $$;

COMMENT ON FUNCTION crm_customers_version() IS
    'BEFORE UPDATE trigger of customers: gives every UPDATE its version: see doc/reference.md#triggers';

-- Whether a save was made from a version.
CREATE OR REPLACE FUNCTION crm_internal_is_used(customer bigint, base timestamptz, pass bytea) RETURNS boolean LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
    PERFORM crm_schema.crm_internal_require(pass, ARRAY[customer::text]);
    RETURN EXISTS (SELECT FROM crm_schema.customer_history
                   WHERE customer_id = customer AND version > base + interval '999 us'
                     AND based_on BETWEEN base - interval '999 us' AND base + interval '999 us');
END $$;

CREATE OR REPLACE FUNCTION crm_customers_first_version() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    head timestamptz;
    head_operation text;
BEGIN
    IF NEW.id IS NULL THEN
        RETURN NEW;
    ELSIF NEW.updated_at NOT BETWEEN '0001-01-01 00:00:00+00' AND '9998-12-31 23:59:59.999+00' THEN
        RAISE datetime_field_overflow USING MESSAGE = 'version of a row of "customers" is out of range',
            DETAIL = 'A version that is given is finite and lies within years 1 to 9998.',
            HINT = 'Leave the version column out: the trigger sets it.';
    END IF;
    SELECT version, operation INTO head, head_operation FROM crm_schema.customer_history
    WHERE customer_id = NEW.id ORDER BY version DESC LIMIT 1;
    -- Where the customer is there, the statement fails, or ON CONFLICT compares what was given.
    IF NEW.updated_at IS NOT NULL
       AND (CASE WHEN crm_schema.crm_internal_is_ahead(NEW.updated_at)
                 THEN EXISTS (SELECT FROM crm_schema.customers WHERE id = NEW.id)
                 ELSE head IS NULL OR head_operation <> 'delete' OR crm_schema.crm_internal_follows(NEW.updated_at, head)
            END) THEN
        RETURN NEW;
    END IF;
    NEW.updated_at := crm_schema.crm_internal_next(head);
    IF NEW.updated_at >= '10000-01-01 00:00:00+00' THEN
        PERFORM crm_schema.crm_internal_exhausted(NEW.id);
    END IF;
    RETURN NEW;
END $$;

COMMENT ON FUNCTION crm_customers_first_version() IS
    'BEFORE INSERT trigger of customers: gives every INSERT its version: see doc/reference.md#triggers';

-- Triggers and constraints of the history may use what is in this schema.
CREATE OR REPLACE FUNCTION crm_customers_history() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, crm_schema, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    saved CONSTANT text[] := nullif(current_setting('crm_internal.save', true), '');
    is_mine boolean;
    change crm_schema.customer_history;
    same crm_schema.customers;
    head timestamptz;
    head_operation text;
    outer_save text;
BEGIN
    change.operation := lower(TG_OP);
    IF TG_OP = 'UPDATE' THEN
        is_mine := saved[2] = NEW.id::text AND saved[3]::integer = pg_trigger_depth() - 1;
        IF NEW.updated_at IS NULL OR NEW.updated_at NOT BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999+00'
           OR NOT coalesce(crm_schema.crm_internal_follows(NEW.updated_at, OLD.updated_at), true)
              AND isfinite(OLD.updated_at) THEN
            PERFORM crm_schema.crm_internal_overruled(NEW.id);
        END IF;
        change.customer_id := NEW.id;
        change.version := NEW.updated_at;
        change.status_to := NEW.status;
        IF is_mine AND saved[1] = 'lift' THEN
            change.operation := 'insert';
            change.previous := saved[4];
            change.fields := crm_schema.crm_internal_changed(NULL, NEW);
            PERFORM set_config('crm_internal.save', '{done}', true);
        ELSE
            change.previous := OLD.updated_at;
            change.status_from := OLD.status;
            same := NEW;
            same.status := OLD.status;
            same.updated_at := OLD.updated_at;
            IF NOT same *= OLD THEN
                change.fields := crm_schema.crm_internal_changed(OLD, NEW);
            END IF;
            IF is_mine AND saved[1] = 'save' THEN
                change.author := saved[4];
                change.based_on := saved[5];
                change.request := saved[6];
                change.comment_id := saved[7];
                PERFORM set_config('crm_internal.save',
                                   ARRAY['done', crm_schema.crm_internal_time(change.version)]::text, true);
            END IF;
        END IF;
    ELSIF TG_OP = 'INSERT' THEN
        IF NEW.updated_at IS NULL OR NEW.updated_at NOT BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999+00' THEN
            PERFORM crm_schema.crm_internal_overruled(NEW.id);
        END IF;
        -- One snapshot shows a row that others deleted beside its successor, and not what the history says of the deletion.
        IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable')
           AND (SELECT count(*) FROM crm_schema.customers WHERE id = NEW.id) > 1 THEN
            RAISE serialization_failure USING MESSAGE = 'could not serialize access due to concurrent update',
                DETAIL = 'A row was changed by a transaction that this one cannot see.', HINT = 'Retry the transaction.';
        END IF;
        SELECT version, operation INTO head, head_operation FROM crm_schema.customer_history
        WHERE customer_id = NEW.id ORDER BY version DESC LIMIT 1;
        IF head = NEW.updated_at AND head_operation <> 'delete' THEN
            RETURN NULL;  -- it was restored
        END IF;
        change.customer_id := NEW.id;
        change.version := NEW.updated_at;
        change.previous := head;
        IF NOT crm_schema.crm_internal_follows(NEW.updated_at, head) THEN
            -- A trigger that fired before this one may have changed the row again.
            IF EXISTS (SELECT FROM crm_schema.customers WHERE id = NEW.id AND updated_at = NEW.updated_at)
               OR NOT EXISTS (SELECT FROM crm_schema.customer_history h
                              WHERE h.customer_id = NEW.id AND h.version > NEW.updated_at AND h.previous = NEW.updated_at)
               OR EXISTS (SELECT FROM crm_schema.customer_history h
                          WHERE h.customer_id = NEW.id AND h.version = NEW.updated_at) THEN
                outer_save := coalesce(current_setting('crm_internal.save', true), '');
                PERFORM set_config('crm_internal.save', ARRAY[
                    'lift', NEW.id::text, pg_trigger_depth()::text, crm_schema.crm_internal_time(head)]::text, true);
                UPDATE crm_schema.customers SET updated_at = crm_schema.crm_internal_next(greatest(head, NEW.updated_at))
                WHERE id = NEW.id;
                IF NOT FOUND OR current_setting('crm_internal.save') <> '{done}' THEN
                    PERFORM crm_schema.crm_internal_suppressed('customers', NEW.id);
                END IF;
                PERFORM set_config('crm_internal.save', outer_save, true);
                RETURN NULL;
            END IF;
            change.previous := (SELECT max(h.version) FROM crm_schema.customer_history h
                                WHERE h.customer_id = NEW.id AND h.version < NEW.updated_at);
        END IF;
        change.status_to := NEW.status;
        change.fields := crm_schema.crm_internal_changed(NULL, NEW);
    ELSE
        change.customer_id := OLD.id;
        change.version := crm_schema.crm_internal_next(OLD.updated_at);
        change.previous := OLD.updated_at;
        change.status_from := OLD.status;
        change.fields := crm_schema.crm_internal_changed(OLD, NULL);
        IF change.version >= '10000-01-01 00:00:00+00' THEN
            PERFORM crm_schema.crm_internal_exhausted(OLD.id);
        END IF;
    END IF;

    -- Whatever the setting crm_internal.save says: where it is known who the user is, nobody is another.
    IF crm_schema.crm_author_setting() <> '' THEN
        change.author := crm_schema.crm_internal_identity();
    END IF;
    INSERT INTO crm_schema.customer_history (customer_id, version, previous, based_on, recorded_at, operation, author, db_user,
                                             status_from, status_to, fields, comment_id, request)
    VALUES (change.customer_id, change.version, change.previous, change.based_on, clock_timestamp(), change.operation,
            change.author, session_user, change.status_from, change.status_to, change.fields, change.comment_id,
            change.request);
    IF NOT FOUND THEN
        PERFORM crm_schema.crm_internal_suppressed('customer_history', change.customer_id);
    END IF;
    RETURN NULL;
END $$;

COMMENT ON FUNCTION crm_customers_history() IS
    'AFTER trigger of customers: records every change in the history: see doc/reference.md#triggers';

CREATE OR REPLACE FUNCTION crm_internal_overruled(customer bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE triggered_action_exception
        USING MESSAGE = format('another trigger overruled the version of row %s of "customers"', customer),
            DETAIL = 'Stored, it would not follow the version before; the write was undone.',
            HINT = 'Drop the trigger that sets the version column, or rename it so that it fires first.';
END $$;

CREATE OR REPLACE FUNCTION crm_history_restore() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM crm_schema.customer_history
    WHERE customer_id = NEW.customer_id AND version = NEW.version AND recorded_at > NEW.recorded_at AND operation = 'insert';
    RETURN NEW;
END $$;

COMMENT ON FUNCTION crm_history_restore() IS
    'BEFORE INSERT trigger of customer_history: lets the rows of a dump in: see doc/reference.md#triggers';

CREATE OR REPLACE FUNCTION crm_refuse_truncate() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF crm_schema.crm_internal_setting('allow_truncate', 'off')::boolean AND crm_schema.crm_internal_owns(TG_RELID) THEN
        RETURN NULL;
    END IF;
    RAISE object_not_in_prerequisite_state USING MESSAGE = format('cannot truncate table "%s"', TG_TABLE_NAME),
        DETAIL = 'It is guarded by crm_concurrency; TRUNCATE would go unrecorded.',
        HINT = 'As its owner, SET LOCAL crm_concurrency.allow_truncate = on.';
END $$;

COMMENT ON FUNCTION crm_refuse_truncate() IS
    'BEFORE TRUNCATE trigger of customers and comments: refuses it: see doc/reference.md#triggers';

CREATE OR REPLACE FUNCTION crm_internal_owns(relation oid) RETURNS boolean STABLE LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = relation);
END $$;

CREATE OR REPLACE FUNCTION crm_comments_guard() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    saved CONSTANT text[] := nullif(current_setting('crm_internal.save', true), '');
    is_owner boolean;
    clock timestamptz;
BEGIN
    IF TG_OP = 'DELETE' THEN
        -- A customer's end reaches its comments with the rights of their owner.
        IF NOT crm_schema.crm_internal_owns(TG_RELID)
           OR crm_schema.crm_internal_customer_is_there(OLD.customer_id, crm_schema.crm_internal_pass_to_comment()) THEN
            PERFORM crm_schema.crm_internal_append_only('delete');
        END IF;
        RETURN OLD;
    ELSIF TG_OP = 'UPDATE' THEN
        -- An adoption is what its history row says that it is; only the owner's rights write it. Triggers of others may have
        -- changed the row.
        IF OLD.refused_request IS NULL OR OLD.adopted_version IS NOT NULL OR NEW.save_refused OR NEW.adopted_version IS NULL
           OR (NEW.customer_id, NEW.id) IS DISTINCT FROM (OLD.customer_id, OLD.id)
           OR NOT crm_schema.crm_internal_owns(TG_RELID) THEN
            PERFORM crm_schema.crm_internal_append_only('update');
        ELSIF NOT EXISTS (SELECT FROM crm_schema.customer_history
                          WHERE customer_id = NEW.customer_id AND version = NEW.adopted_version AND comment_id = NEW.id) THEN
            PERFORM crm_schema.crm_internal_append_only('update');
        END IF;
        RETURN NEW;
    ELSIF saved[1] = 'comment' AND saved[2] = NEW.customer_id::text AND saved[3]::integer = pg_trigger_depth() - 1 THEN
        -- The comment of a save, or of crm_add_comment(), which have checked it; triggers of others may have changed it since.
        IF NEW.author IS NULL OR crm_schema.crm_internal_is_blank(NEW.author) OR crm_schema.crm_author_setting() <> '' THEN
            NEW.author := crm_schema.crm_internal_author(NEW.author);
        END IF;
        IF NEW.body IS NULL OR crm_schema.crm_internal_is_blank(NEW.body)
           OR octet_length(NEW.body) > crm_schema.crm_internal_setting('max_comment_length', '1000000')::integer THEN
            PERFORM crm_schema.crm_internal_check_body(NEW.body);
        END IF;
        IF NEW.created_at NOT BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999+00' THEN
            PERFORM crm_schema.crm_internal_impossible_time();
        END IF;
        NEW.created_at := clock_timestamp();
        NEW.based_on := saved[4];
        NEW.refused_request := saved[5];
        NEW.save_refused := NEW.refused_request IS NOT NULL;
        NEW.adopted_version := NULL;
        NEW.expected_ts := NULL;
        PERFORM set_config('crm_internal.save', ARRAY['stored', NEW.id::text]::text, true);
        RETURN NEW;
    END IF;

    clock := clock_timestamp();
    is_owner := crm_schema.crm_internal_owns(TG_RELID);
    -- The owner imports comments of the past, whose author is not the one who adds them.
    IF is_owner AND NEW.created_at < statement_timestamp() AND NEW.author IS NOT NULL AND NEW.expected_ts IS NULL THEN
        IF crm_schema.crm_internal_is_blank(NEW.author) THEN
            PERFORM crm_schema.crm_internal_blank('author', 'Pass the name of the person who wrote the comment.');
        END IF;
    ELSE
        NEW.author := crm_schema.crm_internal_author(NEW.author);
    END IF;
    PERFORM crm_schema.crm_internal_check_body(NEW.body);
    IF NEW.created_at NOT BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999+00' THEN
        PERFORM crm_schema.crm_internal_impossible_time();
    END IF;
    IF NEW.customer_id IS NULL OR NEW.id IS NULL THEN
        RETURN NEW;  -- the NOT NULL constraints tell
    END IF;

    IF NEW.expected_ts IS NOT NULL THEN
        NEW.expected_ts := crm_schema.crm_internal_in_reach(NEW.expected_ts);
        PERFORM crm_schema.crm_internal_check_version(NEW.customer_id, NEW.expected_ts, NEW.author);
        PERFORM set_config('crm_internal.versioned', coalesce(current_setting('crm_internal.versioned', true), '')
                           || format(' %s/%s/%s', NEW.customer_id, NEW.id, crm_schema.crm_internal_time(NEW.expected_ts)),
                           true);
        NEW.created_at := clock_timestamp();
        NEW.based_on := NEW.expected_ts;
        NEW.expected_ts := NULL;
    ELSE
        -- A time since the statement began is that of the column's default.
        IF NOT is_owner OR NEW.created_at IS NULL OR NEW.created_at >= statement_timestamp() THEN
            NEW.created_at := clock;
        END IF;
        IF is_owner THEN
            RETURN NEW;  -- who restores and imports
        END IF;
        NEW.based_on := NULL;
    END IF;
    NEW.save_refused := false;
    NEW.refused_request := NULL;
    NEW.adopted_version := NULL;
    RETURN NEW;
END $$;

COMMENT ON FUNCTION crm_comments_guard() IS
    'BEFORE trigger of comments: checks new ones and keeps the table append-only: see doc/reference.md#triggers';

CREATE OR REPLACE FUNCTION crm_internal_append_only(command text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE object_not_in_prerequisite_state USING MESSAGE = format('cannot %s comments of table "comments"', command),
        DETAIL = 'Comments are append-only; they go only with their customer.',
        HINT = 'Add a comment that corrects the other.';
END $$;

-- Checks a comment with expected_ts as a save of it would be, and locks the customer.
CREATE OR REPLACE FUNCTION crm_internal_check_version(customer bigint, base timestamptz, writer text) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
    seen timestamptz;
    tried timestamptz;
    held_by text;
    held_at timestamptz;
    held_until timestamptz;
BEGIN
    IF NOT has_column_privilege('crm_schema.customers'::regclass, 'status', 'UPDATE') THEN
        PERFORM crm_schema.crm_internal_denied('customers');
    END IF;
    PERFORM crm_schema.crm_internal_require_readable();
    LOOP
        SELECT updated_at INTO seen FROM crm_schema.customers WHERE id = customer;
        IF NOT FOUND THEN
            -- Whom policies keep from comments is not told whether it is there.
            IF row_security_active('crm_schema.customers'::regclass)
               AND (row_security_active('crm_schema.comments'::regclass)
                    OR crm_schema.crm_internal_customer_is_there(customer, crm_schema.crm_internal_pass_to_comment())) THEN
                RAISE insufficient_privilege
                    USING MESSAGE = format('row-level security of table "customers" hides row %s from you', customer),
                        DETAIL = 'A comment with expected_ts changes its customer; nothing was saved.',
                        HINT = 'Leave expected_ts out to add a comment alone.';
            END IF;
            RETURN;  -- the foreign key tells
        ELSIF tried = seen THEN
            PERFORM crm_schema.crm_internal_hidden(customer);
        END IF;
        tried := seen;
        IF crm_schema.crm_internal_same(base, seen)
           OR (current_setting('transaction_isolation') IN ('repeatable read', 'serializable') AND base >= seen) THEN
            SELECT updated_at INTO seen FROM crm_schema.customers WHERE id = customer FOR NO KEY UPDATE;
            CONTINUE WHEN NOT FOUND;
            SELECT author, locked_at, expires_at INTO held_by, held_at, held_until FROM crm_schema.crm_internal_locks
            WHERE customer_id = customer AND crm_schema.crm_internal_is_live(expires_at) AND author <> writer;
            IF crm_schema.crm_internal_same(base, seen) AND held_by IS NULL THEN
                RETURN;
            ELSIF NOT crm_schema.crm_internal_same(base, seen) THEN
                held_by := NULL;
            END IF;
        END IF;
        PERFORM crm_schema.crm_internal_raise(customer, r.detail)
        FROM crm_schema.crm_internal_refusal(customer, base, NULL, NULL, NULL, NULL, held_by, held_at, held_until) r
        WHERE r.now_version IS NOT NULL;
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION crm_comments_version() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    noted CONSTANT text := coalesce(current_setting('crm_internal.versioned', true), '');
    mine CONSTANT text := format(' %s/%s/%s', NEW.customer_id, NEW.id, crm_schema.crm_internal_time(NEW.based_on));
    outer_save CONSTANT text := coalesce(current_setting('crm_internal.save', true), '');
    current timestamptz;
BEGIN
    IF position(mine || ' ' IN noted || ' ') = 0 THEN
        RETURN NULL;
    END IF;
    PERFORM set_config('crm_internal.versioned', rtrim(replace(noted || ' ', mine || ' ', ' ')), true);
    SELECT updated_at INTO current FROM crm_schema.customers WHERE id = NEW.customer_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        PERFORM crm_schema.crm_internal_suppressed('customers', NEW.customer_id);
    END IF;
    -- Other triggers of this statement may have changed the customer since the check; another save from the same base must
    -- not have.
    IF NOT crm_schema.crm_internal_same(NEW.based_on, current)
       AND crm_schema.crm_internal_is_used(NEW.customer_id, NEW.based_on,
                                               crm_schema.crm_internal_pass_to_save(NEW.customer_id)) THEN
        PERFORM crm_schema.crm_internal_raise(NEW.customer_id, r.detail)
        FROM crm_schema.crm_internal_refusal(NEW.customer_id, NEW.based_on, NULL, NULL, NULL, NULL, NULL, NULL, NULL) r;
    END IF;
    PERFORM set_config('crm_internal.save', ARRAY[
        'save', NEW.customer_id::text, pg_trigger_depth()::text, NEW.author, crm_schema.crm_internal_time(NEW.based_on),
        NULL, NEW.id::text, NULL]::text, true);
    UPDATE crm_schema.customers SET status = status WHERE id = NEW.customer_id;
    IF NOT FOUND THEN
        PERFORM crm_schema.crm_internal_suppressed('customers', NEW.customer_id);
    ELSIF current_setting('crm_internal.save') NOT LIKE '{done,%' THEN
        PERFORM crm_schema.crm_internal_did_not_fire();
    END IF;
    PERFORM set_config('crm_internal.save', outer_save, true);
    RETURN NULL;
END $$;

COMMENT ON FUNCTION crm_comments_version() IS
    'AFTER INSERT trigger of comments: the version of a comment with expected_ts: see doc/reference.md#triggers';

REVOKE EXECUTE ON FUNCTION crm_customers_key(), crm_customers_version(), crm_customers_first_version(),
    crm_customers_history(), crm_history_restore(), crm_refuse_truncate(), crm_comments_guard(), crm_comments_version()
    FROM PUBLIC;

-- Tables -----------------------------------------------------------------------------------------

-- The tables, and what depends on them or is their owner's to change. As a Trusted Language Extension the edition has them as
-- crm_concurrency itself has its tables, not as members: so a dump has them as they are, and they outlive the extension.
CREATE OR REPLACE FUNCTION crm_create_tables() RETURNS regclass LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $create$
DECLARE
    schema CONSTANT oid := (SELECT pronamespace FROM pg_proc WHERE oid = 'crm_schema.crm_create_tables()'::regprocedure);
    owner CONSTANT name := (SELECT pg_get_userbyid(proowner) FROM pg_proc
                            WHERE oid = 'crm_schema.crm_create_tables()'::regprocedure);
    tables CONSTANT name[] := '{customers,comments,customer_history,customer_locks}';
    there CONSTANT name[] := ARRAY(SELECT relname FROM pg_class WHERE relnamespace = schema AND relname = ANY (tables));
    wanted record;
    found_in oid;
BEGIN
    IF owner <> current_user THEN
        RAISE insufficient_privilege USING MESSAGE = 'must be owner of function crm_create_tables',
            DETAIL = 'The functions work with the rights of their owner, who must own the tables, too. Nothing was changed.',
            HINT = format('SET ROLE %I.', owner);
    END IF;

    IF there = '{}' THEN
        -- Pages filled to 80 % leave room for the next versions of their rows, so that saves are HOT updates and touch no
        -- index; frequent vacuuming of a small share keeps that room free.
        CREATE TABLE crm_schema.customers (
            id         bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
            name       text,
            phone      text,
            email      text,
            status     text NOT NULL DEFAULT 'new',
            -- The defaults let plain INSERTs go on when the triggers are gone.
            updated_at timestamptz NOT NULL DEFAULT date_trunc('milliseconds', clock_timestamp())
        ) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);

        COMMENT ON TABLE crm_schema.customers IS 'customers; save them with crm_update_customer()';
        COMMENT ON COLUMN crm_schema.customers.updated_at IS
            'the version of the row, set by trigger: what the next save sends as expected_ts';

        -- Comments are only ever added, and refused ones adopted once. A reply comes after what it answers: no cycles.
        CREATE TABLE crm_schema.comments (
            customer_id     bigint NOT NULL REFERENCES crm_schema.customers ON DELETE CASCADE,
            id              bigint GENERATED BY DEFAULT AS IDENTITY,
            author          text NOT NULL,
            body            text NOT NULL,
            created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
            reply_to        bigint CONSTRAINT comments_reply_to_an_earlier_one CHECK (reply_to < id),
            based_on        timestamptz,
            save_refused    boolean NOT NULL DEFAULT false,
            refused_request uuid,
            adopted_version timestamptz,
            expected_ts     timestamptz CONSTRAINT comments_expected_ts_is_not_stored CHECK (expected_ts IS NULL),
            PRIMARY KEY (customer_id, id),
            FOREIGN KEY (customer_id, reply_to) REFERENCES crm_schema.comments (customer_id, id)
        );

        -- Finds what refused saves left without reading the other comments of a customer.
        CREATE INDEX ON crm_schema.comments (customer_id, refused_request) WHERE refused_request IS NOT NULL;
        -- For the foreign key, when comments go with their customer.
        CREATE INDEX ON crm_schema.comments (customer_id, reply_to) WHERE reply_to IS NOT NULL;

        COMMENT ON TABLE crm_schema.comments IS 'comments on customers; append-only';
        COMMENT ON COLUMN crm_schema.comments.created_at IS
            'when it was added, by the server''s clock; a past time given by the owner is kept';
        COMMENT ON COLUMN crm_schema.comments.reply_to IS 'the comment of the same customer that this one answers';
        COMMENT ON COLUMN crm_schema.comments.based_on IS
            'the version its author was looking at; NULL for a comment without a save';
        COMMENT ON COLUMN crm_schema.comments.save_refused IS
            'whether it was kept from a save that was refused and has not been adopted since';
        COMMENT ON COLUMN crm_schema.comments.refused_request IS
            'a digest of author and text, when it was kept from a refused save: finds it again';
        COMMENT ON COLUMN crm_schema.comments.adopted_version IS
            'the version of the save that adopted it after the refusal; NULL when it was not refused or not adopted';
        COMMENT ON COLUMN crm_schema.comments.expected_ts IS
            'always NULL: a value given at INSERT is checked like that of a save and moves to based_on';

        CREATE TABLE crm_schema.customer_history (
            customer_id    bigint NOT NULL,
            version        timestamptz NOT NULL,
            previous       timestamptz,
            based_on       timestamptz,
            recorded_at    timestamptz NOT NULL,
            operation      text NOT NULL CHECK (operation IN ('insert', 'update', 'delete')),
            author         text,
            db_user        text NOT NULL,
            status_from    text,
            status_to      text,
            fields         jsonb,
            comment_id     bigint,
            request        uuid,
            earlier_pruned boolean NOT NULL DEFAULT false,
            PRIMARY KEY (customer_id, version)
        );

        -- Answers "what changed lately" at almost no cost to saves: versions arrive almost in order.
        CREATE INDEX ON crm_schema.customer_history USING brin (version);

        COMMENT ON TABLE crm_schema.customer_history IS 'one row for each change of a customer, written by triggers';
        COMMENT ON COLUMN crm_schema.customer_history.version IS
            'the version that the change made';
        COMMENT ON COLUMN crm_schema.customer_history.previous IS 'the version before; NULL for the first of the chain';
        COMMENT ON COLUMN crm_schema.customer_history.based_on IS
            'the version the author was looking at; NULL for a plain write';
        COMMENT ON COLUMN crm_schema.customer_history.recorded_at IS 'the server''s clock when the change was made';
        COMMENT ON COLUMN crm_schema.customer_history.author IS 'who saved; NULL for a plain write';
        COMMENT ON COLUMN crm_schema.customer_history.db_user IS 'the database user of the session';
        COMMENT ON COLUMN crm_schema.customer_history.fields IS
            'the other columns that changed, as {"column": {"from": ..., "to": ...}}';
        COMMENT ON COLUMN crm_schema.customer_history.comment_id IS 'the comment of the save';
        COMMENT ON COLUMN crm_schema.customer_history.request IS 'a digest of what the save asked: finds a repeated request';
        COMMENT ON COLUMN crm_schema.customer_history.earlier_pruned IS
            'whether earlier rows of this customer were removed by crm_prune_history()';

        CREATE TABLE crm_schema.customer_locks (
            customer_id bigint PRIMARY KEY REFERENCES crm_schema.customers ON DELETE CASCADE,
            lock_id     uuid NOT NULL,
            author      text NOT NULL,
            locked_at   timestamptz NOT NULL,
            expires_at  timestamptz NOT NULL,
            db_user     text NOT NULL
        );

        COMMENT ON TABLE crm_schema.customer_locks IS
            'edit locks on customers, one row each, also expired ones; the view crm_locks shows the live ones';
        COMMENT ON COLUMN crm_schema.customer_locks.lock_id IS
            'what its holder renews and releases it with; a secret of the holder';
        COMMENT ON COLUMN crm_schema.customer_locks.author IS 'who holds the lock: their saves are admitted';
        COMMENT ON COLUMN crm_schema.customer_locks.expires_at IS 'when it ends by itself, by the server''s clock';
        COMMENT ON COLUMN crm_schema.customer_locks.db_user IS 'the database user of the session that took it';
    END IF;

    -- Tables that are there may be those of an older version, of a dump, or left by uninstall.sql.
    FOR wanted IN SELECT * FROM (VALUES
        ('customers', '{id bigint,status text,updated_at timestamp with time zone}'::text[]),
        ('comments', '{customer_id bigint,id bigint,author text,body text,created_at timestamp with time zone,reply_to bigint,'
                     'based_on timestamp with time zone,save_refused boolean,refused_request uuid,'
                     'adopted_version timestamp with time zone,expected_ts timestamp with time zone}'),
        ('customer_history', '{customer_id bigint,version timestamp with time zone,previous timestamp with time zone,'
                             'based_on timestamp with time zone,recorded_at timestamp with time zone,operation text,author text,'
                             'db_user text,status_from text,status_to text,fields jsonb,comment_id bigint,request uuid,'
                             'earlier_pruned boolean}'),
        ('customer_locks', '{customer_id bigint,lock_id uuid,author text,locked_at timestamp with time zone,'
                           'expires_at timestamp with time zone,db_user text}')) AS t (name, columns)
    LOOP
        IF NOT EXISTS (SELECT FROM pg_class c
                       WHERE relnamespace = schema AND relname = wanted.name AND relkind = 'r'
                         AND pg_get_userbyid(relowner) = owner
                         -- Older versions have versions of timestamptz(3), and users of type name.
                         AND wanted.columns <@ ARRAY(SELECT replace(replace(attname || ' ' || format_type(atttypid, atttypmod), '(3)', ''),
                                                                    'db_user name', 'db_user text')
                                                     FROM pg_attribute
                                                     WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped)) THEN
            RAISE duplicate_table
                USING MESSAGE = format('the tables %s are there, and "%s" is none of crm_concurrency',
                                       array_to_string(there, ', '), wanted.name),
                    DETAIL = 'Nothing was changed.', HINT = 'Install the edition in a schema of its own.';
        END IF;
    END LOOP;

    -- Where the name of the authenticated user is found. Any session may set the setting: the owner can replace this function by
    -- one that returns what no session can change, which then stays.
    IF to_regprocedure('crm_schema.crm_author_setting()') IS NULL THEN
        CREATE FUNCTION crm_schema.crm_author_setting() RETURNS text STABLE
        RETURN coalesce(current_setting('crm_concurrency.author_setting', true), '');

        COMMENT ON FUNCTION crm_schema.crm_author_setting() IS
            'where the name of the authenticated user is found, as crm_concurrency.author_setting says; to be replaced by the owner where that must not be anybody''s to set';
    END IF;

    IF to_regclass('crm_schema.crm_locks') IS NULL THEN
        CREATE VIEW crm_schema.crm_internal_history WITH (security_barrier) AS
        SELECT customer_id, version, previous, based_on, recorded_at, operation, status_from, comment_id, request,
               crm_schema.crm_internal_fields_before(fields) AS fields_before
        FROM crm_schema.customer_history
        WHERE has_column_privilege('crm_schema.customers'::regclass, 'status', 'UPDATE')
          AND has_column_privilege('crm_schema.customers'::regclass, 'id', 'SELECT')
          AND has_column_privilege('crm_schema.customers'::regclass, 'status', 'SELECT')
          AND (NOT row_security_active('crm_schema.customers'::regclass) OR crm_schema.crm_internal_sees(customer_id));

        CREATE VIEW crm_schema.crm_internal_kept WITH (security_barrier) AS
        SELECT customer_id, id, refused_request, based_on, created_at, adopted_version
        FROM crm_schema.comments
        WHERE refused_request IS NOT NULL
          AND has_column_privilege('crm_schema.customers'::regclass, 'status', 'UPDATE')
          AND has_column_privilege('crm_schema.customers'::regclass, 'id', 'SELECT')
          AND (NOT row_security_active('crm_schema.customers'::regclass) OR crm_schema.crm_internal_sees(customer_id));

        CREATE VIEW crm_schema.crm_internal_locks WITH (security_barrier) AS
        SELECT customer_id, lock_id, author, locked_at, expires_at, db_user
        FROM crm_schema.customer_locks
        WHERE has_column_privilege('crm_schema.customers'::regclass, 'status', 'UPDATE')
          AND has_column_privilege('crm_schema.customers'::regclass, 'id', 'SELECT')
          AND (NOT row_security_active('crm_schema.customers'::regclass) OR crm_schema.crm_internal_sees(customer_id))
        WITH LOCAL CHECK OPTION;

        GRANT SELECT ON crm_schema.crm_internal_history, crm_schema.crm_internal_kept TO PUBLIC;
        GRANT SELECT, INSERT, UPDATE, DELETE ON crm_schema.crm_internal_locks TO PUBLIC;

        COMMENT ON VIEW crm_schema.crm_internal_history IS
            'internal: what saves read of the history, for who may save the customer';
        COMMENT ON VIEW crm_schema.crm_internal_kept IS
            'internal: which comments refused saves left, for who may save the customer';
        COMMENT ON VIEW crm_schema.crm_internal_locks IS 'internal: the edit locks, for who may save the customer';

        CREATE VIEW crm_schema.crm_locks WITH (security_barrier) AS
        SELECT 'crm_schema.customers'::regclass AS customers, customer_id::text AS key, author, locked_at, expires_at
        FROM crm_schema.customer_locks
        WHERE crm_schema.crm_internal_is_live(expires_at)
          AND has_column_privilege('crm_schema.customers'::regclass, 'id', 'SELECT')
          AND has_column_privilege('crm_schema.customers'::regclass, 'status', 'SELECT')
          AND has_column_privilege('crm_schema.customers'::regclass, 'updated_at', 'SELECT')
          AND (NOT row_security_active('crm_schema.customers'::regclass) OR crm_schema.crm_internal_sees(customer_id))
        ORDER BY customer_id;

        GRANT SELECT ON crm_schema.crm_locks TO PUBLIC;

        COMMENT ON VIEW crm_schema.crm_locks IS 'the live edit locks on the customers that the caller may see';
        COMMENT ON COLUMN crm_schema.crm_locks.customers IS 'the customers table';
        COMMENT ON COLUMN crm_schema.crm_locks.key IS 'the key of the customer, as text';
        COMMENT ON COLUMN crm_schema.crm_locks.author IS 'who holds the lock';
        COMMENT ON COLUMN crm_schema.crm_locks.locked_at IS 'since when';
        COMMENT ON COLUMN crm_schema.crm_locks.expires_at IS 'when the lock ends by itself';

        CREATE VIEW crm_schema.crm_internal_savable WITH (security_barrier) AS
        SELECT c.id AS customer_id,
               sha256(convert_to(concat_ws(' ', s.secret, pg_backend_pid(), extract(epoch FROM transaction_timestamp()),
                                           c.id), 'UTF8')) AS pass
        FROM crm_schema.customers c CROSS JOIN crm_schema.crm_internal_secret s
        WHERE has_column_privilege('crm_schema.customers'::regclass, 'status', 'UPDATE')
          AND has_column_privilege('crm_schema.customers'::regclass, 'id', 'SELECT')
          AND (NOT row_security_active('crm_schema.customers'::regclass) OR crm_schema.crm_internal_sees(c.id));

        CREATE VIEW crm_schema.crm_internal_commentable WITH (security_barrier) AS
        SELECT sha256(convert_to(concat_ws(' ', s.secret, pg_backend_pid(), extract(epoch FROM transaction_timestamp()), 'any'),
                                 'UTF8')) AS pass
        FROM crm_schema.crm_internal_secret s
        WHERE pg_has_role((SELECT relowner FROM pg_catalog.pg_class WHERE oid = 'crm_schema.comments'::regclass), 'USAGE')
           OR (has_column_privilege('crm_schema.comments'::regclass, 'customer_id', 'INSERT')
               AND has_column_privilege('crm_schema.comments'::regclass, 'author', 'INSERT')
               AND has_column_privilege('crm_schema.comments'::regclass, 'body', 'INSERT')
               AND NOT row_security_active('crm_schema.comments'::regclass));

        GRANT SELECT ON crm_schema.crm_internal_savable, crm_schema.crm_internal_commentable TO PUBLIC;

        COMMENT ON VIEW crm_schema.crm_internal_savable IS 'internal: passes of saves, for who may save the customer';
        COMMENT ON VIEW crm_schema.crm_internal_commentable IS 'internal: the pass of comments, for who may comment any customer';
    END IF;

    -- Row triggers fire in the order of their names: the version is set last, so that no other overrules it. Rows of the history
    -- that were recorded before this transaction come from a dump; saves do not pay for the trigger.
    FOR wanted IN SELECT * FROM (VALUES
        ('customers', 'crm_key', 'BEFORE UPDATE OF id, status, updated_at', 'ROW WHEN (OLD.id IS DISTINCT FROM NEW.id)',
         'crm_customers_key'),
        ('customers', 'zz_crm_version', 'BEFORE UPDATE', 'ROW', 'crm_customers_version'),
        ('customers', 'zz_crm_first_version', 'BEFORE INSERT', 'ROW', 'crm_customers_first_version'),
        ('customers', 'crm_history', 'AFTER INSERT OR UPDATE OR DELETE', 'ROW', 'crm_customers_history'),
        ('customers', 'crm_truncate', 'BEFORE TRUNCATE', 'STATEMENT', 'crm_refuse_truncate'),
        ('comments', 'zz_crm_guard', 'BEFORE INSERT OR UPDATE OR DELETE', 'ROW', 'crm_comments_guard'),
        ('comments', 'crm_version', 'AFTER INSERT',
         $$ROW WHEN (NEW.based_on IS NOT NULL AND current_setting('crm_internal.versioned', true) <> '')$$,
         'crm_comments_version'),
        ('comments', 'crm_truncate', 'BEFORE TRUNCATE', 'STATEMENT', 'crm_refuse_truncate'),
        ('customer_history', 'crm_restore', 'BEFORE INSERT', 'ROW WHEN (NEW.recorded_at < now())', 'crm_history_restore')
        ) AS t (relation, name, events, level, function)
    LOOP
        SELECT p.pronamespace INTO found_in FROM pg_trigger t
            JOIN pg_class c ON c.oid = t.tgrelid
            JOIN pg_proc p ON p.oid = t.tgfoid
        WHERE c.relnamespace = schema AND c.relname = wanted.relation AND t.tgname = wanted.name;
        IF NOT FOUND THEN
            EXECUTE format('CREATE TRIGGER %I %s ON crm_schema.%I FOR EACH %s EXECUTE FUNCTION crm_schema.%I()',
                           wanted.name, wanted.events, wanted.relation, wanted.level, wanted.function);
        ELSIF found_in <> schema THEN
            RAISE duplicate_object USING MESSAGE = format('another crm_concurrency guards table "%s"', wanted.relation),
                DETAIL = 'Nothing was changed.', HINT = 'Let it go of the table first, as crm_detach() does.';
        END IF;
    END LOOP;
    RETURN 'crm_schema.customers'::regclass;
END $create$;

COMMENT ON FUNCTION crm_create_tables() IS
    'creates the tables of the edition, or what is missing of them: see doc/plpgsql-edition.md#installing';

-- The functions learn in which schema they are ----------------------------------------------------

-- Names in their bodies are looked for in no search_path: crm_schema stands for this schema until now.
DO $$
DECLARE
    definition text;
BEGIN
    FOR definition IN
        SELECT pg_get_functiondef(oid) FROM pg_proc
        WHERE pronamespace = quote_ident(current_schema())::regnamespace AND prosrc LIKE '%crm\_schema.%'
    LOOP
        EXECUTE replace(replace(definition, 'crm_schema.', quote_ident(current_schema()) || '.'),
                        quote_literal('crm_schema'), quote_literal(current_schema()));
    END LOOP;
    FOR definition IN
        SELECT oid::regprocedure::text FROM pg_proc
        WHERE pronamespace = quote_ident(current_schema())::regnamespace AND proname LIKE 'crm\_internal\_%'
    LOOP
        EXECUTE format('COMMENT ON FUNCTION %s IS %L', definition,
                       'internal, of functions and triggers of the edition: see doc/architecture.md');
    END LOOP;
END $$;

-- The tables ------------------------------------------------------------------------------------

-- An extension that is made has none yet. While one is updated, what is made becomes its member.
DO $$
DECLARE
    schema CONSTANT text := quote_ident(current_schema());
    extension CONSTANT name := (SELECT e.extname FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
                                WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_extension'::regclass
                                  AND d.objid = to_regprocedure(schema || '.crm_create_tables()') AND d.deptype = 'e');
    member text;
BEGIN
    IF extension IS NULL THEN
        PERFORM crm_create_tables();
    ELSIF EXISTS (SELECT FROM pg_trigger
                  WHERE tgrelid = to_regclass(schema || '.customers') AND tgname = 'zz_crm_version') THEN
        PERFORM crm_create_tables();
        FOR member IN
            SELECT o.type || ' ' || o.identity
            FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid,
                 LATERAL pg_identify_object(d.classid, d.objid, d.objsubid) o
            WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = extension
              AND (o.type = 'view' AND o.name <> 'crm_internal_casts_of_others'
                   OR o.type = 'function' AND o.identity LIKE '%.crm\_author\_setting()')
        LOOP
            EXECUTE format('ALTER EXTENSION %I DROP %s', extension, member);
        END LOOP;
    END IF;
END $$;

RESET check_function_bodies;

$script$;
EXCEPTION WHEN OTHERS OR query_canceled THEN
    -- Without the context, which would be all of this.
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
        hint = PG_EXCEPTION_HINT;
    RAISE EXCEPTION USING ERRCODE = state, MESSAGE = message, DETAIL = coalesce(nullif(detail, ''), 'Nothing was changed.'),
        HINT = coalesce(nullif(hint, ''), 'Run the script again when that is mended.');
END $crm_concurrency$;
