-- One session, whose server's clock is set while it goes on.
SET client_min_messages = warning;
SELECT no_plan();

CREATE FUNCTION version() RETURNS timestamptz LANGUAGE sql RETURN (SELECT updated_at FROM customers WHERE id = 1);
CREATE FUNCTION save(status text, comment text DEFAULT NULL, author text DEFAULT 'ana', base timestamptz DEFAULT public.version())
RETURNS crm_update_result LANGUAGE sql BEGIN ATOMIC
    SELECT * FROM crm_update_customer(1, base, status, comment, author);
END;
CREATE FUNCTION clock_check() RETURNS text LANGUAGE sql
RETURN (SELECT status FROM crm_doctor() WHERE check_name = 'clock' LIMIT 1);

INSERT INTO customers (name) VALUES ('Acme');
SELECT is((save('a')).outcome, 'updated', 'a save by the right clock');
SELECT public.version() AS first \gset
SELECT is((crm_update_customer(1, '2020-01-01', 'x', 'kept', 'ben')).outcome, 'conflict', 'a refused save leaves its comment');
SELECT crm_add_comment(1, 'called', 'ana') AS called \gset
SELECT is(outcome, 'acquired', 'ana locks') FROM crm_lock_customer(1, 'ana');
SELECT is(clock_check(), 'ok', 'the clock is well');

-- An hour back
\! echo -1h >"$CLOCK_FILE.new" && mv "$CLOCK_FILE.new" "$CLOCK_FILE"
SELECT ok(clock_timestamp() < :'first'::timestamptz - interval '59 min', 'the clock is set back by an hour');
SELECT is((save('b')).updated_at, :'first'::timestamptz + interval '1 ms', 'the next version follows the last one');
SELECT is((save('c')).updated_at, :'first'::timestamptz + interval '2 ms', 'and the one after that');
SELECT ok(recorded_at < clock_timestamp() AND recorded_at > clock_timestamp() - interval '1 min', 'the history has the clock')
FROM customer_history WHERE version = public.version();
SELECT is(detail -> 'expected_ts_problem', NULL, 'a version ahead of the clock is one') FROM save('x', base => :'first');
SELECT is(detail #>> '{expected_ts_problem,code}', 'in_the_future', 'a time ahead that is none is not')
FROM save('x', base => :'first'::timestamptz + interval '7 min 7 s');
SELECT is((save('x', author => 'ben')).outcome, 'locked', 'the lock of ana is live for longer');
SELECT ok(crm_unlock_customer(1, lock_id), 'it is released') FROM crm_lock_customer(1, 'ana');
SELECT ok(crm_add_comment(1, 'called', 'ana') > :called, 'the same words, an hour ahead, are others');
SELECT ok(comment_id < :called, 'the kept comment is adopted') FROM save('d', 'kept', 'ben');
SELECT is(clock_check(), 'warning', 'the doctor sees versions ahead of the clock');

-- A year ahead
\! echo +365d >"$CLOCK_FILE.new" && mv "$CLOCK_FILE.new" "$CLOCK_FILE"
SELECT ok(clock_timestamp() > :'first'::timestamptz + interval '364 days', 'the clock is set ahead by a year');
SELECT save('e', 'by then', 'ana') AS saved \gset
SELECT ok(public.version() BETWEEN clock_timestamp() - interval '1 min' AND clock_timestamp(), 'the version is of that time');
SELECT public.version() AS ahead \gset
SELECT is((crm_update_customer(1, '2020-01-01', 'x', 'refused ahead', 'ben')).outcome, 'conflict', 'a refused save leaves its comment');
SELECT (crm_update_customer(1, '2020-01-01', 'x', 'refused ahead', 'ben')).comment_id AS refused_ahead \gset
SELECT crm_add_comment(1, 'called ahead', 'ana') AS called_ahead \gset
SELECT is(outcome, 'acquired', 'ben locks for a day') FROM crm_lock_customer(1, 'ben', '24 hours');
SELECT is((save('x', author => 'ana')).outcome, 'locked', 'that refuses others');

-- And right again
\! echo +0 >"$CLOCK_FILE.new" && mv "$CLOCK_FILE.new" "$CLOCK_FILE"
SELECT ok(clock_timestamp() < :'first'::timestamptz + interval '10 min', 'the clock is right again');
SELECT is((SELECT count(*) FROM crm_locks), 0::bigint, 'the lock from ahead is live no more');
SELECT is((save('f')).updated_at, :'ahead'::timestamptz + interval '1 ms', 'a save is not refused, and follows');
SELECT is(outcome, 'acquired', 'the customer can be locked') FROM crm_lock_customer(1, 'cem');
SELECT ok(crm_unlock_customer(1, lock_id), 'and released') FROM crm_lock_customer(1, 'cem');
SELECT ok(crm_add_comment(1, 'called ahead', 'ana') > :called_ahead, 'the same words, a year ahead, are others');
SELECT ok(comment_id > :refused_ahead, 'a comment kept a year ahead is not adopted') FROM save('g', 'refused ahead', 'ben');
SELECT is((crm_update_customer(1, '2020-01-01', 'x', 'refused ahead', 'ben')).comment_id, :refused_ahead::bigint,
    'the same refused save finds it still');
SELECT is(detail #>> '{superseded_by,author}', 'ben', 'a save of then is replayed')
FROM crm_update_customer(1, (SELECT previous FROM customer_history WHERE version = :'ahead'), 'e', 'by then', 'ana');
SELECT is(crm_prune_history('30 days'), 0::bigint, 'nothing is old enough to be pruned');
SELECT is(clock_check(), 'warning', 'the doctor sees versions ahead of the clock');
UPDATE customers SET name = 'Acme Ltd' WHERE id = 1;
DELETE FROM customers WHERE id = 1;
INSERT INTO customers (id, name) OVERRIDING SYSTEM VALUE VALUES (1, 'Acme again');
SELECT ok(public.version() > :'ahead', 'plain writes, and a customer created again, follow too');
SELECT is_empty('SELECT * FROM crm_verify()', 'crm_verify() finds nothing');
DELETE FROM customers;
SELECT * FROM finish();
