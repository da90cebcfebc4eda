"""Experiments with statements of many rows: bulk writes, and the check of all customers."""

import re
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from psycopg import Connection

from results import Aim
from rounds import Bench

Result = TypeVar("Result")

SCHEMA = "bulk"
UNATTACHED, AUDITED, ATTACHED = "unattached table", "(g) a PL/pgSQL audit trigger", "attached table"

# How each contender's tables are made.
TABLES = {
    UNATTACHED: (f"CALL copy_tables('{SCHEMA}')",
                 f"ALTER TABLE {SCHEMA}.customers ALTER updated_at SET DEFAULT clock_timestamp()"),
    AUDITED: (f"CALL audited_tables('{SCHEMA}')",),
    ATTACHED: (f"CREATE SCHEMA {SCHEMA}", f"SELECT crm_create_tables('{SCHEMA}')"),
}

# One after the other, each of all rows.
STATEMENTS = {
    "COPY": "COPY customers (name, phone, email) FROM '{file}'",
    "UPDATE": "UPDATE customers SET status = 'archived'",
    "upsert": "INSERT INTO customers (id, name, phone, email) SELECT id, name, phone || ' 0', email FROM customers "
              "ON CONFLICT (id) DO UPDATE SET phone = excluded.phone",
    "DELETE": "DELETE FROM customers",
}

# What two contenders must have recorded alike.
DIGEST = ("SELECT sum(hashtextextended(concat_ws(' ', customer_id, operation, status_from, status_to, fields), 0)"
          "::numeric) FROM customer_history")


@dataclass(frozen=True)
class Cost:
    """What a statement took."""

    seconds: float
    wal: float  # MB
    memory: float  # MB that its server process had at most, beside shared memory and what it had before


def bulk(bench: Bench) -> None:
    """Writes of many rows in one statement, by tables without history and with it."""
    rows = bench.options.bulk
    file = bench.server.directory / "data" / "customers.copy"
    bench.server.execute(
        "COPY (SELECT 'Customer ' || i, '+49 30 ' || i, i || '@example.com' FROM generate_series(1, "
        f"{rows}) i) TO '{file}'")
    costs: dict[str, dict[str, list[Cost]]] = {name: {label: [] for label in TABLES} for name in STATEMENTS}
    digests: dict[str, set[object]] = defaultdict(set)
    for label in bench.turns(f"bulk, {rows:,} rows", TABLES):
        make_tables(bench, TABLES[label])
        for number, (name, statement) in enumerate(STATEMENTS.items()):
            costs[name][label].append(cost_of(bench, statement.format(file=file), rows))
            left = 0 if name == "DELETE" else rows
            recorded = 0 if label == UNATTACHED else rows * (number + 1)
            if (bench.server.count(f"{SCHEMA}.customers"), bench.server.count(f"{SCHEMA}.customer_history")) != (
                    left, recorded):
                raise SystemExit(f"{name}, {label}: not {left} customers and {recorded} rows of history")
        with bench.server.connect(schema=SCHEMA) as connection:
            digests[label].update(connection.execute(DIGEST).fetchone() or ())
    if digests[AUDITED] != digests[ATTACHED] or len(digests[ATTACHED]) != 1:
        raise SystemExit("(g) and the extension recorded different changes")
    drop_tables(bench)

    for name, by_label in costs.items():
        bench.results.bulk[f"{name}, {rows:,} rows"] = {
            label: {"seconds": statistics.median(cost.seconds for cost in each),
                    "WAL, MB": statistics.median(cost.wal for cost in each),
                    "memory, MB": statistics.median(cost.memory for cost in each)}
            for label, each in by_label.items()}

    def ratio(name: str, what: str, target: float) -> None:
        of, to = ([cost.seconds for cost in costs[name][label]] for label in (ATTACHED, AUDITED))
        bench.aim(what, target, of, to, at_most=True)

    ratio("COPY", f"COPY of {rows:,} rows, time, against (g)", 0.45)
    ratio("UPDATE", f"UPDATE of {rows:,} rows in one statement, time, against (g)", 0.33)


def drop_tables(bench: Bench) -> None:
    """Removes what a contender left."""
    bench.server.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")


def make_tables(bench: Bench, statements: tuple[str, ...]) -> None:
    """Makes new tables, which no process vacuums while something is measured."""
    drop_tables(bench)
    bench.server.execute(*statements, *(f"ALTER TABLE {SCHEMA}.{table} SET (autovacuum_enabled = off)"
                                        for table in ("customers", "customer_history")))


def cost_of(bench: Bench, statement: str, rows: int) -> Cost:
    """Runs a statement in a session of its own, which does nothing else."""
    bench.server.execute(f"VACUUM ANALYZE {SCHEMA}.customers, {SCHEMA}.customer_history", "CHECKPOINT")
    with bench.server.connect(schema=SCHEMA) as connection:
        position = bench.server.value("SELECT pg_current_wal_insert_lsn()")
        seconds, memory = watched(connection, lambda: timed(connection, statement, rows))
        wal = bench.server.value("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), %s)::float", position)
    return Cost(seconds, float(wal) / 1e6, memory)  # type: ignore[arg-type]


def watched(connection: Connection, run: Callable[[], Result]) -> tuple[Result, float]:
    """What a call returns that runs a statement, and MB that the server process of its session had at most, beside
    shared memory and what it had before."""
    status = Path(f"/proc/{connection.info.backend_pid}/status")
    with ThreadPoolExecutor(1) as thread:
        before = peak = private_memory(status)
        running = thread.submit(run)
        while wait((running,), 0.01).not_done:
            peak = max(peak, private_memory(status))
        return running.result(), (peak - before) / 1000


def timed(connection: Connection, statement: str, rows: int) -> float:
    """Seconds that a statement takes, which must be of so many rows."""
    begin = time.perf_counter()
    cursor = connection.execute(statement)
    seconds = time.perf_counter() - begin
    if cursor.rowcount != rows:
        raise SystemExit(f"{statement}: {cursor.rowcount} rows, not {rows}")
    return seconds


def private_memory(status: Path) -> int:
    """kB of a process that it shares with none."""
    return int(re.search(r"^RssAnon:\s*(\d+) kB$", status.read_text(), re.M)[1])  # type: ignore[index]


def verify(bench: Bench) -> None:
    """crm_verify() of all customers against reading them and their history once."""
    rows = bench.options.bulk
    make_tables(bench, TABLES[ATTACHED])
    statements = {
        "crm_verify()": "SELECT count(*) FROM crm_verify()",
        "one pass over customers and history, with a hash of each row":
            "SELECT (SELECT sum(hashtextextended(c::text, 0)::numeric) FROM customers c) "
            "+ (SELECT sum(hashtextextended(h::text, 0)::numeric) FROM customer_history h)",
    }
    times: dict[str, list[float]] = {label: [] for label in statements}
    memory: dict[str, list[float]] = {label: [] for label in statements}
    with bench.server.connect(schema=SCHEMA) as connection:
        connection.execute(f"INSERT INTO customers (name) SELECT 'Customer ' || i FROM generate_series(1, {rows}) i")
        for i in range(2):
            connection.execute("UPDATE customers SET status = %s", (f"status {i}",))
        connection.execute("VACUUM ANALYZE customers, customer_history")
    for label in bench.turns(f"verify, {rows:,} customers", statements):
        (found, seconds), most = watched_query(bench, statements[label])
        times[label].append(seconds)
        memory[label].append(most)
        if label == "crm_verify()" and found != (0,):
            raise SystemExit(f"crm_verify() found something: {found}")
    drop_tables(bench)
    bench.results.verify = {label: {"seconds": statistics.median(times[label]), "memory, MB": max(memory[label])}
                            for label in statements}
    of, to = times.values()
    bench.aim(f"crm_verify() of {rows:,} customers, time, against one pass over them and their history", 2.5, of, to,
              at_most=True)
    bench.results.aims.append(
        Aim(f"memory of crm_verify() of {rows:,} customers", 16, max(memory["crm_verify()"]), "MB", at_most=True))


def watched_query(bench: Bench, query: str) -> tuple[tuple[object, float], float]:
    """The row that a query returns and the seconds that it takes, and its memory, in a session of its own."""
    with bench.server.connect(schema=SCHEMA) as connection:
        # crm_verify() works in one process.
        connection.execute("SET max_parallel_workers_per_gather = 0")

        def run() -> tuple[object, float]:
            begin = time.perf_counter()
            row = connection.execute(query).fetchone()
            return row, time.perf_counter() - begin

        return watched(connection, run)
