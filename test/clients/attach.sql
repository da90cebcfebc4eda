-- What belongs to the extension is in a schema of its own, out of the sight of schema tools.
CREATE SCHEMA IF NOT EXISTS crm;
CREATE EXTENSION IF NOT EXISTS crm_concurrency SCHEMA crm;
SELECT crm.crm_attach('customers', companions_schema => 'crm', also_bump => ARRAY(
    SELECT attname::text FROM pg_attribute
    WHERE attrelid = 'customers'::regclass AND attname = 'lock_version' AND NOT attisdropped));
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = public, crm', current_database()); END $$;
