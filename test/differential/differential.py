"""Sends the same random calls to both access paths, or to the extension and its PL/pgSQL edition, and compares what
they answer, say and store."""

import argparse
import itertools
import signal
import sys
import time
from collections import Counter

import psycopg

from rounds import Difference, Round
from sides import KINDS, Hangs, Side, create_side, drop_side


def create_roles(dsn: str, label: str) -> dict[str, str]:
    roles = {role: f"{label}_{role}" for role in ("owner", "clerk")}
    with psycopg.connect(dsn, autocommit=True) as connection:
        for role in roles.values():
            connection.execute(f"DROP ROLE IF EXISTS {role}")
            connection.execute(f"CREATE ROLE {role}")
    return roles


def drop_roles(dsn: str, roles: dict[str, str]) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        for role in roles.values():
            connection.execute(f"DROP ROLE {role}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dsn", required=True,
                        help="of a superuser; databases and roles are made, and dropped at the end")
    parser.add_argument("--against", choices=["spi", "edition"], default="spi",
                        help="what the direct path is compared with (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the first round; each has the next")
    parser.add_argument("--rounds", type=int, help="how many (default: until --seconds are over)")
    parser.add_argument("--seconds", type=float, help="begin no round after them")
    parser.add_argument("--steps", type=int, default=120, help="in a round")
    parser.add_argument("--name", default="crm_differential", help="what the names of databases and roles begin with")
    parser.add_argument("--plant", default="",
                        help="a statement that only the last side runs: a difference to be found")
    parser.add_argument("--show", type=int, default=60, help="how many lines of steps to show after a difference")
    parser.add_argument("--keep-going", action="store_true", help="after a difference, go on with the next seed")
    parser.add_argument("--verbose", action="store_true", help="print all steps")
    options = parser.parse_args()
    if options.rounds is None and options.seconds is None:
        options.rounds = 10
    return options


def create_sides(options: argparse.Namespace) -> list[Side]:
    return [create_side(options.dsn, options.name, KINDS[kind]) for kind in ("auto", options.against)]


def run_round(turn: Round, options: argparse.Namespace) -> bool:
    """Whether the sides agree; what they do not agree on is printed."""
    problem: Exception | None = None
    try:
        turn.run()
        turn.drop_tables()
    except (Difference, Hangs, psycopg.Error) as caught:
        problem = caught
        print(turn.report(caught, options.show), flush=True)
    if options.verbose:
        print("\n".join(turn.log))
    return problem is None


def main() -> int:
    options = arguments()
    # Clean up when told to end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sides = create_sides(options)
    roles = create_roles(options.dsn, options.name)
    end = None if options.seconds is None else time.monotonic() + options.seconds
    outcomes: Counter[str] = Counter()
    seeds: list[int] = []
    different: list[int] = []
    try:
        for seed in itertools.count(options.seed):
            if len(seeds) == options.rounds or (end is not None and time.monotonic() > end):
                break
            turn = Round(sides, seed, options.steps, roles, options.plant)
            seeds.append(seed)
            if not run_round(turn, options):
                different.append(seed)
                if not options.keep_going:
                    break
                # A session may hang, or the server may have gone down.
                for side in sides:
                    drop_side(side, options.dsn)
                sides = create_sides(options)
            outcomes += turn.outcomes
    except BaseException:
        print(f"ended in the round of seed {seeds[-1]}", file=sys.stderr)
        raise
    finally:
        for side in sides:
            drop_side(side, options.dsn)
        drop_roles(options.dsn, roles)
    print(f"{len(seeds)} rounds of {options.steps} steps from seed {options.seed}, different: {different or 'none'}: "
          + ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common()))
    return int(bool(different))


if __name__ == "__main__":
    sys.exit(main())
