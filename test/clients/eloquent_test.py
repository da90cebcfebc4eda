"""Eloquent, of Laravel."""

import unittest

from cases import run
from remote import Failed, Remote


class Eloquent(Remote, unittest.TestCase):
    library = "Eloquent"
    command = ["php", "php/eloquent.php"]
    table = "DROP COLUMN lock_version"
    own_lock = "it has none: a stale save() overwrites, as it always did, and the history has both"
    schema_tool = "migrations are written by hand"

    def reset(self):
        """migrate:fresh drops the tables, ours as well, and makes them again."""
        with self.assertRaisesRegex(Failed, "2BP01"):
            self.ask("reset", connection="drops everything")
        self.ask("reset")
        attached = self.rows("SELECT FROM crm.crm_attached_tables WHERE customers = 'customers'::regclass")
        self.assertEqual(len(attached), 1)

    def case_a_carbon_is_cut_to_seconds(self):
        self.assertEqual(self.ask("carbon", id=self.key), {"outcome": "conflict"})

    def case_time_of_the_save(self):
        self.saves_at_the_time()


if __name__ == "__main__":
    run(Eloquent)
