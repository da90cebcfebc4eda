"""Random tables of a CRM: what an application may have made of them."""

import json
import random
from dataclasses import dataclass, field
from typing import Any

from edition import VARIABLES, is_common
from quoting import literal, name

KEYS = {
    "bigint": ["1", "2", "3", "4", "5"],
    "integer": ["1", "2", "3", "4", "5"],
    "smallint": ["1", "2", "3", "4", "5"],
    "uuid": [f"00000000-0000-4000-8000-00000000000{i}" for i in range(1, 6)],
    "text": ["acme", "o'neil", "Ünï", "a b", "zeta"],
    "varchar(40)": ["acme", "o'neil", "Ünï", "a b", "zeta"],
    "number": ["1", "2", "3", "4", "5"],  # a domain
    "word": ["acme", "o'neil", "Ünï", "a b", "zeta"],  # a domain
}
OWN_TYPES = ("positive", "kind", "stage", "mood", "number", "word")
WORD_KEYS = ("uuid", "text", "varchar(40)", "word")
STATUSES = {
    "text": ["new", "contacted", "won", "lost", "a longer status"],
    "varchar(10)": ["new", "contacted", "won", "lost", "a longer status"],
    "stage": ["new", "contacted", "won", "lost", "no such stage"],  # an enum
    "mood": ["new", "contacted", "won", "lost", "bad mood"],  # a domain
    "integer": ["0", "1", "2", "3", "many"],
    "public.citext": ["new", "contacted", "won", "lost", "WON"],
}
# Of the tables that an attached table gets under its own name.
STANDARD_NAMES = {"deletions": "customer_deletions", "comment_edits": "comment_edits",
                  "refused_saves": "customer_refused_saves"}

LONG = "".join(f"{i * 7919 % 1000003:x}," for i in range(6000))


@dataclass
class Column:
    """An extra column with values that fit and values that do not."""

    name: str
    type: str
    good: list[Any]
    bad: list[Any]
    rest: str = ""
    is_written: bool = True  # no generated column


COLUMNS = [
    Column("score", "integer", [1, 2, 3, 0, -5], ["x", 99999999999, 1.5]),
    Column("amount", "numeric(8, 2)", [1.25, "3.999", 0], [1e9, "x"]),
    Column("nick", "varchar(5)", ["a", "abc", "Ünï"], ["too long a value"]),
    Column("code", "char(3)", ["ab", "abc"], ["abcd"]),
    Column("active", "boolean", [True, False], ["maybe"]),
    Column("due", "date", ["2020-02-29", "infinity"], ["2021-02-29"]),
    Column("seen_at", "timestamptz", ["2020-01-01 00:00+00", "-infinity"], ["x"]),
    Column("extra", "jsonb", [{"a": 1}, [1, 2], "text", {"b": None}], []),
    Column("raw", "json", [{"b": 1}, 7], []),
    Column("tags", "text[]", ["{a,b}", "{}"], ["{", 5]),
    Column("blob", "bytea", ["\\x00ff", ""], ["\\x0"]),
    Column("slot", "int4range", ["[1,5)", "[3,8)", "[10,11)", "empty"], ["[5,1)"]),
    Column("weight", "double precision", [0.1, "NaN", 1e300], ["x"]),
    Column("positive", "positive", [1, 7], [-1, 0]),
    Column("kind", "kind", ["small", "large"], ["huge"]),
    Column("long", "text", [LONG, LONG[1000:], "short"], []),
    Column("owner_id", "integer", [1, 2], [99], "REFERENCES staff"),
    Column("place", "point", ["(1,2)"], ["x"]),
]


@dataclass
class Tables:
    """What the tables of one round are, as the generator of calls knows them."""

    schema: str
    clerk: str
    owner: str
    key_type: str = "bigint"
    status_type: str = "text"
    customers: str = "customers"
    comments: str = "comments"
    history: str = "customer_history"
    locks: str = "customer_locks"
    key: str = "id"
    status: str = "status"
    version: str = "updated_at"
    columns: list[Column] = field(default_factory=list)
    ddl: list[str] = field(default_factory=list)
    triggers: list[tuple[str, str]] = field(default_factory=list)  # name and table
    constraints: list[tuple[str, str]] = field(default_factory=list)  # the same, indexes too
    serial: int = 0  # numbers what is made
    locks_differ: bool = False  # see random_constraint()
    breaks_chain: bool = False  # others may suppress or change the history
    for_edition: bool = False  # limited to what the PL/pgSQL edition has: see edition.py

    @property
    def keys(self) -> list[str]:
        return KEYS[self.key_type]

    @property
    def statuses(self) -> list[str]:
        return STATUSES[self.status_type]

    @property
    def functions(self) -> str:
        """The schema of the functions; those of the edition are where its tables are."""
        return "" if self.for_edition else "public."

    @property
    def save_function(self) -> tuple[str, str]:
        """A function that saves customers of these tables, and as what type it takes their keys."""
        return ("crm_update_customer", "bigint") if self.for_edition else ("public.crm_update_customer_by_key", "text")

    def table(self, of: str) -> str:
        """The quoted name of customers, or of one of the tables that belong to them."""
        if of in STANDARD_NAMES:
            return name(STANDARD_NAMES[of] if self.customers == "customers" else f"{self.customers}_{of}")
        return name(getattr(self, of))

    def next_name(self, prefix: str) -> str:
        self.serial += 1
        return f"{prefix}_{self.serial}"


def quote_type(tables: Tables, type_name: str) -> str:
    return f"{tables.schema}.{type_name}" if type_name in OWN_TYPES else type_name


def chance(rng: random.Random, share: float) -> bool:
    return rng.random() < share


def beginnings(tables: Tables) -> list[str]:
    """What all rounds have."""
    schema = tables.schema
    return [
        f"CREATE SCHEMA {schema} AUTHORIZATION {tables.owner}",
        f"GRANT USAGE ON SCHEMA {schema} TO {tables.clerk}",
        f"SET search_path = {schema}, public",
        f"SET ROLE {tables.owner}",
        "CREATE DOMAIN positive AS integer CHECK (VALUE > 0)",
        "CREATE DOMAIN number AS bigint CHECK (VALUE > 0)",
        "CREATE DOMAIN word AS text CHECK (VALUE <> '')",
        "CREATE DOMAIN mood AS text CHECK (VALUE <> 'bad mood')",
        "CREATE TYPE kind AS ENUM ('small', 'large')",
        "CREATE TYPE stage AS ENUM ('new', 'contacted', 'won', 'lost')",
        "CREATE TABLE staff (id integer PRIMARY KEY)",
        "INSERT INTO staff VALUES (1), (2)",
        "CREATE TABLE people (name text PRIMARY KEY)",
        "INSERT INTO people VALUES ('ana'), ('ben'), ('eve'), ('trigger'), ('o''neil')",
        "CREATE TABLE log (n serial, entry text)",
        f"GRANT INSERT ON log TO {tables.clerk}",
        f"GRANT USAGE ON SEQUENCE log_n_seq TO {tables.clerk}",
    ]


def attach(tables: Tables, plain_updates: str = "allow", merge_groups: list[list[str]] | None = None) -> str:
    """Attaches the table, or makes what is missing."""
    groups = "" if merge_groups is None else f", merge_groups => {literal(json.dumps(merge_groups))}"
    return (f"SELECT public.crm_attach({literal(tables.table('customers'))}, "
            f"status_column => {literal(tables.status)}, version_column => {literal(tables.version)}, "
            f"plain_updates => {literal(plain_updates)}{groups})")


def random_groups(rng: random.Random, tables: Tables) -> list[list[str]]:
    """Columns that are to merge as one field."""
    columns = ["name", "phone", "email", tables.status]
    columns += [column.name for column in tables.columns if column.is_written]
    rng.shuffle(columns)
    return [columns[:2], columns[2:4]] if chance(rng, 0.5) else [columns[:3]]


def attached(rng: random.Random, tables: Tables) -> list[str]:
    """A table that was there before the extension."""
    tables.customers, tables.comments = "Accounts", "Accounts_comments"
    tables.history, tables.locks = "Accounts_history", "Accounts_locks"
    names = [("id", "stage", "row_version"), ("key", "Status", "updated_at")]
    tables.key, tables.status, tables.version = rng.choice(names)
    tables.key_type = rng.choice(list(KEYS))
    tables.status_type = rng.choice(list(STATUSES))
    has_version = chance(rng, 0.5)
    columns = [
        f"{name(tables.key)} {quote_type(tables, tables.key_type)} PRIMARY KEY",
        "name text",
        f"{name(tables.status)} {quote_type(tables, tables.status_type)}"
        + rng.choice(["", " NOT NULL", f" NOT NULL DEFAULT {literal(tables.statuses[0])}"]),
        "phone text",
        "email text",
    ]
    if has_version:
        columns.append(
            f"{name(tables.version)} timestamptz{rng.choice(['', '(3)', '(6)'])} NOT NULL DEFAULT '2020-01-01'")
    rng.shuffle(columns)
    rows = rng.choice([0, 3])
    inserts = [
        f"INSERT INTO {tables.table('customers')} ({name(tables.key)}, name, {name(tables.status)}) "
        f"VALUES ({literal(key)}, {literal(f'before {key}')}, {literal(tables.statuses[0])})"
        for key in tables.keys[:rows]
    ]
    fill = rng.choice(["", " WITH (fillfactor = 20)", " WITH (fillfactor = 100)"])
    return [
        f"CREATE TABLE {tables.table('customers')} ({', '.join(columns)}){fill}",
        *inserts,
        attach(tables, rng.choice(["allow", "refuse"])),
    ]


def random_column(rng: random.Random, tables: Tables) -> Column:
    """A column that the table has not had yet."""
    taken = {column.name for column in tables.columns}
    columns = [column for column in COLUMNS if not tables.for_edition or is_common(column.type)]
    pattern = rng.choice([column for column in columns if column.name not in taken] or columns)
    column = Column(pattern.name, quote_type(tables, pattern.type), pattern.good, pattern.bad, pattern.rest)
    if column.name in taken:
        column.name = tables.next_name(column.name)
    if not column.rest:
        default = f"DEFAULT {literal(column.good[0])}"
        column.rest = rng.choice(["", "", default, f"NOT NULL {default}"])
    return column


def made_columns() -> list[Column]:
    """Columns whose values the server makes."""
    return [
        Column("name_length", "integer", [], [1], "GENERATED ALWAYS AS (length(name)) STORED", False),
        Column("contact", "text", [], ["x"], "GENERATED ALWAYS AS (coalesce(phone, email) || '!') STORED", False),
        Column("checked", "integer", [], [1], "GENERATED ALWAYS AS (100 / nullif(length(phone), 3)) STORED", False),
        Column("number_by_default", "bigint", [77], ["x"], "GENERATED BY DEFAULT AS IDENTITY"),
        Column("number_always", "integer", [], [77], "GENERATED ALWAYS AS IDENTITY", False),
        Column("number_serial", "serial", [77], ["x"]),
        Column("made_at", "timestamptz", ["2020-01-01 00:00+00"], ["x"], "DEFAULT clock_timestamp()"),
        Column("made_by", "text", ["x"], [], "DEFAULT current_user"),
        Column("token", "uuid", ["00000000-0000-4000-8000-000000000099"], ["x"], "DEFAULT gen_random_uuid()"),
    ]


def customers_columns(rng: random.Random, tables: Tables) -> list[str]:
    ddl = []
    alter = f"ALTER TABLE {tables.table('customers')}"
    for _ in range(rng.randrange(5)):
        column = random_column(rng, tables)
        tables.columns.append(column)
        ddl.append(f"{alter} ADD COLUMN {name(column.name)} {column.type} {column.rest}")
    for column in rng.sample(made_columns(), rng.choice([0, 0, 1, 2])):
        tables.columns.append(column)
        ddl.append(f"{alter} ADD COLUMN {name(column.name)} {column.type} {column.rest}")
    if tables.for_edition:
        for label in rng.sample(VARIABLES, rng.choice([0, 2, 4])):
            tables.columns.append(Column(label, "integer", [1, 2], ["x"]))
            ddl.append(f"{alter} ADD COLUMN {label} integer")
    if chance(rng, 0.3):
        place = rng.randrange(len(ddl) + 1)
        ddl.insert(place, f"{alter} ADD COLUMN gone text DEFAULT 'gone'")
        ddl.append(f"{alter} DROP COLUMN gone")
    return ddl


def random_constraint(rng: random.Random, tables: Tables, of: str) -> str:
    """A constraint or index, as a statement."""
    statement = any_constraint(rng, tables, of)
    tables.constraints.append((f"own_{tables.serial}", of))
    # Comments whose foreign key is gone stay where their customer goes.
    tables.breaks_chain |= "DROP CONSTRAINT" in statement
    # An UPDATE that names a column of a unique index locks out those who refer to the row even where the value stays,
    # when a BEFORE trigger fires; the direct path, which may leave out our own, only where the value changes.
    tables.locks_differ |= f"UNIQUE ({name(tables.key)}, {name(tables.status)})" in statement
    return statement


def any_constraint(rng: random.Random, tables: Tables, of: str) -> str:
    table, label = tables.table(of), tables.next_name("own")
    alter = f"ALTER TABLE {table} ADD CONSTRAINT {label}"
    if of == "comments":
        to_customers = name(f"{tables.comments}_customer_id_fkey")
        return rng.choice([
            f"ALTER TABLE {table} ALTER CONSTRAINT {to_customers} DEFERRABLE INITIALLY DEFERRED",
            f"ALTER TABLE {table} ALTER CONSTRAINT {to_customers} DEFERRABLE INITIALLY IMMEDIATE",
            f"ALTER TABLE {table} DROP CONSTRAINT {to_customers}",
            f"{alter} FOREIGN KEY (customer_id) REFERENCES {tables.table('customers')} DEFERRABLE INITIALLY DEFERRED",
            f"{alter} FOREIGN KEY (author) REFERENCES people",
            f"{alter} FOREIGN KEY (author) REFERENCES people DEFERRABLE INITIALLY DEFERRED",
            f"{alter} CHECK (length(body) < 60)",
            f"{alter} CHECK (author <> 'eve')",
            f"{alter} CHECK (tests_text(body)) NOT VALID",
            f"{alter} CHECK (tableoid <> 0)",
            f"{alter} CHECK ({table} IS DISTINCT FROM NULL AND to_jsonb({table}) ->> 'body' <> 'forbidden')",
            f"{alter} UNIQUE (customer_id, author, body)",
            f"{alter} UNIQUE (body) DEFERRABLE INITIALLY DEFERRED",
            f"CREATE INDEX {label} ON {table} (lower(body))",
            f"CREATE INDEX {label} ON {table} (customer_id, author) WHERE reply_to IS NOT NULL",
            f"CREATE INDEX {label} ON {table} USING hash (author)",
            f"CREATE UNIQUE INDEX {label} ON {table} (customer_id, md5(body)) WHERE author = 'ana'",
        ])
    if of == "history":
        return rng.choice([
            f"{alter} CHECK (author <> 'eve')",
            f"{alter} CHECK (tableoid <> 0 AND to_jsonb({table}) ->> 'author' <> 'eve') NOT VALID",
            f"{alter} CHECK (tests_text(operation)) NOT VALID",
            f"{alter} CHECK (status_to <> 'lost' OR author IS NOT NULL) NOT VALID",
            f"CREATE INDEX {label} ON {table} (recorded_at)",
            f"CREATE INDEX {label} ON {table} USING gin (fields)",
            f"CREATE UNIQUE INDEX {label} ON {table} (request)",
        ])
    key, status, version = (name(text) for text in (tables.key, tables.status, tables.version))
    key_type, status_type = quote_type(tables, tables.key_type), quote_type(tables, tables.status_type)
    on_delete = rng.choice(["CASCADE", "SET NULL", "NO ACTION", "RESTRICT"])
    on_update = rng.choice(["CASCADE", "NO ACTION"])
    refer = f"INSERT INTO {label} SELECT {key} FROM {table} WHERE {key} = {literal(tables.keys[0])}"
    lost = literal(tables.statuses[3])
    choices = [
        f"{alter} CHECK ({status} <> {lost}) NOT VALID",
        f"{alter} CHECK ({status} <> {lost} OR phone IS NOT NULL) NOT VALID",
        f"{alter} CHECK (tests_text(name)) NOT VALID",
        f"{alter} CHECK (tableoid <> 0)",
        f"{alter} CHECK ({table} IS DISTINCT FROM NULL AND to_jsonb({table}) ->> 'name' <> 'forbidden') NOT VALID",
        f"{alter} CHECK (length(name) < 40)",
        f"{alter} UNIQUE (email)",
        f"{alter} UNIQUE (email) DEFERRABLE INITIALLY DEFERRED",
        f"{alter} UNIQUE (phone, name) DEFERRABLE",
        f"{alter} UNIQUE ({key}, {status})",
        f"{alter} EXCLUDE USING btree (phone WITH =)",
        f"{alter} EXCLUDE USING hash (name WITH =) WHERE ({status} = {lost}) DEFERRABLE INITIALLY DEFERRED",
        f"CREATE UNIQUE INDEX {label} ON {table} (lower(email))",
        f"CREATE UNIQUE INDEX {label} ON {table} (phone) WHERE {status} = {lost}",
        f"CREATE UNIQUE INDEX {label} ON {table} (phone) INCLUDE ({status})",
        f"CREATE INDEX {label} ON {table} ({status})",
        f"CREATE INDEX {label} ON {table} ({version})",
        f"CREATE INDEX {label} ON {table} (lower(name)) WHERE phone IS NOT NULL",
        f"CREATE INDEX {label} ON {table} (key_of_text(name))",
        f"CREATE INDEX {label} ON {table} USING hash (phone)",
        f"CREATE INDEX {label} ON {table} USING brin ({status})",
        f"CREATE STATISTICS {label} ON name, phone FROM {table}",
        f"CREATE TABLE {label} (customer {key_type} REFERENCES {table} ON DELETE {on_delete}); {refer}",
        f"CREATE TABLE {label} (customer {key_type} REFERENCES {table} DEFERRABLE INITIALLY DEFERRED); {refer}",
        f"{alter} UNIQUE ({key}, {status}); CREATE TABLE of_{label} (customer {key_type}, status {status_type}, "
        f"FOREIGN KEY (customer, status) REFERENCES {table} ({key}, {status}) "
        f"ON UPDATE {on_update} ON DELETE CASCADE); "
        f"INSERT INTO of_{label} SELECT {key}, {status} FROM {table} WHERE {key} = {literal(tables.keys[0])}",
    ]
    if any(column.name == "slot" for column in tables.columns):
        choices += [f"{alter} EXCLUDE USING gist (slot WITH &&)",
                    f"{alter} EXCLUDE USING gist (slot WITH &&) DEFERRABLE INITIALLY DEFERRED"]
    if any(column.name == "extra" for column in tables.columns):
        choices += [f"CREATE INDEX {label} ON {table} USING gin (extra)"]
    return rng.choice(choices)


def comments_columns(rng: random.Random, tables: Tables) -> list[str]:
    columns = {
        "comments": [
            "channel text DEFAULT 'web'", "n serial", "made_at timestamptz DEFAULT clock_timestamp()",
            "size integer GENERATED ALWAYS AS (length(body)) STORED", "mark text NOT NULL DEFAULT tests_default()",
            "broken integer DEFAULT 1 / nullif(length(current_user), 8)", "rated positive DEFAULT 3",
            "always bigint GENERATED ALWAYS AS IDENTITY", "words tsvector",
            "fixed text COLLATE \"C\" DEFAULT 'x' CHECK (fixed <> '')", "owner name DEFAULT session_user",
        ],
        "history": [
            "channel text DEFAULT 'web'", "n serial", "made_at timestamptz DEFAULT clock_timestamp()",
            "change text GENERATED ALWAYS AS (status_from || '-' || status_to) STORED", "rated positive DEFAULT 3",
            "words tsvector",
        ],
    }
    if tables.for_edition:
        for definitions in columns.values():
            definitions += [f"{label} integer" for label in VARIABLES if label != "words"]
    ddl = []
    for of, definitions in columns.items():
        for definition in rng.sample(definitions, rng.choice([0, 0, 0, 1, 2])):
            ddl.append(f"ALTER TABLE {tables.table(of)} ADD COLUMN {definition}")
            if definition.startswith("words "):
                when = rng.choice(["", "WHEN (NEW.author <> 'ben') ", "WHEN (NEW IS DISTINCT FROM NULL) "])
                texts = {"comments": "author, body", "history": "author, status_to"}[of]
                ddl.append(f"CREATE TRIGGER m_words BEFORE INSERT OR UPDATE ON {tables.table(of)} FOR EACH ROW {when}"
                           f"EXECUTE FUNCTION tsvector_update_trigger(words, 'pg_catalog.english', {texts})")
            if definition.startswith("n "):
                sequence = f"pg_get_serial_sequence({literal(tables.table(of))}, 'n')"
                ddl.append(
                    f"DO $$BEGIN EXECUTE 'GRANT USAGE ON SEQUENCE ' || {sequence} || ' TO {tables.clerk}'; END$$")
    return ddl


def random_rights(rng: random.Random, tables: Tables) -> list[str]:
    """What the role that owns nothing may do."""
    clerk, customers, comments = tables.clerk, tables.table("customers"), tables.table("comments")
    key, status, version = (name(text) for text in (tables.key, tables.status, tables.version))
    if chance(rng, 0.4):
        rights = [f"GRANT SELECT, INSERT, UPDATE, DELETE ON {customers}, {comments} TO {clerk}"]
    else:
        written = ", ".join(name(column.name) for column in tables.columns if chance(rng, 0.5)) or "name"
        rights = [
            f"GRANT SELECT ({key}, {status}, {version}) ON {customers} TO {clerk}",
            f"GRANT UPDATE ({status}, name) ON {customers} TO {clerk}",
            f"GRANT SELECT (name, {written}), UPDATE ({written}) ON {customers} TO {clerk}",
            f"GRANT INSERT (customer_id, author, body) ON {comments} TO {clerk}",
            f"GRANT INSERT (reply_to, expected_ts), SELECT (id) ON {comments} TO {clerk}",
            f"GRANT SELECT ON {comments} TO {clerk}",
        ]
        rights = [right for right in rights if chance(rng, 0.85)]
        if chance(rng, 0.6):
            rights.append(f"GRANT INSERT, DELETE ON {customers} TO {clerk}")
    for of in ("history", "deletions", "comment_edits", "refused_saves"):
        if chance(rng, 0.5):
            rights.append(f"GRANT SELECT ON {tables.table(of)} TO {clerk}")
    if chance(rng, 0.2):
        rights.append(f"GRANT UPDATE (body) ON {comments} TO {clerk}")
    if chance(rng, 0.3):
        rights.append(f"GRANT UPDATE (ended_by) ON {tables.table('locks')} TO {clerk}")
    if chance(rng, 0.15):
        customers_policy = [
            f"ALTER TABLE {customers} ENABLE ROW LEVEL SECURITY",
            f"CREATE POLICY own ON {customers} TO {clerk} USING (name IS DISTINCT FROM 'hidden') "
            f"WITH CHECK (name IS DISTINCT FROM 'forbidden')",
        ]
        if chance(rng, 0.5):
            deletions = tables.table("deletions")
            customers_policy += [
                f"ALTER TABLE {deletions} ENABLE ROW LEVEL SECURITY",
                f"CREATE POLICY own ON {deletions} TO {clerk} USING (row_values ->> 'name' IS DISTINCT FROM 'hidden')",
            ]
        comments_policy = [
            f"ALTER TABLE {comments} ENABLE ROW LEVEL SECURITY",
            f"CREATE POLICY own ON {comments} TO {clerk} USING (author <> 'eve') WITH CHECK (body <> 'forbidden')",
        ]
        rights += rng.choice([customers_policy, comments_policy, customers_policy + comments_policy])
        if chance(rng, 0.3):
            rights.append(f"ALTER TABLE {rng.choice([customers, comments])} FORCE ROW LEVEL SECURITY")
    return rights


def functions() -> list[str]:
    """Functions that constraints and defaults call."""
    return [
        """CREATE FUNCTION tests_text(t text) RETURNS boolean LANGUAGE plpgsql AS $$
        BEGIN RAISE NOTICE 'tests %', t; RETURN t <> 'untested'; END $$""",
        "CREATE FUNCTION key_of_text(t text) RETURNS integer IMMUTABLE LANGUAGE sql AS $$SELECT length(t)$$",
        """CREATE FUNCTION tests_default() RETURNS text LANGUAGE plpgsql AS $$
        BEGIN RAISE NOTICE 'default'; RETURN 'made'; END $$""",
    ]


def unusual(rng: random.Random, tables: Tables) -> list[str]:
    """What makes a table one that only statements can write."""
    customers, comments, history = tables.table("customers"), tables.table("comments"), tables.table("history")
    return rng.choice([
        [f"CREATE TABLE heirs () INHERITS ({customers})"],
        [f"CREATE TABLE heirs () INHERITS ({history})"],
        [f"CREATE RULE also AS ON INSERT TO {history} "
         "DO ALSO INSERT INTO log (entry) VALUES ('rule: ' || NEW.operation)"],
        [f"ALTER TABLE {history} ENABLE ROW LEVEL SECURITY"],
        [f"ALTER TABLE {history} ENABLE ROW LEVEL SECURITY", f"ALTER TABLE {history} FORCE ROW LEVEL SECURITY"],
        [f"CREATE TABLE heirs () INHERITS ({comments})"],
        [f"CREATE RULE also AS ON UPDATE TO {customers} DO ALSO INSERT INTO log (entry) VALUES ('rule: ' || NEW.name)"],
        [f"CREATE RULE also AS ON INSERT TO {comments} "
         "DO ALSO INSERT INTO log (entry) VALUES ('rule: ' || NEW.author)"],
        [f"CREATE RULE instead AS ON UPDATE TO {customers} WHERE NEW.name = 'suppress' DO INSTEAD NOTHING"],
        [f"CREATE RULE instead AS ON INSERT TO {comments} WHERE NEW.body = 'suppress' DO INSTEAD NOTHING"],
    ])


def random_tables(rng: random.Random, schema: str, owner: str, clerk: str, for_edition: bool) -> Tables:
    """Tables, and in ddl the statements that make them."""
    tables = Tables(schema, clerk, owner, for_edition=for_edition)
    tables.ddl = beginnings(tables)
    tables.ddl += functions()
    if not for_edition and chance(rng, 0.5):
        tables.ddl += attached(rng, tables)
    else:
        tables.ddl.append("SELECT public.crm_create_tables()")
    tables.ddl += customers_columns(rng, tables)
    if chance(rng, 0.35):
        tables.ddl.append(attach(tables, rng.choice(["allow", "refuse"]), random_groups(rng, tables)))
    tables.ddl += comments_columns(rng, tables)
    present = {literal(key) for key in tables.keys}
    for key in sorted(present):
        tables.ddl.append(
            f"INSERT INTO {tables.table('customers')} ({name(tables.key)}, name, {name(tables.status)}) VALUES "
            f"({key}, 'n' || {key}, {literal(tables.statuses[0])}) ON CONFLICT ({name(tables.key)}) DO NOTHING"
        )
    for of in ("customers", "comments", "history"):
        for _ in range(rng.choice([0, 0, 1, 2]) if of != "history" else rng.choice([0, 0, 0, 1])):
            tables.ddl.append(random_constraint(rng, tables, of))
    tables.ddl += random_rights(rng, tables)
    if chance(rng, 0.12):
        tables.ddl += unusual(rng, tables)
    if for_edition:
        tables.ddl = [statement for statement in tables.ddl if is_common(statement)]
    return tables
