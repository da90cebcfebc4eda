"""The statements that errors are injected into, and the customers that they find."""

from dataclasses import dataclass

# 1 and 2 have versions and comments, 3 is gone, 4 is locked by ana, 5 has a refused comment of ana, 6 a save that is
# sent again, 7 a comment that is added again, 8 is new. 10 was deleted with comments and an order, 11 has a corrected
# comment and a change that was changed again, 12 a refused save of ana, 13 a refused deletion. 100 to 103 are of other
# tables.
CUSTOMERS = """
    CREATE EXTENSION crm_concurrency;
    SELECT crm_create_tables();
    INSERT INTO customers (id, name, phone) SELECT n, 'Customer ' || n, '555-' || n FROM generate_series(1, 8) n;
    DO $$
    BEGIN
        FOR i IN 1..2 LOOP
            PERFORM crm_update_customer(i, (SELECT updated_at FROM customers WHERE id = i), 'called', 'First call',
                                        'ben');
            PERFORM crm_update_customer(i, (SELECT updated_at FROM customers WHERE id = i), NULL, 'Moved', 'ben',
                                        fields => '{"phone": "556"}');
        END LOOP;
        PERFORM crm_add_comment(2, 'A reply', 'cem', (SELECT max(id) FROM comments WHERE customer_id = 2));
        DELETE FROM customers WHERE id = 3;
        PERFORM crm_lock_customer(4, 'ana', '20 hours');
        UPDATE customers SET status = 'plain' WHERE id = 5;
        PERFORM crm_update_customer(5, (SELECT min(version) FROM customer_history WHERE customer_id = 5), 'won',
                                    'Signed', 'ana');
        PERFORM crm_update_customer(6, (SELECT updated_at FROM customers WHERE id = 6), 'won', 'Signed', 'ana');
        PERFORM crm_add_comment(7, 'Said once', 'ana');
    END $$;

    CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint REFERENCES customers ON DELETE CASCADE, what text);
    SELECT crm_attach('orders', status_column => NULL);
    INSERT INTO customers (id, name, phone) SELECT n, 'Customer ' || n, '555-' || n FROM generate_series(10, 13) n;
    INSERT INTO orders VALUES (1, 10, 'Ink'), (2, 8, 'Paper'), (3, 8, 'Pens');
    SET crm_concurrency.keep_refused = 'all';
    DO $$
    BEGIN
        PERFORM crm_add_comment(10, 'Asked', 'ben');
        PERFORM crm_add_comment(10, 'Answered', 'ana', (SELECT max(id) FROM comments WHERE customer_id = 10));
        PERFORM crm_add_record_comment('orders', '1', 'Black', 'ben');
        PERFORM pg_sleep(0.01);  -- what was said before the deletion is of an earlier millisecond
        PERFORM crm_delete_customer(10, (SELECT updated_at FROM customers WHERE id = 10), 'Looks dead', 'ana');
        DELETE FROM orders WHERE id = 2;
        PERFORM crm_edit_comment(11, crm_add_comment(11, 'A qoute', 'ana'), 'A qoute', 'A quote', 'ana');
        FOR i IN 1..2 LOOP
            PERFORM crm_update_customer(11, (SELECT updated_at FROM customers WHERE id = 11), NULL, NULL, 'ben',
                                        fields => jsonb_build_object('phone', i));
        END LOOP;
        UPDATE customers SET status = 'plain', phone = '0' WHERE id IN (12, 13);
        PERFORM crm_update_customer(12, (SELECT min(version) FROM customer_history WHERE customer_id = 12), 'won',
                                    'Signed', 'ana', fields => '{"phone": "1"}');
        PERFORM crm_delete_customer(13, (SELECT min(version) FROM customer_history WHERE customer_id = 13),
                                    'Looks dead', 'ana');
    END $$;
    RESET crm_concurrency.keep_refused;

    CREATE SCHEMA imports;
    CREATE TABLE imports.leads (id bigint PRIMARY KEY, status text NOT NULL, notes text,
                                updated_at timestamptz(3) NOT NULL);
    INSERT INTO imports.leads SELECT n, 'new', '[12/15/2024, 3:45:23 PM] ana: Called ' || n, '2026-01-05 10:00+00'
        FROM generate_series(100, 103) n;
    SELECT crm_attach('imports.leads', comments_column => 'notes');

    CREATE SCHEMA plain;
    CREATE TYPE plain.stage AS ENUM ('new', 'won');
    CREATE TABLE plain.deals (id uuid PRIMARY KEY, stage plain.stage NOT NULL, "Owner" text);
    INSERT INTO plain.deals VALUES ('00000000-0000-0000-0000-000000000001', 'new', 'ana');

    CREATE SCHEMA keyed;
    CREATE TABLE keyed.deals (id text PRIMARY KEY, stage plain.stage NOT NULL, changed timestamptz(3) NOT NULL);
    INSERT INTO keyed.deals VALUES ('one', 'new', '2026-01-05 10:00+00');
    SELECT crm_attach('keyed.deals', 'stage', 'changed');
"""

# All that may be half written, without times and numbers that no two runs have in common.
STATE = """
    SELECT jsonb_build_object(
        'customers', (SELECT jsonb_agg((c.id, c.name, c.phone, c.email, c.status) ORDER BY c.id) FROM customers c),
        'keyed', (SELECT jsonb_agg((d.id, d.stage) ORDER BY d.id) FROM keyed.deals d),
        'comments', (SELECT jsonb_agg((c.customer_id, c.author, c.body, c.reply_to IS NULL, c.save_refused,
            c.adopted_version IS NULL, c.based_on IS NULL, c.edited_by, c.withdrawn_at IS NULL)
            ORDER BY c.customer_id, c.id) FROM comments c),
        'leads', (SELECT jsonb_agg((c.customer_id, c.author, c.body) ORDER BY c.customer_id, c.id)
            FROM imports.leads_comments c),
        'history', (SELECT jsonb_agg((h.customer_id, h.operation, h.author, h.status_from, h.status_to,
            h.fields - 'updated_at', h.comment_id IS NULL, h.request IS NULL, h.earlier_pruned, h.reverts IS NULL)
            ORDER BY h.customer_id, h.version) FROM customer_history h),
        'deletions', (SELECT jsonb_agg((d.customer_id, d.comment_id IS NULL, d.row_values - '{id, reply_to, updated_at,
            created_at, based_on, adopted_version, edited_at, withdrawn_at, refused_request}'::text[])
            ORDER BY d.customer_id, d.id) FROM customer_deletions d),
        'comment_edits', (SELECT jsonb_agg((e.customer_id, e.operation, e.author, e.body, e.reason)
            ORDER BY e.customer_id, e.comment_id, e.edited_at) FROM comment_edits e),
        'refused_saves', (SELECT jsonb_agg((r.customer_id, r.author, r.times, r.status, r.fields, r.comment_id IS NULL,
            r.conflicts, r.ended_at IS NULL, r.ended_by) ORDER BY r.customer_id, r.id) FROM customer_refused_saves r),
        'orders', (SELECT jsonb_agg((o.id, o.customer_id, o.what) ORDER BY o.id) FROM orders o),
        'orders_comments', (SELECT jsonb_agg((c.customer_id, c.author, c.body, c.withdrawn_at IS NULL)
            ORDER BY c.customer_id, c.id) FROM orders_comments c),
        'orders_history', (SELECT jsonb_agg((h.customer_id, h.operation, h.author, h.fields - 'updated_at')
            ORDER BY h.customer_id, h.version) FROM orders_history h),
        'orders_deletions', (SELECT jsonb_agg((d.customer_id, d.comment_id IS NULL) ORDER BY d.customer_id, d.id)
            FROM orders_deletions d),
        'locks', (SELECT jsonb_agg((l.customer_id, l.author, l.ended_by) ORDER BY l.customer_id) FROM customer_locks l),
        'registry', (SELECT jsonb_agg((a.customers::text, a.comments::text, a.comments_column, a.plain_updates,
            a.merge_groups)
            ORDER BY a.customers::text) FROM crm_attached_tables a),
        'triggers', (SELECT jsonb_agg((t.tgrelid::regclass::text, t.tgname, t.tgenabled, t.tgattr)
            ORDER BY t.tgrelid::regclass::text, t.tgname) FROM pg_trigger t WHERE NOT t.tgisinternal),
        'tables', (SELECT jsonb_agg((c.oid::regclass::text, c.relkind, c.relnatts) ORDER BY c.oid::regclass::text)
            FROM pg_class c
            WHERE c.relnamespace::regnamespace::text IN ('public', 'imports', 'plain', 'keyed', 'fresh')),
        'session', (session_user, current_user, current_setting('search_path'), pg_trigger_depth(),
            current_setting('timezone'), current_setting('datestyle'), current_setting('row_security'),
            current_setting('client_min_messages')))::text
"""

# The same with all times and numbers, as others see it.
WHOLE = """
    SELECT md5(string_agg(row, E'\\n' ORDER BY row)) FROM (
        SELECT t::text AS row FROM customers t UNION ALL SELECT t::text FROM comments t
        UNION ALL SELECT t::text FROM customer_history t UNION ALL SELECT t::text FROM customer_locks t
        UNION ALL SELECT t::text FROM customer_deletions t UNION ALL SELECT t::text FROM comment_edits t
        UNION ALL SELECT t::text FROM customer_refused_saves t UNION ALL SELECT t::text FROM orders t
        UNION ALL SELECT t::text FROM orders_comments t UNION ALL SELECT t::text FROM orders_history t
        UNION ALL SELECT t::text FROM orders_deletions t UNION ALL SELECT t::text FROM orders_comment_edits t
        UNION ALL SELECT t::text FROM crm_attached_tables t UNION ALL SELECT t::text FROM imports.leads t
        UNION ALL SELECT t::text FROM imports.leads_comments t UNION ALL SELECT t::text FROM imports.leads_history t
        UNION ALL SELECT t::text FROM keyed.deals t UNION ALL SELECT t::text FROM keyed.deals_history t
        UNION ALL SELECT t::text FROM keyed.deals_comments t
        UNION ALL SELECT (c.oid, c.relname, c.relkind, c.relnatts, c.relhastriggers)::text FROM pg_class c
            WHERE c.oid >= 16384
        UNION ALL SELECT (t.oid, t.tgrelid, t.tgname, t.tgenabled)::text FROM pg_trigger t) rows
"""


@dataclass(frozen=True)
class Scenario:
    """One statement, what comes before it in its transaction, and what its first value is."""

    name: str
    statement: str
    answer: str | int | bool | list[str] | None
    prelude: str = ""
    begin: str = "BEGIN"
    fails_first: bool = False  # also, again and again, in sessions that it never succeeded in
    leaves_out: bool = False  # it leaves out a table that it cannot read, and says so
    reset: str = ""  # of a statement that commits: it runs alone, and this undoes what it did


def current(customer: int) -> str:
    return f"(SELECT updated_at FROM customers WHERE id = {customer})"


def oldest(customer: int) -> str:
    return f"(SELECT min(version) FROM customer_history WHERE customer_id = {customer})"


def answer_of(call: str) -> str:
    """Without times and numbers; a detail by what it has."""
    return ("SELECT outcome, http_status, status, comment_id IS NULL, message, jsonb_array_length(detail->'conflicts'),"
            " detail->'changes_total', detail->'comments_total', detail->'current'->>'phone',"
            " detail->'expected_ts_problem'->>'code', jsonb_array_length(detail->'superseded'),"
            f" jsonb_array_length(detail->'records'), detail ? 'refused_id' FROM {call}")


def save(arguments: str) -> str:
    return answer_of(f"crm_update_customer({arguments})")


def deletion(arguments: str) -> str:
    return answer_of(f"crm_delete_customer({arguments})")


def restoration(arguments: str) -> str:
    return answer_of(f"crm_restore_customer({arguments})")


def reversion(arguments: str) -> str:
    return answer_of(f"crm_revert_customer({arguments})")


def correction(call: str) -> str:
    """Without the comment's number, which its message names."""
    return f"SELECT outcome, http_status, detail - 'edited_at' - 'withdrawn_at' FROM {call}"


def version(customer: int, changes_back: int) -> str:
    return (f"(SELECT version FROM customer_history WHERE customer_id = {customer} "
            f"ORDER BY version DESC OFFSET {changes_back} LIMIT 1)")


def comment(customer: int, of: str = "comments") -> str:
    return f"(SELECT min(id) FROM {of} WHERE customer_id = {customer})"


def order(number: int) -> str:
    return f"(SELECT updated_at FROM orders WHERE id = {number})"


def records(items: list[str], all_or_nothing: bool) -> str:
    return ("SELECT array_agg(outcome ORDER BY ord), array_agg(message ORDER BY ord), array_agg(detail->'refused') FROM"
            f" crm_update_records(jsonb_build_array({', '.join(items)}), {str(all_or_nothing).lower()})")


def saves(*items: str) -> str:
    return ("SELECT array_agg(outcome ORDER BY ord), array_agg(message ORDER BY ord) FROM crm_update_customers("
            f"jsonb_build_array({', '.join(items)}))")


def lock_of(customer: int) -> str:
    return f"(SELECT lock_id FROM customer_locks WHERE customer_id = {customer})"


OVERLAPPING = ("jsonb_build_object('id', {0}, 'expected_ts', (SELECT updated_at FROM customers WHERE id = {0}), "
               "'status', 'won', 'comment', 'One of many', 'author', 'ana', "
               "'fields', '{{\"email\": \"a@example.org\"}}'::jsonb)").format

ITEMS = [OVERLAPPING(7), f"jsonb_build_object('table', 'orders', 'key', '3', 'expected_ts', {order(3)},"
         " 'author', 'ana', 'operation', 'delete', 'comment', 'No pens')",
         f"jsonb_build_object('id', 8, 'expected_ts', {current(8)}, 'operation', 'check')"]
STALE = f"jsonb_build_object('id', 2, 'expected_ts', {oldest(2)}, 'operation', 'check')"
DELETED = "(SELECT previous FROM customer_history WHERE customer_id = 10 AND operation = 'delete')"
REFUSED = "(SELECT id FROM customer_refused_saves WHERE customer_id = 12)"
KEEP = "SET LOCAL crm_concurrency.keep_refused = 'all';"
GROUPS = """SELECT crm_attach('customers', merge_groups => '[["phone", "email"]]');"""

SCENARIOS = [
    Scenario("updated, with a comment", save(f"1, {current(1)}, 'won', 'Signed today', 'ana'"), "updated"),
    Scenario("updated, without a comment", save(f"1, {current(1)}, 'won', NULL, 'ana'"), "updated"),
    Scenario("updated, with fields",
             save(f"1, {current(1)}, 'won', 'Signed', 'ana', fields => '{{\"phone\": \"557\", \"email\": \"x\"}}'"),
             "updated"),
    Scenario("updated, a reply", save(f"2, {current(2)}, NULL, 'An answer', 'ana',"
             " reply_to => (SELECT max(id) FROM comments WHERE customer_id = 2)"), "updated"),
    Scenario("updated, and comment adopted", save(f"5, {current(5)}, 'won', 'Signed', 'ana'"), "updated"),
    Scenario("updated by the key, another table", "SELECT outcome, status FROM crm_update_customer_by_key('one',"
             " (SELECT changed FROM keyed.deals), 'won', 'Signed', 'ana')", "updated",
             "SET LOCAL search_path = planted, keyed, public;"),
    Scenario("updated, NOTIFY", save(f"1, {current(1)}, 'won', 'Signed today', 'ana'"), "updated",
             "SET LOCAL crm_concurrency.events = notify;"),
    Scenario("updated, logical messages", save(f"1, {current(1)}, 'won', 'Signed today', 'ana'"), "updated",
             "SET LOCAL crm_concurrency.events = logical;"),
    Scenario("updated, author from JSON", save(f"1, {current(1)}, 'won', 'Signed today', NULL"), "updated",
             "SET LOCAL app.claims = '{\"mail\": \"ana\"}'; "
             "SET LOCAL crm_concurrency.author_setting = 'app.claims->>mail';"),
    Scenario("updated, REPEATABLE READ", save(f"1, {current(1)}, 'won', 'Signed today', 'ana'"), "updated",
             begin="BEGIN ISOLATION LEVEL REPEATABLE READ"),
    Scenario("conflict, with a comment", save(f"2, {oldest(2)}, 'won', 'Too late', 'ana'"), "conflict"),
    Scenario("conflict, without a comment",
             save(f"2, {oldest(2)}, 'won', NULL, 'ana', fields => '{{\"phone\": \"1\"}}'"), "conflict"),
    Scenario("conflict, what was sent was no version", save("2, '2020-01-01', 'won', 'Lost', 'ana'"), "conflict"),
    Scenario("conflict, raised", save(f"2, {oldest(2)}, 'won', 'Too late', 'ana'"), "PT409",
             "SET LOCAL crm_concurrency.on_conflict = raise;"),
    Scenario("replayed", save(f"6, {oldest(6)}, 'won', 'Signed', 'ana'"), "replayed",
             "SET LOCAL synchronous_commit = on;"),
    Scenario("unchanged", save(f"1, {current(1)}, 'called', NULL, 'ana'"), "unchanged"),
    Scenario("merged", save(f"2, {oldest(2)}, NULL, 'Merged', 'ana', merge => true, "
                            "fields => '{\"email\": \"m@example.org\"}'"), "merged"),
    Scenario("locked", save(f"4, {current(4)}, 'won', 'Not mine', 'ben'"), "locked"),
    Scenario("deleted", save("3, '2026-01-01', 'won', 'Gone', 'ana'"), "gone"),
    Scenario("not found", save("99, '2026-01-01', 'won', 'Nobody', 'ana'"), "not_found"),
    Scenario("many saves", saves(OVERLAPPING(7), OVERLAPPING(1),
             f"jsonb_build_object('id', 2, 'expected_ts', {oldest(2)}, 'comment', 'Late', 'author', 'ana')"),
             ["updated", "updated", "conflict"]),
    Scenario("many records", records([*ITEMS, STALE], False), ["updated", "deleted", "unchanged", "conflict"]),
    Scenario("many records, all or nothing", records(ITEMS, True), ["updated", "deleted", "unchanged"]),
    Scenario("many records, all or nothing, refused", records([*ITEMS, STALE], True),
             ["failed_dependency", "failed_dependency", "unchanged", "conflict"], KEEP),
    Scenario("merged, in groups", save(f"2, {oldest(2)}, NULL, 'Merged', 'ana', merge => true, "
                                       "fields => '{\"name\": \"Two\"}'"), "merged", GROUPS),
    Scenario("conflict, in a group", save(f"2, {oldest(2)}, NULL, 'Too late', 'ana', merge => true, "
                                          "fields => '{\"email\": \"m@example.org\"}'"), "conflict", GROUPS),
    Scenario("attach, groups", GROUPS.replace("')", "')::text").rstrip(";"), "customers"),
    Scenario("delete", deletion(f"8, {current(8)}, NULL, 'ana'"), "deleted"),
    Scenario("delete, with a comment", deletion(f"2, {current(2)}, 'Looks dead', 'ana'"), "deleted"),
    Scenario("delete, and comment adopted", deletion(f"13, {current(13)}, 'Looks dead', 'ana'"), "deleted"),
    Scenario("delete, conflict", deletion(f"2, {oldest(2)}, 'Looks dead', 'ana'"), "conflict"),
    Scenario("delete, locked", deletion(f"4, {current(4)}, 'Looks dead', 'ben'"), "locked"),
    Scenario("delete, sent again", deletion(f"10, {DELETED}, 'Looks dead', 'ana'"), "replayed"),
    Scenario("delete, an order",
             answer_of(f"crm_delete_record('orders', '3', {order(3)}, 'No pens', 'ana')"), "deleted"),
    Scenario("what is deleted", "SELECT key, author, comments, row_values->'name' FROM crm_deleted() ORDER BY version",
             "3"),
    Scenario("what is deleted, of orders", "SELECT key, row_values->'what' FROM crm_deleted_records('orders')"
             " ORDER BY key DESC", "2"),
    Scenario("restore, with an order", restoration("10, 'ben', 'It was a mistake'"), "restored"),
    Scenario("restore, an order", answer_of("crm_restore_record('orders', '2', 'ben')"), "restored"),
    Scenario("restore, what is there", restoration("8, 'ben'"), "unchanged"),
    Scenario("restore, what was created again", restoration("3, 'ben'"), "conflict",
             "INSERT INTO customers (id, name) VALUES (3, 'Back');"),
    Scenario("revert", reversion(f"1, {current(1)}, {version(1, 0)}, 'ana', 'It was not them'"), "updated"),
    Scenario("revert, the status", reversion(f"1, {current(1)}, {version(1, 1)}, 'ana'"), "updated"),
    Scenario("revert, as a whole",
             reversion(f"1, {current(1)}, {version(1, 2)}, 'ana', 'As it was', whole => true"), "updated"),
    Scenario("revert, a field",
             reversion(f"1, {current(1)}, {version(1, 0)}, 'ana', fields => '{{phone}}'"), "updated"),
    Scenario("revert, changed again", reversion(f"11, {current(11)}, {version(11, 1)}, 'ana', 'Too late'"), "conflict"),
    Scenario("keep a refused save", save(f"2, {oldest(2)}, 'won', 'Too late', 'ana', fields => '{{\"phone\": \"1\"}}'"),
             "conflict", KEEP),
    Scenario("keep a refused save, locked", save(f"4, {current(4)}, 'won', NULL, 'ben'"), "locked", KEEP),
    Scenario("keep a refused save, again",
             save(f"12, {oldest(12)}, 'won', 'Signed', 'ana', fields => '{{\"phone\": \"1\"}}'"), "conflict", KEEP),
    Scenario("end a refused save",
             save(f"12, {current(12)}, 'won', 'Signed', 'ana', fields => '{{\"phone\": \"1\"}}'"), "updated", KEEP),
    Scenario("refused saves", "SELECT key, author, times, status, fields, conflicts FROM crm_refused_saves('ana', 12)",
             "12"),
    Scenario("refused saves, counted", "SELECT array_agg(kind ORDER BY kind, name), array_agg(name ORDER BY kind, name)"
             " FROM crm_refused_counts()", ["author", "customer", "field", "field"]),
    Scenario("resolve", answer_of(f"crm_resolve_refused({REFUSED}, {current(12)},"
                                  """ '{"status": "mine", "phone": "theirs"}', 'As agreed')"""), "updated", KEEP),
    Scenario("resolve, all theirs", answer_of(f"crm_resolve_refused_record('customers', {REFUSED}, {current(12)},"
                                              """ '{"status": "theirs", "phone": "theirs"}')"""), "unchanged", KEEP),
    Scenario("discard", f"SELECT crm_discard_refused({REFUSED})", True),
    Scenario("edit",
             correction(f"crm_edit_comment(1, {comment(1)}, 'First call', 'The first call', 'ben')"), "updated"),
    Scenario("edit, conflict", correction(f"crm_edit_record_comment('customers', '11', {comment(11)}, 'A qoute', 'Two',"
                                          " 'ana')"), "conflict"),
    Scenario("edit, sent again",
             correction(f"crm_edit_comment(11, {comment(11)}, 'A qoute', 'A quote', 'ana')"), "replayed"),
    Scenario("withdraw", correction(f"crm_withdraw_comment(11, {comment(11)}, 'ana', 'Wrong customer')"), "updated"),
    Scenario("redact", f"SELECT crm_redact_comment(11, {comment(11)})->>'comment_edits'", "1"),
    Scenario("redact, what is set aside", "SELECT crm_redact_record_comment('customers', '10',"
             " (SELECT min(comment_id) FROM customer_deletions WHERE customer_id = 10))->>'deletions'", "1"),
    Scenario("comment", "SELECT crm_add_comment(2, 'By the way', 'ana') IS NOT NULL", True),
    Scenario("comment, a reply",
             "SELECT crm_add_comment(2, 'By the way', 'ana', (SELECT max(id) FROM comments WHERE customer_id = 2)) > 0",
             True),
    Scenario("comment, said again",
             "SELECT crm_add_comment(7, 'Said once', 'ana') = (SELECT max(id) FROM comments WHERE customer_id = 7)",
             True),
    Scenario("plain comment",
             "INSERT INTO comments (customer_id, author, body) VALUES (1, 'ana', 'Plain') RETURNING author", "ana"),
    Scenario("versioned comment", "INSERT INTO comments (customer_id, author, body, expected_ts) VALUES"
             f" (1, 'ana', 'Checked', {current(1)}) RETURNING body", "Checked"),
    Scenario("versioned comment, stale", "INSERT INTO comments (customer_id, author, body, expected_ts) VALUES"
             f" (1, 'ana', 'Checked', {oldest(1)}) RETURNING body", "PT409"),
    Scenario("plain INSERT", "INSERT INTO customers (id, name) VALUES (9, 'Nine'), (3, 'Back') RETURNING name", "Nine"),
    Scenario("plain UPDATE",
             "UPDATE customers SET status = 'plain', phone = '0' WHERE id IN (1, 2) RETURNING status", "plain"),
    Scenario("plain DELETE", "DELETE FROM customers WHERE id IN (1, 5) RETURNING id", 1),
    Scenario("lock", "SELECT outcome, lock_id IS NULL, author FROM crm_lock_customer(1, 'ana')", "acquired"),
    Scenario("lock, renewed",
             f"SELECT outcome, author FROM crm_lock_customer(4, 'ana', lock_id => {lock_of(4)})", "renewed"),
    Scenario("lock, of another", "SELECT outcome, author FROM crm_lock_customer(4, 'ben')", "locked"),
    Scenario("unlock", f"SELECT crm_unlock_customer(4, {lock_of(4)})", True),
    Scenario("unlock, by force", "SELECT crm_unlock_customer(4, NULL, true, 'cem')", True),
    Scenario("the locks", "SELECT author, key FROM crm_locks", "ana", leaves_out=True),
    Scenario("customer",
             "SELECT crm_get_customer(2, NULL, 3)->'customer'->>'status', crm_get_customer(2)", "called",
             fails_first=True),
    Scenario("customer, then",
             f"SELECT crm_get_customer(2, {oldest(2)})->'customer'->>'status', crm_get_customer(2, {oldest(2)})",
             "new"),
    Scenario("timeline", "SELECT count(*)::int, jsonb_agg(t) FROM crm_timeline(2) t", 6),
    Scenario("timeline, of what is set aside",
             "SELECT count(*)::int, jsonb_agg(t) FROM crm_record_timeline('customers', '10') t", 5),
    Scenario("customer, then, set aside",
             "SELECT jsonb_array_length(crm_get_record('customers', '10', (SELECT version - interval '1 ms'"
             " FROM customer_history WHERE customer_id = 10 AND operation = 'delete'))->'comments')", 1),
    Scenario("verify", "SELECT count(*)::int FROM crm_verify()", 0),
    Scenario("doctor", "SELECT count(*)::int >= 0, jsonb_agg(d) FROM crm_doctor() d", True, leaves_out=True),
    Scenario("statistics", "SELECT updated >= 0 FROM crm_stat WHERE datname = current_database()", True),
    Scenario("prune", "SELECT crm_prune_history('0')::int", 15),
    Scenario("erase", "SELECT jsonb_typeof(crm_erase_customer(2)), (SELECT count(*) FROM comments)::int > 0", "object"),
    Scenario("erase, what is set aside", "SELECT crm_erase_customer(10)->>'deletions'", "4"),
    Scenario("export", "SELECT crm_export_comments(2) <> ''", True),
    Scenario("import",
             "SELECT crm_import_comments(8, E'A note\\n\\n[12/15/2024, 3:45:23 PM] ana: Called.\\n\\n"
             "[1/2/2025, 9:00:00 AM] ana: Paid.', 'Europe/Berlin')", 3),
    Scenario("import of a column", "CALL crm_import_comments_column('imports.leads', 3)", None,
             reset="SET crm_concurrency.allow_truncate = on; TRUNCATE imports.leads_comments RESTART IDENTITY"),
    Scenario("tables are made", "SELECT crm_create_tables('fresh')::text", "fresh.customers", "CREATE SCHEMA fresh;"),
    Scenario("attach",
             "SELECT crm_attach('plain.deals', 'stage', 'changed', comments_column => 'Owner')::text", "plain.deals"),
    Scenario("attach again",
             "SELECT crm_attach('keyed.deals', 'stage', 'changed', plain_updates => 'refuse')::text", "keyed.deals",
             "DROP TRIGGER crm_history ON keyed.deals;"),
    Scenario("detach", "SELECT crm_detach('imports.leads')::text", ""),
    Scenario("a save after detach and attach", save(f"1, {current(1)}, 'won', 'Signed today', 'ana'"), "updated",
             "SELECT crm_detach('customers'); SELECT crm_attach('customers', comments => 'comments',"
             " history => 'customer_history', locks => 'customer_locks');"),
    Scenario("TRUNCATE", "TRUNCATE customer_history, comments", "55000"),
]
