"""Measures what a save costs through the proxy of scale/, and how much more several shards do, and prints it."""

import argparse
import json
import math
import os
import random
import re
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg
from tabulate import tabulate

import machine
from results import SMOKE_RUN, Aim
from server import Server

# Each client saves a customer of its own from the version that the last save told it; the first is refused, and tells
# it.
SCRIPT = """\\set id :client_id + 1
\\set n random(1, 1000000000)
SELECT updated_at AS base FROM crm_update_customer(:id::bigint, :base, 'status ' || :n,
    'Called back, they want a quote by Friday ' || :n, 'ana') \\gset
"""
FIRST_BASE = "2000-01-01 00:00:00+00"
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Contender:
    """Where saves are sent to, and the servers that take part."""

    label: str
    connections: list[dict[str, str]]  # which share the clients
    databases: list[dict[str, str]]  # where to count what was saved
    proxy: Path | None
    shards: list[Path]
    mode: str = "prepared"  # how pgbench sends statements


@dataclass(frozen=True)
class Run:
    """What one run of pgbench did."""

    rate: float  # accepted saves per second
    latency: float  # milliseconds, the median
    proxy_cpu: float  # milliseconds of processor time per accepted save
    shards_cpu: float


def connection_to(server: Path, database: str) -> dict[str, str]:
    """How libpq finds a database of a server that scripts/lib.sh made, by TCP as from another machine."""
    return {"host": "127.0.0.1", "port": (server / "crm_concurrency-server").read_text().strip(), "sslmode": "disable",
            "user": "postgres", "password": (server / "password").read_text().strip(), "dbname": database}


def value(connection: dict[str, str], query: str) -> int:
    """The number that a query returns."""
    with psycopg.connect(**connection, autocommit=True) as session:  # type: ignore[arg-type]
        return session.execute(query).fetchone()[0]  # type: ignore[index]


def servers(count: int) -> str:
    """So many servers in words."""
    return "1 server" if count == 1 else f"{count} servers"


def direct(count: int) -> str:
    """What saves sent to so many servers are called."""
    return f"direct, {servers(count)}"


def proxied(count: int) -> str:
    """What saves sent to a proxy before so many servers are called."""
    return f"through the proxy, {servers(count)}"


def contenders(directory: Path, counts: Sequence[int]) -> list[Contender]:
    """The set-ups in directory/1, directory/2, ..., each with its proxy and without."""
    found = []
    for count in counts:
        setup = directory / str(count)
        shards = [setup / f"shard-{i}" for i in range(count)]
        databases = [connection_to(shard, "direct") for shard in shards]
        found.append(Contender(direct(count), databases, databases, None, shards))
        if count == 1:
            # as PL/Proxy sends it
            found.append(Contender(f"{direct(count)}, not prepared", databases, databases, None, shards,
                                   mode="extended"))
        proxy = connection_to(setup / "proxy", "crm")
        with psycopg.connect(**proxy) as session:  # type: ignore[arg-type]
            rows = session.execute(
                r"SELECT database, substring(connection FROM 'port=(\d+)') FROM crm_proxy.partitions()").fetchall()
        by_port = {connection_to(shard, "")["port"]: shard for shard in shards}
        partitions = [connection_to(by_port[port], database) for database, port in rows]
        found.append(Contender(proxied(count), [proxy], partitions, setup / "proxy", shards))
    return found


def ticks_of(stat: str) -> tuple[int, int]:
    """What the stat file of a process says that it took, and what those of its children took that have ended."""
    fields = stat.rpartition(")")[2].split()
    return sum(map(int, fields[11:13])), sum(map(int, fields[13:15]))


def processor_time(server: Path) -> float:
    """Seconds of all processes that a server has, and has had."""
    postmaster = Path("/proc") / (server / "data" / "postmaster.pid").read_text().split()[0]
    while True:
        own, ended = ticks_of((postmaster / "stat").read_text())
        ticks = own + ended
        for directory in Path("/proc").glob("[0-9]*"):
            try:
                stat = (directory / "stat").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if stat.rpartition(")")[2].split()[1] == postmaster.name:
                ticks += ticks_of(stat)[0]
        # One that ended meanwhile may have been missed.
        if ticks_of((postmaster / "stat").read_text())[1] == ended:
            return ticks / TICKS


def pgbench(contender: Contender, clients: int, seconds: float, warm_up: float) -> Run:
    """Saves for some seconds; the time that sessions take to connect and to fill their caches is left out."""
    def saved() -> int:
        return sum(value(database, "SELECT count(*) FROM customer_history WHERE operation = 'update'")
                   for database in contender.databases)

    def used() -> list[float]:
        return [processor_time(server) for server in ([contender.proxy] if contender.proxy else []) + contender.shards]

    def start(number: int, directory: Path) -> subprocess.Popen[str]:
        connection = contender.connections[number]
        count = len(range(number, clients, len(contender.connections)))
        environment = os.environ | {f"PG{name.upper()}": part for name, part in connection.items() if name != "dbname"}
        return subprocess.Popen(
            ["pgbench", "-n", "-M", contender.mode, "-c", str(count), "-j", str(min(count, 2)),
             "-T", str(math.ceil(warm_up + seconds + 0.5)), "-D", f"base={FIRST_BASE}",
             "--log", "--log-prefix", str(directory / f"log{number}"), "-f", str(directory / "script.sql"),
             connection["dbname"]],
            env=environment, stdout=subprocess.PIPE, text=True)

    before = saved()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "script.sql").write_text(SCRIPT)
        processes = [start(number, directory) for number in range(min(clients, len(contender.connections)))]
        time.sleep(warm_up)
        begin, used_at_begin = time.time(), used()
        time.sleep(seconds)
        end, used_at_end = time.time(), used()
        outputs = [process.communicate()[0] for process in processes]
        if any(process.returncode != 0 for process in processes):
            raise SystemExit(f"{contender.label}: pgbench failed")
        # client, number, microseconds, script, and the time at the end in seconds and microseconds
        log = [(int(line[4]) + int(line[5]) / 1e6, int(line[2]) / 1000)
               for file in directory.glob("log*") for line in map(str.split, file.read_text().splitlines())]
    transactions = sum(int(re.search(r"transactions actually processed: (\d+)", output)[1])  # type: ignore[index]
                       for output in outputs)
    accepted = saved() - before
    if accepted != transactions - clients:
        raise SystemExit(
            f"{contender.label}: {accepted} of {transactions} saves were accepted: not all but each client's first")
    latencies = [took for at, took in log if begin < at <= end]
    if not latencies:
        raise SystemExit(
            f"{contender.label}: {clients} clients did nothing in the time that they had: give them more --seconds")
    costs = [1000 * (after - earlier) / len(latencies) for earlier, after in zip(used_at_begin, used_at_end)]
    return Run(len(latencies) / (end - begin), statistics.median(latencies), costs[0] if contender.proxy else 0,
               sum(costs[1:] if contender.proxy else costs))


def ratio(what: str, target: float, of: list[float], to: list[float], at_most: bool = False) -> Aim:
    """The ratio of two figures, by round."""
    ratios = [a / b for a, b in zip(of, to)]
    return Aim(what, target, statistics.median(ratios), at_most=at_most,
               spread=f"{min(ratios):.2f} to {max(ratios):.2f}")


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(
        prog="bench/run --scale",
        description="Compares saves through the proxy of scale/, with 1, 2 and 4 servers on this machine, with saves "
        "that clients send to the same servers directly: interleaved rounds, medians, ratios. Prints tables and "
        "writes scale.json.",
    )
    parser.add_argument("--directory", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--shards", type=int, nargs="+", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="a smoke run: one round of a second")
    parser.add_argument("--rounds", type=int, help="how often each contender runs (5)")
    parser.add_argument("--seconds", type=float, help="how long a run takes (5)")
    parser.add_argument("--clients", type=int, default=30, help="beside one (%(default)s)")
    parser.add_argument("--output", type=Path, default=Path(__file__).resolve().parent.parent / "build" / "bench",
                        help="the directory for scale.json (build/bench)")
    options = parser.parse_args(arguments)
    rounds, seconds = (1, 1) if options.quick else (5, 5)
    options.warm_up = 0.05 if options.quick else 0.2  # seconds for each client
    options.rounds = options.rounds or rounds
    options.seconds = options.seconds or seconds
    return options


def main() -> None:
    """Runs all of it."""
    options = parse()
    if options.quick:
        print(SMOKE_RUN, flush=True)
    everyone = contenders(options.directory, options.shards)
    runs: dict[int, dict[str, list[Run]]] = {
        clients: {contender.label: [] for contender in everyone} for clients in (1, options.clients)}
    for number in range(options.rounds):
        for clients, each in runs.items():
            for contender in random.sample(everyone, len(everyone)):
                print(f"  {clients} clients, round {number + 1}: {contender.label}", flush=True)
                warm_up = 0.5 + clients * options.warm_up
                each[contender.label].append(pgbench(contender, clients, options.seconds, warm_up))

    def figures(clients: int, label: str, name: str) -> list[float]:
        return [getattr(run, name) for run in runs[clients][label]]

    def cost(label: str) -> list[float]:
        return [run.proxy_cpu + run.shards_cpu for run in runs[options.clients][label]]

    aims = [
        ratio("1 client: latency of a save through the proxy, against direct", 2.0, figures(1, proxied(1), "latency"),
              figures(1, direct(1), "latency"), at_most=True),
        *(ratio(f"{options.clients} clients: saves per second of processor time {proxied(count)}, against direct", 0.55,
                cost(direct(count)), cost(proxied(count))) for count in options.shards),
    ]
    description = machine.describe(Server(options.directory / "1" / "shard-0", "direct"))
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "scale.json").write_text(json.dumps(
        {"machine": description, "aims": [asdict(aim) for aim in aims],
         "runs": {str(clients): {label: [asdict(run) for run in some] for label, some in each.items()}
                  for clients, each in runs.items()}}, indent=2))

    print()
    print(tabulate(description.items(), tablefmt="plain"))
    for clients in runs:
        print()
        print(tabulate(
            [(contender.label, *(statistics.median(figures(clients, contender.label, name))
                                 for name in ("rate", "latency", "proxy_cpu", "shards_cpu")))
             for contender in everyone],
            headers=(f"clients: {clients}", "saves/s", "latency, ms", "proxy's CPU, ms a save",
                     "servers' CPU, ms a save"),
            floatfmt=("", ".0f", ".2f", ".3f", ".3f")))
    print()
    print(tabulate(
        [(aim.what, f"{'≤' if aim.at_most else '≥'} {aim.target:g}", f"{aim.measured:.2f}", aim.spread,
          "met" if aim.is_met else "missed") for aim in aims],
        headers=("what", "target", "measured", "least to most", "")))
    print(f"\n{options.output / 'scale.json'}")


if __name__ == "__main__":
    main()
