"""Who is compared: each peer saves a customer in its own way, on its own copy of the tables."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Peer:
    """One way to save a customer: update it if its version is the one seen, add a comment and a row of history."""

    name: str
    label: str
    schema: str
    script: str
    records: bool = True  # whether each accepted save leaves a row of history


def in_one_call(function: str, schema: str, tail: str = "") -> str:
    """A pgbench script that reads the version and saves in one statement."""
    return f"""\\set id random(:first, :last)
\\set n random(1, 1000000000)
SELECT * FROM {function}(:id, (SELECT updated_at FROM {schema}.customers WHERE id = :id),
    'status ' || :n, 'Called back, they want a quote by Friday ' || :n, 'ana'{tail});
"""


CRM = Peer("crm", "crm_update_customer", "crm", in_one_call("crm_update_customer", "crm"))
PLPGSQL = Peer("plpgsql", "(a) PL/pgSQL, three statements", "plpgsql", in_one_call("plpgsql.save", "plpgsql"))
CTE = Peer(
    "cte",
    "(b) one data-modifying CTE",
    "cte",
    """\\set id random(:first, :last)
\\set n random(1, 1000000000)
WITH seen AS (SELECT id, updated_at FROM cte.customers WHERE id = :id),
saved AS (
    UPDATE cte.customers c SET status = 'status ' || :n,
        updated_at = greatest(date_trunc('milliseconds', clock_timestamp()), c.updated_at + interval '1 ms')
    FROM seen s WHERE c.id = :id AND c.updated_at = s.updated_at
    RETURNING c.id, c.updated_at, s.updated_at AS previous, c.status
),
comment AS (
    INSERT INTO cte.comments (customer_id, author, body, created_at, based_on)
    SELECT id, 'ana', 'Called back, they want a quote by Friday ' || :n, clock_timestamp(), previous FROM saved
    RETURNING id
)
INSERT INTO cte.customer_history (customer_id, version, previous, based_on, recorded_at, operation, author, db_user,
                                  status_to, comment_id)
SELECT s.id, s.updated_at, s.previous, s.previous, clock_timestamp(), 'update', 'ana', session_user, s.status, c.id
FROM saved s, comment c;
""",
)
APPLICATION = Peer(
    "application",
    "(c) an application's transaction",
    "application",
    """\\set id random(:first, :last)
\\set n random(1, 1000000000)
BEGIN;
SELECT updated_at AS seen FROM application.customers WHERE id = :id FOR UPDATE \\gset
UPDATE application.customers SET status = 'status ' || :n,
    updated_at = greatest(date_trunc('milliseconds', clock_timestamp()), updated_at + interval '1 ms')
WHERE id = :id RETURNING updated_at AS version \\gset
INSERT INTO application.comments (customer_id, author, body, created_at, based_on)
VALUES (:id, 'ana', 'Called back, they want a quote by Friday ' || :n, clock_timestamp(), :seen)
RETURNING id AS comment \\gset
INSERT INTO application.customer_history (customer_id, version, previous, based_on, recorded_at, operation, author,
                                          db_user, status_to, comment_id)
VALUES (:id, :version, :seen, :seen, clock_timestamp(), 'update', 'ana', session_user, 'status ' || :n, :comment);
COMMIT;
""",
)
BLIND = Peer(
    "blind",
    "(d) a blind one-row UPDATE",
    "blind",
    """\\set id random(:first, :last)
\\set n random(1, 1000000000)
UPDATE blind.customers SET status = 'status ' || :n, updated_at = clock_timestamp() WHERE id = :id;
""",
    records=False,
)
NOOP = Peer("noop", "(e) a C function that does nothing", "crm", in_one_call("noop", "crm"), records=False)
EDITION = Peer("edition", "(f) the PL/pgSQL edition", "edition", in_one_call("edition.crm_update_customer", "edition"))
FLOOR = Peer("floor", "(h) a C function that writes the rows, the floor", "floor", in_one_call("floor.save", "floor"))

PEERS = (CRM, PLPGSQL, CTE, APPLICATION, BLIND, NOOP, EDITION, FLOOR)

MERGE = Peer(
    "crm_merge",
    "crm_update_customer, merge on",
    "hot",
    """\\set n random(1, 1000000000)
SELECT * FROM crm_update_customer(1, (SELECT updated_at FROM hot.customers WHERE id = 1), NULL,
    'Called back, they want a quote by Friday ' || :n, 'ana', merge => true,
    fields => jsonb_build_object('field_' || :client_id, CAST(:n AS text)));
""",
)
STALE = Peer(
    "stale",
    "stale save without comment",
    "crm",
    "SELECT * FROM crm_update_customer(2, :base, 'lost', NULL, 'ana');\n",
    records=False,
)
STALE_NOOP = Peer("stale_noop", NOOP.label, "crm", STALE.script.replace("crm_update_customer", "noop"), records=False)
ADD_COMMENT = Peer(
    "add_comment",
    "crm_add_comment",
    "crm",
    """\\set n random(1, 1000000000)
SELECT crm_add_comment(1, 'Called back, they want a quote by Friday ' || :n, 'ana');
""",
    records=False,
)
INSERT_COMMENT = Peer(
    "insert_comment",
    "INSERT into a bare table",
    "plpgsql",
    """\\set n random(1, 1000000000)
INSERT INTO plpgsql.comments (customer_id, author, body, created_at)
VALUES (1, 'ana', 'Called back, they want a quote by Friday ' || :n, clock_timestamp());
""",
    records=False,
)

def plain_update(name: str, label: str, schema: str, records: bool = True) -> Peer:
    """An UPDATE of one column of one row."""
    return Peer(name, label, schema, f"""\\set id random(:first, :last)
\\set n random(1, 1000000000)
UPDATE {schema}.customers SET status = 'status ' || :n WHERE id = :id;
""", records)


UNATTACHED = plain_update("plain", "plain UPDATE, unattached table", "blind", records=False)
AUDITED = plain_update("plain_audit", "plain UPDATE, (g) a PL/pgSQL audit trigger", "audit")
ATTACHED = plain_update("plain_crm", "plain UPDATE, attached table", "crm")

ONE_COMMENT = Peer(
    "one_comment",
    "INSERT of a comment, with its foreign key",
    "plpgsql",
    INSERT_COMMENT.script.replace("VALUES (1,", "VALUES (:id,"),
    records=False,
)
BATCH = Peer(
    "batch",
    "crm_update_customers, 100 saves",
    "crm",
    """\\set id random(:first, :last - 99)
\\set n random(1, 1000000000)
SELECT count(*) FROM crm_update_customers((
    SELECT jsonb_agg(jsonb_build_object('id', id, 'expected_ts', updated_at, 'status', 'status ' || :n,
        'comment', 'Called back, they want a quote by Friday ' || :n, 'author', 'ana'))
    FROM crm.customers WHERE id BETWEEN :id AND :id + 99));
""",
)
