"""Doctrine's ORM, of PHP."""

import unittest

from cases import run
from remote import Failed, Remote


class Doctrine(Remote, unittest.TestCase):
    library = "Doctrine"
    command = ["php", "php/doctrine.php"]
    stale_error = "Doctrine\\ORM\\OptimisticLockException"

    @classmethod
    def open(cls, parameters):
        # as Doctrine makes the key
        cls.db.execute("ALTER TABLE customers ALTER id DROP IDENTITY")
        cls.db.execute("CREATE SEQUENCE customers_id_seq OWNED BY customers.id")
        cls.db.execute("ALTER TABLE customers ALTER id SET DEFAULT nextval('customers_id_seq')")
        super().open(parameters)

    def schema_tool(self):
        self.assertIn("DROP TABLE crm.customers_history", self.ask("schema_tool", filtered=False, force=False)["sql"])
        self.assertEqual(self.ask("schema_tool", filtered=True, force=True)["sql"], [])

    def reset(self):
        """Its DROP TABLE has no CASCADE, and it says nothing of being refused."""
        with self.assertRaisesRegex(Failed, "42P07"):
            self.ask("reset")
        self.db.execute("DROP TABLE customers CASCADE")
        self.ask("reset")

    def case_datetimetz_is_of_whole_seconds(self):
        with self.assertRaisesRegex(Failed, "ConversionException"):
            self.ask("read_datetimetz", id=self.key)
        self.assertEqual(self.ask("datetimetz", id=self.key), {"outcome": "conflict"})


if __name__ == "__main__":
    run(Doctrine)
