#include "../boundary/guard.h"
#include "../boundary/library_version.h"
#include "../boundary/row_set.h"
#include "../boundary/value_json.h"
#include "../tables/attachment.h"
#include "../tables/column_roles.h"
#include "../tables/registry.h"
#include "../tables/statements.h"

namespace crm {

namespace {

// What is wrong in the catalogue; $1 is the version of the library. The search_path is pg_catalog alone.
constexpr SqlTemplate statement = R"(
WITH registered AS (
    SELECT DISTINCT ON (r.customers) r.*
    -- SQL objects of version 1.0 have no such columns: the names stand for these values then.
    FROM (SELECT true AS is_customers, NULL::regclass AS deletions, NULL::regclass AS comment_edits,
                 NULL::regclass AS refused_saves, NULL::jsonb AS merge_groups, NULL::jsonb AS also_bump) older,
         LATERAL (SELECT customers, comments, history, locks, comments_column, home, attached_at, plain_updates,
                         is_customers, deletions, comment_edits, refused_saves, merge_groups, also_bump,
                         to_jsonb(t) ? 'deletions' AS has_later
                  FROM {extension}.crm_attached_tables t) r
    ORDER BY r.customers, r.attached_at DESC
),
told (customers, key, status, version) AS (VALUES (NULL::regclass, NULL::int2, NULL::int2, NULL::int2){columns_told}),
-- With the call that attaches each table as it is, but for what follows its last argument.
attached AS (
    SELECT r.*, c.relnamespace, c.relowner, c.reloptions, a.attach,
           a.attach || CASE WHEN r.comments_column IS NULL THEN ''
                            ELSE format(', comments_column => %L', r.comments_column) END AS attach_with_comments
    FROM registered r JOIN pg_class c ON c.oid = r.customers LEFT JOIN told k USING (customers)
    LEFT JOIN pg_attribute s ON s.attrelid = r.customers AND s.attnum = k.status
    LEFT JOIN pg_attribute v ON v.attrelid = r.customers AND v.attnum = k.version, LATERAL (
        SELECT format('SELECT %s.crm_attach(%L, status_column => %L, version_column => %L', {extension_literal},
                      r.customers::text, CASE WHEN k.customers IS NULL THEN 'status' ELSE s.attname END,
                      coalesce(v.attname, 'updated_at'))
               || CASE r.plain_updates WHEN 'refuse' THEN $$, plain_updates => 'refuse'$$ ELSE '' END) a (attach)
),
member AS (
    SELECT customers, customers AS relation, 'customers' AS role FROM attached
    UNION ALL SELECT customers, comments, 'comments' FROM attached
    UNION ALL SELECT customers, history, 'history' FROM attached
    UNION ALL SELECT customers, locks, 'locks' FROM attached
    UNION ALL SELECT customers, l.relation, l.role FROM attached,
        LATERAL (VALUES (deletions, 'deletions'), (comment_edits, 'comment_edits'), (refused_saves, 'refused_saves')) l (relation, role)
        WHERE EXISTS (SELECT FROM pg_class c WHERE c.oid = l.relation)
),
ours AS (
    SELECT p.oid, p.proname
    FROM pg_extension e
    JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
    JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
    WHERE e.extname = 'crm_concurrency' AND p.prorettype = 'trigger'::regtype
),
-- The columns that also_bump may name.
bumpable AS (
    SELECT a.customers, t.attname, t.attnum, t.atttypid FROM attached a JOIN pg_attribute t ON t.attrelid = a.customers
    WHERE t.attnum > 0 AND NOT t.attisdropped AND t.attgenerated = '' AND t.atttypid IN ('smallint'::regtype,
        'integer'::regtype, 'bigint'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype)
),
-- The foreign keys to the customers. Before PostgreSQL 18 every foreign key is enforced.
reference AS (
    SELECT m.relation, c.oid, c.conname, c.convalidated,
           coalesce((to_jsonb(c) ->> 'conenforced')::boolean, true) AS is_enforced
    FROM member m JOIN pg_constraint c ON c.contype = 'f' AND c.conrelid = m.relation AND c.confrelid = m.customers
      AND c.conkey = ARRAY[(SELECT t.attnum FROM pg_attribute t
                            WHERE t.attrelid = m.relation AND t.attname = 'customer_id')]
),
needed (role, function, is_for_rows, is_to_be_there) AS (VALUES {needed}),
found (check_name, status, finding, hint) AS (
    SELECT 'library_version', 'warning', format('the library is version %s, the SQL objects are %s', $1, e.extversion),
           'ALTER EXTENSION crm_concurrency UPDATE; -- and connect again'
    FROM pg_extension e WHERE e.extname = 'crm_concurrency' AND e.extversion <> $1

    UNION ALL
    SELECT 'attached_tables', 'warning', 'no table is attached',
           format('SELECT %s.crm_create_tables(); -- or crm_attach() for an existing table', {extension_literal})
    WHERE NOT EXISTS (SELECT FROM attached)

    UNION ALL
    SELECT 'attached_tables', 'error', format('a table that belongs to %s does not exist', a.customers),
           a.attach_with_comments || '); -- which makes it anew; restore it first where there is a dump'
    FROM attached a JOIN member m ON m.customers = a.customers
    WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = m.relation)

    UNION ALL
    SELECT 'attached_tables', 'warning',
           format('%s has no table of %s: %s', a.customers, l.role, l.consequence),
           a.attach_with_comments || ');'
    FROM attached a, LATERAL (VALUES
        (a.deletions, 'deletions', 'deleted rows are not set aside'),
        (a.comment_edits, 'comment_edits', 'comments cannot be corrected'),
        (a.refused_saves, 'refused_saves', 'refused saves cannot be kept')) l (relation, role, consequence)
    WHERE a.has_later AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = l.relation)

    UNION ALL
    SELECT 'attached_tables', 'warning', format('an attached table was dropped: OID %s', r.customers::oid),
           coalesce(format('DROP TABLE %s; -- once what they hold is not wanted any more', l.tables),
                    '-- nothing has to be done: the next crm_attach() or crm_create_tables() forgets it')
    FROM registered r, LATERAL (
        SELECT string_agg(c.oid::regclass::text, ', ' ORDER BY c.oid) FROM pg_class c
        WHERE c.oid IN (r.comments, r.history, r.locks, r.deletions, r.comment_edits, r.refused_saves)
          AND NOT EXISTS (SELECT FROM member m WHERE m.relation = c.oid)
          -- another table may have got the OID of one that is gone
          AND EXISTS (SELECT FROM pg_attribute a
                      WHERE a.attrelid = c.oid AND a.attname = 'customer_id' AND NOT a.attisdropped)) l (tables)
    WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = r.customers)

    UNION ALL
    SELECT 'attached_tables', 'error',
           format('rows of %s, which inherits from %s, are not guarded', i.inhrelid::regclass, m.relation),
           format('ALTER TABLE %s NO INHERIT %s;', i.inhrelid::regclass, m.relation)
    FROM member m JOIN pg_inherits i ON i.inhparent = m.relation

    UNION ALL
    SELECT 'attached_tables', 'error',
           format('%s does not stand alone any more: it inherits from %s', m.relation, i.inhparent::regclass),
           CASE WHEN c.relispartition
                THEN format('ALTER TABLE %s DETACH PARTITION %s;', i.inhparent::regclass, m.relation)
           ELSE format('ALTER TABLE %s NO INHERIT %s;', m.relation, i.inhparent::regclass) END
    FROM member m JOIN pg_inherits i ON i.inhrelid = m.relation JOIN pg_class c ON c.oid = m.relation

    UNION ALL
    SELECT 'attached_tables', 'warning',
           format('schema %s has %s customers tables, of which calls that name none find one', a.relnamespace::regnamespace, count(*)),
           min(a.attach_with_comments) || ', as_customers => true); -- or another of them'
    FROM attached a WHERE a.is_customers GROUP BY a.relnamespace HAVING count(*) > 1

    UNION ALL
    SELECT 'attached_tables', 'warning',
           format('schema %s has attached tables, of which none is its customers table', a.relnamespace::regnamespace),
           min(a.attach_with_comments) || ', as_customers => true); -- or another of them, if calls are to find one'
    FROM attached a GROUP BY a.relnamespace HAVING NOT bool_or(a.is_customers)

    UNION ALL
    SELECT 'attached_tables', 'warning', format('%s has no column "%s" with older comments', a.customers, a.comments_column),
           a.attach || '); -- or with comments_column as it is called now'
    FROM attached a WHERE a.comments_column IS NOT NULL AND NOT EXISTS (
        SELECT FROM pg_attribute t WHERE t.attrelid = a.customers AND t.attname = a.comments_column AND NOT t.attisdropped)

    UNION ALL
    SELECT 'attached_tables', 'error',
           format('%s has no column %s, which a merge group names: nothing is merged', a.customers, m.name),
           format('%s, merge_groups => %L); -- or with the names of now', a.attach_with_comments, (
               SELECT coalesce(jsonb_agg(g.columns), '[]') FROM jsonb_array_elements(a.merge_groups) g (columns)
               WHERE NOT EXISTS (SELECT FROM jsonb_array_elements_text(g.columns) c (name) WHERE NOT EXISTS (
                   SELECT FROM pg_attribute t WHERE t.attrelid = a.customers AND t.attname = c.name AND t.attnum > 0))))
    FROM attached a, LATERAL jsonb_path_query(a.merge_groups, '$[*][*]') m (name)
    WHERE NOT EXISTS (SELECT FROM pg_attribute t WHERE t.attrelid = a.customers AND t.attnum > 0 AND NOT t.attisdropped
                      AND t.attname = m.name #>> '{}')

    UNION ALL
    SELECT 'attached_tables', 'error', format('%s has no column %s of a type that can be bumped', a.customers, b.name),
           format('%s, also_bump => %L); -- or with the names of now', a.attach_with_comments, (
               SELECT coalesce(array_agg(b.name), '{}') FROM jsonb_array_elements_text(a.also_bump) b (name)
               JOIN bumpable t ON t.customers = a.customers AND t.attname = b.name))
    FROM attached a, LATERAL jsonb_array_elements_text(a.also_bump) b (name)
    WHERE NOT EXISTS (SELECT FROM bumpable t WHERE t.customers = a.customers AND t.attname = b.name)

    UNION ALL
    SELECT 'attached_tables', 'warning',
           format('%s has a column %I by which an application may check what it saves: saves leave it as it is',
                  a.customers, t.attname),
           format('%s, also_bump => %L); -- if it does', a.attach_with_comments, ARRAY(
               SELECT jsonb_array_elements_text(a.also_bump)) || t.attname::text)
    FROM attached a JOIN bumpable t USING (customers)
    WHERE a.has_later AND NOT coalesce(a.also_bump, '[]') ? t.attname
      AND (t.atttypid IN ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype)
           AND t.attname ~* '^_{0,2}(lock|row|object|entity|record|opt)?_?(version|lock|v|lock_?no)(_?id|_?no|_?number)?$'
           OR t.atttypid IN ('timestamp'::regtype, 'timestamptz'::regtype) AND t.attname = 'write_date')
      AND NOT EXISTS (SELECT FROM told k WHERE k.customers = a.customers AND t.attnum IN (k.key, k.status, k.version))

    UNION ALL
    SELECT 'attached_tables', 'warning', format('%s was attached in another schema: a table that is attached in this one takes its place', a.customers),
           a.attach_with_comments || ');'
    FROM attached a JOIN pg_namespace n ON n.oid = a.relnamespace WHERE a.is_customers AND a.home IS DISTINCT FROM n.nspname

    UNION ALL
    SELECT 'triggers', CASE WHEN n.is_to_be_there THEN 'error' ELSE 'warning' END,
           format(CASE WHEN n.is_to_be_there THEN '%s has no trigger that calls %s()'
                  ELSE '%s has no trigger that calls %s() at the end of a statement: statements of many rows take longer' END,
                  m.relation, n.function),
           CASE WHEN n.is_to_be_there THEN a.attach_with_comments || ');'
           ELSE format('CREATE TRIGGER %s AFTER INSERT OR UPDATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION %s.%s();',
                {end_trigger}, m.relation, {extension_literal}, n.function) END
    FROM member m JOIN needed n USING (role) JOIN pg_class c ON c.oid = m.relation JOIN attached a USING (customers)
    -- SQL objects of version 1.0 do not have all functions.
    WHERE n.function IN (SELECT proname FROM ours) AND NOT EXISTS (SELECT FROM pg_trigger t JOIN ours o ON o.oid = t.tgfoid
        WHERE t.tgrelid = m.relation AND o.proname = n.function AND (t.tgtype & 1 = 1) = n.is_for_rows)

    UNION ALL
    SELECT 'triggers', 'error', format('%s has no statistics object that names its columns', a.customers),
           a.attach_with_comments || '); -- with the columns as they are called'
    FROM attached a
    WHERE NOT EXISTS (SELECT FROM told k WHERE k.customers = a.customers)
      AND EXISTS (SELECT FROM pg_trigger t JOIN ours o ON o.oid = t.tgfoid
                  WHERE t.tgrelid = a.customers AND o.proname = {key_function})

    UNION ALL
    SELECT 'triggers', 'error', format('trigger %I of %s is disabled', t.tgname, t.tgrelid::regclass),
           format('ALTER TABLE %s ENABLE TRIGGER %I;', t.tgrelid::regclass, t.tgname)
    FROM member m JOIN pg_trigger t ON t.tgrelid = m.relation JOIN ours o ON o.oid = t.tgfoid WHERE t.tgenabled IN ('D', 'R')

    UNION ALL
    SELECT 'other_triggers', 'error', format('trigger %I of %s fires after that of crm_concurrency, and can overrule it', t.tgname, t.tgrelid::regclass),
           format('ALTER TRIGGER %I ON %s RENAME TO %I;', t.tgname, t.tgrelid::regclass, 'before_crm_' || t.tgname)
    FROM member m JOIN pg_trigger t ON t.tgrelid = m.relation
    WHERE m.role IN ('customers', 'comments') AND t.tgtype & 3 = 3 AND t.tgtype & 20 <> 0 AND t.tgenabled <> 'D'
      AND t.tgname::text COLLATE "C" > CASE m.role WHEN 'customers' THEN {version_trigger} ELSE {guard_trigger} END

    UNION ALL
    SELECT 'other_triggers', 'error', format('trigger %I of %s is deferred, and written for others by its owner: their saves fail', t.tgname, t.tgrelid::regclass),
           CASE WHEN t.tgisinternal
                THEN format('ALTER TABLE %s ALTER CONSTRAINT %I NOT DEFERRABLE;', c.conrelid::regclass, c.conname)
           ELSE format('DROP TRIGGER %I ON %s; %s;', t.tgname, t.tgrelid::regclass,
                       replace(pg_get_triggerdef(t.oid), ' DEFERRABLE INITIALLY DEFERRED ', ' NOT DEFERRABLE ')) END
    FROM member m JOIN pg_trigger t ON t.tgrelid = m.relation JOIN pg_constraint c ON c.oid = t.tgconstraint
    WHERE (m.role IN ('history', 'locks') OR m.role = 'comments' AND t.tgtype & 16 <> 0 AND NOT t.tgisinternal)
      AND t.tgtype & 1 = 1 AND t.tginitdeferred AND t.tgenabled <> 'D'

    UNION ALL
    SELECT 'session_replication_role', 'error', format('session_replication_role is %s: triggers do not fire', current_setting('session_replication_role')),
           'SET session_replication_role = origin;'
    WHERE current_setting('session_replication_role') = 'replica'

    UNION ALL
    SELECT 'indexes', 'warning', format('index %s on column %I of %s is written by every save', i.indexrelid::regclass, t.attname, k.customers),
           coalesce((SELECT format('ALTER TABLE %s DROP CONSTRAINT %I;', k.customers, c.conname) FROM pg_constraint c
                     WHERE c.conindid = i.indexrelid AND c.conrelid = k.customers AND c.contype IN ('u', 'x')),
                    format('DROP INDEX %s;', i.indexrelid::regclass)) ||
           ' -- where it is not worth that: saves are HOT updates then; what changed lately is answered by the history'
    FROM told k JOIN pg_index i ON i.indrelid = k.customers
    JOIN pg_attribute t ON t.attrelid = k.customers AND t.attnum IN (k.status, k.version)
    -- Expressions and conditions of an index count as well as its columns.
    WHERE t.attnum = ANY (i.indkey::int2[]) OR EXISTS (
        SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
          AND d.refclassid = 'pg_class'::regclass AND d.refobjid = k.customers AND d.refobjsubid = t.attnum)

    UNION ALL
    SELECT 'fillfactor', 'warning', format('the pages of %s are filled entirely: saves find no room beside the old row', a.customers),
           format('ALTER TABLE %s SET (fillfactor = 80);', a.customers)
    FROM attached a WHERE coalesce((SELECT option_value::numeric FROM pg_options_to_table(a.reloptions)
        WHERE option_name = 'fillfactor' AND option_value ~ '^[0-9]+([.][0-9]+)?$'), 100) > 95

    UNION ALL
    SELECT 'owners', 'warning', format('%s belongs to %s, its customers to %s', m.relation, c.relowner::regrole, a.relowner::regrole),
           format('ALTER TABLE %s OWNER TO %s; -- look first at its triggers, policies and indexes, which go with it',
                  m.relation, a.relowner::regrole)
    FROM attached a JOIN member m ON m.customers = a.customers JOIN pg_class c ON c.oid = m.relation WHERE c.relowner <> a.relowner

    UNION ALL
    SELECT 'persistence', 'error', format('%s is not logged: a crash empties it', m.relation),
           format('ALTER TABLE %s SET LOGGED;', m.relation)
    FROM member m JOIN pg_class c ON c.oid = m.relation WHERE c.relpersistence <> 'p'

    UNION ALL
    SELECT 'foreign_keys', 'error',
           format('%s has no foreign key to %s that is valid and enforced', m.relation, m.customers),
           coalesce((
               SELECT concat_ws(' ',
                   CASE WHEN NOT r.is_enforced
                        THEN format('ALTER TABLE %s ALTER CONSTRAINT %I ENFORCED;', r.relation, r.conname) END,
                   (SELECT string_agg(DISTINCT format('ALTER TABLE %s ENABLE TRIGGER ALL;', t.tgrelid::regclass), ' ')
                    FROM pg_trigger t WHERE t.tgconstraint = r.oid AND t.tgenabled IN ('D', 'R')),
                   CASE WHEN NOT r.convalidated
                        THEN format('ALTER TABLE %s VALIDATE CONSTRAINT %I;', r.relation, r.conname) END)
               FROM reference r WHERE r.relation = m.relation ORDER BY r.oid LIMIT 1),
               format('ALTER TABLE %s ADD FOREIGN KEY (customer_id) REFERENCES %s ON DELETE CASCADE;',
                      m.relation, m.customers))
    FROM member m JOIN pg_class p ON p.oid = m.relation
    WHERE m.role IN ('comments', 'locks') AND NOT EXISTS (
        SELECT FROM reference r WHERE r.relation = m.relation AND r.convalidated AND r.is_enforced
          AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgconstraint = r.oid AND t.tgenabled IN ('D', 'R')))

    UNION ALL
    SELECT 'foreign_keys', 'warning',
           format('foreign key %I of %s is deferred: a save that is refused and repeated in one transaction fails for '
                  'all but its owner', c.conname, m.relation),
           format('ALTER TABLE %s ALTER CONSTRAINT %I NOT DEFERRABLE;', m.relation, c.conname)
    FROM member m JOIN pg_constraint c ON c.conrelid = m.relation
    WHERE m.role = 'comments' AND c.contype = 'f' AND c.condeferred

    UNION ALL
    SELECT 'privileges', 'warning', format('%s may save to %s, but not add comments', r.rolname, k.customers),
           format('GRANT INSERT ON %s TO %I; -- if it saves with comments', a.comments, r.rolname)
    FROM told k JOIN attached a ON a.customers = k.customers CROSS JOIN pg_roles r
    WHERE NOT r.rolsuper AND r.rolname !~ '^pg_' AND {may_save}
      AND EXISTS (SELECT FROM pg_class c WHERE c.oid = a.comments)
      AND NOT (has_table_privilege(r.oid, a.comments, 'INSERT') OR (
          SELECT bool_and(has_column_privilege(r.oid, a.comments, t.attnum, 'INSERT')) FROM pg_attribute t
          WHERE t.attrelid = a.comments AND t.attname IN ('customer_id', 'author', 'body')))

    UNION ALL
    SELECT 'privileges', 'warning', format('%s may save to %s, but not use its schema', r.rolname, k.customers),
           format('GRANT USAGE ON SCHEMA %s TO %I;', a.relnamespace::regnamespace, r.rolname)
    FROM told k JOIN attached a ON a.customers = k.customers CROSS JOIN pg_roles r
    WHERE NOT r.rolsuper AND r.rolname !~ '^pg_' AND {may_save}
      AND NOT has_schema_privilege(r.oid, a.relnamespace, 'USAGE')

    UNION ALL
    SELECT 'privileges', 'warning', format('%s may save to %s, but not read %s', r.rolname, k.customers, hidden.columns),
           format('GRANT SELECT (%s) ON %s TO %I;', hidden.columns, k.customers, r.rolname)
    FROM told k CROSS JOIN pg_roles r CROSS JOIN LATERAL (
        SELECT string_agg(quote_ident(t.attname), ', ' ORDER BY t.attnum) AS columns FROM pg_attribute t
        WHERE t.attrelid = k.customers AND t.attnum IN (k.key, k.status, k.version)
          AND NOT has_column_privilege(r.oid, k.customers, t.attnum, 'SELECT')) hidden
    WHERE NOT r.rolsuper AND r.rolname !~ '^pg_' AND {may_save}
      AND hidden.columns IS NOT NULL

    UNION ALL
    SELECT 'other_triggers', 'warning',
           format('trigger %I of %s is deferred: where it changes a customer at commit, the version that a save has answered is old', t.tgname, t.tgrelid::regclass),
           format('DROP TRIGGER %I ON %s; %s;', t.tgname, t.tgrelid::regclass,
                  replace(pg_get_triggerdef(t.oid), ' DEFERRABLE INITIALLY DEFERRED ', ' NOT DEFERRABLE '))
    FROM member m JOIN pg_trigger t ON t.tgrelid = m.relation JOIN pg_constraint c ON c.oid = t.tgconstraint
    WHERE c.contype = 't' AND t.tginitdeferred AND t.tgenabled <> 'D'
      AND (m.role = 'customers' OR m.role = 'comments' AND t.tgtype & 16 = 0)

    UNION ALL
    SELECT 'defaults', 'warning',
           format('column %I of %s has no default: plain INSERTs would fail without crm_concurrency', t.attname, t.attrelid::regclass),
           format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT %s;', t.attrelid::regclass, t.attname, d.expression)
    FROM (SELECT k.customers, k.version, {default_version} FROM told k
          WHERE col_description(k.customers, k.version) = {version_comment}
          UNION ALL
          SELECT m.relation, t.attnum, {default_created_at} FROM member m JOIN pg_attribute t ON t.attrelid = m.relation
          WHERE m.role = 'comments' AND t.attname = 'created_at') d (relation, number, expression)
    JOIN pg_attribute t ON t.attrelid = d.relation AND t.attnum = d.number
    WHERE t.attnotnull AND NOT t.atthasdef AND NOT t.attisdropped

    UNION ALL
    SELECT 'row_security', 'warning', format('row-level security of %s does not hide what is deleted: who is under it cannot restore', a.customers),
           format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY; -- with policies on its column row_values', a.deletions)
    FROM attached a JOIN pg_class c ON c.oid = a.customers JOIN pg_class d ON d.oid = a.deletions
    WHERE c.relrowsecurity AND NOT d.relrowsecurity

    UNION ALL
    SELECT 'row_security', 'warning', format('row-level security of %s hides changes from the detail of a conflict', m.relation),
           format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY; -- and grant SELECT on it to who may read all of it',
                  m.relation)
    FROM member m JOIN pg_class c ON c.oid = m.relation WHERE m.role = 'history' AND c.relrowsecurity

    UNION ALL
    SELECT 'settings', s.status, format('%s is %s', s.name, current_setting(s.name)), s.hint
    FROM (VALUES
            ('fsync', 'off', 'error',
             'ALTER SYSTEM SET fsync = on; -- a crash can lose what was acknowledged, and more'),
            ('full_page_writes', 'off', 'error',
             'ALTER SYSTEM SET full_page_writes = on; -- a crash can damage tables, '
             'unless the file system writes pages whole'),
            ('synchronous_commit', 'off', 'warning',
             'SET synchronous_commit = on; -- where it is set for the roles that save: a crash can lose '
             'what was acknowledged a moment before'),
            ('crm_concurrency.allow_truncate', 'on', 'warning',
             'SET crm_concurrency.allow_truncate = off; -- where it is set: the owner can truncate customers '
             'without a trace'),
            ('crm_concurrency.refused_comment_window', '0', 'warning',
             'SET crm_concurrency.refused_comment_window = ''1 h''; -- where it is set: a refused comment is stored '
             'again by the next save')
         ) s (name, value, status, hint)
    WHERE current_setting(s.name) = s.value
),
checked (n, check_name, finding) AS (
    VALUES (1, 'library_version', 'library and SQL objects have the same version'), (2, 'attached_tables', 'every attached table is complete'),
           (3, 'triggers', 'all triggers are there and enabled'), (4, 'other_triggers', 'no other trigger fires last'),
           (5, 'session_replication_role', 'triggers fire in this session'), (6, 'indexes', 'no index stands in the way of HOT updates'),
           (7, 'fillfactor', 'pages have room for new versions of rows'), (8, 'owners', 'tables that belong together have one owner'),
           (9, 'persistence', 'all tables are logged'),
           (10, 'foreign_keys', 'comments and locks belong to customers that are there'),
           (11, 'privileges', 'who may save may comment'), (12, 'row_security', 'no row-level security hides changes'),
           (13, 'defaults', 'plain INSERTs would go on without crm_concurrency'),
           (14, 'settings', 'no setting weakens a guarantee'), (15, 'clock', 'no version is ahead of the clock')
)
SELECT c.check_name, coalesce(f.status, 'ok') AS status, coalesce(f.finding, c.finding) AS finding, f.hint
FROM checked c LEFT JOIN found f USING (check_name) WHERE {of_clock} ORDER BY c.n, f.finding)";

// Whether a role r may save a row of a table k.
constexpr SqlTemplate may_save =
    "CASE WHEN k.status IS NULL THEN has_any_column_privilege(r.oid, k.customers, 'UPDATE') "
    "ELSE has_column_privilege(r.oid, k.customers, k.status, 'UPDATE') END";

Sql
boolean(bool value)
{
    if (value)
        return sql("true");
    return sql("false");
}

// The triggers that are to be there, as rows of VALUES.
Sql
needed_triggers()
{
    Sql rows[std::size(own_triggers)] = {};
    for (std::size_t i = 0; i < std::size(own_triggers); i++)
        rows[i] =
            sql("({role}, {function}, {is_for_rows}, {is_to_be_there})",
                {{"role", sql_literal(registry_column(own_triggers[i].part))},
                 {"function", sql_literal(own_triggers[i].function)},
                 {"is_for_rows", boolean(own_triggers[i].is_for_rows())},
                 {"is_to_be_there", boolean(std::strcmp(own_triggers[i].name, end_of_statement_trigger.name) != 0)}});
    return sql_joined(", ", rows);
}

// The columns of the attached tables, as far as those tell them, as further rows of VALUES.
Sql
columns_told(Oid extension_schema)
{
    const std::span<RegistryEntry> entries = registry_entries(extension_schema);
    Sql *rows = static_cast<Sql *>(palloc0(entries.size() * sizeof(Sql)));
    const auto number = [](long value) { return sql_literal(psprintf("%ld", value)); };
    std::size_t count = 0;
    for (const RegistryEntry &entry : entries)
        if (const std::optional<ColumnRoles> columns = column_roles(entry.customers, extension_schema))
            rows[count++] = sql(", ({customers}, {key}, nullif({status}::int2, 0::int2), {version})",
                                {{"customers", number(entry.customers)},
                                 {"key", number(columns->key)},
                                 {"status", number(columns->status)},
                                 {"version", number(columns->version)}});
    return sql_joined("", {rows, count});
}

void
run(Oid extension_schema, SqlTemplate of_clock, const RowSet &rows)
{
    const Sql schema = sql_schema(extension_schema);
    Arguments arguments;
    arguments.add(std::string_view{library_version});
    // Compiling this much takes seconds, and running it milliseconds.
    const int settings_level = NewGUCNestLevel();
    set_config_option("jit", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
    read_with_fixed_formats(sql(statement, {{"extension", schema},
                                            {"extension_literal", sql_literal(schema.text())},
                                            {"needed", needed_triggers()},
                                            {"columns_told", columns_told(extension_schema)},
                                            {"key_function", sql_literal(key_trigger.function)},
                                            {"version_trigger", sql_literal(version_trigger.name)},
                                            {"guard_trigger", sql_literal(guard_trigger.name)},
                                            {"end_trigger", sql_literal(end_of_statement_trigger.name)},
                                            {"may_save", sql(may_save)},
                                            {"version_comment", sql_literal(version_comment)},
                                            {"default_version", sql_literal(default_version.text().data())},
                                            {"default_created_at", sql_literal(default_created_at.text().data())},
                                            {"of_clock", sql(of_clock)}}),
                            arguments, rows);
    AtEOXact_GUC(true, settings_level);
}

// Looks for tables whose newest versions are more than a minute ahead of the clock, as far as the caller may see; the index
// on versions answers that.
class ClockCheck final : public TableVisitor
{
public:
    explicit ClockCheck(const RowSet &result) : rows(result) {}

    void visit(const Registered &table) override
    {
        if (get_rel_relkind(table.history) != RELKIND_RELATION || !may_name(table.history) ||
            pg_class_aclcheck(table.history, GetUserId(), ACL_SELECT) != ACLCHECK_OK ||
            is_under_row_security(table.history))
            return;
        const bool is_ahead = in_spi([&](MemoryContext) {
            const Sql query =
                sql("SELECT 1 FROM {history} WHERE version OPERATOR(pg_catalog.>) "
                    "(pg_catalog.clock_timestamp() OPERATOR(pg_catalog.+) '1 minute'::pg_catalog.interval) LIMIT 1",
                    {{"history", sql_relation(table.history)}});
            const Role caller = act_as(owner_of(table_owner(table.history), get_rel_namespace(table.history)));
            if (SPI_execute(query.text(), true, 1) != SPI_OK_SELECT)
                elog(ERROR, "could not read the versions");
            act_again_as(caller);
            return SPI_processed > 0;
        });
        if (is_ahead)
            add(psprintf("versions of %s are more than a minute ahead of the clock",
                         sql_relation(table.customers).text()),
                psprintf("SELECT * FROM %s WHERE version > now() + interval '1 minute' ORDER BY version; -- who wrote "
                         "them? or was the clock put back?",
                         sql_relation(table.history).text()));
    }

    void on_problem(const Registered &table, const char *message) override
    {
        add(psprintf("versions of %s could not be read: %s", sql_relation(table.customers).text(), message),
            "-- see which triggers, policies and functions its owner has given the history");
    }

    bool has_found() const { return found; }

private:
    void add(const char *finding, const char *hint)
    {
        Datum values[] = {text_datum("clock"), text_datum("warning"), text_datum(finding), text_datum(hint)};
        bool nulls[std::size(values)] = {};
        rows.add(heap_form_tuple(rows.columns, values, nulls));
        found = true;
    }

    const RowSet &rows;
    bool found = false;
};

}  // namespace

}  // namespace crm

CRM_FUNCTION(crm_doctor)
{
    using namespace crm;

    const RowSet rows = begin_row_set(fcinfo);
    const Oid extension_schema = extension_schema_of(fcinfo);
    in_spi([&](MemoryContext) { run(extension_schema, "c.check_name <> 'clock'", rows); });
    ClockCheck clock{rows};
    each_readable_table(extension_schema, clock);
    if (!clock.has_found())
        in_spi([&](MemoryContext) { run(extension_schema, "c.check_name = 'clock'", rows); });
    return static_cast<Datum>(0);
}
