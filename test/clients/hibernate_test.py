"""Hibernate, of Java."""

import unittest

from cases import run
from java_program import JavaProgram
from remote import Failed


class Hibernate(JavaProgram, unittest.TestCase):
    library = "Hibernate"
    main = "Hibernate"
    jars = ("hibernate3", "geronimo-jpa_2.0_spec", "geronimo-jta-1.2-spec", "hibernate-commons-annotations",
            "slf4j-api", "slf4j-nop", "dom4j", "commons-collections3", "antlr", "javassist")
    stale_error = "StaleObjectStateException"
    table = "DROP COLUMN lock_version"

    def schema_tool(self):
        """hbm2ddl.auto=update, and then validate."""
        self.ask("schema_tool")

    def reset(self):
        """hbm2ddl.auto=create drops the table."""
        self.ask("reset")
        self.assertEqual(self.rows("SELECT FROM crm.crm_attached_tables WHERE customers = 'customers'::regclass"), [])

    def case_fields_are_cast(self):
        model = self.read(self.key)
        self.save_by_function(model.updated_at, "lost", None, "ben")
        told = {"id": self.key, "version": model.updated_at.kept, "fields": '{"phone": "555 0100"}'}
        with self.assertRaisesRegex(Failed, "Parameter fields does not exist"):
            self.ask("merge_by_colons", **told)
        self.assertEqual(self.ask("merge", **told), {"outcome": "merged"})


if __name__ == "__main__":
    run(Hibernate)
