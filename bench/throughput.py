"""Experiments that count what clients of pgbench get done in a second."""

import statistics

import peers
from between import between_commits
from results import Aim
from rounds import Bench, check_nearly_all, check_nothing


def spread(bench: Bench) -> None:
    """30 clients over all customers, with and without waiting for the disk."""
    for commit, target in (("off", 1.30), ("on", 1.20)):
        bench.server.set("synchronous_commit", commit)
        experiment = f"spread, synchronous_commit {commit}"
        before = hot_share(bench)
        runs = bench.rounds(experiment, peers.PEERS, 30, check_nearly_all)
        bench.ratio(
            experiment,
            f"30 clients, spread load, synchronous_commit {commit}: saves/s against the best of (a), (b)",
            peers.CRM, (peers.PLPGSQL, peers.CTE), target)
        if commit == "on":
            bench.results.latencies = {name: [ms for run in each for ms in run.latencies]
                                       for name, each in runs.items()}
    updates, hot_updates = (after - earlier for after, earlier in zip(hot_share(bench), before))
    bench.results.aims.append(Aim("HOT share of customer updates", 95, 100 * hot_updates / updates, "%"))


def hot_share(bench: Bench) -> tuple[int, int]:
    """Updates of customers so far, and those of them that touched no index."""
    with bench.server.connect() as connection:
        return connection.execute(
            "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relid = 'crm.customers'::regclass"
        ).fetchone()  # type: ignore[return-value]


def stale(bench: Bench) -> None:
    """Saves that are refused: one customer, one change since the base, no comment."""
    def version() -> object:
        return bench.server.value("SELECT updated_at::text FROM crm.customers WHERE id = 2")

    base = version()
    bench.server.execute("UPDATE crm.customers SET status = 'changed' WHERE id = 2")
    current = version()
    bench.server.set("synchronous_commit", "on")
    bench.rounds("stale", (peers.STALE, peers.STALE_NOOP), 30, check_nothing, base=base)
    if version() != current:
        raise SystemExit("a stale save was accepted")
    bench.ratio("stale", "30 clients, stale saves without comment: answers/s against (e)", peers.STALE,
                (peers.STALE_NOOP,), 0.60)


def hot(bench: Bench) -> None:
    """Everybody saves the same customer, each another column."""
    bench.server.set("synchronous_commit", "on")
    contenders = (peers.MERGE, peers.PLPGSQL, peers.BLIND, peers.FLOOR)
    customers, bench.options.customers = bench.options.customers, 1
    runs = bench.rounds("hot", contenders, 30, check_nothing)
    bench.options.customers = customers
    for run in runs[peers.MERGE.name]:
        if run.accepted < run.transactions:
            raise SystemExit(f"only {run.accepted} of {run.transactions} saves were merged")
    bench.ratio("hot", "30 clients, one customer, merge on: accepted saves/s against (d)", peers.MERGE, (peers.BLIND,),
                0.75)
    for peer in (peers.MERGE, peers.BLIND, peers.FLOOR):
        print(f"  between two commits: {peer.label}", flush=True)
        bench.results.between[peer.label] = between_commits(bench, peer, 30)


def comments(bench: Bench) -> None:
    """Bare comments on one customer."""
    bench.server.set("synchronous_commit", "off")
    before = bench.server.count("crm.comments")
    runs = bench.rounds("comments", (peers.ADD_COMMENT, peers.INSERT_COMMENT), 30, check_nothing)
    added = sum(run.transactions for run in runs[peers.ADD_COMMENT.name])
    if bench.server.count("crm.comments") - before != added:
        raise SystemExit("not every comment was stored")
    bench.ratio("comments", "30 clients, bare comments on one customer: comments/s against plain INSERTs",
                peers.ADD_COMMENT, (peers.INSERT_COMMENT,), 0.95)


def batch(bench: Bench) -> None:
    """100 saves in one call against 100 calls."""
    bench.server.set("synchronous_commit", "on")
    bench.rounds("batch", (peers.BATCH, peers.CRM), 1, check_nothing)
    bench.ratio("batch", "100 saves in one call against 100 calls, synchronous_commit on", peers.BATCH, (peers.CRM,), 5)


def clients(bench: Bench) -> None:
    """More clients than a server has processors."""
    bench.server.set("synchronous_commit", "on")
    contenders = (peers.CRM, peers.PLPGSQL, peers.CTE)
    for count in bench.options.clients:
        experiment = f"clients: {count}"
        bench.rounds(experiment, contenders, count, check_nearly_all)
        for peer in contenders:
            bench.results.by_clients.setdefault(peer.label, {})[count] = statistics.median(
                bench.results.rates[experiment][peer.name])
    few, most = bench.options.compared
    of, to = (bench.results.rates[f"clients: {count}"][peers.CRM.name] for count in (most, few))
    bench.aim(f"accepted saves/s at {most} clients against {few}, spread load", 0.90, of, to)


def plain(bench: Bench) -> None:
    """Single-row UPDATEs that know nothing of versions, over all customers."""
    bench.server.set("synchronous_commit", "off")
    bench.rounds("plain UPDATEs", (peers.UNATTACHED, peers.AUDITED, peers.ATTACHED), 30, check_nearly_all)
