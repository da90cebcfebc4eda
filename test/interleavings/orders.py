"""All orders in which the steps of two sessions can be taken."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from operations import OPERATIONS, PAIRS, Operation, Pair

LEVELS = {"rc": "READ COMMITTED", "rr": "REPEATABLE READ", "se": "SERIALIZABLE"}
# How a transaction ends; "back" is ROLLBACK TO a savepoint that was made before the operation, and at last COMMIT.
ENDS = ("commit", "rollback", "back")
# How a wait ends: "release" is by the steps of the other session, the others at once.
WAITS = ("release", "lock_timeout", "statement_timeout", "cancel", "terminate", "terminate_other")

# A session and what it does: begin, op, or the end.
Step = tuple[int, str]


@dataclass(frozen=True)
class Interleaving:
    pair: Pair
    level: str
    ends: tuple[str, str]
    order: tuple[Step, ...]
    wait: str = "release"

    def __str__(self) -> str:
        """What --only takes."""
        steps = ".".join(f"{session + 1}{kind}" for session, kind in self.order)
        return ":".join([",".join(operation.name for operation in self.pair), self.level, ",".join(self.ends),
                         steps, self.wait])

    @property
    def overlaps(self) -> bool:
        """Whether both operations are begun before either transaction ends."""
        kinds = [kind for _, kind in self.order]
        before_first_end = list(itertools.takewhile(lambda kind: kind in ("begin", "op"), kinds))
        return before_first_end.count("op") == 2

    def until(self, length: int) -> tuple:
        """What the state after so many steps depends on."""
        return (self.pair, self.level, tuple(end == "back" for end in self.ends), self.order[:length])


def parse(text: str) -> Interleaving:
    """The inverse of str()."""
    names, level, ends, steps, wait = text.split(":")
    first, second = (OPERATIONS[name] for name in names.split(","))
    first_end, second_end = ends.split(",")
    order = tuple((int(step[0]) - 1, step[1:]) for step in steps.split("."))
    return Interleaving((first, second), level, (first_end, second_end), order, wait)


def steps_of(session: int, operation: Operation, level: str, end: str) -> list[Step]:
    """What cannot run in a transaction is one step. Under READ COMMITTED each statement has a snapshot of its own, so
    BEGIN does nothing that another could notice: it goes with the operation."""
    if not operation.runs_in_block:
        return [(session, "op")]
    kinds = ["op", end] if level == "rc" else ["begin", "op", end]
    return [(session, kind) for kind in kinds]


def merged(first: list[Step], second: list[Step]) -> Iterator[tuple[Step, ...]]:
    if not first or not second:
        yield tuple(first + second)
        return
    for rest in merged(first[1:], second):
        yield (first[0], *rest)
    for rest in merged(first, second[1:]):
        yield (second[0], *rest)


def is_needless(order: tuple[Step, ...], pair: Pair) -> bool:
    """A snapshot depends only on which transactions have ended, so BEGIN commutes with the other's BEGIN and, unless
    that ends by itself, operation: of the orders that are the same the one in which it comes last is taken."""
    return any(
        kind == "begin" and next_session != session
        and (next_kind == "begin" or (next_kind == "op" and pair[next_session].runs_in_block))
        for (session, kind), (next_session, next_kind) in zip(order, order[1:])
    )


def orders(pair: Pair, level: str, ends: tuple[str, str]) -> Iterator[tuple[Step, ...]]:
    """The COMMIT after a ROLLBACK TO comes last, so that whatever was not released is met."""
    first, second = (steps_of(session, pair[session], level, ends[session]) for session in (0, 1))
    last = tuple((session, "commit") for session in (0, 1) if ends[session] == "back")
    for order in merged(first, second):
        if not is_needless(order, pair):
            yield order + last


def ends_of(pair: Pair) -> Iterator[tuple[str, str]]:
    for first in ENDS if pair[0].runs_in_block else ENDS[:1]:
        for second in ENDS if pair[1].runs_in_block else ENDS[:1]:
            yield first, second


def released(pair: Pair, level: str) -> Iterator[Interleaving]:
    """All in which waits are ended by the other session."""
    for ends in ends_of(pair):
        for order in orders(pair, level, ends):
            yield Interleaving(pair, level, ends, order)


def cut_short(pair: Pair, level: str) -> Iterator[Interleaving]:
    """All in which a wait, if there is one, is ended otherwise: then COMMIT does what ROLLBACK does."""
    for like in released(pair, level):
        if like.overlaps and "rollback" not in like.ends:
            for wait in WAITS[1:]:
                yield Interleaving(pair, level, like.ends, like.order, wait)


def everything() -> Iterator[Interleaving]:
    for pair in PAIRS:
        for level in LEVELS:
            yield from released(pair, level)
            yield from cut_short(pair, level)
