#!/usr/bin/python3
"""Replays a skewed load over many shards, and prints how much of it the hottest has."""

import argparse
import hashlib
from collections import Counter
from collections.abc import Sequence

import numpy
from tabulate import tabulate


def partition(key: int, partitions: int) -> int:
    """Where scale/proxy.sql's crm_partition() sends a customer."""
    return int.from_bytes(hashlib.sha256(str(key).encode()).digest()[:4], "big") & (partitions - 1)


def saves(customers: int, skew: float, count: int, seed: int) -> Counter[int]:
    """How often each customer is saved, where number k is in proportion to 1 / k ** skew (Zipf's law)."""
    upto = numpy.cumsum(numpy.arange(1, customers + 1, dtype=float) ** -skew)
    drawn = numpy.random.default_rng(seed).random(count) * upto[-1]
    ranks, counts = numpy.unique(numpy.searchsorted(upto, drawn) + 1, return_counts=True)
    return Counter(dict(zip(ranks.tolist(), counts.tolist())))


def number(text: str) -> int:
    """A number above 0."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(
        prog="bench/simulate_shards.py",
        description="Replays saves of customers, some of whom are saved far more often than others, over shards that "
        "share the partitions evenly, and prints how much more than the mean the hottest shard has to do, and what all "
        "of them can do together when the hottest one and the hottest customer can do no more.",
    )
    parser.add_argument("--customers", type=number, default=10_000_000, help="(%(default)s)")
    parser.add_argument("--saves", type=number, default=2_000_000, help="to replay (%(default)s)")
    parser.add_argument("--partitions", type=number, default=4096, help="a power of two (%(default)s)")
    parser.add_argument("--shards", type=number, nargs="+", default=[1, 4, 16, 64, 256, 1000],
                        help="numbers of servers (1 to 1000)")
    parser.add_argument("--skew", type=float, nargs="+", default=[0, 0.6, 0.8, 1.0],
                        help="exponents of Zipf's law; 0 is a load that is even over the customers (0 to 1)")
    parser.add_argument("--shard-rate", type=number, default=3000, metavar="N",
                        help="saves per second that one server can do: measure yours with bench/run (%(default)s)")
    parser.add_argument("--customer-rate", type=number, default=1500, metavar="N",
                        help="saves per second that one customer can take: "
                             "bench/run prints it as \"hot\" (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the load (%(default)s)")
    options = parser.parse_args(arguments)
    if options.partitions & (options.partitions - 1):
        parser.error(f"--partitions {options.partitions} is not a power of two")
    if max(options.shards) > options.partitions:
        parser.error(f"{max(options.shards)} shards need as many partitions, not {options.partitions}")
    if min(options.skew) < 0:
        parser.error("--skew is not negative")
    return options


def main() -> None:
    """Prints the table."""
    options = parse()
    rows = []
    for skew in options.skew:
        customers = saves(options.customers, skew, options.saves, options.seed)
        hottest_customer = max(customers.values()) / options.saves
        by_partition = Counter[int]()
        for customer, count in customers.items():
            by_partition[partition(customer, options.partitions)] += count
        for shards in options.shards:
            by_shard = Counter[int]()
            for number_of_partition, count in by_partition.items():
                by_shard[number_of_partition % shards] += count
            hottest_shard = max(by_shard.values()) / options.saves
            by_shards, by_customer = options.shard_rate / hottest_shard, options.customer_rate / hottest_customer
            rows.append((f"{skew:g}", shards, f"{hottest_shard * shards:.2f}", f"{100 * hottest_customer:.3f} %",
                         f"{min(by_shards, by_customer):,.0f}", "shard" if by_shards < by_customer else "customer"))
    print(f"{options.saves:,} saves of {options.customers:,} customers in {options.partitions} partitions; a server "
          f"can do {options.shard_rate:,} saves/s, a customer can take {options.customer_rate:,}")
    print()
    print(tabulate(rows, headers=("skew", "shards", "hottest shard, of the mean", "hottest customer, of all saves",
                                  "saves/s in all", "held by the hottest"), disable_numparse=True,
                   colalign=("right", "right", "right", "right", "right", "left")))


if __name__ == "__main__":
    main()
