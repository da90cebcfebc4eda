"""Random changes of the tables and of settings while sessions are at work."""

import random

from quoting import literal, name
from tables import Tables, attach, chance, random_column, random_constraint, random_groups, unusual
from triggers import random_trigger


def change_of_columns(rng: random.Random, tables: Tables) -> str:
    customers = tables.table("customers")
    if not tables.columns or chance(rng, 0.6):
        column = random_column(rng, tables)
        tables.columns.append(column)
        return f"ALTER TABLE {customers} ADD COLUMN {name(column.name)} {column.type} {column.rest}"
    column = rng.choice(tables.columns)
    if chance(rng, 0.7):
        tables.columns.remove(column)
        return f"ALTER TABLE {customers} DROP COLUMN {name(column.name)} CASCADE"
    what = rng.choice(["SET NOT NULL", "DROP NOT NULL", "DROP DEFAULT", "SET STORAGE EXTERNAL", "TYPE text"])
    return f"ALTER TABLE {customers} ALTER COLUMN {name(column.name)} {what}"


def change_of_triggers(rng: random.Random, tables: Tables) -> str:
    if not tables.triggers or chance(rng, 0.6):
        return random_trigger(rng, tables)
    label, of = rng.choice(tables.triggers)
    table = tables.table(of)
    return rng.choice([
        f"DROP TRIGGER {label} ON {table}",
        f"ALTER TABLE {table} DISABLE TRIGGER {label}",
        f"ALTER TABLE {table} ENABLE TRIGGER {label}",
    ])


def change_of_constraints(rng: random.Random, tables: Tables) -> str:
    of = rng.choice(["customers", "customers", "comments", "history"])
    if not tables.constraints or chance(rng, 0.7):
        return random_constraint(rng, tables, of)
    label, of = rng.choice(tables.constraints)
    return rng.choice([f"DROP INDEX {label}", f"ALTER TABLE {tables.table(of)} DROP CONSTRAINT {label} CASCADE"])


def change_of_kind(rng: random.Random, tables: Tables) -> str:
    """From a table that can be written directly to one that cannot, and back."""
    table = rng.choice([tables.table("customers"), tables.table("comments")])
    return rng.choice([
        "DROP TABLE heirs",
        f"DROP RULE also ON {table}",
        f"DROP RULE instead ON {table}",
        *unusual(rng, tables),
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
    ])


def change_of_details(rng: random.Random, tables: Tables) -> str:
    """What else may be changed."""
    customers, comments, clerk = tables.table("customers"), tables.table("comments"), tables.clerk
    table = rng.choice([customers, comments])
    status = rng.choice(tables.statuses[:4])
    return rng.choice([
        f"ANALYZE {table}",
        f"VACUUM {table}",
        f"VACUUM (FULL) {table}",
        f"REINDEX TABLE {table}",
        f"CLUSTER {customers} USING {name(tables.customers + '_pkey')}",
        f"REVOKE ALL ON {table} FROM {clerk}",
        f"GRANT ALL ON {table} TO {clerk}",
        f"REVOKE UPDATE (name) ON {customers} FROM {clerk}",
        f"GRANT SELECT ON {tables.table('history')} TO {clerk}",
        f"ALTER TABLE {table} SET (fillfactor = 50)",
        f"ALTER TABLE {customers} ALTER COLUMN {name(tables.status)} SET DEFAULT {literal(status)}",
        f"ALTER TABLE {comments} ALTER COLUMN author SET DEFAULT 'nobody'",
        f"ALTER TABLE {customers} ALTER COLUMN phone TYPE varchar(9)",
        f'ALTER TABLE {customers} ALTER COLUMN name TYPE text COLLATE "C"',
        f"ALTER TABLE {customers} RENAME COLUMN email TO mail",
        f"ALTER TABLE {customers} RENAME COLUMN mail TO email",
        f"ALTER TABLE {customers} RENAME TO renamed; ALTER TABLE renamed RENAME TO {customers}",
        f"ALTER TABLE {customers} DISABLE TRIGGER crm_history",
        f"ALTER TABLE {customers} ENABLE TRIGGER crm_history",
        f"ALTER TABLE {customers} ENABLE TRIGGER crm_history",
        "ALTER DOMAIN positive ADD CHECK (VALUE < 5) NOT VALID",
        "ALTER TYPE kind ADD VALUE IF NOT EXISTS 'huge'",
        "CREATE OR REPLACE FUNCTION tests_text(t text) RETURNS boolean LANGUAGE sql AS $$SELECT t <> 'Called'$$",
        f"SELECT public.crm_detach({literal(customers)}); {attach(tables)}",
        attach(tables),
        attach(tables, merge_groups=random_groups(rng, tables)),
        attach(tables, merge_groups=[]),
    ])


def random_change(rng: random.Random, tables: Tables) -> str:
    dice = rng.random()
    if dice < 0.3:
        return change_of_columns(rng, tables)
    if dice < 0.5:
        return change_of_triggers(rng, tables)
    if dice < 0.65:
        return change_of_constraints(rng, tables)
    if dice < 0.75:
        return change_of_kind(rng, tables)
    return change_of_details(rng, tables)


def random_setting(rng: random.Random, tables: Tables) -> str:
    """A setting and its value; more often one that others live well with."""
    identities = [
        "crm_concurrency.author_setting = 'app.user'",
        "crm_concurrency.author_setting = 'app.claims->>sub'",
        "app.user = 'ana'",
        "app.claims = '{\"sub\": \"ben\"}'",
    ]
    return rng.choice([
        *(identities if tables.for_edition else []),
        "crm_concurrency.on_conflict = 'raise'",
        "crm_concurrency.on_conflict = 'return'",
        "crm_concurrency.on_conflict = 'return'",
        "crm_concurrency.merge = on",
        "crm_concurrency.merge = off",
        "crm_concurrency.refused_comment_window = 0",
        "crm_concurrency.refused_comment_window = '1h'",
        "crm_concurrency.repeated_comment_window = 0",
        "crm_concurrency.repeated_comment_window = '1h'",
        "crm_concurrency.events = 'notify'",
        "crm_concurrency.events = 'off'",
        "crm_concurrency.events = 'logical'",
        "crm_concurrency.max_comment_length = 30",
        "crm_concurrency.max_comment_length = 1000000",
        "crm_concurrency.author_setting = 'session_user'",
        "crm_concurrency.author_setting = ''",
        "crm_concurrency.author_setting = ''",
        "crm_concurrency.allow_truncate = on",
        "session_replication_role = 'replica'",
        "session_replication_role = 'origin'",
        "session_replication_role = 'origin'",
        "session_replication_role = 'origin'",
        f"role = {tables.clerk}",
        f"role = {tables.clerk}",
        f"role = {tables.owner}",
        "role = none",
        "row_security = off",
        "row_security = on",
        "plan_cache_mode = 'force_generic_plan'",
        "enable_seqscan = off",
        "enable_indexscan = off",
    ])
