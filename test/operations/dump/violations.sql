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
