"""Where the time between two commits goes, when all save one customer."""

import subprocess
import time
from collections import Counter
from dataclasses import replace

from peers import Peer
from processor import sessions
from rounds import Bench

# What those sessions wait for that have the row, or are the next to have it: who writes, and waits for no lock.
AHEAD = """SELECT coalesce(wait_event_type || ': ' || wait_event, '') FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'pgbench' AND backend_xid IS NOT NULL
    AND wait_event_type IS DISTINCT FROM 'Lock'"""

INTERVAL = 0.005

WORKS, FLUSHES = "works, with the row", "flushes its WAL"
WAITS, WAKES = "waits for anything else", "nobody: the next wakes"


def between_commits(bench: Bench, peer: Peer, clients: int) -> dict[str, float]:
    """Microseconds between two commits, and how they divide by what the session does that has the row, as looking every
    few milliseconds finds it."""
    seen: Counter[str] = Counter()

    def watch(pgbench: subprocess.Popen[str]) -> tuple[float, float]:
        sessions(bench, pgbench, clients)
        with bench.server.connect() as connection:
            begin = time.time()
            while time.time() < begin + bench.options.length.seconds:
                seen[what_is_done([event for event, in connection.execute(AHEAD)])] += 1
                time.sleep(INTERVAL)
            return begin, time.time()

    lasting = replace(bench.options.length, seconds=3600, transactions=None)
    each = 1e6 / bench.server.pgbench(peer, clients, lasting, 1, watch).rate
    return {"between two commits": each} | {
        what: each * seen[what] / seen.total() for what in (WORKS, FLUSHES, WAITS, WAKES)}


def what_is_done(events: list[str]) -> str:
    """What the session does that has the row, by what those ahead wait for."""
    if not events:
        return WAKES
    if any("WAL" in event for event in events):
        return FLUSHES
    return WORKS if "" in events else WAITS
