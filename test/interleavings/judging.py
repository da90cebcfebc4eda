"""Whether an interleaving is right: what took effect did so as if the operations had run one by one, in some order."""

import difflib
import itertools
import json
from dataclasses import dataclass, field
from typing import Any

from answers import TIME, VERSION_NAMES, Answer, canonical_time, plain_json
from operations import CURRENT, DELETION, FIRST, SECOND, Pair, needs_of
from orders import Step
from playing import SESSIONS, Fault, Play, Stage, Told

# How the error of a wait that is cut short is called.
CUT_SHORT = {"lock_timeout": "55P03", "statement_timeout": "57014", "cancel": "57014", "terminate": "57P01"}
SERIALIZATION_FAILURE = "40001"
# These say that nothing happened, for a reason that lies in the other session or in a wait.
IN_VAIN = {*CUT_SHORT.values(), SERIALIZATION_FAILURE}

# What the documentation says of these: they wait for nobody who changes the customer, nor is anybody to wait for them.
# A refusal and a save with the same words do wait: the comment is to be stored once.
CHANGES = ("save", "retry", "adopt", "merge", "versioned", "lock", "unlock", "force", "update")
WAIT_FOR_NOBODY = {frozenset((quiet, change)) for quiet in ("comment", "refusal", "prune") for change in CHANGES}
WAIT_FOR_NOBODY -= {frozenset(("refusal", change)) for change in ("save", "retry", "adopt")}

VERSIONS = {canonical_time(version): ordinal for ordinal, version in enumerate((FIRST, SECOND, CURRENT, DELETION), 1)}
COMMENT_NUMBERS = ("comment_id", "crm_add_comment")


def sqlstate(answer: Answer | None) -> str:
    return answer.error["sqlstate"] if answer is not None and answer.error is not None else "00000"


# What is said and stored, without what differs from run to run ------------------------------------------------


def said(answer: Answer | None) -> Any:
    """An answer as data."""
    if answer is None:
        return None
    rows = answer.rows
    if answer.error is not None:
        # with the comment's number in it
        rows = [{name: value for name, value in answer.error.items() if not value.startswith("Failing row contains")}]
        # Of a customer that came after the snapshot, the foreign key says in its own words that it is not there.
        if answer.error["sqlstate"] == "23503":
            rows = [{"sqlstate": "23503"}]
    return [answer.tag, [
        {name: json.loads(value) if value is not None and value.startswith("{") else value
         for name, value in row.items()}
        for row in rows
    ]]


def versions_in(value: Any, name: str = "") -> set[str]:
    if isinstance(value, dict):
        return set().union(*(versions_in(item, key) for key, item in value.items()))
    if isinstance(value, list):
        return set().union(*(versions_in(item, name) for item in value))
    if isinstance(value, str) and name in VERSION_NAMES and TIME.fullmatch(value):
        return {canonical_time(value)}
    return set()


def without_numbers(value: Any, comments: dict[int, str]) -> Any:
    """Comments by what they say: their numbers hang on who came first, even where nothing else does."""
    if isinstance(value, dict):
        plain = {}
        for name, item in value.items():
            if name in COMMENT_NUMBERS and item is not None:
                plain[name] = comments.get(int(item), "a comment")
            elif name == "comments" and isinstance(item, list):
                plain[name] = [{key: part for key, part in comment.items() if key != "id"} for comment in item]
            else:
                plain[name] = without_numbers(item, comments)
        return plain
    return [without_numbers(item, comments) for item in value] if isinstance(value, list) else value


def in_order(value: Any, name: str = "") -> Any:
    """With comments in an order of their own."""
    if isinstance(value, dict):
        return {key: in_order(item, key) for key, item in value.items()}
    if isinstance(value, list):
        items = [in_order(item) for item in value]
        return sorted(items, key=lambda item: json.dumps(item, sort_keys=True)) if name == "comments" else items
    return value


def plainly(value: Any, comments: list[dict] | None = None) -> str:
    """One text for all that is the same."""
    versions = dict(VERSIONS)
    for version in sorted(versions_in(value) - versions.keys()):
        versions[version] = len(versions) + 1
    words = {comment["id"]: f"{comment['author']}: {comment['body']}" for comment in comments or []}
    plain = in_order(plain_json(without_numbers(value, words), "", versions))
    return json.dumps(plain, indent=1, sort_keys=True, ensure_ascii=False)


def all_of(told: Told, sessions: tuple[int, ...]) -> str:
    """What these sessions were told and what is stored."""
    answers = {f"session {session + 1}": said(told.answers[session]) for session in sorted(sessions)}
    return plainly({**answers, "stored": told.state}, told.state["comments"])


# One after the other ------------------------------------------------------------------------------------------


@dataclass
class Serial:
    """What is right when the operations run one after the other."""

    told: Told
    all: str
    answers: dict[int, str]  # of each session, by itself


class Serials:
    """The serial executions, each made once."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.made: dict[tuple, Serial] = {}

    def of(self, pair: Pair, sessions: tuple[int, ...]) -> Serial:
        """That of the operations of these sessions, in this order."""
        key = (needs_of(pair), tuple((session, pair[session].name) for session in sessions))
        if key not in self.made:
            self.made[key] = self.make(pair, sessions)
        return self.made[key]

    def make(self, pair: Pair, sessions: tuple[int, ...]) -> Serial:
        steps: list[Step] = []
        for session in sessions:
            steps += [(session, "op"), (session, "commit")] if pair[session].runs_in_block else [(session, "op")]
        self.stage.prepare(pair)
        played = Play(self.stage, tuple(steps), pair)
        played.run()
        check_all(played)
        serials = [Serial(told, all_of(told, sessions),
                          {session: plainly(said(told.answers[session])) for session in sessions})
                   for told in played.told]
        for serial in serials[1:]:
            if serial.all != serials[0].all:
                raise Fault("the access paths do not agree on a serial execution:\n"
                            + difference(serials[0].all, serial.all))
        return serials[0]


def difference(expected: str, got: str) -> str:
    if expected == got:
        return ""
    return "\n".join(difflib.unified_diff(expected.splitlines(), got.splitlines(), "expected", "got", n=4, lineterm=""))


# Judging ------------------------------------------------------------------------------------------------------


def check_all(played: Play) -> None:
    """What must hold whatever was done."""
    for side, told in zip(played.sides, played.told):
        if held := told.state.pop("held"):
            raise Fault(f"{side.kind.name}: locks are held when all transactions have ended: {held}")
        # What was written while the table was detached, or its history emptied, is broken in serial executions too.
        if told.state["violations"] and not any(operation.name in ("attach", "detach") for operation in played.pair):
            raise Fault(f"{side.kind.name}: crm_verify() finds {told.state['violations']}")


def effect(played: Play, told: Told, session: int) -> str:
    """What became of the operation: in vain (the server ended it), back (its transaction rolled it back), or done. An
    error of the operation's own is an answer as any other."""
    if sqlstate(told.answers[session]) in IN_VAIN or sqlstate(told.ends[session]) in IN_VAIN:
        return "in vain"
    is_lost = session in played.lost and told.ends[session] is None and played.pair[session].runs_in_block
    return "back" if is_lost or (played.ends[session] != "commit") else "done"


def is_concurrent(played: Play) -> bool:
    """Whether each transaction begins before the other ends."""
    places = [[place for place, (of, _) in enumerate(played.steps) if of == session] for session in SESSIONS]
    return all(places[session][0] < places[1 - session][-1] for session in SESSIONS)


def check_in_vain(played: Play, told: Told, session: int, effects: list[str]) -> None:
    """Nothing is in vain without a reason."""
    state = next(state for state in (sqlstate(told.answers[session]), sqlstate(told.ends[session])) if state in IN_VAIN)
    if state == CUT_SHORT.get(played.wait):
        return
    if state == SERIALIZATION_FAILURE and is_concurrent(played) and (
            played.level == "se" or (played.level == "rr" and effects[1 - session] == "done")):
        return
    raise Fault(f"session {session + 1} ended with {state}: {told.answers[session]}")


@dataclass
class Verdict:
    """How what a side told is explained."""

    effects: list[str]
    waits: list[str]
    order: tuple[int, ...] = ()
    rolled_back: dict[int, str] = field(default_factory=dict)  # what these sessions were told
    problem: str = ""


def judge(played: Play, serials: Serials) -> None:
    check_all(played)
    if played.waited_after and frozenset(operation.name for operation in played.pair) in WAIT_FOR_NOBODY:
        raise Fault("one waits for the other")
    verdicts = []
    for side, told in zip(played.sides, played.told):
        effects = [effect(played, told, session) for session in SESSIONS]
        for session in SESSIONS:
            if effects[session] == "in vain":
                check_in_vain(played, told, session, effects)
            elif sqlstate(told.ends[session]) != "00000":
                raise Fault(f"{side.kind.name}: session {session + 1} ended with {told.ends[session]}")
        verdict = explain(played, told, effects, serials)
        if verdict.problem:
            raise Fault(f"{side.kind.name}: {' and '.join(effects)}, as in no serial execution{verdict.problem}")
        verdicts.append(verdict)
    # Which of two serializable transactions fails, and when, hangs on what each path reads.
    states = {sqlstate(answer) for told in played.told for answer in (*told.answers, *told.ends)}
    if played.level != "se" or SERIALIZATION_FAILURE not in states:
        played.agree(verdicts, "what happened")


def was_told_before(played: Play, told: Told, order: tuple[int, ...], serials: Serials) -> bool:
    """A base that is too old is refused at first look, without waiting for who is at work: it may be told what was so
    before the other, while its comment is stored after. Together that is as in no order; SERIALIZABLE is there for who
    must have one."""
    serial = serials.of(played.pair, order)
    for session in order:
        if played.pair[session].answers_at_first_look and played.level != "se":
            others = tuple(other for other in order if other != session)
            before = serials.of(played.pair, (session,)).answers[session]
            if plainly(said(told.answers[session])) == before and all_of(told, others) == all_of(serial.told, others):
                return True
    return False


def explain(played: Play, told: Told, effects: list[str], serials: Serials) -> Verdict:
    """Finds an order of what took effect in which it would have been the same."""
    done = tuple(session for session in SESSIONS if effects[session] == "done")
    verdict = Verdict(effects, told.waits)
    got = all_of(told, done)
    verdict.rolled_back = {session: plainly(said(told.answers[session])) for session in SESSIONS
                           if effects[session] == "back"}
    problems = []
    for verdict.order in itertools.permutations(done):
        serial = serials.of(played.pair, verdict.order)
        problem = "" if was_told_before(played, told, verdict.order, serials) else difference(serial.all, got)
        for session, answer in verdict.rolled_back.items():
            # What was rolled back has been told what was so before or after the other.
            possible = [serials.of(played.pair, (*verdict.order[:length], session)).answers[session]
                        for length in range(len(verdict.order) + 1)]
            if answer not in possible:
                problem += f"\nrolled back in session {session + 1}:\n" + difference(possible[-1], answer)
        if not problem:
            return verdict
        words = ", ".join(played.pair[session].name for session in verdict.order) or "nothing"
        problems.append(f"\n--- if this took effect: {words}\n{problem}")
    # the one that it is most like
    verdict.problem = min(problems, key=len)
    return verdict
