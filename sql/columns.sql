-- Customers have columns of their own, of any name and type: the history and the detail show them.
CREATE SCHEMA columns;
SET search_path = columns, public;
SELECT crm_create_tables();

CREATE TYPE mood AS ENUM ('calm', 'angry');
CREATE DOMAIN document AS json;
CREATE TYPE address AS (street text, city text);
ALTER TABLE customers
    ADD c text,
    ADD r text,
    ADD tags text[],
    ADD mood mood,
    ADD address address,
    ADD document document,
    ADD settings jsonb,
    ADD photo bytea,
    ADD met_at timestamptz,
    ADD rating numeric,
    ADD ref regclass,
    ADD shouted text GENERATED ALWAYS AS (upper(name)) STORED,
    ADD "odd "" name" text;

INSERT INTO customers (id, name, c, r, tags, mood, address, document, settings, photo, met_at, rating, ref, "odd "" name", updated_at)
VALUES (1, 'Acme', '"hello"', 'r', '{a,b}', 'calm', ROW ('Main St', 'Berlin'), '{"b": 1, "a": "\u0000"}', '{"x": [1]}', '\x00ff',
        '2026-01-05 10:00:00.5+02', 'NaN', 'columns.comments', 'odd', '2026-01-05 10:00:00.123+00');

-- whatever the session's settings are
SET TimeZone = 'Asia/Kathmandu';
SET DateStyle = 'SQL, DMY';
SET bytea_output = 'escape';
UPDATE customers SET mood = 'angry', tags = NULL, met_at = 'infinity', rating = 1.50, photo = '\x01', c = 'bye', document = '1e400000',
                     ref = 'public.crm_attached_tables'
WHERE id = 1;
RESET bytea_output; RESET DateStyle; RESET TimeZone;

SELECT h.n, h.operation, f.key, f.value
FROM (SELECT row_number() OVER (ORDER BY version) AS n, * FROM customer_history) h, jsonb_each(h.fields) f
ORDER BY h.n, f.key;

-- a refused save shows the row, also when a column has the name of an alias
SELECT outcome, key, value
FROM crm_update_customer(1, '2026-01-05 10:00:00.123+00', 'won', NULL, 'ana'), jsonb_each(detail->'current')
WHERE key <> 'updated_at' ORDER BY key;

-- a value that is too large for jsonb is recorded by its size; one that did not change is not
INSERT INTO customers (id, name, photo) SELECT 2, 'Large', string_agg(sha512(i::text::bytea), '') FROM generate_series(1, 280000) i;
UPDATE customers SET name = 'Larger' WHERE id = 2;
SELECT operation, fields FROM customer_history WHERE customer_id = 2 ORDER BY version;

-- dropping and adding columns
ALTER TABLE customers DROP tags, ADD tags integer;
UPDATE customers SET tags = 3 WHERE id = 1;
SELECT fields FROM customer_history WHERE customer_id = 1 ORDER BY version DESC LIMIT 1;
DELETE FROM customers WHERE id = 1;
SELECT fields - 'document' - 'settings' FROM customer_history WHERE customer_id = 1 ORDER BY version DESC LIMIT 1;
