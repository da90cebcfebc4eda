-- Makes each call once, its name before the lines of its audit, which go to the client. The variable path is the access path.
SET crm_concurrency.access_path = :'path';
SET pgaudit.log_level = notice;
SET pgaudit.log_client = on;
SET client_min_messages = warning;
SELECT format('DO $do$ BEGIN RAISE WARNING ''CALL: %%'', %L; END $do$', name), 'BEGIN', 'SET LOCAL ROLE app', 'SET LOCAL client_min_messages = notice', call, 'ROLLBACK'
FROM calls ORDER BY n \gexec
