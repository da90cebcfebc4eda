"""Random calls of the extension's functions, and plain statements on the attached tables."""

import json
import random
from typing import Any

from quoting import literal, name
from tables import WORD_KEYS, Tables, chance
from world import ADMIN, Step, World

AUTHORS = ["ana", "ana", "ben", "ben", "Zoë", "eve", "o'neil"]
# Some of them are magic words: see trigger_functions.sql.
NAMES = ["Acme", "Acme", "widget", "suppress", "raise", "rekey", "restage", "delete", "still", "hidden", "forbidden",
         "untested", "n'", ""]
BODIES = ["Called", "Called", "They want a quote", "Signed\ttoday", "suppress", "raise", "move", "blank", "delete",
          "forbidden", "untested", "Ünïcode ☎", "x" * 70, "back\\slash", "  spaced  "]
LONG_BODY = "long " * 3000


class Calls:
    """Makes a step of a session at each call."""

    def __init__(self, rng: random.Random, tables: Tables, world: World, heat: float) -> None:
        self.rng = rng
        self.tables = tables
        self.world = world
        self.hot = rng.choice(tables.keys)
        self.heat = heat  # the share of steps that are about that customer
        self.cursors = 0
        self.sent: list[tuple[str, str]] = []  # saves, with whom they are about, to be repeated

    # Pieces of statements -------------------------------------------------------------------------

    def key(self) -> str:
        return self.hot if chance(self.rng, self.heat) else self.rng.choice(self.tables.keys)

    def key_argument(self, key: str) -> str:
        """A key, seldom a wrong one."""
        if chance(self.rng, 0.02):
            return self.rng.choice(["NULL", "'no such'", "''", "'99'", "'-1'", "'40000'", "'99999999999'"])
        return literal(key)

    def call(self, customers_form: str, record_form: str, arguments: list[str]) -> str:
        """A call of a function that has no form by key: where keys are no numbers it is told the table."""
        if self.tables.key_type in WORD_KEYS or chance(self.rng, 0.3):
            return f"public.{record_form}({', '.join([literal(self.tables.table('customers')), *arguments])})"
        return f"public.{customers_form}({', '.join(arguments)})"

    def function(self, label: str) -> str:
        by_key = not self.tables.for_edition and (self.tables.key_type in WORD_KEYS or chance(self.rng, 0.15))
        return f"{self.tables.functions}{label}{'_by_key' if by_key else ''}"

    def of(self, key: str) -> str:
        """FROM and WHERE of a customer."""
        return f"{self.tables.table('customers')} WHERE {name(self.tables.key)} = {literal(key)}"

    def current(self, key: str) -> str:
        return f"(SELECT {name(self.tables.version)} FROM {self.of(key)})"

    def refs(self, key: str) -> list[int]:
        return self.world.versions.get(key, [])

    def base(self, key: str) -> str:
        """A version that the caller may have seen, or not."""
        rng, refs = self.rng, self.refs(key)
        dice = rng.random()
        if dice < 0.5 or not refs:
            return self.current(key)
        if dice < 0.75:
            return f"'@ref {refs[-1]}@'"
        ref = rng.choice(refs)
        if dice < 0.92:
            return f"'@ref {ref}@'"
        # Of two bases of a save that is kept the later one counts: which one that is must not hang on the second.
        cut = "'2001-01-01 00:00+00'" if self.world.keeps_refused else f"'@cut {ref}@'"
        return rng.choice([
            "NULL", "'no time'", "'infinity'", "'-infinity'", "'2001-01-01 00:00+00'", "'9999-12-31 23:59:59+00'",
            cut,
            f"'@ref {ref}@'::timestamptz - interval '1 hour'",
            f"'@ref {ref}@'::timestamptz + interval '5 hours'",
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
        known = self.world.comments.get(key if chance(self.rng, 0.8) else self.key(), [])
        wrong = ["4711", "-1", "9223372036854775807"]
        return self.rng.choice(wrong if not known or chance(self.rng, 0.1) else [str(comment) for comment in known])

    def value(self) -> tuple[str, Any]:
        """A column and a value for it, mostly one that fits."""
        rng, tables = self.rng, self.tables
        if tables.columns and chance(rng, 0.6):
            column = rng.choice(tables.columns)
            values = column.bad if column.bad and (chance(rng, 0.08) or not column.good) else column.good
            return column.name, None if chance(rng, 0.1) or not values else rng.choice(values)
        if chance(rng, 0.03):
            return rng.choice(["nothing", tables.key, tables.status, tables.version]), rng.choice(["x", 1])
        label = rng.choice(["name", "name", "phone", "email"])
        if label == "name":
            return label, rng.choice(NAMES)
        return label, rng.choice([None, "555-0100", "555-0199", "a@example.org", "A@example.org"])

    def values(self) -> dict[str, Any]:
        return dict(self.value() for _ in range(self.rng.choice([1, 1, 2, 3])))

    def fields(self) -> str:
        if chance(self.rng, 0.03):
            return self.rng.choice(["'[]'", "'{}'", "'1'", "'no json'"])
        return literal(json.dumps(self.values()))

    # Saves ----------------------------------------------------------------------------------------

    def new_call(self, key: str) -> str:
        """A call of crm_update_customer."""
        rng, body = self.rng, self.body()
        arguments = [self.status(), literal(body), literal(self.author())]
        if chance(rng, 0.2):
            arguments.append(f"merge => {rng.choice(['true', 'true', 'false'])}")
        if chance(rng, 0.15) and (body or chance(rng, 0.1)):
            arguments.append(f"reply_to => {self.reply_to(key)}")
        if chance(rng, 0.4):
            arguments.append(f"fields => {self.fields()}")
        function, whom, rest = self.function("crm_update_customer"), self.key_argument(key), ", ".join(arguments)
        call = f"{function}({whom}, {self.base(key)}, {rest})"
        # Sent twice by accident, or again as by who was refused.
        self.sent += [(key, call), (key, f"{function}({whom}, {self.current(key)}, {rest})")]
        return call

    def save(self, session: int) -> Step:
        if self.sent and chance(self.rng, 0.12):
            key, call = self.rng.choice(self.sent[-8:])
        else:
            key = self.key()
            call = self.new_call(key)
        return Step(session, self.select(key, call), key, gives="updated_at")

    def send(self, session: int, key: str, call: str) -> Step:
        """A call that answers as a save does, and may be sent again in place of one."""
        self.sent.append((key, call))
        return Step(session, self.select(key, call), key, gives="updated_at")

    def select(self, key: str, call: str) -> str:
        """A statement with the call in it."""
        if chance(self.rng, 0.87):
            return f"SELECT * FROM {call}"
        self.cursors += 1
        caught = "EXCEPTION WHEN OTHERS THEN RAISE NOTICE '% %', SQLSTATE, SQLERRM; END"
        return self.rng.choice([
            f"SELECT ({call}).*",
            f"WITH s AS MATERIALIZED (SELECT * FROM {call}) SELECT s.*, (SELECT name FROM {self.of(key)}) FROM s",
            f"DO $do$ BEGIN PERFORM {call}; RAISE EXCEPTION 'undone'; {caught} $do$",
            f"DO $do$ BEGIN BEGIN PERFORM {call}; {caught}; PERFORM {call}; END $do$",
            f"DECLARE c{self.cursors} CURSOR FOR SELECT * FROM {call}; FETCH ALL c{self.cursors}",
            f"SELECT * FROM (SELECT * FROM {call} OFFSET 0) a, {call} b",
        ])

    def saves_of_all(self, session: int) -> Step:
        """One statement with a save of each customer."""
        table, key, version = self.tables.table("customers"), name(self.tables.key), name(self.tables.version)
        function, key_type = self.tables.save_function
        customers = f"SELECT {key}::{key_type} AS k, {version} AS v FROM {table} ORDER BY {key}"
        arguments = f"{self.status()}, {literal(self.body())}, {literal(self.author())}"
        return Step(session, f"SELECT c.k AS key, s.* FROM ({customers}) c, "
                             f"{function}(c.k, c.v, {arguments}) s")

    def batch(self, session: int) -> Step:
        """A call of crm_update_customers."""
        saves: list[dict[str, Any]] = []
        keys = [self.key() for _ in range(self.rng.choice([1, 2, 3]))]
        for key in keys:
            refs = self.refs(key)
            save = {
                "id" if self.tables.for_edition and chance(self.rng, 0.5) else "key": key,
                "expected_ts": f"@ref {self.rng.choice(refs[-2:])}@" if refs else "2001-01-01T00:00:00Z",
                "author": self.author(),
                "status": self.rng.choice(self.tables.statuses[:4]),
                "comment": self.body(),
                "fields": self.values() if chance(self.rng, 0.4) else None,
                "merge": chance(self.rng, 0.3),
            }
            saves.append({field: value for field, value in save.items() if value is not None})
        if chance(self.rng, 0.05):
            saves.append({"what": "ever"})
        whom = ", ".join(f"({ord}, {literal(key)})" for ord, key in enumerate(keys, 1))
        call = f"{self.tables.functions}crm_update_customers({literal(json.dumps(saves))})"
        return Step(session, f"SELECT k.key, s.* FROM {call} s "
                             f"LEFT JOIN (VALUES {whom}) k(ord, key) USING (ord)")

    # Other functions ------------------------------------------------------------------------------

    def add_comment(self, session: int) -> Step:
        key = self.key()
        body = self.body() or self.rng.choice(["hello", "hello", None])
        arguments = [self.key_argument(key), literal(body), literal(self.author())]
        if chance(self.rng, 0.2):
            arguments.append(self.reply_to(key))
        return Step(session, f"SELECT {self.function('crm_add_comment')}({', '.join(arguments)}) AS comment_id", key)

    def edit_lock(self, session: int) -> Step:
        known = self.world.locks.get(self.hot, [])
        if known and chance(self.rng, 0.5):
            call = f"{self.function('crm_unlock_customer')}({literal(self.hot)}, '@ref {self.rng.choice(known)}@')"
            return Step(session, f"SELECT {call} AS unlocked", self.hot)
        if self.world.is_quiet and chance(self.rng, 0.3):
            return Step(ADMIN, f"UPDATE {self.tables.table('locks')} SET expires_at = now() - interval '1 second'")
        if chance(self.rng, 0.15):
            lock_id = f"'@ref {self.rng.choice(known)}@'" if known and chance(self.rng, 0.3) else "NULL"
            whom, author = self.key_argument(self.hot), literal(self.author())
            call = f"{self.function('crm_unlock_customer')}({whom}, {lock_id}, force => true, author => {author})"
            return Step(session, f"SELECT {call} AS unlocked", self.hot)
        arguments = [literal(self.hot), literal(self.author())]
        if known and chance(self.rng, 0.3):
            arguments.append(f"lock_id => '@ref {self.rng.choice(known)}@'")
        call = f"{self.function('crm_lock_customer')}({', '.join(arguments)})"
        return Step(session, f"SELECT * FROM {call}", self.hot, gives="lock_id")

    def read(self, session: int) -> Step:
        key, refs = self.key(), self.refs(self.hot)
        if chance(self.rng, 0.2):
            return Step(session, f"SELECT * FROM {self.function('crm_timeline')}({literal(key)})", key,
                        is_unordered=True)
        if refs and chance(self.rng, 0.2):
            call = f"{self.function('crm_get_customer')}({literal(self.hot)}, '@ref {self.rng.choice(refs)}@')"
            return Step(session, f"SELECT {call} -> 'customer' AS customer", self.hot)
        return Step(session, self.rng.choice([
            f"SELECT {self.function('crm_get_customer')}({literal(key)}) AS customer",
            f"SELECT {self.function('crm_export_comments')}({literal(key)}) AS text",
            f"SELECT * FROM {self.of(key)}",
            f"SELECT * FROM {self.tables.table('comments')} WHERE customer_id = {literal(key)} ORDER BY id",
            f"SELECT * FROM {self.tables.functions}crm_locks",
            f"SELECT * FROM {self.tables.table('comment_edits')} WHERE customer_id = {literal(key)} ORDER BY edited_at",
            "SELECT check_name, status, finding, hint FROM public.crm_doctor()",
            "SELECT pg_current_xact_id_if_assigned() IS NOT NULL AS writes",
        ]), key)

    def care(self, session: int) -> Step:
        """What a DBA does."""
        key = self.key()
        function, arguments = self.rng.choice([
            ("crm_erase_customer", literal(key)),
            ("crm_import_comments", f"{literal(key)}, '[12/15/2024, 3:45:23 PM] ana: Called'"),
            ("crm_prune_history", ""),
        ])
        if function == "crm_prune_history":
            return Step(session, "SELECT public.crm_prune_history('0 s') AS pruned", needs_clock=True)
        return Step(session, f"SELECT {self.function(function)}({arguments}) AS result", key)

    # Plain statements -----------------------------------------------------------------------------

    def plain_update(self, session: int) -> Step:
        rng, key, version, status = self.rng, self.key(), name(self.tables.version), name(self.tables.status)
        refs = self.refs(key)
        values = {name(column): literal(value) for column, value in self.values().items()}
        if chance(rng, 0.4):
            values[status] = self.status()
        if refs and chance(rng, 0.1):
            values[version] = rng.choice([f"{version} + interval '7 hours 1 second'", "'2001-01-01 00:00+00'", "NULL",
                                          "'infinity'", f"'@ref {rng.choice(refs)}@'"])
        table, where = self.of(key).split(" WHERE ")
        if refs and chance(rng, 0.2):
            where += f" AND {version} = '@ref {refs[-1]}@'"
        assignments = ", ".join(f"{column} = {value}" for column, value in values.items())
        return Step(session, f"UPDATE {table} SET {assignments} WHERE {where} "
                             f"RETURNING {version} AS updated_at, {status} AS status, name", key, gives="updated_at")

    def plain_insert(self, session: int) -> Step:
        """An INSERT of a customer, or a DELETE."""
        rng, key, of, version = self.rng, self.key(), name(self.tables.key), name(self.tables.version)
        if chance(rng, 0.2):
            return Step(session, f"DELETE FROM {self.of(key)} RETURNING name", key)
        values = {of: literal(key), "name": literal(rng.choice(NAMES)),
                  name(self.tables.status): literal(rng.choice(self.tables.statuses[:4]))}
        if chance(rng, 0.3):
            values[version] = rng.choice(["'2001-01-01 00:00+00'", "'infinity'", "'2040-01-01 00:00+00'"])
        action = rng.choice(["", " ON CONFLICT DO NOTHING", f" ON CONFLICT ({of}) DO UPDATE SET name = EXCLUDED.name"])
        return Step(session, f"INSERT INTO {self.tables.table('customers')} ({', '.join(values)}) "
                             f"VALUES ({', '.join(values.values())}){action} RETURNING {version} AS updated_at",
                    key, gives="updated_at")

    def plain_comment(self, session: int) -> Step:
        rng, key, comments = self.rng, self.key(), self.tables.table("comments")
        if chance(rng, 0.15):
            return Step(session, rng.choice([
                f"UPDATE {comments} SET body = 'changed' WHERE customer_id = {literal(key)}",
                f"DELETE FROM {comments} WHERE customer_id = {literal(key)}",
                f"TRUNCATE {comments}",
                f"TRUNCATE {self.tables.table('customers')} CASCADE",
            ]), key)
        values = {"customer_id": literal(key), "author": literal(self.author()),
                  "body": literal(self.body() or "plain")}
        if chance(rng, 0.5):
            values["expected_ts"] = self.base(key)
        if chance(rng, 0.15):
            values["reply_to"] = self.reply_to(key)
        if chance(rng, 0.1):
            values["created_at"] = rng.choice(["'2001-01-01 00:00+00'", "'2040-01-01 00:00+00'"])
        return Step(session, f"INSERT INTO {comments} ({', '.join(values)}) VALUES ({', '.join(values.values())}) "
                             "RETURNING id AS comment_id, body, author, based_on", key)

    def row_lock(self, session: int) -> Step:
        key = self.key()
        mode = self.rng.choice(["UPDATE", "NO KEY UPDATE", "SHARE", "KEY SHARE", "UPDATE NOWAIT", "UPDATE SKIP LOCKED"])
        return Step(session, f"SELECT name FROM {self.of(key)} FOR {mode}", key)
