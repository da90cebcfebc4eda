"""PDO, of PHP."""

import unittest

from cases import run
from remote import Remote


class Pdo(Remote, unittest.TestCase):
    library = "PDO"
    command = ["php", "php/pdo.php"]

    def case_formats_of_a_date_time(self):
        """A version is cut to seconds by the formats that have none below: always a conflict."""
        formats = self.ask("formats", version=self.read(self.key).updated_at.isoformat())
        self.assertEqual(self.save_by_function(formats["atom"], "won", None, "ana")["outcome"], "conflict")
        self.assertEqual(self.save_by_function(formats["whole"], "won", None, "ana")["outcome"], "updated")


if __name__ == "__main__":
    run(Pdo)
