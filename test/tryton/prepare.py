"""Gives a new Tryton a company with users, parties and opportunities."""

import argparse
# The methods of its models are of descriptors that pylint does not know.
# pylint: disable=no-value-for-parameter

from datetime import date

from proteus import Model, Wizard, config

from client import PASSWORD, URL, TrytonUser, session_header


def create_company():
    currency = Model.get("currency.currency")(name="Euro", code="EUR", symbol="€")
    currency.save()
    party = Model.get("party.party")(name="The company")
    party.save()
    wizard = Wizard("company.company.config")
    wizard.execute("company")
    wizard.form.party = party
    wizard.form.currency = currency
    wizard.execute("add")
    company, = Model.get("company.company").find()
    return company.id


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=30)
    parser.add_argument("--records", type=int, default=5)
    arguments = parser.parse_args()

    config.set_xmlrpc(URL, headers=[session_header("admin")])
    company = create_company()
    admin = TrytonUser("admin")
    groups, = admin.call("res.user", "read", [1], ["groups"])
    admin.call("res.user", "create", [
        {"name": f"User {n}", "login": f"user{n}", "password": PASSWORD, "groups": [("add", groups["groups"])],
         "companies": [("add", [company])], "company": company} for n in range(1, arguments.users + 1)])
    user = TrytonUser("user1")
    parties = user.call("party.party", "create", [{"name": f"Party {n}"} for n in range(1, arguments.records + 1)])
    user.call("sale.opportunity", "create", [
        {"party": party, "company": company, "start_date": date(2026, 1, 5), "description": "New roof",
         "comment": "Asked", "conversion_probability": 0.5, "state": "lead"} for party in parties])


main()
