-- A stand-in for pg_tle, of which it has the interface alone: the functions of the schema pgtle that the generated script calls, by
-- the signatures that pg_tle documents. What they are given is kept here; test/plpgsql/tle writes it into files of an ordinary
-- extension that needs no superuser. Who may call them, and what pg_tle checks, is not tested with it.
CREATE SCHEMA pgtle;
GRANT USAGE ON SCHEMA pgtle TO PUBLIC;
CREATE TABLE pgtle.files (name text, from_version text, to_version text, script text);
CREATE TABLE pgtle.controls (name text PRIMARY KEY, default_version text, comment text);
GRANT SELECT, INSERT, UPDATE ON pgtle.files, pgtle.controls TO PUBLIC;

CREATE FUNCTION pgtle.available_extension_versions(
    OUT name name, OUT version text, OUT superuser boolean, OUT trusted boolean, OUT relocatable boolean, OUT schema name,
    OUT requires name[], OUT comment text)
RETURNS SETOF record STABLE LANGUAGE sql AS $$
    SELECT f.name, f.to_version, false, false, false, NULL::name, NULL::name[], c.comment
    FROM pgtle.files f JOIN pgtle.controls c USING (name) WHERE f.from_version IS NULL
$$;

CREATE FUNCTION pgtle.install_extension_version_sql(name text, version text, ext text) RETURNS boolean LANGUAGE sql AS $$
    INSERT INTO pgtle.files VALUES (name, NULL, version, ext);
    SELECT true
$$;

CREATE FUNCTION pgtle.install_extension(name text, version text, description text, ext text, requires text[] DEFAULT NULL,
                                        schema text DEFAULT NULL) RETURNS boolean LANGUAGE sql AS $$
    INSERT INTO pgtle.controls VALUES (name, version, description);
    SELECT pgtle.install_extension_version_sql(name, version, ext)
$$;

CREATE FUNCTION pgtle.install_update_path(name text, fromvers text, tovers text, ext text) RETURNS boolean LANGUAGE sql AS $$
    INSERT INTO pgtle.files VALUES (name, fromvers, tovers, ext);
    SELECT true
$$;

CREATE FUNCTION pgtle.set_default_version(name text, version text) RETURNS boolean LANGUAGE sql AS $$
    UPDATE pgtle.controls c SET default_version = version WHERE c.name = set_default_version.name;
    SELECT true
$$;
