-- What the registry says of the tables that exist. Where data was loaded beside a fresh attachment it says so twice.
SET search_path = '';
SELECT DISTINCT customers::text, comments::text, history::text, locks::text, comments_column, plain_updates
FROM public.crm_attached_tables
WHERE customers::oid IN (SELECT oid FROM pg_class)
ORDER BY 1;
