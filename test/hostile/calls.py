#!/usr/bin/python3
"""Calls every function of the extension with arguments that nobody means well by.

The functions and the types of their arguments are those of the catalogue. Each argument is what an honest client sends,
or a value of its type that is made to break something. Sessions of an ordinary user and of a superuser, on both access
paths, take turns; in between they change settings, write plainly, and begin and end transactions. No session may end,
no internal error may be raised, no comment may go without its customer, and crm_verify() must find nothing. The results
are printed as TAP.
"""

import argparse
import collections
import json
import pathlib
import random
import sys
import time

import psycopg

HERE = pathlib.Path(__file__).resolve().parent
DATABASE = "crm_hostile"

TEXTS = [
    "", " ", "\t\n", "\u3000", "\u200b", "ana", "ben", "Refused", "Called", "won't do", "new", "'", '"', "\\", "$1",
    "%s%n", "{}", "[]", "null", "-", "UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "+25", "-15:59:59",
    "posixrules", "../../etc/passwd", "a" * 9000, "ä" * 12000, "\U0001f600" * 300, "e\u0301", "\ufeff", "\x01\x7f",
    "\u202ereversed", "1", "-1", "9223372036854775808", "0x10", "1e3", "NaN", "[12/15/2024, 3:45:23 PM] ana: words",
    "[99/99/9999, 99:99:99 XM] : ", "[12/15/2024, 3:45:23 PM] ana: a\n\n[1/1/0001, 1:00:00 AM] b: c\n\n" * 20,
    "[12/15/2024, 3:45:23 PM]", "x" * 300000, "status", "id", "infinity", "2026-01-05 10:00:00+00",
    "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-0000000000zz", "refuse", "allow", "2026-02-30",
]
JSON = [
    "{}", "[]", "null", "1", '"x"', "true", '{"phone": "1"}', '{"phone": null, "name": "n"}', '{"id": 1}',
    '{"status": "x"}', '{"updated_at": "x"}', '{"amount": "1e400"}', '{"amount": 123456789012345678901234567890}',
    '{"amount": 1.005}', '{"tags": ["a", null, "b"]}', '{"tags": {"a": 1}}', '{"tags": [["a"], ["b"]]}',
    '{"born": "infinity"}', '{"born": "2026-02-30"}', '{"data": {"a": [[[[[[1]]]]]]}}', '{"data": null}',
    '{"seen": "-infinity"}', '{"score": "NaN"}', '{"score": 1e308}', '{"nobody": 1}', '{"": 1}', '{"PHONE": 1}',
    '{"ctid": "(0,1)"}', '{"tableoid": 1}', '{"label": "123456789012345678901"}', '{"label": "label 1"}',
    '{"stage": "open"}', '{"phone": "' + "y" * 50000 + '"}', '{"data": ' + "[" * 500 + "]" * 500 + "}",
    '{"data": ' + json.dumps(list(range(3000))) + "}", '{"a":1,"a":2}', '{"row_version": "2026-01-05"}', '[{"id": 1}]',
    '[null]', "[[]]", '[{"id": 1, "expected_ts": "x"}]', '[{"id": "1"}]', '[{"id": 1.5, "expected_ts": "2026-01-05"}]',
    '[{"key": 1, "id": 1}]', '[{"id": 1, "expected_ts": "2026-01-05T10:00:00Z", "author": "ana", "fields": []}]',
    '[{"ID": 1}]', '[{"id": 99999999999999999999, "expected_ts": "2026-01-05", "author": "ana"}]',
    '[{"id": 1, "expected_ts": null, "author": {}}]',
]
TIMES = [
    "infinity", "-infinity", "2026-01-05 10:00:00+00", "2026-01-05 10:00:00.0009+00", "0001-01-01 00:00:00+00",
    "4713-01-01 00:00:00+00 BC", "294276-12-31 23:59:59.999999+00", "9999-12-31 23:59:59.999999+00", "1970-01-01",
    "2999-01-01", "now", "epoch",
]
NUMBERS = ["0", "-1", "1", "2", "3", "5", "20", "21", "2147483647", "-2147483648", "1000000"]
BIG = [*NUMBERS, "9223372036854775807", "-9223372036854775808"]
INTERVALS = [
    "0", "15 minutes", "1 second", "-1 second", "24 hours", "24 hours 1 second", "178000000 years", "-178000000 years",
    "1 mon -30 days", "1 microsecond", "100 years",
]
UUIDS = [
    "00000000-0000-0000-0000-000000000001", "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "00000000-0000-0000-0000-000000000000",
]
TABLES = [
    "crm.customers", "crm.comments", "crm.customer_history", "own.accounts", "ext.crm_attached_tables", "ext.crm_locks",
    "pg_class", "0", "4294967295", "crm.customers_pkey", "hostile_part", "hostile_view", "hostile_temp",
]
NAMES = [
    "status", "updated_at", "id", "crm", "own", "comments", "nobody", "", "x" * 63, 'a"b', "pg_catalog", "pg_temp",
    "public", "ext", "hostile", "notes", "name",
]
VALUES = {
    "text": TEXTS, "jsonb": JSON, "timestamp with time zone": TIMES, "bigint": BIG, "integer": NUMBERS,
    "interval": INTERVALS, "uuid": UUIDS, "regclass": TABLES, "name": NAMES, "boolean": ["true", "false"],
    "text[]": ["{}", "{phone}", "{status,phone}", "{NULL}", "{{a},{b}}", "{\"\"}"],
}

SETTINGS = {
    "crm_concurrency.on_conflict": ["return", "raise"], "crm_concurrency.merge": ["on", "off"],
    "crm_concurrency.refused_comment_window": ["0", "1", "2147483647", "1h"],
    "crm_concurrency.repeated_comment_window": ["0", "5", "2147483647"],
    "TimeZone": ["UTC", "Asia/Kathmandu", "-15:59:59"],
    "DateStyle": ["ISO, MDY", "German", "SQL, DMY", "Postgres, YMD"],
    "IntervalStyle": ["postgres", "iso_8601", "sql_standard"], "extra_float_digits": ["-15", "0", "3"],
    "bytea_output": ["hex", "escape"],
    "search_path": ["crm, ext", "own, ext", "own, crm, ext", "ext, crm", "ext", "pg_temp, crm, ext", '"", ext'],
    "row_security": ["on", "off"],
    "default_transaction_isolation": ["read committed", "repeatable read", "serializable"],
    "default_transaction_read_only": ["on", "off", "off", "off"], "quote_all_identifiers": ["on", "off"],
    "xmlbinary": ["hex"], "statement_timeout": ["0", "0", "20ms"],
    "plan_cache_mode": ["auto", "force_custom_plan", "force_generic_plan"], "enable_seqscan": ["on", "off"],
    "enable_indexscan": ["on", "off"], "work_mem": ["64kB", "4MB"], "max_stack_depth": ["100kB", "2MB"],
    "check_function_bodies": ["on", "off"], "lc_monetary": ["C"], "synchronous_commit": ["on", "off"],
    "session_replication_role": ["origin"], "standard_conforming_strings": ["on", "off"],
    "transform_null_equals": ["on", "off"], "array_nulls": ["on", "off"], "client_min_messages": ["error", "debug5"],
    "temp_buffers": ["100"], "jit_above_cost": ["0", "-1"],
}
CORRECTIONS = {
    "crm_edit_comment", "crm_withdraw_comment", "crm_redact_comment", "crm_edit_record_comment",
    "crm_withdraw_record_comment", "crm_redact_record_comment",
}
# Plain statements; %k is a customer, %t a text, %v a time.
STATEMENTS = [
    "UPDATE crm.customers SET phone = %t WHERE id = %k", "UPDATE crm.customers SET updated_at = %v WHERE id = %k",
    "UPDATE crm.customers SET id = id + 1 WHERE id = %k", "UPDATE crm.customers SET status = %t",
    "INSERT INTO crm.customers (id, updated_at) VALUES (%k, %v)", "DELETE FROM crm.customers WHERE id = %k",
    "INSERT INTO crm.comments (customer_id, author, body) VALUES (%k, %t, %t)",
    "INSERT INTO crm.comments (customer_id, author, body, expected_ts) VALUES (%k, %t, %t, %v)",
    "INSERT INTO crm.comments (customer_id, author, body, expected_ts) "
    "SELECT id, 'ana', %t, updated_at FROM crm.customers WHERE id = %k",
    "INSERT INTO crm.comments (customer_id, author, body, reply_to) VALUES (%k, %t, %t, %k)",
    "UPDATE crm.comments SET body = %t", "DELETE FROM crm.comments WHERE customer_id = %k",
    "INSERT INTO crm.customers (id, status) VALUES (%k, %t) ON CONFLICT (id) DO UPDATE SET status = EXCLUDED.status",
    "SELECT * FROM crm.customers WHERE id = %k FOR UPDATE NOWAIT", "UPDATE own.accounts SET key = NULL",
    "UPDATE own.accounts SET key = gen_random_uuid()", "UPDATE crm.customers SET id = NULL",
    "INSERT INTO own.accounts (key) VALUES (NULL)", "UPDATE own.accounts SET stage = NULL",
    "UPDATE own.accounts SET row_version = %v", "UPDATE own.accounts SET row_version = NULL",
    "INSERT INTO crm.comments (customer_id, author, body) VALUES (NULL, %t, %t)",
    "INSERT INTO own.accounts_comments (customer_id, id, author, body) VALUES (gen_random_uuid(), NULL, %t, NULL)",
    "UPDATE own.accounts SET stage = 'open', label = %t", "LOCK crm.customers IN SHARE MODE NOWAIT",
    "TRUNCATE crm.comments", "SELECT count(*) FROM ext.crm_locks",
    "DECLARE c CURSOR FOR SELECT ext.crm_add_comment(%k::bigint, %t, 'ana')", "FETCH 1 FROM c", "DISCARD PLANS",
    "DISCARD TEMP", "SET LOCAL lock_timeout = 1", "RESET ALL",
    "CREATE TEMP TABLE hostile_temp (id bigint PRIMARY KEY, status text)", "DEALLOCATE ALL", "PREPARE p AS SELECT 1",
    "LISTEN crm_concurrency",
]
# What a superuser does to the tables without breaking them.
DEFINITIONS = [
    "ALTER TABLE crm.customers ADD COLUMN IF NOT EXISTS extra text DEFAULT 'x'",
    "ALTER TABLE crm.customers DROP COLUMN IF EXISTS extra",
    "CREATE INDEX IF NOT EXISTS extra ON crm.customers (status)", "DROP INDEX IF EXISTS crm.extra",
    "ALTER TABLE crm.customers ENABLE ROW LEVEL SECURITY", "ALTER TABLE crm.customers DISABLE ROW LEVEL SECURITY",
    "ANALYZE crm.customers", "CREATE OR REPLACE VIEW public.hostile_view AS SELECT 1 AS id",
    "CREATE TABLE IF NOT EXISTS public.hostile_part (id bigint PRIMARY KEY, status text) PARTITION BY RANGE (id)",
    "GRANT UPDATE ON crm.customers TO crm_hostile_user", "ALTER TABLE crm.comments ADD COLUMN IF NOT EXISTS extra int",
    "ALTER TABLE crm.comments DROP COLUMN IF EXISTS extra",
    "ALTER TABLE crm.customers RENAME COLUMN phone TO telephone",
    "ALTER TABLE crm.customers RENAME COLUMN telephone TO phone", "SET crm_concurrency.access_path = 'spi'",
    "SET crm_concurrency.access_path = 'auto'", "SET crm_concurrency.events = 'notify'",
    "SET crm_concurrency.events = 'logical'", "SET crm_concurrency.events = 'off'",
    "SET crm_concurrency.author_setting = 'session_user'", "SET crm_concurrency.author_setting = ''",
    "SET crm_concurrency.max_comment_length = 1", "RESET crm_concurrency.max_comment_length",
]


def literal(value, type_name=None):
    """A value as it stands in SQL, whatever standard_conforming_strings is."""
    if value is None:
        return "NULL"
    text = "E'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
    return f"{text}::{type_name}" if type_name else text


class Session:
    """A connection, and what it is called in the report."""

    def __init__(self, dsn, name, user, path):
        self.name = name
        self.is_super = user != "crm_hostile_user"
        self.connection = psycopg.connect(f"{dsn} dbname={DATABASE} user={user}", autocommit=True)
        self.connection.prepare_threshold = None
        if self.is_super:
            self.connection.execute(f"SET crm_concurrency.access_path = '{path}'")

    def run(self, statement):
        """Runs a statement, and returns its SQLSTATE."""
        try:
            with self.connection.cursor() as cursor:
                cursor.execute(statement)
            return "00000"
        except psycopg.Error as error:
            if error.sqlstate is None:
                raise
            return error.sqlstate


class Caller:
    def __init__(self, dsn, seed):
        self.random = random.Random(seed)
        self.watcher = psycopg.connect(f"{dsn} dbname={DATABASE}", autocommit=True)
        self.watcher.execute("SET lock_timeout = 20")
        self.sessions = [Session(dsn, "user", "crm_hostile_user", None),
                         Session(dsn, "superuser, auto", "crm_hostile_super", "auto"),
                         Session(dsn, "superuser, spi", "crm_hostile_super", "spi")]
        self.functions = self.watcher.execute(
            """SELECT p.proname, p.prokind,
                      array(SELECT format_type(a, NULL) FROM unnest(p.proargtypes) WITH ORDINALITY u (a, n) ORDER BY n),
                      p.pronargdefaults
               FROM pg_proc p WHERE p.pronamespace = 'ext'::regnamespace
                 AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
               ORDER BY p.oid""").fetchall()
        self.states = collections.defaultdict(collections.Counter)
        self.internal = []
        self.comments = {}
        self.lost = []
        self.statements = 0
        self.key = None     # of the customer that the call is about

    def look_up(self, query, *arguments):
        """What an honest client would have read: a text, or None; a session in its turn may have locked the table."""
        try:
            row = self.watcher.execute(query, arguments).fetchone()
        except psycopg.errors.LockNotAvailable:
            return None
        return row[0] if row else None

    def value(self, type_name, name):
        """An honest value as often as another."""
        pick = self.random.random()
        if pick < 0.06:
            return None
        if pick < (0.8 if name in CORRECTIONS else 0.55):
            if type_name == "bigint" and name in CORRECTIONS:
                return self.look_up("SELECT max(id)::text FROM crm.comments WHERE customer_id = %s", self.key) or "1"
            if type_name == "bigint":
                return str(self.random.randint(1, 20))
            if type_name == "timestamp with time zone":
                return self.look_up("SELECT updated_at::text FROM crm.customers WHERE id = %s", self.key) or TIMES[2]
            if type_name == "text" and name in CORRECTIONS and self.random.random() < 0.6:
                return self.look_up("SELECT body FROM crm.comments WHERE customer_id = %s ORDER BY id DESC LIMIT 1",
                                    self.key)
            if type_name == "text" and (name.endswith("_by_key") or "_record" in name):
                return str(self.key) if self.random.random() < 0.9 else UUIDS[0]
            if type_name == "jsonb" and name in ("crm_update_customers", "crm_update_records"):
                return json.dumps([{self.random.choice(["id", "key"]): self.random.choice([self.key, str(self.key)]),
                                    "author": "ana", "expected_ts": self.random.choice(TIMES),
                                    "status": self.random.choice(["new", None, "won"]),
                                    "comment": self.random.choice(TEXTS[:20]),
                                    "merge": self.random.choice([True, False, None])}
                                   for _ in range(self.random.randint(1, 4))])
            if type_name == "uuid":
                return self.look_up("SELECT lock_id::text FROM crm.customer_locks LIMIT 1") or UUIDS[0]
            if type_name == "regclass":
                return self.random.choice(["crm.customers", "crm.customers", "crm.customers", "own.accounts"])
        return self.random.choice(VALUES[type_name])

    def call(self):
        name, kind, types, defaults = self.random.choice(self.functions)
        self.key = self.random.randint(1, 22)
        count = len(types) - self.random.randint(0, defaults)
        arguments = [literal(self.value(t, name), t) for t in types[:count]]
        if arguments and types[0] == "bigint" and self.random.random() < 0.7:
            arguments[0] = f"{self.key}::bigint"
        if count > 1 and types[:2] == ["regclass", "text"] and self.random.random() < 0.7:
            arguments[1] = literal(str(self.key), "text")
        made = f"ext.{name}({', '.join(arguments)})"
        if name == "crm_attach" and self.random.random() < 0.3:
            made = "ext.crm_attach('crm.customers', plain_updates => 'allow')"
        if kind == "p":
            return name, f"CALL {made}"
        form = self.random.choice(["SELECT * FROM %s", "SELECT %s", "SELECT * FROM %s", "SELECT (%s) IS NULL",
                                   "SELECT 1 FROM generate_series(1, 2), LATERAL %s x"])
        return name, form % made

    def plain(self, statements):
        statement = self.random.choice(statements)
        for mark, value in (("%k", lambda: str(self.random.randint(1, 22))),
                            ("%t", lambda: literal(self.random.choice(TEXTS))),
                            ("%v", lambda: literal(self.random.choice(TIMES), "timestamptz"))):
            while mark in statement:
                statement = statement.replace(mark, value(), 1)
        return "plain", statement

    def next(self, session):
        pick = self.random.random()
        if pick < 0.72:
            return self.call()
        if pick < 0.84:
            return self.plain(STATEMENTS)
        if pick < 0.90:
            setting = self.random.choice(list(SETTINGS))
            return "setting", f"SET {self.random.choice(['', 'LOCAL '])}{setting} = {self.setting(setting)}"
        if pick < 0.93 and session.is_super:
            return self.plain(DEFINITIONS)
        return "transaction", self.random.choice(["BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ", "SAVEPOINT s",
                                                  "ROLLBACK TO s", "RELEASE s", "COMMIT", "COMMIT", "ROLLBACK"])

    def setting(self, name):
        value = self.random.choice(SETTINGS[name])
        return value if name in ("search_path", "DateStyle") else literal(value)

    def turn(self):
        """Some statements of one session, which ends its transaction then: nobody waits for it."""
        session = self.random.choice(self.sessions)
        for _ in range(self.random.randint(1, 12)):
            name, statement = self.next(session)
            if name == "crm_detach":
                # what others write to a table that is let go of is not guarded
                statement = f"BEGIN; {statement}; ROLLBACK"
            state = session.run(statement)
            self.statements += 1
            self.states[name][state] += 1
            if state.startswith("XX"):
                self.internal.append(f"{session.name}: {state}: {statement[:500]}")
        session.run(self.random.choice(["COMMIT", "ROLLBACK"]))
        if self.random.random() < 0.3:
            session.run("RESET ALL")

    def is_corrected(self, place, now, was):
        """Whether the comment is of the same author, and its text before is kept, if it was not removed."""
        return now[0] == was[0] and self.watcher.execute(
            "SELECT 1 FROM crm.comment_edits WHERE customer_id = %s AND comment_id = %s "
            "AND body IN (%s, '[erased]', '[redacted]')", (*place, was[1])).fetchone()

    def called(self):
        return {name: sum(states.values()) for name, states in self.states.items()}

    def uncalled(self):
        called = self.called()
        return [name for name, *_ in self.functions if called.get(name, 0) == 0]

    def watch_comments(self):
        """What was a comment is one still, unless it was corrected, or its customer is gone, or was erased."""
        rows = self.watcher.execute("SELECT customer_id, id, author, body FROM crm.comments")
        now = {(customer, number): (author, body) for customer, number, author, body in rows}
        for place, was in self.comments.items():
            if place in now and now[place][1] in ("[erased]", "[redacted]"):
                continue
            if place in now and now[place] != was and not self.is_corrected(place, now[place], was):
                self.lost.append(f"{place}: {was} became {now[place]}")
            elif place not in now and not self.watcher.execute(
                    "SELECT 1 FROM crm.customer_history "
                    "WHERE customer_id = %s AND (operation = 'delete' OR earlier_pruned)", (place[0],)).fetchone():
                self.lost.append(f"{place}: {was} is gone")
        self.comments = now


def report(number, name, problems):
    print(f"{'not ok' if problems else 'ok'} {number} - {name}")
    for problem in problems[:10]:
        print("# " + str(problem).replace("\n", "\n# "))
    return bool(problems)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dsn", default="",
                        help="where the server is, whose superuser the caller is (default: what the PG* variables say)")
    parser.add_argument("--seconds", type=float, default=4,
                        help="for how long (default: 4), and until every function was called, in at most 20000 "
                        "statements")
    parser.add_argument("--seed", type=int, default=1, help="of the random numbers (default: 1)")
    options = parser.parse_args()

    print(f"# --seconds {options.seconds:g} --seed {options.seed}", flush=True)
    caller = Caller(options.dsn, options.seed)
    died = []
    end = time.monotonic() + options.seconds
    turns = 0
    try:
        while time.monotonic() < end or (caller.statements < 20_000 and caller.uncalled()):
            caller.turn()
            turns += 1
            if turns % 10 == 0:
                caller.watch_comments()
        caller.watch_comments()
        for session in caller.sessions:
            session.connection.execute("SELECT 1")
    except psycopg.OperationalError as error:
        died.append(error)
    called = caller.called()
    succeeded = {name: states["00000"] for name, states in caller.states.items()}
    counts = ", ".join(f"{name} {succeeded[name]}/{called[name]}" for name in sorted(called))
    print(f"# {caller.statements} statements: {counts}")

    failed = report(1, "no session ended", died)
    failed |= report(2, "there was no internal error", caller.internal)
    if not died:
        failed |= report(3, "no comment went without its customer, or changed", caller.lost)
        for number, path in enumerate(("crm, ext", "own, ext"), start=4):
            caller.watcher.execute(f"SET search_path = {path}")
            failed |= report(number, f"crm_verify() finds nothing in {path}",
                             caller.watcher.execute("SELECT * FROM crm_verify()").fetchall())
        failed |= report(6, "every function is called", caller.uncalled())
        # those of crm_stat need the library to be preloaded
        failed |= report(7, "no function fails always",
                         [f[0] for f in caller.functions if f[1] == "f" and not f[0].startswith("crm_stat_") and
                          called.get(f[0], 0) > 20 and succeeded[f[0]] == 0])
    print(f"1..{2 if died else 7}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
