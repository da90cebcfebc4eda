"""Django: it has no optimistic lock of its own, and does not read what triggers make."""

# pylint: disable=no-member,unused-argument,ungrouped-imports

import json
import unittest
import django
from django.conf import settings
from django.core.management import call_command

from cases import SAVE, Cases, new_database, run

PARAMETERS = new_database("clients_django", "DROP COLUMN lock_version")
settings.configure(
    USE_TZ=True,
    INSTALLED_APPS=["__main__"],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "NAME": PARAMETERS["dbname"],
                           "USER": PARAMETERS["user"], "PASSWORD": PARAMETERS["password"],
                           "HOST": PARAMETERS["host"], "PORT": PARAMETERS["port"]}},
)
django.setup()

# pylint: disable=wrong-import-position
from django.core.management.base import CommandError  # noqa: E402
from django.db import connection, models, transaction as transactions  # noqa: E402


# region model
class Customer(models.Model):
    name = models.TextField(unique=True)
    status = models.TextField(null=True)
    phone = models.TextField(null=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        app_label = "__main__"
        db_table = "customers"
# endregion


class Django(Cases, unittest.TestCase):
    library = "Django"
    table = "DROP COLUMN lock_version"
    schema_tool = "its migrations are made from the models alone"
    own_lock = "it has none: a stale save() overwrites, as it always did, and the history has both"

    @classmethod
    def open(cls, parameters):
        connection.ensure_connection()

    @classmethod
    def close(cls):
        connection.close()

    def read(self, key):
        return Customer.objects.get(pk=key)

    def save(self, model):
        # region reload
        model.save()
        # the version that was stored, which may be another than auto_now made
        model.refresh_from_db(fields=["updated_at"])
        # endregion

    def insert_many(self, rows):
        Customer.objects.bulk_create([Customer(**row) for row in rows])

    def update_many(self, keys, status):
        customers = list(Customer.objects.filter(pk__in=keys))
        for customer in customers:
            customer.status = status
        Customer.objects.bulk_update(customers, ["status"])

    def upsert(self, row):
        Customer.objects.update_or_create(name=row["name"], defaults={"status": row["status"]})

    def call(self, values, transaction=None):
        # region save
        with connection.cursor() as cursor:
            cursor.execute(SAVE, values)
            saved = dict(zip([column.name for column in cursor.description], cursor.fetchone()))
        saved["detail"] = json.loads(saved["detail"] or "null")  # Django leaves jsonb as text
        return saved
        # endregion

    def transaction(self, callback):
        # region transaction
        # commits at the end of the block, also a refused save; rolls back when it raises
        with transactions.atomic():
            return callback(None)
        # endregion

    def case_stale_save(self):
        self.assertEqual(self.after_a_stale_save(), ("new", "2"))

    def reset(self):
        with self.assertRaises(CommandError):  # crm_concurrency refuses TRUNCATE, which nobody could undo
            call_command("flush", interactive=False, verbosity=0)
        # region reset
        # of tests alone; the history goes as well, since keys begin again
        with connection.cursor() as cursor:
            cursor.execute("SET crm_concurrency.allow_truncate = on")
            cursor.execute("TRUNCATE customers, crm.customers_history, crm.customers_deletions, "
                           "crm.customers_comment_edits, crm.customers_refused_saves RESTART IDENTITY CASCADE")
        # endregion
        self.assertEqual(Customer.objects.count(), 0)


if __name__ == "__main__":
    run(Django)
