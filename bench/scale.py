"""Measures what a save costs through the proxy of scale/, and how much more several shards do, and prints it."""

import argparse
import contextlib
import datetime
import json
import operator
import os
import random
import shlex
import signal
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
CUSTOMERS = 5000  # of each set-up


@dataclass(frozen=True)
class Contender:
    """Where saves are sent to, and the servers that take part."""

    label: str
    connections: list[dict[str, str]]  # of which each customer has one
    databases: list[dict[str, str]]  # where to count what was saved
    shards: list[Path]
    proxy: Path | None = None
    bouncers: tuple[Path, ...] = ()
    sharded: bool = False  # the connections are the partitions, of which each save goes to one
    pinned: bool = False  # each client keeps to one of the connections
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
PINNED, NOT_PREPARED = "direct, each client to one", "direct, not prepared"
HOW = {"direct": DIRECT, "pinned": PINNED, "not-prepared": NOT_PREPARED, "routed": ROUTED,
       "direct-pooled": DIRECT_POOLED, "routed-pooled": ROUTED_POOLED, "proxy": PROXIED}


def label(how: str, count: int) -> str:
    """What saves sent to so many servers are called."""
    return f"{how}, {servers(count)}"


def contenders(directory: Path, count: int, ways: Sequence[str]) -> list[Contender]:
    """The set-up in directory/count, with its proxy and without."""
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
    found = {
        DIRECT: Contender(label(DIRECT, count), databases, databases, shards, prepared=True),
        PINNED: Contender(label(PINNED, count), databases, databases, shards, pinned=True, prepared=True),
        NOT_PREPARED: Contender(label(NOT_PREPARED, count), databases, databases, shards),
        ROUTED: Contender(label(ROUTED, count), partitions, partitions, shards, sharded=True, prepared=True),
        DIRECT_POOLED: Contender(
            label(DIRECT_POOLED, count), [through(bouncer, database) for bouncer, database in zip(bouncers, databases)],
            databases, shards, bouncers=bouncers),
        ROUTED_POOLED: Contender(
            label(ROUTED_POOLED, count),
            [through(bouncers[numbers[port]], partition) for (_, port), partition in zip(rows, partitions)],
            partitions, shards, bouncers=bouncers, sharded=True),
        PROXIED: Contender(label(PROXIED, count), [proxy], partitions, shards, proxy=setup / "proxy"),
    }
    return [found[how] for way, how in HOW.items() if way in ways and (how != PINNED or count > 1)]


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


class Clients:
    """The clients of a contender, who save in their turns and are stopped in between."""

    def __init__(self, contender: Contender, options: argparse.Namespace, clients: int, first: int) -> None:
        self.contender = contender
        self.turns: list[tuple[float, float, list[float]]] = []  # from when to when, and seconds of processor time
        self.logs = tempfile.TemporaryDirectory()  # pylint: disable=consider-using-with # close() removes it
        command = [str(options.client), "--clients", str(clients), "--log", f"{self.logs.name}/log",
                   "--first", str(first), "--customers", str(customers_of(clients))]
        for connection in contender.connections:
            command += ["--connection", make_conninfo(**connection)]
        command += (["--sharded"] * contender.sharded + ["--pinned"] * contender.pinned +
                    ["--prepared"] * contender.prepared)
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with # close() waits for it
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> "Clients":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()
        self.logs.cleanup()

    def warm_up(self, seconds: float) -> None:
        """Lets the sessions connect and fill their caches."""
        if self.process.stdout.readline() != "ready\n":  # type: ignore[union-attr]
            raise SystemExit(f"{self.contender.label}: the clients failed")
        time.sleep(seconds)
        self.process.send_signal(signal.SIGSTOP)

    def used(self) -> list[float]:
        """Seconds of processor time: of the proxy, the bouncers, the shards and the clients."""
        contender = self.contender
        pids = [int((bouncer / "pid").read_text()) for bouncer in contender.bouncers]
        return [processor_time(contender.proxy) if contender.proxy else 0, sum(map(time_of_process, pids)),
                sum(map(processor_time, contender.shards)), time_of_process(self.process.pid)]

    def save(self, seconds: float) -> None:
        """Saves for some seconds, after the short time that it takes until all are at it again."""
        self.process.send_signal(signal.SIGCONT)
        time.sleep(0.1)
        begin, used_at_begin = time.time(), self.used()
        time.sleep(seconds)
        end, used_at_end = time.time(), self.used()
        self.process.send_signal(signal.SIGSTOP)
        self.turns.append((begin, end, [after - before for before, after in zip(used_at_begin, used_at_end)]))

    def finish(self) -> tuple[list[Run], int]:
        """What was done in each turn, and how many saves there were in all."""
        self.process.send_signal(signal.SIGCONT)
        self.process.communicate()
        if self.process.returncode != 0:
            raise SystemExit(f"{self.contender.label}: the clients failed")
        # when a save ended, and how many milliseconds it took
        log = [(float(line[0]), float(line[1])) for file in Path(self.logs.name).iterdir()
               for line in map(str.split, file.read_text().splitlines())]
        return [self.run_of(log, *turn) for turn in self.turns], len(log)

    def run_of(self, log: list[tuple[float, float]], begin: float, end: float, used: list[float]) -> Run:
        """What was done in a turn."""
        saves = [(at, took) for at, took in log if begin < at <= end]
        # One that was under way when they were stopped says nothing.
        latencies = [took for at, took in saves if at - took / 1000 >= begin]
        if not latencies:
            raise SystemExit(f"{self.contender.label}: the clients did nothing in the time that they had: "
                             "give them more --seconds")
        costs = [1000 * seconds / len(saves) for seconds in used]
        return Run(len(saves) / (end - begin), statistics.median(latencies), *costs)


def saved(everyone: Sequence[Contender]) -> int:
    """How many saves all databases have."""
    databases = {make_conninfo(**database): database for contender in everyone for database in contender.databases}
    return sum(value(database, "SELECT count(*) FROM customer_history WHERE operation = 'update'")
               for database in databases.values())


def customers_of(clients: int) -> int:
    """How many customers a client saves, so that each contender has its own."""
    return min(20, CUSTOMERS // (len(HOW) * clients))


def measure(everyone: Sequence[Contender], options: argparse.Namespace, clients: int) -> dict[str, list[Run]]:
    """Runs each contender once a round, in an order of chance."""
    before = saved(everyone)
    with contextlib.ExitStack() as stack:
        running = []
        firsts: dict[str, int] = {}
        for contender in everyone:
            setup = str(contender.shards[0].parent)
            first = firsts.get(setup, 1)
            firsts[setup] = first + clients * customers_of(clients)
            each = stack.enter_context(Clients(contender, options, clients, first))
            each.warm_up(0.5 + clients * options.warm_up)
            running.append(each)
        for number in range(options.rounds):
            print(f"  {clients} clients, round {number + 1}", flush=True)
            for each in random.sample(running, len(running)):
                each.save(options.seconds)
        finished = [each.finish() for each in running]
    accepted, all_saves = saved(everyone) - before, sum(saves for _, saves in finished)
    if accepted != all_saves:
        raise SystemExit(f"{accepted} of {all_saves} saves were accepted")
    return {each.contender.label: runs for each, (runs, _) in zip(running, finished)}


LATENCY, WHOLE, BESIDE_CLIENTS = map(operator.attrgetter, ("latency", "whole", "beside_clients"))


def ratio(what: str, target: float, of: list[float], to: list[float], at_most: bool = False) -> Aim:
    """The ratio of two figures, by round."""
    ratios = [a / b for a, b in zip(of, to)]
    return Aim(what, target, statistics.median(ratios), at_most=at_most,
               spread=f"{min(ratios):.2f} to {max(ratios):.2f}")


def counts(text: str) -> list[int]:
    """Numbers of servers."""
    found = [int(number) for number in text.split(",")]
    if not all(1 <= number <= 64 for number in found) or sorted(set(found)) != found:
        raise ValueError
    return found


def power_of_two(text: str) -> int:
    """A number of partitions."""
    number = int(text)
    if number < 1 or number & (number - 1):
        raise ValueError
    return number


def partitions_of(options: argparse.Namespace, count: int) -> int:
    """How many partitions so many servers have."""
    return options.partitions or 1 << (count - 1).bit_length()


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(
        prog="bench/run --scale",
        description="Compares saves through the proxy of scale/, with 1, 2 and 4 servers on this machine, and saves of "
        "clients that choose the partition themselves (routed), with saves that clients send to the same servers "
        "directly: interleaved rounds, medians, ratios. Prints tables and writes scale.json and scale.html.",
    )
    parser.add_argument("--set-ups", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--directory", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--client", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="a smoke run: one round of a second")
    parser.add_argument("--servers", type=counts, default=[1, 2, 4], metavar="N,...", help="how many (1,2,4)")
    parser.add_argument("--partitions", type=power_of_two, metavar="N",
                        help="a power of two, not less than the servers (as many as there are servers)")
    parser.add_argument("--only", nargs="+", choices=HOW, default=list(HOW), metavar="HOW",
                        help=f"ways to save: {', '.join(HOW)} (all)")
    parser.add_argument("--rounds", type=int, help="how often each contender runs (10)")
    parser.add_argument("--seconds", type=float, help="how long a run takes (2)")
    parser.add_argument("--clients", type=int, default=30, help="beside one (%(default)s)")
    parser.add_argument("--output", type=Path, default=Path(__file__).resolve().parent.parent / "build" / "bench",
                        help="the directory for scale.json and scale.html (build/bench)")
    options = parser.parse_args(arguments)
    rounds, seconds = (1, 1) if options.quick else (10, 2)
    options.warm_up = 0.05 if options.quick else 0.2  # seconds for each client
    options.rounds = options.rounds or rounds
    options.seconds = options.seconds or seconds
    for count in options.servers:
        if partitions_of(options, count) < count:
            parser.error(f"{partitions_of(options, count)} partitions are too few for {count} servers")
    if not 1 <= options.clients <= CUSTOMERS // len(HOW):
        parser.error(f"there are 1 to {CUSTOMERS // len(HOW)} clients")
    return options


def aims_of(runs: dict[int, dict[str, list[Run]]], set_ups: Sequence[int], clients: int) -> list[Aim]:
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
    for count in set_ups:
        for of, to in ((ROUTED, DIRECT), (ROUTED_POOLED, DIRECT_POOLED)):
            if {label(of, count), label(to, count)} <= runs[1].keys():
                found += [
                    compared(f"1 client: latency of a save {label(of, count)}, against {to}", 1.05, label(of, count),
                             label(to, count), LATENCY),
                    compared(f"{clients} clients: saves per second of processor time {label(of, count)}, against {to}",
                             0.95, label(of, count), label(to, count), WHOLE),
                ]
    proxied = [count for count in set_ups if {label(PROXIED, count), label(DIRECT, count)} <= runs[1].keys()]
    found += [compared(f"1 client: latency of a save {label(PROXIED, count)}, against direct", 2.0,
                       label(PROXIED, count), label(DIRECT, count), LATENCY) for count in proxied[:1]]
    found += [compared(f"{clients} clients: saves per second of processor time of the servers {label(PROXIED, count)}, "
                       "against direct", 0.55, label(PROXIED, count), label(DIRECT, count), BESIDE_CLIENTS)
              for count in proxied]
    return found


def write_report(path: Path, runs: dict[int, dict[str, list[Run]]], set_ups: Sequence[int], clients: int,
                 aims: Sequence[Aim], about: dict[str, str], warning: str | None) -> None:
    """The same as a page."""
    ways = (DIRECT, ROUTED, DIRECT_POOLED, ROUTED_POOLED, PROXIED)

    def by_servers(number: int, figure: Callable[[Run], float]) -> str:
        groups = {servers(count): {way: 1000 * statistics.median(map(figure, runs[number][label(way, count)]))
                                   for way in ways if label(way, count) in runs[number]} for count in set_ups}
        shown = [way for way in ways if any(way in group for group in groups.values())]
        return report.grouped(groups, shown, "microseconds per save; less is better")

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
    if options.set_ups:
        for count in options.servers:
            print(count, partitions_of(options, count), CUSTOMERS)
        return
    if options.quick:
        print(SMOKE_RUN, flush=True)
    # before files change under a long run
    about = {
        "date": datetime.datetime.now().astimezone().isoformat(" ", "seconds"),
        "commit": machine.commit(),
        "options": shlex.join(("bench/run", "--scale", *sys.argv[sys.argv.index("--client") + 2:])),
        "rounds": f"{options.rounds} of {options.seconds:g} s",
        "partitions": ", ".join(f"{partitions_of(options, count)} on {servers(count)}" for count in options.servers),
    }
    everyone = [each for count in options.servers for each in contenders(options.directory, count, options.only)]
    runs = {clients: measure(everyone, options, clients) for clients in (1, options.clients)}

    aims = aims_of(runs, options.servers, options.clients)
    description = machine.describe(Server(options.directory / str(options.servers[0]) / "shard-0", "direct"))
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "scale.json").write_text(json.dumps(
        {"run": about, "machine": description, "aims": [asdict(aim) for aim in aims],
         "runs": {str(clients): {name: [asdict(run) for run in some] for name, some in each.items()}
                  for clients, each in runs.items()}}, indent=2))
    write_report(options.output / "scale.html", runs, options.servers, options.clients, aims, about | description,
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
