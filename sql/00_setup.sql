-- What every other test uses: the extension, and helpers that show results without times.
CREATE EXTENSION crm_concurrency;

CREATE SCHEMA regress;
GRANT USAGE ON SCHEMA regress TO PUBLIC;

-- Runs a statement and tells how it failed.
CREATE FUNCTION regress.error(statement text, OUT state text, OUT message text, OUT detail text, OUT hint text)
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    state := '00000';
    message := 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
        detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
END $$;

-- Runs a statement and tells its SQLSTATE.
CREATE FUNCTION regress.state(statement text) RETURNS text
LANGUAGE sql AS $$ SELECT e.state FROM regress.error(statement) e $$;

-- The history that the search_path finds, its versions as numbers: 1 is a customer's first kept row, 0 the version
-- before it, and ? one that is not in the history.
CREATE FUNCTION regress.history(customer bigint)
RETURNS TABLE (n bigint, previous text, based_on text, operation text, author text, status_from text, status_to text,
               fields jsonb, comment_id bigint, request boolean)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH h AS (SELECT *, row_number() OVER (ORDER BY version) AS number FROM customer_history WHERE customer_id = customer)
    SELECT h.number,
           CASE WHEN h.previous IS NULL THEN NULL
                ELSE coalesce((SELECT p.number::text FROM h p WHERE p.version = h.previous),
                              CASE h.number WHEN 1 THEN '0' ELSE '?' END) END,
           CASE WHEN h.based_on IS NULL THEN NULL
                ELSE coalesce((SELECT p.number::text FROM h p WHERE p.version = h.based_on), '?') END,
           h.operation, h.author, h.status_from, h.status_to, h.fields, h.comment_id, h.request IS NOT NULL
    FROM h ORDER BY h.number;
END $$;

-- What is wrong with the customers and their history that the search_path finds; empty when all is well.
CREATE FUNCTION regress.violations()
RETURNS TABLE (customer bigint, violation text)
LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY
    WITH h AS (
        SELECT customer_id, version, previous, operation,
               lag(version) OVER w AS before, lead(version) OVER w AS after
        FROM customer_history WINDOW w AS (PARTITION BY customer_id ORDER BY version)
    )
    SELECT h.customer_id, 'chain is broken'::text FROM h WHERE h.before IS NOT NULL AND h.previous IS DISTINCT FROM h.before
    UNION ALL
    SELECT h.customer_id, 'chain begins in the middle' FROM h WHERE h.before IS NULL AND h.previous IS NOT NULL
    UNION ALL
    SELECT h.customer_id, 'versions are less than 1 ms apart' FROM h WHERE h.version - h.before < interval '1 ms'
    UNION ALL
    SELECT h.customer_id, 'customer is not at the head of its chain' FROM h LEFT JOIN customers c ON c.id = h.customer_id
    WHERE h.after IS NULL AND (h.operation = 'delete') <> (c.id IS NULL)
       OR h.after IS NULL AND c.updated_at <> h.version
    UNION ALL
    SELECT c.id, 'customer has no history' FROM customers c WHERE NOT EXISTS (SELECT FROM h WHERE h.customer_id = c.id)
    UNION ALL
    SELECT h.customer_id, 'comment does not exist' FROM customer_history h JOIN customers c ON c.id = h.customer_id
    WHERE h.comment_id IS NOT NULL
      AND NOT EXISTS (SELECT FROM comments m WHERE m.customer_id = h.customer_id AND m.id = h.comment_id)
      AND NOT EXISTS (SELECT FROM customer_history d
                      WHERE d.customer_id = h.customer_id AND d.operation = 'delete' AND d.version > h.version);
END $$;

-- A detail with a customer's versions as v1, v2, ... and other times as "time".
CREATE FUNCTION regress.detail(detail jsonb, customer bigint) RETURNS text
LANGUAGE plpgsql SET TimeZone = 'UTC' SET DateStyle = 'ISO' AS $$
DECLARE
    shown text := regexp_replace(jsonb_pretty(detail), '"(recorded_at|timestamp)": "[^"]*"', '"\1": "time"', 'g');
    head record;
BEGIN
    FOR head IN SELECT version, row_number() OVER (ORDER BY version) AS n FROM customer_history WHERE customer_id = customer
    LOOP
        shown := replace(shown, to_jsonb(head.version)::text, '"v' || head.n || '"');
    END LOOP;
    RETURN regexp_replace(shown, '"\d{4,}-\d\d-\d\dT[0-9:.+-]+"', '"time"', 'g');
END $$;

-- The nth version of a customer's history.
CREATE FUNCTION regress.version(customer bigint, n bigint) RETURNS timestamptz
LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT version FROM customer_history WHERE customer_id = customer ORDER BY version OFFSET n - 1 LIMIT 1);
END $$;

-- The current version of a customer.
CREATE FUNCTION regress.current(customer bigint) RETURNS timestamptz
LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT updated_at FROM customers WHERE id = customer);
END $$;
