-- What the backend needs in a database that has the extension and its tables: its own user, rights, events, and some
-- customers to look at. The user's password is for a demo: give it another where others can reach the server.
CREATE ROLE crm_web LOGIN PASSWORD 'crm_web';

GRANT SELECT, UPDATE (status) ON customers TO crm_web;
GRANT SELECT, INSERT (customer_id, author, body) ON comments TO crm_web;
GRANT SELECT ON customer_history TO crm_web;

LOAD 'crm_concurrency';
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET crm_concurrency.events = notify', current_database()); END $$;

INSERT INTO customers (name, phone, email) VALUES
    ('Acme', '555-0100', 'office@acme.example'),
    ('Borealis', '555-0101', 'hello@borealis.example'),
    ('Cobalt', '555-0102', 'sales@cobalt.example'),
    ('Dunes', '555-0103', 'mail@dunes.example');
