"""Runs random DDL of others in the midst of calls. Each call must end as if the DDL had run before or after it, or with
a clear error, and the session must go on as if nothing had been."""

import argparse
import difflib
import itertools
import json
import random
import re
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import pq

from answers import ERROR_FIELDS, VERSION_NAMES, Answer, canonical_time, instant, is_near, plain, plain_json
from ddl_tables import (
    CALLS, CLERK, COLUMNS, CONTENTS, LARGE, NESTED, NEW, OURS, OWNER, PLACES, READS, STATEMENTS, TABLES, TEXT, TYPES,
    VALUES, WORLDS, Call, Place, World,
)
from sides import KINDS, PATIENCE, Hangs, Session, Side, create_side, drop_side

# What code of others is made of. planted.run() is made anew in each round.
PLANTED = """
    CREATE SCHEMA planted; GRANT USAGE ON SCHEMA planted TO PUBLIC;
    CREATE SCHEMA ddl_elsewhere AUTHORIZATION {owner}; GRANT USAGE ON SCHEMA ddl_elsewhere TO PUBLIC;
    CREATE FUNCTION planted.run() RETURNS void LANGUAGE plpgsql AS 'BEGIN END';
    CREATE SEQUENCE planted.runs; GRANT ALL ON SEQUENCE planted.runs TO PUBLIC;
    CREATE FUNCTION planted.fire() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN PERFORM planted.run();
         RETURN CASE WHEN TG_WHEN = ''AFTER'' THEN NULL WHEN TG_OP = ''DELETE'' THEN OLD ELSE NEW END; END';
    CREATE FUNCTION planted.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE FUNCTION planted.suppress() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE FUNCTION planted.test(text) RETURNS boolean LANGUAGE plpgsql AS
        'BEGIN PERFORM planted.run(); RETURN true; END';
    CREATE FUNCTION planted.immutable_test(text) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS
        'BEGIN PERFORM planted.run(); RETURN true; END';
    CREATE FUNCTION planted.unchanged(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS
        'BEGIN PERFORM planted.run(); RETURN $1; END';
    CREATE FUNCTION planted.word() RETURNS text LANGUAGE plpgsql AS 'BEGIN PERFORM planted.run(); RETURN ''word''; END';

    -- All tables, and what the extension says of them now, whatever became of both.
    CREATE FUNCTION planted.contents(search_path text) RETURNS jsonb SECURITY DEFINER SET search_path = pg_catalog
    LANGUAGE plpgsql AS $$
    DECLARE
        found jsonb := '{{}}';
        rows jsonb;
        t regclass;
    BEGIN
        FOR t IN SELECT oid FROM pg_class
            WHERE relkind IN ('r', 'p') AND relnamespace::regnamespace::text LIKE 'ddl_%' LOOP
            EXECUTE format('SELECT coalesce(jsonb_agg(to_jsonb(r)), ''[]'') FROM ONLY %s r', t) INTO rows;
            found := found || jsonb_build_object(t::text, rows);
        END LOOP;
        PERFORM set_config('search_path', search_path, true);
        BEGIN
            found := found || jsonb_build_object('crm_get_customer()',
                                                 jsonb_build_array(public.crm_get_customer_by_key('1')));
        EXCEPTION WHEN OTHERS THEN
            found := found || jsonb_build_object('crm_get_customer()', SQLSTATE);
        END;
        RETURN found;
    END $$;
"""

# Classes of errors that tell of what the DDL made impossible, or of a save refused.
CLEAR = ("09", "0A", "0L", "22", "23", "25", "26", "27", "28", "2B", "3F", "42", "54", "55", "PT")
# What a plain statement ends with too where a trigger of its own table drops its foreign key, or a column's type; where
# its trigger takes back that it dropped one; and where its policy drops one.
OF_POSTGRES = re.compile("cache lookup failed for constraint [0-9]+"
                         "|table row type and query-specified row type do not match"
                         "|function planted[.]fire[(][)] during function exit"
                         "|cannot execute DISCARD within security-restricted operation")
OF_POSTGRES_UNDONE = re.compile('^null value in column "[a-z]+" of relation')
OF_POSTGRES_POLICY = re.compile("^cache lookup failed for type [0-9]+")
# Runs once: a setting would be put back where code of others runs with the rights of its tables' owner.
ARM = "SELECT setval('planted.runs', 1, false); SET LOCAL planted.is_armed = on"
# Whose error it is.
ERROR_FIELDS["context"] = pq.DiagnosticField.CONTEXT
NUMBER = re.compile(r"(?<![\w.:-])-?\d{8,}(?![\w:-])")
SENT = {str(LARGE + i) for i in range(3)}


class Died(Exception):
    """A process of the server died."""

    def __init__(self, pid: int, text: str) -> None:
        super().__init__(text)
        self.pid = pid


class Wrong(Exception):
    """A call did not end as it must."""


@dataclass
class Result:
    """What a call said, and what was there afterwards; no contents where it failed."""

    answer: Any
    error: str = ""
    context: str = field(default="", compare=False)
    contents: Any = None
    violations: Any = field(default=None, compare=False)  # where they were asked for

    def __str__(self) -> str:
        return json.dumps({"answer": self.answer, "contents": self.contents}, indent=1, sort_keys=True,
                          ensure_ascii=False)


@dataclass
class Database:
    """The database of the rounds: a session that DDL does not run in while it saves, and the results without DDL."""

    side: Side
    reference: Session
    ordinary: dict[tuple[str, str, str], Result] = field(default_factory=dict)


# Sessions ---------------------------------------------------------------------------------------------


def send(session: Session, sql: str) -> Answer:
    """The answer, which may be an error."""
    pid = session.connection.backend_pid
    try:
        session.send(sql)
        if not session.has_answered(PATIENCE):
            raise Hangs(sql)
        return session.answer()
    except psycopg.OperationalError as lost:
        raise Died(pid, f"{str(lost).strip()} in: {sql}") from lost


def run(session: Session, sql: str) -> Answer:
    """What must succeed."""
    answer = send(session, sql)
    if answer.error is not None:
        raise Wrong(f"{answer.error} in: {sql}")
    return answer


def connect_after(died: int, dsn: str, settings: str) -> Session:
    """A session of a server that has noticed that this process died, and has recovered."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            session = Session(dsn, settings)
            if not session.run(f"SELECT FROM pg_stat_activity WHERE pid = {died}").rows:
                return session
            session.close()
        except psycopg.OperationalError:
            if time.monotonic() > end:
                raise
        time.sleep(0.05)


# Contents ---------------------------------------------------------------------------------------------


def is_table(name: str) -> bool:
    """Of the contents; the others are calls."""
    return "(" not in name


def key_of(row: dict[str, Any]) -> str:
    return str(row.get("customer_id", row.get("id")))


def versions_of(tables: dict[str, Any]) -> dict[str, dict[str, int]]:
    """By key, the ordinals of a customer's versions, wherever they stand."""
    found: dict[str, set[str]] = {}
    for row in itertools.chain.from_iterable(rows for name, rows in tables.items() if is_table(name)):
        times = {value for name, value in row.items() if name in VERSION_NAMES and isinstance(value, str)}
        found.setdefault(key_of(row), set()).update(canonical_time(time) for time in times if is_near(instant(time)))
    return {key: {version: i for i, version in enumerate(sorted(times), 1)} for key, times in found.items()}


def plain_contents(contents: dict[str, Any], versions: dict[str, dict[str, int]]) -> dict[str, Any]:
    """Contents without times, in one order."""
    found = {}
    for name, rows in contents.items():
        if isinstance(rows, list):
            rows = [plain_json(row, "", versions.get(key_of(row) if is_table(name) else "1", {})) for row in rows]
            rows.sort(key=lambda row: json.dumps(row, sort_keys=True))
        found[name] = rows
    return found


def require_known_values(text: str) -> None:
    """Raises where a number is none that was sent: the address of a text, or what lay there."""
    for number in NUMBER.findall(text):
        if number not in SENT:
            raise Wrong(f"a value that nobody sent, {number}, in: {text}")


# Making -----------------------------------------------------------------------------------------------


def make_world(session: Session, world: World) -> None:
    """Makes tables and contents, and learns what calls and DDL refer to."""
    schema = world.schema
    for sql in [
        f"CREATE SCHEMA {schema} AUTHORIZATION {OWNER}; GRANT USAGE ON SCHEMA {schema} TO {CLERK}",
        f"SET search_path = {schema}, public; SET ROLE {OWNER}",
        "CREATE TYPE kind AS ENUM ('small', 'large'); CREATE DOMAIN positive AS integer CHECK (VALUE > 0)",
        *world.make, *CONTENTS,
        f"GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO {CLERK}; "
        f"GRANT ALL ON ALL SEQUENCES IN SCHEMA {schema} TO {CLERK}",
    ]:
        session.run(world.fill(sql))
    for value, sql in VALUES.items():
        row = session.run(world.fill(sql)).rows[0]
        world.values[value] = next(iter(row.values())) or ""
    comments, history, locks = (world.names[of].partition(".")[2] for of in TABLES[1:])
    world.values["companions"] = f"comments => '{comments}', history => '{history}', locks => '{locks}'"
    session.run("RESET ROLE; RESET search_path")


def names_of(session: Session, world: World, sql: str) -> dict[str, list[str]]:
    """What a table has, by {customers} and the like."""
    return {of: [row["name"] or "" for row in session.run(sql.format(f"'{world.names[of]}'::regclass")).rows]
            for of in TABLES}


def create_roles(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        for role in (OWNER, CLERK):
            connection.execute(f"DROP ROLE IF EXISTS {role}")
            connection.execute(f"CREATE ROLE {role}")
        connection.execute(f"GRANT {CLERK} TO {OWNER}")


def create_database(dsn: str, name: str) -> Database:
    side = create_side(dsn, name, KINDS["auto"])
    create_roles(dsn)
    database = psycopg.conninfo.conninfo_to_dict(side.dsn)["dbname"]
    session = Session(side.dsn, KINDS["spi"].settings)
    session.run(f"GRANT CREATE ON DATABASE {database} TO {OWNER}")
    session.run(PLANTED.format(owner=OWNER))
    for world in WORLDS:
        make_world(session, world)
        world.constraints = names_of(session, world, "SELECT conname AS name FROM pg_constraint WHERE conrelid = {} "
                                     "ORDER BY 1")
        world.indexes = names_of(session, world, "SELECT relname AS name FROM pg_index "
                                 "JOIN pg_class ON oid = indexrelid WHERE indrelid = {} ORDER BY 1")
    return Database(side, session)


def drop_roles(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"DROP ROLE {OWNER}, {CLERK}")


# Rounds -----------------------------------------------------------------------------------------------


def random_statement(rng: random.Random, world: World, written: str) -> str:
    """A statement of DDL with its blanks filled in. Of the table that is being written, PostgreSQL refuses most."""
    statement = rng.choices([sql for _, sql in STATEMENTS], [weight for weight, _ in STATEMENTS])[0]
    of = rng.choices(TABLES, [1 if table == written else 5 for table in TABLES])[0]
    constraint_of = "customers" if "{customers} DROP CONSTRAINT" in statement else of
    index = rng.choice(world.indexes[of])
    blanks = {
        "type": rng.choice(TYPES), "new": rng.choice(NEW), "ours": rng.choice(OURS), "table": world.names[of],
        "column": rng.choice(COLUMNS[of]), "constraint": rng.choice(world.constraints[constraint_of]),
        "index": f"{world.schema}.{index}", "index_name": index,
    }
    for name, value in blanks.items():
        statement = statement.replace("{" + name + "}", value)
    return world.fill(statement)


class Round:
    """A call with DDL in its midst, all from one seed."""

    def __init__(self, database: Database, seed: int, access_paths: list[str], plant: str) -> None:
        self.database = database
        self.plant = plant
        self.rng = rng = random.Random(seed)
        self.access_path = access_paths[seed % len(access_paths)]
        self.world = rng.choice(WORLDS)
        self.call: Call = rng.choice(CALLS)
        writes = [*self.call.writes.split(", "), "customers SELECT"]
        self.place: Place = rng.choice([place for place in PLACES if place.write in writes
                                        and not (place.for_clerk and self.call.by_owner)])
        self.role = CLERK if self.place.for_clerk else OWNER if self.call.by_owner else rng.choice([OWNER, CLERK])
        self.planter = "postgres" if rng.random() < 0.15 else OWNER
        self.is_warm = rng.random() < 0.8
        self.mode = rng.choices(["plain", "caught", "undone"], [6, 3, 1])[0]
        written, _ = self.place.write.split()
        self.statements = [random_statement(rng, self.world, written) for _ in range(rng.choice([1, 1, 1, 2]))]
        self.has_nested_write = rng.random() < 0.15
        self.nested = self.world.fill(rng.choice(NESTED if self.has_nested_write else READS))
        self.ended = "not reached"
        self.is_reached = False
        self.step = "before or after"
        self.log: list[str] = []

    def body(self) -> str:
        """What planted.run() does."""
        statements = "; ".join(filter(None, [*self.statements, self.nested])) + ";"
        if self.mode == "undone":
            statements += " RAISE 'undone';"
        if self.mode != "plain":
            statements = (f"BEGIN {statements} "
                          "EXCEPTION WHEN OTHERS THEN RAISE NOTICE 'caught % %', SQLSTATE, SQLERRM; END;")
        return f"""CREATE OR REPLACE FUNCTION planted.run() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
            SET search_path = {self.world.schema}, public AS $planted$
            BEGIN
                IF current_setting('planted.is_armed', true) IS DISTINCT FROM 'on' OR nextval('planted.runs') > 1 THEN
                    RETURN;
                END IF;
                RAISE NOTICE 'planted';
                {statements}
            END $planted$; ALTER FUNCTION planted.run() OWNER TO {self.planter}"""

    def begin(self, session: Session, place: Place | None) -> None:
        """Begins a transaction with the code of others in its place."""
        steps = [f"BEGIN; SET LOCAL search_path = {self.world.schema}, public; SET LOCAL statement_timeout = '30s'"]
        if place is not None:
            of, _ = place.write.split()
            ddl = place.ddl.replace("{t}", self.world.names[of]).replace("{column}", TEXT[of])
            steps += [self.body(), self.world.fill(ddl)]
        steps.append(f"SET LOCAL ROLE {self.role}; SAVEPOINT s")
        for sql in steps:
            answer = self.send(session, sql)
            if answer.error is not None:
                raise Wrong(f"{answer.error} in: {sql}")

    def send(self, session: Session, sql: str) -> Answer:
        """Sends what may fail, and writes it down where DDL runs in its midst."""
        if session is not self.database.reference:
            self.log.append(sql)
        return send(session, sql)

    def restart_sequence(self, session: Session) -> None:
        """Comments get the same numbers in each run: a rollback leaves a sequence as it is."""
        run(session, self.world.fill("SELECT setval(pg_get_serial_sequence('{comments}', 'id'), 100)"))

    def result_of(self, session: Session, answers: list[Answer]) -> Result:
        """What answers say, and what is there."""
        if answers and (error := answers[-1].error) is not None:
            context = error.pop("context", "")
            require_known_values(" ".join(error.values()))
            return Result(plain(answers[-1], "1", {})["error"], error["sqlstate"], context)
        found = run(session, f"SELECT planted.contents('{self.world.schema}, public') AS contents").rows[0]
        contents = json.loads(found["contents"] or "", parse_float=str)
        versions = versions_of(contents)
        rows = [row for answer in answers for row in plain(answer, "1", versions)["rows"]]
        result = Result(rows, contents=plain_contents(contents, versions))
        require_known_values(str(result))
        if self.has_nested_write:
            result.violations = send(session, "RESET ROLE; SELECT * FROM public.crm_verify()").rows
        return result

    def make(self, session: Session, *steps: str) -> Result:
        """Runs the steps up to the first that fails. What is planted says nothing."""
        answers = []
        self.restart_sequence(session)
        for sql in steps:
            answer = self.send(session, sql)
            if "planted.run()" not in sql or answer.error is not None:
                answers.append(answer)
            if answer.error is not None:
                break
        return self.result_of(session, answers)

    def reference(self, run_at: int | None) -> Result:
        """What the call leads to where the DDL runs before the part of this number, or not at all."""
        session = self.database.reference
        steps = [self.world.fill(step) for step in self.call.steps()]
        if run_at is not None:
            steps.insert(run_at, f"{ARM}; SELECT planted.run()")
        try:
            self.begin(session, self.place)
            return self.make(session, *steps)
        finally:
            if session.is_in_transaction:
                run(session, "ROLLBACK")

    def ordinary(self) -> Result:
        """What the call leads to where nothing is planted."""
        known = (self.world.schema, self.call.name, self.role)
        if known not in self.database.ordinary:
            session = self.database.reference
            self.begin(session, None)
            self.database.ordinary[known] = self.make(session, *(self.world.fill(step) for step in self.call.steps()))
            run(session, "ROLLBACK")
        return self.database.ordinary[known]

    def run(self) -> None:
        without, ordinary = self.reference(None), self.ordinary()
        session = Session(self.database.side.dsn, KINDS[self.access_path].settings)
        try:
            result, notices = self.run_in(session, without, ordinary)
        finally:
            session.close()
        self.step = "the call"
        self.judge(result, notices, without)

    def run_in(self, session: Session, without: Result, ordinary: Result) -> tuple[Result, list[str]]:
        """The result of the call with DDL in its midst, and what was noticed. The session must go on well after it."""
        sql = self.world.fill(self.call.sql)
        self.step = "the call"
        self.begin(session, self.place)
        if self.is_warm:
            for step in ("SAVEPOINT warm", sql, "ROLLBACK TO warm"):
                self.send(session, step)
        self.restart_sequence(session)
        self.send(session, ARM)
        answer = self.send(session, sql)
        if answer.error is None and self.plant:
            self.send(session, self.world.fill(self.plant))
        self.step = "reading afterwards"
        result = self.result_of(session, [answer])
        self.step = "the call again, after ROLLBACK TO"
        self.send(session, "ROLLBACK TO s")
        self.require_equal(self.make(session, sql), [without])
        self.send(session, "ROLLBACK")
        self.step = "the call again, after ROLLBACK"
        self.begin(session, None)
        self.require_equal(self.make(session, sql), [ordinary])
        self.send(session, "ROLLBACK")
        return result, [notice["message"] for notice in answer.notices]

    def is_of_postgres(self, message: str, context: str) -> bool:
        """Whether a plain statement on such a table ends with this error too."""
        return bool(OF_POSTGRES.search(message + context)
                    or self.mode == "undone" and OF_POSTGRES_UNDONE.search(message)
                    or self.place.name.startswith("policy") and OF_POSTGRES_POLICY.search(message))

    def judge(self, result: Result, notices: list[str], without: Result) -> None:
        """Raises where this is no right result of the call."""
        self.is_reached = is_reached = "planted" in notices
        self.ended = f"class {result.error[:2]}" if result.error else "succeeded"
        if not is_reached:
            self.ended = "not reached"
        internal = [notice for notice in notices if notice.startswith("caught XX") and not OF_POSTGRES.search(notice)]
        if internal:
            raise Wrong(f"an internal error, {internal}")
        if result.error and self.is_of_postgres(result.answer["message"], result.context):
            return
        if result.error and not result.error.startswith(CLEAR):
            raise Wrong(f"an unclear error, {result.answer}\n{result.context}")
        if result.error.startswith("55"):
            return
        right = [] if self.mode == "plain" and is_reached else [without]
        if self.mode != "undone" and is_reached:
            right += [self.reference(at) for at in range(len(self.call.steps()) + 1)]
        if self.has_nested_write:
            if result.violations and not any(one.violations for one in right):
                raise Wrong(f"the data is wrong, {result.violations}")
        elif result.error and not any(one.error for one in right):
            raise Wrong(f"an error where the call succeeds before and after the DDL, {result.answer}\n{result.context}")
        # What is truncated in the midst of a call was there for a part of it.
        elif not result.error and not any("TRUNCATE" in sql for sql in self.statements):
            self.require_equal(result, right)

    def with_new_labels(self, result: Result) -> str:
        """A result as text: what was read before a label of an enum is renamed goes on being the same value."""
        text = str(result)
        for old, new in re.findall("RENAME VALUE '([a-z]+)' TO '([a-z]+)'", " ".join(self.statements)):
            text = text.replace(f'"{old}"', f'"{new}"')
        return text

    def require_equal(self, result: Result, right: list[Result]) -> None:
        text, texts = self.with_new_labels(result), [self.with_new_labels(one) for one in right]
        if result not in right and text not in texts:
            lines = [line for one in texts
                     for line in difflib.unified_diff(one.splitlines(), text.splitlines(), "right", "is", n=4,
                                                      lineterm="")]
            raise Wrong("another result:\n" + "\n".join(lines))

    def __str__(self) -> str:
        ddl = "; ".join(filter(None, [*self.statements, self.nested]))
        return (f"{self.access_path}, as {self.role}, {self.call.name}; {self.place.name} of {self.place.write}, "
                f"{self.mode}, as {self.planter}: {ddl}")

    def report(self, problem: Exception) -> str:
        """What is needed to see it again."""
        return "\n".join([f"{self.step}: {self}", f"=== {type(problem).__name__}", str(problem),
                          "=== statements", *(f"{sql};" for sql in self.log)])


# Main -------------------------------------------------------------------------------------------------


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dsn", required=True,
                        help="of a superuser; a database and roles are made, and dropped at the end")
    parser.add_argument("--seed", type=int, default=1, help="of the first round; each has the next")
    parser.add_argument("--rounds", type=int, default=100, help="how many (default: %(default)s)")
    parser.add_argument("--access-path", choices=["auto", "spi"], help="of all rounds (default: one or the other)")
    parser.add_argument("--name", default="crm_ddl", help="what the name of the database begins with")
    parser.add_argument("--plant", default="", help="a statement that runs after each call: a fault to be found")
    parser.add_argument("--verbose", action="store_true", help="print how each round ended")
    return parser.parse_args()


def run_round(turn: Round) -> str:
    """How it failed, or nothing."""
    try:
        turn.run()
    except Died as problem:
        turn.ended = "died"
        turn.database.reference.close()
        turn.database.reference = connect_after(problem.pid, turn.database.side.dsn, KINDS["spi"].settings)
        return turn.report(problem)
    except (Wrong, Hangs) as problem:
        turn.ended = "wrong"
        return turn.report(problem)
    return ""


def main() -> int:
    options = arguments()
    # Clean up when told to end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    access_paths = [options.access_path] if options.access_path else ["auto", "spi"]
    database = create_database(options.dsn, options.name)
    endings: Counter[str] = Counter()
    reached: set[tuple[str, str]] = set()
    failed: list[int] = []
    try:
        for seed in range(options.seed, options.seed + options.rounds):
            turn = Round(database, seed, access_paths, options.plant)
            if problem := run_round(turn):
                failed.append(seed)
                path = f" --access-path {options.access_path}" if options.access_path else ""
                print_comment(f"FAILED with seed {seed}: repeat with --seed {seed} --rounds 1{path}\n{problem}")
            elif options.verbose:
                print_comment(f"seed {seed}: {turn.ended}: {turn}")
            endings[turn.ended] += 1
            if turn.is_reached:
                reached.add((turn.place.write, turn.place.name))
    finally:
        database.reference.close()
        drop_side(database.side, options.dsn)
        drop_roles(options.dsn)
    places = {(place.write, place.name) for place in PLACES}
    print_comment(f"{options.rounds} rounds from seed {options.seed}, failed: {failed or 'none'}; DDL ran at "
                  f"{len(reached)} of {len(places)} places: "
                  + ", ".join(f"{count} {ending}" for ending, count in endings.most_common()))
    return int(bool(failed))


def print_comment(text: str) -> None:
    """As TAP has it."""
    print("\n".join(f"# {line}" for line in text.splitlines()), flush=True)


if __name__ == "__main__":
    sys.exit(main())
