-- What random triggers call: names after a colon are those of the round's tables and columns, :other and :other_status a
-- customer and a status. Magic words in names, texts and authors make the functions do their worst.

-- For whom, and all that is stored but times and what is made of them.
CREATE FUNCTION log_row() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    hidden text[] := '{updated_at, row_version, version, previous, based_on, adopted_version, created_at, recorded_at,
        expected_ts, request, made_at, token, reverts, edited_at, withdrawn_at}';
    line text := concat_ws(' ', TG_NAME, TG_WHEN, TG_OP, array_to_string(TG_ARGV, ','), current_user, :path,
                           to_jsonb(OLD) - hidden, to_jsonb(NEW) - hidden);
BEGIN
    IF length(line) > 2000 THEN
        line := left(line, 100) || md5(line);
    END IF;
    INSERT INTO :log (entry) VALUES (line);
    RAISE NOTICE '%', line;
    RETURN coalesce(NEW, OLD);
END $$;

CREATE FUNCTION log_system_columns() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE '% % %', TG_NAME, TG_OP, TG_RELID::regclass;
    IF TG_OP <> 'DELETE' THEN RAISE NOTICE 'new %', NEW.tableoid::regclass; END IF;
    IF TG_OP <> 'INSERT' THEN RAISE NOTICE 'old %', OLD.tableoid::regclass; END IF;
    RETURN coalesce(NEW, OLD);
END $$;

-- What a trigger sees of the tables.
CREATE FUNCTION log_visible(whom text, at text) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', at, c.name, c.:status, (SELECT count(*) FROM :comments WHERE customer_id::text = whom),
                     (SELECT count(*) FROM :history WHERE customer_id::text = whom))
    FROM :customers c WHERE c.:key::text = whom
$$;

CREATE FUNCTION log_visible_customer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE NOTICE '%', :schema.log_visible(NEW.:key::text, TG_NAME); RETURN NEW; END $$;

CREATE FUNCTION log_visible_of() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE NOTICE '%', :schema.log_visible(NEW.customer_id::text, TG_NAME); RETURN NEW; END $$;

-- On statements.
CREATE FUNCTION log_statement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO :log (entry) VALUES (concat_ws(' ', TG_NAME, TG_WHEN, TG_OP, TG_LEVEL)); RETURN NULL; END $$;

CREATE FUNCTION log_transition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO :log (entry) SELECT concat_ws(' ', TG_NAME, TG_OP, count(*)) FROM made; RETURN NULL; END $$;

-- On customers: what changes the row before it is stored.
CREATE FUNCTION shout_name() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.name := upper(NEW.name); RETURN NEW; END $$;

CREATE FUNCTION clear_phone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.phone := NULL; RETURN NEW; END $$;

CREATE FUNCTION restage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF NEW.name = 'restage' THEN NEW.:status := :other_status; END IF; RETURN NEW; END $$;

CREATE FUNCTION set_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.:version := clock_timestamp(); RETURN NEW; END $$;

CREATE FUNCTION change_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF NEW.name = 'rekey' THEN NEW.:key := :other; END IF; RETURN NEW; END $$;

-- ... what stops it
CREATE FUNCTION suppress_name() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF NEW.name = 'suppress' THEN RETURN NULL; END IF; RETURN NEW; END $$;

CREATE FUNCTION raise_name() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.name = 'raise' THEN
        RAISE EXCEPTION 'no % here', NEW.name USING DETAIL = TG_NAME, HINT = 'None.', ERRCODE = 'XX123', TABLE = 'none';
    END IF;
    RETURN NEW;
END $$;

-- ... and what writes elsewhere, or to the same row
CREATE FUNCTION touch_other() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() < 2 THEN
        UPDATE :customers SET email = coalesce(email, '') || 'x' WHERE :key = :other AND length(coalesce(email, '')) < 9;
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION touch_self() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() < 2 AND NEW.name <> 'still' THEN
        UPDATE :customers SET email = NULL WHERE :key = NEW.:key;
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION delete_self() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF NEW.name = 'delete' THEN DELETE FROM :customers WHERE :key = NEW.:key; END IF; RETURN NEW; END $$;

CREATE FUNCTION lock_self() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM FROM :customers WHERE :key = NEW.:key FOR UPDATE; RETURN NEW; END $$;

CREATE FUNCTION caught() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() > 1 THEN RETURN NEW; END IF;
    BEGIN
        UPDATE :customers SET name = 'undone', :status = NULL WHERE :key = :other;
        RAISE EXCEPTION 'undone';
    EXCEPTION WHEN OTHERS THEN
        RAISE NOTICE '% %', SQLSTATE, SQLERRM;
    END;
    RETURN NEW;
END $$;

CREATE FUNCTION save_of(whom :key_type, at text) RETURNS text LANGUAGE sql AS $$
    SELECT s.outcome FROM :customers c,
        :save(whom, c.:version, NULL, 'saved by ' || at, 'trigger') s
    WHERE CAST(c.:key AS :key_type) = whom
$$;

CREATE FUNCTION save_other() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() < 2 THEN RAISE NOTICE '%', :schema.save_of(:other, TG_NAME); END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION save_self() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() < 2 THEN RAISE NOTICE '%', :schema.save_of(CAST(NEW.:key AS :key_type), TG_NAME); END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION comment_too() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() < 2 THEN
        INSERT INTO :comments (customer_id, author, body) VALUES (NEW.:key, 'trigger', 'by ' || TG_NAME);
    END IF;
    RETURN NEW;
END $$;

-- On comments.
CREATE FUNCTION shout_body() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.body := upper(NEW.body); RETURN NEW; END $$;

CREATE FUNCTION rename_author() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.author := NEW.author || '!'; RETURN NEW; END $$;

CREATE FUNCTION suppress_body() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF NEW.body = 'suppress' THEN RETURN NULL; END IF; RETURN NEW; END $$;

CREATE FUNCTION raise_body() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF NEW.body = 'raise' THEN RAISE unique_violation; END IF; RETURN NEW; END $$;

CREATE FUNCTION move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF NEW.body = 'move' THEN NEW.customer_id := :other; END IF; RETURN NEW; END $$;

CREATE FUNCTION blank() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF NEW.body = 'blank' THEN NEW.body := ' '; END IF; RETURN NEW; END $$;

CREATE FUNCTION touch_customer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN UPDATE :customers SET email = left(NEW.body, 9) WHERE :key = NEW.customer_id; RETURN NEW; END $$;

CREATE FUNCTION delete_customer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF NEW.body = 'delete' THEN DELETE FROM :customers WHERE :key = NEW.customer_id; END IF; RETURN NEW; END $$;

CREATE FUNCTION comment_again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() < 2 THEN
        INSERT INTO :comments (customer_id, author, body) VALUES (NEW.customer_id, 'trigger', 'by ' || TG_NAME);
    END IF;
    RETURN NEW;
END $$;

-- On the history.
CREATE FUNCTION suppress_author() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF NEW.author = 'eve' THEN RETURN NULL; END IF; RETURN NEW; END $$;

CREATE FUNCTION raise_author() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF NEW.author = 'eve' THEN RAISE EXCEPTION 'not eve'; END IF; RETURN NEW; END $$;

CREATE FUNCTION annotate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.fields := coalesce(NEW.fields, '{}') || '{"note": {"to": 1}}'; RETURN NEW; END $$;
