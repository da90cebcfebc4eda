"""Which session does what next: how the calls of several are woven together."""

import random

from amends import Amends
from calls import Calls
from changes import random_change, random_setting
from edition import OF_SUPERUSERS, is_common
from tables import Tables, chance
from world import ADMIN, Step, World


class Weaver:
    """Makes one step after another."""

    def __init__(self, rng: random.Random, tables: Tables, world: World) -> None:
        self.rng = rng
        self.tables = tables
        self.world = world
        is_crowded = chance(rng, 0.5)
        self.calls = Calls(rng, tables, world, 0.9 if is_crowded else 0.5)
        amends = Amends(self.calls)
        # The shares of what is no save.
        self.statements = [
            (0.22 if is_crowded else 0.12, self.transaction),
            (0.05, self.calls.plain_update),
            (0.03, self.calls.plain_insert),
            (0.05, self.calls.plain_comment),
            (0.03, self.calls.row_lock),
            (0.03, self.calls.read),
            (0.06, self.setting),
            (0.05, self.calls.add_comment),
            (0.04, self.calls.edit_lock),
            (0.03, self.calls.batch),
            (0.02, self.calls.saves_of_all),
            (0.02, amends.delete),
            (0.025, amends.restore),
            (0.025, amends.revert),
            (0.03, amends.correct),
            (0.03, amends.records),
            (0.02, amends.list_kept),
            *([(0.03, amends.resolve)] if world.keeps_refused else []),
        ]

    def next(self) -> Step:
        while True:
            step = self.any_step()
            if not self.tables.for_edition or self.is_common(step):
                return step

    def is_common(self, step: Step) -> bool:
        """Whether a step is to be the same with the edition."""
        # Many saves run in a subtransaction of their own, which is waited for until the transaction ends.
        if "crm_update_customers(" in step.sql and self.world.sessions[step.session].has_savepoint:
            return False
        # A call of the extension locks all four tables, one of the edition what it uses: who locks a table is alone.
        if step.session != ADMIN and step.sql.startswith(("ALTER", "CLUSTER", "CREATE", "DROP", "REINDEX", "TRUNCATE")):
            state = self.world.sessions[step.session]
            if any(other.in_transaction or other.is_blocked for other in self.world.sessions if other is not state):
                return False
            state.is_alone = True
        return is_common(step.sql)

    def any_step(self) -> Step:
        rng, sessions = self.rng, self.world.sessions
        for number, state in enumerate(sessions):
            if state.must_end and not state.is_blocked:
                return Step(number, "COMMIT")
        if self.world.someone_waits and chance(rng, 0.5):
            if step := self.end_of_waiting():
                return step
        if self.world.is_quiet and chance(rng, 0.1):
            return Step(ADMIN, random_change(rng, self.tables)) if chance(rng, 0.75) else self.calls.care(ADMIN)

        # One at a time.
        alone = [number for number, state in enumerate(sessions)
                 if state.in_transaction and not state.is_blocked and (state.is_alone or self.tables.locks_differ)]
        number = rng.choice(alone or [number for number, state in enumerate(sessions) if not state.is_blocked])
        state = sessions[number]
        if state.has_failed and chance(rng, 0.8):
            return self.transaction(number)
        if not state.in_transaction and chance(rng, 0.3 if state.has_timeout else 0.03):
            state.has_timeout = not state.has_timeout
            return Step(number, f"SET lock_timeout = '{30 if state.has_timeout else 0}ms'")
        if state.in_transaction and not self.world.someone_waits and chance(rng, 0.02):
            return Step(number, random_change(rng, self.tables))
        return self.statement(number)

    def statement(self, session: int) -> Step:
        dice = self.rng.random()
        for share, make in self.statements:
            dice -= share
            if dice < 0:
                return make(session)
        return self.calls.save(session)

    def end_of_waiting(self) -> Step | None:
        """What may let who waits go on."""
        rng, sessions = self.rng, self.world.sessions
        if chance(rng, 0.12):
            return Step(next(number for number, state in enumerate(sessions) if state.is_blocked), "", kind="cancel")
        enders = [number for number, state in enumerate(sessions) if state.in_transaction and not state.is_blocked]
        if not enders:
            return None
        ender = rng.choice(enders)
        back = "ROLLBACK TO s" if sessions[ender].has_savepoint else "ROLLBACK"
        return Step(ender, rng.choice(["COMMIT", "COMMIT", back]))

    def transaction(self, session: int) -> Step:
        """A statement that begins or ends a transaction, or a part of it."""
        rng, state = self.rng, self.world.sessions[session]
        if not state.in_transaction:
            modes = ["", "", "", "", "READ ONLY", "ISOLATION LEVEL REPEATABLE READ", "ISOLATION LEVEL REPEATABLE READ",
                     "ISOLATION LEVEL REPEATABLE READ READ ONLY"]
            if self.world.is_quiet:
                modes.append("ISOLATION LEVEL SERIALIZABLE")
            mode = rng.choice(modes)
            state.is_alone = mode == "ISOLATION LEVEL SERIALIZABLE"
            return Step(session, f"BEGIN {mode}")
        if state.has_failed or chance(rng, 0.7):
            if state.has_savepoint and chance(rng, 0.4):
                return Step(session, "ROLLBACK TO s")
            return Step(session, rng.choice(["COMMIT", "COMMIT", "COMMIT", "ROLLBACK"]))
        if not state.has_savepoint and chance(rng, 0.6):
            return Step(session, "SAVEPOINT s")
        return Step(session, rng.choice([
            "SAVEPOINT s", "ROLLBACK TO s", "ROLLBACK TO s", "RELEASE s",
            "SET CONSTRAINTS ALL IMMEDIATE", "SET CONSTRAINTS ALL DEFERRED",
        ]))

    def setting(self, session: int) -> Step:
        command = "SET LOCAL" if self.world.sessions[session].in_transaction and chance(self.rng, 0.5) else "SET"
        setting = random_setting(self.rng, self.tables)
        if self.world.keeps_refused and chance(self.rng, 0.1):
            setting = f"crm_concurrency.keep_refused = '{self.rng.choice(['all', 'all', 'comment'])}'"
        if self.tables.for_edition and setting.startswith(OF_SUPERUSERS):
            return Step(session, f"{command} role = none; {command} {setting}")
        return Step(session, f"{command} {setting}")
