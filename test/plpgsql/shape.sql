-- What the tables in the schema crm are made of, but for triggers.
SELECT attrelid::regclass, attname, format_type(atttypid, atttypmod), attnotnull, attidentity, attstorage,
       pg_get_expr(adbin, adrelid), col_description(attrelid, attnum)
FROM pg_attribute JOIN pg_class c ON c.oid = attrelid LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
WHERE relnamespace = 'crm'::regnamespace AND relkind = 'r' AND relname <> 'crm_internal_secret' AND attnum > 0 AND NOT attisdropped
ORDER BY relname, attnum;
SELECT relname, reloptions, relpersistence, obj_description(oid, 'pg_class') FROM pg_class
WHERE relnamespace = 'crm'::regnamespace AND relkind = 'r' AND relname <> 'crm_internal_secret' ORDER BY relname;
SELECT conrelid::regclass, conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace = 'crm'::regnamespace AND contype <> 't' ORDER BY 1, 2;
SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'crm' ORDER BY 1;
