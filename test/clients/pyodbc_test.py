"""ODBC, by pyodbc."""

# pylint: disable=c-extension-no-member,unused-argument

import json
import unittest
from datetime import timedelta, timezone
from types import SimpleNamespace

import pyodbc

from cases import Cases, run


class Stale(Exception):
    pass


def row_of(cursor):
    # an UPDATE … RETURNING of no row has no result
    row = cursor.fetchone() if cursor.description else None
    if row is None:
        return None
    columns = dict(zip((column[0] for column in cursor.description), row))
    columns["updated_at"] = columns["updated_at"].replace(tzinfo=timezone.utc)
    return columns


class Odbc(Cases, unittest.TestCase):
    library = "ODBC"
    stale = Stale
    schema_tool = "a driver has none"
    reset = "a driver has none"

    @classmethod
    def open(cls, parameters):
        attributes = {"Driver": "{PostgreSQL Unicode}", "Server": parameters["host"], "Port": parameters["port"],
                      "Database": parameters["dbname"], "Uid": parameters["user"], "Pwd": parameters["password"]}
        cls.database = "".join(f"{name}={value};" for name, value in attributes.items())
        # region connect
        # times have no zone in ODBC: they are of the session's, which must not have summer time
        cls.connection = pyodbc.connect(cls.database + "ConnSettings=SET TIME ZONE 'UTC'", autocommit=True)
        # endregion

    @classmethod
    def close(cls):
        cls.connection.close()

    def read(self, key):
        return SimpleNamespace(**row_of(self.connection.execute("SELECT * FROM customers WHERE id = ?", key)))

    def save(self, model):
        saved = row_of(self.connection.execute(
            "UPDATE customers SET status = ?, phone = ?, lock_version = lock_version + 1 "
            "WHERE id = ? AND lock_version = ? RETURNING *", model.status, model.phone, model.id, model.lock_version))
        if saved is None:
            raise Stale
        vars(model).update(saved)

    def insert_many(self, rows):
        self.connection.cursor().executemany("INSERT INTO customers (name, status) VALUES (?, ?)",
                                             [(row["name"], row["status"]) for row in rows])

    def update_many(self, keys, status):
        self.connection.cursor().executemany("UPDATE customers SET status = ? WHERE id = ?",
                                             [(status, key) for key in keys])

    def upsert(self, row):
        self.connection.execute("INSERT INTO customers (name, status) VALUES (?, ?) "
                                "ON CONFLICT (name) DO UPDATE SET status = EXCLUDED.status", row["name"], row["status"])

    def call(self, values, transaction=None):
        # region save
        saved = row_of(self.connection.execute("SELECT * FROM crm_update_customer(?, ?, ?, ?, ?)", values))
        # endregion
        saved["detail"] = json.loads(saved["detail"] or "null")
        return saved

    def transaction(self, callback):
        # region transaction
        self.connection.autocommit = False
        try:
            result = callback(self.connection)
            self.connection.commit()  # whatever the outcome is: it keeps the comment of a refused save
            return result
        except Exception:
            self.connection.rollback()
            raise
        finally:
            self.connection.autocommit = True
        # endregion

    def case_the_hour_that_summer_time_repeats(self):
        """02:30 in Berlin was twice on that day; in UTC it was not."""
        for zone, outcome in ("Europe/Berlin", "conflict"), ("UTC", "updated"):
            self.key = self.rows("INSERT INTO customers (name, updated_at) VALUES (%s, '2025-10-26 00:30:00+00') "
                                 "RETURNING id", [zone])[0]["id"]
            connection = pyodbc.connect(f"{self.database}ConnSettings=SET TIME ZONE '{zone}'", autocommit=True)
            seen = connection.execute("SELECT updated_at FROM customers WHERE id = ?", self.key).fetchval()
            saved = connection.execute("SELECT outcome FROM crm_update_customer(?, ?, 'won', NULL, 'ana')",
                                       self.key, seen).fetchval()
            connection.close()
            self.assertEqual((zone, saved), (zone, outcome))

    def case_the_zone_of_a_datetime_is_not_sent(self):
        seen = self.read(self.key).updated_at
        elsewhere = seen.astimezone(timezone(timedelta(hours=5, minutes=45)))
        self.assertEqual(elsewhere, seen)
        self.assertEqual(self.save_by_function(elsewhere, "won", None, "ana")["outcome"], "conflict")
        self.assertEqual(self.save_by_function(elsewhere.isoformat(), "won", None, "ana")["outcome"], "updated")


if __name__ == "__main__":
    run(Odbc)
