"""Compares the ways to save a customer, and prints what was measured beside what was aimed at."""

import argparse
import json
import random
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from tabulate import tabulate

import machine
import peers
import report
from instructions import shares
from peers import Peer
from results import Aim, Results
from server import Instructions, Length, Run, Server

AIMS = ("instructions", "spread", "stale", "hot", "comments", "batch", "size", "clients", "memory")


class Bench:
    """The experiments, on one server."""

    def __init__(self, server: Server, options: argparse.Namespace) -> None:
        self.server = server
        self.options = options
        self.results = Results()

    def rounds(self, experiment: str, contenders: Sequence[Peer], clients: int, check: Callable[[Peer, Run], None],
               **variables: object) -> dict[str, list[Run]]:
        """Runs each peer once a round, in an order of chance, and keeps what was accepted per second."""
        runs: dict[str, list[Run]] = {peer.name: [] for peer in contenders}
        for number in range(self.options.rounds):
            self.server.execute("CHECKPOINT")
            for peer in random.sample(contenders, len(contenders)):
                print(f"  {experiment}, round {number + 1}: {peer.label}", flush=True)
                run = self.server.pgbench(peer, clients, self.options.length, self.options.customers, **variables)
                check(peer, run)
                runs[peer.name].append(run)
        self.results.rates[experiment] = {
            name: [run.rate for run in each] for name, each in runs.items()
        }
        return runs

    def ratio(self, experiment: str, what: str, of: Peer, to: Peer, target: float, *, times: float = 1) -> None:
        """Notes the ratio of two peers' rates, by round."""
        rates = self.results.rates[experiment]
        ratios = [times * a / b for a, b in zip(rates[of.name], rates[to.name])]
        self.results.aims.append(
            Aim(what, target, statistics.median(ratios), spread=f"{min(ratios):.2f} to {max(ratios):.2f}"))

    # What each aim of AIMS measures -----------------------------------------------------------------------------------

    def spread(self) -> None:
        """30 clients over all customers, with and without waiting for the disk."""
        for commit in ("off", "on"):
            self.server.set("synchronous_commit", commit)
            experiment = f"spread, synchronous_commit {commit}"
            before = self.hot_share()
            runs = self.rounds(experiment, peers.PEERS, 30, check_nearly_all)
            to_plpgsql, to_application = (1.30, 2.3) if commit == "off" else (1.20, 2.1)
            what = f"30 clients, spread load, synchronous_commit {commit}: saves/s against"
            self.ratio(experiment, f"{what} (a)", peers.CRM, peers.PLPGSQL, to_plpgsql)
            self.ratio(experiment, f"{what} (c)", peers.CRM, peers.APPLICATION, to_application)
            if commit == "on":
                self.results.latencies = {name: [ms for run in each for ms in run.latencies]
                                          for name, each in runs.items()}
        updates, hot = (after - earlier for after, earlier in zip(self.hot_share(), before))
        self.results.aims.append(Aim("HOT share of customer updates", 95, 100 * hot / updates, "%"))

    def hot_share(self) -> tuple[int, int]:
        """Updates of customers so far, and those of them that touched no index."""
        with self.server.connect() as connection:
            return connection.execute(
                "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relid = 'crm.customers'::regclass"
            ).fetchone()  # type: ignore[return-value]

    def stale(self) -> None:
        """Saves that are refused: one customer, one change since the base, no comment."""
        base = self.server.value("SELECT updated_at::text FROM crm.customers WHERE id = 2")
        self.server.execute("UPDATE crm.customers SET status = 'changed' WHERE id = 2")
        self.server.set("synchronous_commit", "on")
        self.rounds("stale", (peers.STALE, peers.STALE_NOOP), 30, check_nothing, base=base)
        self.ratio("stale", "30 clients, stale saves without comment: answers/s against (e)", peers.STALE,
                   peers.STALE_NOOP, 0.60)

    def hot(self) -> None:
        """Everybody saves the same customer, each another column."""
        self.server.set("synchronous_commit", "on")
        contenders = (peers.MERGE, peers.PLPGSQL, peers.BLIND)
        customers, self.options.customers = self.options.customers, 1
        runs = self.rounds("hot", contenders, 30, check_nothing)
        self.options.customers = customers
        for run in runs[peers.MERGE.name]:
            if run.accepted < run.transactions:
                raise SystemExit(f"only {run.accepted} of {run.transactions} saves were merged")
        what = "30 clients, one customer, merge on: accepted saves/s against"
        self.ratio("hot", f"{what} (a)", peers.MERGE, peers.PLPGSQL, 1.1)
        self.ratio("hot", f"{what} (d)", peers.MERGE, peers.BLIND, 0.75)

    def comments(self) -> None:
        """Bare comments on one customer."""
        self.server.set("synchronous_commit", "off")
        before = self.server.count("crm.comments")
        runs = self.rounds("comments", (peers.ADD_COMMENT, peers.INSERT_COMMENT), 30, check_nothing)
        added = sum(run.transactions for run in runs[peers.ADD_COMMENT.name])
        if self.server.count("crm.comments") - before != added:
            raise SystemExit("not every comment was stored")
        self.ratio("comments", "30 clients, bare comments on one customer: comments/s against plain INSERTs",
                   peers.ADD_COMMENT, peers.INSERT_COMMENT, 0.85)

    def batch(self) -> None:
        """100 saves in one call against 100 calls."""
        self.server.set("synchronous_commit", "on")
        self.rounds("batch", (peers.BATCH, peers.CRM), 1, check_nothing)
        self.ratio("batch", "100 saves in one call against 100 calls, synchronous_commit on", peers.BATCH, peers.CRM, 5)

    def clients(self) -> None:
        """More clients than a server has processors."""
        self.server.set("synchronous_commit", "on")
        contenders = (peers.CRM, peers.PLPGSQL, peers.APPLICATION)
        for clients in self.options.clients:
            experiment = f"clients: {clients}"
            self.rounds(experiment, contenders, clients, check_nearly_all)
            for peer in contenders:
                self.results.by_clients.setdefault(peer.label, {})[clients] = statistics.median(
                    self.results.rates[experiment][peer.name])
        few, most = self.options.compared
        rates = [self.results.rates[f"clients: {clients}"][peers.CRM.name] for clients in (most, few)]
        ratios = [a / b for a, b in zip(*rates)]
        self.results.aims.append(
            Aim(f"accepted saves/s at {most} clients against {few}, spread load", 0.90, statistics.median(ratios),
                spread=f"{min(ratios):.2f} to {max(ratios):.2f}"))

    def memory(self) -> None:
        """One backend that saves with every outcome, again and again."""
        self.server.set("synchronous_commit", "off")
        rounds = max(1, self.options.saves // OUTCOMES)
        with self.server.connect() as connection:
            def used() -> int:
                row = connection.execute("SELECT sum(total_bytes)::bigint FROM pg_backend_memory_contexts").fetchone()
                return int(row[0])  # type: ignore[index]

            connection.execute("SELECT crm_lock_customer(4, 'ben', '1 day')")
            connection.execute("DELETE FROM crm.customers WHERE id = 5")
            connection.execute(EVERY_OUTCOME.replace(":rounds", str(max(100, rounds // 10))))
            before = used()
            connection.execute(EVERY_OUTCOME.replace(":rounds", str(rounds)))
            self.results.aims.append(
                Aim(f"growth of a backend's memory over {rounds * OUTCOMES:,} saves of every outcome", 1,
                    (used() - before) / 2**20, "MB", at_most=True))

    def instructions(self) -> None:
        """What a save costs a server process, in a small database."""
        contenders = {
            peers.CRM.label: many("crm_update_customer", "crm", "outcome = 'updated'"),
            peers.PLPGSQL.label: many("plpgsql.save", "plpgsql", "save = 'updated'"),
        }
        if not self.options.quick:
            contenders |= {
                "crm_update_customer by statements": by_statements,
                peers.EDITION.label: many("edition.crm_update_customer", "edition", "outcome = 'updated'"),
                peers.NOOP.label: many("noop", "crm", "outcome IS NULL"),
                "a refused save without comment": refused,
            }
        if "size" in self.options.only:
            contenders[ONE_CUSTOMER] = one_customer
        costs = self.count_instructions(contenders)
        self.results.instructions["small"] = costs
        self.results.aims.append(Aim("instructions per accepted save, against (a)", 0.50,
                                     costs[peers.CRM.label] / costs[peers.PLPGSQL.label], at_most=True))

    def size(self) -> None:
        """The same with much in the tables."""
        customers, comments = self.options.large
        tables = ("customers", "comments", "customer_history")
        self.server.execute(
            *(f"ALTER TABLE crm.{table} DISABLE TRIGGER USER" for table in tables),
            "INSERT INTO crm.customers (name, status, updated_at) "
            f"SELECT 'Customer', 'new', '2025-01-01 09:00' FROM generate_series(1, {customers})",
            "INSERT INTO crm.customer_history (customer_id, version, previous, based_on, recorded_at, operation, "
            "author, db_user, status_to) SELECT c.id, v, v - interval '1 hour', v - interval '1 hour', v, 'update', "
            "'ana', 'postgres', 'new' FROM crm.customers c, "
            "generate_series(timestamptz '2025-01-01', '2025-01-01 09:00', '1 hour') v",
            "INSERT INTO crm.comments (customer_id, author, body, created_at) "
            f"SELECT 1, 'ana', 'Called back ' || i, '2025-01-01' FROM generate_series(1, {comments}) i",
            *(f"ALTER TABLE crm.{table} ENABLE TRIGGER USER" for table in tables),
            "VACUUM ANALYZE", "CHECKPOINT",
        )
        what = (f"instructions per save with {self.server.count('crm.customers'):,} customers, "
                f"{self.server.count('crm.customer_history'):,} rows of history and {comments:,} comments on that "
                "customer, against a small database")
        if "small" not in self.results.instructions:
            raise SystemExit("\"size\" compares with what \"instructions\" measures: ask for both")
        self.results.instructions["large"] = self.count_instructions({ONE_CUSTOMER: one_customer})
        small, large = (self.results.instructions[size][ONE_CUSTOMER] for size in ("small", "large"))
        self.results.aims.append(Aim(what, 1.10, large / small, at_most=True))

    def count_instructions(self, contenders: dict[str, Callable[[int], tuple[str, str]]]) -> dict[str, float]:
        """Instructions per call: the difference between N and 3 N calls, so that what a session costs is not in it."""
        calls = self.options.calls
        self.server.stop()
        costs = {}
        for label, statements in contenders.items():
            print(f"  instructions: {label}", flush=True)
            few, many_more = (self.counted(*statements(n)) for n in (calls, 3 * calls))
            costs[label] = (many_more.total - few.total) / (2 * calls)
            if label == peers.CRM.label:
                self.results.shares = shares(few.functions, many_more.functions, 2 * calls, costs[label])
        self.server.start()
        return costs

    def counted(self, statements: str, proof: str) -> Instructions:
        """Instructions of statements, whose output must have the proof that they did their job."""
        instructions = self.server.instructions(statements)
        if proof not in instructions.output:
            raise SystemExit(f"the server did not answer {proof}:\n{instructions.output}")
        return instructions


ONE_CUSTOMER = "one customer, each save a statement"
OUTCOMES = 8

# One save of each outcome: updated, replayed, unchanged, conflict, merged, locked, not_found and deleted.
EVERY_OUTCOME = """
DO $$
DECLARE
    base timestamptz;
    outcomes text[];
    wanted CONSTANT text[] := '{updated,replayed,unchanged,conflict,merged,locked,not_found,deleted}';
BEGIN
    FOR i IN 1..:rounds LOOP
        SELECT updated_at INTO base FROM customers WHERE id = 3;
        outcomes := ARRAY[
            (SELECT outcome FROM crm_update_customer(3, base, 'status ' || i, 'Comment ' || i, 'ana')),
            (SELECT outcome FROM crm_update_customer(3, base, 'status ' || i, 'Comment ' || i, 'ana'))];
        outcomes := outcomes || ARRAY[
            (SELECT outcome FROM crm_update_customer(3, (SELECT updated_at FROM customers WHERE id = 3), 'status ' || i,
                                                     NULL, 'ana')),
            (SELECT outcome FROM crm_update_customer(3, base, 'other', 'Refused ' || i, 'ana')),
            (SELECT outcome FROM crm_update_customer(3, base, NULL, NULL, 'ana', merge => true,
                                                     fields => jsonb_build_object('name', base::text))),
            (SELECT outcome FROM crm_update_customer(4, (SELECT updated_at FROM customers WHERE id = 4), 'x' || i, NULL,
                                                     'ana')),
            (SELECT outcome FROM crm_update_customer(-1, base, 'x', NULL, 'ana')),
            (SELECT outcome FROM crm_update_customer(5, base, 'x', NULL, 'ana'))];
        IF outcomes <> wanted THEN
            RAISE EXCEPTION 'these outcomes are not every one: %', outcomes;
        END IF;
        COMMIT;
    END LOOP;
END
$$
"""


def many(function: str, schema: str, accepted: str) -> Callable[[int], tuple[str, str]]:
    """Saves of so many customers in one statement, so that little but the calls is counted; and the proof."""
    return lambda n: (
        "SET search_path = crm, public;\n"
        f"SELECT count(*) FROM (SELECT id, updated_at FROM {schema}.customers WHERE id > 10 ORDER BY id LIMIT {n}) c, "
        f"LATERAL {function}(c.id, c.updated_at, 'changed', 'Called back', 'ana') save WHERE {accepted};\n",
        f'count = "{n}"',
    )


def by_statements(n: int) -> tuple[str, str]:
    """The saves of many() where no row is read or written but by a statement."""
    statements, proof = many("crm_update_customer", "crm", "outcome = 'updated'")(n)
    return "SET crm_concurrency.access_path = spi;\n" + statements, proof


def refused(n: int) -> tuple[str, str]:
    """So many saves from the version before the last change, each told of its own status, without which the server
    would call the function once for all; and the proof."""
    return (
        "SET search_path = crm, public;\n"
        "UPDATE customers SET status = 'changed' WHERE id = 2;\n"
        "SELECT count(DISTINCT detail->'conflicts'->0->>'mine') "
        "FROM (SELECT previous FROM customer_history WHERE customer_id = 2 ORDER BY version DESC LIMIT 1) h, "
        f"generate_series(1, {n}) i, LATERAL crm_update_customer(2, previous, 'lost ' || i, NULL, 'ana') save "
        "WHERE outcome = 'conflict';\n",
        f'count = "{n}"',
    )


def one_customer(n: int) -> tuple[str, str]:
    """So many saves of one customer, each a transaction; and the proof."""
    return (
        "SET search_path = crm, public;\n"
        "PREPARE save(text) AS SELECT outcome FROM crm_update_customer(1, "
        "(SELECT updated_at FROM crm.customers WHERE id = 1), $1, $1, 'ana');\n"
        + "".join(f"EXECUTE save('call {i}');\n" for i in range(n))
        + f"SELECT count(*) FROM crm.comments WHERE customer_id = 1 AND body LIKE 'call %' HAVING count(*) = {n};\n",
        f'count = "{n}"',
    )


def check_nearly_all(peer: Peer, run: Run) -> None:
    """Fails when a peer refused more than a few clients that met at one customer."""
    if run.accepted < 0.9 * run.transactions:
        raise SystemExit(f"{peer.label}: only {run.accepted} of {run.transactions} saves were accepted")


def check_nothing(_peer: Peer, _run: Run) -> None:
    """For runs whose check comes after them."""


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(
        prog="bench/run",
        description="Compares crm_update_customer with other ways to save a customer, on a private server: interleaved "
        "rounds, medians, ratios. Prints a table and writes results.json and report.html.",
    )
    parser.add_argument("--server", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true",
                        help="a smoke run: every experiment for a moment, the instructions of (a) and ours alone")
    parser.add_argument("--full", action="store_true",
                        help="a million customers, ten million rows of history, and a million saves for the memory")
    parser.add_argument("--only", nargs="+", choices=AIMS, default=list(AIMS), metavar="EXPERIMENT",
                        help="of " + ", ".join(AIMS))
    parser.add_argument("--rounds", type=int, help="how often each peer runs (5)")
    parser.add_argument("--seconds", type=float, help="how long a run takes (5)")
    parser.add_argument("--customers", type=int, help="in the tables of each peer (100000)")
    parser.add_argument("--output", type=Path, default=Path(__file__).resolve().parent.parent / "build" / "bench",
                        help="the directory for results.json and report.html (build/bench)")
    options = parser.parse_args(arguments)
    rounds, seconds, customers = 5, 5, 100_000
    options.calls, options.saves, options.large = 100, 40_000, (100_000, 10_000)
    options.clients, options.compared = (1, 4, 30, 100, 300), (30, 300)
    if options.quick:
        options.clients = options.compared = (4, 30)
        rounds, seconds, customers = 1, 1, 10_000
        options.calls, options.saves, options.large = 20, 800, (2_000, 1_000)
    if options.full:
        options.saves, options.large = 1_000_000, (1_000_000, 100_000)
    options.rounds = options.rounds or rounds
    options.length = Length(options.seconds or seconds, warm_up=0.01,
                            transactions=20 if options.quick and not options.seconds else None)
    options.customers = options.customers or customers
    return options


def main() -> None:
    """Runs the experiments that were asked for."""
    options = parse()
    server = Server(options.server)
    print(f"making {options.customers:,} customers for each peer", flush=True)
    server.create(options.customers)
    bench = Bench(server, options)
    for experiment in (name for name in AIMS if name in options.only):
        getattr(bench, experiment)()

    description = machine.describe(server)
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "results.json").write_text(json.dumps({"machine": description} | asdict(bench.results), indent=2))
    labels = {peer.name: peer.label for peer in vars(peers).values() if isinstance(peer, Peer)}
    report.write(options.output / "report.html", bench.results, description, labels)

    print()
    print(tabulate(description.items(), tablefmt="plain"))
    for experiment, rates in bench.results.rates.items():
        print()
        print(tabulate(
            [(labels[name], statistics.median(each), min(each), max(each)) for name, each in rates.items()],
            headers=(experiment, "per second", "least", "most"), floatfmt=".0f"))
    for size, costs in bench.results.instructions.items():
        print()
        print(tabulate(costs.items(), headers=(f"{size} database", "instructions per call"), floatfmt=".0f"))
    if bench.results.shares:
        print()
        print(tabulate(bench.results.shares.items(), headers=("where those of crm_update_customer go", "instructions"),
                       floatfmt=".0f"))
    print()
    print(tabulate(
        [(aim.what, ("≤ " if aim.at_most else "≥ ") + f"{aim.target:g} {aim.unit}", f"{aim.measured:.2f} {aim.unit}",
          aim.spread, "met" if aim.is_met else "missed") for aim in bench.results.aims],
        headers=("what", "target", "measured", "least to most", "")))
    print(f"\n{options.output / 'report.html'}")


if __name__ == "__main__":
    main()
