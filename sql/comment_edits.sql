-- Corrections of comments: crm_edit_comment(), crm_withdraw_comment() and crm_redact_comment(), and what stays as it was.
SET client_min_messages = warning;
CREATE SCHEMA comment_edits;
SET search_path = comment_edits, public;
SELECT crm_create_tables();
INSERT INTO customers (id, name) SELECT i, 'Acme' FROM generate_series(1, 20) i;
CREATE VIEW earlier AS
    SELECT comment_id, row_number() OVER (PARTITION BY customer_id, comment_id ORDER BY edited_at) AS n, operation, author, db_user = session_user AS by_me, body, reason
    FROM comment_edits ORDER BY comment_id, edited_at;
CREATE VIEW stored AS
    SELECT id, author, body, reply_to, edited_at IS NOT NULL AS edited, edited_by, withdrawn_at IS NOT NULL AS withdrawn FROM comments ORDER BY id;

-- an edit, its repeat, one that comes too late, and one that changes nothing
SELECT crm_add_comment(1, 'Helo', 'ana') AS first, crm_add_comment(1, 'Who is this?', 'ben') AS other \gset
SELECT crm_add_comment(1, 'Ana', 'ana', :other) AS reply \gset
\x on
SELECT outcome, http_status, comment_id, message, detail FROM crm_edit_comment(1, :first, 'Helo', 'Hello', 'ana');
SELECT outcome, http_status, comment_id, message, regress.detail(detail, 1) AS detail FROM crm_edit_comment(1, :first, 'Helo', 'Hello', 'ana');
SELECT outcome, http_status, comment_id, message, regress.detail(detail, 1) AS detail FROM crm_edit_comment(1, :first, 'Helo', 'Hullo', 'ana');
SELECT outcome, http_status, comment_id, message, detail FROM crm_edit_comment(1, :first, 'Hello', 'Hello', 'ana');
SELECT outcome, http_status, comment_id, message, detail FROM crm_edit_comment(1, 99, 'Hello', 'Hello', 'ana');
\x off
-- once more; the repeat of the first is recognized also now, and is done again where the text is back
SELECT outcome FROM crm_edit_comment(1, :first, 'Hello', 'Hello, Acme', 'ana');
SELECT outcome, detail->>'text' AS text FROM crm_edit_comment(1, :first, 'Helo', 'Hello', 'ana');
SELECT outcome, detail->>'text' AS text FROM crm_edit_comment(1, :first, 'Helo', 'Hello', 'ben');
SELECT outcome FROM crm_edit_comment(1, :first, 'Hello, Acme', 'Helo', 'ana');
SELECT outcome FROM crm_edit_comment(1, :first, 'Helo', 'Hello', 'ana');
SELECT * FROM earlier;
SELECT * FROM stored;
SELECT bool_and(e.edited_at > created_at) AND count(DISTINCT e.edited_at) = count(*) AND max(e.edited_at) = max(c.edited_at) AS times_fit
FROM comment_edits e JOIN comments c ON c.customer_id = e.customer_id AND c.id = e.comment_id WHERE c.id = :first;
-- the clock was ahead
UPDATE comment_edits SET edited_at = edited_at + interval '1 day';
SELECT outcome FROM crm_edit_comment(1, :first, 'Hello', 'Hello!', 'ana');
SELECT count(*), max(edited_at) - min(edited_at) < interval '1 hour' AS in_order FROM comment_edits;

-- a withdrawal stays, in its place in the thread
\x on
SELECT outcome, http_status, comment_id, message, detail FROM crm_withdraw_comment(1, :other, 'ben', 'Now I know');
SELECT outcome, http_status, message, regress.detail(detail, 1) AS detail FROM crm_withdraw_comment(1, :other, 'ben');
SELECT outcome, http_status, message FROM crm_withdraw_comment(1, :other, 'mod');
SELECT outcome, http_status, message, regress.detail(detail, 1) AS detail FROM crm_edit_comment(1, :other, '[withdrawn]', 'Who?', 'ben');
SELECT outcome, http_status, message FROM crm_withdraw_comment(1, 99, 'ben');
SELECT outcome, http_status, message FROM crm_withdraw_comment(99, :other, 'ben');
SELECT outcome, http_status, message FROM crm_withdraw_comment(2, :other, 'ben');
\x off
SELECT * FROM earlier WHERE comment_id = :other;
SELECT * FROM stored;
SELECT regress.detail(crm_get_customer(1)->'comments', 1) AS comments;
-- who is refused is shown it too
SELECT c.comment - '{timestamp,edited_at,withdrawn_at}'::text[] AS comment, (c.comment ->> 'edited_at')::timestamptz = s.edited_at AS edited,
    (c.comment ->> 'withdrawn_at')::timestamptz = s.withdrawn_at AS withdrawn
FROM crm_update_customer(1, '2020-01-01', 'won', NULL, 'cem'), jsonb_array_elements(detail -> 'comments') c (comment), comments s
WHERE s.id = (c.comment ->> 'id')::bigint ORDER BY s.id;
SELECT kind, comment_id, body, depth, edited_at > at AS edited, edited_by, withdrawn_at IS NOT NULL AS withdrawn FROM crm_record_timeline('customers', '1') ORDER BY kind, comment_id;
SELECT kind, comment_id, body, depth FROM crm_timeline(1) WHERE kind = 'comment' ORDER BY comment_id;
SELECT crm_export_comments(1) ~ 'ana: Hello!\n' AS current_text;

-- any attached table
CREATE TABLE deals (code text PRIMARY KEY, stage text);
SELECT crm_attach('deals', 'stage');
INSERT INTO deals VALUES ('a/1', 'open');
SELECT crm_add_record_comment('deals', 'a/1', 'Wonn', 'ana') AS deal \gset
SELECT outcome, message FROM crm_edit_record_comment('deals', 'a/1', :deal, 'Wonn', 'Won', 'ana');
SELECT outcome, message FROM crm_edit_record_comment('deals', 'a/2', :deal, 'Wonn', 'Won', 'ana');
SELECT outcome, message FROM crm_withdraw_record_comment('deals', 'a/1', :deal, 'ana', ' ');
SELECT customer_id, operation, author, body, reason FROM deals_comment_edits ORDER BY edited_at;
SELECT crm_redact_record_comment('deals', 'a/1', :deal);
SELECT customer_id, operation, author, body, reason FROM deals_comment_edits ORDER BY edited_at;

-- bad input: nothing is changed
SELECT * FROM regress.error($$SELECT crm_edit_comment(NULL, 1, 'a', 'b', 'ana')$$);
SELECT * FROM regress.error($$SELECT crm_edit_comment(1, NULL, 'a', 'b', 'ana')$$);
SELECT * FROM regress.error($$SELECT crm_edit_comment(1, 1, NULL, 'b', 'ana')$$);
SELECT * FROM regress.error($$SELECT crm_edit_comment(1, 1, 'a', NULL, 'ana')$$);
SELECT * FROM regress.error($$SELECT crm_edit_comment(1, 1, 'a', E' \u2003', 'ana')$$);
SELECT * FROM regress.error($$SELECT crm_edit_comment(1, 1, 'a', 'b', NULL)$$);
SELECT * FROM regress.error($$SELECT crm_withdraw_comment(1, NULL, 'ana')$$);
SELECT * FROM regress.error($$SELECT crm_withdraw_comment(1, 1, ' ')$$);
SELECT * FROM regress.error($$SELECT crm_edit_record_comment(NULL, 'a/1', 1, 'a', 'b', 'ana')$$);
SELECT * FROM regress.error($$SELECT crm_edit_record_comment('comment_edits', '1', 1, 'a', 'b', 'ana')$$);
SELECT * FROM regress.error($$SELECT crm_edit_record_comment('customers', 'one', 1, 'a', 'b', 'ana')$$);
SET crm_concurrency.max_comment_length = 20;
SELECT regress.state(format('SELECT crm_edit_comment(1, %s, ''Hello!'', ''twenty-one characters'', ''ana'')', :first)),
       regress.state(format('SELECT crm_withdraw_comment(1, %s, ''ana'', ''twenty-one characters'')', :first));
RESET crm_concurrency.max_comment_length;
BEGIN READ ONLY;
SELECT regress.state($$SELECT crm_edit_comment(1, 1, 'a', 'b', 'ana')$$), regress.state($$SELECT crm_withdraw_comment(1, 1, 'ana')$$), regress.state($$SELECT crm_redact_comment(1, 1)$$);
ROLLBACK;

-- one's own comments only, and with a right to write some; who may UPDATE the texts moderates
CREATE ROLE regress_crm_editor;
GRANT USAGE ON SCHEMA comment_edits TO regress_crm_editor;
SET ROLE regress_crm_editor;
SELECT * FROM regress.error(format('SELECT crm_edit_comment(1, %s, ''Hello!'', ''Hi'', ''ana'')', :first));
RESET ROLE;
GRANT SELECT (customer_id, id, author) ON comments TO regress_crm_editor;
SET ROLE regress_crm_editor;
SELECT * FROM regress.error(format('SELECT crm_edit_comment(1, %s, ''Hello!'', ''Hi'', ''ana'')', :first));
RESET ROLE;
GRANT SELECT ON comments TO regress_crm_editor;
SET ROLE regress_crm_editor;
SELECT * FROM regress.error(format('SELECT crm_withdraw_comment(1, %s, ''ana'')', :first));
RESET ROLE;
GRANT INSERT (customer_id, author, body) ON comments TO regress_crm_editor;
SET ROLE regress_crm_editor;
SELECT outcome FROM crm_edit_comment(1, :first, 'Hello!', 'Hi', 'ana');
SELECT * FROM regress.error(format('SELECT crm_edit_comment(1, %s, ''Hi'', ''Go away'', ''ben'')', :first));
SELECT state, message FROM regress.error(format('SELECT crm_withdraw_comment(1, %s, ''ben'')', :first));
-- nobody reads the texts before unasked
SELECT regress.state('TABLE comment_edits'), regress.state('DELETE FROM comment_edits'), regress.state($$UPDATE comments SET body = 'x'$$);
SELECT state, message FROM regress.error(format('SELECT crm_redact_comment(1, %s)', :first));
-- stamps are not given by hand
RESET ROLE;
GRANT INSERT ON comments TO regress_crm_editor;
SET ROLE regress_crm_editor;
INSERT INTO comments (customer_id, author, body, edited_at, edited_by, withdrawn_at) VALUES (2, 'ana', 'Forged', now(), 'ben', now()) RETURNING edited_at, edited_by, withdrawn_at;
RESET ROLE;
REVOKE ALL ON comments FROM regress_crm_editor;
GRANT SELECT, UPDATE (body) ON comments TO regress_crm_editor;
SET ROLE regress_crm_editor;
SELECT outcome FROM crm_edit_comment(1, :first, 'Hi', 'Hi (moderated)', 'mod');
SELECT regress.state($$UPDATE comments SET body = 'x'$$);
RESET ROLE;
SELECT author, body, edited_by FROM comments WHERE id = :first;
-- row security: what the caller does not see is not there
GRANT SELECT ON customers TO regress_crm_editor;
ALTER TABLE comments ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON comments USING (author = 'ben');
SET ROLE regress_crm_editor;
SELECT outcome, comment_id, detail FROM crm_edit_comment(1, :first, 'Hello', 'Hi', 'mod');
RESET ROLE;
ALTER TABLE comments DISABLE ROW LEVEL SECURITY;
ALTER TABLE customers ENABLE ROW LEVEL SECURITY;
SET ROLE regress_crm_editor;
SELECT outcome, comment_id, detail FROM crm_edit_comment(1, :first, 'Hello', 'Hi', 'mod');
RESET ROLE;
ALTER TABLE customers DISABLE ROW LEVEL SECURITY;
GRANT SELECT ON comment_edits TO regress_crm_editor;
SET ROLE regress_crm_editor;
SELECT count(*) > 0 AS readable FROM comment_edits;
RESET ROLE;
-- the authenticated user
SET crm_concurrency.author_setting = 'app.user';
REVOKE ALL ON comments FROM regress_crm_editor;
GRANT SELECT, INSERT ON comments TO regress_crm_editor;
SET ROLE regress_crm_editor;
SELECT set_config('app.user', 'ben', false);
SELECT regress.state(format('SELECT crm_edit_comment(1, %s, ''Hi (moderated)'', ''x'', ''ana'')', :first)), regress.state(format('SELECT crm_edit_comment(1, %s, ''Hi (moderated)'', ''x'', NULL)', :first));
SELECT set_config('app.user', 'ana', false);
SELECT outcome FROM crm_edit_comment(1, :first, 'Hi (moderated)', 'Hi', NULL);
RESET ROLE;
RESET crm_concurrency.author_setting;

-- requests are those that they were ----------------------------------------------------------------

-- a save whose comment was corrected is replayed, also when its change is pruned from the history
SELECT regress.current(3) AS base \gset
SELECT outcome, comment_id AS saved FROM crm_update_customer(3, :'base', 'won', 'Sigend', 'ana') \gset
SELECT outcome FROM crm_edit_comment(3, :saved, 'Sigend', 'Signed', 'ana');
SELECT outcome, comment_id = :saved AS same FROM crm_update_customer(3, :'base', 'won', 'Sigend', 'ana');
UPDATE customers SET phone = '1' WHERE id = 3;
SELECT outcome FROM crm_update_customer(3, regress.current(3), 'lost', NULL, 'ben');
SELECT crm_prune_history('0') > 0 AS pruned;
SELECT outcome, comment_id = :saved AS same FROM crm_update_customer(3, :'base', 'won', 'Sigend', 'ana');
SELECT outcome, comment_id = :saved AS same FROM crm_update_customer(3, :'base', 'won', 'Signed', 'ana');
SELECT author, body, save_refused FROM comments WHERE customer_id = 3 ORDER BY id;
-- the comment of a refused save is found again, and adopted
SELECT outcome, comment_id AS kept FROM crm_update_customer(4, '2001-01-01', 'lost', 'Too lat', 'ben') \gset
SELECT outcome FROM crm_edit_comment(4, :kept, 'Too lat', 'Too late', 'ben');
SELECT outcome, comment_id = :kept AS same FROM crm_update_customer(4, '2001-01-01', 'lost', 'Too lat', 'ben');
SELECT outcome, comment_id = :kept AS same FROM crm_update_customer(4, regress.current(4), 'lost', 'Too lat', 'ben');
SELECT body, save_refused, adopted_version IS NOT NULL AS adopted FROM comments WHERE customer_id = 4;
-- words that were withdrawn and are said again are new ones
SELECT outcome, comment_id AS kept FROM crm_update_customer(5, '2001-01-01', 'lost', 'Mine', 'ben') \gset
SELECT outcome FROM crm_withdraw_comment(5, :kept, 'ben');
SELECT outcome, comment_id = :kept AS same FROM crm_update_customer(5, '2001-01-01', 'lost', 'Mine', 'ben');
SELECT outcome, comment_id = :kept AS same FROM crm_update_customer(5, regress.current(5), 'lost', 'Mine', 'ben');
SELECT body, save_refused FROM comments WHERE customer_id = 5 ORDER BY id;
-- a double click, whose first one was corrected, or withdrawn
SET crm_concurrency.repeated_comment_window = '1h';
SELECT crm_add_comment(6, 'Caled', 'ana') AS added \gset
SELECT outcome FROM crm_edit_comment(6, :added, 'Caled', 'Called', 'ana');
SELECT crm_add_comment(6, 'Caled', 'ana') = :added AS same, crm_add_comment(6, 'Caled', 'ben') = :added AS of_ben;
SELECT crm_add_comment(6, 'Called', 'ana') = :added AS same_as_corrected;
SELECT outcome FROM crm_withdraw_comment(6, :added, 'ana');
SELECT crm_add_comment(6, 'Caled', 'ana') = :added AS same;
-- under row security, too
ALTER TABLE comments ENABLE ROW LEVEL SECURITY;
CREATE POLICY everything ON comments USING (true);
SET ROLE regress_crm_editor;
SELECT crm_add_comment(7, 'Caled', 'ana') AS added \gset
SELECT outcome FROM crm_edit_comment(7, :added, 'Caled', 'Called', 'ana');
SELECT crm_add_comment(7, 'Caled', 'ana') = :added AS same, crm_add_comment(7, 'Called', 'ana') = :added AS same_as_corrected;
RESET ROLE;
ALTER TABLE comments DISABLE ROW LEVEL SECURITY;
RESET crm_concurrency.repeated_comment_window;
-- an export of before is imported again: nothing comes twice
SELECT crm_import_comments(8, E'[12/15/2024, 3:45:23 PM] ana: Frist\n\n[12/16/2024, 3:45:23 PM] ben: Second');
SELECT crm_export_comments(8) AS before \gset
SELECT outcome FROM crm_edit_comment(8, (SELECT min(id) FROM comments WHERE customer_id = 8), 'Frist', 'Firs', 'ana');
SELECT outcome FROM crm_edit_comment(8, (SELECT min(id) FROM comments WHERE customer_id = 8), 'Firs', 'First', 'ana');
SELECT outcome FROM crm_withdraw_comment(8, (SELECT max(id) FROM comments WHERE customer_id = 8), 'ben');
SELECT crm_export_comments(8);
SELECT crm_import_comments(8, :'before') AS before, crm_import_comments(8, crm_export_comments(8)) AS now, crm_import_comments(8, replace(:'before', 'Frist', 'Other')) AS other;
SELECT crm_import_comments(8, :'before' || E'\n\n[12/15/2024, 3:45:23 PM] ana: Frist') AS twice;

-- columns that others added ------------------------------------------------------------------------

CREATE TABLE agents (id int PRIMARY KEY);
INSERT INTO agents VALUES (1), (2);
ALTER TABLE comments ADD COLUMN agent int DEFAULT 1 REFERENCES agents ON DELETE SET NULL, ADD COLUMN tags text[], ADD COLUMN words int GENERATED ALWAYS AS (length(body)) STORED;
-- long texts, which are stored elsewhere
INSERT INTO comments (customer_id, author, body) SELECT 9, 'ana', string_agg(md5(i::text), '') FROM generate_series(1, 500) i;
INSERT INTO comments (customer_id, author, body) VALUES (9, 'ana', repeat('compressed ', 1000));
UPDATE comments SET tags = '{a,b}', agent = 2;
UPDATE comments SET body = body, author = author, tags = '{c}' WHERE customer_id = 9;
UPDATE comments SET body = substr(body, 1) WHERE customer_id = 9;
DELETE FROM agents WHERE id = 2;
SELECT count(*) FILTER (WHERE agent IS NULL) = count(*) AS set_null, count(*) FILTER (WHERE tags IS NULL) AS without_tags FROM comments;
SELECT * FROM regress.error($$UPDATE comments SET body = body || '.', tags = '{d}' WHERE customer_id = 9$$);
SELECT column_name, regress.state(format('UPDATE comments SET %I = %s WHERE customer_id = 9', column_name, value))
FROM (VALUES ('customer_id', '10'), ('id', 'id + 1000'), ('author', '''eve'''), ('body', '''x'''), ('created_at', 'now()'), ('reply_to', 'id - 1'), ('based_on', 'now()'), ('save_refused', 'true'),
             ('refused_request', 'gen_random_uuid()'), ('adopted_version', 'now()'), ('expected_ts', 'now()'), ('edited_at', 'now()'), ('edited_by', '''eve'''), ('withdrawn_at', 'now()'), ('tags', '''{e}''')) v (column_name, value);
SELECT regress.state('DELETE FROM comments WHERE customer_id = 9');
-- a trigger that makes another text of it
CREATE FUNCTION louder() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.body := upper(NEW.body); RETURN NEW; END $$;
CREATE TRIGGER louder BEFORE UPDATE ON comments FOR EACH ROW EXECUTE FUNCTION louder();
SELECT crm_add_comment(10, 'quiet', 'ana') AS loud \gset
SELECT outcome FROM crm_edit_comment(10, :loud, 'quiet', 'louder', 'ana');
SELECT body FROM comments WHERE id = :loud;
SELECT regress.state('UPDATE comments SET tags = NULL WHERE customer_id = 9');
DROP TRIGGER louder ON comments;
-- one that says no
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER refuse BEFORE UPDATE ON comments FOR EACH ROW EXECUTE FUNCTION refuse();
SELECT state, message FROM regress.error(format('SELECT crm_edit_comment(10, %s, ''LOUDER'', ''x'', ''ana'')', :loud));
SELECT state, message FROM regress.error(format('SELECT crm_redact_comment(10, %s)', :loud));
DROP TRIGGER refuse ON comments;
CREATE TRIGGER refuse BEFORE INSERT ON comment_edits FOR EACH ROW EXECUTE FUNCTION refuse();
SELECT state, message FROM regress.error(format('SELECT crm_edit_comment(10, %s, ''LOUDER'', ''x'', ''ana'')', :loud));
DROP TRIGGER refuse ON comment_edits;
SELECT body FROM comments WHERE id = :loud;

-- events ------------------------------------------------------------------------------------------

SELECT 'created' FROM pg_create_logical_replication_slot('regress_crm_edits', 'test_decoding', temporary => true);
SET crm_concurrency.events = logical;
SELECT crm_add_comment(11, 'One', 'ana') AS told \gset
SELECT outcome FROM crm_edit_comment(11, :told, 'One', 'Two', 'ana');
SELECT outcome FROM crm_edit_comment(11, :told, 'One', 'Two', 'ana');
SELECT outcome FROM crm_withdraw_comment(11, :told, 'ana');
SELECT crm_redact_comment(11, :told);
UPDATE comments SET tags = '{told}' WHERE id = :told;
RESET crm_concurrency.events;
SELECT substring(data FROM 'content:(.*)$')::jsonb - 'table' - 'comment_id' AS event FROM pg_logical_slot_get_changes('regress_crm_edits', NULL, NULL) WHERE data ~ '^message: ';

-- removing what was said ---------------------------------------------------------------------------

SELECT outcome, comment_id AS secret FROM crm_update_customer(12, regress.current(12), 'won', 'Card 4711', 'ana') \gset
SELECT outcome, comment_id AS kept FROM crm_update_customer(12, '2001-01-01', 'lost', 'Card 4712', 'ana') \gset
SELECT outcome FROM crm_edit_comment(12, :secret, 'Card 4711', 'His card 4711', 'ana');
SELECT crm_redact_comment(12, :secret) AS secret, crm_redact_comment(12, :kept) AS kept;
SELECT id, body, edited_by, edited_at IS NOT NULL AS edited, withdrawn_at IS NOT NULL AS withdrawn, refused_request FROM comments WHERE customer_id = 12 ORDER BY id;
SELECT operation, body FROM comment_edits WHERE customer_id = 12;
SELECT comment_id = :secret AS secret, request IS NULL AS without_digest FROM customer_history WHERE customer_id = 12 AND comment_id IS NOT NULL;
SELECT outcome FROM crm_edit_comment(12, :secret, '[redacted]', 'Card 4711', 'ana');
SELECT count(*) FROM (SELECT body AS t FROM comments UNION ALL SELECT concat(body, reason) FROM comment_edits) t WHERE t ~ '471[12]';
-- a customer is deleted and restored: the comments come back as they were corrected
SELECT crm_add_comment(13, 'Card 4713', 'ana') AS aside \gset
SELECT crm_add_comment(13, 'Not his', 'ben') AS gone \gset
SELECT outcome FROM crm_edit_comment(13, :aside, 'Card 4713', 'His card 4713', 'ana');
SELECT outcome FROM crm_withdraw_comment(13, :gone, 'ben');
SELECT regress.detail(crm_get_customer(13)->'comments', 13) AS comments \gset
SELECT regress.current(13) AS lived \gset
SELECT outcome FROM crm_delete_customer(13, :'lived', NULL, 'ana');
SELECT outcome FROM crm_edit_comment(13, :aside, 'His card 4713', 'x', 'ana');
SELECT comment_id = :aside AS first, body, edited_at > at AS edited, edited_by, withdrawn_at > at AS withdrawn FROM crm_record_timeline('customers', '13') WHERE kind = 'comment' ORDER BY comment_id;
SELECT outcome FROM crm_restore_customer(13, 'ana');
SELECT regress.detail(crm_get_customer(13)->'comments', 13) = :'comments' AS same;
SELECT outcome FROM crm_edit_comment(13, :aside, 'His card 4713', 'The card 4713', 'ana');
-- what is set aside is removed, too
DELETE FROM customers WHERE id = 13;
SELECT crm_redact_comment(13, :aside);
SELECT count(*) FROM (SELECT row_values::text AS t FROM customer_deletions UNION ALL SELECT row_to_json(e)::text FROM comment_edits e) t WHERE t ~* 'card 4713';
SELECT outcome FROM crm_restore_customer(13, 'ana');
SELECT body, edited_by, edited_at IS NOT NULL AS edited, withdrawn_at IS NOT NULL AS withdrawn FROM comments WHERE id = :aside;
SELECT * FROM regress.error('SELECT crm_redact_comment(1, 99)');
SELECT state, message FROM regress.error('SELECT crm_redact_comment(99, 99)');
SELECT state, message FROM regress.error('SELECT crm_redact_comment(1, NULL)');
-- erasing a customer erases what its comments said before
SELECT crm_add_comment(14, 'Card 4714', 'ana') AS erased \gset
SELECT outcome FROM crm_edit_comment(14, :erased, 'Card 4714', 'Card', 'ana');
SELECT outcome FROM crm_withdraw_comment(14, :erased, 'ana', 'Not his');
SELECT crm_erase_customer(14) - 'blanked' - 'kept' AS erased;
SELECT * FROM earlier WHERE comment_id = :erased;
-- the texts before stay when the customer goes
DELETE FROM customers WHERE id = 14;
SELECT count(*) FROM comment_edits WHERE customer_id = 14;
SELECT outcome FROM crm_edit_comment(14, :erased, 'Card', 'x', 'ana');
SELECT * FROM crm_verify();

-- tables of version 1.0, which crm_attach() gives what they lack --------------------------------------------------

DROP VIEW stored, earlier;
ALTER TABLE comments DROP COLUMN edited_at, DROP COLUMN edited_by, DROP COLUMN withdrawn_at;
SELECT * FROM regress.error(format('SELECT crm_edit_comment(1, %s, ''Hi'', ''x'', ''ana'')', :first));
SELECT regress.state(format('SELECT crm_redact_comment(1, %s)', :first)), regress.state('UPDATE comments SET tags = NULL'), regress.state($$UPDATE comments SET body = 'x'$$);
SELECT crm_add_comment(15, 'Of old', 'ana') > 0 AS added, crm_add_comment(15, 'Of old', 'ben') > 0 AS by_ben, jsonb_array_length(crm_get_customer(15)->'comments') AS comments;
SELECT outcome, detail #>> '{comments,0,text}' AS text, detail #> '{comments,0}' ? 'edited_at' AS edited FROM crm_update_customer(15, '2020-01-01', 'won', NULL, 'cem');
SELECT comment_id IS NOT NULL AS has_comment, edited_at, withdrawn_at FROM crm_record_timeline('customers', '15') WHERE kind = 'comment';
SELECT crm_erase_customer(15) - 'blanked' - 'kept' AS erased;
SELECT crm_attach('customers', comments => 'comments', history => 'customer_history', locks => 'customer_locks');
SELECT outcome FROM crm_edit_comment(1, :first, 'Hi', 'Of new', 'ana');
SELECT col_description('comments'::regclass, attnum) IS NOT NULL AS described, attname, format_type(atttypid, atttypmod) FROM pg_attribute
WHERE attrelid = 'comments'::regclass AND attname IN ('edited_at', 'edited_by', 'withdrawn_at') ORDER BY attnum;

DROP SCHEMA comment_edits CASCADE;
DROP ROLE regress_crm_editor;
