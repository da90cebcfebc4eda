-- A planter's functions, which what is planted calls. They find their names whatever the search_path is.
CREATE TABLE {schema}.bait (place text);
CREATE TABLE {schema}.sink (n bigint);

CREATE FUNCTION {schema}.tell(place text) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    is_restricted boolean;
BEGIN
    IF current_setting('planted.is_quiet', true) = 'on' THEN
        RETURN;
    END IF;
    BEGIN
        DEALLOCATE planted;
    EXCEPTION
        WHEN insufficient_privilege THEN is_restricted := true;
        WHEN invalid_sql_statement_name THEN is_restricted := false;
    END;
    -- the client gets what is INFO whatever client_min_messages is
    RAISE INFO 'planted % as % %', place, current_user, CASE WHEN is_restricted THEN 'restricted' ELSE 'free' END;
    -- Since 18 what is left for the end of the transaction runs as who left it, and must not go on for ever.
    IF current_user = '{role}' AND session_user <> '{role}' AND place NOT LIKE '% at commit' THEN
        BEGIN
            INSERT INTO {schema}.bait VALUES (place);
        EXCEPTION WHEN insufficient_privilege OR read_only_sql_transaction THEN
            NULL;  -- a security-restricted operation defers nothing
        END;
    END IF;
END $$;

-- Within an index page no error may be caught: that the role is right is all that is told.
CREATE FUNCTION {schema}.tell_role(place text) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF current_setting('planted.is_quiet', true) IS DISTINCT FROM 'on' THEN
        RAISE INFO 'planted % as % unknown', place, current_user;
    END IF;
END $$;

CREATE FUNCTION {schema}.at_commit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM {schema}.tell(NEW.place || ' at commit');
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON {schema}.bait DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION {schema}.at_commit();

-- The work is a VOLATILE function's, the lie is this one's.
CREATE FUNCTION {schema}.planted(place text, value bigint DEFAULT 1) RETURNS bigint IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
    PERFORM {schema}.tell(place);
    RETURN value;
END $$;

CREATE FUNCTION {schema}.planted_trigger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM {schema}.tell(TG_ARGV[0]);
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END $$;

-- Takes each table aside, and puts another in its place.
CREATE FUNCTION {schema}.swap(aside text, other text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY '{customers,comments,customer_history,customer_locks}'::text[] LOOP
        EXECUTE format('ALTER TABLE {schema}.%I RENAME TO %I', name, name || aside);
        EXECUTE format('ALTER TABLE {schema}.%I RENAME TO %I', name || other, name);
    END LOOP;
END $$;
