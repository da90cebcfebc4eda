-- Makes look-alikes of every function and operator of pg_catalog and of the extension that can be imitated, and a function that
-- makes some of relations and types in pg_temp.
CREATE FUNCTION public.look_alikes(schema name, place text) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $look$
DECLARE
    look record;
    body constant text := format('BEGIN PERFORM %I.tell(%L); RETURN NULL; END', schema, place);
    body_of_set constant text := format('BEGIN PERFORM %I.tell(%L); RETURN; END', schema, place);
BEGIN
    FOR look IN
        SELECT p.oid, p.proname, p.proretset OR r.typname = 'void' AS returns_nothing, oidvectortypes(p.proargtypes) AS arguments,
               CASE WHEN p.proretset THEN 'SETOF ' ELSE '' END || p.prorettype::regtype AS result
        FROM pg_proc p JOIN pg_type r ON r.oid = p.prorettype
        WHERE p.pronamespace IN ('pg_catalog'::regnamespace, 'ext'::regnamespace) AND p.prokind = 'f'
          AND (r.typtype <> 'p' OR r.typname IN ('record', 'void') OR r.typname LIKE 'any_%')
          AND NOT EXISTS (SELECT FROM unnest(p.proargtypes) a JOIN pg_type t ON t.oid = a
                          WHERE t.typtype = 'p' AND t.typname NOT LIKE 'any_%')
    LOOP
        EXECUTE format('CREATE FUNCTION %I.%I(%s) RETURNS %s LANGUAGE plpgsql AS %L', schema, look.proname, look.arguments,
                       look.result, CASE WHEN look.returns_nothing THEN body_of_set ELSE body END);
    END LOOP;
    FOR look IN
        SELECT o.oid, o.oprname, nullif(o.oprleft, 0)::regtype AS l, o.oprright::regtype AS r, o.oprresult::regtype AS result
        FROM pg_operator o WHERE o.oprnamespace = 'pg_catalog'::regnamespace
    LOOP
        EXECUTE format('CREATE FUNCTION %I.operator_%s(%s) RETURNS %s LANGUAGE plpgsql AS %L', schema, look.oid,
                       concat_ws(',', look.l, look.r), look.result, body);
        EXECUTE format('CREATE OPERATOR %I.%s (%s RIGHTARG = %s, FUNCTION = %1$I.operator_%5$s)', schema, look.oprname,
                       'LEFTARG = ' || look.l || ',', look.r, look.oid);
    END LOOP;
    EXECUTE format($$CREATE FUNCTION %I.temporary() RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
        DECLARE
            called name;
        BEGIN
            FOREACH called IN ARRAY '{crm_attached_tables,crm_locks,customers,comments,customer_history,customer_locks,pg_class,
                pg_attribute,pg_index,pg_trigger,pg_proc,pg_roles,pg_namespace,pg_constraint,pg_policy,pg_type}'::name[] LOOP
                EXECUTE format('CREATE TEMP VIEW %%I AS SELECT %1$I.planted(%%L)', called, %2$L);
            END LOOP;
            FOREACH called IN ARRAY '{text,int8,int4,timestamptz,jsonb,uuid,bool,name,interval,regclass}'::name[] LOOP
                EXECUTE format('CREATE DOMAIN pg_temp.%%I AS pg_catalog.%%1$I CHECK (%1$I.planted(%%L) > 0)', called, %2$L);
            END LOOP;
        END $body$ $$, schema, place);
END $look$;
