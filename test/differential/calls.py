"""Random calls and statements, by several sessions, and how they are woven together."""

import json
import random
from dataclasses import dataclass, field
from typing import Any

from quoting import literal, name
from tables import WORD_KEYS, Tables, attach, chance, random_column, random_constraint, unusual
from triggers import random_trigger

ADMIN = -1  # the session of who owns the tables: never in a transaction

AUTHORS = ["ana", "ana", "ben", "ben", "Zoë", "eve", "o'neil"]
NAMES = ["Acme", "Acme", "widget", "suppress", "raise", "rekey", "restage", "delete", "still", "hidden", "forbidden", "untested", "n'", ""]
BODIES = ["Called", "Called", "They want a quote", "Signed\ttoday", "suppress", "raise", "move", "blank", "delete", "forbidden",
          "untested", "Ünïcode ☎", "x" * 70, "back\\slash", "  spaced  "]
LONG_BODY = "long " * 3000


@dataclass
class Step:
    """One statement of one session. @ref 7@ in it stands for what a side got as number 7."""

    session: int
    sql: str
    key: str | None = None  # the customer that it is about
    kind: str = "statement"  # or cancel: of what the session is waiting with
    gives: str = ""  # a column of the answer that becomes a reference
    needs_clock: bool = False  # to be sent when the clock has passed all versions
    is_unordered: bool = False  # what happened in one millisecond has no order


@dataclass
class SessionState:
    """What the generator knows of a session."""

    in_transaction: bool = False
    has_failed: bool = False
    is_blocked: bool = False
    is_alone: bool = False  # SERIALIZABLE: others wait
    must_end: bool = False  # see lost_after_waiting
    has_timeout: bool = False
    has_savepoint: bool = False
    refs: list[int] = field(default_factory=list)  # made in this transaction


@dataclass
class World:
    """What all sides have in common."""

    sessions: list[SessionState]
    versions: dict[str, list[int]] = field(default_factory=dict)  # references by key
    locks: dict[str, list[int]] = field(default_factory=dict)
    comments: dict[str, list[int]] = field(default_factory=dict)
    next_ref: int = 1

    def forget(self, refs: list[int]) -> None:
        """What was rolled back may be used anew, on one side and not on the other."""
        for known in (self.versions, self.locks):
            for key in known:
                known[key] = [ref for ref in known[key] if ref not in refs]


class Calls:
    """Makes one step after another."""

    def __init__(self, rng: random.Random, tables: Tables, world: World) -> None:
        self.rng = rng
        self.tables = tables
        self.world = world
        self.hot = rng.choice(tables.keys)  # most steps are about this customer
        self.serial = 0
        self.sent: list[tuple[str, str]] = []  # saves, by key, to be repeated

    # Pieces of statements -------------------------------------------------------------------------

    def key(self) -> str:
        return self.hot if chance(self.rng, 0.6) else self.rng.choice(self.tables.keys)

    def key_text(self, key: str) -> str:
        """A key as argument, seldom a wrong one."""
        if chance(self.rng, 0.02):
            return self.rng.choice(["NULL", "'no such'", "99", "''"])
        return literal(key)

    def function(self, label: str) -> str:
        suffix = "_by_key" if self.tables.key_type in WORD_KEYS or chance(self.rng, 0.15) else ""
        return f"public.{label}{suffix}"

    def current(self, key: str) -> str:
        version, of = name(self.tables.version), name(self.tables.key)
        return f"(SELECT {version} FROM {self.tables.table('customers')} WHERE {of} = {literal(key)})"

    def base(self, key: str) -> str:
        """A version that the caller may have seen, or not."""
        rng, refs = self.rng, self.world.versions.get(key, [])
        dice = rng.random()
        if dice < 0.5 or not refs:
            return self.current(key)
        if dice < 0.75:
            return f"'@ref {refs[-1]}@'"
        if dice < 0.92:
            return f"'@ref {rng.choice(refs)}@'"
        ref = rng.choice(refs)
        return rng.choice([
            "NULL", "'no time'", "'infinity'", "'-infinity'", "'2001-01-01 00:00+00'", "'9999-12-31 23:59:59+00'",
            f"'@cut {ref}@'", f"'@ref {ref}@'::timestamptz - interval '1 hour'", f"'@ref {ref}@'::timestamptz + interval '5 hours'",
            f"'@ref {ref}@'::timestamptz + interval '9 days 1 second'",
        ])

    def status(self) -> str:
        dice = self.rng.random()
        if dice < 0.3:
            return "NULL"
        if dice < 0.95:
            return literal(self.rng.choice(self.tables.statuses[:4]))
        return literal(self.rng.choice([self.tables.statuses[4], "", " ", "x" * 300]))

    def body(self) -> str | None:
        dice = self.rng.random()
        if dice < 0.35:
            return None
        if dice < 0.4:
            return self.rng.choice(["", "   ", LONG_BODY])
        return self.rng.choice(BODIES)

    def author(self) -> str | None:
        return self.rng.choice(["", None, " "]) if chance(self.rng, 0.02) else self.rng.choice(AUTHORS)

    def reply_to(self, key: str) -> str:
        of = key if chance(self.rng, 0.8) else self.key()
        known = self.world.comments.get(of, [])
        if not known or chance(self.rng, 0.1):
            return "4711"
        return str(self.rng.choice(known))

    def value(self) -> tuple[str, Any]:
        """A column and a value for it, mostly one that fits."""
        rng, columns = self.rng, self.tables.columns
        if columns and chance(rng, 0.6):
            column = rng.choice(columns)
            values = column.bad if column.bad and (chance(rng, 0.08) or not column.good) else column.good
            return column.name, None if chance(rng, 0.1) or not values else rng.choice(values)
        if chance(rng, 0.03):
            return rng.choice(["nothing", self.tables.key, self.tables.status, self.tables.version]), rng.choice(["x", 1])
        column = rng.choice(["name", "name", "phone", "email"])
        if column == "name":
            return column, rng.choice(NAMES)
        return column, rng.choice([None, "555-0100", "555-0199", "a@example.org", "A@example.org"])

    def values(self) -> dict[str, Any]:
        return dict(self.value() for _ in range(self.rng.choice([1, 1, 2, 3])))

    def fields(self) -> str:
        if chance(self.rng, 0.03):
            return self.rng.choice(["'[]'", "'{}'", "'1'", "'no json'"])
        return literal(json.dumps(self.values()))

    def save(self, key: str) -> str:
        """A call of crm_update_customer."""
        rng, body, author = self.rng, self.body(), self.author()
        arguments = [self.key_text(key), "{base}", self.status(), literal(body), literal(author)]
        if chance(rng, 0.2):
            arguments.append(f"merge => {rng.choice(['true', 'true', 'false'])}")
        if chance(rng, 0.15) and (body or chance(rng, 0.1)):
            arguments.append(f"reply_to => {self.reply_to(key)}")
        if chance(rng, 0.4):
            arguments.append(f"fields => {self.fields()}")
        call = f"{self.function('crm_update_customer')}({', '.join(arguments)})"
        base = self.base(key)
        self.sent.append((key, call.replace("{base}", base)))
        # As who is refused will send it next.
        self.sent.append((key, call.replace("{base}", self.current(key))))
        return call.replace("{base}", base)

    # Statements -----------------------------------------------------------------------------------

    def one_save(self, session: int) -> Step:
        if self.sent and chance(self.rng, 0.12):
            key, call = self.rng.choice(self.sent[-8:])
        else:
            key = self.key()
            call = self.save(key)
        dice = self.rng.random()
        sql = f"SELECT * FROM {call}"
        if dice < 0.03:
            sql = f"SELECT ({call}).*"
        elif dice < 0.06:
            sql = (f"WITH s AS MATERIALIZED (SELECT * FROM {call}) SELECT s.*, (SELECT c.name FROM "
                   f"{self.tables.table('customers')} c WHERE c.{name(self.tables.key)} = {literal(key)}) FROM s")
        elif dice < 0.09:
            sql = (f"DO $do$ BEGIN PERFORM {call}; RAISE EXCEPTION 'undone'; "
                   "EXCEPTION WHEN OTHERS THEN RAISE NOTICE '% %', SQLSTATE, SQLERRM; END $do$")
        elif dice < 0.11:
            sql = f"DO $do$ BEGIN BEGIN PERFORM {call}; EXCEPTION WHEN OTHERS THEN RAISE NOTICE '%', SQLERRM; END; PERFORM {call}; END $do$"
        elif dice < 0.13:
            self.serial += 1
            sql = f"DECLARE cursor_{self.serial} CURSOR FOR SELECT * FROM {call}; FETCH ALL cursor_{self.serial}"
        elif dice < 0.15:
            sql = f"SELECT * FROM (SELECT * FROM {call} OFFSET 0) a, {call} b"
        return Step(session, sql, key, gives="updated_at")

    def lateral_saves(self, session: int) -> Step:
        """Many saves in one statement."""
        key, version = name(self.tables.key), name(self.tables.version)
        return Step(session, f"SELECT c.k AS key, s.* FROM (SELECT {key}::text AS k, {version} AS v FROM "
                             f"{self.tables.table('customers')} ORDER BY {key}) c, public.crm_update_customer_by_key(c.k, c.v, "
                             f"{self.status()}, {literal(self.body())}, {literal(self.author())}) s")

    def batch(self, session: int) -> Step:
        saves = []
        keys = [self.key() for _ in range(self.rng.choice([1, 2, 3]))]
        for key in keys:
            refs = self.world.versions.get(key, [])
            base: Any = f"@ref {self.rng.choice(refs[-2:])}@" if refs else "2001-01-01T00:00:00Z"
            save = {"key": key, "expected_ts": base, "author": self.author(), "status": self.rng.choice(self.tables.statuses[:4]),
                    "comment": self.body(), "fields": self.values() if chance(self.rng, 0.4) else None,
                    "merge": chance(self.rng, 0.3)}
            saves.append({field: value for field, value in save.items() if value is not None})
        if chance(self.rng, 0.05):
            saves.append({"what": "ever"})
        order = ", ".join(f"({i}, {literal(key)})" for i, key in enumerate(keys, 1))
        return Step(session, f"SELECT k.key, s.* FROM public.crm_update_customers({literal(json.dumps(saves))}) s "
                             f"LEFT JOIN (VALUES {order}) k(ord, key) USING (ord)")

    def add_comment(self, session: int) -> Step:
        key = self.key()
        reply = f", {self.reply_to(key)}" if chance(self.rng, 0.2) else ""
        body = self.body() or self.rng.choice(["hello", "hello", None])
        return Step(session, f"SELECT {self.function('crm_add_comment')}({self.key_text(key)}, {literal(body)}, "
                             f"{literal(self.author())}{reply}) AS comment_id", key)

    def edit_lock(self, session: int) -> Step:
        key, known = self.key(), self.world.locks.get(self.hot, [])
        if known and chance(self.rng, 0.5):
            return Step(session, f"SELECT {self.function('crm_unlock_customer')}({literal(self.hot)}, "
                                 f"'@ref {self.rng.choice(known)}@') AS unlocked", self.hot)
        if chance(self.rng, 0.15):
            return Step(ADMIN, f"UPDATE {self.tables.table('locks')} SET expires_at = now() - interval '1 second'")
        renewed = f", lock_id => '@ref {self.rng.choice(known)}@'" if known and chance(self.rng, 0.3) else ""
        target = self.hot if renewed else key
        return Step(session, f"SELECT * FROM {self.function('crm_lock_customer')}({literal(target)}, {literal(self.author())}"
                             f"{renewed})", target, gives="lock_id")

    def read(self, session: int) -> Step:
        key = self.key()
        refs = self.world.versions.get(key, [])
        if chance(self.rng, 0.2):
            return Step(session, f"SELECT * FROM {self.function('crm_timeline')}({literal(key)})", key, is_unordered=True)
        calls = [
            f"SELECT {self.function('crm_get_customer')}({literal(key)}) AS customer",
            f"SELECT {self.function('crm_export_comments')}({literal(key)}) AS text",
            "SELECT * FROM public.crm_locks",
            f"SELECT * FROM {self.tables.table('customers')} WHERE {name(self.tables.key)} = {literal(key)}",
            f"SELECT * FROM {self.tables.table('comments')} WHERE customer_id = {literal(key)} ORDER BY id",
            "SELECT pg_current_xact_id_if_assigned() IS NOT NULL AS writes",
            "SELECT check_name, status, finding, hint FROM public.crm_doctor()",
        ]
        if refs:
            calls.append(f"SELECT {self.function('crm_get_customer')}({literal(key)}, '@ref {self.rng.choice(refs)}@')"
                         " -> 'customer' AS customer")
        return Step(session, self.rng.choice(calls), key)

    def plain_update(self, session: int) -> Step:
        key, version = self.key(), name(self.tables.version)
        values = {name(column): literal(value) for column, value in self.values().items()}
        if chance(self.rng, 0.4):
            values[name(self.tables.status)] = self.status()
        refs = self.world.versions.get(key, [])
        if refs and chance(self.rng, 0.1):
            values[version] = self.rng.choice([f"{version} + interval '7 hours 1 second'", "'2001-01-01 00:00+00'", "NULL",
                                               "'infinity'", f"'@ref {self.rng.choice(refs)}@'"])
        where = f"{name(self.tables.key)} = {literal(key)}"
        if refs and chance(self.rng, 0.2):
            where += f" AND {version} = '@ref {refs[-1]}@'"
        return Step(session, f"UPDATE {self.tables.table('customers')} SET "
                             f"{', '.join(f'{column} = {value}' for column, value in values.items())} WHERE {where} "
                             f"RETURNING {version} AS updated_at, {name(self.tables.status)} AS status, name", key, gives="updated_at")

    def plain_insert(self, session: int) -> Step:
        key, customers, of = self.key(), self.tables.table("customers"), name(self.tables.key)
        if chance(self.rng, 0.2):
            return Step(session, f"DELETE FROM {customers} WHERE {of} = {literal(key)} RETURNING name", key)
        columns = [of, "name", name(self.tables.status)]
        values = [literal(key), literal(self.rng.choice(NAMES)), literal(self.rng.choice(self.tables.statuses[:4]))]
        if chance(self.rng, 0.3):
            columns.append(name(self.tables.version))
            values.append(self.rng.choice(["'2001-01-01 00:00+00'", "'infinity'", "'2040-01-01 00:00+00'"]))
        action = self.rng.choice(["", " ON CONFLICT DO NOTHING", f" ON CONFLICT ({of}) DO UPDATE SET name = EXCLUDED.name"])
        return Step(session, f"INSERT INTO {customers} ({', '.join(columns)}) VALUES ({', '.join(values)}){action} "
                             f"RETURNING {name(self.tables.version)} AS updated_at", key, gives="updated_at")

    def plain_comment(self, session: int) -> Step:
        rng, key, comments = self.rng, self.key(), self.tables.table("comments")
        if chance(rng, 0.15):
            return Step(session, rng.choice([
                f"UPDATE {comments} SET body = 'changed' WHERE customer_id = {literal(key)}",
                f"DELETE FROM {comments} WHERE customer_id = {literal(key)}",
                f"TRUNCATE {comments}", f"TRUNCATE {self.tables.table('customers')} CASCADE",
            ]), key)
        columns = {"customer_id": literal(key), "author": literal(self.author()), "body": literal(self.body() or "plain")}
        if chance(rng, 0.5):
            columns["expected_ts"] = self.base(key)
        if chance(rng, 0.15):
            columns["reply_to"] = self.reply_to(key)
        if chance(rng, 0.1):
            columns["created_at"] = rng.choice(["'2001-01-01 00:00+00'", "'2040-01-01 00:00+00'"])
        return Step(session, f"INSERT INTO {comments} ({', '.join(columns)}) VALUES ({', '.join(columns.values())}) "
                             "RETURNING id AS comment_id, body, author, based_on", key)

    def row_lock(self, session: int) -> Step:
        key = self.key()
        mode = self.rng.choice(["UPDATE", "NO KEY UPDATE", "SHARE", "KEY SHARE", "UPDATE NOWAIT", "UPDATE SKIP LOCKED"])
        return Step(session, f"SELECT name FROM {self.tables.table('customers')} WHERE {name(self.tables.key)} = "
                             f"{literal(key)} FOR {mode}", key)

    def setting(self, session: int) -> Step:
        local = self.rng.choice(["", "LOCAL "]) if self.world.sessions[session].in_transaction else ""
        return Step(session, "SET " + local + self.rng.choice([
            "crm_concurrency.on_conflict = 'raise'", "crm_concurrency.on_conflict = 'return'",
            "crm_concurrency.on_conflict = 'return'", "crm_concurrency.merge = on", "crm_concurrency.merge = off",
            "crm_concurrency.refused_comment_window = 0", "crm_concurrency.refused_comment_window = '1h'",
            "crm_concurrency.repeated_comment_window = 0", "crm_concurrency.repeated_comment_window = '1h'",
            "crm_concurrency.events = 'notify'", "crm_concurrency.events = 'off'", "crm_concurrency.events = 'logical'",
            "crm_concurrency.max_comment_length = 30", "crm_concurrency.max_comment_length = 1000000",
            "session_replication_role = 'replica'", "session_replication_role = 'origin'",
            "session_replication_role = 'origin'", "session_replication_role = 'origin'",
            f"role = {self.tables.clerk}", f"role = {self.tables.clerk}", f"role = {self.tables.owner}", "role = none",
            "crm_concurrency.allow_truncate = on", "crm_concurrency.author_setting = 'session_user'",
            "crm_concurrency.author_setting = ''", "crm_concurrency.author_setting = ''", "row_security = off", "row_security = on",
            "plan_cache_mode = 'force_generic_plan'", "enable_seqscan = off", "enable_indexscan = off",
        ]))

    def care(self, session: int) -> Step:
        """What a DBA does."""
        key = self.key()
        if chance(self.rng, 0.4):
            return Step(session, f"SELECT {self.function('crm_erase_customer')}({literal(key)}) AS erased", key)
        if chance(self.rng, 0.3):
            return Step(session, f"SELECT {self.function('crm_import_comments')}({literal(key)}, "
                                 "'[12/15/2024, 3:45:23 PM] ana: Called') AS imported", key)
        return Step(ADMIN, "SELECT public.crm_prune_history('0 s') AS pruned", needs_clock=True)

    def ddl(self, session: int) -> Step:
        """A change of the tables, by who owns them."""
        rng, tables = self.rng, self.tables
        customers, comments = tables.table("customers"), tables.table("comments")
        table = rng.choice([customers, customers, comments])
        dice = rng.random()
        if dice < 0.2:
            column = random_column(rng, tables)
            tables.columns.append(column)
            return Step(session, f"ALTER TABLE {customers} ADD COLUMN {name(column.name)} {column.type} {column.rest}")
        if dice < 0.3 and tables.columns:
            column = rng.choice(tables.columns)
            if chance(rng, 0.7):
                tables.columns.remove(column)
                return Step(session, f"ALTER TABLE {customers} DROP COLUMN {name(column.name)} CASCADE")
            return Step(session, f"ALTER TABLE {customers} ALTER COLUMN {name(column.name)} "
                        + rng.choice(["SET NOT NULL", "DROP NOT NULL", "DROP DEFAULT", "SET STORAGE EXTERNAL", "TYPE text"]))
        if dice < 0.45:
            return Step(session, "; ".join(random_trigger(rng, tables)[:1]))
        if dice < 0.55 and tables.triggers:
            label, of = rng.choice(tables.triggers)
            return Step(session, rng.choice([
                f"DROP TRIGGER {label} ON {tables.table(of)}", f"ALTER TABLE {tables.table(of)} DISABLE TRIGGER {label}",
                f"ALTER TABLE {tables.table(of)} ENABLE TRIGGER {label}",
            ]))
        if dice < 0.7:
            return Step(session, random_constraint(rng, tables, rng.choice(["customers", "customers", "comments", "history"])))
        if dice < 0.8:
            return Step(session, rng.choice([
                "DROP TABLE heirs", "DROP RULE also ON " + table, "DROP RULE instead ON " + table, *unusual(rng, tables),
                f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY", f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
            ]))
        return Step(session, rng.choice([
            f"ANALYZE {table}", f"ALTER TABLE {table} SET (fillfactor = 50)", f"ALTER TABLE {table} ALTER name SET STATISTICS 10",
            f"REVOKE ALL ON {table} FROM {tables.clerk}", f"GRANT ALL ON {table} TO {tables.clerk}",
            f"REVOKE UPDATE (name) ON {customers} FROM {tables.clerk}", f"REINDEX TABLE {table}", f"VACUUM (FULL) {table}", f"VACUUM {table}",
            f"ALTER TABLE {customers} RENAME TO renamed; ALTER TABLE renamed RENAME TO {customers}",
            f"SELECT public.crm_detach({literal(customers)}); {attach(tables)}", attach(tables),
            f"GRANT SELECT ON {tables.table('history')} TO {tables.clerk}",
            f"ALTER TABLE {customers} ALTER COLUMN {name(tables.status)} SET DEFAULT {literal(rng.choice(tables.statuses[:4]))}",
            f"ALTER TABLE {comments} ALTER COLUMN author SET DEFAULT 'nobody'",
            "ALTER DOMAIN positive ADD CHECK (VALUE < 5) NOT VALID", "ALTER TYPE kind ADD VALUE IF NOT EXISTS 'huge'",
            "CREATE OR REPLACE FUNCTION tests_text(t text) RETURNS boolean LANGUAGE sql AS $$SELECT t <> 'Called'$$",
            f"ALTER TABLE {customers} ALTER COLUMN phone TYPE varchar(9)", f"ALTER TABLE {customers} RENAME COLUMN email TO mail",
            f"ALTER TABLE {customers} RENAME COLUMN mail TO email", f"ALTER TABLE {customers} ALTER COLUMN name TYPE text COLLATE \"C\"",
            f"ALTER TABLE {customers} DISABLE TRIGGER crm_history", f"ALTER TABLE {customers} ENABLE TRIGGER crm_history",
            f"ALTER TABLE {customers} ENABLE TRIGGER crm_history", f"CLUSTER {customers} USING {name(tables.customers + '_pkey')}",
        ]))

    def transaction(self, session: int) -> Step:
        """A statement that begins or ends a transaction, or a part of it."""
        rng, state = self.rng, self.world.sessions[session]
        if not state.in_transaction:
            others = any(other.in_transaction for other in self.world.sessions)
            modes = ["", "", "", "", "ISOLATION LEVEL REPEATABLE READ", "ISOLATION LEVEL REPEATABLE READ", "READ ONLY",
                     "ISOLATION LEVEL REPEATABLE READ READ ONLY"]
            mode = rng.choice(modes if others else modes + ["ISOLATION LEVEL SERIALIZABLE"])
            state.is_alone = mode == "ISOLATION LEVEL SERIALIZABLE"
            return Step(session, f"BEGIN {mode}")
        if state.has_failed or chance(rng, 0.7):
            if state.has_savepoint and chance(rng, 0.4):
                return Step(session, "ROLLBACK TO s")
            return Step(session, rng.choice(["COMMIT", "COMMIT", "COMMIT", "ROLLBACK"]))
        if not state.has_savepoint and chance(rng, 0.6):
            return Step(session, "SAVEPOINT s")
        return Step(session, rng.choice(["SAVEPOINT s", "ROLLBACK TO s", "ROLLBACK TO s", "RELEASE s", "SET CONSTRAINTS ALL IMMEDIATE",
                                         "SET CONSTRAINTS ALL DEFERRED"]))

    # Weaving --------------------------------------------------------------------------------------

    def next(self) -> Step:
        """The next step, of a session that can make one."""
        rng, sessions = self.rng, self.world.sessions
        for number, state in enumerate(sessions):
            if state.must_end:
                return Step(number, "COMMIT")
        alone = [number for number, state in enumerate(sessions) if state.is_alone and state.in_transaction]
        free = alone or [number for number, state in enumerate(sessions) if not state.is_blocked]
        session = rng.choice(free)
        state = sessions[session]
        someone_waits = any(other.is_blocked for other in sessions)

        if someone_waits:
            if chance(rng, 0.06):
                return Step(next(n for n, other in enumerate(sessions) if other.is_blocked), "", kind="cancel")
            enders = [number for number in free if sessions[number].in_transaction]
            if enders and chance(rng, 0.5):
                ender = rng.choice(enders)
                back = "ROLLBACK TO s" if sessions[ender].has_savepoint else "ROLLBACK"
                return Step(ender, rng.choice(["COMMIT", "COMMIT", back]))
        if state.has_failed and chance(rng, 0.8):
            return self.transaction(session)
        if state.has_timeout:
            state.has_timeout = False
            return Step(session, "SET lock_timeout = 0")
        if not state.in_transaction and chance(rng, 0.03):
            state.has_timeout = True
            return Step(session, "SET lock_timeout = '30ms'")

        nobody_in_transaction = not any(other.in_transaction or other.is_blocked for other in sessions)
        dice = rng.random()
        if dice < 0.14:
            return self.transaction(session)
        if dice < 0.2 and nobody_in_transaction:
            return self.ddl(ADMIN)
        if dice < 0.22 and state.in_transaction and not someone_waits and chance(rng, 0.5):
            return self.ddl(session)
        if dice < 0.225 and nobody_in_transaction:
            return self.care(session)
        for share, make in ((0.28, self.plain_update), (0.31, self.plain_insert), (0.36, self.plain_comment),
                            (0.39, self.row_lock), (0.42, self.read), (0.48, self.setting), (0.53, self.add_comment),
                            (0.57, self.edit_lock), (0.6, self.batch), (0.62, self.lateral_saves)):
            if dice < share:
                return make(session)
        return self.one_save(session)
