"""A database with what is planted, in which everybody makes every call."""

import itertools
import pathlib
import re
import threading

import psycopg

from calls import ATTACH, CALLERS, CALLS, Planted, Run
from places import FRESH, TABLES, World

HERE = pathlib.Path(__file__).resolve().parent
DATABASE = "crm_hostile_planted"
PREFIX = "crm_hostile_"
OWNERS = ("alice", "mallory", "bob")
ROLES = (*OWNERS, "eve")
FUNCTIONS = (HERE / "functions.sql").read_text(encoding="utf-8")
LOOK_ALIKES = (HERE / "look_alikes.sql").read_text(encoding="utf-8")


def role_of(name):
    return name if name == "postgres" else PREFIX + name


def expanded(sql, schema, **names):
    for name, value in {"schema": schema, "role": role_of(schema), **names}.items():
        sql = sql.replace("{" + name + "}", str(value))
    return sql


def answer(connection, statement):
    """A statement's SQLSTATE and what it returned, or its message."""
    try:
        cursor = connection.execute(statement)
        return " ".join(["00000", *(str(value) for row in cursor for value in row)]) if cursor.description else "00000"
    except psycopg.Error as error:
        if error.sqlstate is None:
            raise
        return f"{error.sqlstate} {error.diag.message_primary}"


class Server:
    def __init__(self, dsn, path):
        self.dsn = dsn
        self.path = path
        self.copying = threading.Lock()

    def connect(self, database, user="postgres", search_path=None):
        """A session: of the superuser that the server's address names, or of one of the ROLES."""
        named = {} if user == "postgres" else {"user": role_of(user)}
        options = {"options": f"-c search_path={search_path.replace(' ', '')}"} if search_path else {}
        connection = psycopg.connect(self.dsn, dbname=database, autocommit=True, **named, **options)
        connection.prepare_threshold = None
        return connection

    def run(self, database, *statements):
        with self.connect(database) as connection:
            for statement in statements:
                connection.execute(statement)

    def remove(self):
        with self.connect("postgres") as connection:
            databases = connection.execute(f"SELECT datname FROM pg_database WHERE datname ~ '^{DATABASE}'").fetchall()
            for database, in databases:
                connection.execute(f'DROP DATABASE "{database}" WITH (FORCE)')
            for role in ROLES:
                connection.execute(f"DROP ROLE IF EXISTS {role_of(role)}")

    def make_model(self):
        """What all databases start from."""
        self.run("postgres", *(f"CREATE ROLE {role_of(role)} LOGIN" for role in ROLES),
                 f"CREATE DATABASE {DATABASE} TEMPLATE template0")
        self.run(DATABASE, "CREATE SCHEMA ext", "CREATE EXTENSION crm_concurrency SCHEMA ext",
                 f"CREATE SCHEMA names AUTHORIZATION {role_of('bob')}",
                 "GRANT USAGE ON SCHEMA ext, names TO PUBLIC", LOOK_ALIKES)

    def new_database(self, name):
        database = f"{DATABASE}_{name}"
        with self.copying:
            self.run("postgres", f'CREATE DATABASE "{database}" TEMPLATE "{DATABASE}"', "LOAD 'crm_concurrency'",
                     f"ALTER DATABASE \"{database}\" SET crm_concurrency.access_path = '{self.path}'")
        return database


# Plainly: ON CONFLICT, as crm_lock_customer() has it, does not go with rules.
LOCK = ("INSERT INTO {schema}.customer_locks (customer_id, lock_id, author, locked_at, expires_at, db_user) VALUES "
        "({n}, pg_catalog.gen_random_uuid(), 'ana', pg_catalog.now(), "
        "pg_catalog.now() OPERATOR(pg_catalog.+) '1 hour', 'ana')")

# The planter reads and writes each table, so that what is planted runs, or the test is for nothing.
CONTROL = (
    "SET search_path = {schema}, ext, pg_catalog",
    "INSERT INTO {schema}.customers (id) VALUES (777), (778)",
    "UPDATE {schema}.customers SET phone = '9' WHERE id OPERATOR(pg_catalog.=) 777",
    "INSERT INTO {schema}.comments (customer_id, author, body) VALUES (777, 'ana', 'Called'), (777, 'ana', 'Again')",
    LOCK.replace("{n}", "777"), LOCK.replace("{n}", "778"),
    "SELECT pg_catalog.to_jsonb(t) FROM {schema}.customers t WHERE id OPERATOR(pg_catalog.=) 777",
    *(f"SELECT pg_catalog.to_jsonb(t) FROM {{schema}}.{table} t WHERE customer_id OPERATOR(pg_catalog.=) 777"
      for table in ("comments", "customer_history", "customer_locks")),
    "DELETE FROM {schema}.customers WHERE id OPERATOR(pg_catalog.>=) 777",
    "INSERT INTO {schema}_fresh_1.customers (id) VALUES (777), (778)",
    "SELECT pg_catalog.to_jsonb(t) FROM {schema}_fresh_1.customers t WHERE id OPERATOR(pg_catalog.=) 777",
    "DELETE FROM {schema}_fresh_1.customers WHERE id OPERATOR(pg_catalog.>=) 777")


class Matrix:
    """The places of a world on the tables of alice and mallory, crossed with all calls by all callers.

    With a sample, a number, each call has one caller, which another number makes another.
    """

    def __init__(self, server, name, world, places, sample=None):
        self.server = server
        self.database = server.new_database(name)
        self.sample = sample
        self.world = world
        self.places = places
        self.fields = "{" + ", ".join(['"phone": "3"', *(place.field for place in places if place.field)]) + "}"
        self.planted = {}       # by what it tells
        self.seen = set()       # the Planted that run at all
        self.runs = []          # (Call, Caller, Run)
        self.answers = {}       # by (Call, Caller, turn)
        self.admin = None       # the connection that makes the tables

    def fill_in(self):
        with self.server.connect(self.database) as self.admin:
            self.admin.execute("SET planted.is_quiet = on")
            for schema in OWNERS:
                self.make_tables(schema)
                self.plant(schema, early=False)
                self.insert_rows(schema)
        if self.places:
            self.control()
        with self.server.connect(self.database, "alice") as alice:
            alice.execute("SET planted.is_quiet = on")
            for number, (call, caller) in enumerate(itertools.product(CALLS, CALLERS), 1):
                if (call, caller) in self.cells():
                    self.call(call, caller, 2 * number, alice)
        return self

    def cells(self):
        """Who makes which calls."""
        if self.sample is None:
            return set(itertools.product(CALLS, CALLERS))
        return {(call, CALLERS[(number + self.sample) % len(CALLERS)]) for number, call in enumerate(CALLS)}

    def as_owner(self, schema, *statements):
        self.admin.execute(f"SET SESSION AUTHORIZATION {role_of(schema)}")
        for statement in statements:
            self.admin.execute(expanded(statement, schema))
        self.admin.execute("RESET SESSION AUTHORIZATION")

    def make_tables(self, schema):
        for name in ("", "_fresh_1", "_fresh_2", "_new_1", "_new_2"):
            self.admin.execute(f"CREATE SCHEMA {schema}{name} AUTHORIZATION {role_of(schema)}")
        # bob's functions have a schema of their own, so that the search_path can have them with alice's tables
        self.as_owner(schema, FUNCTIONS.replace("{schema}", "names") if schema == "bob" else FUNCTIONS)
        self.plant(schema, early=True)
        types = self.world if any(place.early and schema in place.planters for place in self.places) else World("")
        columns = (f"(id {types.key} PRIMARY KEY, name text, phone text, email text, "
                   f"status {types.status} NOT NULL DEFAULT 'new', notes text, updated_at timestamptz(3) NOT NULL)")
        # one of the tables that are not attached yet has no version
        self.as_owner(schema,
                      *(f"CREATE TABLE {schema}{name}.customers {columns}" for name in ("", "_fresh_1", "_fresh_2")),
                      "ALTER TABLE {schema}_fresh_1.customers ALTER updated_at SET DEFAULT '2026-01-05'",
                      "ALTER TABLE {schema}_fresh_2.customers DROP updated_at", ATTACH)
        if schema == "alice":
            self.as_owner(schema, "GRANT USAGE ON SCHEMA alice TO PUBLIC",
                          "GRANT SELECT, INSERT, UPDATE, DELETE ON alice.customers, alice.comments "
                          f"TO {role_of('bob')}",
                          f"GRANT SELECT ON alice.customer_history TO {role_of('bob')}")
        elif schema == "mallory":
            self.as_owner(schema, "GRANT ALL ON SCHEMA mallory TO PUBLIC",
                          "GRANT ALL ON ALL TABLES IN SCHEMA mallory TO PUBLIC")

    def plant(self, schema, early):
        for place in self.places:
            if schema in place.planters and place.early == early:
                for table in place.tables:
                    self.plant_on(schema, table, place)

    def plant_on(self, schema, table, place):
        told = f"p{len(self.planted)}"
        self.planted[told] = Planted(schema, table, place)
        for names in self.relations(schema, table):
            sql = expanded(place.sql, schema, place=told, **names)
            if place.by == "owner":
                self.as_owner(schema, sql)
            else:
                self.admin.execute(sql)

    @staticmethod
    def relations(schema, table):
        """What SQL calls the relations of a place."""
        if table == FRESH:
            return [{"relation": f"{schema}_fresh_{n}.customers", "name": f"fresh_{n}", "key": "id", "more": "",
                     "sign": "#" * (len(TABLES) + n)} for n in (1, 2)]
        return [{"relation": f"{schema}.{table}", "name": table, "key": "id" if table == "customers" else "customer_id",
                 "more": {"comments": ", id", "customer_history": ", version"}.get(table, ""),
                 "sign": "#" * (TABLES.index(table) + 1) if table in TABLES else ""}]

    def insert_rows(self, schema):
        count = 3 if schema == "mallory" else 2 * len(CALLS) * len(CALLERS) + 2
        self.as_owner(
            schema, "SET search_path = pg_catalog",
            "INSERT INTO {schema}.customers (id, updated_at, phone, notes) SELECT n, '2026-01-05 10:00:00+00', '1', "
            "CASE WHEN n % 5 = 0 THEN '[12/15/2024, 3:45:23 PM] ana: Of the past' END "
            f"FROM generate_series(1, {count}) n",
            "UPDATE {schema}.customers SET phone = '2', updated_at = '2026-01-05 10:00:00.5+00'",
            "INSERT INTO {schema}.comments (customer_id, author, body) SELECT id, 'ana', 'Known' "
            "FROM {schema}.customers",
            LOCK.replace("{n}", "1"),
            *(f"INSERT INTO {{schema}}_fresh_{n}.customers (id) VALUES (1), (2)" for n in (1, 2)), "RESET search_path")

    def control(self):
        listener = self.listener(lambda run: self.seen.add(run.planted))
        for schema in OWNERS:
            with self.server.connect(self.database, schema) as planter, self.server.connect(self.database) as admin:
                planter.add_notice_handler(listener)
                admin.add_notice_handler(listener)
                for statement in CONTROL:
                    planter.execute(expanded(statement, schema))
                for planted in self.planted.values():
                    if planted.planter == schema and planted.place.control:
                        for names in self.relations(schema, planted.table):
                            self.control_place(planted, names, planter, admin)

    @staticmethod
    def control_place(planted, names, planter, admin):
        sql = expanded(planted.place.control, planted.planter, **names)
        if planted.place.control_as == "bob":
            bob = role_of("bob")
            admin.execute(f"BEGIN; GRANT USAGE ON SCHEMA {names['relation'].split('.')[0]} TO {bob}; "
                          f"GRANT SELECT ON {names['relation']} TO {bob}; SET LOCAL ROLE {bob}; {sql}; ROLLBACK")
        else:
            (admin if planted.place.control_as else planter).execute(sql)

    def call(self, call, caller, customer, alice):
        """Makes a call twice in a session of its own, the second time with what the first left in its caches."""
        with self.server.connect(self.database, caller.role, expanded(self.world.path, caller.schema)) as connection:
            connection.add_notice_handler(self.listener(lambda run: self.runs.append((call, caller, run))))
            if self.world.session and caller.role == "bob":
                connection.execute(self.world.session)
            names = {"fields": self.fields if caller.schema == "alice" else '{"phone": "3"}'}
            for turn in (1, 2):
                self.answers[call, caller, turn] = [
                    answer(connection, expanded(statement, caller.schema, n=customer + turn - 1, turn=turn, **names))
                    for statement in call.statements]
                if turn == 1 and self.world.between:
                    alice.execute(self.world.between)
        if self.world.after:
            alice.execute(self.world.after)

    def listener(self, heard):
        def listen(diagnostic):
            told = re.fullmatch(r"planted (p\d+)( at commit)? as (\S+) (restricted|free|unknown)",
                                diagnostic.message_primary)
            if told is not None:
                heard(Run(self.planted[told[1]], told[3].removeprefix(PREFIX), told[4] != "free", told[2] is not None))
        return listen

    def unlike(self, peace):
        """The calls that answer otherwise than where nothing is planted, but not as they may in this world."""
        found = set()
        for (call, caller, turn), answers in self.answers.items():
            for got, expected in zip(answers, peace.answers[call, caller, turn]):
                if got != expected:
                    if not (self.world.may_answer and re.match(self.world.may_answer, got)):
                        found.add(f"{call.name}, {call.case}, {caller.name}: {got} instead of {expected}")
                    # what follows depends on it
                    break
        return sorted(found)
