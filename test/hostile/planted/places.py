"""Where code can be planted on attached tables."""

from typing import NamedTuple

TABLES = ("customers", "comments", "customer_history", "customer_locks")
# Tables of customers that are not attached yet: the first attachment finds what is planted.
FRESH = "fresh"
ALL = (*TABLES, FRESH)


class World(NamedTuple):
    """Places that do not stand in each other's way share the tables of a database."""
    name: str
    key: str = "bigint"
    status: str = "text"
    path: str = "{schema}, ext"     # search_path of the callers
    session: str = ""               # what bob's sessions begin with
    between: str = ""               # what alice does between the two turns of a session
    after: str = ""                 # and after them
    may_answer: str = ""            # a pattern: what calls may answer here that answer otherwise where none is planted


WORLDS = {
    # The direct access path serves these tables.
    "tables": World("expressions, constraints and row triggers"),
    "statements": World("what is not for the direct access path"),
    # A security-restricted operation that leaves something for the end of the transaction is PostgreSQL's error.
    "deferred": World("what fires at the end of the transaction", may_answer="42501"),
    "rules": World("rules", may_answer="0A000|09000|42809|55000"),
    "policies": World("row security", may_answer="42501|00000 not_found"),
    "constant policies": World("row security that planning evaluates", may_answer="42501|00000 not_found"),
    "forced": World("row security of the owner", may_answer="42501|00000 not_found"),
    "types": World("types, casts and operator classes"),
    "domains": World("domains of key and status", key="{schema}.key_domain", status="{schema}.status_domain"),
    "enum": World("a status of a type with casts", status="{schema}.status_enum"),
    "names": World("look-alikes in the schema of the tables", path="{schema}, ext, pg_catalog"),
    "own names": World("look-alikes of the caller", path="pg_temp, names, {schema}, ext, pg_catalog",
                       session="SELECT names.temporary()"),
    "events": World("event triggers"),
    "children": World("inheritance", may_answer="21000|42501|42809|55000"),
    # What names a table meets the other one.
    "swapped": World("tables swapped by rename", between="SELECT alice.swap('_real', '_false')",
                     after="SELECT alice.swap('_false', '_real')",
                     may_answer="00000$|00000 (updated|unchanged)|0A000|23502|23514|42501|42809|42P07|55000"),
}


class Place(NamedTuple):
    """Where code is planted, on each of the tables.

    In its SQL {schema} and {role} are the planter's, {relation} is the table, {name} a name for what belongs to it,
    {key} its column of the key; {place} is what the planted code tells.
    """
    kind: str
    world: str
    tables: tuple
    sql: str
    by: str = "owner"        # or superuser: what only they can make, of the planter's functions
    early: bool = False      # whether it stands before the tables do
    planters: tuple = ("alice", "mallory")
    field: str = ""          # what saves write into its column, JSON
    control: str = ""        # what makes it run, where the planter's reading and writing does not
    control_as: str = ""     # and who does that, if not the planter


def trigger(name, when, how, relation="{relation}"):
    kind = "CONSTRAINT TRIGGER" if "DEFERRED" in how else "TRIGGER"
    return (f"CREATE {kind} {name} {when} INSERT OR UPDATE OR DELETE ON {relation} {how} "
            f"EXECUTE FUNCTION {{schema}}.planted_trigger('{{place}}')")


def function(head, result, tell="tell"):
    return (f"CREATE FUNCTION {head} IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN PERFORM {{schema}}.{tell}('{{place}}'); "
            f"RETURN {result}; END $$;")


def operator_class(name, type_name, compare, default=""):
    """An operator class whose functions are the planter's. {sign} tells the operators of the tables apart."""
    made = []
    members = []

    def add(name, result, value):
        made.append(function(f"{name}(a {type_name}, b {type_name}) RETURNS {result}", value, "tell_role") +
                    f"ALTER FUNCTION {name} OWNER TO {{role}};")

    comparison = f"{{schema}}.compare_{name}"
    add(comparison, "int", compare)
    for number, operator in enumerate(("<", "<=", "=", ">=", ">"), start=1):
        underlying = f"{{schema}}.\"{name} {operator}\""
        add(underlying, "boolean", f"{compare} OPERATOR(pg_catalog.{operator}) 0")
        made.append(f"CREATE OPERATOR {{schema}}.{operator}{{sign}} "
                    f"(LEFTARG = {type_name}, RIGHTARG = {type_name}, FUNCTION = {underlying});")
        members.append(f"OPERATOR {number} {{schema}}.{operator}{{sign}}")
    return "".join(made) + (f"CREATE OPERATOR CLASS {{schema}}.class_{name} {default} FOR TYPE {type_name} USING btree "
                            f"AS {', '.join(members)}, FUNCTION 1 {comparison}({type_name}, {type_name});")


def foreign_key(how=""):
    # In a partitioned table a row is looked for by a statement; elsewhere PostgreSQL 19 does without and calls nothing.
    return ("CREATE TABLE {schema}.target_{name} (id bigint PRIMARY KEY) PARTITION BY HASH (id);"
            "CREATE TABLE {schema}.part_{name} PARTITION OF {schema}.target_{name} "
            "FOR VALUES WITH (MODULUS 1, REMAINDER 0);"
            "INSERT INTO {schema}.target_{name} VALUES (1);"
            "CREATE INDEX ON {schema}.target_{name} (id) WHERE {schema}.planted('{place}') > 0;"
            "ALTER TABLE {relation} ADD planted_reference bigint DEFAULT 1 "
            f"REFERENCES {{schema}}.target_{{name}} {how}")


def on_other_table(table):
    """What makes another table run the planter's code, read or written."""
    return (f"ALTER TABLE {table} ADD CHECK ({{schema}}.planted('{{place}}') > 0), "
            f"ADD CHECK ({{schema}}.planted('{{place}}', {{key}}) > 0);"
            f"CREATE INDEX ON {table} ({{key}}) WHERE {{schema}}.planted('{{place}}') > 0;" +
            trigger("planted", "BEFORE", "FOR EACH ROW", table))


PLACES = [
    # On the tables ----------------------------------------------------------------------------------------------------
    Place("index expression", "tables", ALL, "CREATE INDEX ON {relation} ({schema}.planted('{place}', {key}))"),
    Place("index predicate, constant", "tables", ALL,
          "CREATE INDEX ON {relation} ({key}) WHERE {schema}.planted('{place}') > 0"),
    Place("index predicate, of a column", "tables", ALL,
          "CREATE INDEX ON {relation} ({key}) WHERE {schema}.planted('{place}', {key}) > 0"),
    Place("statistics on an expression", "tables", ALL,
          "CREATE STATISTICS {schema}.statistics_{name} ON ({schema}.planted('{place}') + {key}) FROM {relation}"),
    Place("CHECK, constant", "tables", ALL, "ALTER TABLE {relation} ADD CHECK ({schema}.planted('{place}') > 0)"),
    Place("CHECK, of a column", "tables", ALL,
          "ALTER TABLE {relation} ADD CHECK ({schema}.planted('{place}', {key}) > 0)"),
    Place("default", "tables", ALL,
          "ALTER TABLE {relation} ADD planted_default bigint DEFAULT {schema}.planted('{place}')"),
    Place("generated column", "tables", ALL,
          "ALTER TABLE {relation} ADD planted_generated bigint "
          "GENERATED ALWAYS AS ({schema}.planted('{place}', {key})) STORED"),
    Place("row trigger, before", "tables", ALL, trigger("aa_planted", "BEFORE", "FOR EACH ROW")),
    Place("row trigger, after", "tables", ALL, trigger("planted_after", "AFTER", "FOR EACH ROW")),
    Place("trigger condition", "tables", ALL,
          trigger("planted_when", "AFTER", "FOR EACH ROW WHEN ({schema}.planted('{place}') > 0)")),

    Place("statement trigger, before", "statements", ALL, trigger("planted_before", "BEFORE", "FOR EACH STATEMENT")),
    Place("statement trigger, after", "statements", ALL, trigger("planted_after", "AFTER", "FOR EACH STATEMENT")),
    Place("domain, constant", "statements", ALL,
          "CREATE DOMAIN {schema}.constant_{name} AS text CHECK ({schema}.planted('{place}') > 0);"
          "ALTER TABLE {relation} ADD planted_constant {schema}.constant_{name} DEFAULT 'x'",
          field='"planted_constant": "y"'),
    Place("domain, of the value", "statements", ALL,
          "CREATE DOMAIN {schema}.value_{name} AS bigint CHECK ({schema}.planted('{place}', VALUE) > 0);"
          "ALTER TABLE {relation} ADD planted_value {schema}.value_{name} DEFAULT 1", field='"planted_value": 2'),
    Place("foreign key to a planted table", "statements", ALL, foreign_key()),

    Place("constraint trigger, deferred", "deferred", ALL,
          trigger("planted_deferred", "AFTER", "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW")),
    Place("foreign key to a planted table, deferred", "deferred", ALL, foreign_key("DEFERRABLE INITIALLY DEFERRED")),

    Place("rule", "rules", TABLES, "".join(
        f"CREATE RULE planted_{event} AS ON {event} TO {{relation}} DO ALSO "
        "INSERT INTO {schema}.sink SELECT {schema}.planted('{place}');" for event in ("INSERT", "UPDATE", "DELETE"))),

    # Row security -----------------------------------------------------------------------------------------------------
    Place("row security policy", "policies", ALL,
          "ALTER TABLE {relation} ENABLE ROW LEVEL SECURITY;"
          "CREATE POLICY planted ON {relation} USING ({schema}.planted('{place}', {key}) > 0)",
          control="SELECT FROM {relation}", control_as="bob"),
    Place("row security policy, constant", "constant policies", ALL,
          "ALTER TABLE {relation} ENABLE ROW LEVEL SECURITY;"
          "CREATE POLICY planted ON {relation} USING ({schema}.planted('{place}') > 0)",
          control="SELECT FROM {relation}", control_as="bob"),
    Place("row security policy, forced", "forced", ALL,
          "ALTER TABLE {relation} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;"
          "CREATE POLICY planted ON {relation} USING ({schema}.planted('{place}', {key}) > 0)"),

    # Types ------------------------------------------------------------------------------------------------------------
    Place("cast of an enum to json", "types", ALL,
          "CREATE TYPE {schema}.enum_{name} AS ENUM ('red', 'green');" +
          function("{schema}.json_of_enum_{name}({schema}.enum_{name}) RETURNS json", "'\"cast\"'") +
          "CREATE CAST ({schema}.enum_{name} AS json) WITH FUNCTION {schema}.json_of_enum_{name};"
          "ALTER TABLE {relation} ADD planted_enum {schema}.enum_{name} DEFAULT 'red'",
          field='"planted_enum": "green"'),
    Place("cast of an enum to text", "types", ALL,
          "CREATE TYPE {schema}.text_enum_{name} AS ENUM ('red', 'green');" +
          function("{schema}.text_of_enum_{name}({schema}.text_enum_{name}) RETURNS text", "'cast'") +
          "CREATE CAST ({schema}.text_enum_{name} AS text) WITH FUNCTION {schema}.text_of_enum_{name} AS IMPLICIT;"
          "ALTER TABLE {relation} ADD planted_text_enum {schema}.text_enum_{name} DEFAULT 'red'",
          field='"planted_text_enum": "green"', control="SELECT planted_text_enum::text FROM {relation}"),
    Place("cast of a composite type to json", "types", ALL,
          "CREATE TYPE {schema}.composite_{name} AS (a text);" +
          function("{schema}.json_of_composite_{name}({schema}.composite_{name}) RETURNS json", "'{}'") +
          "CREATE CAST ({schema}.composite_{name} AS json) WITH FUNCTION {schema}.json_of_composite_{name};"
          "ALTER TABLE {relation} ADD planted_composite {schema}.composite_{name} DEFAULT '(x)'",
          field='"planted_composite": "(y)"', control="SELECT planted_composite::json FROM {relation}"),
    Place("domain in a composite type", "types", ALL,
          "CREATE DOMAIN {schema}.part_{name} AS text CHECK ({schema}.planted('{place}') > 0);"
          "CREATE TYPE {schema}.whole_{name} AS (a {schema}.part_{name});"
          "ALTER TABLE {relation} ADD planted_whole {schema}.whole_{name} DEFAULT '(x)'",
          field='"planted_whole": "(y)"', control="SELECT '(x)'::{schema}.whole_{name}"),
    Place("operator class of an index", "types", ALL,
          operator_class("{name}", "bigint", "pg_catalog.btint8cmp(a, b)") +
          "CREATE UNIQUE INDEX ON {relation} ({key} {schema}.class_{name} {more})", by="superuser"),
    Place("default operator class of a type", "types", ALL,
          "CREATE TYPE {schema}.compared_{name} AS ENUM ('red', 'green');" +
          operator_class("compared_{name}", "{schema}.compared_{name}", "pg_catalog.enum_cmp(a, b)", "DEFAULT") +
          "ALTER TABLE {relation} ADD planted_compared {schema}.compared_{name} DEFAULT 'red';"
          "CREATE INDEX ON {relation} (planted_compared)", by="superuser", field='"planted_compared": "green"'),
    Place("range type with functions", "types", ALL,
          operator_class("range_{name}", "int", "pg_catalog.btint4cmp(a, b)") +
          function("{schema}.difference_{name}(a int, b int) RETURNS double precision",
                   "a OPERATOR(pg_catalog.-) b", "tell_role") +
          "CREATE TYPE {schema}.range_{name} AS RANGE (subtype = int, subtype_opclass = {schema}.class_range_{name}, "
          "subtype_diff = {schema}.difference_{name}); ALTER FUNCTION {schema}.difference_{name} OWNER TO {role};"
          "ALTER TABLE {relation} ADD planted_range {schema}.range_{name} DEFAULT '[1,3)';"
          "CREATE INDEX ON {relation} USING gist (planted_range)", by="superuser",
          field='"planted_range": "[3,5)"', control="SELECT '[1,3)'::{schema}.range_{name}"),

    Place("domain of the key", "domains", ("customers",), early=True,
          sql="CREATE DOMAIN {schema}.key_domain AS bigint CHECK ({schema}.planted('{place}', VALUE) > 0)"),
    Place("domain of the status", "domains", ("customers",), early=True,
          sql="CREATE DOMAIN {schema}.status_domain AS text CHECK ({schema}.planted('{place}') > 0)"),
    Place("cast of the status to json", "enum", ("customers",), early=True,
          sql="CREATE TYPE {schema}.status_enum AS ENUM ('new', 'called', 'won', 'lost');" +
          function("{schema}.json_of_status({schema}.status_enum) RETURNS json", "'\"cast\"'") +
          "CREATE CAST ({schema}.status_enum AS json) WITH FUNCTION {schema}.json_of_status"),
    Place("cast of the status to text and back", "enum", ("customers",), early=True,
          sql=function("{schema}.text_of_status({schema}.status_enum) RETURNS text", "'new'") +
          "CREATE CAST ({schema}.status_enum AS text) WITH FUNCTION {schema}.text_of_status AS IMPLICIT;" +
          function("{schema}.status_of_text(text) RETURNS {schema}.status_enum", "'new'") +
          "CREATE CAST (text AS {schema}.status_enum) WITH FUNCTION {schema}.status_of_text AS ASSIGNMENT",
          control="SELECT status::text FROM {relation}"),
    Place("operator class of the status", "enum", ("customers",), early=True, by="superuser",
          sql=operator_class("status", "{schema}.status_enum", "pg_catalog.enum_cmp(a, b)", "DEFAULT"),
          control="SELECT FROM {relation} ORDER BY status"),

    # Names ------------------------------------------------------------------------------------------------------------
    Place("look-alike", "names", ("schema",), "SELECT look_alikes('{schema}', '{place}')", planters=("alice",),
          control="SET search_path = {schema}, pg_catalog; SELECT 1 = 2"),
    Place("look-alike of the caller", "own names", ("schema",), "SELECT look_alikes('names', '{place}')",
          planters=("bob",), control="SET search_path = names, pg_catalog; SELECT 1 = 2"),

    # Elsewhere --------------------------------------------------------------------------------------------------------
    Place("event trigger", "events", ("database",), by="superuser",
          sql="CREATE FUNCTION {schema}.planted_event() RETURNS event_trigger LANGUAGE plpgsql AS "
          "$$ BEGIN PERFORM {schema}.tell('{place}'); END $$; ALTER FUNCTION {schema}.planted_event OWNER TO {role};" +
          "".join(f"CREATE EVENT TRIGGER {{schema}}_{event} ON {event} EXECUTE FUNCTION {{schema}}.planted_event();"
                  for event in ("ddl_command_start", "ddl_command_end", "sql_drop", "table_rewrite")),
          control="CREATE TABLE public.control_{schema} ()", control_as="postgres"),
    Place("inheriting table", "children", TABLES,
          "CREATE TABLE {schema}.{name}_child () INHERITS ({relation});" + on_other_table("{schema}.{name}_child")),
    Place("table in the place of another", "swapped", TABLES,
          "CREATE TABLE {schema}.{name}_false (LIKE {relation} INCLUDING ALL); "
          "GRANT ALL ON {schema}.{name}_false TO PUBLIC;" +
          on_other_table("{schema}.{name}_false"), planters=("alice",),
          control="SELECT FROM {schema}.{name}_false WHERE {key} = 1"),
]
