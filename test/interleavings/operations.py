"""What sessions do to the customer, and what the tables hold before."""

import itertools
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

NOW = datetime.now(timezone.utc).replace(microsecond=123000)
# Versions of the customer: the first two are pruned, the last is current; and that of its deletion.
FIRST, SECOND, CURRENT, DELETION = ((NOW - timedelta(hours=hours)).isoformat() for hours in (100, 90, 20, 10))
LOCK_ID = "00000000-0000-4000-8000-000000000001"

# What the sessions say, each in its own name.
WORDS = (
    {"author": "ana", "status": "contacted", "comment": "Called", "phone": "555-0101"},
    {"author": "ben", "status": "won", "comment": "Signed", "phone": "555-0102"},
)


def save(base: str, status: str, comment: str, author: str, more: str = "") -> str:
    return f"SELECT * FROM crm_update_customer(1, '{base}', '{status}', '{comment}', '{author}'{more})"


@dataclass(frozen=True)
class Operation:
    """A statement of a session, with the session's words in it."""

    name: str
    sql: str
    needs: str = ""  # what the set-up is to hold: the customer deleted or locked, a save refused, the table detached
    runs_in_block: bool = True
    answers_at_first_look: bool = False  # without waiting for what is in flight

    def of(self, session: int) -> str:
        return self.sql.format(**WORDS[session])


OPERATIONS = {operation.name: operation for operation in (
    Operation("save", save(CURRENT, "{status}", "{comment}", "{author}")),
    # ana's save, whoever sends it: the same request twice
    Operation("retry", save(CURRENT, "contacted", "Called", "ana")),
    # ana's words again, from a base that is too old: the comment is kept once, and adopted by her save
    Operation("refusal", save(FIRST, "lost", "Called", "ana"), answers_at_first_look=True),
    # her save that adopts the comment of such a refusal
    Operation("adopt", save(CURRENT, "contacted", "Called", "ana"), needs="refused"),
    Operation("merge", save(FIRST, "{status}", "{comment} again", "{author}", ", merge => true")),
    Operation("comment", "SELECT crm_add_comment(1, 'They moved', 'ana')"),
    Operation("versioned", "INSERT INTO comments (customer_id, author, body, expected_ts) "
                           f"VALUES (1, '{{author}}', '{{comment}} today', '{CURRENT}') "
                           "RETURNING author, body, based_on"),
    Operation("lock", "SELECT * FROM crm_lock_customer(1, '{author}')"),
    Operation("unlock", f"SELECT crm_unlock_customer(1, '{LOCK_ID}')", needs="locked"),
    Operation("force", "SELECT crm_unlock_customer(1, NULL, true, '{author}')", needs="locked"),
    Operation("update", "UPDATE customers SET phone = '{phone}' WHERE id = 1 RETURNING phone, status, updated_at"),
    Operation("delete", "DELETE FROM customers WHERE id = 1 RETURNING status"),
    Operation("insert",
              "INSERT INTO customers (id, name) VALUES (1, 'Acme of {author}') RETURNING name, status, updated_at",
              needs="deleted"),
    Operation("attach", "SELECT crm_attach('customers')", needs="detached"),
    Operation("detach", "SELECT crm_detach('customers')"),
    Operation("prune", "SELECT crm_prune_history('3 days')"),
    Operation("erase", "SELECT crm_erase_customer(1)"),
    Operation("truncate", "SET LOCAL crm_concurrency.allow_truncate = on; "
                          "TRUNCATE customers, comments, customer_history, customer_locks, customer_deletions"),
    Operation("alter", "ALTER TABLE customers ADD COLUMN added_by_{author} text DEFAULT 'nothing'"),
    Operation("vacuum", "VACUUM FULL customers", runs_in_block=False),
)}

PAIRS = list(itertools.combinations_with_replacement(OPERATIONS.values(), 2))

Pair = tuple[Operation, Operation]


def needs_of(pair: Pair) -> frozenset[str]:
    return frozenset(operation.needs for operation in pair if operation.needs)


# The tables ------------------------------------------------------------------------------------------

TABLES = """
    SELECT crm_create_tables('public');
    ALTER TABLE customers SET (autovacuum_enabled = off);
    ALTER TABLE comments SET (autovacuum_enabled = off);
    ALTER TABLE customer_history SET (autovacuum_enabled = off);
    ALTER TABLE customer_locks SET (autovacuum_enabled = off);
    ALTER TABLE customer_deletions SET (autovacuum_enabled = off);
"""
DROP_TABLES = ("DROP TABLE customers, comments, customer_history, customer_locks, customer_deletions, comment_edits, "
               "customer_refused_saves;")

LOOK = """
    -- All that there is: rows, registry, triggers, columns, what crm_verify() says, and the locks of these sessions.
    CREATE FUNCTION public.look(pids integer[]) RETURNS jsonb LANGUAGE plpgsql AS $$
    DECLARE violations jsonb;
    BEGIN
        BEGIN
            SELECT jsonb_agg(to_jsonb(v)) INTO violations FROM crm_verify() v;
        EXCEPTION WHEN OTHERS THEN
            violations := to_jsonb(SQLSTATE);
        END;
        RETURN jsonb_build_object(
            'violations', violations,
            'customers', (SELECT jsonb_agg(to_jsonb(c) ORDER BY c.id) FROM customers c),
            'comments', (SELECT jsonb_agg(to_jsonb(c)) FROM comments c),
            'history', (SELECT jsonb_agg(to_jsonb(h) ORDER BY h.version) FROM customer_history h),
            'locks', (SELECT jsonb_agg(to_jsonb(l)) FROM customer_locks l),
            'registry', (SELECT jsonb_agg(to_jsonb(t) - 'attached_at') FROM crm_attached_tables t),
            'triggers', (SELECT jsonb_agg(t.tgrelid::regclass || ' ' || t.tgname || ' ' || t.tgenabled::text::text
                                          ORDER BY t.tgrelid::regclass::text, t.tgname)
                         FROM pg_trigger t WHERE NOT t.tgisinternal AND t.tgrelid::regclass::text IN
                              ('customers', 'comments', 'customer_history', 'customer_locks')),
            'columns', (SELECT jsonb_agg(a.attname ORDER BY a.attname) FROM pg_attribute a
                        WHERE a.attrelid = 'customers'::regclass AND a.attnum > 0 AND NOT a.attisdropped),
            'width', (SELECT relnatts FROM pg_class WHERE oid = 'customers'::regclass),
            'held', (SELECT jsonb_agg(to_jsonb(k)) FROM pg_locks k
                     WHERE k.pid = ANY (pids) AND k.mode <> 'SIReadLock'));
    END $$;
"""

# A table has room for 1600, those included that are no more.
MOST_COLUMNS = 1000

EMPTIED = """
    SET LOCAL session_replication_role = replica;
    DELETE FROM customers; DELETE FROM comments; DELETE FROM customer_history; DELETE FROM customer_locks;
    DELETE FROM customer_deletions;
"""
CUSTOMER = f"INSERT INTO customers VALUES (1, 'Acme', '555-0100', 'a@acme.example', 'new', '{CURRENT}');"
COMMENT = f"INSERT INTO comments (customer_id, author, body, created_at) VALUES (1, 'eve', 'Hello', '{SECOND}');"
LOCK = f"""INSERT INTO customer_locks (customer_id, lock_id, author, locked_at, expires_at, db_user)
           VALUES (1, '{LOCK_ID}', 'eve', now(), now() + '1 hour', current_user);"""


def history_row(previous: str | None, version: str, operation: str, fields: str) -> str:
    before = "NULL" if previous is None else f"'{previous}'"
    status_from, status_to = ("NULL" if missing else "'new'"
                              for missing in (operation == "insert", operation == "delete"))
    return ("INSERT INTO customer_history (customer_id, version, previous, recorded_at, operation, db_user, "
            f"status_from, status_to, fields) VALUES (1, '{version}', {before}, '{version}', '{operation}', "
            f"current_user, {status_from}, {status_to}, '{fields}');")


HISTORY = (
    history_row(None, FIRST, "insert", '{"name": {"to": "Acme"}}')
    + history_row(FIRST, SECOND, "update", '{"phone": {"from": null, "to": "555-0100"}}')
    + history_row(SECOND, CURRENT, "update", '{"email": {"from": null, "to": "a@acme.example"}}')
)
GONE = history_row(CURRENT, DELETION, "delete", '{"name": {"from": "Acme"}}')


def set_up(needs: frozenset[str]) -> str:
    """Puts the rows back as before each interleaving. The table is attached, and has the columns that it had."""
    rows = [EMPTIED, HISTORY]
    if "deleted" in needs:
        rows.append(GONE)
    else:
        rows += [CUSTOMER, COMMENT]
        if "locked" in needs:
            rows.append(LOCK)
    rows.append("SET LOCAL session_replication_role = origin;")
    if "refused" in needs and "deleted" not in needs:
        rows.append(save(FIRST, "lost", "Called", "ana") + ";")
    if "detached" in needs:
        rows.append("SELECT crm_detach('customers');")
    return f"BEGIN; {' '.join(rows)} COMMIT;"


def reset(state: dict) -> str:
    """What makes the tables those that they were: attached, and without added columns. Empty where they are."""
    if state["width"] > MOST_COLUMNS:
        return DROP_TABLES + TABLES
    ddl = [f"ALTER TABLE customers DROP COLUMN {column};" for column in state["columns"]
           if column.startswith("added_by_")]
    if not state["registry"]:
        ddl.append("SELECT crm_attach('customers');")
    return " ".join(ddl)
