"""Random triggers of others on the tables of a CRM. Magic words in names, texts and authors make them do their worst."""

import random
from dataclasses import dataclass

from quoting import literal, name
from tables import Tables, chance

# What a log line must not show: times, digests and what they are made of.
HIDDEN = "'{updated_at,row_version,version,previous,based_on,adopted_version,created_at,recorded_at,request,made_at,token}'"


def trigger_functions(tables: Tables) -> list[str]:
    """What the triggers call."""
    customers, comments, history = (tables.schema + "." + tables.table(of) for of in ("customers", "comments", "history"))
    key, status, version = (name(text) for text in (tables.key, tables.status, tables.version))
    log, schema = f"{tables.schema}.log", tables.schema
    other = literal(tables.keys[1])
    other_status = literal(tables.statuses[1])

    def function(label: str, body: str, declare: str = "") -> str:
        return f"CREATE FUNCTION {schema}.{label}() RETURNS trigger LANGUAGE plpgsql AS $${declare} BEGIN {body} END $$"

    result = "RETURN coalesce(NEW, OLD);"
    return [
        function("log_row", f"""
            line := TG_NAME || ' ' || TG_WHEN || ' ' || TG_OP || ' ' || array_to_string(TG_ARGV, ',') || ' '
                || coalesce((to_jsonb(OLD) - {HIDDEN}::text[])::text, '') || ' ' || coalesce((to_jsonb(NEW) - {HIDDEN}::text[])::text, '');
            IF length(line) > 2000 THEN line := left(line, 100) || md5(line); END IF;
            INSERT INTO {log} (entry) VALUES (line); RAISE NOTICE '%', line; {result}""", " DECLARE line text;"),
        function("log_system_columns", f"""
            RAISE NOTICE '% % %', TG_NAME, TG_OP, TG_RELID::regclass;
            IF TG_OP <> 'DELETE' THEN RAISE NOTICE 'new %', NEW.tableoid::regclass; END IF;
            IF TG_OP <> 'INSERT' THEN RAISE NOTICE 'old %', OLD.tableoid::regclass; END IF; {result}"""),
        function("log_visible_customer", f"""
            SELECT concat_ws(' ', TG_NAME, c.name, c.{status}, (SELECT count(*) FROM {comments} WHERE customer_id = NEW.{key}),
                             (SELECT count(*) FROM {history} WHERE customer_id = NEW.{key}))
                INTO line FROM {customers} c WHERE c.{key} = NEW.{key};
            RAISE NOTICE '%', line; {result}""", " DECLARE line text;"),
        function("log_visible_of", f"""
            SELECT concat_ws(' ', TG_NAME, c.name, c.{status}, (SELECT count(*) FROM {comments} WHERE customer_id = NEW.customer_id),
                             (SELECT count(*) FROM {history} WHERE customer_id = NEW.customer_id))
                INTO line FROM {customers} c WHERE c.{key} = NEW.customer_id;
            RAISE NOTICE '%', line; {result}""", " DECLARE line text;"),
        function("log_statement", f"""
            INSERT INTO {log} (entry) VALUES (TG_NAME || ' ' || TG_WHEN || ' ' || TG_OP || ' ' || TG_LEVEL); RETURN NULL;"""),
        function("log_transition", f"""
            INSERT INTO {log} (entry) SELECT TG_NAME || ' ' || TG_OP || ' ' || count(*) FROM made; RETURN NULL;"""),
        function("shout_name", f"NEW.name := upper(NEW.name); {result}"),
        function("clear_phone", f"NEW.phone := NULL; {result}"),
        function("restage", f"IF NEW.name = 'restage' THEN NEW.{status} := {other_status}; END IF; {result}"),
        function("unstage", f"NEW.{status} := OLD.{status}; {result}"),
        function("suppress_name", f"IF NEW.name = 'suppress' THEN RETURN NULL; END IF; {result}"),
        function("raise_name", f"""IF NEW.name = 'raise' THEN RAISE EXCEPTION 'no % here', NEW.name
            USING DETAIL = TG_NAME, HINT = 'None.', ERRCODE = 'XX123', TABLE = 'none'; END IF; {result}"""),
        function("set_version", f"NEW.{version} := clock_timestamp(); {result}"),
        function("change_key", f"IF NEW.name = 'rekey' THEN NEW.{key} := {other}; END IF; {result}"),
        function("touch_other", f"""IF pg_trigger_depth() < 2 THEN
            UPDATE {customers} SET email = coalesce(email, '') || 'x' WHERE {key} = {other} AND length(email) < 9; END IF; {result}"""),
        function("touch_self", f"""IF pg_trigger_depth() < 2 AND NEW.name <> 'still' THEN
            UPDATE {customers} SET email = NULL WHERE {key} = NEW.{key}; END IF; {result}"""),
        function("delete_self", f"""IF NEW.name = 'delete' THEN
            DELETE FROM {customers} WHERE {key} = NEW.{key}; END IF; {result}"""),
        function("lock_self", f"PERFORM FROM {customers} WHERE {key} = NEW.{key} FOR UPDATE; {result}"),
        function("caught", f"""IF pg_trigger_depth() > 1 THEN {result} END IF; BEGIN UPDATE {customers} SET {status} = NULL, name = NULL WHERE {key} = {other}; RAISE EXCEPTION 'undone';
            EXCEPTION WHEN OTHERS THEN RAISE NOTICE '% %', SQLSTATE, SQLERRM; END; {result}"""),
        function("save_other", f"""IF pg_trigger_depth() < 2 THEN RAISE NOTICE '%', (SELECT outcome FROM {customers} c,
            public.crm_update_customer_by_key({other}, c.{version}, NULL, 'saved by ' || TG_NAME, 'trigger') WHERE c.{key} = {other}); END IF; {result}"""),
        function("save_self", f"""IF pg_trigger_depth() < 2 THEN RAISE NOTICE '%', (SELECT outcome FROM {customers} c,
            public.crm_update_customer_by_key(c.{key}::text, c.{version}, NULL, 'saved by ' || TG_NAME, 'trigger') WHERE c.{key} = NEW.{key}); END IF; {result}"""),
        function("comment_too", f"""IF pg_trigger_depth() < 2 THEN
            INSERT INTO {comments} (customer_id, author, body) VALUES (NEW.{key}, 'trigger', 'by ' || TG_NAME); END IF; {result}"""),
        function("shout_body", f"NEW.body := upper(NEW.body); {result}"),
        function("rename_author", f"NEW.author := NEW.author || '!'; {result}"),
        function("suppress_body", f"IF NEW.body = 'suppress' THEN RETURN NULL; END IF; {result}"),
        function("raise_body", f"IF NEW.body = 'raise' THEN RAISE unique_violation; END IF; {result}"),
        function("move", f"IF NEW.body = 'move' THEN NEW.customer_id := {other}; END IF; {result}"),
        function("blank", f"IF NEW.body = 'blank' THEN NEW.body := ' '; END IF; {result}"),
        function("touch_customer", f"UPDATE {customers} SET email = left(NEW.body, 9) WHERE {key} = NEW.customer_id; {result}"),
        function("delete_customer", f"IF NEW.body = 'delete' THEN DELETE FROM {customers} WHERE {key} = NEW.customer_id; END IF; {result}"),
        function("comment_again", f"""IF pg_trigger_depth() < 2 THEN
            INSERT INTO {comments} (customer_id, author, body) VALUES (NEW.customer_id, 'trigger', 'by ' || TG_NAME); END IF; {result}"""),
        function("suppress_author", f"IF NEW.author = 'eve' THEN RETURN NULL; END IF; {result}"),
        function("raise_author", f"IF NEW.author = 'eve' THEN RAISE EXCEPTION 'not eve'; END IF; {result}"),
        function("annotate", f"NEW.fields := coalesce(NEW.fields, '{{}}') || '{{\"note\": {{\"to\": 1}}}}'; {result}"),
    ]


BEFORE = {
    "customers": ["log_row", "log_row", "shout_name", "clear_phone", "restage", "suppress_name", "raise_name", "set_version",
                  "change_key", "touch_other", "lock_self", "caught", "comment_too", "touch_self", "save_other"],
    "comments": ["log_row", "log_row", "shout_body", "rename_author", "suppress_body", "raise_body", "move", "blank",
                 "touch_customer", "comment_again", "log_visible_of"],
    "history": ["log_row", "suppress_author", "raise_author", "annotate", "log_visible_of"],
}
AFTER = {
    "customers": ["log_row", "log_row", "log_system_columns", "log_visible_customer", "raise_name", "touch_other", "touch_self",
                  "caught", "comment_too", "save_other", "save_self", "delete_self", "lock_self"],
    "comments": ["log_row", "log_row", "log_system_columns", "log_visible_of", "raise_body", "touch_customer", "comment_again",
                 "delete_customer"],
    "history": ["log_row", "log_visible_of", "raise_author", "log_system_columns"],
}
DEFERRED = {
    "customers": ["log_row", "log_visible_customer", "raise_name"],
    "comments": ["log_row", "log_visible_of", "raise_body"],
    "history": ["log_row", "raise_author"],
}


@dataclass
class TriggerPlan:
    """A trigger, in pieces."""

    of: str
    timing: str
    events: str
    function: str
    when: str = ""


def conditions(tables: Tables, of: str, events: str) -> list[str]:
    """What WHEN may say."""
    if of == "customers":
        both = ["OLD.* IS DISTINCT FROM NEW.*", "OLD.name IS DISTINCT FROM NEW.name"] if events.startswith("UPDATE") else []
        return both + ["NEW.name LIKE 'w%'", f"NEW.{name(tables.status)}::text <> 'new'", "key_of_text(NEW.name) > 3"]
    return {"comments": ["NEW.author = 'ana'", "NEW.body IS NOT NULL", "NEW.reply_to IS NOT NULL", "tests_text(NEW.body)"],
            "history": ["NEW.author IS NOT NULL", "NEW.operation = 'update'"]}[of]


def random_trigger(rng: random.Random, tables: Tables) -> list[str]:
    """A trigger on one of the tables."""
    of = rng.choice(["customers", "customers", "customers", "comments", "comments", "history"])
    table = tables.table(of)
    label = rng.choice(["a_", "m_", "own_"]) + tables.next_name(of)
    tables.triggers.append((label, of))
    if chance(rng, 0.08):
        if of == "customers":
            tables.has_row_triggers = True
        event = rng.choice(["INSERT", "UPDATE"])
        if chance(rng, 0.5):
            return [f"CREATE TRIGGER {label} AFTER {event} ON {table} REFERENCING NEW TABLE AS made "
                    "FOR EACH STATEMENT EXECUTE FUNCTION log_transition()"]
        return [f"CREATE TRIGGER {label} {rng.choice(['BEFORE', 'AFTER'])} {event} ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION log_statement()"]

    timing = rng.choice(["BEFORE", "AFTER", "AFTER", "DEFERRED"])
    function = rng.choice({"BEFORE": BEFORE, "AFTER": AFTER, "DEFERRED": DEFERRED}[timing][of])
    if of == "customers":
        tables.has_row_triggers = True
        events = rng.choice(["UPDATE", "UPDATE", f"UPDATE OF {name(tables.status)}", "UPDATE OF name, phone", "INSERT OR UPDATE",
                             "INSERT", f"UPDATE OF {name(tables.version)}"])
        if function in ("log_row", "log_system_columns") and chance(rng, 0.3):
            events = "INSERT OR UPDATE OR DELETE"
    else:
        events = rng.choice(["INSERT", "INSERT", "INSERT OR UPDATE", "INSERT OR UPDATE OR DELETE"
                             if function in ("log_row", "log_system_columns") else "UPDATE"])
    if of == "history" and function in ("suppress_author", "annotate"):
        tables.breaks_chain = True
    when = ""
    if "DELETE" not in events and chance(rng, 0.3):
        when = f" WHEN ({rng.choice(conditions(tables, of, events))})"
    kind, deferral = "TRIGGER", ""
    if timing == "DEFERRED":
        kind, timing = "CONSTRAINT TRIGGER", "AFTER"
        deferral = rng.choice([" DEFERRABLE INITIALLY DEFERRED", " DEFERRABLE", ""])
    arguments = "'one', 'two'" if chance(rng, 0.2) else ""
    ddl = [f"CREATE {kind} {label} {timing} {events} ON {table}{deferral} FOR EACH ROW{when} EXECUTE FUNCTION {function}({arguments})"]
    if chance(rng, 0.1):
        ddl.append(f"ALTER TABLE {table} {rng.choice(['DISABLE', 'ENABLE ALWAYS', 'ENABLE REPLICA'])} TRIGGER {label}")
    return ddl


def random_triggers(rng: random.Random, tables: Tables) -> list[str]:
    """The functions, and none or a few triggers."""
    ddl = trigger_functions(tables)
    for _ in range(rng.choice([0, 0, 1, 1, 2, 3])):
        ddl += random_trigger(rng, tables)
    if chance(rng, 0.3):
        ddl.append("ALTER FUNCTION log_row() SECURITY DEFINER")
    return ddl
