"""psycopg 3: the application writes its own SQL."""

import contextlib
import threading
import unittest
from types import SimpleNamespace

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from cases import SAVE, Cases, run

USERS = 30


class Stale(Exception):
    pass


class Psycopg(Cases, unittest.TestCase):
    library = "psycopg"
    stale = Stale
    schema_tool = "a driver has none"
    reset = "a driver has none"

    @classmethod
    def open(cls, parameters):
        # region connection
        # without autocommit a statement begins a transaction, of which transaction() is no more than a savepoint
        cls.connection = psycopg.connect(**parameters, autocommit=True, row_factory=dict_row)
        # endregion

    @classmethod
    def close(cls):
        cls.connection.close()

    def read(self, key):
        return SimpleNamespace(**self.connection.execute("SELECT * FROM customers WHERE id = %s", [key]).fetchone())

    def save(self, model):
        saved = self.connection.execute(
            "UPDATE customers SET status = %s, phone = %s, lock_version = lock_version + 1 "
            "WHERE id = %s AND lock_version = %s RETURNING *",
            [model.status, model.phone, model.id, model.lock_version]).fetchone()
        if saved is None:
            raise Stale
        vars(model).update(saved)

    def insert_many(self, rows):
        with self.connection.cursor() as cursor, cursor.copy("COPY customers (name, status) FROM STDIN") as copy:
            for row in rows:
                copy.write_row((row["name"], row["status"]))

    def update_many(self, keys, status):
        with self.connection.cursor() as cursor:
            cursor.executemany("UPDATE customers SET status = %s WHERE id = %s", [(status, key) for key in keys])

    def upsert(self, row):
        self.connection.execute("INSERT INTO customers (name, status) VALUES (%(name)s, %(status)s) "
                                "ON CONFLICT (name) DO UPDATE SET status = EXCLUDED.status", row)

    def call(self, values, transaction=None):  # pylint: disable=unused-argument
        # region save
        return self.connection.execute(SAVE, values).fetchone()
        # endregion

    def transaction(self, callback):
        # region transaction
        # commits at the end of the block, also a refused save; rolls back when it raises
        with self.connection.transaction():
            return callback(self.connection)
        # endregion

    def case_types(self):
        seen = self.read(self.key).updated_at
        saved = self.call([self.key, seen, "lost", None, "ben"])
        self.assertIsNone(saved["detail"])
        self.assertIsInstance(self.call([self.key, seen, "won", "Signed", "ana"])["comment_id"], int)

    def case_named_arguments(self):
        seen = self.read(self.key).updated_at
        self.call([self.key, seen, "lost", None, "ben"])
        merged = self.connection.execute(
            "SELECT * FROM crm_update_customer(%s, %s, NULL, NULL, 'ana', merge => true, fields => %s)",
            (self.key, seen, Jsonb({"phone": "555 0100"}))).fetchone()
        self.assertEqual(merged["outcome"], "merged")

    def case_errors(self):
        with self.assertRaises(psycopg.Error) as raised:
            self.call([self.key, None, "won", None, "ana"])
        self.assertEqual(raised.exception.sqlstate, "PT428")
        self.assertIn("updated_at", raised.exception.diag.message_hint)

    def case_block_without_autocommit(self):
        seen = self.read(self.key).updated_at
        with psycopg.connect(**self.parameters, row_factory=dict_row) as connection:
            saved = connection.execute(SAVE, [self.key, seen, "won", "Kept", "ana"]).fetchone()
            self.assertEqual(saved["outcome"], "updated")
        self.assertEqual(self.read(self.key).status, "won")
        self.assertEqual(self.comments(), ["Kept"])

    def case_savepoint(self):
        """What was said to be saved is lost with a connection that is closed without a commit."""
        with contextlib.closing(psycopg.connect(**self.parameters, row_factory=dict_row)) as connection:
            seen = connection.execute("SELECT * FROM customers WHERE id = %s", [self.key]).fetchone()["updated_at"]
            with connection.transaction():
                saved = connection.execute(SAVE, [self.key, seen, "won", "Lost", "ana"]).fetchone()
        self.assertEqual(saved["outcome"], "updated")
        self.assertEqual(self.read(self.key).status, "new")

    def case_30_at_once(self):
        """One wins, the others are told, every comment is there."""
        seen = self.read(self.key).updated_at
        answers = []
        ready = threading.Barrier(USERS)

        def save(number):
            with psycopg.connect(**self.parameters, autocommit=True, row_factory=dict_row) as connection:
                ready.wait(timeout=60)
                values = [self.key, seen, f"status {number}", f"comment {number}", f"user{number}"]
                answers.append(connection.execute(SAVE, values).fetchone()["outcome"])

        threads = [threading.Thread(target=save, args=(number,)) for number in range(USERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual((answers.count("updated"), answers.count("conflict")), (1, USERS - 1))
        self.assertEqual(len(set(self.comments())), USERS)
        self.assertEqual(self.rows("SELECT * FROM crm.crm_verify(%s)", [self.key]), [])

    def case_customer_as_json(self):
        customer = self.connection.execute("SELECT crm_get_customer(%s) AS customer", [self.key]).fetchone()["customer"]
        self.assertEqual(customer["customer"]["id"], self.key)


if __name__ == "__main__":
    run(Psycopg)
