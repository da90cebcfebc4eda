"""Compares the ways to save a customer, and prints what was measured beside what was aimed at."""

import argparse
import datetime
import json
import shlex
import statistics
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from tabulate import tabulate

import bulk
import counting
import machine
import memory
import peers
import processor
import report
import throughput
from peers import Peer
from results import SMOKE_RUN, Results
from rounds import Bench
from server import Length, Server


def plain(bench: Bench) -> None:
    """What single-row UPDATEs cost, and how many 30 clients get done."""
    counting.plain(bench)
    throughput.plain(bench)


# In this order: what counts in a small database comes before what fills it.
EXPERIMENTS = {
    "instructions": counting.instructions,
    "cold": counting.cold,
    "plain": plain,
    "spread": throughput.spread,
    "processor": processor.processor,
    "stale": throughput.stale,
    "hot": throughput.hot,
    "comments": throughput.comments,
    "batch": throughput.batch,
    "clients": throughput.clients,
    "bulk": bulk.bulk,
    "verify": bulk.verify,
    "size": counting.size,
    "memory": memory.memory,
}


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(
        prog="bench/run",
        description="Compares crm_update_customer with other ways to save a customer, on a private server: interleaved "
        "rounds, medians, ratios. Prints a table and writes results.json and report.html.",
    )
    parser.add_argument("--server", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true",
                        help="a smoke run: every experiment for a moment, where callgrind counts with fewer peers")
    parser.add_argument("--full", action="store_true",
                        help="a million customers, ten million rows of history, a million saves for the memory, and "
                        "statements of a million rows")
    parser.add_argument("--only", nargs="+", choices=EXPERIMENTS, default=list(EXPERIMENTS), metavar="EXPERIMENT",
                        help="of " + ", ".join(EXPERIMENTS))
    parser.add_argument("--rounds", type=int, help="how often each peer runs (5)")
    parser.add_argument("--seconds", type=float, help="how long a run takes (5)")
    parser.add_argument("--customers", type=int, help="in the tables of each peer (100000)")
    parser.add_argument("--output", type=Path, default=Path(__file__).resolve().parent.parent / "build" / "bench",
                        help="the directory for results.json and report.html (build/bench)")
    options = parser.parse_args(arguments)
    rounds, seconds, customers = 5, 5, 100_000
    options.calls, options.cold_calls, options.saves, options.large = 100, 10, 40_000, (100_000, 10_000)
    options.bulk = 100_000
    options.clients, options.compared = (1, 4, 30, 100, 300), (30, 300)
    options.sessions, options.compared_sessions = (1, 2, 8, 30, 100, 300), 30
    if options.quick:
        options.clients = options.compared = (4, 30)
        options.sessions, options.compared_sessions = (4,), 4
        options.bulk = 300
        rounds, seconds, customers = 1, 1, 10_000
        options.calls, options.cold_calls, options.saves, options.large = 20, 8, 800, (2_000, 1_000)
    if options.full:
        options.saves, options.large, options.bulk = 1_000_000, (1_000_000, 100_000), 1_000_000
    options.rounds = options.rounds or rounds
    options.length = Length(options.seconds or seconds, warm_up=0.01,
                            transactions=20 if options.quick and not options.seconds else None)
    options.customers = options.customers or customers
    return options


def describe(options: argparse.Namespace, typed: Sequence[str]) -> dict[str, str]:
    """When what was measured, and how much."""
    at = typed.index("--server")
    length = (f"{options.length.transactions} transactions of each client" if options.length.transactions
              else f"{options.length.seconds:g} s")
    return {
        "date": datetime.datetime.now().astimezone().isoformat(" ", "seconds"),
        "commit": machine.commit(),
        "options": shlex.join(("bench/run", *typed[:at], *typed[at + 2:])),
        "rounds": f"{options.rounds} of {length}, {options.customers:,} customers",
    }


def main() -> None:
    """Runs the experiments that were asked for."""
    options = parse()
    if options.quick:
        print(SMOKE_RUN, flush=True)
    # before files change under a long run
    about = describe(options, sys.argv[1:])
    server = Server(options.server)
    print(f"making {options.customers:,} customers for each peer", flush=True)
    server.create(options.customers)
    bench = Bench(server, options)
    for name, experiment in EXPERIMENTS.items():
        if name in options.only:
            experiment(bench)

    description = machine.describe(server)
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "results.json").write_text(json.dumps(
        {"run": about, "machine": description} | asdict(bench.results), indent=2))
    labels = {peer.name: peer.label for peer in vars(peers).values() if isinstance(peer, Peer)}
    report.write(options.output / "report.html", bench.results, about | description, labels,
                 SMOKE_RUN if options.quick else None)
    print_tables(bench.results, about | description, labels)
    print(f"\n{options.output / 'report.html'}")


def print_tables(results: Results, description: dict[str, str], labels: dict[str, str]) -> None:
    """Prints all that was measured, and last what was aimed at."""
    def table(rows: Iterable[tuple[object, ...]], headers: tuple[str, ...], floatfmt: str = ".0f") -> None:
        print()
        print(tabulate(rows, headers=headers, floatfmt=floatfmt))

    print()
    print(tabulate(description.items(), tablefmt="plain"))
    for experiment, rates in results.rates.items():
        table(((labels[name], statistics.median(each), min(each), max(each)) for name, each in rates.items()),
              (experiment, "per second", "least", "most"))
    for size, costs in results.instructions.items():
        table(costs.items(), (f"{size} database", "instructions per call"))
    if results.shares:
        table(results.shares.items(), ("where those of crm_update_customer go", "instructions"))
    if results.plain:
        table(results.plain.items(), ("plain UPDATE of one column", "instructions per row"))
    if results.processor:
        clients = sorted({count for costs in results.processor.values() for count in costs})
        table(((label, *(costs[count] for count in clients)) for label, costs in results.processor.items()),
              ("processor time per save, µs, by clients", *map(str, clients)))
    if results.between:
        table(((label, *costs.values()) for label, costs in results.between.items()),
              ("one customer, µs", *next(iter(results.between.values()))))
    for statement, by_contender in results.bulk.items():
        table(((label, *costs.values()) for label, costs in by_contender.items()),
              (statement, *next(iter(by_contender.values()))), ".2f")
    if results.verify:
        table(((label, *costs.values()) for label, costs in results.verify.items()),
              ("verify", *next(iter(results.verify.values()))), ".2f")
    if results.cold:
        table(((label, *costs.values()) for label, costs in results.cold.items()),
              ("cold lines of 64 bytes per call", *next(iter(results.cold.values()))))
    if results.cold_shares:
        table(results.cold_shares.items(), ("where those of crm_update_customer go", "cold lines"))
    table(((aim.what, ("≤ " if aim.at_most else "≥ ") + f"{aim.target:g} {aim.unit}", f"{aim.measured:.2f} {aim.unit}",
            aim.spread, "met" if aim.is_met else "missed") for aim in results.aims),
          ("what", "target", "measured", "least to most", ""), "g")


if __name__ == "__main__":
    main()
