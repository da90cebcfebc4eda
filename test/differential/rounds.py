"""A round: tables and steps that come from one seed, on all sides, and what they say compared."""

import difflib
import json
import random
import re
from collections import Counter
from typing import Any

from answers import (
    JSON_TYPES, TIME_TYPES, VERSION_NAMES, Answer, Blocked, canonical_time, hide_dice, leave_out, plain, plain_rows,
)
from quoting import literal, name
from sides import PATIENCE, Hangs, Session, Side
from tables import Tables, chance, random_tables
from triggers import random_triggers
from weaving import Weaver
from world import SessionState, Step, World

SESSIONS = 3
# Steps that write past the extension's triggers.
PAST_THE_TRIGGERS = ("session_replication_role = 'replica'", "DISABLE TRIGGER crm_history", "allow_truncate = on")
REFERENCE = re.compile(r"@(ref|cut) (\d+)@")


class Difference(Exception):
    """The sides do not agree."""


class Round:
    """Tables and steps that come from one seed."""

    def __init__(self, sides: list[Side], seed: int, steps: int, roles: dict[str, str], plant: str) -> None:
        self.sides = sides
        self.seed = seed
        self.steps = steps
        self.rng = random.Random(seed)
        for_edition = any(side.kind.is_edition for side in sides)
        self.tables: Tables = random_tables(self.rng, "r", roles["owner"], roles["clerk"], for_edition)
        self.tables.ddl += random_triggers(self.rng, self.tables)
        self.plant = plant
        self.made: list[Any] = []  # the errors that making the tables met
        self.world = World([SessionState() for _ in range(SESSIONS)])
        self.world.keeps_refused = not for_edition and chance(self.rng, 0.5)
        self.waiting: dict[int, Step] = {}
        self.log: list[str] = []
        self.outcomes: Counter[str] = Counter()

    # What is on each side -------------------------------------------------------------------------

    def look_function(self) -> str:
        """A function that tells all versions that its session sees, whoever asks; nothing where it would wait."""
        tables = self.tables
        customers, history = (f"{tables.schema}.{tables.table(of)}" for of in ("customers", "history"))
        return f"""CREATE FUNCTION {tables.schema}.versions() RETURNS TABLE (of_customer text, of_version text)
            LANGUAGE plpgsql SECURITY DEFINER SET lock_timeout = '10ms' SET timezone = 'UTC' AS $$ BEGIN
            RETURN QUERY SELECT {name(tables.key)}::text, {name(tables.version)}::text FROM {customers}
                UNION SELECT h.customer_id::text, unnest(ARRAY[h.previous, h.version])::text FROM {history} h;
            EXCEPTION WHEN lock_not_available THEN RETURN; END $$"""

    def make_tables(self) -> None:
        settings = f"SET search_path = {self.tables.schema}, public;"
        if self.world.keeps_refused:
            settings += "SET crm_concurrency.keep_refused = 'all';"
        for side in self.sides:
            side.open_sessions(SESSIONS + 1, settings)
            maker = side.sessions[-1]
            errors = []
            for statement in self.tables.ddl:
                maker.send(statement)
                if not maker.has_answered(PATIENCE):
                    raise Hangs(statement)
                answer = maker.answer()
                if answer.error is not None:
                    errors.append({statement: answer.error})
            self.compare_made(side, errors)
            side.observer.run(self.look_function())
            side.observer.run(f"SET search_path = {self.tables.schema}, public")
        if self.plant:
            self.sides[-1].observer.run(self.plant)

    def compare_made(self, side: Side, errors: list[Any]) -> None:
        """Some of the statements may not fit together: then on all sides."""
        if side is self.sides[0]:
            self.made = errors
        elif json.dumps(errors) != json.dumps(self.made):
            raise Difference(f"making the tables\n{self.made}\n{errors}")

    def look(self, side: Side, session: Session) -> None:
        """Learns the ordinals of all versions."""
        versions: dict[str, list[str]] = {}
        for row in session.run(f"SELECT * FROM {self.tables.schema}.versions()").rows:
            versions.setdefault(row["of_customer"] or "", []).append(canonical_time(row["of_version"] or ""))
        side.versions = {
            key: {version: ordinal for ordinal, version in enumerate(sorted(times), 1)}
            for key, times in versions.items()
        }

    def plain(self, side: Side, number: int, step: Step, answer: Answer | Blocked) -> Any:
        session = side.sessions[number]
        if isinstance(answer, Answer) and not session.has_failed and any(
            oid in JSON_TYPES or (oid in TIME_TYPES and column in VERSION_NAMES) for column, oid in answer.types.items()
        ):
            self.look(side, session)
        common = plain(answer, step.key, side.versions)
        if isinstance(answer, Answer):
            # A second, and where the history does not know the base even a millisecond, may hold more than one thing.
            if "@cut" in step.sql:
                leave_out(common, ("changes", "changes_total", "conflicts", "expected_ts_problem"))
            if self.has_made((*PAST_THE_TRIGGERS, "crm_prune_history")):
                leave_out(common, ("comments", "comments_total"))
            if any(each.kind.is_edition for each in self.sides):
                leave_out_advice(common.get("error", {}))
        if step.is_unordered and "rows" in common:
            common["rows"] = in_order(common["rows"])
        return common

    def has_made(self, words: tuple[str, ...]) -> bool:
        """Whether a step so far has one of these words in it."""
        return any(word in line for line in self.log for word in words)

    # Steps ----------------------------------------------------------------------------------------

    def render(self, sql: str, side: Side) -> str:
        """The statement with what the side got before in place of the references."""
        def value(match: re.Match[str]) -> str:
            ref = int(match[2])
            return self.cut(side, ref) if match[1] == "cut" else side.refs[ref]

        return REFERENCE.sub(value, sql)

    def cut(self, side: Side, ref: int) -> str:
        """A version cut to seconds, unless that by chance is a version on one of the sides."""
        for each in self.sides:
            if any(cut_to_seconds(each.refs[ref]) in versions for versions in each.versions.values()):
                return "2001-01-01 00:00+00"
        return cut_to_seconds(side.refs[ref])

    def agree(self, what: str, values: list[Any]) -> Any:
        """What all sides say, which must be the same."""
        texts = [json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) for value in values]
        for side, text in zip(self.sides[1:], texts[1:]):
            if text != texts[0]:
                lines = difflib.unified_diff(texts[0].splitlines(), text.splitlines(), self.sides[0].kind.name,
                                             side.kind.name, n=12, lineterm="")
                raise Difference(what + "\n" + "\n".join(lines))
        return values[0]

    def note(self, number: int, sql: str) -> None:
        self.log.append(f"{number}: {sql}")

    def settle(self, number: int, step: Step, answers: list[Answer | Blocked], has_waited: bool) -> None:
        """Compares the answers to a step, and learns from them."""
        common = self.agree(f"step {len(self.log)}, session {number}: {step.sql}", [
            self.plain(side, number, step, answer) for side, answer in zip(self.sides, answers)
        ])
        self.log.append("    " + hide_dice(json.dumps(common, ensure_ascii=False))[:400])
        self.count(common)
        if "crm_add_comment" in step.sql and has_waited_in_vain(common):
            self.level_numbers()
        if isinstance(answers[0], Blocked):
            self.block(number, step)
            return
        self.waiting.pop(number, None)
        self.learn(number, step, [answer for answer in answers if isinstance(answer, Answer)], has_waited)

    def level_numbers(self) -> None:
        """The extension has stored a comment, and so taken its number, when it waits for the customer; the edition
        waits before."""
        if not any(side.kind.is_edition for side in self.sides):
            return
        sequence = f"pg_get_serial_sequence({literal(self.tables.table('comments'))}, 'id')::regclass"
        look = f"SELECT pg_sequence_last_value({sequence}) AS last"
        highest = max(int(side.observer.run(look).rows[0]["last"] or 0) for side in self.sides)
        if highest > 0:
            for side in self.sides:
                side.observer.run(f"SELECT setval({sequence}, {highest})")

    def count(self, common: Any) -> None:
        if isinstance(common, str):
            self.outcomes["waits"] += 1
        elif "error" in common:
            self.outcomes[common["error"]["sqlstate"]] += 1
        else:
            for row in common["rows"]:
                if "outcome" in row:
                    self.outcomes[row["outcome"]] += 1

    def block(self, number: int, step: Step) -> None:
        """One session waits at a time: of two, who goes on first is chance."""
        if not self.waiting:
            self.waiting[number] = step
            self.world.sessions[number].is_blocked = True
            return
        self.note(number, "(cancelled: another session is waiting)")
        self.cancel(number, step)

    def cancel(self, number: int, step: Step) -> None:
        answers: list[Answer | Blocked] = []
        for side in self.sides:
            side.sessions[number].cancel()
            answers.append(side.wait(side.sessions[number], step.sql, may_block=False))
        self.settle(number, step, answers, False)

    def learn(self, number: int, step: Step, answers: list[Answer], has_waited: bool) -> None:
        """Keeps what the next steps depend on."""
        state = self.world.sessions[number] if number >= 0 else SessionState()
        was_in_transaction = state.in_transaction
        state.is_blocked = False
        state.in_transaction, state.has_failed = self.agree(f"the transaction of session {number}", [
            (session.is_in_transaction, session.has_failed)
            for session in (side.sessions[number] for side in self.sides)
        ])
        has_ended = was_in_transaction and not state.in_transaction
        if state.has_failed or answers[0].tag.startswith("ROLLBACK") or (has_ended and answers[0].error):
            self.world.forget(state.refs)
        if not state.in_transaction:
            state.refs = []
        state.has_savepoint = state.in_transaction and (state.has_savepoint or answers[0].tag == "SAVEPOINT")
        # Who has waited in vain keeps no lock on the direct path: nobody shall meet it on the other.
        state.must_end = state.in_transaction and has_waited
        self.learn_values(state, step, answers)

    def learn_values(self, state: SessionState, step: Step, answers: list[Answer]) -> None:
        """Keeps what the next steps can refer to."""
        rows = answers[0].rows
        if step.key is None or not rows:
            return
        if (outcome := rows[0].get("outcome")) in ("deleted", "gone", "updated", "restored"):
            (self.world.gone.add if outcome in ("deleted", "gone") else self.world.gone.discard)(step.key)
        comments = self.world.comments.setdefault(step.key, [])
        comments += sorted({int(row["comment_id"]) for row in rows if row.get("comment_id")} - set(comments))
        refused = self.world.refused.setdefault(step.key, [])
        refused += sorted(refused_ids(rows) - set(refused))
        if step.gives and len(rows) == 1 and rows[0].get(step.gives):
            ref = self.world.next_ref
            self.world.next_ref += 1
            for side, answer in zip(self.sides, answers):
                side.refs[ref] = answer.rows[0][step.gives] or ""
            of = self.world.locks if step.gives == "lock_id" else self.world.versions
            of.setdefault(step.key, []).append(ref)
            if state.in_transaction:
                state.refs.append(ref)

    def make(self, step: Step) -> None:
        number = step.session
        self.note(number, step.sql or step.kind)
        if step.kind == "cancel":
            self.cancel(number, self.waiting[number])
            return
        if step.needs_clock:
            for side in self.sides:
                side.observer.run("SELECT pg_sleep(0.005)")
        for side in self.sides:
            side.sessions[number].send(self.render(step.sql, side))
        may_block = number < 0 or not self.world.sessions[number].has_timeout
        self.settle(number, step, [side.wait(side.sessions[number], step.sql, may_block) for side in self.sides], False)
        self.resume(number)

    def resume(self, but: int) -> None:
        """Takes the answers of who waited and waits no more."""
        for number, step in list(self.waiting.items()):
            if number == but:
                continue
            answers = [side.wait(side.sessions[number], step.sql) for side in self.sides]
            still = self.agree(f"whether session {number} still waits: {step.sql}",
                               [isinstance(answer, Blocked) for answer in answers])
            if not still:
                self.note(number, "(goes on)")
                self.settle(number, step, answers, True)

    def finish(self) -> None:
        """Ends all transactions, one after the other."""
        for _ in range(SESSIONS):
            for number, state in enumerate(self.world.sessions):
                if state.in_transaction and not state.is_blocked:
                    self.make(Step(number, self.rng.choice(["COMMIT", "COMMIT", "ROLLBACK"])))
        for number in list(self.waiting):
            self.make(Step(number, "", kind="cancel"))

    # Contents -------------------------------------------------------------------------------------

    def compare_contents(self) -> None:
        for side in self.sides:
            self.look(side, side.observer)
        tables = (f"SELECT relname FROM pg_class WHERE relnamespace = {literal(self.tables.schema)}::regnamespace "
                  "AND relkind = 'r' AND relname <> 'crm_internal_secret' ORDER BY relname")
        if any(side.kind.is_edition for side in self.sides):
            # It sets nothing aside.
            tables = tables.replace("ORDER BY", "AND relname !~ '_(deletions|edits|saves)$' ORDER BY")
        names = self.agree("the tables", [
            [row["relname"] or "" for row in side.observer.run(tables).rows] for side in self.sides
        ])
        for table in names:
            self.rows_of_all(f"SELECT * FROM {name(table)}", self.sides)
        # What holds of rows that are equal holds of the edition's, too.
        violations = self.rows_of_all("SELECT * FROM public.crm_verify()",
                                      [side for side in self.sides if not side.kind.is_edition])
        if violations:
            self.outcomes["violations"] += len(violations)
            self.log += [f"    {row}" for row in violations]
            if not self.tables.breaks_chain and not self.has_made(PAST_THE_TRIGGERS):
                raise Difference(f"crm_verify() finds on all sides: {json.dumps(violations, indent=1)}")
        self.agree("events", [
            [plain_event(side, payload) for payload in side.observer.notifications()] for side in self.sides
        ])

    def rows_of_all(self, statement: str, sides: list[Side]) -> list[Any]:
        """What the statement returns on these sides, which must be the same."""
        return self.agree(statement, [
            in_order(plain_rows(side.observer.run(statement), None, side.versions)) for side in sides
        ])

    def run(self) -> None:
        self.make_tables()
        weaver = Weaver(self.rng, self.tables, self.world)
        for _ in range(self.steps):
            self.make(weaver.next())
        self.finish()
        self.compare_contents()

    def drop_tables(self) -> None:
        for side in self.sides:
            side.close_sessions()
            side.observer.run(f"SET client_min_messages = warning; DROP SCHEMA IF EXISTS {self.tables.schema} CASCADE; "
                              "SET client_min_messages = notice")
            side.observer.notifications()

    def report(self, problem: Exception, lines: int) -> str:
        """What is needed to see it again: lines is how many of the last ones are shown."""
        ddl = "\n".join(f"{statement};" for statement in used(self.tables.ddl))
        return (f"DIFFERENCE with seed {self.seed}: repeat with --seed {self.seed} --rounds 1 --steps {self.steps}\n"
                f"=== tables\n{ddl}\n=== the last of {len(self.log)} lines of steps\n" + "\n".join(self.log[-lines:])
                + f"\n=== {type(problem).__name__}\n{problem}")


def has_waited_in_vain(common: Any) -> bool:
    return isinstance(common, dict) and common.get("error", {}).get("sqlstate") in ("55P03", "57014")


def leave_out_advice(error: dict[str, Any]) -> None:
    """What errors of the extension tell of rights, and of corrections, which the edition has not."""
    if error.get("sqlstate") == "42501":
        error.pop("detail", None)
        error.pop("hint", None)
    if re.match("cannot (update|delete) comments", error.get("message", "")):
        error.pop("hint", None)


def refused_ids(rows: list[dict[str, str | None]]) -> set[int]:
    """The numbers of the saves that were refused and kept, in answers or in a list."""
    details = [json.loads(row["detail"]) for row in rows if row.get("detail")]
    found = [detail.get("refused_id") for detail in details if isinstance(detail, dict)]
    return {int(number) for number in found + [row.get("refused_id") for row in rows] if number}


def cut_to_seconds(version: str) -> str:
    return re.sub(r"\.\d+", ".000000", canonical_time(version))


def used(ddl: list[str]) -> list[str]:
    """Without the functions that no trigger calls."""
    calls = " ".join(statement for statement in ddl if "EXECUTE FUNCTION" in statement)
    called = [re.match(r"CREATE FUNCTION (\w+)\(\) RETURNS trigger", statement) for statement in ddl]
    return [statement for statement, function in zip(ddl, called)
            if not function or f"FUNCTION {function[1]}(" in calls]


def in_order(rows: list[Any]) -> list[Any]:
    return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))


def plain_event(side: Side, payload: str) -> Any:
    event = json.loads(payload)
    answer = Answer([{field: str(value) for field, value in event.items()}], {field: 25 for field in event})
    answer.types["version"] = 1184
    return plain_rows(answer, None, side.versions)
