"""Lets users of Tryton and of the functions change the same records, each from what it read, until its change is in.

Every change adds a word of its own to a text: a lost one is missing there, and one that was made twice is there twice.
"""

import argparse
import json
import threading
import xmlrpc.client
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from client import CONCURRENCY, TrytonUser, column, connect, row


@dataclass(frozen=True)
class Table:
    name: str
    model: str
    text: str
    save: str


TABLES = [
    Table("party_party", "party.party", "name",
          "SELECT outcome FROM crm_update_customer(%s, %s, NULL, NULL, %s, fields => %s)"),
    Table("sale_opportunity", "sale.opportunity", "comment",
          "SELECT outcome FROM crm_update_record('sale_opportunity', %s::text, %s, NULL, NULL, %s, fields => %s)"),
]


class ByTryton:
    says = "by Tryton"

    def __init__(self, number):
        self.name = f"user{number}"
        self.user = TrytonUser(self.name)

    def read(self, table, key):
        return self.user.read(table.model, key, table.text)

    def save(self, table, key, text, timestamp):
        """Whether it was accepted. What another transaction overtook Tryton tries again by itself, some times."""
        try:
            self.user.write(table.model, key, {table.text: text}, timestamp)
            return True
        except xmlrpc.client.Fault as fault:
            if fault.faultCode == CONCURRENCY or "could not serialize access" in fault.faultString:
                return False
            raise


class ByFunction:
    says = "by the function"

    def __init__(self, number):
        self.name = f"web{number}"
        self.connection = connect()

    def read(self, table, key):
        return row(self.connection, f"SELECT {table.text}, updated_at FROM {table.name} WHERE id = %s", key)

    def save(self, table, key, text, version):
        outcome, = row(self.connection, table.save, key, version, self.name, json.dumps({table.text: text}))
        if outcome not in ("updated", "conflict"):
            raise RuntimeError(f"{table.name} {key}: {outcome}")
        return outcome == "updated"


class Rounds:
    """Everyone reads before anyone saves; in every second the functions, which are faster, let Tryton go first."""

    def __init__(self, users):
        self.barrier = threading.Barrier(users)
        self.saved = defaultdict(threading.Event)

    def begin(self, user, turn, record):
        self.barrier.wait()
        if turn % 2 == 1 and isinstance(user, ByFunction):
            self.saved[turn, record].wait()

    def accepted(self, user, turn, record):
        if isinstance(user, ByTryton):
            self.saved[turn, record].set()

    def end(self, turns, records):
        self.barrier.abort()
        for turn in range(turns):
            for record in records:
                self.saved[turn, record].set()


def work(user, rounds, records, turns, number):
    """What it was told, and the words that it was told are in."""
    told, words = Counter(), []
    try:
        for turn in range(turns):
            table, key = record = records[(number + turn) % len(records)]
            word = f"{user.name}.{turn}"
            text, seen = user.read(table, key)
            rounds.begin(user, turn, record)
            while not user.save(table, key, f"{text} {word}", seen):
                told["conflicts"] += 1
                text, seen = user.read(table, key)
            rounds.accepted(user, turn, record)
            told["accepted"] += 1
            words.append((table, key, word))
    except BaseException:
        rounds.end(turns, records)
        raise
    return told, words


def history_rows(owner, by_tryton):
    """How many changes the history has by either side."""
    return sum(row(owner, f"SELECT count(*) FROM crm.{table.name}_history WHERE operation = 'update'"
                          " AND (db_user, author IS NULL) = (%s, %s)",
                   "tryton" if by_tryton else "crm_web", by_tryton)[0]
               for table in TABLES)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=30, help="who work through Tryton")
    parser.add_argument("--others", type=int, default=10, help="who save by the functions")
    parser.add_argument("--rounds", type=int, default=2, help="changes that each of them makes")
    arguments = parser.parse_args()

    owner = connect("TRYTON_OWNER")
    records = [(table, key) for table in TABLES for key in column(
        owner, f"SELECT id FROM {table.name} WHERE {table.text} ~ '^(Party [0-9]|Asked)' ORDER BY id")]
    users = ([ByTryton(n + 1) for n in range(arguments.users)] + [ByFunction(n + 1) for n in range(arguments.others)])
    before = {side: history_rows(owner, side is ByTryton) for side in (ByTryton, ByFunction)}
    rounds = Rounds(len(users))
    with ThreadPoolExecutor(len(users)) as pool:
        done = [pool.submit(work, user, rounds, records, arguments.rounds, n) for n, user in enumerate(users)]
        results = [future.result() for future in done]

    told = {side: Counter() for side in before}
    said = Counter()
    for user, (counts, words) in zip(users, results):
        told[type(user)] += counts
        said.update(words)
    found = Counter((table, key, word) for table, key in records for word in row(
        owner, f"SELECT {table.text} FROM {table.name} WHERE id = %s", key)[0].split() if "." in word)
    is_recorded = True
    for side, counts in told.items():
        rows = history_rows(owner, side is ByTryton) - before[side]
        is_recorded = is_recorded and rows == counts["accepted"]
        print(f"{sum(isinstance(user, side) for user in users)} users {side.says}: "
              f"{counts['accepted']} writes accepted, {rows} rows of history, {counts['conflicts']} conflicts told")
    print(f"tryton: {len(users)} users, {sum(told.values(), Counter())['accepted']} writes accepted, "
          f"{told[ByTryton]['conflicts']} conflicts told by Tryton, "
          f"{told[ByFunction]['conflicts']} told by the function, "
          f"{(said - found).total()} lost, {(found - said).total()} twice")
    return int(said != found or not is_recorded)


if __name__ == "__main__":
    raise SystemExit(main())
