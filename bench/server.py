"""The private server of the benchmark, and pgbench runs on it."""

import math
import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

from callgrind import Counted
from peers import Peer

BENCH = Path(__file__).resolve().parent
DATABASE = "bench"


# What is done while pgbench runs, which then ends; it tells from when to when what pgbench did counts.
Watch = Callable[[subprocess.Popen[str]], tuple[float, float]]


@dataclass(frozen=True)
class Length:
    """How long pgbench runs: for some seconds, which do not begin before the sessions have filled their caches, or for
    some transactions of each client, however long they take."""

    seconds: float
    warm_up: float  # seconds for each client
    transactions: int | None = None

    def options(self, clients: int) -> list[str]:
        """What pgbench is told."""
        if self.transactions:
            return ["-t", str(self.transactions)]
        return ["-T", str(max(1, math.ceil(self.seconds + clients * self.warm_up)))]

    def measured(self, begins: list[float], ends: list[float]) -> tuple[float, float]:
        """From when to when what it did counts."""
        end = max(ends)
        return (min(begins) if self.transactions else end - max(1, self.seconds)), end


@dataclass(frozen=True)
class Run:
    """What one run of pgbench did."""

    transactions: int
    accepted: int  # saves that left a row of history, or all transactions where none does
    rate: float  # accepted per second
    latencies: list[float]  # milliseconds


class Server:
    """A server that scripts/lib.sh made, and a database on it."""

    def __init__(self, directory: Path, database: str = DATABASE) -> None:
        self.directory = directory
        self.database = database
        self.port = (directory / "crm_concurrency-server").read_text().strip()

    def environment(self, schema: str = "crm") -> dict[str, str]:
        """How libpq finds it, and the tables in a schema."""
        return os.environ | {
            "PGHOST": str(self.directory / "socket"),
            "PGPORT": self.port,
            "PGUSER": "postgres",
            "PGDATABASE": self.database,
            "PGOPTIONS": f"-c search_path={schema},public",
        }

    def connect(self, database: str | None = None, schema: str = "crm") -> psycopg.Connection:
        """A connection without transactions of its own."""
        return psycopg.connect(
            host=str(self.directory / "socket"), port=self.port, user="postgres", dbname=database or self.database,
            options=f"-c search_path={schema},public", autocommit=True,
        )

    def value(self, query: str, *arguments: object) -> object:
        """The one value that a query returns."""
        with self.connect() as connection:
            row = connection.execute(query, arguments).fetchone()
            return row[0] if row else None

    def execute(self, *statements: str) -> None:
        """Runs statements, each in a transaction of its own."""
        with self.connect() as connection:
            for statement in statements:
                connection.execute(statement)

    def psql(self, file: Path, schema: str = "crm") -> None:
        """Runs a file of SQL, whose tables are in a schema."""
        subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(file)], env=self.environment(schema),
                       check=True)

    def set(self, name: str, value: str) -> None:
        """Changes a setting for the sessions to come."""
        self.execute(f"ALTER DATABASE {self.database} SET {name} = {value}")

    def create(self, customers: int) -> None:
        """Makes the database with so many customers in the tables of each peer."""
        with self.connect("postgres") as connection:
            connection.execute(f"CREATE DATABASE {self.database}")
        self.execute(
            "CREATE SCHEMA crm", "CREATE EXTENSION crm_concurrency SCHEMA public", "SELECT crm_create_tables('crm')",
            "INSERT INTO crm.customers (name, phone, email) "
            f"SELECT 'Customer ' || i, '+49 30 ' || i, i || '@example.com' FROM generate_series(1, {customers}) i",
        )
        self.psql(BENCH / "peers.sql")
        self.execute("CREATE SCHEMA edition")
        self.psql(BENCH.parent / "plpgsql" / "crm_concurrency.sql", "edition")
        for schema in ("plpgsql", "cte", "application", "blind", "floor", "audit", "edition"):
            with self.connect(schema=schema) as connection:
                connection.execute("INSERT INTO customers SELECT * FROM crm.customers")
        self.execute(
            "CREATE SCHEMA hot", "SELECT crm_create_tables('hot')",
            *(f"ALTER TABLE hot.customers ADD field_{i} text" for i in range(30)),
            "INSERT INTO hot.customers (name) VALUES ('Customer')",
            "VACUUM ANALYZE", "CHECKPOINT",
        )

    def count(self, table: str) -> int:
        """How many rows a table has."""
        return int(self.value(f"SELECT count(*) FROM {table}"))  # type: ignore[call-overload]

    def pgbench(self, peer: Peer, clients: int, length: Length, customers: int, watch: Watch | None = None,
                **variables: object) -> Run:
        """Runs a peer's script and counts in the tables what it did; the time that sessions take to fill their caches
        is left out."""
        history = self.recorded(peer)
        with tempfile.TemporaryDirectory() as name:
            directory = Path(name)
            (directory / "script.sql").write_text(peer.script)
            with subprocess.Popen(
                ["pgbench", "-n", "-M", "prepared", "-c", str(clients), "-j", str(min(clients, 2)),
                 *length.options(clients), "--log", "--log-prefix", str(directory / "log"),
                 "-D", "first=1", "-D", f"last={customers}",
                 *(part for name, value in variables.items() for part in ("-D", f"{name}={value}")),
                 "-f", str(directory / "script.sql")],
                env=self.environment(peer.schema), stdout=subprocess.PIPE, text=True,
            ) as process:
                try:
                    watched = watch(process) if watch else None
                finally:
                    if watch:
                        # ends it as its own timer would
                        process.send_signal(signal.SIGALRM)
                output = process.communicate()[0]
            if process.returncode != 0:
                raise SystemExit(f"{peer.label}: pgbench failed")
            # client, number, microseconds, script, and the time at the end in seconds and microseconds
            log = [
                (int(line[4]) + int(line[5]) / 1e6, int(line[2]) / 1000)
                for file in directory.glob("log*") for line in map(str.split, file.read_text().splitlines())
            ]
        transactions = int(re.search(r"transactions actually processed: (\d+)", output)[1])  # type: ignore[index]
        accepted = self.recorded(peer) - history if peer.records else transactions
        if transactions == 0:
            raise SystemExit(
                f"{peer.label}: {clients} clients did nothing in the time that they had: give them more --seconds")
        begin, end = watched or length.measured([end - took / 1000 for end, took in log], [end for end, _ in log])
        latencies = [took for at, took in log if begin < at <= end]
        return Run(transactions, accepted, len(latencies) / (end - begin) * accepted / transactions, latencies)

    def recorded(self, peer: Peer) -> int:
        """How many rows of history there are in the tables of a peer, if it leaves any."""
        return self.count(f"{peer.schema}.customer_history") if peer.records else 0

    def stop(self) -> None:
        """Stops the server, cleanly."""
        self._pg_ctl("-m", "fast", "stop")

    def start(self) -> None:
        """Starts it again."""
        postgres = next((self.directory / "tree").glob("**/bin/postgres"))
        self._pg_ctl("-p", str(postgres), "-l", str(self.directory / "data" / "server.log"), "start")

    def _pg_ctl(self, *arguments: str) -> None:
        command = ["pg_ctl", "-D", str(self.directory / "data"), "--wait", "--silent", *arguments]
        if os.geteuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        subprocess.run(command, check=True, cwd="/", stdout=subprocess.DEVNULL)

    def callgrind(self, statements: str, options: Sequence[str] = ()) -> Counted:
        """Counts what a server process does for statements, one a line; the server must be stopped."""
        with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
            file.write(statements)
            file.flush()
            os.chmod(file.name, 0o644)
            output = subprocess.run(
                [str(BENCH / "single"), str(self.directory), self.database, file.name, *options],
                check=True, stdout=subprocess.PIPE, text=True,
            ).stdout
        events = re.findall(r"(\w+)=(\d+)", output.strip().splitlines()[-1])
        return Counted(output, {name: int(count) for name, count in events},
                       self.directory / "copy" / "callgrind.out")
