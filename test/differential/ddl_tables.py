"""What the injector of DDL chooses from: where DDL runs, which, and in the midst of which calls."""

import re
from dataclasses import dataclass, field

from quoting import literal

OWNER = "crm_ddl_owner"
CLERK = "crm_ddl_clerk"

# Values that are sent; any other long number in an answer or a row is an address or other garbage.
LARGE = 1094795585
FIRST = "2020-01-01 00:00:00+00"

TABLES = ("customers", "comments", "history", "locks")
COLUMNS = {
    "customers": ["id", "status", "updated_at", "name", "n", "t", "kind", "positive", "extra", "amount", "tags"],
    "comments": ["customer_id", "id", "author", "body", "created_at", "reply_to", "based_on", "save_refused",
                 "refused_request", "adopted_version", "expected_ts"],
    "history": ["customer_id", "version", "recorded_at", "previous", "based_on", "operation", "author", "db_user",
                "status_from", "status_to", "fields", "comment_id", "request", "earlier_pruned"],
    "locks": ["customer_id", "lock_id", "author", "locked_at", "expires_at", "db_user"],
}


@dataclass
class World:
    """Attached tables; {customers} and the like stand for what they are called here, and for what they hold."""

    schema: str
    key_type: str
    make: list[str]
    names: dict[str, str]
    values: dict[str, str] = field(default_factory=dict)
    constraints: dict[str, list[str]] = field(default_factory=dict)  # of each table
    indexes: dict[str, list[str]] = field(default_factory=dict)

    def fill(self, sql: str) -> str:
        known = {"schema": self.schema, "key": self.key_type, **self.names, **self.values}
        return re.sub(r"\{(\w+)\}", lambda match: known.get(match[1], match[0]), sql)


def world(schema: str, key_type: str, make: list[str], *tables: str) -> World:
    return World(schema, key_type, make, {of: f"{schema}.{table}" for of, table in zip(TABLES, tables)})


WORLDS = [
    world("ddl_standard", "bigint", ["SELECT public.crm_create_tables()"],
          "customers", "comments", "customer_history", "customer_locks"),
    world("ddl_attached", "text", [
        "CREATE TYPE stage AS ENUM ('new', 'contacted', 'won', 'lost')",
        "CREATE TABLE accounts (id text PRIMARY KEY, name text, phone text, status stage NOT NULL DEFAULT 'new')",
        "SELECT public.crm_attach('accounts')",
    ], "accounts", "accounts_comments", "accounts_history", "accounts_locks"),
]

SAVE = "SELECT * FROM public.crm_update_customer_by_key"
APPLIED = (f"{SAVE}('1', '{FIRST}', 'contacted', 'first words', 'ana', "
           f"fields => '{{\"n\": {LARGE}, \"t\": \"text\", \"kind\": \"small\"}}')")
KEPT = f"{SAVE}('1', '{FIRST}', 'lost', 'kept words', 'ben')"

# What the tables hold before each round. Customer 3 is locked, and 4 is deleted.
CONTENTS = [
    "ALTER TABLE {customers} ADD n bigint, ADD t text, ADD kind kind, ADD positive positive, ADD extra jsonb, "
    "ADD amount numeric(8, 2), ADD tags text[], ADD CHECK (name <> '')",
    "CREATE INDEX customers_t ON {customers} (t)",
    f"INSERT INTO {{customers}} (id, name, updated_at, n, positive) SELECT i::{{key}}, 'name ' || i, '{FIRST}', 5, 1 "
    "FROM generate_series(1, 4) i",
    APPLIED,
    KEPT,
    f"{SAVE}('2', '{FIRST}', NULL, 'of the second', 'ana', fields => '{{\"extra\": {{\"a\": [1, 2]}}}}')",
    "SELECT * FROM public.crm_lock_customer_by_key('3', 'eve', '10 hours')",
    "DELETE FROM {customers} WHERE id = '4'",
]
# What calls refer to.
VALUES = {
    "base": "SELECT updated_at FROM {customers} WHERE id = '1'",
    "base_2": "SELECT updated_at FROM {customers} WHERE id = '2'",
    "comment": "SELECT min(id) FROM {comments} WHERE customer_id = '1'",
    "lock": "SELECT lock_id FROM {locks}",
}

# Calls ------------------------------------------------------------------------------------------------


@dataclass
class Call:
    """A call, and the writes at which code of others can run in it. Its parts have the effects of the whole, one after
    the other: DDL may run between them."""

    name: str
    sql: str
    writes: str
    parts: list[str] = field(default_factory=list)
    by_owner: bool = False  # or by who has all rights to the tables

    def steps(self) -> list[str]:
        return self.parts or [self.sql]


SAVED = "customers UPDATE, comments INSERT, history INSERT"
FIELDS = f"""'{{"n": {LARGE + 1}, "t": "other text", "kind": "large", "positive": 9, "extra": {{"b": null}},
               "amount": 1.25, "tags": ["a", "b"]}}'"""


def batch(*saves: str) -> Call:
    """Many saves in one call, which each are a call of their own in parts."""
    function = "SELECT outcome, status, comment_id, message, detail FROM public.crm_update_customers"
    return Call(f"{len(saves)} saves at once", f"{function}('[{', '.join(saves)}]')", SAVED,
                [f"{function}('[{save}]')" for save in saves])


def imported(*comments: str) -> Call:
    function = "SELECT WHERE 0 > public.crm_import_comments_by_key"
    entries = [f"[12/15/2019, 3:45:2{i} PM] ana: {comment}" for i, comment in enumerate(comments)]
    return Call("import", f"{function}('1', {literal((chr(10) * 2).join(entries))})", "comments INSERT",
                [f"{function}('1', {literal(entry)})" for entry in entries], by_owner=True)


CALLS = [
    Call("updated", f"{SAVE}('1', '{{base}}', 'won', 'words', 'me', fields => {FIELDS})", SAVED),
    Call("updated, status alone", f"{SAVE}('1', '{{base}}', 'won', NULL, 'me')", "customers UPDATE, history INSERT"),
    Call("updated, a number", f"{SAVE}('1', '{{base}}', 'won', 'words', 'me', fields => '{{\"n\": {LARGE + 2}}}')",
         SAVED),
    Call("updated, a text", f"{SAVE}('1', '{{base}}', NULL, 'words', 'me', fields => '{{\"t\": \"a long text\"}}')",
         SAVED),
    Call("updated, an array",
         f"{SAVE}('1', '{{base}}', NULL, 'words', 'me', fields => '{{\"tags\": [\"x\"], \"extra\": 1}}')", SAVED),
    Call("updated, a comment alone", f"{SAVE}('1', '{{base}}', NULL, 'words', 'me')", SAVED),
    Call("updated, a reply", f"{SAVE}('1', '{{base}}', 'won', 'words', 'me', reply_to => {{comment}})", SAVED),
    Call("conflict", f"{SAVE}('1', '{FIRST}', 'lost', 'words', 'me', fields => {FIELDS})", "comments INSERT"),
    Call("conflict, status alone", f"{SAVE}('1', '{FIRST}', 'lost', 'words', 'me')", "comments INSERT"),
    Call("conflict, kept before", KEPT, "comments SELECT"),
    Call("conflict, no comment", f"{SAVE}('1', '{FIRST}', 'lost', NULL, 'me')", "history SELECT"),
    Call("conflict, raised",
         f"SET LOCAL crm_concurrency.on_conflict = raise; {SAVE}('1', '{FIRST}', 'lost', 'words', 'me')",
         "history SELECT"),
    Call("adopted", f"{SAVE}('1', '{{base}}', 'lost', 'kept words', 'ben')",
         "customers UPDATE, comments UPDATE, history INSERT"),
    Call("merged",
         f"{SAVE}('1', '{FIRST}', NULL, 'words', 'me', merge => true, "
         f"fields => '{{\"amount\": 2.5, \"tags\": [\"x\"]}}')",
         SAVED),
    Call("merged, conflict", f"{SAVE}('1', '{FIRST}', 'won', 'words', 'me', merge => true, fields => '{{\"n\": 3}}')",
         "comments INSERT"),
    Call("replayed", APPLIED, "customers SELECT"),
    Call("unchanged", f"{SAVE}('1', '{{base}}', 'contacted', NULL, 'me')", "customers SELECT"),
    Call("locked", f"{SAVE}('3', '{FIRST}', 'won', 'words', 'me')", "comments INSERT"),
    batch('{"key": "1", "expected_ts": "{base}", "status": "won", "comment": "words", "author": "me", '
          '"fields": {"n": 1}}',
          '{"key": "2", "expected_ts": "{base_2}", "status": "won", "comment": "words", "author": "me"}',
          '{"key": "3", "expected_ts": "2020-01-01 00:00+00", "status": "won", "comment": "words", "author": "me"}'),
    Call("comment", "SELECT public.crm_add_comment_by_key('1', 'words', 'me')", "comments INSERT"),
    Call("reply", "SELECT public.crm_add_comment_by_key('1', 'words', 'me', {comment})", "comments INSERT"),
    Call("plain update", "UPDATE {customers} SET status = 'won', n = 6 WHERE id = '1'",
         "customers UPDATE, history INSERT"),
    Call("plain update of all", "UPDATE {customers} SET t = 'all'", "customers UPDATE, history INSERT"),
    Call("plain insert", "INSERT INTO {customers} (id, name, n) VALUES ('9', 'nine', 9)",
         "customers INSERT, history INSERT"),
    Call("plain delete", "DELETE FROM {customers} WHERE id = '2'", "customers DELETE, history INSERT, comments DELETE"),
    Call("plain comment", "INSERT INTO {comments} (customer_id, author, body) VALUES ('1', 'me', 'words') RETURNING *",
         "comments INSERT"),
    Call("comment of a version", "INSERT INTO {comments} (customer_id, author, body, expected_ts) VALUES "
         "('1', 'me', 'words', '{base}') RETURNING *", "comments INSERT, customers UPDATE, history INSERT"),
    Call("comment of an old version", f"INSERT INTO {{comments}} (customer_id, author, body, expected_ts) VALUES "
         f"('1', 'me', 'words', '{FIRST}')", "comments INSERT"),
    Call("lock", "SELECT outcome, author FROM public.crm_lock_customer_by_key('1', 'me')", "locks INSERT"),
    Call("lock, renewed", "SELECT outcome, author FROM public.crm_lock_customer_by_key('3', 'eve', '1 hour', '{lock}')",
         "locks UPDATE"),
    Call("unlock", "SELECT public.crm_unlock_customer_by_key('3', '{lock}')", "locks DELETE"),
    imported("imported", "imported too"),
    Call("erase", "SELECT public.crm_erase_customer_by_key('1')", "customers UPDATE, comments UPDATE, history UPDATE",
         by_owner=True),
    Call("get", "SELECT public.crm_get_customer_by_key('1')", "customers SELECT, comments SELECT"),
    Call("get as it was", f"SELECT public.crm_get_customer_by_key('1', '{FIRST}'::timestamptz + '1 hour')",
         "customers SELECT"),
    Call("timeline", "SELECT kind, operation, author, status_from, status_to, fields, comment_id, body FROM "
         "public.crm_timeline_by_key('1')", "comments SELECT, history SELECT"),
    Call("export", "SELECT public.crm_export_comments_by_key('1')", "comments SELECT"),
]

# Places -----------------------------------------------------------------------------------------------


@dataclass
class Place:
    """Code of others that runs where a call makes this write. {t} is the table."""

    name: str
    write: str
    ddl: str
    for_clerk: bool = False  # it is not there for the owner


def trigger(write: str, timing: str, letter: str = "", level: str = "ROW") -> Place:
    """A trigger that fires as the first (a) or the last (zzz) of its kind."""
    name = f"{letter}_planted" if letter else "planted"
    _, event = write.split()
    return Place(f"{timing} {event} trigger {name} for each {level.lower()}", write,
                 f"CREATE TRIGGER {name} {timing} {event} ON {{t}} FOR EACH {level} EXECUTE FUNCTION planted.fire()")


WRITES = ["customers UPDATE", "customers INSERT", "customers DELETE", "comments INSERT", "comments UPDATE",
          "comments DELETE", "history INSERT", "history UPDATE", "locks INSERT", "locks UPDATE", "locks DELETE"]
# What is evaluated for each row that is inserted, which an update of the row evaluates too, the default excepted.
ROWS = ["customers UPDATE", "comments INSERT", "comments UPDATE", "history INSERT", "locks INSERT"]

PLACES = [
    *(trigger(write, timing, letter) for write in WRITES for timing in ("BEFORE", "AFTER") for letter in ("a", "zzz")),
    *(trigger(write, timing, level="STATEMENT") for write in WRITES for timing in ("BEFORE", "AFTER")),
    *(Place("trigger's WHEN", write, f"CREATE TRIGGER planted {timing} {write.split()[1]} ON {{t}} FOR EACH ROW "
            "WHEN (planted.test(NEW.author)) EXECUTE FUNCTION planted.nothing()")
      for write in ("comments INSERT", "history INSERT", "locks INSERT") for timing in ("BEFORE", "AFTER")),
    *(Place("CHECK", write, "ALTER TABLE {t} ADD CONSTRAINT planted CHECK (planted.test({column}))") for write in ROWS),
    *(Place("index expression", write, "CREATE INDEX planted ON {t} (planted.unchanged({column}))") for write in ROWS),
    *(Place("index predicate", write, "CREATE INDEX planted ON {t} ({column}) WHERE planted.immutable_test({column})")
      for write in ROWS),
    *(Place("generated column", write,
            "ALTER TABLE {t} ADD planted text GENERATED ALWAYS AS (planted.unchanged({column}::text)) STORED")
      for write in ROWS),
    *(Place("default", write, "ALTER TABLE {t} ADD planted text DEFAULT planted.word()")
      for write in ROWS if "INSERT" in write),
    *(Place("domain's CHECK", write, "CREATE DOMAIN {schema}.planted AS text DEFAULT 'd' CHECK (planted.test(VALUE)); "
            "ALTER TABLE {t} ADD planted {schema}.planted") for write in ROWS if "INSERT" in write),
    # NOT VALID, for an ALTER DOMAIN that runs a function's commands on rows fails the next DDL, where that is in a
    # savepoint: "cannot start a subtransaction when there are unprocessed inval messages". It marks the domain as
    # changed after the last of these commands, in a way that the next CommandCounterIncrement() does not see.
    Place("domain's CHECK on a field", "customers UPDATE",
          "ALTER DOMAIN {schema}.positive ADD CHECK (planted.test(VALUE::text)) NOT VALID"),
    *(Place("policy USING", f"{table} SELECT", "ALTER TABLE {t} ENABLE ROW LEVEL SECURITY; "
            "CREATE POLICY planted ON {t} USING (planted.test({column}))", for_clerk=True) for table in TABLES[:3]),
    *(Place("policy WITH CHECK", write, "ALTER TABLE {t} ENABLE ROW LEVEL SECURITY; "
            "CREATE POLICY planted ON {t} USING (true) WITH CHECK (planted.test({column}))", for_clerk=True)
      for write in ("customers UPDATE", "comments INSERT")),
    *(Place("rule", write, f"CREATE RULE planted AS ON {write.split()[1]} TO {{t}} DO ALSO SELECT planted.run()")
      for write in ROWS if write != "locks INSERT"),
]
# A text column of each, for expressions.
TEXT = {"customers": "name", "comments": "body", "history": "author", "locks": "author"}

# Statements -------------------------------------------------------------------------------------------

# For ALTER TABLE … TYPE {type}.
TYPES = [
    "text USING {column}::text", "bigint USING 0", f"bigint USING {LARGE}", "integer USING 1", "smallint USING 1",
    "varchar(3) USING left({column}::text, 3)", "jsonb USING to_jsonb({column})", "{schema}.kind USING 'small'",
    "{schema}.positive USING 1", "boolean USING true", "numeric(4, 1) USING 1.5", "double precision USING 0.5",
    "timestamptz USING '2020-01-01 00:00+00'", "timestamp USING '2020-01-01 00:00'",
    "uuid USING '00000000-0000-4000-8000-000000000000'", "bytea USING 'x'", "text[] USING '{a}'", "name USING 'a'",
    "text COLLATE \"C\" USING {column}::text", "point USING '(1,2)'",
]
# For ADD COLUMN.
NEW = [
    "text", "bigint", "text DEFAULT 'new'", "bigint DEFAULT 7", "jsonb DEFAULT '{}'", "{schema}.kind DEFAULT 'small'",
    "{schema}.positive DEFAULT 1", "boolean DEFAULT true", "timestamptz DEFAULT '2020-01-01 00:00+00'", "uuid",
    "integer NOT NULL DEFAULT 1", "double precision DEFAULT random() * 0",
    "text GENERATED ALWAYS AS ('generated') STORED",
]
OURS = ["crm_key", "zz_crm_version", "crm_history", "crm_history_end", "crm_truncate", "zz_crm_guard", "crm_version",
        "crm_restore"]

# What they are chosen by, and what is to run. {table} is any of the four, {column} one of its columns, {type}, {new}
# and {ours} as above.
STATEMENTS = [
    (30, "ALTER TABLE {table} ALTER {column} DROP DEFAULT, ALTER {column} TYPE {type}"),
    (10, "DROP TRIGGER IF EXISTS crm_key ON {customers}; DROP TRIGGER IF EXISTS crm_version ON {comments}; "
        "ALTER TABLE {table} ALTER {column} DROP DEFAULT, ALTER {column} TYPE {type}"),
    (12, "ALTER TABLE {table} DROP {column} CASCADE; ALTER TABLE {table} ADD {column} {new}"),
    (4, "ALTER TABLE {table} DROP {column}"),
    (3, "ALTER TABLE {table} DROP {column} CASCADE"),
    (4, "ALTER TABLE {table} ADD added {new}"),
    (2, "ALTER TABLE {table} ADD added {new}, ADD more text, ADD still_more text, DROP {column} CASCADE"),
    (3, "ALTER TABLE {table} RENAME {column} TO renamed"),
    (2, "ALTER TABLE {table} RENAME {column} TO renamed; ALTER TABLE {table} ADD {column} {new}"),
    (2, "ALTER TABLE {table} ALTER {column} DROP NOT NULL"),
    (2, "ALTER TABLE {table} ALTER {column} SET NOT NULL"),
    (1, "ALTER TABLE {table} ALTER {column} DROP DEFAULT"),
    (1, "ALTER TABLE {table} ALTER {column} SET DEFAULT NULL"),
    (1, "ALTER TABLE {table} ALTER {column} SET STORAGE EXTERNAL"),
    (2, "ALTER TABLE {table} RENAME TO renamed"),
    (2, "ALTER TABLE {table} SET SCHEMA ddl_elsewhere"),
    (1, "ALTER TABLE {table} RENAME TO renamed; CREATE TABLE {table} (LIKE {schema}.renamed INCLUDING ALL)"),
    (1, "ALTER TABLE {table} RENAME TO renamed; CREATE TABLE {table} (LIKE {schema}.renamed) "
        "PARTITION BY LIST ({column})"),
    (2, "DROP TABLE {table} CASCADE"),
    (1, "DROP TABLE {table}"),
    (2, "TRUNCATE {table} CASCADE"),
    (1, "SET LOCAL crm_concurrency.allow_truncate = on; TRUNCATE {table} CASCADE"),
    (12, "ALTER TABLE {table} ADD CHECK (true), ADD CHECK (true), ADD CHECK (true), ADD CHECK (true)"),
    (2, "ALTER TABLE {table} ADD CHECK ({column} IS NOT NULL) NOT VALID"),
    (1, "ALTER TABLE {table} ADD CHECK (false) NOT VALID"),
    (1, "ALTER TABLE {table} ADD UNIQUE ({column})"),
    (3, "ALTER TABLE {table} DROP CONSTRAINT {constraint} CASCADE"),
    (2, "CREATE INDEX ON {table} ({column})"),
    (2, "CREATE INDEX ON {table} (({column}::text)) WHERE {column} IS NOT NULL"),
    (3, "DROP INDEX {index}"),
    (1, "REINDEX TABLE {table}"),
    (1, "CLUSTER {table} USING {index_name}"),
    (4, "DROP TRIGGER {ours} ON {table}"),
    (2, "ALTER TABLE {table} DISABLE TRIGGER {ours}"),
    (2, "ALTER TABLE {table} DISABLE TRIGGER USER"),
    (1, "ALTER TABLE {table} ENABLE REPLICA TRIGGER {ours}"),
    (1, "ALTER TABLE {table} ENABLE ALWAYS TRIGGER {ours}"),
    (2, "CREATE TRIGGER made BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION planted.nothing()"),
    (2, "CREATE TRIGGER made AFTER INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION planted.nothing()"),
    (2, "CREATE TRIGGER made AFTER INSERT OR UPDATE ON {table} EXECUTE FUNCTION planted.nothing()"),
    (1, "CREATE TRIGGER made BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION planted.suppress()"),
    (1, "CREATE TRIGGER made AFTER INSERT ON {table} REFERENCING NEW TABLE AS n FOR EACH ROW "
        "EXECUTE FUNCTION planted.nothing()"),
    (1, "CREATE CONSTRAINT TRIGGER made AFTER INSERT OR UPDATE ON {table} DEFERRABLE INITIALLY DEFERRED FOR EACH ROW "
        "EXECUTE FUNCTION planted.nothing()"),
    (2, "ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"),
    (2, "ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"),
    (2, "ALTER TABLE {table} ENABLE ROW LEVEL SECURITY; CREATE POLICY made ON {table} USING (true)"),
    (1, "ALTER TABLE {table} DISABLE ROW LEVEL SECURITY"),
    (2, f"ALTER TABLE {{table}} OWNER TO {CLERK}"),
    (2, f"REVOKE ALL ON {{table}} FROM {CLERK}"),
    (1, f"REVOKE UPDATE, INSERT ON {{table}} FROM {OWNER}"),
    (1, f"GRANT SELECT ({{column}}) ON {{table}} TO {CLERK} WITH GRANT OPTION"),
    (2, "CREATE TABLE {schema}.heir () INHERITS ({table})"),
    (2, "CREATE TABLE {schema}.parent (); ALTER TABLE {table} INHERIT {schema}.parent"),
    (1, "CREATE RULE made AS ON INSERT TO {table} DO INSTEAD NOTHING"),
    (1, "CREATE RULE made AS ON UPDATE TO {table} DO ALSO NOTHING"),
    (1, "ALTER TABLE {table} SET UNLOGGED"),
    (1, "ALTER TABLE {table} SET (fillfactor = 50)"),
    (1, "ALTER TABLE {table} REPLICA IDENTITY FULL"),
    (1, "ALTER TABLE {table} CLUSTER ON {index_name}"),
    (1, "COMMENT ON TABLE {table} IS 'words'"),
    (1, "ANALYZE {table}"),
    (3, "DROP TYPE {schema}.kind CASCADE"),
    (1, "DROP TYPE {schema}.stage CASCADE"),
    (1, "DROP DOMAIN {schema}.positive CASCADE"),
    (2, "ALTER TYPE {schema}.kind ADD VALUE 'added'"),
    (2, "ALTER TYPE {schema}.kind RENAME VALUE 'large' TO 'huge'"),
    (1, "ALTER TYPE {schema}.stage RENAME VALUE 'won' TO 'gained'"),
    (1, "ALTER TYPE {schema}.kind RENAME TO sort"),
    (1, "ALTER DOMAIN {schema}.positive ADD CHECK (VALUE < 5) NOT VALID"),
    (1, "ALTER DOMAIN {schema}.positive ADD CHECK (VALUE < 1000)"),
    (1, "ALTER SCHEMA {schema} RENAME TO ddl_renamed"),
    (3, "PERFORM public.crm_detach('{customers}')"),
    (3, "PERFORM public.crm_detach('{customers}'); PERFORM public.crm_attach('{customers}', {companions})"),
    (2, "PERFORM public.crm_detach('{customers}'); PERFORM public.crm_attach('{customers}')"),
    (2, "PERFORM public.crm_attach('{customers}', {companions})"),
    (2, "PERFORM public.crm_attach('{customers}', {companions}, plain_updates => 'refuse')"),
    (1, "PERFORM public.crm_detach('{customers}'); "
        "PERFORM public.crm_attach('{customers}', {companions}, status_column => 't')"),
    (1, "ALTER TABLE {customers} DROP CONSTRAINT {constraint} CASCADE; PERFORM public.crm_detach('{customers}')"),
    (1, "DELETE FROM public.crm_attached_tables"),
    (2, "DROP EXTENSION crm_concurrency CASCADE"),
    (1, "ALTER EXTENSION crm_concurrency UPDATE"),
    (1, "ALTER FUNCTION public.crm_customers_history() RENAME TO other"),
    (1, "DISCARD PLANS"),
]

# Calls within the DDL's trigger, after the DDL, so that the session reads its caches anew in the middle; those that
# write are one more call of others, which no order of two explains.
READS = [
    "",
    "PERFORM public.crm_get_customer_by_key('1')",
    "PERFORM public.crm_get_customer_by_key('2')",
    "PERFORM * FROM public.crm_timeline_by_key('1')",
    "PERFORM public.crm_export_comments_by_key('1')",
]
NESTED = [
    "PERFORM public.crm_update_customer_by_key('2', '{base_2}', 'lost', 'nested', 'me', "
    "fields => '{\"n\": 8, \"t\": \"nested\"}')",
    "PERFORM public.crm_update_customer_by_key('2', '2020-01-01', 'lost', 'nested', 'me', fields => '{\"n\": 8}')",
    "PERFORM public.crm_update_customer_by_key('1', '{base}', 'lost', 'nested', 'me', "
    "fields => '{\"n\": 8, \"t\": \"nested\"}')",
    "PERFORM public.crm_add_comment_by_key('2', 'nested', 'me')",
    "PERFORM public.crm_add_comment_by_key('1', 'nested', 'me')",
    "PERFORM public.crm_lock_customer_by_key('2', 'me')",
    "UPDATE {customers} SET n = 8 WHERE id = '2'",
    "UPDATE {customers} SET n = 8 WHERE id = '1'",
]
