"""What a tenant does to others by what she breaks, and what makes her superuser."""

from calls import Caller
from matrix import Matrix, answer, expanded
from places import TABLES, World

# What mallory does to her tables, which everybody may read.
BREAKAGES = (
    ("a trigger of customers is dropped", "DROP TRIGGER zz_crm_version ON mallory.customers"),
    ("a trigger of customers is disabled", "ALTER TABLE mallory.customers DISABLE TRIGGER crm_history"),
    ("the trigger that tells the columns is dropped", "DROP TRIGGER crm_key ON mallory.customers"),
    ("the trigger that tells the columns is another",
     "DROP TRIGGER crm_key ON mallory.customers; "
     "CREATE TRIGGER crm_key BEFORE UPDATE ON mallory.customers FOR EACH ROW "
     "EXECUTE FUNCTION mallory.planted_trigger('p0')"),
    ("a trigger of comments is dropped", "DROP TRIGGER zz_crm_guard ON mallory.comments"),
    ("customers are dropped", "DROP TABLE mallory.customers CASCADE"),
    ("comments are dropped", "DROP TABLE mallory.comments"),
    ("the history is dropped", "DROP TABLE mallory.customer_history"),
    ("the locks are dropped", "DROP TABLE mallory.customer_locks"),
    ("a view has the name of the locks", "ALTER TABLE mallory.customer_locks RENAME TO gone; "
     "CREATE VIEW mallory.customer_locks AS SELECT mallory.planted('p0') AS customer_id"),
    ("a column of the history is renamed", "ALTER TABLE mallory.customer_history RENAME version TO renamed"),
    ("a column of the locks is renamed", "ALTER TABLE mallory.customer_locks RENAME expires_at TO renamed"),
    ("a column of the locks has another type", "ALTER TABLE mallory.customer_locks ALTER expires_at TYPE text"),
    ("a column of the locks is dropped", "ALTER TABLE mallory.customer_locks DROP author"),
    ("a column of the comments is renamed", "ALTER TABLE mallory.comments RENAME body TO renamed"),
    ("the status is dropped", "ALTER TABLE mallory.customers DROP status CASCADE"),
    ("the version is renamed", "ALTER TABLE mallory.customers RENAME updated_at TO renamed"),
    ("the key is no primary key any more", "ALTER TABLE mallory.customers DROP CONSTRAINT customers_pkey CASCADE"),
    ("a policy of the locks fails",
     "ALTER TABLE mallory.customer_locks ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; "
     "CREATE POLICY fails ON mallory.customer_locks USING (1 / (SELECT count(*) - count(*) FROM mallory.sink) > 0)"),
    ("a policy of the customers fails", "ALTER TABLE mallory.customers ENABLE ROW LEVEL SECURITY; "
     "CREATE POLICY fails ON mallory.customers USING (1 / (SELECT count(*) - count(*) FROM mallory.sink) > 0)"),
    ("planning fails", "CREATE FUNCTION mallory.fails() RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN "
     "IF current_setting('planted.is_quiet', true) = 'on' THEN RETURN 1; END IF; RAISE 'planning fails'; END $$; " +
     "".join(f"CREATE INDEX ON mallory.{table} ({'id' if table == 'customers' else 'customer_id'}) "
             "WHERE mallory.fails() > 0;"
             for table in TABLES)),
)
NEIGHBOURS = (Caller("bob", "bob", "bob"), Caller("alice", "alice", "alice"), Caller("a superuser", "postgres", "bob"))
CALLS = (
    ("crm_locks", "SELECT count(*) FROM ext.crm_locks WHERE customers = '{schema}.customers'::regclass", "00000 1"),
    ("crm_doctor", "SELECT count(*) > 0 FROM ext.crm_doctor()", "00000 True"),
    ("crm_verify", "SELECT count(*) FROM ext.crm_verify()", "00000 0"),
    ("crm_get_customer", "SELECT ext.crm_get_customer(2) ->> 'comments_total'", "00000 1"),
    ("crm_update_customer",
     "SELECT outcome FROM ext.crm_update_customer(3, '2026-01-05 10:00:00.5+00', 'won', 'Signed', 'ana')",
     "00000 updated"),
    ("crm_lock_customer", "SELECT outcome FROM ext.crm_lock_customer(2, 'ana')", "00000 acquired"),
)


def meet_broken_tables(server):
    """What goes wrong for mallory's neighbours, by breakage and call, in sessions that knew her tables before and in
    new ones."""
    matrix = Matrix(server, "neighbours", World("neighbours"), [])
    wrong = {(breakage, call): [] for breakage, _ in BREAKAGES for call, _, _ in CALLS}

    def sessions():
        return [(caller, server.connect(matrix.database, caller.role, f"{caller.schema}, ext"))
                for caller in NEIGHBOURS]

    with server.connect(matrix.database) as matrix.admin:
        matrix.admin.execute("SET planted.is_quiet = on")
        for schema in ("alice", "bob"):
            matrix.make_tables(schema)
            matrix.insert_rows(schema)
        for breakage, sql in BREAKAGES:
            matrix.make_tables("mallory")
            matrix.insert_rows("mallory")
            known = sessions()
            for _, connection in known:
                connection.execute("SELECT FROM ext.crm_locks")
            matrix.as_owner("mallory", sql)
            for caller, connection in known + sessions():
                for name, statement, expected in CALLS:
                    # undone, so that the next one finds the same
                    connection.execute("BEGIN")
                    got = answer(connection, expanded(statement, caller.schema))
                    connection.execute("ROLLBACK")
                    if got != expected:
                        wrong[breakage, name].append(f"{caller.name}: {got}")
                connection.close()
            matrix.admin.execute(
                "DROP SCHEMA mallory, mallory_fresh_1, mallory_fresh_2, mallory_new_1, mallory_new_2 CASCADE")
    return wrong


WORK = """
CREATE FUNCTION eve.work() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN
        ALTER ROLE crm_hostile_eve SUPERUSER;
    END IF;
END $$;
CREATE FUNCTION eve.evil(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN PERFORM eve.work(); RETURN $1; END $$;
"""


def become_superuser(server):
    """The calls of a superuser that make eve one, who owns attached tables with indexes."""
    database = server.new_database("superuser")
    found = []
    with server.connect(database) as admin, server.connect(database, "eve") as eve:
        admin.execute("CREATE SCHEMA eve AUTHORIZATION crm_hostile_eve")
        eve.execute("SELECT ext.crm_create_tables('eve')")
        eve.execute(WORK)
        for table in TABLES:
            eve.execute(f"CREATE INDEX ON eve.{table} ({'id' if table == 'customers' else 'customer_id'}) "
                        "WHERE eve.evil(1) > 0")
        for statement in ("SELECT * FROM ext.crm_locks", "SELECT * FROM ext.crm_doctor()",
                          "SELECT * FROM ext.crm_verify()", "SELECT ext.crm_get_customer(1)",
                          "SELECT ext.crm_prune_history('0')", "SELECT ext.crm_attach('eve.customers')"):
            with server.connect(database, search_path="eve, ext") as connection:
                connection.execute(statement)
            if admin.execute("SELECT rolsuper FROM pg_roles WHERE rolname = 'crm_hostile_eve'").fetchone()[0]:
                found.append(statement)
                admin.execute("ALTER ROLE crm_hostile_eve NOSUPERUSER")
    return found
