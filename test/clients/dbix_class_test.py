"""DBIx::Class, of Perl."""

import unittest

from cases import run
from remote import Remote


class DbixClass(Remote, unittest.TestCase):
    library = "DBIx::Class"
    command = ["perl", "perl/dbix_class.pl"]
    table = "DROP COLUMN lock_version"
    own_lock = "it has none: a stale save() overwrites, as it always did, and the history has both"
    schema_tool = "it deploys schemas, and compares none"

    def reset(self):
        """deploy() with add_drop_table."""
        self.ask("reset")

    def case_a_date_time_is_cut_to_seconds(self):
        texts = self.ask("date_time", id=self.key)
        self.assertEqual(self.save_by_function(texts["bound"], "won", None, "ana")["outcome"], "conflict")
        self.assertEqual(self.save_by_function(texts["formatted"], "won", None, "ana")["outcome"], "updated")


if __name__ == "__main__":
    run(DbixClass)
