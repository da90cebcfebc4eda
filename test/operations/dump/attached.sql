-- A table that was attached: uuid keys, quoted names, an enum, companions named otherwise, an edit lock.
CREATE EXTENSION crm_concurrency;
CREATE SCHEMA "My CRM";
SET search_path = "My CRM", public;
CREATE TYPE stage AS ENUM ('new', 'won', 'lost');
CREATE TABLE "The Deals" (id uuid PRIMARY KEY, "Stage" stage NOT NULL, notes text, "updatedAt" timestamptz(3) NOT NULL);
INSERT INTO "The Deals" VALUES ('00000000-0000-0000-0000-000000000001', 'new', 'old', '2026-01-05 10:00:00.123+00'),
                               ('00000000-0000-0000-0000-000000000002', 'new', NULL, '2026-01-05 10:00:00.123+00');
SELECT crm_attach('"The Deals"', 'Stage', 'updatedAt', comments => 'Deal Notes', history => 'Past', comments_column => 'notes', plain_updates => 'refuse');
SELECT outcome FROM crm_update_customer_by_key('00000000-0000-0000-0000-000000000001', '2026-01-05 10:00:00.123+00', 'lost', 'Gone', 'ana', fields => '{"notes": "new"}');
SELECT outcome FROM crm_lock_customer_by_key('00000000-0000-0000-0000-000000000002', 'ana', '24 hours');
