"""What a Python developer meets with psycopg: DATABASE_URL names a database with the extension and its tables."""

import os
import threading
import unittest
from datetime import datetime, timedelta, timezone

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

USERS = 30
SAVE = "SELECT * FROM crm_update_customer(%s, %s, %s, %s, %s)"


def connect(**options):
    return psycopg.connect(os.environ["DATABASE_URL"], row_factory=dict_row, **options)


class Psycopg(unittest.TestCase):
    def setUp(self):
        self.connection = connect(autocommit=True)
        self.addCleanup(self.connection.close)
        self.id = self.one("INSERT INTO customers (name, phone) VALUES ('Acme', '1') RETURNING id")["id"]

    def one(self, statement, values=()):
        return self.connection.execute(statement, values).fetchone()

    def seen(self):
        return self.one("SELECT updated_at FROM customers WHERE id = %s", (self.id,))["updated_at"]

    def test_datetime_round_trip(self):
        seen = self.seen()
        self.assertIsInstance(seen, datetime)
        saved = self.one(SAVE, (self.id, seen, "won", "Signed", "ana"))
        self.assertEqual(saved["outcome"], "updated")
        self.assertIsNone(saved["detail"])
        elsewhere = timezone(timedelta(hours=5, minutes=45))
        saved = self.one(SAVE, (self.id, saved["updated_at"].astimezone(elsewhere), "paid", None, "ana"))
        self.assertEqual(saved["outcome"], "updated")

    def test_conflict_detail_is_a_dict(self):
        seen = self.seen()
        self.one(SAVE, (self.id, seen, "lost", None, "ben"))
        conflict = self.one(SAVE, (self.id, seen, "won", "Signed", "ana"))
        self.assertEqual((conflict["outcome"], conflict["http_status"]), ("conflict", 409))
        self.assertEqual(conflict["detail"]["conflicts"],
                         [{"field": "status", "was": "new", "mine": "won", "theirs": "lost"}])
        self.assertIsInstance(conflict["comment_id"], int)

    def test_fields_and_merge(self):
        seen = self.seen()
        self.one(SAVE, (self.id, seen, "lost", None, "ben"))
        merged = self.one(
            "SELECT * FROM crm_update_customer(%s, %s, NULL, NULL, 'ana', merge => true, fields => %s)",
            (self.id, seen, Jsonb({"phone": "555 0100"})),
        )
        self.assertEqual(merged["outcome"], "merged")

    def test_errors_have_sqlstate_and_hint(self):
        with self.assertRaises(psycopg.Error) as raised:
            self.one(SAVE, (self.id, None, "won", None, "ana"))
        self.assertEqual(raised.exception.sqlstate, "PT428")
        self.assertIn("updated_at", raised.exception.diag.message_hint)

    def test_a_block_that_raises_keeps_nothing(self):
        seen = self.seen()
        with self.assertRaises(ZeroDivisionError), connect() as connection, connection.transaction():
            connection.execute(SAVE, (self.id, seen, "won", "Not kept", "ana"))
            raise ZeroDivisionError
        self.assertEqual(self.seen(), seen)
        with connect() as connection:
            saved = connection.execute(SAVE, (self.id, seen, "won", "Kept", "ana")).fetchone()
            self.assertEqual(saved["outcome"], "updated")
        self.assertGreater(self.seen(), seen)

    def test_race(self):
        seen = self.seen()
        answers = []
        ready = threading.Barrier(USERS)

        def save(number):
            with connect(autocommit=True) as connection:
                ready.wait(timeout=60)
                saved = connection.execute(
                    SAVE, (self.id, seen, f"status {number}", f"comment {number}", f"user{number}")).fetchone()
                answers.append(saved["outcome"])

        threads = [threading.Thread(target=save, args=(number,)) for number in range(USERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual((answers.count("updated"), answers.count("conflict")), (1, USERS - 1))
        said = self.connection.execute("SELECT DISTINCT author, body FROM comments WHERE customer_id = %s",
                                       (self.id,)).fetchall()
        self.assertEqual(len(said), USERS)
        self.assertEqual(self.connection.execute("SELECT * FROM crm_verify(%s)", (self.id,)).fetchall(), [])

    def test_customer_as_json(self):
        customer = self.one("SELECT crm_get_customer(%s) AS customer", (self.id,))["customer"]
        self.assertEqual(customer["customer"]["id"], self.id)
        self.assertEqual(datetime.fromisoformat(customer["customer"]["updated_at"]), self.seen())


if __name__ == "__main__":
    unittest.main()
