"""The cases that each library of Python is put through, in the order of cases.json; as cases.js does it."""

# What a library does is in its class, a TestCase, with the names that unittest wants.
# pylint: disable=no-member,invalid-name

import json
import os
import unittest
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row

HERE = Path(__file__).parent
CASES = json.loads((HERE / "cases.json").read_text(encoding="utf-8"))

# the SQL of a call, for libraries that bind by %s
SAVE = "SELECT * FROM crm_update_customer(%s, %s, %s, %s, %s)"

# the attributes of clients after which a case has another name
OPERATIONS = {"schema tool": "schema_tool"}


class Thrown(Exception):
    pass


def new_database(name, table=None):
    """The parameters of a connection to a new database with attached customers; `table` is what it needs otherwise
    there, as for ALTER TABLE."""
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name}")
    parameters = {**conninfo_to_dict(os.environ["DATABASE_URL"]), "dbname": name}
    with psycopg.connect(**parameters) as connection:
        connection.execute((HERE / "customers.sql").read_text(encoding="utf-8"))
        if table:
            connection.execute(f"ALTER TABLE customers {table}")
        connection.execute((HERE / "attach.sql").read_text(encoding="utf-8"))
    return parameters


class Cases:
    """What all do. A library's class is a TestCase that has, each a method or the reason why there is none:

    open(parameters), close()
    read(key)                           the library's model, or an object with the columns as attributes
    save(model)                         by the library's own means; raises `stale` where its optimistic lock refuses
    insert_many(rows), update_many(keys, status), upsert(row)
    call(values, transaction=None)      crm_update_customer, as a dict
    transaction(callback)
    schema_tool(), reset()
    """

    library = None
    stale = None
    table = None

    @classmethod
    def setUpClass(cls):
        cls.parameters = new_database("clients_" + "".join(c if c.isalnum() else "_" for c in cls.library.lower()),
                                      cls.table)
        cls.db = psycopg.connect(**cls.parameters, autocommit=True, row_factory=dict_row)
        cls.number = 0
        cls.open(cls.parameters)

    @classmethod
    def tearDownClass(cls):
        cls.close()
        cls.db.close()

    def setUp(self):
        type(self).number += 1
        # of microseconds, as existing tables hold them
        self.key = self.rows("INSERT INTO customers (name, status, phone, updated_at) "
                             "VALUES (%s, 'new', '1', '2026-01-05 10:00:00.123987+00') RETURNING id",
                             [str(self.number)])[0]["id"]

    def rows(self, statement, values=()):
        return self.db.execute(statement, values).fetchall()

    def stored(self):
        return self.rows("SELECT * FROM customers WHERE id = %s", [self.key])[0]

    def comments(self):
        return [row["body"] for row in self.rows(
            "SELECT body FROM crm.customers_comments WHERE customer_id = %s ORDER BY id", [self.key])]

    def after_a_stale_save(self):
        """For libraries without an optimistic lock: both saves are recorded; what the second leaves is returned."""
        first, second = self.read(self.key), self.read(self.key)
        first.status = "won"
        self.save(first)
        second.phone = "2"
        self.save(second)
        self.assertEqual(self.rows("SELECT count(*) AS n FROM crm.customers_history WHERE customer_id = %s "
                                   "AND operation = 'update'", [self.key])[0]["n"], 2)
        now = self.stored()
        return now["status"], now["phone"]

    def save_by_function(self, *values):
        return self.call([self.key, *values])

    def is_well(self):
        self.assertEqual(self.rows("SELECT check_name, finding FROM crm.crm_doctor() "
                                   "WHERE status = 'error' AND check_name <> 'settings'"), [])
        self.assertEqual(self.rows("SELECT * FROM crm.crm_verify()"), [])

    def case_model_save(self):
        before = self.stored()
        model = self.read(self.key)
        # the second save goes on from what the first left in the model
        for status in ("won", "paid"):
            model.status = status
            self.save(model)
            now = self.stored()
            self.assertEqual(now["status"], status)
            self.assertGreater(now["updated_at"], before["updated_at"])
            self.assertEqual(model.updated_at, now["updated_at"])
            if hasattr(model, "lock_version"):
                self.assertEqual(model.lock_version, now["lock_version"])
            before = now
        self.assertEqual(self.save_by_function(model.updated_at, "closed", None, "ana")["outcome"], "updated")

    def case_own_lock(self):
        first, second = self.read(self.key), self.read(self.key)
        first.status = "won"
        self.save(first)
        second.status = "lost"
        with self.assertRaises(self.stale):
            self.save(second)
        third = self.read(self.key)
        self.assertEqual(self.save_by_function(third.updated_at, "paid", None, "ana")["outcome"], "updated")
        third.phone = "2"
        with self.assertRaises(self.stale):
            self.save(third)
        fresh = self.read(self.key)
        fresh.phone = "3"
        self.save(fresh)
        now = self.stored()
        self.assertEqual((now["status"], now["phone"]), ("paid", "3"))

    def case_bulk_insert(self):
        self.insert_many([{"name": "bulk 1", "status": "new"}, {"name": "bulk 2", "status": "new"}])
        self.assertEqual(len(self.rows("SELECT FROM customers WHERE name LIKE 'bulk _'")), 2)

    def case_bulk_update(self):
        bulk = "SELECT id, status, updated_at FROM customers WHERE name LIKE 'bulk _' ORDER BY id"
        changes = "SELECT count(*) AS n FROM crm.customers_history"
        before, recorded = self.rows(bulk), self.rows(changes)[0]["n"]
        self.update_many([row["id"] for row in before], "won")
        for old, new in zip(before, self.rows(bulk)):
            self.assertEqual(new["status"], "won")
            self.assertGreater(new["updated_at"], old["updated_at"])
        self.assertEqual(self.rows(changes)[0]["n"], recorded + 2)

    def case_upsert(self):
        before = self.stored()
        self.upsert({"name": before["name"], "status": "upserted"})
        now = self.stored()
        self.assertEqual(now["status"], "upserted")
        self.assertGreater(now["updated_at"], before["updated_at"])
        self.assertEqual(self.save_by_function(before["updated_at"], "won", None, "ana")["outcome"], "conflict")

    def case_function(self):
        saved = self.save_by_function(self.read(self.key).updated_at, "won", "Signed", "ana")
        self.assertEqual((saved["outcome"], saved["http_status"]), ("updated", 200))
        saved = self.save_by_function(saved["updated_at"], "paid", None, "ana")
        self.assertEqual(saved["outcome"], "updated")
        # as a browser sends it back
        sent = self.read(self.key).updated_at.isoformat(timespec="milliseconds")
        self.assertEqual(self.save_by_function(sent, "closed", None, "ana")["outcome"], "updated")
        self.assertEqual(self.comments(), ["Signed"])

    def case_conflict(self):
        seen = self.read(self.key).updated_at
        self.save_by_function(seen, "lost", None, "ben")
        refused = self.save_by_function(seen, "won", "Signed", "ana")
        self.assertEqual((refused["outcome"], refused["http_status"]), ("conflict", 409))
        self.assertEqual(refused["detail"]["conflicts"],
                         [{"field": "status", "was": "new", "mine": "won", "theirs": "lost"}])
        self.assertEqual(self.save_by_function(refused["updated_at"], "won", "Signed", "ana")["outcome"], "updated")
        self.assertEqual(self.comments(), ["Signed"])

    def case_commit_rule(self):
        seen = self.read(self.key).updated_at
        self.save_by_function(seen, "lost", None, "ben")
        refused = self.transaction(
            lambda transaction: self.call([self.key, seen, "won", "kept", "ana"], transaction))
        self.assertEqual(refused["outcome"], "conflict")
        self.assertEqual(self.comments(), ["kept"])

        def throws(transaction):
            self.call([self.key, seen, "won", "lost with the transaction", "eve"], transaction)
            raise Thrown

        with self.assertRaises(Thrown):
            self.transaction(throws)
        self.assertEqual(self.comments(), ["kept"])

    def case_schema_tool(self):
        self.save_by_function(self.stored()["updated_at"], "won", "before", "ana")
        self.schema_tool()
        self.is_well()
        self.assertEqual(self.comments(), ["before"])
        self.assertEqual(self.save_by_function(self.stored()["updated_at"], "paid", "after", "ana")["outcome"],
                         "updated")

    def case_reset(self):
        self.reset()
        # Where it dropped the table and made it again, what is left of ours is dropped, too, as crm_doctor tells.
        if not self.rows("SELECT FROM crm.crm_attached_tables WHERE customers = 'customers'::regclass"):
            attach = (HERE / "attach.sql").read_text(encoding="utf-8")
            with self.assertRaisesRegex(psycopg.errors.DuplicateTable, "crm_doctor"):
                self.db.execute(attach)
            self.db.execute(self.rows("SELECT hint FROM crm.crm_doctor() "
                                      "WHERE finding ~ '^an attached table was dropped'")[0]["hint"])
            self.db.execute(attach)
        self.key = self.rows("INSERT INTO customers (name, status) VALUES ('after', 'new') RETURNING id")[0]["id"]
        saved = self.save_by_function(self.read(self.key).updated_at, "won", "Signed", "ana")
        self.assertEqual(saved["outcome"], "updated")
        self.is_well()


def note(library, case, result):
    if "CLIENTS_MATRIX" in os.environ:
        with open(os.environ["CLIENTS_MATRIX"], "a", encoding="utf-8") as matrix:
            matrix.write(f"{library}\t{case}\t{result}\n")


def test_of(case, library):
    def test(self):
        note(library, case, "FAILED")
        getattr(self, "case_" + case.replace(" ", "_"))()
        note(library, case, "ok")

    return test


def run(client):
    """Runs all cases of a library in their order, and then its own methods case_NAME."""
    own = [name[len("case_"):].replace("_", " ") for name in vars(client) if name.startswith("case_")]
    for number, case in enumerate(CASES + own):
        operation = getattr(client, OPERATIONS.get(case, case.replace(" ", "_")), None)
        if isinstance(operation, str):
            note(client.library, case, operation)
        else:
            setattr(client, f"test_{number:02}_{case.replace(' ', '_')}", test_of(case, client.library))
    tests = unittest.defaultTestLoader.loadTestsFromTestCase(client)
    raise SystemExit(not unittest.TextTestRunner().run(tests).wasSuccessful())
