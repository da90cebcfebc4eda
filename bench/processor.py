"""The experiment that looks how long a save keeps a processor busy."""

import statistics
import subprocess
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import peers
from peers import Peer
from rounds import Bench, check_nearly_all


def processor(bench: Bench) -> None:
    """Processor time of the sessions' server processes per accepted save, over all customers, by clients."""
    bench.server.set("synchronous_commit", "off")
    contenders = {peer.label: peer for peer in (peers.CRM, peers.CTE)}
    if not bench.options.quick:
        contenders |= {peer.label: peer for peer in (peers.PLPGSQL, peers.NOOP)}
    for clients in bench.options.sessions:
        costs: dict[str, list[float]] = {label: [] for label in contenders}
        for label in bench.turns(f"processor, clients: {clients}", contenders):
            costs[label].append(per_save(bench, contenders[label], clients))
        for label, each in costs.items():
            bench.results.processor.setdefault(label, {})[clients] = statistics.median(each)
        if clients == bench.options.compared_sessions:
            bench.aim(f"processor time per save, {clients} clients, spread load, against (b)", 0.75,
                      costs[peers.CRM.label], costs[peers.CTE.label], at_most=True)


def per_save(bench: Bench, peer: Peer, clients: int) -> float:
    """Microseconds of processor time, once the sessions have filled their caches."""
    length = bench.options.length
    warm_up = 0.3 + clients * length.warm_up
    used: list[float] = []

    def watch(pgbench: subprocess.Popen[str]) -> tuple[float, float]:
        processes = sessions(bench, pgbench, clients)
        time.sleep(warm_up)
        begin, before = time.time(), run_time(processes)
        time.sleep(length.seconds)
        end, after = time.time(), run_time(processes)
        used.append(after - before)
        return begin, end

    lasting = replace(length, seconds=3600, transactions=None)
    run = bench.server.pgbench(peer, clients, lasting, bench.options.customers, watch)
    check_nearly_all(peer, run)
    if not run.latencies:
        raise SystemExit(f"{peer.label}: no save ended in the time that was measured: give it more --seconds")
    return used[0] / 1000 / (len(run.latencies) * run.accepted / run.transactions)


def sessions(bench: Bench, pgbench: subprocess.Popen[str], clients: int) -> list[Path]:
    """Where the system tells of the server processes of pgbench's sessions, as soon as all have begun to save."""
    with bench.server.connect() as connection:
        while True:
            rows = connection.execute("SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
                                      "AND application_name = 'pgbench' AND query <> ''").fetchall()
            if len(rows) == clients:
                return [Path(f"/proc/{row[0]}/schedstat") for row in rows]
            if pgbench.poll() is not None:
                raise SystemExit(f"pgbench ended before all of its {clients} sessions were seen to save")
            time.sleep(0.02)


def run_time(processes: Sequence[Path]) -> float:
    """Nanoseconds that processes have run."""
    return sum(int(process.read_text().split()[0]) for process in processes)
