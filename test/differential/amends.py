"""Random calls that delete, bring back, undo and correct, and that make many changes at once."""

import json

from calls import Calls
from quoting import literal
from tables import chance
from world import Step


class Amends:
    """Makes a step of a session at each call."""

    def __init__(self, calls: Calls) -> None:
        self.calls = calls
        self.rng = calls.rng
        self.tables = calls.tables
        self.world = calls.world

    def delete(self, session: int) -> Step:
        calls, key = self.calls, self.calls.key()
        arguments = [calls.key_argument(key), calls.base(key), literal(calls.body()), literal(calls.author())]
        return calls.send(session, key, calls.call("crm_delete_customer", "crm_delete_record", arguments))

    def restore(self, session: int) -> Step:
        calls, gone = self.calls, sorted(self.world.gone)
        key = self.rng.choice(gone) if gone and chance(self.rng, 0.8) else calls.key()
        arguments = [calls.key_argument(key), literal(calls.author())]
        if chance(self.rng, 0.5):
            arguments.append(literal(calls.body()))
        return calls.send(session, key, calls.call("crm_restore_customer", "crm_restore_record", arguments))

    def version(self, key: str) -> str:
        """A change to be undone."""
        rng, refs, history = self.rng, self.calls.refs(key), self.tables.table("history")
        if chance(rng, 0.05):
            return rng.choice(["NULL", "'infinity'", "'2001-01-01 00:00+00'"])
        if not refs or chance(rng, 0.4):
            return f"(SELECT max(version) FROM {history} WHERE customer_id = {literal(key)} AND operation = 'update')"
        return f"'@ref {rng.choice(refs[-4:])}@'"

    def revert(self, session: int) -> Step:
        rng, calls, key = self.rng, self.calls, self.calls.key()
        arguments = [calls.key_argument(key), calls.base(key), self.version(key), literal(calls.author())]
        if chance(rng, 0.4):
            arguments.append(f"comment => {literal(calls.body())}")
        if chance(rng, 0.3):
            arguments.append("whole => true")
        if chance(rng, 0.25):
            columns = ["name", "phone", self.tables.status, *(column.name for column in self.tables.columns)]
            named = ", ".join(literal(column) for column in rng.sample(columns, rng.choice([1, 2])))
            arguments.append(f"fields => ARRAY[{named}]")
        return calls.send(session, key, calls.call("crm_revert_customer", "crm_revert_record", arguments))

    def correct(self, session: int) -> Step:
        """Another text for a comment, or none."""
        rng, calls, key = self.rng, self.calls, self.calls.key()
        of = f"{self.tables.table('comments')} WHERE customer_id = {literal(key)}"
        comment = f"(SELECT max(id) FROM {of})" if chance(rng, 0.5) else calls.reply_to(key)
        whom, dice = [calls.key_argument(key), comment], rng.random()
        if dice < 0.1:
            call = calls.call("crm_redact_comment", "crm_redact_record_comment", whom)
            return Step(session, f"SELECT {call} AS redacted", key)
        if dice < 0.3:
            arguments = [*whom, literal(calls.author()), *([literal(calls.body())] if chance(rng, 0.5) else [])]
            call = calls.call("crm_withdraw_comment", "crm_withdraw_record_comment", arguments)
        else:
            of += f" AND id = {comment}"
            column = rng.choice(["body", "author"])
            expected = literal(calls.body()) if chance(rng, 0.2) else f"(SELECT body FROM {of})"
            author = f"(SELECT author FROM {of})" if column == "author" else literal(calls.author())
            arguments = [*whom, expected, literal(calls.body() or "corrected"), author]
            call = calls.call("crm_edit_comment", "crm_edit_record_comment", arguments)
        return calls.send(session, key, call)

    # Many at once ---------------------------------------------------------------------------------

    def item(self, key: str) -> str:
        """What crm_update_records is to make of one record."""
        rng, calls = self.rng, self.calls
        operation = rng.choice(["update", "update", "update", "delete", "check", "check"])
        values = {"key": literal(key), "expected_ts": calls.base(key), "operation": literal(operation)}
        if operation != "check":
            values |= {"author": literal(calls.author()), "comment": literal(calls.body())}
        if operation == "update":
            values["status"] = calls.status()
            if chance(rng, 0.4):
                values["fields"] = f"{literal(json.dumps(calls.values()))}::jsonb"
            if chance(rng, 0.3):
                values["merge"] = "true"
        if chance(rng, 0.3):
            values["table"] = literal(self.tables.table("customers"))
        return f"jsonb_build_object({', '.join(f'{literal(label)}, {value}' for label, value in values.items())})"

    def records(self, session: int) -> Step:
        """A call of crm_update_records."""
        rng, count = self.rng, self.rng.choice([1, 2, 2, 3])
        keys = rng.sample(self.tables.keys, count)
        if chance(rng, 0.1):
            keys.append(keys[0])
        items = ", ".join(f"jsonb_strip_nulls({self.item(key)})" for key in keys)
        whom = ", ".join(f"({ord}, {literal(key)})" for ord, key in enumerate(keys, 1))
        all_or_nothing = rng.choice(["true", "true", "false"])
        call = f"public.crm_update_records(jsonb_build_array({items}), {all_or_nothing})"
        return Step(session, f"SELECT k.key, s.* FROM {call} s LEFT JOIN (VALUES {whom}) k(ord, key) USING (ord)")

    # What is set aside, or refused ----------------------------------------------------------------

    def list_kept(self, session: int) -> Step:
        rng, calls, key = self.rng, self.calls, self.calls.key()
        table, refs = literal(self.tables.table("customers")), calls.refs(key)
        if refs and chance(rng, 0.3):
            # Deletions of other customers may be of the same millisecond.
            call = f"public.crm_deleted_records({table}, 9, '@ref {rng.choice(refs)}@')"
            return Step(session, f"SELECT * FROM {call} WHERE key = {literal(key)}", key)
        return Step(session, rng.choice([
            "SELECT * FROM public.crm_deleted()",
            f"SELECT * FROM public.crm_deleted_records({table})",
            f"SELECT * FROM public.crm_refused_saves({literal(calls.author())})",
            f"SELECT * FROM public.crm_refused_record_saves({table}, NULL, {literal(key)})",
            "SELECT * FROM public.crm_refused_counts()",
            f"SELECT * FROM public.crm_record_timeline({table}, {literal(key)})",
        ]), key, is_unordered=True)

    def refused_call(self, label: str, arguments: list[str]) -> str:
        return self.calls.call(label, f"{label}_record", arguments)

    def resolve(self, session: int) -> Step:
        """Ends a refused save, if it waits."""
        rng, calls, refused = self.rng, self.calls, [key for key, known in self.world.refused.items() if known]
        key = rng.choice(refused) if refused and chance(rng, 0.8) else calls.key()
        known = self.world.refused.get(key, [])
        number = rng.choice(known) if known and chance(rng, 0.95) else 4711
        if chance(rng, 0.25):
            call = self.refused_call("crm_discard_refused", [str(number)])
            return Step(session, f"SELECT {call} AS discarded", key)
        mine = rng.choice(["true", "false", "length(field) % 2 = 0"])
        choice = f"jsonb_object_agg(field, CASE WHEN {mine} THEN 'mine' ELSE 'theirs' END)"
        fields = (f"SELECT jsonb_object_keys(fields) AS field FROM kept UNION "
                  f"SELECT {literal(self.tables.status)} FROM kept WHERE status IS NOT NULL")
        choose = (f"(WITH kept AS (SELECT * FROM {self.tables.table('refused_saves')} WHERE id = {number}) "
                  f"SELECT {choice} FROM ({fields}) f)")
        arguments = [str(number), calls.base(key), f"coalesce({choose}, '{{\"name\": \"mine\"}}')"]
        if chance(rng, 0.3):
            arguments.append(f"comment => {literal(calls.body())}")
        if chance(rng, 0.3):
            arguments.append(f"author => {literal(calls.author())}")
        return calls.send(session, key, self.refused_call("crm_resolve_refused", arguments))
