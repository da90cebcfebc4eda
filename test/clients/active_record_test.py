"""ActiveRecord, of Ruby on Rails."""

import unittest

import psycopg
from psycopg.rows import dict_row

from cases import run
from remote import Remote


class ActiveRecord(Remote, unittest.TestCase):
    library = "ActiveRecord"
    command = ["ruby", "ruby/active_record.rb"]
    stale_error = "ActiveRecord::StaleObjectError"

    def schema_tool(self):
        """structure.sql makes a database where the customers are attached."""
        loaded = self.parameters["dbname"] + "_loaded"
        self.db.execute(f"DROP DATABASE IF EXISTS {loaded} WITH (FORCE)")
        self.ask("schema_tool")
        with psycopg.connect(**{**self.parameters, "dbname": loaded}, autocommit=True,
                             row_factory=dict_row) as database:
            database.execute("SET search_path = public, crm")
            seen = database.execute(
                "INSERT INTO customers (name) VALUES ('loaded') RETURNING id, updated_at").fetchone()
            saved = database.execute("SELECT outcome FROM crm.crm_update_customer(%s, %s, 'won', 'Signed', 'ana')",
                                     [seen["id"], seen["updated_at"]]).fetchone()
            self.assertEqual(saved["outcome"], "updated")
            found = database.execute(
                "SELECT * FROM crm.crm_doctor() WHERE check_name <> 'settings' AND status = 'error'").fetchall()
            self.assertEqual(found, [])

    def reset(self):
        """A superuser's truncation by Rails disables triggers, so that even the registry is emptied."""
        self.ask("reset")
        self.assertEqual(self.rows("SELECT FROM crm.crm_attached_tables"), [])
        self.db.execute("SELECT crm.crm_attach('customers', companions_schema => 'crm', also_bump => '{lock_version}')")

    def case_schema_rb_has_no_triggers(self):
        written = self.ask("schema_rb")["written"]
        self.assertIn('create_table "customers"', written)
        self.assertIn('Could not dump table "crm_attached_tables"', written)
        self.assertNotIn("zz_crm_version", written)

    def case_time_of_the_save(self):
        self.saves_at_the_time()


if __name__ == "__main__":
    run(ActiveRecord)
