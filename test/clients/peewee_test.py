"""Peewee: it has no optimistic lock of its own, and does not read what triggers make."""

# pylint: disable=no-value-for-parameter,unused-argument

import unittest

import peewee
from playhouse.postgres_ext import DateTimeTZField, PostgresqlExtDatabase
from playhouse.reflection import Introspector

from cases import Cases, run

database = PostgresqlExtDatabase(None, register_hstore=False)


# region model
class Customer(peewee.Model):
    id = peewee.BigAutoField()
    name = peewee.TextField(unique=True)
    status = peewee.TextField(null=True)
    phone = peewee.TextField(null=True)
    updated_at = DateTimeTZField(constraints=[peewee.SQL("DEFAULT now()")])

    class Meta:
        database = database
        table_name = "customers"
        only_save_dirty = True
# endregion


class Peewee(Cases, unittest.TestCase):
    library = "Peewee"
    own_lock = "it has none: a stale save() overwrites, as it always did, and the history has both"

    @classmethod
    def open(cls, parameters):
        database.init(parameters["dbname"], user=parameters["user"], password=parameters["password"],
                      host=parameters["host"], port=parameters["port"])
        database.connect()

    @classmethod
    def close(cls):
        database.close()

    def read(self, key):
        return Customer.get_by_id(key)

    def save(self, model):
        # region reload
        with database.atomic():
            model.save()
            # the version that was stored
            model.updated_at = Customer.get_by_id(model.id).updated_at
        # endregion

    def insert_many(self, rows):
        Customer.insert_many(rows).execute()

    def update_many(self, keys, status):
        Customer.update(status=status).where(Customer.id.in_(keys)).execute()

    def upsert(self, row):
        Customer.insert(row).on_conflict(
            conflict_target=[Customer.name], update={Customer.status: row["status"]}).execute()

    def call(self, values, transaction=None):
        # region save
        cursor = database.execute_sql("SELECT * FROM crm_update_customer(%s, %s, %s, %s, %s)", values)
        return dict(zip([column.name for column in cursor.description], cursor.fetchone()))
        # endregion

    def transaction(self, callback):
        # region transaction
        # commits at the end of the block, also a refused save; rolls back when it raises
        with database.atomic():
            return callback(database)
        # endregion

    def schema_tool(self):
        """Its introspection sees the schema of the application alone."""
        self.assertEqual(list(Introspector.from_database(database).generate_models()), ["customers"])

    def case_stale_save(self):
        self.assertEqual(self.after_a_stale_save(), ("won", "2"))

    def reset(self):
        with self.assertRaisesRegex(peewee.InternalError, "customers_comments"), database.atomic():
            database.drop_tables([Customer])
        database.drop_tables([Customer], cascade=True)
        database.create_tables([Customer])


if __name__ == "__main__":
    run(Peewee)
