-- crm_update_customers: many saves in one call, each as a single one.
SET client_min_messages = warning;
CREATE SCHEMA update_customers;
SET search_path = update_customers, public;
SET TimeZone = 'Asia/Kathmandu';
SELECT crm_create_tables();
INSERT INTO customers (id, name, updated_at) SELECT i, 'Acme', '2026-01-05 10:00:00.123+00' FROM generate_series(1, 5) i;

-- every outcome, in the order given
SELECT outcome FROM crm_update_customer(4, regress.current(4), 'other', NULL, 'ben');
SELECT outcome FROM crm_update_customer(5, regress.current(5), 'twice', NULL, 'ana');
SELECT ord, outcome, http_status, status, comment_id IS NOT NULL AS comment, message, detail->'conflicts' AS conflicts
FROM crm_update_customers('[
    {"id": 3, "expected_ts": "2026-01-05T10:00:00.123Z", "status": "won", "comment": "Signed", "author": "ana"},
    {"id": "1", "expected_ts": "2026-01-05 10:00:00.123", "status": "won", "author": "ana", "fields": {"phone": "1"}},
    {"key": "2", "expected_ts": "2026-01-05T12:00:00.123+02:00", "author": "ana", "status": null, "comment": null, "merge": null},
    {"id": 4, "expected_ts": "2026-01-05T10:00:00.123Z", "status": "mine", "comment": "Kept", "author": "ana"},
    {"id": 5, "expected_ts": "2026-01-05T10:00:00.123Z", "status": "twice", "author": "ana"},
    {"id": 99, "expected_ts": "2026-01-05T10:00:00.123Z", "status": "x", "author": "ana"}]');
SELECT id, phone, status FROM customers ORDER BY id;
SELECT customer_id, author, body, save_refused FROM comments ORDER BY id;

-- one customer twice, in the given order: the second from the first one's base is a conflict, from the next it goes on
SELECT ord, outcome, status, updated_at = regress.current(2) AS is_current
FROM crm_update_customers('[
    {"id": 2, "expected_ts": "2026-01-05T10:00:00.123Z", "status": "first", "author": "ana"},
    {"id": 2, "expected_ts": "2026-01-05T10:00:00.123Z", "status": "second", "author": "ana"},
    {"id": 2, "expected_ts": "2026-01-05T10:00:00.123Z", "author": "ben", "merge": true, "fields": {"phone": "2"}},
    {"id": 2, "expected_ts": "2026-01-05T10:00:00.123Z", "status": "first", "author": "ana"}]');
SELECT n, previous, based_on, author, status_to FROM regress.history(2);
-- none, and many
SELECT count(*) FROM crm_update_customers('[]');
INSERT INTO customers (id, updated_at) SELECT i, '2026-01-05 10:00:00.123+00' FROM generate_series(1001, 2000) i;
SELECT count(*), count(*) FILTER (WHERE outcome = 'updated') AS updated, bool_and(ord = n) AS in_order
FROM (SELECT r.*, row_number() OVER () AS n FROM crm_update_customers((SELECT jsonb_agg(jsonb_build_object('id', i,
    'expected_ts', '2026-01-05T10:00:00.123Z', 'status', 'many', 'comment', 'c' || i, 'author', 'ana') ORDER BY random())
    FROM generate_series(1001, 2000) i)) r) r;
SELECT count(*) FROM customers c JOIN comments m ON m.customer_id = c.id AND m.body = 'c' || c.id WHERE c.status = 'many';

-- an invalid save fails the call and names its position; nothing is saved
SELECT * FROM regress.error($$SELECT crm_update_customers(NULL)$$);
SELECT * FROM regress.error($$SELECT crm_update_customers('{}')$$);
SELECT state, message FROM regress.error($$SELECT crm_update_customers('1')$$);
SELECT state, message FROM regress.error($$SELECT crm_update_customers('null')$$);
CREATE FUNCTION second(item text) RETURNS TABLE (state text, message text, detail text, hint text)
LANGUAGE sql AS $$
    SELECT e.* FROM regress.error(format('SELECT crm_update_customers(%L)',
        '[{"id": 1, "expected_ts": "' || (to_json(regress.current(1)) #>> '{}') || '", "status": "lost?", "author": "ana"}, ' || item || ']')) e
$$;
SELECT * FROM second('7');
SELECT * FROM second('{"id": 3, "expected_ts": "2026-01-05T10:00:00.123Z", "author": "ana", "phone": "1"}');
SELECT * FROM second('{"id": 3, "expected_ts": "2026-01-05T10:00:00.123Z", "author": ["ana"]}');
SELECT * FROM second('{"id": 3, "key": "3", "expected_ts": "2026-01-05T10:00:00.123Z", "author": "ana"}');
SELECT * FROM second('{"expected_ts": "2026-01-05T10:00:00.123Z", "author": "ana"}');
SELECT * FROM second('{"id": 3, "author": "ana"}');
SELECT state, message FROM second('[]');
SELECT state, message FROM second('{}');
SELECT state, message FROM second('{"id": 3, "expected_ts": "2026-01-05T10:00:00.123Z"}');
SELECT state, message FROM second('{"id": 3, "expected_ts": "2026-01-05T10:00:00.123Z", "author": " "}');
SELECT state, message FROM second('{"id": 3, "expected_ts": "2026-01-05T10:00:00.123Z", "author": "ana", "status": ""}');
SELECT state, message FROM second('{"id": 3, "expected_ts": "soon", "author": "ana"}');
SELECT state, message FROM second('{"id": 3, "expected_ts": true, "author": "ana"}');
SELECT state, message FROM second('{"id": 3.5, "expected_ts": "2026-01-05T10:00:00.123Z", "author": "ana"}');
SELECT state, message FROM second('{"id": "three", "expected_ts": "2026-01-05T10:00:00.123Z", "author": "ana"}');
SELECT state, message FROM second('{"id": 3, "expected_ts": "2026-01-05T10:00:00.123Z", "author": "ana", "merge": "yes"}');
SELECT state, message FROM second('{"id": 3, "expected_ts": "2026-01-05T10:00:00.123Z", "author": "ana", "fields": [1]}');
SELECT state, message FROM second('{"id": 3, "expected_ts": "2026-01-05T10:00:00.123Z", "author": "ana", "fields": {"fax": 1}}');
SELECT state, message FROM second('{"id": 3, "expected_ts": "2026-01-05T10:00:00.123Z", "author": "ana", "reply_to": 1}');
SELECT state, message FROM second('{"id": 3, "expected_ts": "2026-01-05T10:00:00.123Z", "author": "ana", "comment": "c", "reply_to": 1000000}');
SELECT count(*) FROM customers WHERE status = 'lost?';
-- all are checked before one is made, in the order given
SELECT state, message FROM regress.error($$SELECT crm_update_customers('[
    {"id": 3, "expected_ts": "2026-01-05T10:00:00.123Z", "author": " "},
    {"id": 1, "expected_ts": "2026-01-05T10:00:00.123Z", "author": "ana", "status": ""}]')$$);
-- an error keeps what it tells beside its message, also of a cancelled statement
ALTER TABLE customers ADD CONSTRAINT no_fax CHECK (phone <> 'fax');
CREATE FUNCTION cancel() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE query_canceled USING MESSAGE = 'cancelled'; END$$;
CREATE TRIGGER cancel BEFORE UPDATE ON customers FOR EACH ROW WHEN (NEW.phone = 'cancel') EXECUTE FUNCTION cancel();
CREATE FUNCTION fails(phone text, OUT state text, OUT message text, OUT hint text, OUT in_table text, OUT in_constraint text)
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM crm_update_customers(jsonb_build_array(jsonb_build_object('id', 3, 'expected_ts', regress.current(3), 'author', 'ana',
                                                                      'fields', jsonb_build_object('phone', phone))));
EXCEPTION WHEN OTHERS OR query_canceled THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT,
        in_table = TABLE_NAME, in_constraint = CONSTRAINT_NAME;
END $$;
SELECT * FROM fails('fax');
SELECT * FROM fails('cancel');
DROP TRIGGER cancel ON customers;
-- also for a conflict that is raised
SET crm_concurrency.on_conflict = raise;
SELECT state, message, detail::jsonb ? 'current' AS detail FROM second('{"id": 3, "expected_ts": "2026-01-05T10:00:00.123Z", "status": "z", "author": "ana"}');
RESET crm_concurrency.on_conflict;
SELECT count(*) FROM customers WHERE status = 'lost?';
BEGIN READ ONLY;
SELECT regress.state($$SELECT crm_update_customers('[]')$$);
ROLLBACK;
SET search_path = public;
SELECT regress.state($$SELECT crm_update_customers('[]')$$);
SET search_path = update_customers, public;
SELECT * FROM regress.violations();

-- who may change nothing is told so; who may not save is told for which
CREATE ROLE regress_crm_user;
GRANT USAGE ON SCHEMA update_customers TO regress_crm_user;
SET ROLE regress_crm_user;
SELECT state, message FROM regress.error($$SELECT crm_update_customers('[{"id": 2, "expected_ts": "2026-01-05T10:00:00.123Z", "author": "ana"}]')$$);
SELECT state, message FROM regress.error($$SELECT crm_update_customers('[{"id": "two", "expected_ts": "soon"}]')$$);
-- after what is no save; of no save nothing is missing
SELECT state, message FROM regress.error($$SELECT crm_update_customers('[7]')$$);
SELECT state, message FROM regress.error($$SELECT crm_update_customers('[{"what": "ever"}]')$$);
SELECT count(*) FROM crm_update_customers('[]');
RESET ROLE; GRANT SELECT, UPDATE (phone) ON customers TO regress_crm_user; SET ROLE regress_crm_user;
SELECT state, message FROM regress.error($$SELECT crm_update_customers('[{"what": "ever"}]')$$);
SELECT state, message FROM regress.error($$SELECT crm_update_customers('[{"id": 1, "expected_ts": "2026-01-05T10:00:00.123Z", "author": "ana"}]')$$);
RESET ROLE; REVOKE ALL ON customers FROM regress_crm_user; REVOKE ALL ON SCHEMA update_customers FROM regress_crm_user;
DROP ROLE regress_crm_user;

-- keys of another type
CREATE SCHEMA update_customers_uuid;
CREATE TABLE update_customers_uuid.customers (id uuid PRIMARY KEY, status text, updated_at timestamptz(3) NOT NULL);
SELECT crm_attach('update_customers_uuid.customers');
SET search_path = update_customers_uuid, public;
INSERT INTO customers SELECT ('00000000-0000-0000-0000-00000000000' || i)::uuid, 'new', '2026-01-05 10:00:00.123+00' FROM generate_series(1, 3) i;
SELECT ord, outcome, status FROM crm_update_customers('[
    {"key": "00000000-0000-0000-0000-000000000002", "expected_ts": "2026-01-05T10:00:00.123Z", "status": "b", "author": "ana"},
    {"key": "00000000-0000-0000-0000-000000000001", "expected_ts": "2026-01-05T10:00:00.123Z", "status": "a", "author": "ana"},
    {"key": "00000000-0000-0000-0000-000000000009", "expected_ts": "2026-01-05T10:00:00.123Z", "status": "c", "author": "ana"}]');
SELECT state, message FROM regress.error($$SELECT crm_update_customers('[{"id": 1, "expected_ts": "2026-01-05T10:00:00.123Z", "author": "ana"}]')$$);
SELECT state, message FROM regress.error($$SELECT crm_update_customers('[{"key": "1", "expected_ts": "2026-01-05T10:00:00.123Z", "author": "ana"}]')$$);
DROP SCHEMA update_customers, update_customers_uuid CASCADE;
