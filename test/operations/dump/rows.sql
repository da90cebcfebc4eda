-- All that the tables of the search_path hold, a line each. :customers is the name of the customers table.
SET TimeZone = 'UTC';
SELECT 'customers: ' || count(*) || ' rows ' || md5(string_agg(t::text, E'\n' ORDER BY id)) FROM :customers t;
SELECT 'comments: ' || count(*) || ' rows ' || md5(string_agg(t::text, E'\n' ORDER BY customer_id, id)) FROM comments t;
SELECT 'history: ' || count(*) || ' rows ' || md5(string_agg(t::text, E'\n' ORDER BY customer_id, version))
FROM customer_history t;
