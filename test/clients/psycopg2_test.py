"""psycopg 2: the application writes its own SQL."""

import unittest
from types import SimpleNamespace

import psycopg2
from psycopg2.extras import RealDictCursor, execute_values

from cases import SAVE, Cases, run


class Stale(Exception):
    pass


class Psycopg2(Cases, unittest.TestCase):
    library = "psycopg2"
    stale = Stale
    schema_tool = "a driver has none"
    reset = "a driver has none"

    @classmethod
    def open(cls, parameters):
        cls.connection = psycopg2.connect(**parameters, cursor_factory=RealDictCursor)

    @classmethod
    def close(cls):
        cls.connection.close()

    def one(self, statement, values):
        with self.connection, self.connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchone()

    def read(self, key):
        return SimpleNamespace(**self.one("SELECT * FROM customers WHERE id = %s", [key]))

    def save(self, model):
        saved = self.one("UPDATE customers SET status = %s, phone = %s, lock_version = lock_version + 1 "
                         "WHERE id = %s AND lock_version = %s RETURNING *",
                         [model.status, model.phone, model.id, model.lock_version])
        if saved is None:
            raise Stale
        vars(model).update(saved)

    def insert_many(self, rows):
        with self.connection, self.connection.cursor() as cursor:
            execute_values(cursor, "INSERT INTO customers (name, status) VALUES %s",
                           [(row["name"], row["status"]) for row in rows])

    def update_many(self, keys, status):
        with self.connection, self.connection.cursor() as cursor:
            cursor.execute("UPDATE customers SET status = %s WHERE id = ANY (%s)", [status, keys])

    def upsert(self, row):
        with self.connection, self.connection.cursor() as cursor:
            cursor.execute("INSERT INTO customers (name, status) VALUES (%(name)s, %(status)s) "
                           "ON CONFLICT (name) DO UPDATE SET status = EXCLUDED.status", row)

    def call(self, values, transaction=None):
        if transaction is None:
            return self.transaction(lambda connection: self.call(values, connection))
        # region save
        with transaction.cursor() as cursor:  # of a RealDictCursor; detail is a dict
            cursor.execute(SAVE, values)
            return cursor.fetchone()
        # endregion

    def transaction(self, callback):
        # region transaction
        # commits at the end of the block, also a refused save; rolls back when it raises
        with self.connection:
            return callback(self.connection)
        # endregion


if __name__ == "__main__":
    run(Psycopg2)
