-- Removes what the tests made. The roles can go when nothing is theirs any more.
DROP DATABASE IF EXISTS crm_hostile WITH (FORCE);
SELECT format('DROP DATABASE %I WITH (FORCE)', datname) FROM pg_database WHERE datname LIKE 'crm\_hostile\_planted%' \gexec
SELECT format('DROP ROLE %I', rolname) FROM pg_roles WHERE rolname LIKE 'crm\_hostile\_%' \gexec
