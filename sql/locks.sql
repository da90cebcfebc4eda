-- Edit locks: who works on a customer says so, and the saves of others are refused until then.
SET client_min_messages = warning;
CREATE SCHEMA locks;
SET search_path = locks, public;
SELECT crm_create_tables();
INSERT INTO customers (id, name) SELECT i, 'Acme' FROM generate_series(1, 6) i;

-- acquired, renewed by id and by author, refused to others
SELECT outcome, http_status, lock_id IS NOT NULL AS has_id, author, message,
       expires_at BETWEEN now() + interval '14 minutes' AND clock_timestamp() + interval '15 minutes' AS in_15_minutes
FROM crm_lock_customer(1, 'ana');
SELECT lock_id AS lock_id FROM customer_locks WHERE customer_id = 1 \gset
SELECT outcome, http_status, lock_id = :'lock_id' AS same, author, message,
       expires_at > now() + interval '59 minutes' AS in_an_hour FROM crm_lock_customer(1, 'ana', '1 hour', :'lock_id');
SELECT outcome, lock_id = :'lock_id' AS same FROM crm_lock_customer(1, 'ana');
SELECT outcome, http_status, lock_id, author, message, expires_at IS NOT NULL AS expires FROM crm_lock_customer(1, 'ben');
SELECT outcome, http_status, lock_id, author, message FROM crm_lock_customer(1, 'ben', lock_id => '00000000-0000-4000-8000-000000000000');
SELECT * FROM regress.error(format($$SELECT crm_lock_customer(1, 'ben', lock_id => %L)$$, :'lock_id'));
SELECT customers, key, author, expires_at > locked_at AS expires FROM crm_locks ORDER BY key;

-- saves of others are refused, and told by whom and until when; the holder's are admitted
SELECT regress.current(1) AS base \gset
SELECT outcome, http_status, status, updated_at = :'base' AS is_base, comment_id IS NOT NULL AS comment, message,
       regress.detail(detail #- '{comments}', 1)
FROM crm_update_customer(1, :'base', 'lost', 'Still here?', 'ben');
SELECT outcome, comment_id = (SELECT max(id) FROM comments) AS same FROM crm_update_customer(1, :'base', 'lost', 'Still here?', 'ben');
SELECT author, body, save_refused FROM comments;
SELECT outcome, message FROM crm_update_customer(1, :'base', 'new', NULL, 'ben');
SELECT outcome, message FROM crm_update_customer(1, :'base', NULL, NULL, 'ben', fields => '{"phone": "1"}');
SELECT outcome FROM crm_update_customer(1, '2001-01-01', 'lost', NULL, 'ben');
SELECT ord, outcome FROM crm_update_customers(format('[{"id": 2, "expected_ts": "%s", "status": "x", "author": "ben"},
    {"id": 1, "expected_ts": "%s", "status": "x", "author": "ben"}]', to_json(regress.current(2)) #>> '{}', to_json(:'base'::timestamptz) #>> '{}')::jsonb);
SELECT outcome, status FROM crm_update_customer(1, :'base', 'won', 'Mine', 'ana');
SELECT outcome FROM crm_update_customer(1, :'base', 'won', 'Mine', 'ana');
-- from an old base it is a conflict or merged, and what is merged is refused as well
SELECT outcome FROM crm_update_customer(1, :'base', NULL, NULL, 'ben', merge => true, fields => '{"phone": "1"}');
SELECT outcome FROM crm_update_customer(1, :'base', 'lost', NULL, 'ben', merge => true);
SELECT outcome FROM crm_update_customer(1, :'base', NULL, NULL, 'ana', merge => true, fields => '{"phone": "1"}');
-- as an error
SET crm_concurrency.on_conflict = raise;
SELECT state, message, detail::jsonb->'lock'->>'author' AS locked_by, hint
FROM regress.error($$SELECT crm_update_customer(1, regress.current(1), 'lost', 'Not kept', 'ben')$$);
RESET crm_concurrency.on_conflict;
-- a comment with expected_ts is a save; a bare comment and a plain write are not
SELECT state, message FROM regress.error($$INSERT INTO comments (customer_id, author, body, expected_ts) VALUES (1, 'ben', 'x', regress.current(1))$$);
SELECT state, message FROM regress.error($$INSERT INTO comments (customer_id, author, body, expected_ts) VALUES (1, 'ana', 'x', regress.current(1))$$);
INSERT INTO comments (customer_id, author, body) VALUES (1, 'ben', 'bare');
UPDATE customers SET email = 'plain' WHERE id = 1;

-- released: by its id alone
SELECT crm_unlock_customer(1, '00000000-0000-4000-8000-000000000000');
SELECT crm_unlock_customer(2, :'lock_id');
SELECT crm_unlock_customer(99, :'lock_id');
SELECT crm_unlock_customer(1, :'lock_id');
SELECT crm_unlock_customer(1, :'lock_id');
SELECT outcome, message FROM crm_lock_customer(1, 'ana', lock_id => :'lock_id');
SELECT outcome, status FROM crm_update_customer(1, regress.current(1), 'lost', 'Still here?', 'ben');
SELECT count(*) FROM crm_locks;

-- expired: anybody may take it over, its old id does nothing to its successor, and nobody is hindered meanwhile
SELECT outcome, lock_id AS lock_id FROM crm_lock_customer(3, 'ana', '1 millisecond') \gset
DO $$ BEGIN WHILE EXISTS (SELECT FROM customer_locks WHERE customer_id = 3 AND expires_at > clock_timestamp()) LOOP END LOOP; END $$;
SELECT count(*) FROM crm_locks;
SELECT outcome FROM crm_update_customer(3, regress.current(3), 'by ben', NULL, 'ben');
SELECT outcome, lock_id = :'lock_id' AS same FROM crm_lock_customer(3, 'ana', '1 millisecond', :'lock_id');
DO $$ BEGIN WHILE EXISTS (SELECT FROM customer_locks WHERE customer_id = 3 AND expires_at > clock_timestamp()) LOOP END LOOP; END $$;
SELECT outcome, lock_id = :'lock_id' AS same FROM crm_lock_customer(3, 'ben');
SELECT outcome, message FROM crm_lock_customer(3, 'ana', lock_id => :'lock_id');
SELECT crm_unlock_customer(3, :'lock_id');
SELECT customers, key, author FROM crm_locks ORDER BY key;

-- a customer that is gone
DELETE FROM customers WHERE id = 3;
SELECT count(*) FROM crm_locks;
SELECT outcome, http_status, lock_id, author, expires_at, message FROM crm_lock_customer(3, 'ben');
SELECT outcome, http_status, message FROM crm_lock_customer(99, 'ben');

-- bad input
SELECT * FROM regress.error($$SELECT crm_lock_customer(NULL, 'ana')$$);
SELECT state, message FROM regress.error($$SELECT crm_lock_customer(4, NULL)$$);
SELECT state, message FROM regress.error($$SELECT crm_lock_customer(4, ' ')$$);
SELECT state, message FROM regress.error($$SELECT crm_lock_customer(4, 'ana', NULL)$$);
SELECT * FROM regress.error($$SELECT crm_lock_customer(4, 'ana', '0')$$);
SELECT regress.state(format($$SELECT crm_lock_customer(4, 'ana', %L)$$, ttl)), ttl
FROM unnest(ARRAY['-1 minute', '24 hours 1 microsecond', '1 day 1 second', '2 days', '1 month', '1 month -29 days', '1 day', '1 day -1 minute', '-1 day 25 hours']) ttl;
SELECT regress.state($$SELECT crm_unlock_customer(NULL, '00000000-0000-4000-8000-000000000000')$$), regress.state($$SELECT crm_unlock_customer(4, NULL)$$);
BEGIN READ ONLY;
SELECT state, message FROM regress.error($$SELECT crm_lock_customer(4, 'ana')$$);
SELECT state, message FROM regress.error($$SELECT crm_unlock_customer(4, '00000000-0000-4000-8000-000000000000')$$);
SELECT count(*) FROM crm_locks;
ROLLBACK;

-- rights: those of a save; the id of a lock is nobody else's to see
CREATE ROLE regress_crm_locks;
GRANT USAGE ON SCHEMA locks TO regress_crm_locks;
GRANT SELECT (id, status, updated_at, name) ON customers TO regress_crm_locks;
SET ROLE regress_crm_locks;
SELECT state, message FROM regress.error($$SELECT crm_lock_customer(5, 'eve')$$);
SELECT state, message FROM regress.error($$SELECT crm_unlock_customer(5, '00000000-0000-4000-8000-000000000000')$$);
RESET ROLE;
GRANT UPDATE (status) ON customers TO regress_crm_locks;
SET ROLE regress_crm_locks;
SELECT outcome FROM crm_lock_customer(5, 'eve');
SELECT key, author FROM crm_locks ORDER BY key;
SELECT regress.state($$SELECT * FROM customer_locks$$);
RESET ROLE;
-- row security: what is not visible is not there
ALTER TABLE customers ENABLE ROW LEVEL SECURITY;
CREATE POLICY not_5 ON customers TO regress_crm_locks USING (id <> 5);
SET ROLE regress_crm_locks;
SELECT outcome FROM crm_lock_customer(5, 'eve');
SELECT outcome FROM crm_lock_customer(6, 'eve');
SELECT key, author FROM crm_locks ORDER BY key;
RESET ROLE;
SELECT key, author FROM crm_locks ORDER BY key;
-- visible, but not to be updated: neither locked nor released
CREATE POLICY not_4 ON customers AS RESTRICTIVE FOR UPDATE TO regress_crm_locks USING (id <> 4);
SELECT lock_id AS lock_id FROM customer_locks WHERE customer_id = 4 \gset
SET ROLE regress_crm_locks;
SELECT state, message FROM regress.error($$SELECT crm_lock_customer(4, 'eve')$$);
SELECT state, message FROM regress.error(format($$SELECT crm_unlock_customer(4, %L)$$, :'lock_id'));
RESET ROLE;
SELECT count(*) FROM customer_locks WHERE customer_id = 4;

-- keys of another type
CREATE SCHEMA locks_by_key;
CREATE TABLE locks_by_key.accounts (code text PRIMARY KEY, status text, changed timestamptz(3) NOT NULL);
SELECT crm_attach('locks_by_key.accounts', version_column => 'changed');
SET search_path = locks_by_key, public;
INSERT INTO accounts VALUES ('a b', 'new');
SELECT outcome, message FROM crm_lock_customer_by_key('a b', 'ana');
SELECT outcome, message FROM crm_lock_customer_by_key('a b', 'ben');
SELECT outcome FROM crm_update_customer_by_key('a b', (SELECT changed FROM accounts), 'x', NULL, 'ben');
SELECT customers, key, author FROM crm_locks WHERE key = 'a b';
-- a table in a schema that the caller may not use hides none of the others
GRANT SELECT ON accounts TO regress_crm_locks;
SET ROLE regress_crm_locks;
SELECT key, author FROM crm_locks ORDER BY key;
RESET ROLE;
GRANT USAGE ON SCHEMA locks_by_key TO regress_crm_locks;
SET ROLE regress_crm_locks;
SELECT key, author FROM crm_locks ORDER BY key;
RESET ROLE;
SELECT crm_unlock_customer_by_key('a b', (SELECT lock_id FROM accounts_locks));
SELECT state, message FROM regress.error($$SELECT crm_lock_customer(1, 'ana')$$);
CREATE SCHEMA locks_by_uuid;
CREATE TABLE locks_by_uuid.people (ref uuid PRIMARY KEY, status text, updated_at timestamptz(3) NOT NULL DEFAULT now());
SELECT crm_attach('locks_by_uuid.people');
SET search_path = locks_by_uuid, public;
INSERT INTO people VALUES ('6f9619ff-8b86-4011-b42d-00c04fc964ff', 'new');
SELECT outcome, author FROM crm_lock_customer_by_key('{6F9619FF-8B86-4011-B42D-00C04FC964FF}', 'ana');
SELECT customers, key, author FROM crm_locks WHERE author = 'ana' AND customers = 'people'::regclass;
SELECT outcome FROM crm_update_customer_by_key('6f9619ff-8b86-4011-b42d-00c04fc964ff', (SELECT updated_at FROM people), 'x', NULL, 'ben');
SELECT state, message FROM regress.error($$SELECT crm_lock_customer_by_key('6f96', 'ana')$$);
SELECT state, message FROM regress.error($$SELECT crm_unlock_customer_by_key('6f96', '00000000-0000-4000-8000-000000000000')$$);
SELECT crm_unlock_customer_by_key('6f9619ff-8b86-4011-b42d-00c04fc964ff', (SELECT lock_id FROM people_locks));
DROP SCHEMA locks, locks_by_key, locks_by_uuid CASCADE;
DROP ROLE regress_crm_locks;
