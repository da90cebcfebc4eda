-- Uses a restored attached table, and tells what came of it.
\pset format unaligned
\pset tuples_only on
SET search_path = "My CRM", public;
SELECT outcome FROM crm_update_customer_by_key('00000000-0000-0000-0000-000000000001', '2026-01-05 10:00:00.123+00', 'lost', 'Gone', 'ana', fields => '{"notes": "new"}');
SELECT outcome FROM crm_update_customer_by_key('00000000-0000-0000-0000-000000000001', '2026-01-05 10:00:00.123+00', 'won', NULL, 'ben');
SELECT outcome || ' ' || status
FROM crm_update_customer_by_key('00000000-0000-0000-0000-000000000001', (SELECT "updatedAt" FROM "The Deals" WHERE notes = 'new'), 'won', NULL, 'ben');
SELECT outcome FROM crm_update_customer_by_key('00000000-0000-0000-0000-000000000002', '2026-01-05 10:00:00.123+00', 'won', NULL, 'ben');
SELECT count(*) || ' in history' FROM "Past";
SELECT 'violations ' || count(*) FROM crm_verify();
