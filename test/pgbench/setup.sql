-- Customers for the pgbench scripts, and the table crm_pgbench that numbers them:
--
--     psql -d DB -v customers=1000 -f test/pgbench/setup.sql
--     pgbench -n -c 30 -j 2 -T 10 -M prepared -f test/pgbench/one_customer.sql DB
--     psql -d DB -v transactions=N -f test/pgbench/verify.sql
--
-- customers, comments and customer_history are those that the search_path finds. Every run of setup.sql starts with new
-- customers, so that verify.sql sees what happened since.

\set ON_ERROR_STOP on
\if :{?customers}
\else
    \set customers 1000
\endif

BEGIN;
SET LOCAL client_min_messages = warning;
DROP TABLE IF EXISTS crm_pgbench;
CREATE TABLE crm_pgbench (n integer PRIMARY KEY, customer_id bigint NOT NULL UNIQUE);

-- Customers that were inserted with their ids are ahead of the sequence.
SELECT setval(pg_get_serial_sequence('customers', 'id'),
              greatest(nextval(pg_get_serial_sequence('customers', 'id')), max(id))) AS last_id
FROM customers
\gset

WITH made AS (
    INSERT INTO customers (name, status)
    SELECT 'pgbench', 'new' FROM generate_series(1, :customers)
    RETURNING id
)
INSERT INTO crm_pgbench (n, customer_id)
SELECT row_number() OVER (ORDER BY id), id FROM made;
COMMIT;

VACUUM ANALYZE crm_pgbench;
