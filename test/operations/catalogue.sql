-- All that the extension consists of, a line each.
SET search_path = pg_catalog;

CREATE TEMP VIEW members AS
SELECT classid, objid, objsubid, pg_catalog.pg_describe_object(classid, objid, objsubid) AS name
FROM pg_catalog.pg_depend
WHERE deptype = 'e' AND refclassid = 'pg_catalog.pg_extension'::regclass
  AND refobjid = (SELECT oid FROM pg_catalog.pg_extension WHERE extname = 'crm_concurrency');

SELECT 'extension', extname, extversion, extrelocatable, extnamespace::regnamespace,
       (SELECT array_agg(format('%s: %s', t, c) ORDER BY t::text) FROM unnest(extconfig::regclass[], extcondition) AS u(t, c)),
       obj_description(oid, 'pg_extension')
FROM pg_extension WHERE extname = 'crm_concurrency';

-- members with their comments, and the rights that they began with
SELECT 'member', name, obj_description(objid, classid::regclass::name) FROM members ORDER BY name COLLATE "C";
SELECT 'rights', m.name, (SELECT array_agg(p::text ORDER BY p::text) FROM unnest(p.initprivs) p)
FROM members m JOIN pg_init_privs p ON p.objoid = m.objid AND p.classoid = m.classid
ORDER BY m.name COLLATE "C", p.objsubid;

SELECT 'function', m.name, pg_get_functiondef(p.oid), pg_get_userbyid(p.proowner),
       (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(p.proacl) a)
FROM members m JOIN pg_proc p ON m.classid = 'pg_proc'::regclass AND p.oid = m.objid
ORDER BY m.name COLLATE "C";

SELECT 'type', m.name, t.typtype, pg_get_userbyid(t.typowner),
       (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(t.typacl) a)
FROM members m JOIN pg_type t ON m.classid = 'pg_type'::regclass AND t.oid = m.objid
ORDER BY m.name COLLATE "C";

-- tables, views and composite types
CREATE TEMP VIEW relations AS
SELECT c.*, m.name AS member
FROM members m
LEFT JOIN pg_type t ON m.classid = 'pg_type'::regclass AND t.oid = m.objid AND t.typtype = 'c'
JOIN pg_class c ON c.oid = CASE m.classid WHEN 'pg_class'::regclass THEN m.objid ELSE t.typrelid END;

SELECT 'relation', member, relkind, relpersistence, reloptions, relrowsecurity, pg_get_userbyid(relowner),
       (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(relacl) a),
       CASE relkind WHEN 'v' THEN pg_get_viewdef(oid) END
FROM relations ORDER BY member COLLATE "C", relkind;

SELECT 'column', r.member, a.attname, row_number() OVER (PARTITION BY r.oid ORDER BY a.attnum),
       format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated, pg_get_expr(d.adbin, d.adrelid),
       a.attacl, col_description(r.oid, a.attnum)
FROM relations r
JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = r.oid AND d.adnum = a.attnum
ORDER BY r.member COLLATE "C", a.attnum;

SELECT 'constraint', r.member, c.conname, pg_get_constraintdef(c.oid), obj_description(c.oid, 'pg_constraint')
FROM relations r JOIN pg_constraint c ON c.conrelid = r.oid
ORDER BY r.member COLLATE "C", c.conname COLLATE "C";

SELECT 'index', r.member, pg_get_indexdef(i.indexrelid), obj_description(i.indexrelid, 'pg_class')
FROM relations r JOIN pg_index i ON i.indrelid = r.oid
ORDER BY r.member COLLATE "C", 3 COLLATE "C";

SELECT 'trigger', r.member, pg_get_triggerdef(t.oid), t.tgenabled, obj_description(t.oid, 'pg_trigger')
FROM relations r JOIN pg_trigger t ON t.tgrelid = r.oid AND NOT t.tgisinternal
ORDER BY r.member COLLATE "C", t.tgname COLLATE "C";
