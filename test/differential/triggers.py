"""Random triggers of others on the tables of a CRM."""

import random
import re
from pathlib import Path

from quoting import literal, name
from tables import Tables, chance

FUNCTIONS = Path(__file__).with_name("trigger_functions.sql")

BEFORE = {
    "customers": ["log_row", "log_row", "shout_name", "clear_phone", "restage", "suppress_name", "raise_name",
                  "set_version", "change_key", "touch_other", "lock_self", "caught", "comment_too", "touch_self",
                  "save_other", "save_self", "pg_catalog.suppress_redundant_updates_trigger"],
    "comments": ["log_row", "log_row", "shout_body", "rename_author", "suppress_body", "raise_body", "move", "blank",
                 "touch_customer", "comment_again", "log_visible_of"],
    "history": ["log_row", "suppress_author", "raise_author", "annotate", "log_visible_of"],
}
AFTER = {
    "customers": ["log_row", "log_row", "log_system_columns", "log_visible_customer", "raise_name", "touch_other",
                  "touch_self", "caught", "comment_too", "save_other", "save_self", "delete_self", "lock_self"],
    "comments": ["log_row", "log_row", "log_system_columns", "log_visible_of", "raise_body", "touch_customer",
                 "comment_again", "delete_customer"],
    "history": ["log_row", "log_visible_of", "raise_author", "log_system_columns"],
}
# None that writes to a table that has it: it would fire itself forever.
CONSTRAINT = {
    "customers": ["log_row", "log_visible_customer", "raise_name"],
    "comments": ["log_row", "log_visible_of", "raise_body"],
    "history": ["log_row", "raise_author"],
}
FOR_EVERY_EVENT = ("log_row", "log_system_columns")
BREAK_CHAIN = ("suppress_author", "annotate")


def trigger_functions(tables: Tables) -> list[str]:
    """What the triggers call."""
    words = {of: f"{tables.schema}.{tables.table(of)}" for of in ("customers", "comments", "history")}
    words |= {word: name(getattr(tables, word)) for word in ("key", "status", "version")}
    words |= {"schema": tables.schema, "log": f"{tables.schema}.log"}
    words["save"], words["key_type"] = tables.save_function
    # What runs with the owner's rights has a search_path of its own in the edition.
    words["path"] = "NULL" if tables.for_edition else "current_schemas(true)"
    words |= {"other": literal(tables.keys[1]), "other_status": literal(tables.statuses[1])}
    sql = re.sub(r"^--.*\n", "", FUNCTIONS.read_text(encoding="utf-8"), flags=re.M)
    sql = re.sub(r"(?<!:):([a-z_]+)", lambda match: words[match[1]], sql)
    return [f"CREATE {function.rstrip().rstrip(';')}" for function in re.split(r"^CREATE ", sql, flags=re.M)[1:]]


def condition(rng: random.Random, tables: Tables, of: str, events: str) -> str:
    """What WHEN says."""
    conditions = {
        "customers": ["NEW.name LIKE 'w%'", f"NEW.{name(tables.status)}::text <> 'new'", "key_of_text(NEW.name) > 3"],
        "comments": ["NEW.author = 'ana'", "NEW.body IS NOT NULL", "NEW.reply_to IS NOT NULL", "tests_text(NEW.body)"],
        "history": ["NEW.author IS NOT NULL", "NEW.operation = 'update'"],
    }[of]
    if of == "customers" and events.startswith("UPDATE"):
        conditions += ["OLD.* IS DISTINCT FROM NEW.*", "OLD.name IS DISTINCT FROM NEW.name"]
    return rng.choice(conditions)


def statement_trigger(rng: random.Random, label: str, table: str) -> str:
    event = rng.choice(["INSERT", "UPDATE"])
    if chance(rng, 0.5):
        return (f"CREATE TRIGGER {label} AFTER {event} ON {table} REFERENCING NEW TABLE AS made "
                "FOR EACH STATEMENT EXECUTE FUNCTION log_transition()")
    timing = rng.choice(["BEFORE", "AFTER"])
    return f"CREATE TRIGGER {label} {timing} {event} ON {table} FOR EACH STATEMENT EXECUTE FUNCTION log_statement()"


def is_fired_by_owner(of: str, events: str) -> bool:
    """Whether a trigger fires for what saves write with the owner's rights: history, and the adoption of comments."""
    return of == "history" or (of == "comments" and "UPDATE" in events)


def row_trigger(rng: random.Random, tables: Tables, label: str, of: str) -> str:
    functions, kind, timing, deferral = rng.choice([
        (BEFORE, "TRIGGER", "BEFORE", ""),
        (AFTER, "TRIGGER", "AFTER", ""),
        (AFTER, "TRIGGER", "AFTER", ""),
        (CONSTRAINT, "CONSTRAINT TRIGGER", "AFTER",
         rng.choice(["", " DEFERRABLE", " DEFERRABLE INITIALLY DEFERRED", " DEFERRABLE INITIALLY DEFERRED"])),
    ])
    function = rng.choice(functions[of])
    tables.breaks_chain |= function in BREAK_CHAIN
    if function.startswith("pg_catalog."):
        return f"CREATE TRIGGER {label} BEFORE UPDATE ON {tables.table(of)} FOR EACH ROW EXECUTE FUNCTION {function}()"
    events = rng.choice({
        "customers": ["UPDATE", "UPDATE", f"UPDATE OF {name(tables.status)}", "UPDATE OF name, phone",
                      "INSERT OR UPDATE", "INSERT", f"UPDATE OF {name(tables.version)}"],
        "comments": ["INSERT", "INSERT", "INSERT OR UPDATE", "UPDATE"],
        "history": ["INSERT", "INSERT", "INSERT OR UPDATE"],
    }[of])
    when = f" WHEN ({condition(rng, tables, of, events)})" if chance(rng, 0.3) else ""
    if function in FOR_EVERY_EVENT and chance(rng, 0.3):
        events, when = "INSERT OR UPDATE OR DELETE", ""
    if tables.for_edition and is_fired_by_owner(of, events):
        deferral = ""
    arguments = "'one', 'two'" if chance(rng, 0.2) else ""
    return (f"CREATE {kind} {label} {timing} {events} ON {tables.table(of)}{deferral} FOR EACH ROW{when} "
            f"EXECUTE FUNCTION {function}({arguments})")


def random_trigger(rng: random.Random, tables: Tables) -> str:
    """A trigger on one of the tables. Triggers fire in the order of their names."""
    of = rng.choice(["customers", "customers", "customers", "comments", "comments", "history"])
    label = rng.choice(["a_", "m_", "own_"]) + tables.next_name(of)
    tables.triggers.append((label, of))
    if chance(rng, 0.08):
        return statement_trigger(rng, label, tables.table(of))
    return row_trigger(rng, tables, label, of)


def random_triggers(rng: random.Random, tables: Tables) -> list[str]:
    """The functions, and none or a few triggers."""
    ddl = trigger_functions(tables)
    for _ in range(rng.choice([0, 0, 1, 1, 2, 3])):
        ddl.append(random_trigger(rng, tables))
        if chance(rng, 0.1):
            label, of = tables.triggers[-1]
            mode = rng.choice(["DISABLE", "ENABLE ALWAYS", "ENABLE REPLICA"])
            ddl.append(f"ALTER TABLE {tables.table(of)} {mode} TRIGGER {label}")
    if chance(rng, 0.3):
        ddl.append("ALTER FUNCTION log_row() SECURITY DEFINER")
    return ddl
