"""JDBC, of Java."""

import unittest

from cases import run
from java_program import JavaProgram


class Jdbc(JavaProgram, unittest.TestCase):
    library = "JDBC"
    main = "Jdbc"

    def case_fields_are_cast(self):
        model = self.read(self.key)
        self.save_by_function(model.updated_at, "lost", None, "ben")
        told = {"id": self.key, "version": model.updated_at.kept, "fields": '{"phone": "555 0100"}'}
        self.assertEqual(self.ask("merge_without_cast", **told), {"sqlstate": "42883"})
        self.assertEqual(self.ask("merge", **told), {"outcome": "merged"})

    def case_a_timestamp_keeps_its_zone(self):
        version = self.read(self.key).updated_at.kept
        self.assertEqual(self.ask("timestamp", id=self.key, version=version), {"outcome": "updated"})


if __name__ == "__main__":
    run(Jdbc)
