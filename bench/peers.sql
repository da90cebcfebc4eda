-- The peers' copies of the tables, as crm_create_tables() makes them, and their functions. Run once in the database of the
-- benchmark, whose attached tables are in the schema crm.

-- Columns, indexes, constraints and storage as they are in crm; no triggers of the extension.
CREATE PROCEDURE copy_tables(target text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE SCHEMA %I', target);
    EXECUTE format('SET LOCAL search_path = %I', target);
    CREATE TABLE customers (LIKE crm.customers INCLUDING ALL) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
    CREATE TABLE comments (LIKE crm.comments INCLUDING ALL,
                           FOREIGN KEY (customer_id) REFERENCES customers ON DELETE CASCADE,
                           FOREIGN KEY (customer_id, reply_to) REFERENCES comments (customer_id, id));
    CREATE TABLE customer_history (LIKE crm.customer_history INCLUDING ALL);
END
$$;

CALL copy_tables('plpgsql');
CALL copy_tables('cte');
CALL copy_tables('application');
CALL copy_tables('blind');
CALL copy_tables('floor');

-- Three statements: what a team writes that puts the check into the database.
CREATE FUNCTION plpgsql.save(customer bigint, expected timestamptz, new_status text, comment text, by text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    now_at timestamptz := date_trunc('milliseconds', clock_timestamp());
    comment_number bigint;
BEGIN
    UPDATE plpgsql.customers SET status = new_status, updated_at = greatest(now_at, updated_at + interval '1 ms')
    WHERE id = customer AND updated_at = expected RETURNING updated_at INTO now_at;
    IF NOT FOUND THEN
        RETURN 'conflict';
    END IF;
    INSERT INTO plpgsql.comments (customer_id, author, body, created_at, based_on)
    VALUES (customer, by, comment, clock_timestamp(), expected) RETURNING id INTO comment_number;
    INSERT INTO plpgsql.customer_history (customer_id, version, previous, based_on, recorded_at, operation, author, db_user,
                                          status_to, comment_id)
    VALUES (customer, now_at, expected, expected, clock_timestamp(), 'update', by, session_user, new_status, comment_number);
    RETURN 'updated';
END
$$;

-- What a team writes that wants every write of customers in a history: the rows are those that plain writes of attached tables
-- leave. Its tables are in the schema that comes first in the search_path.
CREATE FUNCTION audit_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := greatest(date_trunc('milliseconds', clock_timestamp()), OLD.updated_at + interval '1 ms');
    RETURN NEW;
END
$$;

CREATE FUNCTION audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed jsonb;
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF (NEW.name, NEW.phone, NEW.email) IS DISTINCT FROM (NULL, NULL, NULL) THEN
            changed := CASE WHEN NEW.name IS NULL THEN '{}'
                            ELSE jsonb_build_object('name', jsonb_build_object('to', NEW.name)) END
                || CASE WHEN NEW.phone IS NULL THEN '{}'
                        ELSE jsonb_build_object('phone', jsonb_build_object('to', NEW.phone)) END
                || CASE WHEN NEW.email IS NULL THEN '{}'
                        ELSE jsonb_build_object('email', jsonb_build_object('to', NEW.email)) END;
        END IF;
        INSERT INTO customer_history (customer_id, version, recorded_at, operation, db_user, status_to, fields)
        VALUES (NEW.id, NEW.updated_at, clock_timestamp(), 'insert', session_user, NEW.status, changed);
    ELSIF TG_OP = 'UPDATE' THEN
        IF (NEW.name, NEW.phone, NEW.email) IS DISTINCT FROM (OLD.name, OLD.phone, OLD.email) THEN
            changed := CASE WHEN NEW.name IS NOT DISTINCT FROM OLD.name THEN '{}'
                            ELSE jsonb_build_object('name', jsonb_build_object('from', OLD.name, 'to', NEW.name)) END
                || CASE WHEN NEW.phone IS NOT DISTINCT FROM OLD.phone THEN '{}'
                        ELSE jsonb_build_object('phone', jsonb_build_object('from', OLD.phone, 'to', NEW.phone)) END
                || CASE WHEN NEW.email IS NOT DISTINCT FROM OLD.email THEN '{}'
                        ELSE jsonb_build_object('email', jsonb_build_object('from', OLD.email, 'to', NEW.email)) END;
        END IF;
        INSERT INTO customer_history (customer_id, version, previous, recorded_at, operation, db_user, status_from,
                                      status_to, fields)
        VALUES (NEW.id, NEW.updated_at, OLD.updated_at, clock_timestamp(), 'update', session_user, OLD.status,
                NEW.status, changed);
    ELSE
        IF (OLD.name, OLD.phone, OLD.email) IS DISTINCT FROM (NULL, NULL, NULL) THEN
            changed := CASE WHEN OLD.name IS NULL THEN '{}'
                            ELSE jsonb_build_object('name', jsonb_build_object('from', OLD.name)) END
                || CASE WHEN OLD.phone IS NULL THEN '{}'
                        ELSE jsonb_build_object('phone', jsonb_build_object('from', OLD.phone)) END
                || CASE WHEN OLD.email IS NULL THEN '{}'
                        ELSE jsonb_build_object('email', jsonb_build_object('from', OLD.email)) END;
        END IF;
        INSERT INTO customer_history (customer_id, version, previous, recorded_at, operation, db_user, status_from,
                                      fields)
        VALUES (OLD.id, greatest(date_trunc('milliseconds', clock_timestamp()), OLD.updated_at + interval '1 ms'),
                OLD.updated_at, clock_timestamp(), 'delete', session_user, OLD.status, changed);
    END IF;
    RETURN NULL;
END
$$;

CREATE PROCEDURE audited_tables(target text) LANGUAGE plpgsql AS $$
BEGIN
    CALL copy_tables(target);
    EXECUTE format('CREATE TRIGGER version BEFORE INSERT OR UPDATE ON %I.customers FOR EACH ROW '
                   'EXECUTE FUNCTION crm.audit_version()', target);
    EXECUTE format('CREATE TRIGGER history AFTER INSERT OR UPDATE OR DELETE ON %I.customers FOR EACH ROW '
                   'EXECUTE FUNCTION crm.audit_change()', target);
END
$$;

CALL audited_tables('audit');

-- What any call costs.
CREATE FUNCTION noop(id bigint, expected_ts timestamptz, status text, comment text, author text, merge boolean DEFAULT NULL,
                     reply_to bigint DEFAULT NULL, fields jsonb DEFAULT NULL)
RETURNS crm_update_result AS 'crm_bench' LANGUAGE c;

-- The least that the three rows cost.
CREATE FUNCTION floor.save(id bigint, expected_ts timestamptz, status text, comment text, author text,
                           merge boolean DEFAULT NULL, reply_to bigint DEFAULT NULL, fields jsonb DEFAULT NULL)
RETURNS crm_update_result AS 'crm_bench', 'save_floor' LANGUAGE c;
