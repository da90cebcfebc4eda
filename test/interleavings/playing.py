"""Plays the steps of two sessions, on all sides at once, and takes down what is answered."""

import json
import time
from dataclasses import dataclass, field

import psycopg

from answers import Answer, Blocked
from operations import TABLE_NAMES, Pair, needs_of, reset, set_up
from orders import LEVELS, Step
from sides import PATIENCE, Hangs, Side

SESSIONS = (0, 1)
TIMEOUTS = {"lock_timeout": "5ms", "statement_timeout": "20ms"}
# So that what has been removed does not make looking slow.
VACUUM = f"VACUUM {', '.join(TABLE_NAMES)}"
VACUUM_AFTER = 200
LOST = Answer(error={"sqlstate": "57P01", "message": "the connection is lost"})


class Impossible(Exception):
    """A step is of a session that waits, or no session waits though the interleaving says how it is cut short."""


class Fault(Exception):
    """What must not be."""


@dataclass
class Told:
    """What one side said: what the operations and the ends answered, and what the tables hold at the end."""

    answers: list[Answer | None] = field(default_factory=lambda: [None, None])
    ends: list[Answer | None] = field(default_factory=lambda: [None, None])
    state: dict = field(default_factory=dict)
    waits: list[str] = field(default_factory=list)  # which steps waited, and which ended their waits


class Stage:
    """The sides, and what their tables hold."""

    def __init__(self, sides: list[Side]) -> None:
        self.sides = sides
        self.prepared = 0
        self.states = self.look()

    def run(self, statements: list[str]) -> list[Answer]:
        """Runs what must succeed, on all sides at once: one statement on each."""
        for side, sql in zip(self.sides, statements):
            side.observer.send(sql)
        answers = []
        for side, sql in zip(self.sides, statements):
            if not side.observer.has_answered(PATIENCE):
                raise Hangs(sql)
            answers.append(side.observer.answer())
            if answers[-1].error is not None:
                raise Fault(f"{answers[-1].error} in: {sql}")
        return answers

    def look(self) -> list[dict]:
        pids = [", ".join(str(session.connection.backend_pid) for session in side.sessions) for side in self.sides]
        answers = self.run([f"SELECT look(ARRAY[{of_side}]) AS state" for of_side in pids])
        self.states = [json.loads(answer.rows[0]["state"] or "") for answer in answers]
        return self.states

    def prepare(self, pair: Pair) -> None:
        """Puts the tables back as they are before each interleaving of the pair."""
        self.prepared += 1
        if self.prepared % VACUUM_AFTER == 0:
            self.run([VACUUM] * len(self.sides))
        self.run([reset(state) + set_up(needs_of(pair)) for state in self.states])

    def terminate(self, session: int) -> None:
        """Ends the server's process of a session, and waits until it has let go of its locks."""
        pids = [side.sessions[session].connection.backend_pid for side in self.sides]
        self.run([f"SELECT pg_terminate_backend({pid})" for pid in pids])
        for side, pid in zip(self.sides, pids):
            end = time.monotonic() + PATIENCE
            # SIReadLocks of what has been committed may stay.
            while side.observer.run(f"SELECT FROM pg_stat_get_activity({pid}) UNION ALL "
                                    f"SELECT FROM pg_locks WHERE pid = {pid} AND mode <> 'SIReadLock'").rows:
                if time.monotonic() > end:
                    raise Hangs("a terminated session")
                time.sleep(0.001)


@dataclass
class Play:
    """One interleaving, on all sides."""

    stage: Stage
    steps: tuple[Step, ...]
    pair: Pair
    level: str = "rc"
    ends: tuple[str, str] = ("commit", "commit")
    wait: str = "release"
    told: list[Told] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)  # sessions, in the order in which they began to wait
    lost: set[int] = field(default_factory=set)
    waited_after: dict[int, int] = field(default_factory=dict)  # by how many steps, the session that began to wait
    is_cut_short: bool = False

    @property
    def sides(self) -> list[Side]:
        return self.stage.sides

    def statement(self, step: Step) -> str:
        session, kind = step
        operation = self.pair[session]
        begin = f"BEGIN ISOLATION LEVEL {LEVELS[self.level]}; "
        # The first statement takes the snapshot, where one is taken for all.
        begin += "SAVEPOINT s; SELECT 1" if self.ends[session] == "back" else "SELECT 1"
        if kind == "begin":
            return begin
        if kind == "op":
            has_begun = (session, "begin") in self.steps or not operation.runs_in_block
            return operation.of(session) if has_begun else f"{begin}; {operation.of(session)}"
        return {"commit": "COMMIT", "rollback": "ROLLBACK", "back": "ROLLBACK TO s"}[kind]

    def run(self) -> None:
        self.told = [Told() for _ in self.sides]
        try:
            for number, step in enumerate(self.steps):
                self.make(number, step)
            if self.wait != "release" and not self.is_cut_short:
                raise Impossible
            if self.waiting:
                raise Fault(f"session {self.waiting[0] + 1} still waits when all transactions have ended")
        finally:
            self.end_all()
            for told, state in zip(self.told, self.stage.look()):
                told.state = {name: value for name, value in state.items() if name != "width"}

    def make(self, number: int, step: Step) -> None:
        session, kind = step
        if session in self.waiting:
            raise Impossible
        if session in self.lost:
            return
        sql = self.statement(step)
        timeout = TIMEOUTS.get(self.wait)
        is_last_op = kind == "op" and all(later_kind != "op" for _, later_kind in self.steps[number + 1:])
        if timeout and is_last_op and not self.is_cut_short:
            # Only what may wait: the other is not to be hit by it.
            for side in self.sides:
                side.sessions[session].run(f"SET {self.wait} = '{timeout}'")
        for side in self.sides:
            side.sessions[session].send(sql)
        may_block = not (timeout and is_last_op)
        blocked = [self.take(index, session, kind, may_block) for index in range(len(self.sides))]
        self.agree(blocked, f"whether step {number + 1}, {sql}, waits")
        if blocked[0]:
            self.waiting.append(session)
            self.waited_after[number + 1] = session
            self.cut_short(session)
        elif timeout and is_last_op and all(is_timeout(told.answers[session]) for told in self.told):
            self.waited_after[number + 1] = session
            self.is_cut_short = True
        self.resume()

    def take(self, index: int, session: int, kind: str, may_block: bool = True) -> bool:
        """Takes the answer of a session on a side; whether it has none, and waits."""
        side, told = self.sides[index], self.told[index]
        try:
            answer = side.wait(side.sessions[session], self.statement((session, kind)), may_block)
        except psycopg.OperationalError:
            if session not in self.lost:
                raise
            answer = LOST
        if isinstance(answer, Blocked):
            told.waits.append(f"{session + 1}{kind} waits")
            return True
        for notice in answer.notices:
            if notice["severity"] not in ("NOTICE", "INFO"):
                raise Fault(f"{side.kind.name}, session {session + 1}: {notice}")
        if kind == "op":
            told.answers[session] = answer
        elif kind == "begin":
            if answer.error is not None:
                raise Fault(f"BEGIN: {answer.error}")
        elif told.ends[session] is None or kind != "back":
            told.ends[session] = answer
        return False

    def agree(self, values: list, what: str) -> None:
        if any(value != values[0] for value in values):
            raise Fault(f"the access paths do not agree on {what}: "
                        + ", ".join(f"{side.kind.name}: {value}" for side, value in zip(self.sides, values)))

    def cut_short(self, session: int) -> None:
        """Ends a wait, the first one, in the way that is wanted."""
        if self.is_cut_short or self.wait == "release":
            return
        self.is_cut_short = True
        if self.wait == "cancel":
            for side in self.sides:
                side.sessions[session].cancel()
        else:
            victim = session if self.wait == "terminate" else 1 - session
            self.lost.add(victim)
            self.stage.terminate(victim)
        if self.wait != "terminate_other":
            self.waiting.remove(session)
            for index in range(len(self.sides)):
                self.take(index, session, "op", may_block=False)

    def resume(self) -> None:
        """Takes the answers of who waited and waits no more."""
        if len(self.waiting) == len(SESSIONS):
            raise Fault("each session waits for the other")
        for session in list(self.waiting):
            before = [len(told.waits) for told in self.told]
            blocked = [self.take(index, session, "op") for index in range(len(self.sides))]
            for told, length in zip(self.told, before):
                del told.waits[length:]
            self.agree(blocked, f"whether session {session + 1} still waits")
            if not blocked[0]:
                self.waiting.remove(session)
                for told in self.told:
                    told.waits.append(f"{session + 1}op goes on")

    def end_all(self) -> None:
        """Leaves no transaction, whatever has happened; nor a lost session."""
        for side in self.sides:
            for number, session in enumerate(side.sessions):
                if number in self.lost:
                    side.reopen_session(number)
                    continue
                if session.is_busy:
                    session.cancel()
                    if not session.has_answered(PATIENCE):
                        raise Hangs("cancelled")
                    session.answer()
        for side in self.sides:
            for session in side.sessions:
                if session.is_in_transaction:
                    session.run("ROLLBACK")
                if self.wait in TIMEOUTS:
                    session.run(f"RESET {self.wait}")


def is_timeout(answer: Answer | None) -> bool:
    return answer is not None and answer.error is not None and answer.error["sqlstate"] in ("55P03", "57014")
