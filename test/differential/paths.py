"""Shows which statements a save runs, by the kind of its tables: none of its own where it goes the direct way."""

import sys
from dataclasses import dataclass

import psycopg

from sides import KINDS as SIDES
from sides import create_side, drop_side

SCHEMA = "crm_paths"
CLERK = "crm_paths_clerk"

# What the executor is asked to do within a save.
EXPLAIN = """
    LOAD 'auto_explain'; LOAD 'crm_concurrency'; SET auto_explain.log_min_duration = 0;
    SET auto_explain.log_nested_statements = on; SET auto_explain.log_level = 'notice';
"""
STANDARD = "SELECT public.crm_create_tables()"
TRIGGER = "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"

DIRECT: set[str] = set()
STATEMENTS = {"look", "lock", "update", "insert"}


@dataclass
class Kind:
    """A kind of tables, and the statements by which they are saved where access_path is auto."""

    name: str
    expected: set[str]
    ddl: list[str]
    role: str = "none"
    customers: str = "customers"
    comments: str = "comments"
    key: str = "1"


def attached(key_type: str, key: str) -> Kind:
    return Kind(f"keys of type {key_type}", DIRECT, [
        f"CREATE TABLE accounts (id {key_type} PRIMARY KEY, status text)",
        "SELECT public.crm_attach('accounts')",
    ], customers="accounts", comments="accounts_comments", key=key)


def others(name: str, expected: set[str], *ddl: str, role: str = "none") -> Kind:
    """The standard tables, with something of others."""
    return Kind(name, expected, [STANDARD, TRIGGER, *ddl], role)


KINDS = [
    others("the standard tables", DIRECT),
    attached("integer", "1"),
    attached("uuid", "00000000-0000-4000-8000-000000000001"),
    attached("text", "acme"),
    others("an AFTER UPDATE trigger", DIRECT,
           "CREATE TRIGGER own AFTER UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION nothing()"),
    others("a BEFORE UPDATE trigger: what it makes of the row is a statement's affair", {"update"},
           "CREATE TRIGGER own BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION nothing()"),
    others("a BEFORE INSERT trigger on comments", DIRECT,
           "CREATE TRIGGER own BEFORE INSERT ON comments FOR EACH ROW EXECUTE FUNCTION nothing()"),
    others("a deferred constraint trigger", DIRECT,
           "CREATE CONSTRAINT TRIGGER own AFTER UPDATE ON customers INITIALLY DEFERRED "
           "FOR EACH ROW EXECUTE FUNCTION nothing()"),
    others("a statement trigger on customers", STATEMENTS,
           "CREATE TRIGGER own AFTER UPDATE ON customers EXECUTE FUNCTION nothing()"),
    others("a statement trigger on customers for what a save does not do", DIRECT,
           "CREATE TRIGGER own AFTER DELETE ON customers EXECUTE FUNCTION nothing()"),
    others("a transition table of comments", STATEMENTS,
           "CREATE TRIGGER own AFTER INSERT ON comments REFERENCING NEW TABLE AS n FOR EACH ROW "
           "EXECUTE FUNCTION nothing()"),
    others("a rule on customers", STATEMENTS, "CREATE RULE own AS ON UPDATE TO customers WHERE false DO ALSO NOTHING"),
    others("a rule on comments", STATEMENTS, "CREATE RULE own AS ON INSERT TO comments WHERE false DO ALSO NOTHING"),
    others("an heir of customers", STATEMENTS, "CREATE TABLE heirs () INHERITS (customers)"),
    others("an heir of comments", STATEMENTS, "CREATE TABLE heirs () INHERITS (comments)"),
    others("a domain among the columns of customers", DIRECT,
           "CREATE DOMAIN own AS text", "ALTER TABLE customers ADD COLUMN own own"),
    others("a domain among the columns of comments, whose default may fail", STATEMENTS,
           "CREATE DOMAIN own AS text", "ALTER TABLE comments ADD COLUMN own own"),
    others("constraints, indexes and a generated column", DIRECT,
           "ALTER TABLE customers ADD UNIQUE (email), ADD CHECK (status <> ''), ADD EXCLUDE (phone WITH =), "
           "ADD COLUMN own text GENERATED ALWAYS AS (upper(name)) STORED",
           "CREATE INDEX ON customers (lower(name)) WHERE phone IS NOT NULL"),
    others("no right but on the columns that a save needs", DIRECT,
           f"REVOKE ALL ON customers, comments FROM {CLERK}",
           f"GRANT SELECT (id, status, updated_at), UPDATE (status) ON customers TO {CLERK}",
           f"GRANT INSERT (customer_id, author, body) ON comments TO {CLERK}", role=CLERK),
    others("row security of customers", STATEMENTS, "ALTER TABLE customers ENABLE ROW LEVEL SECURITY",
           "CREATE POLICY own ON customers USING (true)", role=CLERK),
    others("row security of comments", STATEMENTS, "ALTER TABLE comments ENABLE ROW LEVEL SECURITY",
           "CREATE POLICY own ON comments USING (true)", role=CLERK),
    others("row security that does not apply to the caller", DIRECT, "ALTER TABLE customers ENABLE ROW LEVEL SECURITY"),
]


def statements_of(kind: Kind, text: str) -> set[str]:
    """What an explained statement does with the attached tables."""
    query = text.partition("Query Text: ")[2]
    customers, comments = f"{SCHEMA}.{kind.customers}", f"{SCHEMA}.{kind.comments}"
    found = set()
    if query.startswith(f"UPDATE {customers} "):
        found.add("update")
    if query.startswith(f"INSERT INTO {comments} "):
        found.add("insert")
    if query.startswith("SELECT c.") and f" FROM {customers} c " in query:
        found.add("lock" if "FOR NO KEY UPDATE" in query else "look")
    return found


def save(connection: psycopg.Connection, kind: Kind, access_path: str) -> set[str]:
    """Saves the customer, and returns the statements that did it."""
    found: set[str] = set()

    def handler(notice: psycopg.errors.Diagnostic) -> None:
        found.update(statements_of(kind, notice.message_primary or ""))

    connection.execute(f"SET crm_concurrency.access_path = {access_path}")
    connection.execute(f"SET ROLE {kind.role}")
    seen = connection.execute(f"SELECT updated_at FROM {kind.customers}").fetchone()
    assert seen is not None
    connection.add_notice_handler(handler)
    saved = connection.execute(
        "SELECT outcome FROM public.crm_update_customer_by_key(%s, %s, %s, %s, 'ana')",
        (kind.key, seen[0], f"saved {access_path}", f"by {access_path}"),
    ).fetchone()
    connection.remove_notice_handler(handler)
    connection.execute("RESET ROLE")
    assert saved == ("updated",), saved
    return found


def is_as_expected(dsn: str, kind: Kind) -> bool:
    is_right = True
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in (f"CREATE SCHEMA {SCHEMA}", f"GRANT USAGE ON SCHEMA {SCHEMA} TO {CLERK}",
                          f"SET search_path = {SCHEMA}, public", *kind.ddl):
            connection.execute(statement)
        connection.execute(f"INSERT INTO {kind.customers} (id, status) VALUES (%s, 'new')", (kind.key,))
        if not any("REVOKE" in statement for statement in kind.ddl):
            connection.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA {SCHEMA} TO {CLERK}")
        connection.execute(EXPLAIN)
        for access_path, expected in (("auto", kind.expected), ("spi", STATEMENTS)):
            found = save(connection, kind, access_path)
            if found != expected:
                print(f"# access_path = {access_path}: {sorted(found)}, not {sorted(expected)}")
                is_right = False
        connection.execute("SET client_min_messages = warning")
        connection.execute(f"DROP SCHEMA {SCHEMA} CASCADE")
    return is_right


def main() -> int:
    dsn = sys.argv[1]
    # A database with the extension.
    side = create_side(dsn, "crm_paths", SIDES["auto"])
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"DROP ROLE IF EXISTS {CLERK}")
        connection.execute(f"CREATE ROLE {CLERK}")
    failures = 0
    try:
        for kind in KINDS:
            is_right = is_as_expected(side.dsn, kind)
            failures += not is_right
            print(("ok" if is_right else "not ok") + f" {kind.name}", flush=True)
    finally:
        drop_side(side, dsn)
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(f"DROP ROLE {CLERK}")
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main())
