"""What is called, by whom, and with whose rights what is planted may run then."""

from typing import NamedTuple

from places import Place

WRITE = "write"              # the caller's own write of customers and comments
REPLY = "reply"              # the same, of a comment that refers to another
DELETE = "delete"            # the same, which cascades to comments and locks
REMOVAL = "removal"          # the same, with a comment
READ = "read"
ADMINISTRATION = "administration"
DEFINITION = "definition"    # makes or drops tables and triggers


class Call(NamedTuple):
    """A call of a function, and what it is.

    In its statements {n} is a customer that no other call has, {turn} 1 or 2, {schema} that of the tables which the
    search_path finds. Operators and functions have their schema: the search_path may find others.
    """
    name: str
    case: str
    kind: str
    statements: tuple


CURRENT = "'2026-01-05 10:00:00.5+00'"
OLD = "'2026-01-05 10:00:00+00'"
OF_CUSTOMER = "OPERATOR(pg_catalog.=) {n}"
# whatever the table is called
LATEST_COMMENT = "(SELECT pg_catalog.max(comment_id) FROM ext.crm_timeline({n}))"
REFUSED = "(SELECT pg_catalog.max(refused_id) FROM ext.crm_refused_saves(NULL, {n}))"
REFUSED_RECORD = ("(SELECT pg_catalog.max(refused_id) "
                  "FROM ext.crm_refused_record_saves('{schema}.customers', NULL, '{n}'))")
IMPORTED = "'[12/15/2024, 3:45:23 PM] ana: Imported'"
ATTACH = ("SELECT ext.crm_attach('{schema}.customers', comments => 'comments', history => 'customer_history', "
          "locks => 'customer_locks', comments_column => 'notes') IS NULL")


def save(base, rest):
    return f"SELECT outcome FROM ext.crm_update_customer({{n}}, {base}, {rest})"


def comment(body, base="NULL"):
    return ("INSERT INTO {schema}.comments (customer_id, author, body, expected_ts) "
            f"VALUES ({{n}}, 'ana', '{body}', {base})")


CALLS = [
    Call("crm_update_customer", "updated", WRITE, (save(CURRENT, "'won', 'Signed', 'ana', fields => '{fields}'"),)),
    Call("crm_update_customer", "refused, its comment kept", WRITE,
         (save(OLD, "'lost', 'Kept', 'ben', fields => '{fields}'"),) * 2),
    Call("crm_update_customer", "merged", WRITE,
         (save(OLD, "'won', 'Merged', 'ana', true, fields => '{\"email\": \"e\"}'"),)),
    Call("crm_update_customer", "replayed", WRITE, (save(CURRENT, "'won', 'Signed', 'ana'"),) * 2),
    Call("crm_update_customer", "adopted", WRITE,
         (save(OLD, "'lost', 'Kept', 'ben'"), save(CURRENT, "'lost', 'Kept', 'ben'"))),
    Call("crm_update_customer", "unchanged", WRITE, (save(CURRENT, "NULL, NULL, 'ana'"),)),
    Call("crm_update_customer", "locked", WRITE,
         ("SELECT outcome FROM ext.crm_lock_customer({n}, 'ana')", save(CURRENT, "'lost', 'Kept', 'ben'"))),
    Call("crm_update_customer", "deleted", DELETE,
         (f"DELETE FROM {{schema}}.customers WHERE id {OF_CUSTOMER}", save(CURRENT, "'lost', 'Too late', 'ben'"))),
    Call("crm_update_customer", "not found", WRITE,
         ("SELECT outcome FROM ext.crm_update_customer(99999999, '2026-01-05', 'lost', 'Nobody', 'ben')",)),
    Call("crm_update_customer", "by key, with a reply", REPLY,
         ("SELECT ext.crm_add_comment({n}, 'Asked', 'ana') IS NULL",
          f"SELECT outcome FROM ext.crm_update_customer_by_key('{{n}}', {CURRENT}, 'won', 'Answered', 'ben', "
          f"reply_to => (SELECT pg_catalog.max(id) FROM {{schema}}.comments WHERE customer_id {OF_CUSTOMER}))")),
    Call("crm_update_customers", "two saves", WRITE,
         ("""SELECT outcome FROM ext.crm_update_customers('[
             {"id": {n}, "expected_ts": "2026-01-05T10:00:00.5Z", "status": "won", "comment": "Of many",
              "author": "ana"},
             {"key": "{n}", "expected_ts": "2026-01-05T10:00:00Z", "status": "lost", "comment": "Kept",
              "author": "ben"}]')""",)),
    Call("crm_update_records", "checked and all, then refused", WRITE,
         (f"""SELECT outcome FROM ext.crm_update_records(pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object(
             'id', '{{n}}', 'operation', 'check', 'expected_ts', {CURRENT})))""",
          f"""SELECT outcome FROM ext.crm_update_records(pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object(
             'id', '{{n}}', 'status', 'won', 'comment', 'Of all', 'author', 'ana', 'expected_ts', {CURRENT})), true)""",
          f"""SELECT outcome FROM ext.crm_update_records(pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object(
             'id', '{{n}}', 'status', 'new', 'comment', 'Kept', 'author', 'ana', 'expected_ts', {CURRENT}),
             pg_catalog.jsonb_build_object('id', 99999999, 'operation', 'check', 'expected_ts', '2026-01-05')),
             true)""")),
    Call("crm_refused_saves", "kept, listed, counted, resolved and discarded", WRITE,
         ("SELECT pg_catalog.set_config('crm_concurrency.keep_refused', 'all', false)",
          save(OLD, "'lost', 'Kept whole', 'ben'"), save(OLD, "'new', NULL, 'ben'"),
          "SELECT pg_catalog.count(*) OPERATOR(pg_catalog.>) 0 FROM ext.crm_refused_counts()",
          f"SELECT outcome FROM ext.crm_resolve_refused({REFUSED}, {CURRENT}, '{{\"status\": \"mine\"}}', 'Chosen')",
          f"SELECT ext.crm_discard_refused({REFUSED})",
          save(OLD, "'lost', 'Kept whole', 'ben'"),
          "SELECT pg_catalog.set_config('crm_concurrency.keep_refused', 'comment', false)")),
    Call("crm_refused_record_saves", "kept, counted, resolved and discarded", WRITE,
         ("SELECT pg_catalog.set_config('crm_concurrency.keep_refused', 'all', false)",
          save(OLD, "'lost', NULL, 'ben'"),
          "SELECT pg_catalog.count(*) OPERATOR(pg_catalog.>) 0 "
          "FROM ext.crm_refused_record_counts('{schema}.customers')",
          f"SELECT outcome FROM ext.crm_resolve_refused_record('{{schema}}.customers', {REFUSED_RECORD}, {CURRENT}, "
          "'{\"status\": \"theirs\"}')",
          f"SELECT ext.crm_discard_refused_record('{{schema}}.customers', {REFUSED_RECORD})",
          "SELECT pg_catalog.set_config('crm_concurrency.keep_refused', 'comment', false)")),
    Call("crm_add_comment", "twice", WRITE,
         ("SELECT ext.crm_add_comment({n}, 'Called', 'ana') IS NULL",
          "SELECT ext.crm_add_comment_by_key('{n}', 'Called', 'ana') IS NULL")),

    Call("crm_update_record", "updated, refused, and of many", WRITE,
         (f"SELECT outcome FROM ext.crm_update_record('{{schema}}.customers', '{{n}}', {CURRENT}, 'won', 'Named', "
          "'ana')",
          f"SELECT outcome FROM ext.crm_update_record('{{schema}}.customers', '{{n}}', {OLD}, 'lost', 'Kept', 'ben')",
          """SELECT outcome FROM ext.crm_update_customers('[{"table": "{schema}.customers", "id": {n}, "author": "ana",
             "expected_ts": "2026-01-05T10:00:00Z", "status": "new"}]')""")),
    Call("crm_add_record_comment", "twice", WRITE,
         ("SELECT ext.crm_add_record_comment('{schema}.customers', '{n}', 'Called', 'ana') IS NULL",) * 2),

    Call("crm_edit_comment", "edited twice, and refused", WRITE,
         ("SELECT ext.crm_add_comment({n}, 'Cald', 'ana') IS NULL",
          f"SELECT outcome FROM ext.crm_edit_comment({{n}}, {LATEST_COMMENT}, 'Cald', 'Called', 'ana')",
          f"SELECT outcome FROM ext.crm_edit_record_comment('{{schema}}.customers', '{{n}}', {LATEST_COMMENT}, 'Cald', "
          "'Called', 'ana')",
          f"SELECT outcome FROM ext.crm_edit_comment({{n}}, {LATEST_COMMENT}, 'Cald', 'Culled', 'ana')",
          "SELECT ext.crm_add_comment({n}, 'Cald', 'ana') IS NULL")),
    Call("crm_withdraw_comment", "twice", WRITE,
         ("SELECT ext.crm_add_comment({n}, 'Wrong', 'ana') IS NULL",
          f"SELECT outcome FROM ext.crm_withdraw_comment({{n}}, {LATEST_COMMENT}, 'ana')",
          f"SELECT outcome FROM ext.crm_withdraw_record_comment('{{schema}}.customers', '{{n}}', {LATEST_COMMENT}, "
          "'ana', 'because')")),

    Call("plain writes", "update", WRITE,
         (f"UPDATE {{schema}}.customers SET phone = '9', status = 'lost' WHERE id {OF_CUSTOMER}",)),
    Call("plain writes", "insert", WRITE,
         ("INSERT INTO {schema}.customers (id) VALUES ({n} OPERATOR(pg_catalog.+) 1000000)",)),
    Call("plain writes", "insert or update", WRITE,
         ("INSERT INTO {schema}.customers (id) VALUES ({n}) ON CONFLICT (id) DO UPDATE SET phone = '8'",)),
    Call("plain writes", "delete", DELETE, (f"DELETE FROM {{schema}}.customers WHERE id {OF_CUSTOMER}",)),
    Call("plain writes", "change of the key", WRITE,
         (f"UPDATE {{schema}}.customers SET id = id OPERATOR(pg_catalog.+) 5000000 WHERE id {OF_CUSTOMER}",)),
    Call("plain writes", "comment", WRITE, (comment("Plain"),)),
    Call("plain writes", "comment with a base", WRITE, (comment("Versioned", CURRENT), comment("Stale", OLD))),
    Call("plain writes", "update of a comment", WRITE,
         (comment("Plain"), f"UPDATE {{schema}}.comments SET body = 'changed' WHERE customer_id {OF_CUSTOMER}")),
    Call("plain writes", "truncate", WRITE, ("TRUNCATE {schema}.customers CASCADE",)),

    Call("crm_get_customer", "now", READ,
         ("SELECT ext.crm_get_customer({n}) IS NULL", "SELECT ext.crm_get_customer_by_key('{n}') IS NULL")),
    Call("crm_get_customer", "then", READ,
         (f"SELECT ext.crm_get_customer({{n}}, {OLD}) IS NULL",
          "SELECT ext.crm_get_customer({n}, 'infinity') IS NULL")),
    Call("crm_timeline", "all, and one", READ,
         ("SELECT pg_catalog.count(*) FROM ext.crm_timeline({n})",
          "SELECT pg_catalog.count(*) FROM ext.crm_timeline_by_key('{n}', 1)")),
    Call("crm_export_comments", "all", READ,
         ("SELECT ext.crm_export_comments({n}) IS NULL", "SELECT ext.crm_export_comments_by_key('{n}') IS NULL")),
    Call("crm_lock_customer", "locked, renewed and unlocked", READ,
         ("SELECT outcome FROM ext.crm_lock_customer({n}, 'ana')",
          "SELECT outcome FROM ext.crm_lock_customer({n}, 'ben')",
          "SELECT outcome FROM ext.crm_lock_customer_by_key('{n}', 'ana', '1 hour')",
          "SELECT outcome, ext.crm_unlock_customer({n}, lock_id) FROM ext.crm_lock_customer({n}, 'ana')",
          "SELECT ext.crm_unlock_customer_by_key('{n}', '0d9e4a55-6f0c-4f3a-9d56-7f2f4f1b8a11')",
          "SELECT outcome, ext.crm_unlock_customer({n}, NULL, true, 'cem') FROM ext.crm_lock_customer({n}, 'ana')",
          "SELECT outcome FROM ext.crm_lock_customer({n}, 'ana', lock_id => '0d9e4a55-6f0c-4f3a-9d56-7f2f4f1b8a11')",
          "SELECT outcome, ext.crm_unlock_customer({n}, lock_id) FROM ext.crm_lock_customer({n}, 'ben')")),
    Call("crm_locks", "all", READ,
         ("SELECT pg_catalog.count(*) OPERATOR(pg_catalog.>) 0 FROM ext.crm_locks",
          "SELECT 1 FROM ext.crm_live_locks() LIMIT 1")),
    Call("crm_verify", "all, and one", READ,
         ("SELECT pg_catalog.count(*) FROM ext.crm_verify()", "SELECT pg_catalog.count(*) FROM ext.crm_verify({n})",
          "SELECT pg_catalog.count(*) FROM ext.crm_verify_by_key('{n}')")),
    Call("crm_delete_customer", "refused, then deleted", REMOVAL,
         (f"SELECT outcome FROM ext.crm_delete_customer({{n}}, {OLD}, 'Kept', 'ana')",
          f"SELECT outcome FROM ext.crm_delete_customer({{n}}, {CURRENT}, 'Dead', 'ana')")),
    Call("crm_update_records", "deleted with all", REMOVAL,
         (f"""SELECT outcome FROM ext.crm_update_records(pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object(
             'id', '{{n}}', 'operation', 'delete', 'author', 'ana', 'expected_ts', {CURRENT})), true)""",)),
    Call("crm_delete_record", "deleted", REMOVAL,
         (f"SELECT outcome FROM ext.crm_delete_record('{{schema}}.customers', '{{n}}', {CURRENT}, 'Dead', 'ana')",)),
    Call("crm_restore_customer", "deleted and restored", REMOVAL,
         (f"DELETE FROM {{schema}}.customers WHERE id {OF_CUSTOMER}",
          "SELECT outcome FROM ext.crm_restore_customer({n}, 'ana', 'Alive')")),
    Call("crm_restore_record", "deleted and restored", REMOVAL,
         (f"DELETE FROM {{schema}}.customers WHERE id {OF_CUSTOMER}",
          "SELECT outcome FROM ext.crm_restore_record('{schema}.customers', '{n}', 'ana', 'Alive')")),
    Call("crm_revert_customer", "the latest", WRITE,
         (f"SELECT outcome FROM ext.crm_revert_customer({{n}}, {CURRENT}, {CURRENT}, 'ana', 'Undone')",)),
    Call("crm_revert_record", "back to the first", WRITE,
         (f"SELECT outcome FROM ext.crm_revert_record('{{schema}}.customers', '{{n}}', {CURRENT}, {OLD}, 'ana', "
          "'Undone', true)",)),
    Call("crm_deleted", "all", READ, ("SELECT pg_catalog.count(*) OPERATOR(pg_catalog.>) 0 FROM ext.crm_deleted()",)),
    Call("crm_deleted_records", "all", READ,
         ("SELECT pg_catalog.count(*) OPERATOR(pg_catalog.>) 0 FROM ext.crm_deleted_records('{schema}.customers')",)),
    Call("crm_get_record", "now, and then", READ,
         ("SELECT ext.crm_get_record('{schema}.customers', '{n}') IS NULL",
          f"SELECT ext.crm_get_record('{{schema}}.customers', '{{n}}', {OLD}) IS NULL")),
    Call("crm_record_timeline", "all", READ,
         ("SELECT pg_catalog.count(*) FROM ext.crm_record_timeline('{schema}.customers', '{n}')",)),
    Call("crm_export_record_comments", "all", READ,
         ("SELECT ext.crm_export_record_comments('{schema}.customers', '{n}') IS NULL",)),
    Call("crm_lock_record", "locked and unlocked", READ,
         ("SELECT outcome FROM ext.crm_lock_record('{schema}.customers', '{n}', 'ana')",
          "SELECT ext.crm_unlock_record('{schema}.customers', '{n}', '0d9e4a55-6f0c-4f3a-9d56-7f2f4f1b8a11')",
          "SELECT ext.crm_unlock_record('{schema}.customers', '{n}', NULL, force => true, author => 'cem')")),
    Call("crm_verify_record", "all, and one", READ,
         ("SELECT pg_catalog.count(*) FROM ext.crm_verify_record('{schema}.customers')",
          "SELECT pg_catalog.count(*) FROM ext.crm_verify_record('{schema}.customers', '{n}')")),
    Call("crm_concurrency_version", "all", READ, ("SELECT ext.crm_concurrency_version()",)),
    Call("crm_partition_of", "one", READ, ("SELECT ext.crm_partition_of('{n}', 4)",)),
    Call("crm_doctor", "all", READ, ("SELECT pg_catalog.count(*) OPERATOR(pg_catalog.>) 0 FROM ext.crm_doctor()",)),
    Call("crm_stat", "all", READ,
         ("SELECT 1 FROM ext.crm_stat LIMIT 1", "SELECT 1 FROM ext.crm_stat_databases() LIMIT 1",
          "SELECT ext.crm_stat_reset()")),

    Call("crm_import_comments", "a text", ADMINISTRATION,
         (f"SELECT ext.crm_import_comments({{n}}, {IMPORTED})",
          f"SELECT ext.crm_import_comments_by_key('{{n}}', {IMPORTED})")),
    Call("crm_import_comments_column", "two batches", ADMINISTRATION,
         ("CALL ext.crm_import_comments_column('{schema}.customers', 40)",)),
    Call("crm_erase_customer", "twice", ADMINISTRATION,
         ("SELECT ext.crm_erase_customer({n}) IS NULL", "SELECT ext.crm_erase_customer_by_key('{n}') IS NULL")),
    Call("crm_redact_comment", "twice", ADMINISTRATION,
         (f"SELECT ext.crm_import_comments({{n}}, {IMPORTED})",
          f"SELECT ext.crm_redact_comment({{n}}, {LATEST_COMMENT}) IS NULL",
          f"SELECT ext.crm_redact_record_comment('{{schema}}.customers', '{{n}}', {LATEST_COMMENT}) IS NULL")),
    Call("crm_prune_history", "one change", ADMINISTRATION, ("SELECT ext.crm_prune_history('0', 1)",)),
    Call("crm_import_record_comments", "a text", ADMINISTRATION,
         (f"SELECT ext.crm_import_record_comments('{{schema}}.customers', '{{n}}', {IMPORTED})",)),
    Call("crm_erase_record", "once", ADMINISTRATION,
         ("SELECT ext.crm_erase_record('{schema}.customers', '{n}') IS NULL",)),
    Call("crm_prune_record_history", "one change", ADMINISTRATION,
         ("SELECT ext.crm_prune_record_history('{schema}.customers', '0', 1)",)),
    Call("crm_create_tables", "there", DEFINITION, ("SELECT ext.crm_create_tables('{schema}')",)),
    Call("crm_create_tables", "in an empty schema", DEFINITION,
         ("SELECT ext.crm_create_tables('{schema}_new_{turn}') IS NULL",)),
    Call("crm_attach", "again", DEFINITION,
         ("SELECT ext.crm_attach('{schema}.customers', comments_column => 'notes') IS NULL",
          "SELECT ext.crm_attach('{schema}.customers', merge_groups => '[[\"name\", \"phone\"]]') IS NULL",
          "SELECT ext.crm_attach('{schema}.customers', merge_groups => '[]') IS NULL")),
    Call("crm_attach", "for the first time", DEFINITION,
         ("SELECT ext.crm_attach('{schema}_fresh_{turn}.customers') IS NULL",)),
    # the last: not all that is planted lets itself be attached
    Call("crm_detach", "and attach again", DEFINITION, ("SELECT ext.crm_detach('{schema}.customers')", ATTACH)),
]


class Caller(NamedTuple):
    name: str
    role: str
    schema: str     # of the tables that the search_path finds


CALLERS = [
    Caller("bob", "bob", "alice"),
    Caller("bob, on his own tables", "bob", "bob"),
    Caller("a superuser", "postgres", "alice"),
]


class Planted(NamedTuple):
    """A place on one of a planter's tables."""
    planter: str
    table: str
    place: Place

    @property
    def name(self):
        return f"{self.place.kind} of {self.planter}.{self.table}"


class Run(NamedTuple):
    """That planted code ran."""
    planted: Planted
    role: str
    is_restricted: bool
    is_at_commit: bool      # what planted code that ran as the planter had left for the end of the transaction

    @property
    def name(self):
        how = "" if self.is_restricted else ", not restricted"
        if self.is_at_commit:
            how = ", from the end of the transaction on"
        return f"{self.planted.name} ran as {self.role}{how}"


def may_run(run, call, caller):
    """Whether planted code may run so: as its planter, in a security-restricted operation, or as PostgreSQL lets it."""
    planted = run.planted
    if run.role == planted.planter and (run.is_restricted or caller.role == planted.planter):
        return True
    if planted.place.kind == "event trigger":
        # PostgreSQL fires those, which superusers alone can make, as whoever makes and drops.
        return call.kind == DEFINITION
    if caller.schema != planted.planter:
        return False
    if run.is_at_commit or run.role == planted.planter:
        return is_for_foreign_key(planted, call)
    if run.role != caller.role:
        return False
    if planted.place.kind.startswith("row security"):
        return caller.role != "postgres" and planted.table != "customer_locks"
    if planted.place.kind.startswith(("cast", "look-alike")):
        return False
    if planted.place.kind == "constraint trigger, deferred" and is_for_foreign_key(planted, call):
        return True
    # PostgreSQL fires AFTER triggers of what a foreign key deletes at the end of the statement that caused it, as its
    # caller
    if call.kind in (DELETE, REMOVAL) and planted.table == "customer_locks" and "trigger, after" in planted.place.kind:
        return True
    # the caller's own write
    return call.kind in (WRITE, REPLY, DELETE, REMOVAL) and planted.table in ("customers", "comments")


def is_for_foreign_key(planted, call):
    """Whether PostgreSQL reads or deletes as the table's owner, unrestricted: to check a foreign key, or to cascade."""
    if call.kind in (DELETE, REMOVAL) and planted.table in ("comments", "customer_locks"):
        return True
    if planted.place.kind.startswith("foreign key"):
        return call.kind in (WRITE, REPLY, DELETE, REMOVAL) and planted.table in ("customers", "comments")
    if not planted.place.kind.startswith(("index predicate", "statistics", "operator class", "inheriting")):
        return False
    # whose rows comments refer to
    if planted.table == "customers":
        return call.kind in (WRITE, REPLY, REMOVAL)
    return planted.table == "comments" and call.kind == REPLY
