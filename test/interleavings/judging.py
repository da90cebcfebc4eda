"""Whether an interleaving is right: what took effect did so as if the operations had run one by one, in some order."""

import difflib
import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from answers import TIME, VERSION_NAMES, Answer, canonical_time, plain_json
from operations import CURRENT, FIRST, FIRST_ID, SECOND, Pair, needs_of
from orders import Step
from playing import SESSIONS, Fault, Play, Stage, Told

# How the error of a wait that is cut short is called.
CUT_SHORT = {"lock_timeout": "55P03", "statement_timeout": "57014", "cancel": "57014", "terminate": "57P01"}
SERIALIZATION_FAILURE = "40001"
# These say that nothing happened, for a reason that lies in the other session or in a wait.
IN_VAIN = {*CUT_SHORT.values(), SERIALIZATION_FAILURE}

# What the documentation says of these: they wait for nobody who changes the customer, nor is anybody to wait for them.
# A refusal and a save with the same words do wait: the comment is to be stored once.
CHANGES = ("save", "retry", "adopt", "merge", "versioned", "lock", "unlock", "force", "group", "revert", "both", "skew",
           "update")
QUIET = ("comment", "refusal", "prune", "kept", "discard", "edit", "withdraw")
WAIT_FOR_NOBODY = {frozenset((quiet, change)) for quiet in QUIET for change in CHANGES}
WAIT_FOR_NOBODY -= {frozenset((refused, change)) for refused in ("refusal", "kept")
                    for change in ("save", "retry", "adopt", "both")}

VERSIONS = {canonical_time(version): ordinal for ordinal, version in enumerate((FIRST, SECOND, CURRENT), 1)}
COMMENT_NUMBERS = ("comment_id", "crm_add_comment")
UNORDERED = ("comments", "deletions", "refused")


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


def customer_of(value: dict, name: str, customer: str) -> str:
    """Whose versions an object or a row has: what it says itself, else whom the one around it is about. A call that
    makes all or none names them in order."""
    own = value.get("customer_id") or value.get("key") or value.get("ord") or (name == "customers" and value.get("id"))
    return str(own or customer)


def each_version(value: Any, put: Callable[[str, str], str], name: str = "", customer: str = "1") -> Any:
    """With what is put for a version of a customer."""
    if isinstance(value, dict):
        customer = customer_of(value, name, customer)
        return {key: each_version(item, put, key, customer) for key, item in value.items()}
    if isinstance(value, list):
        return [each_version(item, put, name, customer) for item in value]
    if isinstance(value, str) and name in VERSION_NAMES and TIME.fullmatch(value):
        return put(customer, canonical_time(value))
    return value


def by_ordinal(value: Any) -> Any:
    """With the versions of each customer by their order."""
    found: dict[str, set[str]] = {}

    def find(customer: str, version: str) -> str:
        found.setdefault(customer, set()).add(version)
        return version

    each_version(value, find)
    labels = {customer: dict(VERSIONS) for customer in found}
    for customer, versions in labels.items():
        for version in sorted(found[customer] - versions.keys()):
            versions[version] = len(versions) + 1
    return each_version(value, lambda customer, version: f"<version {labels[customer][version]}>")


@dataclass
class Names:
    """What is numbered, by what it says: the numbers hang on who came first, even where nothing else does. What was
    there before has a number of its own."""

    comments: dict[int, str] = field(default_factory=lambda: {FIRST_ID: "the first"})
    refused: dict[int, str] = field(default_factory=lambda: {FIRST_ID: "the first"})

    @classmethod
    def of(cls, state: dict) -> "Names":
        names = cls()
        set_aside = [row["row_values"] | {"id": row["comment_id"]} for row in state["deletions"] or []
                     if row["comment_id"] is not None]
        for comment in (state["comments"] or []) + set_aside:
            names.comments.setdefault(comment["id"], f"{comment['author']}: {comment['body']}")
        for refused in state["refused"] or []:
            names.refused.setdefault(refused["id"], f"{refused['author']}: {refused['status']}")
        return names

    def put(self, value: Any, name: str = "") -> Any:
        if isinstance(value, list):
            return [self.put(item, name) for item in value]
        if not isinstance(value, dict):
            return value
        plain = {}
        for key, item in value.items():
            if item is None or isinstance(item, (dict, list)):
                plain[key] = self.put(item, key)
            elif key in COMMENT_NUMBERS or (key == "id" and (name == "comments" or "body" in value)):
                plain[key] = self.comments.get(int(item), "a comment")
            elif key == "refused_id" or (key == "id" and name == "refused"):
                plain[key] = self.refused.get(int(item), "a refused save")
            else:
                plain[key] = item
        return plain


def in_order(value: Any, name: str = "") -> Any:
    """With that in an order of its own which is numbered."""
    if isinstance(value, dict):
        return {key: in_order(item, key) for key, item in value.items()}
    if isinstance(value, list):
        items = [in_order(item) for item in value]
        return sorted(items, key=lambda item: json.dumps(item, sort_keys=True)) if name in UNORDERED else items
    return value


def plainly(value: Any, names: Names | None = None) -> str:
    """One text for all that is the same."""
    plain = in_order(plain_json((names or Names()).put(by_ordinal(value)), "", {}))
    return json.dumps(plain, sort_keys=True, ensure_ascii=False)


def all_of(told: Told, sessions: tuple[int, ...]) -> str:
    """What these sessions were told and what is stored."""
    answers = {f"session {session + 1}": said(told.answers[session]) for session in sorted(sessions)}
    return plainly({**answers, "stored": told.state}, Names.of(told.state))


def all_but_first_looks(told: Told, sessions: tuple[int, ...]) -> str:
    """all_of(), without what is kept of refused saves of how it was at first look."""
    refused = [{name: value for name, value in row.items() if name != "conflicts"}
               for row in told.state["refused"] or []]
    return all_of(replace(told, state=told.state | {"refused": refused}), sessions)


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


def lines_of(text: str) -> list[str]:
    return json.dumps(json.loads(text), indent=1, sort_keys=True, ensure_ascii=False).splitlines()


def difference(expected: str, got: str) -> str:
    if expected == got:
        return ""
    return "\n".join(difflib.unified_diff(lines_of(expected), lines_of(got), "expected", "got", n=4, lineterm=""))


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
            if (plainly(said(told.answers[session])) == before
                    and all_but_first_looks(told, others) == all_but_first_looks(serial.told, others)):
                return True
    return False


def kinds_of(played: Play) -> Iterator[Pair]:
    """The pair, and what it comes to where an undoing has read the history before the other changed it: the save that
    it made of what it read. Where a transaction keeps one snapshot that ends in an error."""
    alternatives = [[operation] + ([operation.as_save] if operation.as_save and played.level == "rc" else [])
                    for operation in played.pair]
    for first, second in itertools.product(*alternatives):
        yield first, second


def problem_of(played: Play, told: Told, pair: Pair, order: tuple[int, ...], got: str, serials: Serials) -> str:
    """What is otherwise than if the operations had taken effect in this order."""
    serial = serials.of(pair, order)
    if got == serial.all or was_told_before(played, told, order, serials):
        return ""
    return difference(serial.all, got)


def problem_of_rolled_back(pair: Pair, order: tuple[int, ...], session: int, got: str, serials: Serials) -> str:
    """What was rolled back has been told what was so before or after the other."""
    expected = ""
    for length in range(len(order) + 1):
        serial = serials.of(pair, (*order[:length], session))
        expected = serial.answers[session]
        if got == expected:
            return ""
    return f"\nrolled back in session {session + 1}:\n" + difference(expected, got)


def explain(played: Play, told: Told, effects: list[str], serials: Serials) -> Verdict:
    """Finds an order of what took effect in which it would have been the same: that in which they ended comes first."""
    verdict = Verdict(effects, told.waits)
    last_steps = {session: number for number, (session, _) in enumerate(played.steps)}
    done = sorted((session for session in SESSIONS if effects[session] == "done"), key=last_steps.__getitem__)
    verdict.rolled_back = {session: plainly(said(told.answers[session])) for session in SESSIONS
                           if effects[session] == "back"}
    got = all_of(told, tuple(done))
    problems = []
    for pair, verdict.order in itertools.product(kinds_of(played), itertools.permutations(done)):
        problem = problem_of(played, told, pair, verdict.order, got, serials)
        problem += "".join(problem_of_rolled_back(pair, verdict.order, session, answer, serials)
                           for session, answer in verdict.rolled_back.items())
        if not problem:
            return verdict
        words = ", ".join(pair[session].name for session in verdict.order) or "nothing"
        problems.append(f"\n--- if this took effect: {words}\n{problem}")
    # the one that it is most like
    verdict.problem = min(problems, key=len)
    return verdict
