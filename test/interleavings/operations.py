"""What sessions do to the customer, and what the tables hold before."""

import itertools
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

NOW = datetime.now(timezone.utc).replace(microsecond=123000)
# Versions of the customer: the first two are pruned, the last is current.
FIRST, SECOND, CURRENT = ((NOW - timedelta(hours=hours)).isoformat() for hours in (100, 90, 20))
# The comment, and the refused save, that are there before.
FIRST_ID = 1
LOCK_ID = "00000000-0000-4000-8000-000000000001"

# What the sessions say, each in its own name.
WORDS = (
    {"author": "ana", "status": "contacted", "comment": "Called", "phone": "555-0101", "member": "phone"},
    {"author": "ben", "status": "won", "comment": "Signed", "phone": "555-0102", "member": "email"},
)
MERGE_GROUPS = '[["phone", "email"]]'
KEEP_ALL = "SET LOCAL crm_concurrency.keep_refused = 'all'; "


def save(base: str, status: str, comment: str, author: str, more: str = "") -> str:
    return f"SELECT * FROM crm_update_customer(1, '{base}', '{status}', '{comment}', '{author}'{more})"


def asking(base: str) -> str:
    """ana's save of a status and a field: kept where it is refused."""
    return KEEP_ALL + save(base, "lost", "Called", "ana", ", fields => jsonb_build_object('phone', '555-0109')")


def item(key: int, operation: str) -> str:
    """A part of a call that makes all or none."""
    words = "" if operation == "check" else ", 'comment', '{comment}', 'author', '{author}'"
    status = ", 'status', '{status}'" if operation == "update" else ""
    return f"jsonb_build_object('id', {key}, 'operation', '{operation}', 'expected_ts', '{CURRENT}'{words}{status})"


def all_or_none(first: str, second: str) -> str:
    return f"SELECT * FROM crm_update_records(jsonb_build_array({first}, {second}), true)"


def resolution(status: str) -> str:
    return (f"SELECT * FROM crm_resolve_refused({FIRST_ID}, '{CURRENT}', "
            f"jsonb_build_object('status', '{status}', 'phone', 'theirs'), author => '{{author}}')")


TABLE_NAMES = ("customers", "comments", "customer_history", "customer_locks", "customer_deletions", "comment_edits",
               "customer_refused_saves")


@dataclass(frozen=True)
class Operation:
    """A statement of a session, with the session's words in it."""

    name: str
    sql: str
    # What the set-up is to hold: the customer deleted or locked, the comment of a save refused, or all of it kept, a
    # second customer, a merge group, the table detached.
    needs: str = ""
    runs_in_block: bool = True
    answers_at_first_look: bool = False  # without waiting for what is in flight
    as_save: "Operation | None" = None  # the save that it makes of what it reads before it waits

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
    Operation("group", save(CURRENT, "{status}", "{comment} in a group", "{author}",
                            ", merge => true, fields => jsonb_build_object('{member}', '{phone}')"), needs="grouped"),
    Operation("revert", "SET LOCAL crm_concurrency.merge = on; SELECT * FROM "
                        f"crm_revert_customer(1, '{CURRENT}', '{SECOND}', '{{author}}', '{{comment}} wrongly')",
              as_save=Operation("revert as a save",
                                f"SELECT * FROM crm_update_customer(1, '{CURRENT}', NULL, '{{comment}} wrongly', "
                                "'{author}', merge => true, fields => jsonb_build_object('phone', NULL))")),
    Operation("both", all_or_none(item(1, "update"), item(2, "check")), needs="second"),
    # with the one before a write skew, if neither notices the other
    Operation("skew", all_or_none(item(1, "check"), item(2, "update")), needs="second"),
    Operation("removal", all_or_none(item(1, "delete"), item(2, "update")), needs="second"),
    Operation("kept", asking(FIRST), answers_at_first_look=True),
    # her save that ends what was kept of it
    Operation("accepted", asking(CURRENT), needs="kept"),
    Operation("resolve", resolution("mine"), needs="kept"),
    Operation("yield", resolution("theirs"), needs="kept"),
    Operation("discard", f"SELECT crm_discard_refused({FIRST_ID})", needs="kept"),
    Operation("edit", f"SELECT * FROM crm_edit_comment(1, {FIRST_ID}, 'Hello', 'Hello from {{author}}', '{{author}}')"),
    Operation("withdraw", f"SELECT * FROM crm_withdraw_comment(1, {FIRST_ID}, '{{author}}', '{{comment}} another')"),
    Operation("redact", f"SELECT crm_redact_comment(1, {FIRST_ID})"),
    Operation("remove", f"SELECT * FROM crm_delete_customer(1, '{CURRENT}', '{{comment}}', '{{author}}')"),
    Operation("restore", "SELECT * FROM crm_restore_customer(1, '{author}', '{comment} back')", needs="deleted"),
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
                          f"TRUNCATE {', '.join(TABLE_NAMES)}"),
    Operation("alter", "ALTER TABLE customers ADD COLUMN added_by_{author} text DEFAULT 'nothing'"),
    Operation("vacuum", "VACUUM FULL customers", runs_in_block=False),
)}

PAIRS = list(itertools.combinations_with_replacement(OPERATIONS.values(), 2))

Pair = tuple[Operation, Operation]


def needs_of(pair: Pair) -> frozenset[str]:
    return frozenset(operation.needs for operation in pair if operation.needs)


# The tables ------------------------------------------------------------------------------------------

TABLES = " ".join((
    "SELECT crm_create_tables('public');",
    *(f"ALTER TABLE {table} SET (autovacuum_enabled = off);" for table in TABLE_NAMES),
    # Nobody else gets the numbers of what is there before.
    *(f"SELECT nextval(pg_get_serial_sequence('{table}', 'id'));" for table in ("comments", "customer_refused_saves")),
))
DROP_TABLES = f"DROP TABLE {', '.join(TABLE_NAMES)};"

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
            'history', (SELECT jsonb_agg(to_jsonb(h) ORDER BY h.customer_id, h.version) FROM customer_history h),
            'locks', (SELECT jsonb_agg(to_jsonb(l)) FROM customer_locks l),
            'deletions', (SELECT jsonb_agg(to_jsonb(d)) FROM customer_deletions d),
            'edits', (SELECT jsonb_agg(to_jsonb(e) ORDER BY e.edited_at) FROM comment_edits e),
            'refused', (SELECT jsonb_agg(to_jsonb(r)) FROM customer_refused_saves r),
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

EMPTIED = " ".join(("SET LOCAL session_replication_role = replica;",
                    *(f"DELETE FROM {table};" for table in TABLE_NAMES)))
CUSTOMER = f"INSERT INTO customers VALUES (1, 'Acme', '555-0100', 'a@acme.example', 'new', '{CURRENT}');"
COMMENT = ("INSERT INTO comments (customer_id, id, author, body, created_at) "
           f"VALUES (1, {FIRST_ID}, 'eve', 'Hello', '{SECOND}');")
LOCK = f"""INSERT INTO customer_locks (customer_id, lock_id, author, locked_at, expires_at, db_user)
           VALUES (1, '{LOCK_ID}', 'eve', now(), now() + '1 hour', current_user);"""


def history_row(key: int, previous: str | None, version: str, fields: str) -> str:
    before, operation = ("NULL", "insert") if previous is None else (f"'{previous}'", "update")
    status_from = "NULL" if previous is None else "'new'"
    return ("INSERT INTO customer_history (customer_id, version, previous, recorded_at, operation, db_user, "
            f"status_from, status_to, fields) VALUES ({key}, '{version}', {before}, '{version}', '{operation}', "
            f"current_user, {status_from}, 'new', '{fields}');")


HISTORY = (
    history_row(1, None, FIRST, '{"name": {"to": "Acme"}}')
    + history_row(1, FIRST, SECOND, '{"phone": {"from": null, "to": "555-0100"}}')
    + history_row(1, SECOND, CURRENT, '{"email": {"from": null, "to": "a@acme.example"}}')
)
SECOND_CUSTOMER = (f"INSERT INTO customers VALUES (2, 'Bolt', NULL, NULL, 'new', '{CURRENT}');"
                   + history_row(2, None, CURRENT, '{"name": {"to": "Bolt"}}'))


def set_up(needs: frozenset[str]) -> str:
    """Puts the rows back as before each interleaving. The table is attached, and has the columns that it had."""
    rows = [EMPTIED, HISTORY, CUSTOMER, COMMENT]
    if "second" in needs:
        rows.append(SECOND_CUSTOMER)
    if "locked" in needs:
        rows.append(LOCK)
    rows.append("SET LOCAL session_replication_role = origin;")
    if "refused" in needs:
        rows.append(save(FIRST, "lost", "Called", "ana") + ";")
    if "kept" in needs:
        rows.append(f"{asking(FIRST)}; UPDATE customer_refused_saves SET id = {FIRST_ID};")
    if "deleted" in needs:
        rows.append("DELETE FROM customers WHERE id = 1;")
    if "grouped" in needs:
        rows.append(f"SELECT crm_attach('customers', merge_groups => '{MERGE_GROUPS}');")
    if "detached" in needs:
        rows.append("SELECT crm_detach('customers');")
    return f"BEGIN; {' '.join(rows)} COMMIT;"


def reset(state: dict) -> str:
    """What makes the tables those that they were: attached, without added columns or groups. Empty where they are."""
    if state["width"] > MOST_COLUMNS:
        return DROP_TABLES + TABLES
    ddl = [f"ALTER TABLE customers DROP COLUMN {column};" for column in state["columns"]
           if column.startswith("added_by_")]
    if not state["registry"]:
        ddl.append("SELECT crm_attach('customers');")
    elif state["registry"][0]["merge_groups"]:
        ddl.append("SELECT crm_attach('customers', merge_groups => '[]');")
    return " ".join(ddl)
