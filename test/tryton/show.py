"""Shows what a user of Tryton is told who saves what a function saved meanwhile."""

import json
import xmlrpc.client

from client import TrytonUser, connect, row

SAVE = "SELECT outcome || ': ' || message FROM crm_update_customer(%s, %s, NULL, %s, 'web1', fields => %s)"


def main():
    user, web = TrytonUser("user1"), connect()
    key, = row(web, "SELECT id FROM party_party WHERE name ~ '^Party 1 '")
    _, seen = user.read("party.party", key, "name")
    print("A user of Tryton opens party", key, "and types another name.")
    version, = row(web, "SELECT updated_at FROM party_party WHERE id = %s", key)
    print("The website saves it first:", *row(
        web, SAVE, key, version, "Told on the website", json.dumps({"name": "Party 1 Ltd"})))
    try:
        user.write("party.party", key, {"name": "Party 1 Inc"}, seen)
        raise SystemExit("Tryton saved over it.")
    except xmlrpc.client.Fault as fault:
        print(f"The user saves, and Tryton says: {fault.faultString}")
    name, seen = user.read("party.party", key, "name")
    print(f'The user opens it again, and sees "{name}".')
    version, = row(web, "SELECT updated_at FROM party_party WHERE id = %s", key)
    user.write("party.party", key, {"name": "Party 1 Limited"}, seen)
    print('The user saves "Party 1 Limited", and Tryton takes it.')
    print("The website, which has not looked since its save, saves again:", *row(
        web, SAVE, key, version, "They called again", json.dumps({"name": "Party 1 AG"})))


main()
