"""The cases for libraries of other languages: a program in the library's language does what lines of JSON tell it.

It is told {"do": WHAT, ...}, and answers each line by one of an object, where "error" names what was thrown:

    read id, save kept changes      the model: its columns, and "kept", the number that it keeps the model by
    insert_many rows, update_many ids status, upsert row
    call values                     the row that crm_update_customer returns, and its number; the version among the
                                    values is a text, or the number of what it was read with: the program binds it as
                                    its library read it
    transaction, return, throw      enters a transaction of the library, and leaves it
    schema_tool, reset, and what else a library's own tests tell
"""

# What a library does is in its class, a TestCase.
# pylint: disable=no-member

import json
import os
import subprocess
from datetime import datetime
from types import SimpleNamespace

from cases import HERE, Cases

COLUMNS = ("status", "phone")


class Stale(Exception):
    """The library's own optimistic lock refused."""


class Failed(Exception):
    """What else the library throws."""

    def __init__(self, answer):
        super().__init__(f"{answer['error']}: {answer.get('message')}")
        self.error = answer["error"]


class Version(datetime):
    """A version as the library's language shows it, which the program keeps as the library read it."""

    kept = None

    @classmethod
    def of(cls, answer):
        version = cls.fromisoformat(answer["updated_at"])
        version.kept = answer["kept"]
        return version


class Remote(Cases):
    command = None
    # of the program and of its sessions: other ones than the server's show where a zone is lost
    zones = {"TZ": "America/St_Johns", "PGTZ": "Asia/Kathmandu"}
    stale = Stale
    # what the library throws where its optimistic lock refuses
    stale_error = "Stale"
    schema_tool = "a driver has none"
    reset = "a driver has none"

    @classmethod
    def build(cls):
        """For languages that are compiled."""

    @classmethod
    def open(cls, parameters):
        cls.build()
        cls.program = subprocess.Popen(  # pylint: disable=consider-using-with
            cls.command, cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8",
            env={**os.environ, "PGHOST": parameters["host"], "PGPORT": str(parameters["port"]),
                 "PGUSER": parameters["user"], "PGPASSWORD": parameters["password"],
                 "PGDATABASE": parameters["dbname"], "PGSSLMODE": "disable",
                 **cls.zones})

    @classmethod
    def close(cls):
        cls.program.stdin.close()
        cls.program.stdout.close()
        if cls.program.wait() != 0:
            raise RuntimeError(f"{cls.command} ended with the exit status {cls.program.returncode}")

    @classmethod
    def ask(cls, what, **arguments):
        print(json.dumps({"do": what, **arguments}), file=cls.program.stdin, flush=True)
        line = cls.program.stdout.readline()
        if not line:
            raise RuntimeError(f"{cls.command} ended")
        answer = json.loads(line)
        if "error" in answer:
            raise Stale(answer) if answer["error"] == cls.stale_error else Failed(answer)
        return answer

    def model(self, answer):
        self.assertLessEqual({"id", *COLUMNS, "updated_at", "kept"}, set(answer))
        answer["id"] = int(answer["id"])
        return SimpleNamespace(**{**answer, "updated_at": Version.of(answer)}, read=answer)

    def read(self, key):
        return self.model(self.ask("read", id=key))

    def save(self, model):
        changes = {name: getattr(model, name) for name in COLUMNS if getattr(model, name) != model.read[name]}
        vars(model).update(vars(self.model(self.ask("save", kept=model.read["kept"], changes=changes))))

    def saves_at_the_time(self):
        """What a library writes into updated_at itself is neither cut to seconds nor in another zone, and is read again
        where the database stored another."""
        model = self.read(self.key)
        clock = "SELECT date_trunc('milliseconds', clock_timestamp()) AS now"
        before = self.rows(clock)[0]["now"]
        model.status = "won"
        self.save(model)
        self.assertLessEqual(before, model.updated_at)
        self.assertLessEqual(model.updated_at, self.rows("SELECT clock_timestamp() AS now")[0]["now"])
        # a version that is ahead of the library's clock
        self.db.execute("ALTER TABLE customers DISABLE TRIGGER USER")
        self.db.execute("UPDATE customers SET updated_at = clock_timestamp() + '1 minute' WHERE id = %s", [self.key])
        self.db.execute("ALTER TABLE customers ENABLE TRIGGER USER")
        model = self.read(self.key)
        model.status = "paid"
        self.save(model)
        self.assertEqual(model.updated_at, self.stored()["updated_at"])

    def insert_many(self, rows):
        self.ask("insert_many", rows=rows)

    def update_many(self, keys, status):
        self.ask("update_many", ids=keys, status=status)

    def upsert(self, row):
        self.ask("upsert", row=row)

    def call(self, values, transaction=None):  # pylint: disable=unused-argument
        key, seen, *others = values
        if isinstance(seen, Version):
            seen = seen.kept
        elif isinstance(seen, datetime):
            seen = seen.isoformat()
        saved = self.ask("call", values=[key, seen, *others])
        if isinstance(saved["detail"], str):
            saved["detail"] = json.loads(saved["detail"])
        return {**saved, "updated_at": Version.of(saved)}

    def transaction(self, callback):
        self.ask("transaction")
        try:
            result = callback(True)
        except Exception:
            with self.assertRaisesRegex(Failed, "Thrown"):
                self.ask("throw")
            raise
        self.ask("return")
        return result
