-- Removes what the tests made. The roles can go when nothing is theirs any more.
DROP DATABASE IF EXISTS crm_hostile WITH (FORCE);
SELECT format('DROP ROLE %I', rolname) FROM pg_roles WHERE rolname LIKE 'crm\_hostile\_%' \gexec
