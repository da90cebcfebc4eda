"""Raises an error at one call after the other, and looks at what is left of it."""

import argparse
import multiprocessing
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise

import psycopg
from psycopg.conninfo import make_conninfo

from scenarios import CUSTOMERS, SCENARIOS, STATE, WHOLE, Scenario

FUNCTIONS = """
    CREATE FUNCTION crm_inject(what text, wanted bigint, frames integer, planted text) RETURNS void
        AS 'crm_concurrency' LANGUAGE C;
    CREATE FUNCTION crm_inject_end() RETURNS text AS 'crm_concurrency' LANGUAGE C;
    CREATE FUNCTION crm_inject_calls() RETURNS text AS 'crm_concurrency' LANGUAGE C;
    CREATE FUNCTION crm_inject_live() RETURNS bigint AS 'crm_concurrency' LANGUAGE C;
"""

# What an error may leave for the session: blocks that are half full, not the same again with each error.
MEMORY_OF_ERROR = 800
MEMORY_OF_FIRST_USE = 100
# So often errors are raised again while memory grows.
MOST_ROUNDS = 8


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dsn", required=True, help="of a superuser; databases are made, and dropped at the end")
    parser.add_argument("--path", choices=["auto", "spi"], action="append", help="of these access paths only")
    parser.add_argument("--scenario", help="only this one")
    parser.add_argument("--one-path", action="store_true", help="play each scenario on one access path, by --seed")
    parser.add_argument("--each-scenario", action="store_true", help="at each place once in every scenario")
    parser.add_argument("--frames", type=int, default=1,
                        help="places that so many callers tell apart (default: %(default)s)")
    parser.add_argument("--all", action="store_true", help="at every single call")
    parser.add_argument("--one-of", type=int, default=1, metavar="N",
                        help="at one of N places in new sessions, and of those where a first use fails, by --seed "
                             "(default: %(default)s)")
    parser.add_argument("--seed", type=int, help="which of them (default: random)")
    parser.add_argument("--first", type=int, metavar="N", help="at the first N places or calls of a scenario only")
    parser.add_argument("--repeat", type=int, default=4, metavar="N",
                        help="errors of a scenario that are raised again to see whether memory grows "
                             "(default: %(default)s)")
    parser.add_argument("--plant", default="", help="a fault that is made where the error is raised")
    parser.add_argument("--plant-sql", default="", help="statements to run first: a fault to be found")
    parser.add_argument("--show", type=int, default=3,
                        help="how many failures of a scenario to show (default: %(default)s)")
    options = parser.parse_args()
    if options.seed is None:
        options.seed = random.randrange(2 * options.one_of)
    return options


class Ended(Exception):
    """The session is gone."""


def connect(dsn: str) -> psycopg.Connection:
    """Waits for a server that is starting."""
    end = time.monotonic() + 60
    while True:
        try:
            return psycopg.connect(dsn, autocommit=True, prepare_threshold=None)
        except psycopg.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


@dataclass
class Session:
    """A connection, and the warnings that came by it."""

    connection: psycopg.Connection
    warnings: list[str] = field(default_factory=list)

    def run(self, sql: str) -> list[tuple]:
        cursor = self.connection.execute(sql)
        while cursor.nextset():
            pass
        return cursor.fetchall() if cursor.description else []

    def value(self, sql: str):
        return self.run(sql)[0][0]

    def attempt(self, sql: str) -> tuple[list[tuple], psycopg.Error | None]:
        try:
            return self.run(sql), None
        except psycopg.Error as error:
            if self.connection.closed or error.sqlstate is None:
                raise Ended(str(error)) from error
            return [], error

    def answer(self, sql: str) -> list[tuple]:
        """The rows; of an error, its SQLSTATE."""
        rows, error = self.attempt(sql)
        return [(error.sqlstate, error.diag.message_primary)] if error is not None else rows


@dataclass
class Place:
    """Where to raise: at a site, or at a call by its number."""

    what: str
    wanted: int
    function: str


# No statement calls the server so often.
NOWHERE = Place("number", 1_000_000_000, "nothing")


class Path:
    """All scenarios on one access path."""

    observer: Session
    # of the scenario that is played
    whole: str
    problems: list[str]

    def __init__(self, options: argparse.Namespace, path: str) -> None:
        self.options = options
        self.path = path
        self.database = f"crm_injection_{path}"
        self.has_failed = False
        self.covered: set[tuple[bool, int]] = set()
        self.functions: Counter[str] = Counter()
        self.strikes = 0
        self.missed = 0
        self.met_in_new_sessions = 0
        self.most_growth = 0.0
        self.sites: set[int] = set()

    # Sessions -------------------------------------------------------------------------------------------------------

    def open(self, settings: str = "") -> Session:
        dsn = make_conninfo(self.options.dsn, dbname=self.database)
        session = Session(connect(dsn))
        session.connection.add_notice_handler(
            lambda notice: session.warnings.append(f"{notice.severity}: {notice.message_primary}")
            if notice.severity_nonlocalized in ("WARNING", "FATAL") else None)
        if settings:
            session.run(settings)
        return session

    def open_session(self) -> Session:
        return self.open(f"SET crm_concurrency.access_path = {self.path}; SET search_path = planted, public;"
                         " SET synchronous_commit = local; SET crm_concurrency.repeated_comment_window = '1d';"
                         " SET timezone = 'UTC'; SET crm_concurrency.refused_comment_window = '1d';")

    def start(self) -> None:
        with connect(self.options.dsn) as admin:
            admin.execute(f"DROP DATABASE IF EXISTS {self.database} WITH (FORCE)")
            admin.execute(f"CREATE DATABASE {self.database} TEMPLATE template0")
        self.observer = self.open()
        self.observer.run(CUSTOMERS + FUNCTIONS + self.options.plant_sql)
        self.observer.run("ANALYZE")

    def stop(self) -> None:
        self.observer.connection.close()
        with connect(self.options.dsn) as admin:
            admin.execute(f"DROP DATABASE {self.database} WITH (FORCE)")

    # One error ------------------------------------------------------------------------------------------------------

    def rehearse(self, session: Session, scenario: Scenario, before: str = "") -> tuple[list[tuple], str]:
        """What the statement answers, and the state after it, when nothing goes wrong. All is undone."""
        if scenario.reset:
            session.run(before)
            rows = session.answer(scenario.statement)
            state = session.value(STATE)
            self.observer.run(scenario.reset)
            return rows, state
        session.run(f"{scenario.begin}; {scenario.prelude} SAVEPOINT statement; {before}")
        rows = session.answer(scenario.statement)
        failed = session.connection.info.transaction_status == psycopg.pq.TransactionStatus.INERROR
        if failed:
            session.run("ROLLBACK TO statement")
        state = session.value(STATE)
        session.run("ROLLBACK")
        return rows, state

    def calls(self, session: Session, scenario: Scenario) -> list[tuple[int, str]]:
        """The calls that the statement makes, in order."""
        self.rehearse(session, scenario, f"SELECT crm_inject('record', 0, {self.options.frames}, '');")
        lines = session.value("SELECT crm_inject_calls()").splitlines()
        return [(int(site), name) for site, name in (line.split(" ", 1) for line in lines)]

    def places(self, calls: list[tuple[int, str]], is_cold: bool) -> list[Place]:
        if self.options.all:
            places = [Place("number", number, name) for number, (_, name) in enumerate(calls, 1)]
        else:
            places = []
            known = set() if self.options.each_scenario else self.covered
            for site, name in calls:
                self.sites.add(site)
                if (is_cold, site) not in known:
                    known.add((is_cold, site))
                    places.append(Place("site", site, name))
        return places[:self.options.first]

    def strike(self, session: Session, scenario: Scenario, place: Place, is_within: bool, expected) -> str | None:
        """Raises the error, and what is wrong then."""
        arm = f"SELECT crm_inject('{place.what}', {place.wanted}, {self.options.frames}, '{self.options.plant}');"
        session.warnings.clear()
        if scenario.reset:
            session.run(arm)
        elif is_within:
            session.run(f"{scenario.begin}; SAVEPOINT before; {scenario.prelude} {arm}")
        else:
            session.run(f"{scenario.begin}; {scenario.prelude} {arm}")
        rows, error = session.attempt(scenario.statement)
        if not scenario.reset:
            session.run("ROLLBACK TO before" if is_within else "ROLLBACK")
        raised = session.value("SELECT crm_inject_end()")
        problem = self.judge(scenario, place, raised, rows, error)

        # The same statement, in the same session, half of the time in the same transaction.
        if scenario.reset:
            again = self.rehearse(session, scenario)
        elif is_within:
            session.run(f"{scenario.prelude} SAVEPOINT statement")
            again_rows = session.answer(scenario.statement)
            if session.connection.info.transaction_status == psycopg.pq.TransactionStatus.INERROR:
                session.run("ROLLBACK TO statement")
            again = again_rows, session.value(STATE)
            # What resources are left is said at a commit.
            session.run("ROLLBACK TO before; COMMIT")
        else:
            again = self.rehearse(session, scenario)
        warnings = [warning for warning in session.warnings if not (scenario.leaves_out and "is left out" in warning)]
        problems = [problem, self.what_is_left(session, is_within and not scenario.reset), *warnings]
        if again != expected:
            problems.append(f"the same statement then comes to another end: {difference(again, expected)}")
        return "; ".join(filter(None, problems)) or None

    def judge(self, scenario: Scenario, place: Place, raised: str | None, rows: list[tuple],
              error: psycopg.Error | None) -> str | None:
        if raised is None:
            self.missed += 1
            return None
        self.strikes += 1
        self.functions[raised] += 1
        if error is None and scenario.leaves_out:
            return None
        if error is None:
            return f"the statement went on after the error and answered {rows}"
        message = error.diag.message_primary or ""
        wanted = "out of memory" if raised == "operator new" else f"injected error at {raised}"
        if wanted not in message:
            return f"another error: {error.sqlstate} {message}"
        if raised != place.function:
            return f"it was raised at {raised}"
        return None

    def what_is_left(self, session: Session, is_committed: bool) -> str | None:
        # Others see what was committed alone.
        whole = f"({WHOLE})" if is_committed else "NULL"
        locks, whole = self.observer.run(
            "SELECT (SELECT string_agg(concat_ws(' ', locktype, mode, relation::regclass), ', ') FROM pg_locks"
            f" WHERE pid = {session.connection.info.backend_pid}), {whole}")[0]
        if locks is not None:
            return f"locks are left: {locks}"
        if is_committed and whole != self.whole:
            self.whole = whole
            return "the tables are not as before"
        return None

    # One scenario ---------------------------------------------------------------------------------------------------

    def play(self, scenario: Scenario) -> None:
        self.missed = 0
        before = self.strikes
        self.problems = []
        self.whole = self.observer.value(WHOLE)
        session = self.open_session()
        expected = self.rehearse(session, scenario)
        if not (expected[0] and expected[0][0][0] == scenario.answer or scenario.answer is None and not expected[0]):
            self.problems.append(f"without an error it answers {expected[0]}")
        elif self.rehearse(session, scenario) != expected:
            self.problems.append("it answers otherwise each time")
        else:
            self.play_warm(session, scenario, expected)
            session.connection.close()
            self.play_cold(scenario, expected)
        session.connection.close()
        name = f"{self.path}: {scenario.name}: {self.strikes - before} errors"
        # A call may depend on news of the caches that came in between.
        if self.missed > 1 + (self.strikes - before) / 20:
            self.problems.append(f"{self.missed} errors were not raised")
        self.has_failed = self.has_failed or bool(self.problems)
        lines = [f"not ok {name}" if self.problems else f"ok {name}"]
        lines += [f"# {problem}" for problem in self.problems[:self.options.show]]
        if len(self.problems) > self.options.show:
            lines.append(f"# and {len(self.problems) - self.options.show} more")
        say(lines)

    def tried(self, session: Session, scenario: Scenario, place: Place, is_within: bool, expected, *,
              kind: str) -> bool:
        """Strikes; whether the session goes on."""
        try:
            problem = self.strike(session, scenario, place, is_within, expected)
        except (Ended, psycopg.OperationalError, psycopg.InterfaceError) as ended:
            self.problems.append(f"{kind}, {place.what} {place.wanted} {place.function}: the session has ended: "
                                 + str(ended).replace("\n", " "))
            self.recover()
            return False
        except psycopg.Error as error:
            problem = f"the session is of no use: {error.sqlstate} {error}".replace("\n", " ")
            session.connection.close()
        if problem is not None:
            self.problems.append(f"{kind}, {place.what} {place.wanted} {place.function}: {problem}")
        return not session.connection.closed

    def recover(self) -> None:
        """Waits for a server that starts again after a crash, which ends all sessions a moment later."""
        end = time.monotonic() + 1
        try:
            while time.monotonic() < end:
                self.observer.run("SELECT 1")
                time.sleep(0.02)
        except psycopg.OperationalError:
            self.observer.connection.close()
            self.observer = self.open()

    def play_warm(self, session: Session, scenario: Scenario, expected) -> None:
        calls = self.calls(session, scenario)
        for number, place in enumerate(self.places(calls, False)):
            if not self.tried(session, scenario, place, number % 2 == 0, expected, kind="used session"):
                session = self.open_session()
                self.rehearse(session, scenario)
        self.look_at_memory(session, scenario, calls, expected)
        session.connection.close()

    def look_at_memory(self, session: Session, scenario: Scenario, calls: list[tuple[int, str]], expected) -> None:
        """The same errors again and again: once nothing is added, nothing is left of them."""
        count = min(self.options.repeat, len(calls))
        numbers = [number * len(calls) // count for number in range(count)]
        places = [Place("number", 1 + number, calls[number][1]) for number in numbers]
        used: list[tuple[int, int | None]] = []
        growth = 0
        # PostgreSQL's own tables of what it has seen grow by blocks, now and then twice in a row.
        while len(used) < 3 or (growth > MEMORY_OF_ERROR * count and len(used) < MOST_ROUNDS):
            for number, place in enumerate(places):
                if not self.tried(session, scenario, place, number % 2 == 0, expected, kind="again"):
                    return
            used.append(self.memory(session))
            growth = min((after - before for (before, _), (after, _) in pairwise(used)), default=0)
        if growth > MEMORY_OF_ERROR * count:
            growth -= self.growth_without_errors(session, scenario, count, expected)
        if growth > MEMORY_OF_ERROR * count:
            before = self.contexts(session)
            for number, place in enumerate(places):
                self.tried(session, scenario, place, number % 2 == 0, expected, kind="again")
            grown = {name: size - before[name] for name, size in self.contexts(session).items() if size > before[name]}
            self.problems.append(f"memory grows by {growth} bytes with {count} errors: {[size for size, _ in used]}, "
                                 f"and once more in {grown}")
        if used[0][1] is None or used[2][1] > used[1][1] > used[0][1]:
            self.problems.append(f"objects of C++ are left on the heap: {[live for _, live in used]}")
        self.most_growth = max(self.most_growth, growth / max(count, 1))

    def growth_without_errors(self, session: Session, scenario: Scenario, count: int, expected) -> int:
        """The bytes that PostgreSQL itself remembers of tables that are made and undone so often."""
        missed = self.missed
        used = []
        for _ in range(3):
            for number in range(count):
                self.tried(session, scenario, NOWHERE, number % 2 == 0, expected, kind="without an error")
            used.append(self.memory(session)[0])
        self.missed = missed
        return max(0, *(after - before for before, after in pairwise(used)))

    def look_at_first_use(self, scenario: Scenario, calls: list[tuple[int, str]]) -> None:
        """The same error again and again in a session that has never come by it."""
        # Of each place the last call: the later, the more has been taken.
        last = {site: (number, function) for number, (site, function) in enumerate(calls, 1)}
        for place, (number, function) in enumerate(last.values()):
            if (place + self.options.seed) % self.options.one_of != 0:
                continue
            session = self.open_session()
            used = [self.memory(session)[0]]
            for strike in range(1, 10):
                session.run(f"{scenario.begin}; {scenario.prelude}"
                            f" SELECT crm_inject('number', {number}, {self.options.frames}, '{self.options.plant}')")
                session.attempt(scenario.statement)
                # What is known by now may have made the call needless.
                session.run("ROLLBACK; SELECT crm_inject_end()")
                if strike % 3 == 0:
                    used.append(self.memory(session)[0])
            self.strikes += 9
            session.connection.close()
            growth = min(used[3] - used[2], used[2] - used[1]) / 3
            if growth > MEMORY_OF_FIRST_USE:
                self.problems.append(
                    f"memory grows by {growth:.0f} bytes each time that call {number}, {function}, fails first")

    def memory(self, session: Session) -> tuple[int, int | None]:
        """The bytes in use in contexts, and the objects of C++."""
        return session.run("SELECT sum(used_bytes)::bigint, crm_inject_live() FROM pg_backend_memory_contexts")[0]

    def contexts(self, session: Session) -> Counter:
        """The bytes in use by name of the context."""
        return Counter(dict(session.run("SELECT concat_ws(' ', name, left(ident, 40)), sum(used_bytes)::bigint"
                                        " FROM pg_backend_memory_contexts GROUP BY 1")))

    def play_cold(self, scenario: Scenario, expected) -> None:
        session = self.open_session()
        calls = self.calls(session, scenario)
        session.connection.close()
        for number, place in enumerate(self.places(calls, True)):
            self.met_in_new_sessions += 1
            if (self.met_in_new_sessions + self.options.seed) % self.options.one_of != 0:
                continue
            session = self.open_session()
            self.tried(session, scenario, place, number % 2 == 0, expected, kind="new session")
            session.connection.close()
        if scenario.fails_first or self.options.each_scenario and not scenario.reset:
            self.look_at_first_use(scenario, calls)

    def run(self) -> bool:
        self.start()
        for number, scenario in enumerate(SCENARIOS):
            is_of_path = not self.options.one_path or (number + self.options.seed + (self.path == "spi")) % 2 == 0
            if is_of_path and self.options.scenario in (None, scenario.name):
                self.play(scenario)
        say([f"# {self.path}: {self.strikes} errors at {len(self.sites)} places, {len(self.functions)} functions;"
             f" memory grows by {self.most_growth:.0f} bytes an error at most"
             f"; --one-of {self.options.one_of} --seed {self.options.seed}"])
        self.stop()
        return not self.has_failed


def difference(got, expected) -> str:
    if got[0] != expected[0]:
        return f"{got[0]} instead of {expected[0]}"
    start = next((i for i, (a, b) in enumerate(zip(got[1], expected[1])) if a != b), 0)
    place = slice(max(0, start - 60), start + 60)
    return f"...{got[1][place]}... instead of ...{expected[1][place]}..."


def say(lines: list[str]) -> None:
    """In one piece, beside what another process says."""
    sys.stdout.write("".join(line + "\n" for line in lines))
    sys.stdout.flush()


def run_path(options: argparse.Namespace, path: str) -> bool:
    return Path(options, path).run()


def main() -> int:
    options = arguments()
    paths = options.path or ["auto", "spi"]
    # In processes, one for each path.
    with multiprocessing.Pool(len(paths)) as pool:
        return 0 if all(pool.starmap(run_path, [(options, path) for path in paths])) else 1


if __name__ == "__main__":
    sys.exit(main())
