-- What became of the saves that pgbench sent since setup.sql, since pgbench counts a refused save as a transaction too:
--
--     psql -d DB -v transactions=N -f test/pgbench/verify.sql
--
-- N is pgbench's "number of transactions actually processed"; with several runs, their sum. Without it, saves that left
-- no trace at all cannot be seen. Exit status 3 where something is wrong.

\set ON_ERROR_STOP on
\if :{?transactions}
\else
    \set transactions NULL
\endif

WITH
history AS (
    SELECT h.*,
           lag(h.version) OVER chain AS version_before,
           lead(h.version) OVER chain IS NULL AS is_head
    FROM crm_pgbench JOIN customer_history h USING (customer_id)
    WINDOW chain AS (PARTITION BY customer_id ORDER BY version)
),
comment AS (
    SELECT c.* FROM crm_pgbench JOIN comments c USING (customer_id)
),
applied AS (
    SELECT h.version - h.previous < interval '1 ms' AS is_not_later,
           h.based_on <> h.previous AS is_over_unseen,
           c.id IS NULL OR c.save_refused AS lacks_comment
    FROM history h LEFT JOIN comment c
      ON (c.customer_id, c.id, c.author) = (h.customer_id, h.comment_id, h.author)
     -- status and comment of a save end alike
     AND replace(c.body, 'comment ', '') = replace(h.status_to, 'status ', '')
    WHERE h.author LIKE 'client %'
),
counts AS (
    SELECT :transactions::bigint AS sent,
           (SELECT count(*) FROM applied) AS applied,
           (SELECT count(*) FROM comment WHERE save_refused) AS refused_and_kept,
           (SELECT count(*) FROM history WHERE previous IS DISTINCT FROM version_before)
           + (SELECT count(*)
              FROM crm_pgbench p
              LEFT JOIN customers c ON c.id = p.customer_id
              LEFT JOIN history h ON h.customer_id = p.customer_id AND h.is_head
              WHERE (h.version, h.status_to) IS DISTINCT FROM (c.updated_at::timestamptz, c.status)) AS chain_breaks,
           (SELECT count(*) - count(DISTINCT (customer_id, previous)) FROM history) AS second_winners,
           (SELECT count(*) FROM applied WHERE is_not_later) AS versions_not_later,
           (SELECT count(*) FROM applied WHERE is_over_unseen) AS overwritten_unseen,
           (SELECT count(*) FROM applied WHERE lacks_comment) AS comments_lost,
           (SELECT count(*) - count(DISTINCT (customer_id, author, body)) FROM comment) AS comments_twice
)
SELECT *,
       coalesce(sent::text, 'not given') AS sent_text,
       coalesce((sent - applied - refused_and_kept)::text, 'unknown') AS saves_lost
FROM counts
\gset

SELECT *
FROM (VALUES
    ('saves sent', :'sent_text', ''),
    ('applied', :'applied', '> 0'),
    ('refused, comment kept', :'refused_and_kept', ''),
    ('saves lost', :'saves_lost', '0'),
    ('comments lost', :'comments_lost', '0'),
    ('comments twice', :'comments_twice', '0'),
    ('overwritten unseen', :'overwritten_unseen', '0'),
    ('second winners of a version', :'second_winners', '0'),
    ('breaks in the chain', :'chain_breaks', '0'),
    ('versions less than 1 ms apart', :'versions_not_later', '0')
) AS result ("what became of the saves", count, expected);

SELECT :applied = 0
       OR :'saves_lost' NOT IN ('0', 'unknown')
       OR :comments_lost + :comments_twice + :overwritten_unseen
        + :second_winners + :chain_breaks + :versions_not_later > 0
       AS is_wrong
\gset

\if :is_wrong
    DO $$ BEGIN RAISE EXCEPTION 'the saves did not all end well, see the counts above'; END $$;
\endif
