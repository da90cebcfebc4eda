"""What the experiments share: the server, the results, and runs of pgbench whose rounds are interleaved."""

import argparse
import random
import statistics
from collections.abc import Callable, Collection, Iterator, Sequence

from peers import Peer
from results import Aim, Results
from server import Run, Server


class Bench:
    """A server to measure on, how much, and what was found."""

    def __init__(self, server: Server, options: argparse.Namespace) -> None:
        self.server = server
        self.options = options
        self.results = Results()

    def turns(self, experiment: str, labels: Collection[str]) -> Iterator[str]:
        """Whose turn it is: each once a round, in an order of chance."""
        for number in range(self.options.rounds):
            self.server.execute("CHECKPOINT")
            for label in random.sample(list(labels), len(labels)):
                print(f"  {experiment}, round {number + 1}: {label}", flush=True)
                yield label

    def rounds(self, experiment: str, contenders: Sequence[Peer], clients: int, check: Callable[[Peer, Run], None],
               **variables: object) -> dict[str, list[Run]]:
        """Runs each peer once a round, in an order of chance, and keeps what was accepted per second."""
        runs: dict[str, list[Run]] = {peer.name: [] for peer in contenders}
        by_label = {peer.label: peer for peer in contenders}
        for label in self.turns(experiment, by_label):
            peer = by_label[label]
            run = self.server.pgbench(peer, clients, self.options.length, self.options.customers, **variables)
            check(peer, run)
            runs[peer.name].append(run)
        self.results.rates[experiment] = {
            name: [run.rate for run in each] for name, each in runs.items()
        }
        return runs

    def aim(self, what: str, target: float, of: Sequence[float], to: Sequence[float], *,
            at_most: bool = False) -> None:
        """Notes the ratio of two figures, by round."""
        measured = [a / b for a, b in zip(of, to)]
        self.results.aims.append(Aim(what, target, statistics.median(measured), at_most=at_most,
                                     spread=f"{min(measured):.2f} to {max(measured):.2f}"))

    def ratio(self, experiment: str, what: str, of: Peer, to: Sequence[Peer], target: float) -> None:
        """Notes the ratio of a peer's rate to the best of others, by round."""
        rates = self.results.rates[experiment]
        self.aim(what, target, rates[of.name], [max(each) for each in zip(*(rates[peer.name] for peer in to))])


def check_nearly_all(peer: Peer, run: Run) -> None:
    """Fails when a peer refused more than a few clients that met at one customer."""
    if run.accepted < 0.9 * run.transactions:
        raise SystemExit(f"{peer.label}: only {run.accepted} of {run.transactions} saves were accepted")


def check_nothing(_peer: Peer, _run: Run) -> None:
    """For runs whose check comes after them."""
