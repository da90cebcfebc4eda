-- The first customer of an empty CRM, and its first save. :customers is the name of the customers table.
INSERT INTO :customers (name) VALUES ('First') RETURNING id, updated_at \gset
SELECT outcome FROM crm_update_customer(:id, :'updated_at', 'called', 'Hello', 'ana');
SELECT (SELECT count(*) FROM customer_history) || ' in history, ' || (SELECT count(*) FROM comments) || ' comments';
