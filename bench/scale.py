"""Measures what a save costs through the proxy of scale/, and how much more several shards do, and prints it."""

import argparse
import datetime
import json
import operator
import os
import random
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo
from tabulate import tabulate

import machine
import report
from results import SMOKE_RUN, Aim
from server import Server

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Contender:
    """Where saves are sent to, and the servers that take part."""

    label: str
    connections: list[dict[str, str]]  # which the clients take in turn
    databases: list[dict[str, str]]  # where to count what was saved
    shards: list[Path]
    proxy: Path | None = None
    bouncers: tuple[Path, ...] = ()
    sharded: bool = False  # the connections are the partitions, of which each save goes to one
    prepared: bool = False


@dataclass(frozen=True)
class Run:
    """What one run of the clients did."""

    rate: float  # accepted saves per second
    latency: float  # milliseconds, the median
    proxy_cpu: float  # milliseconds of processor time per accepted save
    bouncers_cpu: float
    shards_cpu: float
    clients_cpu: float

    @property
    def beside_clients(self) -> float:
        """Milliseconds that the processes of the servers take."""
        return self.proxy_cpu + self.bouncers_cpu + self.shards_cpu

    @property
    def whole(self) -> float:
        """Milliseconds that all processes take."""
        return self.beside_clients + self.clients_cpu


def connection_to(server: Path, database: str) -> dict[str, str]:
    """How libpq finds a database of a server that scripts/lib.sh made, by TCP as from another machine."""
    return {"host": "127.0.0.1", "port": (server / "crm_concurrency-server").read_text().strip(), "sslmode": "disable",
            "user": "crm", "password": (server.parent / "password").read_text().strip(), "dbname": database}


def through(bouncer: Path, connection: dict[str, str]) -> dict[str, str]:
    """The same database through a PgBouncer."""
    return connection | {"port": (bouncer / "port").read_text().strip()}


def value(connection: dict[str, str], query: str) -> int:
    """The number that a query returns."""
    with psycopg.connect(**connection, autocommit=True) as session:  # type: ignore[arg-type]
        return session.execute(query).fetchone()[0]  # type: ignore[index]


def servers(count: int) -> str:
    """So many servers in words."""
    return "1 server" if count == 1 else f"{count} servers"


# What saves are called that are sent to so many servers, by how.
DIRECT, ROUTED, DIRECT_POOLED, ROUTED_POOLED, PROXIED = (
    "direct", "routed", "direct through PgBouncer", "routed through PgBouncer", "through the proxy")
NOT_PREPARED = "direct, not prepared"


def label(how: str, count: int) -> str:
    """What saves sent to so many servers are called."""
    return f"{how}, {servers(count)}"


def contenders(directory: Path, counts: Sequence[int]) -> list[Contender]:
    """The set-ups in directory/1, directory/2, ..., each with its proxy and without."""
    found = []
    for count in counts:
        setup = directory / str(count)
        shards = [setup / f"shard-{i}" for i in range(count)]
        bouncers = tuple(setup / "bouncers" / str(i) for i in range(count))
        databases = [connection_to(shard, "direct") for shard in shards]
        proxy = connection_to(setup / "proxy", "crm")
        with psycopg.connect(**proxy) as session:  # type: ignore[arg-type]
            rows = session.execute(
                r"SELECT database, substring(connection FROM 'port=(\d+)') FROM crm_proxy.partitions()").fetchall()
        numbers = {connection_to(shard, "")["port"]: i for i, shard in enumerate(shards)}
        partitions = [connection_to(shards[numbers[port]], database) for database, port in rows]
        found += [
            Contender(label(DIRECT, count), databases, databases, shards, prepared=True),
            Contender(label(NOT_PREPARED, count), databases, databases, shards),
            Contender(label(ROUTED, count), partitions, partitions, shards, sharded=True, prepared=True),
            Contender(label(DIRECT_POOLED, count),
                      [through(bouncer, database) for bouncer, database in zip(bouncers, databases)], databases, shards,
                      bouncers=bouncers),
            Contender(label(ROUTED_POOLED, count),
                      [through(bouncers[numbers[port]], partition) for (_, port), partition in zip(rows, partitions)],
                      partitions, shards, bouncers=bouncers, sharded=True),
            Contender(label(PROXIED, count), [proxy], partitions, shards, proxy=setup / "proxy"),
        ]
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


def time_of_process(pid: int) -> float:
    """Seconds that a process has run."""
    return ticks_of(Path(f"/proc/{pid}/stat").read_text(encoding="ascii"))[0] / TICKS


def save(contender: Contender, options: argparse.Namespace, clients: int, warm_up: float) -> Run:
    """Saves for some seconds; the time that sessions take to connect and to fill their caches is left out."""
    def saved() -> int:
        return sum(value(database, "SELECT count(*) FROM customer_history WHERE operation = 'update'")
                   for database in contender.databases)

    before = saved()
    with tempfile.TemporaryDirectory() as name:
        command = [str(options.client), "--clients", str(clients), "--log", f"{name}/log"]
        for connection in contender.connections:
            command += ["--connection", make_conninfo(**connection)]
        command += ["--sharded"] * contender.sharded + ["--prepared"] * contender.prepared
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            if process.stdout.readline() != "ready\n":  # type: ignore[union-attr]
                raise SystemExit(f"{contender.label}: the clients failed")
            def used() -> tuple[float, ...]:
                pids = [int((bouncer / "pid").read_text()) for bouncer in contender.bouncers]
                return (processor_time(contender.proxy) if contender.proxy else 0, sum(map(time_of_process, pids)),
                        sum(map(processor_time, contender.shards)), time_of_process(process.pid))

            time.sleep(warm_up)
            begin, used_at_begin = time.time(), used()
            time.sleep(options.seconds)
            end, used_at_end = time.time(), used()
            process.communicate()
        if process.returncode != 0:
            raise SystemExit(f"{contender.label}: the clients failed")
        # when a save ended, and how long it took
        log = [(float(line[0]), float(line[1]))
               for file in Path(name).iterdir() for line in map(str.split, file.read_text().splitlines())]
    if saved() - before != len(log):
        raise SystemExit(f"{contender.label}: {saved() - before} of {len(log)} saves were accepted")
    latencies = [took for at, took in log if begin < at <= end]
    if not latencies:
        raise SystemExit(
            f"{contender.label}: {clients} clients did nothing in the time that they had: give them more --seconds")
    costs = [1000 * (after - earlier) / len(latencies) for earlier, after in zip(used_at_begin, used_at_end)]
    return Run(len(latencies) / (end - begin), statistics.median(latencies), *costs)


LATENCY, WHOLE, BESIDE_CLIENTS = map(operator.attrgetter, ("latency", "whole", "beside_clients"))


def ratio(what: str, target: float, of: list[float], to: list[float], at_most: bool = False) -> Aim:
    """The ratio of two figures, by round."""
    ratios = [a / b for a, b in zip(of, to)]
    return Aim(what, target, statistics.median(ratios), at_most=at_most,
               spread=f"{min(ratios):.2f} to {max(ratios):.2f}")


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(
        prog="bench/run --scale",
        description="Compares saves through the proxy of scale/, with 1, 2 and 4 servers on this machine, and saves of "
        "clients that choose the partition themselves (routed), with saves that clients send to the same servers "
        "directly: interleaved rounds, medians, ratios. Prints tables and writes scale.json and scale.html.",
    )
    parser.add_argument("--directory", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--shards", type=int, nargs="+", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--client", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="a smoke run: one round of a second")
    parser.add_argument("--rounds", type=int, help="how often each contender runs (5)")
    parser.add_argument("--seconds", type=float, help="how long a run takes (5)")
    parser.add_argument("--clients", type=int, default=30, help="beside one (%(default)s)")
    parser.add_argument("--output", type=Path, default=Path(__file__).resolve().parent.parent / "build" / "bench",
                        help="the directory for scale.json and scale.html (build/bench)")
    options = parser.parse_args(arguments)
    rounds, seconds = (1, 1) if options.quick else (5, 5)
    options.warm_up = 0.05 if options.quick else 0.2  # seconds for each client
    options.rounds = options.rounds or rounds
    options.seconds = options.seconds or seconds
    return options


def aims_of(runs: dict[int, dict[str, list[Run]]], counts: Sequence[int], clients: int) -> list[Aim]:
    """What was aimed at, by round."""
    def compared(what: str, target: float, of: str, to: str, figure: Callable[[Run], float]) -> Aim:
        """A figure of which less is better, alone or with many clients."""
        alone = runs[1] if figure is LATENCY else runs[clients]
        values = [[figure(run) for run in alone[name]] for name in (of, to)]
        # Saves per second of processor time are the inverse of the time of a save.
        if figure is LATENCY:
            return ratio(what, target, *values, at_most=True)
        return ratio(what, target, *reversed(values))

    found = []
    for count in counts:
        for of, to in ((ROUTED, DIRECT), (ROUTED_POOLED, DIRECT_POOLED)):
            found += [
                compared(f"1 client: latency of a save {label(of, count)}, against {to}", 1.05, label(of, count),
                         label(to, count), LATENCY),
                compared(f"{clients} clients: saves per second of processor time {label(of, count)}, against {to}",
                         0.95, label(of, count), label(to, count), WHOLE),
            ]
    found.append(compared("1 client: latency of a save through the proxy, against direct", 2.0, label(PROXIED, 1),
                          label(DIRECT, 1), LATENCY))
    found += [compared(f"{clients} clients: saves per second of processor time of the servers {label(PROXIED, count)}, "
                       "against direct", 0.55, label(PROXIED, count), label(DIRECT, count), BESIDE_CLIENTS)
              for count in counts]
    return found


def write_report(path: Path, runs: dict[int, dict[str, list[Run]]], counts: Sequence[int], clients: int,
                 aims: Sequence[Aim], about: dict[str, str], warning: str | None) -> None:
    """The same as a page."""
    ways = (DIRECT, ROUTED, DIRECT_POOLED, ROUTED_POOLED, PROXIED)

    def by_servers(number: int, figure: Callable[[Run], float]) -> str:
        groups = {servers(count): {way: 1000 * statistics.median(map(figure, runs[number][label(way, count)]))
                                   for way in ways} for count in counts}
        return report.grouped(groups, ways, "microseconds per save; less is better")

    report.write_page(
        path, aims, about,
        report.Headline(f"Processor time of a save, {clients} clients",
                        "Of all processes: servers, proxy, PgBouncer and clients. Routed clients choose the "
                        "partition of each customer themselves; through PgBouncer and the proxy no "
                        "statement is prepared.",
                        by_servers(clients, WHOLE)),
        {"Latency of a save, 1 client": by_servers(1, LATENCY)},
        {f"clients: {number}": [(name, statistics.median(rates), min(rates), max(rates))
                                for name, each in by_contender.items() for rates in [[run.rate for run in each]]]
         for number, by_contender in runs.items()}, warning)


def main() -> None:
    """Runs all of it."""
    options = parse()
    if options.quick:
        print(SMOKE_RUN, flush=True)
    # before files change under a long run
    about = {
        "date": datetime.datetime.now().astimezone().isoformat(" ", "seconds"),
        "commit": machine.commit(),
        "options": shlex.join(("bench/run", "--scale", *sys.argv[sys.argv.index("--client") + 2:])),
        "rounds": f"{options.rounds} of {options.seconds:g} s",
    }
    everyone = contenders(options.directory, options.shards)
    runs: dict[int, dict[str, list[Run]]] = {
        clients: {contender.label: [] for contender in everyone} for clients in (1, options.clients)}
    for number in range(options.rounds):
        for clients, each in runs.items():
            for contender in random.sample(everyone, len(everyone)):
                print(f"  {clients} clients, round {number + 1}: {contender.label}", flush=True)
                each[contender.label].append(save(contender, options, clients, 0.5 + clients * options.warm_up))

    aims = aims_of(runs, options.shards, options.clients)
    description = machine.describe(Server(options.directory / "1" / "shard-0", "direct"))
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "scale.json").write_text(json.dumps(
        {"run": about, "machine": description, "aims": [asdict(aim) for aim in aims],
         "runs": {str(clients): {name: [asdict(run) for run in some] for name, some in each.items()}
                  for clients, each in runs.items()}}, indent=2))
    write_report(options.output / "scale.html", runs, options.shards, options.clients, aims, about | description,
                 SMOKE_RUN if options.quick else None)

    print()
    print(tabulate((about | description).items(), tablefmt="plain"))
    for clients, each in runs.items():
        print()
        print(tabulate(
            [(name, *(statistics.median(getattr(run, figure) for run in some)
                      for figure in ("rate", "latency", "shards_cpu", "proxy_cpu", "bouncers_cpu", "clients_cpu")))
             for name, some in each.items()],
            headers=(f"clients: {clients}", "saves/s", "latency, ms", "CPU, ms a save: servers", "proxy", "PgBouncer",
                     "clients"),
            floatfmt=("", ".0f", ".2f", ".3f", ".3f", ".3f", ".3f")))
    print()
    print(tabulate(
        [(aim.what, f"{'≤' if aim.at_most else '≥'} {aim.target:g}", f"{aim.measured:.2f}", aim.spread,
          "met" if aim.is_met else "missed") for aim in aims],
        headers=("what", "target", "measured", "least to most", "")))
    print(f"\n{options.output / 'scale.html'}")


if __name__ == "__main__":
    main()
