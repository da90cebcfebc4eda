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
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO customer_history (customer_id, version, recorded_at, operation, db_user, status_to, fields)
        VALUES (NEW.id, NEW.updated_at, clock_timestamp(), 'insert', session_user, NEW.status,
                (SELECT jsonb_object_agg(key, jsonb_build_object('to', value)) FROM jsonb_each(to_jsonb(NEW))
                 WHERE key NOT IN ('id', 'status', 'updated_at') AND value <> 'null'));
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO customer_history (customer_id, version, previous, recorded_at, operation, db_user, status_from,
                                      status_to, fields)
        VALUES (NEW.id, NEW.updated_at, OLD.updated_at, clock_timestamp(), 'update', session_user, OLD.status, NEW.status,
                (SELECT jsonb_object_agg(key, jsonb_build_object('from', o.value, 'to', n.value))
                 FROM jsonb_each(to_jsonb(OLD)) o JOIN jsonb_each(to_jsonb(NEW)) n USING (key)
                 WHERE key NOT IN ('id', 'status', 'updated_at') AND o.value <> n.value));
    ELSE
        INSERT INTO customer_history (customer_id, version, previous, recorded_at, operation, db_user, status_from, fields)
        VALUES (OLD.id, greatest(date_trunc('milliseconds', clock_timestamp()), OLD.updated_at + interval '1 ms'),
                OLD.updated_at, clock_timestamp(), 'delete', session_user, OLD.status,
                (SELECT jsonb_object_agg(key, jsonb_build_object('from', value)) FROM jsonb_each(to_jsonb(OLD))
                 WHERE key NOT IN ('id', 'status', 'updated_at') AND value <> 'null'));
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
