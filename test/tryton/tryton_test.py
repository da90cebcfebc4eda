"""Tryton, unmodified, on attached tables."""

# proteus makes the classes of the models at run time.
# pylint: disable=assigning-non-slot,no-member,no-value-for-parameter

import json
import re
import subprocess
import unittest
import xmlrpc.client
from datetime import date
from pathlib import Path

from proteus import Model, config

from client import CONCURRENCY, URL, column, connect, row, session_header

HERE = Path(__file__).parent
# What crm_doctor has to say of Tryton's tables, which are as Tryton makes them.
REMARKS = {"fillfactor warning", "indexes warning"}


def statements(file):
    return (HERE / file).read_text(encoding="utf-8")


class OnTryton(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        config.set_xmlrpc(URL, headers=[session_header("user1")])
        cls.Party = Model.get("party.party")
        cls.Opportunity = Model.get("sale.opportunity")
        cls.owner = connect("TRYTON_OWNER")
        cls.crm = connect()

    @classmethod
    def tearDownClass(cls):
        cls.owner.close()
        cls.crm.close()

    def new_party(self, name="Acme"):
        party = self.Party(name=name)
        party.save()
        return self.seen(self.Party, party.id)

    def new_opportunity(self):
        opportunity = self.Opportunity(party=self.new_party(), description="New roof", start_date=date(2026, 1, 5))
        opportunity.save()
        return self.seen(self.Opportunity, opportunity.id)

    @staticmethod
    def seen(model, key):
        """The record as a user has it before them: proteus reads fields when the first of them is asked for."""
        record = model(key)
        record.create_date  # pylint: disable=pointless-statement
        return record

    def assert_stale(self, save):
        with self.assertRaises(xmlrpc.client.Fault) as raised:
            save()
        self.assertEqual((raised.exception.faultCode, raised.exception.faultString),
                         (CONCURRENCY, "Records were modified in the meanwhile"))

    def version(self, table, key):
        return row(self.crm, f"SELECT updated_at FROM {table} WHERE id = %s", key)[0]

    def save_party(self, key, version=None, **fields):
        return row(self.crm, "SELECT outcome, detail"
                             " FROM crm_update_customer(%s, %s, NULL, 'By the web', 'web', fields => %s)",
                   key, version or self.version("party_party", key), json.dumps(fields))

    def save_opportunity(self, key, state=None, version=None, **fields):
        return row(self.crm, "SELECT outcome, detail"
                             " FROM crm_update_record('sale_opportunity', %s::text, %s, %s, NULL, 'web', fields => %s)",
                   key, version or self.version("sale_opportunity", key), state, json.dumps(fields))

    def history(self, table, key):
        return column(self.owner, f"SELECT operation FROM crm.{table}_history WHERE customer_id = %s ORDER BY version",
                      key)

    def problems(self):
        return (row(self.owner, "SELECT count(*) FROM crm.crm_verify_record('party_party')")
                + row(self.owner, "SELECT count(*) FROM crm.crm_verify_record('sale_opportunity')"))

    def remarks(self):
        """But for those on the server's settings, which are those of tests."""
        return set(column(self.owner, "SELECT check_name || ' ' || status FROM crm.crm_doctor()"
                                      " WHERE status <> 'ok' AND check_name <> 'settings'"))


class AtWork(OnTryton):
    def test_each_write_is_a_row_of_history(self):
        party = self.new_party()
        for name in "Acme Ltd", "Acme Inc":
            party.name = name
            party.save()
            self.assertEqual(self.seen(self.Party, party.id).name, name)
        copy, = self.Party.duplicate([party])
        self.assertEqual([found.id for found in self.Party.find([("name", "=", "Acme Inc")])], [party.id, copy.id])
        party.delete()
        copy.delete()
        self.assertEqual(self.Party.find([("name", "=", "Acme Inc")]), [])
        self.assertEqual(self.history("party_party", party.id), ["insert", "update", "update", "delete"])
        self.assertEqual(self.history("party_party", copy.id), ["insert", "delete"])
        self.assertEqual(self.problems(), (0, 0))

    def test_history_tells_who_wrote_in_tryton(self):
        party = self.new_party()
        party.name = "Acme Ltd"
        party.save()
        self.assertEqual(
            row(self.owner, "SELECT db_user, author, login, fields -> 'name' ->> 'to' FROM crm.party_party_history"
                            " JOIN res_user u ON u.id = (fields -> 'write_uid' ->> 'to')::integer"
                            " WHERE customer_id = %s", party.id),
            ("tryton", None, "user1", "Acme Ltd"))

    def test_buttons_move_an_opportunity(self):
        opportunity = self.new_opportunity()
        opportunity.click("lost")
        opportunity.click("lead")
        self.assertEqual(
            column(self.owner, "SELECT status_to FROM crm.sale_opportunity_history"
                               " WHERE customer_id = %s AND status_from IS DISTINCT FROM status_to ORDER BY version",
                   opportunity.id), ["lead", "lost", "lead"])
        copy, = self.Opportunity.duplicate([opportunity])
        self.assertEqual(copy.state, "lead")
        self.assertEqual(self.history("sale_opportunity", copy.id)[0], "insert")
        self.Opportunity.delete([opportunity, copy])
        self.assertEqual(self.history("sale_opportunity", copy.id)[-1], "delete")

    def test_tryton_shows_what_a_function_saved(self):
        opportunity = self.new_opportunity()
        self.assertEqual(self.save_opportunity(opportunity.id, "lost", lost_reason="Too dear")[0], "updated")
        opportunity = self.seen(self.Opportunity, opportunity.id)
        self.assertEqual((opportunity.state, opportunity.lost_reason), ("lost", "Too dear"))
        found = self.Opportunity.find([("lost_reason", "=", "Too dear"), ("state", "=", "lost")])
        self.assertEqual([record.id for record in found], [opportunity.id])

    def test_what_tryton_deleted_comes_back(self):
        party = self.new_party("Gone")
        party.delete()
        self.assertEqual(row(self.owner, "SET search_path = public, crm;"
                                         " SELECT outcome FROM crm_restore_customer(%s, 'ana')", party.id),
                         ("restored",))
        self.assertEqual(self.seen(self.Party, party.id).name, "Gone")

    def test_users_of_both_at_once(self):
        done = subprocess.run(["/usr/bin/python3", HERE / "load.py", "--rounds", "2"],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout.splitlines()[-1],
                         r"^tryton: 40 users, 80 writes accepted, [1-9]\d* conflicts told by Tryton, "
                         r"[1-9]\d* told by the function, 0 lost, 0 twice$")
        self.assertEqual(self.problems(), (0, 0))


class Stale(OnTryton):
    def test_tryton_is_told_of_the_first_save_of_a_party(self):
        # Tryton has not written it yet: its write_date is NULL.
        party = self.new_party()
        self.assertEqual(self.save_party(party.id, name="Acme Ltd")[0], "updated")
        party.name = "Acme Inc"
        self.assert_stale(party.save)
        self.assertEqual(self.seen(self.Party, party.id).name, "Acme Ltd")

    def test_tryton_is_told_of_each_save(self):
        key = self.new_party().id
        for n in range(3):
            party = self.seen(self.Party, key)
            self.assertEqual(self.save_party(key, name=f"By the web {n}")[0], "updated")
            party.name = f"By Tryton {n}"
            self.assert_stale(party.save)
            party = self.seen(self.Party, key)
            self.assertEqual(party.name, f"By the web {n}")
            party.name = f"By Tryton {n}"
            party.save()
            self.assertEqual(row(self.owner, "SELECT name FROM party_party WHERE id = %s", key), (f"By Tryton {n}",))

    def test_tryton_is_told_of_an_opportunity(self):
        opportunity = self.new_opportunity()
        self.assertEqual(self.save_opportunity(opportunity.id, comment="Asked again")[0], "updated")
        opportunity.comment = "Called"
        self.assert_stale(opportunity.save)
        self.assertEqual(self.seen(self.Opportunity, opportunity.id).comment, "Asked again")

    def test_tryton_deletes_nothing_that_was_saved_meanwhile(self):
        party = self.new_party()
        self.save_party(party.id, name="Acme Ltd")
        self.assert_stale(party.delete)
        self.assertEqual(self.history("party_party", party.id), ["insert", "update"])

    def test_function_is_told_of_tryton(self):
        party = self.new_party()
        version = self.version("party_party", party.id)
        party.name = "Acme Ltd"
        party.save()
        outcome, detail = self.save_party(party.id, version, name="Acme Inc")
        self.assertEqual((outcome, detail["changes"][0]["fields"]["name"]),
                         ("conflict", {"from": "Acme", "to": "Acme Ltd"}))
        self.assertEqual(self.seen(self.Party, party.id).name, "Acme Ltd")

    def test_function_is_told_of_an_opportunity(self):
        opportunity = self.new_opportunity()
        version = self.version("sale_opportunity", opportunity.id)
        opportunity.click("lost")
        self.assertEqual(self.save_opportunity(opportunity.id, "cancelled", version)[0], "conflict")
        self.assertEqual(self.seen(self.Opportunity, opportunity.id).state, "lost")


class Upkeep(OnTryton):
    def tearDown(self):
        self.assertEqual(self.remarks(), REMARKS)

    def guards(self):
        return (column(self.owner, "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1")
                + column(self.owner, "SELECT to_jsonb(t)::text FROM crm.crm_attached_tables t ORDER BY attached_at"))

    def work(self):
        """Tryton creates, writes and deletes."""
        party = self.new_party()
        party.name = "Acme Ltd"
        party.save()
        opportunity = self.new_opportunity()
        opportunity.comment = "Called"
        opportunity.save()
        opportunity.delete()
        party = self.seen(self.Party, party.id)
        self.assertEqual(party.name, "Acme Ltd")
        party.delete()
        return party.id, opportunity.id

    def assert_guarded(self):
        party, opportunity = self.work()
        self.assertEqual(self.history("party_party", party), ["insert", "update", "delete"])
        # Tryton cancels what it is to delete.
        self.assertEqual(self.history("sale_opportunity", opportunity), ["insert", *["update"] * 3, "delete"])

    def test_modules_are_updated(self):
        before = self.guards()
        subprocess.run(["bash", "-c", "tryton_admin -u party sale_opportunity"], check=True)
        self.assertEqual(self.guards(), before)
        self.assert_guarded()

    def test_detached(self):
        existing = self.new_party()
        for table in "sale_opportunity", "party_party":
            row(self.owner, f"SELECT crm.crm_detach('{table}')")
        try:
            party, _ = self.work()
            self.assertEqual(self.history("party_party", party), [])
            existing.name = "Detached"
            existing.save()
        finally:
            for attach in re.findall("^SELECT .*", statements("attach.sql"), re.MULTILINE):
                row(self.owner, attach)
        existing = self.seen(self.Party, existing.id)
        existing.name = "Attached"
        existing.save()
        # What was changed in between is a gap in the history.
        self.assertEqual(column(self.owner, "SELECT fields -> 'name' FROM crm.party_party_history"
                                            " WHERE customer_id = %s ORDER BY version", existing.id),
                         [{"to": "Acme"}, {"from": "Detached", "to": "Attached"}])
        self.assert_guarded()

    def test_dropped(self):
        detach = "SELECT crm.crm_detach('sale_opportunity'), crm.crm_detach('party_party')"
        for drop in (f"{detach}; DROP EXTENSION crm_concurrency; DROP SCHEMA crm CASCADE",
                     "DROP EXTENSION crm_concurrency CASCADE; DROP SCHEMA crm CASCADE"):
            with self.subTest(drop), self.owner.cursor() as cursor:
                existing = self.new_party()
                cursor.execute(drop)
                try:
                    self.work()
                    existing.name = "Dropped"
                    existing.save()
                    self.assertEqual(self.seen(self.Party, existing.id).name, "Dropped")
                finally:
                    cursor.execute(statements("attach.sql") + statements("grant.sql"))
                self.assert_guarded()


class Page(unittest.TestCase):
    def test_page_quotes_what_is_run(self):
        page = (HERE / "../../doc/adopting-tryton.md").read_text(encoding="utf-8")
        for file in "attach.sql", "grant.sql", "changes.sql":
            comment, statement = statements(file).split("\n", 1)
            self.assertTrue(comment.startswith("--"))
            self.assertIn(f"```sql\n{statement}```\n", page)


if __name__ == "__main__":
    unittest.main()
