-- The published test vectors, which the other languages' tests read too.
\getenv input PG_ABS_SRCDIR
\set file :input '/scale/partitions.json'
\set published `cat :'file'`
SELECT count(*) > 20 AS are_many FROM jsonb_array_elements(:'published'::jsonb -> 'vectors');
SELECT v ->> 'key' AS key, n AS partitions, crm_partition_of(v ->> 'key', n::integer), partition
FROM jsonb_array_elements(:'published'::jsonb -> 'vectors') v, jsonb_each_text(v -> 'partition') p (n, partition)
WHERE crm_partition_of(v ->> 'key', n::integer) IS DISTINCT FROM partition::integer;

-- What is refused, with any key.
CREATE FUNCTION refusal(partitions integer) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN 'none: ' || crm_partition_of('1', partitions);
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN SQLERRM;
END
$$;
SELECT refusal(n::integer) AS refusal, count(*) > 5 AS of_many
FROM jsonb_array_elements_text(:'published'::jsonb -> 'refused') n GROUP BY 1;
SELECT crm_partition_of('1', 12);
SELECT crm_partition_of('1', 0);
SELECT crm_partition_of(NULL, 4) IS NULL AS of_no_key, crm_partition_of('1', NULL) IS NULL AS of_no_partitions;

-- Of the key in UTF-8, in every encoding of the database.
SELECT getdatabaseencoding() AS here, crm_partition_of('Ärger', 4096) AS partition;
CREATE DATABASE regress_crm_latin1 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0;
SELECT current_database() AS back \gset
\connect regress_crm_latin1
SET client_min_messages = warning;
CREATE EXTENSION crm_concurrency;
SET client_encoding = 'UTF8';
SELECT getdatabaseencoding() AS here, crm_partition_of('Ärger', 4096) AS partition;
\connect :back
DROP DATABASE regress_crm_latin1;
