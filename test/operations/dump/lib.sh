# shellcheck shell=bash
# The SQL that the tests of dumps and of upgrades run before and after. To be sourced.
# shellcheck disable=SC2034

# What use.sql prints when all is well.
all_well='retry: replayed, the same comment t, nothing written t
stale: conflict, comment kept t
save: updated, later t, linked t
kept comment: updated, adopted t
plain update: later t, linked t
new customer: has history t
comment: has an id of its own t
created again: continues the chain t'

# All that the tables of the search_path hold, a line each; :customers is the name of the customers table.
rows_sql() {
    cat <<'SQL'
SET TimeZone = 'UTC';
SELECT 'customers: ' || count(*) || ' rows ' || md5(string_agg(t::text, E'\n' ORDER BY id)) FROM :customers t;
SELECT 'comments: ' || count(*) || ' rows ' || md5(string_agg(t::text, E'\n' ORDER BY customer_id, id)) FROM comments t;
SELECT 'history: ' || count(*) || ' rows ' || md5(string_agg(t::text, E'\n' ORDER BY customer_id, version))
FROM customer_history t;
SQL
}

# What must not be in those tables, looked for by nothing of the extension.
violations_sql() {
    cat <<'SQL'
-- What is wrong with the versions and the history that the search_path finds; nothing when all is well. :customers is the
-- name of the customers table.
CREATE TEMP VIEW chain AS
    SELECT h.*,
           lag(version) OVER w AS version_before,
           lead(version) OVER w IS NULL AS is_head,
           max(version) FILTER (WHERE operation = 'delete') OVER (PARTITION BY customer_id) AS deleted_at
    FROM customer_history h
    WINDOW w AS (PARTITION BY customer_id ORDER BY version);

SELECT customer_id, version, 'previous is not the version before'
FROM chain WHERE previous IS DISTINCT FROM version_before
UNION ALL
SELECT customer_id, version, 'less than 1 ms after the version before'
FROM chain WHERE version - version_before < interval '1 ms'
UNION ALL
SELECT customer_id, version, 'the customer is not what its newest row says'
FROM chain LEFT JOIN :customers c ON c.id = customer_id
WHERE is_head AND CASE operation WHEN 'delete' THEN c.id IS NOT NULL
                                 ELSE (c.updated_at, c.status) IS DISTINCT FROM (version, status_to) END
UNION ALL
SELECT id, updated_at, 'the customer has no history'
FROM :customers WHERE id NOT IN (SELECT customer_id FROM chain)
UNION ALL
SELECT customer_id, version, 'the comment of the save is not there'
FROM chain
WHERE comment_id IS NOT NULL AND version > coalesce(deleted_at, '-infinity')
  AND (customer_id, comment_id) NOT IN (SELECT customer_id, id FROM comments);
SQL
}

# Attaches a table of another shape: uuid keys, quoted names, an enum, companions named otherwise, an edit lock.
make_attached_sql() {
    cat <<'SQL'
CREATE EXTENSION crm_concurrency;
CREATE SCHEMA "My CRM";
SET search_path = "My CRM", public;
CREATE TYPE stage AS ENUM ('new', 'won', 'lost');
CREATE TABLE "The Deals" (id uuid PRIMARY KEY, "Stage" stage NOT NULL, notes text, "updatedAt" timestamptz(3) NOT NULL);
INSERT INTO "The Deals" VALUES ('00000000-0000-0000-0000-000000000001', 'new', 'old', '2026-01-05 10:00:00.123+00'),
                               ('00000000-0000-0000-0000-000000000002', 'new', NULL, '2026-01-05 10:00:00.123+00');
SELECT crm_attach('"The Deals"', 'Stage', 'updatedAt', comments => 'Deal Notes', history => 'Past',
                  comments_column => 'notes', plain_updates => 'refuse');
SELECT outcome
FROM crm_update_customer_by_key('00000000-0000-0000-0000-000000000001', '2026-01-05 10:00:00.123+00', 'lost', 'Gone', 'ana',
                                fields => '{"notes": "new"}');
SELECT outcome FROM crm_lock_customer_by_key('00000000-0000-0000-0000-000000000002', 'ana', '24 hours');
SQL
}

# Uses it, which prints attached_is_well.
use_attached_sql() {
    cat <<'SQL'
SET search_path = "My CRM", public;
SELECT outcome
FROM crm_update_customer_by_key('00000000-0000-0000-0000-000000000001', '2026-01-05 10:00:00.123+00', 'lost', 'Gone', 'ana',
                                fields => '{"notes": "new"}');
SELECT outcome
FROM crm_update_customer_by_key('00000000-0000-0000-0000-000000000001', '2026-01-05 10:00:00.123+00', 'won', NULL, 'ben');
SELECT outcome || ' ' || status
FROM crm_update_customer_by_key('00000000-0000-0000-0000-000000000001',
                                (SELECT "updatedAt" FROM "The Deals" WHERE notes = 'new'), 'won', NULL, 'ben');
SELECT outcome
FROM crm_update_customer_by_key('00000000-0000-0000-0000-000000000002', '2026-01-05 10:00:00.123+00', 'won', NULL, 'ben');
SELECT count(*) || ' in history' FROM "Past";
SELECT 'violations ' || count(*) FROM crm_verify();
SQL
}

attached_is_well='replayed
conflict
updated won
locked
2 in history
violations 0'
