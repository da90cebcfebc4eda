"""psycopg 3: the application writes its own SQL."""

import unittest
from types import SimpleNamespace

import psycopg
from psycopg.rows import dict_row

from cases import SAVE, Cases, run


class Stale(Exception):
    pass


class Psycopg(Cases, unittest.TestCase):
    library = "psycopg"
    stale = Stale
    schema_tool = "a driver has none"
    reset = "a driver has none"

    @classmethod
    def open(cls, parameters):
        cls.connection = psycopg.connect(**parameters, autocommit=True, row_factory=dict_row)

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
        # with row_factory=dict_row; detail is a dict
        return self.connection.execute(SAVE, values).fetchone()
        # endregion

    def transaction(self, callback):
        # region transaction
        # commits at the end of the block, also a refused save; rolls back when it raises
        with self.connection.transaction():
            return callback(self.connection)
        # endregion


if __name__ == "__main__":
    run(Psycopg)
