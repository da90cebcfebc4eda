"""What the experiments share: the server, the results, and runs of pgbench whose rounds are interleaved."""

import argparse
import random
import statistics
from collections.abc import Callable, Sequence

from peers import Peer
from results import Aim, Results
from server import Run, Server


class Bench:
    """A server to measure on, how much, and what was found."""

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

    def aim(self, what: str, target: float, measured: list[float], *, at_most: bool = False) -> None:
        """Notes what was measured in each round beside its target."""
        self.results.aims.append(Aim(what, target, statistics.median(measured), at_most=at_most,
                                     spread=f"{min(measured):.2f} to {max(measured):.2f}"))

    def ratio(self, experiment: str, what: str, of: Peer, to: Sequence[Peer], target: float) -> None:
        """Notes the ratio of a peer's rate to the best of others, by round."""
        rates = self.results.rates[experiment]
        best = map(max, zip(*(rates[peer.name] for peer in to)))
        self.aim(what, target, [a / b for a, b in zip(rates[of.name], best)])


def check_nearly_all(peer: Peer, run: Run) -> None:
    """Fails when a peer refused more than a few clients that met at one customer."""
    if run.accepted < 0.9 * run.transactions:
        raise SystemExit(f"{peer.label}: only {run.accepted} of {run.transactions} saves were accepted")


def check_nothing(_peer: Peer, _run: Run) -> None:
    """For runs whose check comes after them."""
