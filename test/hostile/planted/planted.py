#!/usr/bin/python3
"""Plants code on attached tables, and looks whose rights it ever runs with.

alice and mallory own attached tables and plant code wherever PostgreSQL lets an owner do so, or a superuser for her:
places.py. bob, to whom alice granted what users need, and a superuser make every call of the extension and write
plainly, in new sessions and once more in the same ones: calls.py. What is planted tells its client who runs it, by a
message that no error and no rollback takes back, and whether in a security-restricted operation; if it can, it leaves
work for the end of the transaction, when nothing protects the caller any more: functions.sql. may_run() says what is
allowed. mallory breaks her tables, too, and nobody else is to notice: neighbours.py. The results are printed as TAP.
"""

import argparse
import collections
import concurrent.futures
import re
import sys

from calls import CALLERS, CALLS, may_run
from matrix import DATABASE, Matrix, Server
from neighbours import become_superuser, meet_broken_tables
from places import PLACES, WORLDS, World


class Report:
    def __init__(self):
        self.tests = 0
        self.failures = 0

    def test(self, name, problems):
        self.tests += 1
        self.failures += bool(problems)
        print(f"{'not ok' if problems else 'ok'} {self.tests} - {name}")
        for problem in problems[:20]:
            print("# " + str(problem).replace("\n", "\n# "))
        if len(problems) > 20:
            print(f"# and {len(problems) - 20} more")

    def end(self):
        print(f"1..{self.tests}")
        return self.failures > 0


def report_matrices(report, matrices, peace):
    """A test for each kind of place and function, of all tables, planters and callers."""
    wrong = collections.defaultdict(set)
    for matrix in matrices:
        for call, caller, run in matrix.runs:
            if not may_run(run, call, caller):
                wrong[run.planted.place.kind, call.name].add(f"{call.case}, {caller.name}: {run.name}")
    for matrix in matrices:
        for place in matrix.places:
            for name in dict.fromkeys(call.name for call in CALLS):
                report.test(f"{place.kind}: {name}", sorted(wrong[place.kind, name]))
    for matrix in matrices:
        report.test(f"{matrix.world.name}: all that is planted runs for its planter, or for whom it is",
                    sorted(planted.name for planted in matrix.planted.values() if planted not in matrix.seen))
        report.test(f"{matrix.world.name}: calls answer as where nothing is planted", matrix.unlike(peace))
    places = sum(len(matrix.planted) for matrix in matrices)
    cells = sum(len(matrix.planted) * len(matrix.cells()) for matrix in matrices)
    print(f"# planted code ran {sum(len(matrix.runs) for matrix in matrices)} times; "
          f"{sum(len(runs) for runs in wrong.values())} of the ways it ran are not allowed")
    callers = max(len(matrix.cells()) for matrix in matrices) // len(CALLS)
    report.test(f"matrix: {places} places x {len(CALLS)} calls x {callers} of {len(CALLERS)} callers = {cells} cells, "
                "each in two turns",
                [matrix.world.name for matrix in matrices if len(matrix.answers) != 2 * len(matrix.cells())])


def report_functions(report, server):
    called = " ".join(statement for call in CALLS for statement in call.statements)
    with server.connect(DATABASE) as connection:
        functions = connection.execute("SELECT proname FROM pg_proc WHERE pronamespace = 'ext'::regnamespace "
                                       "AND prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype) "
                                       "ORDER BY proname").fetchall()
    report.test("every function is called", [name for name, in functions if f"ext.{name}(" not in called])


def sample_of(options, number):
    return None if options.sample is None else options.sample + number + (options.path == "spi")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dsn", default="",
                        help="where the server is, whose superuser the caller is (default: what the PG* variables say)")
    parser.add_argument("--path", default="auto", help="crm_concurrency.access_path (default: auto)")
    parser.add_argument("--only", default="", help="only the places whose kind this pattern matches")
    parser.add_argument("--sample", type=int, metavar="S",
                        help="in each world let one caller make each call, another in the next world, on the other "
                             "path, and for another S (default: all do)")
    parser.add_argument("--alone", action="store_true",
                        help="each kind of place on tables of its own, which takes minutes")
    options = parser.parse_args()

    worlds = collections.defaultdict(list)
    for place in PLACES:
        if re.search(options.only, place.kind):
            worlds[place.world, place.kind if options.alone and not place.early else ""].append(place)

    report = Report()
    server = Server(options.dsn, options.path)
    server.remove()
    try:
        server.make_model()
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            superuser = pool.submit(become_superuser, server)
            broken = pool.submit(meet_broken_tables, server)
            peace, *matrices = [
                pool.submit(lambda *world: Matrix(server, *world).fill_in(), *world)
                for world in [("peace", World("peace"), []),
                              *((number, WORLDS[name], places, sample_of(options, number))
                                for number, ((name, _), places) in enumerate(worlds.items()))]]
        report.test("a plain owner of attached tables does not become superuser", superuser.result())
        for (breakage, name), problems in broken.result().items():
            report.test(f"a neighbour's table is broken: {breakage}: {name}", problems)
        report_matrices(report, [matrix.result() for matrix in matrices], peace.result())
        report_functions(report, server)
    finally:
        server.remove()
    sys.exit(report.end())


if __name__ == "__main__":
    main()
