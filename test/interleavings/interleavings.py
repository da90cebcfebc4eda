"""Plays the steps of two sessions in all orders, on both access paths, and judges what comes of it."""

import argparse
import itertools
import random
import signal
import sys
import time
from collections import Counter

import psycopg

from judging import Serials, judge, sqlstate
from operations import LOOK, OPERATIONS, PAIRS, TABLES, Pair
from orders import LEVELS, Interleaving, cut_short, parse, released
from playing import Fault, Impossible, Play, Stage
from sides import KINDS, Hangs, Side, create_side, drop_side

# What is planted comes first.
SETTINGS = "SET search_path = planted, public;"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dsn", required=True, help="of a superuser; databases are made, and dropped at the end")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--full", action="store_true", help="play all")
    what.add_argument("--sample", type=int, default=1, metavar="N",
                      help="of each pair play N at READ COMMITTED, N at another level, and at one of these N in which "
                           "a wait is cut short (default: %(default)s)")
    what.add_argument("--only", type=parse, metavar="INTERLEAVING",
                      help="play this one, as it is printed of one that failed")
    parser.add_argument("--seed", type=int, default=1, help="of the sample (default: %(default)s)")
    parser.add_argument("--one-level", action="store_true", help="play of the sample what is at one of its two levels")
    parser.add_argument("--pair", type=pair_of, metavar="A,B", help=f"only this pair, of: {', '.join(OPERATIONS)}")
    parser.add_argument("--name", default="crm_interleavings", help="what the names of databases begin with")
    parser.add_argument("--plant", default="", help="statements that both sides run: a fault to be found")
    parser.add_argument("--plant-last", default="", help="statements that only the last side runs")
    parser.add_argument("--show", type=int, default=3,
                        help="how many failures of a pair to show (default: %(default)s)")
    parser.add_argument("--keep-going", action="store_true", help="go on after a failure")
    parser.add_argument("--verbose", action="store_true", help="print each")
    return parser.parse_args()


def pair_of(names: str) -> Pair:
    first, second = sorted(names.split(","), key=list(OPERATIONS).index)
    return OPERATIONS[first], OPERATIONS[second]


def names_of(pair: Pair) -> str:
    return ",".join(operation.name for operation in pair)


class Player:
    """Plays and judges, and counts."""

    stage: Stage
    serials: Serials

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.sides: list[Side] = []
        self.counts: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        # Which session, if any, waits after the first steps of an interleaving.
        self.waiting: dict[tuple, int | None] = {}

    def open(self) -> None:
        self.sides = [create_side(self.options.dsn, self.options.name, KINDS[kind]) for kind in ("auto", "spi")]
        for number, side in enumerate(self.sides):
            side.patience = 0.002
            side.observer.run(TABLES + LOOK + self.options.plant + (self.options.plant_last if number > 0 else ""))
            side.open_sessions(2, SETTINGS)
        self.stage = Stage(self.sides)
        self.serials = Serials(self.stage)

    def close(self) -> None:
        for side in self.sides:
            drop_side(side, self.options.dsn)

    def is_known_to_be_impossible(self, interleaving: Interleaving) -> bool:
        waiting = [self.waiting.get(interleaving.until(number)) for number in range(1, len(interleaving.order))]
        if interleaving.wait != "release":
            return all(session is None for session in waiting)
        return any(session is not None and session == next_session
                   for session, (next_session, _) in zip(waiting, interleaving.order[1:]))

    def try_out(self, interleaving: Interleaving) -> bool:
        """Whether it can be played; what is wrong with it is printed."""
        played = Play(self.stage, interleaving.order, interleaving.pair, interleaving.level, interleaving.ends,
                      interleaving.wait)
        try:
            self.stage.prepare(interleaving.pair)
            played.run()
            judge(played, self.serials)
        except Impossible:
            return False
        except (Fault, Hangs, UnicodeDecodeError, psycopg.Error) as problem:
            self.report(interleaving, played, problem)
            if not isinstance(problem, Fault):
                # A session may hang, or the server may have gone down.
                self.close()
                self.open()
        finally:
            for length, session in played.waited_after.items():
                self.waiting[interleaving.until(length)] = session
        if self.options.verbose:
            told = played.told[0]
            states = " ".join(f"{sqlstate(answer)}/{sqlstate(end)}" for answer, end in zip(told.answers, told.ends))
            print(f"# {interleaving}: {states}, {', '.join(told.waits) or 'no waits'}", flush=True)
        self.counts["all"] += 1
        released_as = "waits" if played.waited_after else "free"
        self.counts[released_as if interleaving.wait == "release" else interleaving.wait] += 1
        return True

    def report(self, interleaving: Interleaving, played: Play, problem: Exception) -> None:
        self.failures[names_of(interleaving.pair)] += 1
        if self.failures[names_of(interleaving.pair)] > self.options.show:
            return
        lines = [f"repeat with --only {interleaving}",
                 *(f"{step[0] + 1}: {played.statement(step)}" for step in played.steps)]
        lines += [f"{side.kind.name}: {', '.join(told.waits) or 'no waits'}"
                  for side, told in zip(self.sides, played.told)]
        print("\n".join(f"# {line}" for line in ("", *lines, *f"{type(problem).__name__}: {problem}".splitlines())),
              flush=True)

    def play_only(self, interleaving: Interleaving) -> None:
        if not self.try_out(interleaving):
            self.failures[names_of(interleaving.pair)] += 1
            print("# no session waits that could be cut short, or it waits when its next step is to be made")

    def play_all(self, pair: Pair) -> None:
        for level in LEVELS:
            for interleaving in itertools.chain(released(pair, level), cut_short(pair, level)):
                if not self.is_known_to_be_impossible(interleaving):
                    self.try_out(interleaving)

    def play_sample(self, pair: Pair, rng: random.Random) -> None:
        """Those come first in which the operations meet, and of them often those in which both take effect."""
        levels = ["rc", rng.choice([level for level in LEVELS if level != "rc"])]
        level_of_cut_short = rng.choice(levels)
        for level in [rng.choice(levels)] if self.options.one_level else levels:
            before = self.counts["all"]
            for make in (released, cut_short) if level == level_of_cut_short else (released,):
                def rank(interleaving: Interleaving) -> tuple[bool, float]:
                    return not interleaving.overlaps, rng.random() + (interleaving.ends != ("commit", "commit")) / 2

                some = sorted(make(pair, level), key=rank)
                wanted = self.options.sample
                for interleaving in some:
                    if wanted > 0 and not self.is_known_to_be_impossible(interleaving):
                        wanted -= self.try_out(interleaving)
            if self.counts["all"] == before:
                self.failures[names_of(pair)] += 1
                print(f"# none was possible at {LEVELS[level]}")


def main() -> int:
    options = arguments()
    # Clean up when told to end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    player = Player(options)
    start = time.monotonic()
    try:
        player.open()
        for pair in PAIRS if options.pair is None else [options.pair]:
            before = player.counts["all"]
            if options.only is not None:
                pair = options.only.pair
                player.play_only(options.only)
            elif options.full:
                player.play_all(pair)
            else:
                player.play_sample(pair, random.Random(f"{options.seed} {names_of(pair)}"))
            is_right = player.failures[names_of(pair)] == 0
            print(f"{'ok' if is_right else 'not ok'} {names_of(pair)}: {player.counts['all'] - before} interleavings",
                  flush=True)
            if options.only is not None or not (is_right or options.keep_going):
                break
    finally:
        player.close()
    counts = dict(player.counts)
    print(f"# {counts.pop('all', 0)} interleavings, each on both access paths, and {len(player.serials.made)} serial "
          f"executions in {time.monotonic() - start:.0f} s: "
          f"{', '.join(f'{count} {wait}' for wait, count in counts.items())}")
    return int(player.failures.total() > 0)


if __name__ == "__main__":
    sys.exit(main())
