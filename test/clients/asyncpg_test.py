"""asyncpg: the application writes its own SQL."""

import asyncio
import json
import threading
import unittest
from datetime import datetime
from types import SimpleNamespace

import asyncpg

from cases import Cases, run


class Stale(Exception):
    pass


class Asyncpg(Cases, unittest.TestCase):
    library = "asyncpg"
    stale = Stale
    schema_tool = "a driver has none"
    reset = "a driver has none"

    @classmethod
    def open(cls, parameters):
        cls.loop = asyncio.new_event_loop()
        cls.thread = threading.Thread(target=cls.loop.run_forever)
        cls.thread.start()
        cls.connection = cls.wait(cls.connect(parameters))

    @classmethod
    async def connect(cls, parameters):
        connection = await asyncpg.connect(
            user=parameters["user"], password=parameters["password"], host=parameters["host"],
            port=parameters["port"], database=parameters["dbname"])
        # region codec
        # otherwise detail is text
        await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads)
        # endregion
        return connection

    @classmethod
    def close(cls):
        cls.wait(cls.connection.close())
        cls.loop.call_soon_threadsafe(cls.loop.stop)
        cls.thread.join()
        cls.loop.close()

    @classmethod
    def wait(cls, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, cls.loop).result()

    def read(self, key):
        return SimpleNamespace(**self.wait(self.connection.fetchrow("SELECT * FROM customers WHERE id = $1", key)))

    def save(self, model):
        saved = self.wait(self.connection.fetchrow(
            "UPDATE customers SET status = $3, phone = $4, lock_version = lock_version + 1 "
            "WHERE id = $1 AND lock_version = $2 RETURNING *", model.id, model.lock_version, model.status, model.phone))
        if saved is None:
            raise Stale
        vars(model).update(saved)

    def insert_many(self, rows):
        self.wait(self.connection.copy_records_to_table(
            "customers", columns=["name", "status"], records=[(row["name"], row["status"]) for row in rows]))

    def update_many(self, keys, status):
        self.wait(self.connection.executemany(
            "UPDATE customers SET status = $2 WHERE id = $1", [(key, status) for key in keys]))

    def upsert(self, row):
        self.wait(self.connection.execute(
            "INSERT INTO customers (name, status) VALUES ($1, $2) "
            "ON CONFLICT (name) DO UPDATE SET status = EXCLUDED.status", row["name"], row["status"]))

    # region save
    # values: [id, updated_at as it was read, status, comment, author]
    async def saved(self, values):
        key, seen, *others = values
        if isinstance(seen, str):  # as a browser sends it back: asyncpg binds nothing but a datetime
            seen = datetime.fromisoformat(seen)
        return dict(await self.connection.fetchrow(
            "SELECT * FROM crm_update_customer($1, $2, $3, $4, $5)", key, seen, *others))
    # endregion

    def call(self, values, transaction=None):  # pylint: disable=unused-argument
        return self.wait(self.saved(values))

    # region transaction
    # commits at the end of the block, also a refused save; rolls back when it raises
    async def in_transaction(self, callback):
        async with self.connection.transaction():
            return await callback(self.connection)
    # endregion

    def transaction(self, callback):
        return self.wait(self.in_transaction(lambda connection: asyncio.to_thread(callback, connection)))


if __name__ == "__main__":
    run(Asyncpg)
