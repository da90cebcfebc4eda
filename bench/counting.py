"""Experiments that count what a server process does for a call: the same each time, however busy the machine is."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import peers
from callgrind import CACHE, CODE_LINES, INSTRUCTIONS, LINES, Counted, shares
from peers import Peer
from results import Aim
from rounds import Bench

ONE_CUSTOMER = "one customer, each save a statement"

# Statements for so many calls, and what the output has when they did their job.
Statements = Callable[[int], tuple[str, str]]


@dataclass(frozen=True)
class PerCall:
    """What a call costs: the difference between N and 3 N calls, so that what a session costs is not in it."""

    events: dict[str, float]
    parts: dict[str, float]  # of a save

    def sum(self, events: Sequence[str]) -> float:
        """How many there were of these."""
        return sum(self.events[event] for event in events)


def per_call(bench: Bench, calls: int, statements: Statements, options: Sequence[str] = (),
             parts_of: Sequence[str] = ()) -> PerCall:
    """Counts what a call costs, and these events by part of a save; the server must be stopped."""
    def counted(n: int) -> tuple[Counted, dict[str, int]]:
        text, proof = statements(n)
        result = bench.server.callgrind(text, options)
        if proof not in result.output:
            raise SystemExit(f"the server did not answer {proof}:\n{result.output}")
        return result, result.by_function(parts_of) if parts_of else {}

    (few, few_by_function), (most, most_by_function) = counted(calls), counted(3 * calls)
    events = {event: (count - few.events[event]) / (2 * calls) for event, count in most.events.items()}
    parts = {}
    if parts_of:
        parts = shares(few_by_function, most_by_function, 2 * calls, sum(events[event] for event in parts_of))
    return PerCall(events, parts)


# Instructions -----------------------------------------------------------------------------------------------------


def instructions(bench: Bench) -> None:
    """What a save costs a server process, in a small database."""
    contenders = {
        peers.CRM.label: many("crm_update_customer", "crm", "outcome = 'updated'"),
        peers.PLPGSQL.label: many("plpgsql.save", "plpgsql", "save = 'updated'"),
    }
    if not bench.options.quick:
        contenders |= {
            "crm_update_customer by statements": by_statements,
            peers.EDITION.label: many("edition.crm_update_customer", "edition", "outcome = 'updated'"),
            peers.NOOP.label: many("noop", "crm", "outcome IS NULL"),
            peers.FLOOR.label: by_access_methods,
            "a refused save without comment": refused,
        } | {
            f"a merge over changes of {others} others, and its answer as text":
                merged_over(others, 3 * bench.options.calls) for others in (1, 10, 29)
        }
    if "size" in bench.options.only:
        contenders[ONE_CUSTOMER] = one_customer
    costs = count_instructions(bench, contenders)
    bench.results.instructions["small"] = costs
    bench.results.aims.append(Aim("instructions per accepted save, against (a)", 0.36,
                                  costs[peers.CRM.label] / costs[peers.PLPGSQL.label], at_most=True))


def size(bench: Bench) -> None:
    """The same with much in the tables."""
    customers, comments = bench.options.large
    tables = ("customers", "comments", "customer_history")
    bench.server.execute(
        *(f"ALTER TABLE crm.{table} DISABLE TRIGGER USER" for table in tables),
        "INSERT INTO crm.customers (name, status, updated_at) "
        f"SELECT 'Customer', 'new', '2025-01-01 09:00' FROM generate_series(1, {customers})",
        "INSERT INTO crm.customer_history (customer_id, version, previous, based_on, recorded_at, operation, "
        "author, db_user, status_to) SELECT c.id, v, v - interval '1 hour', v - interval '1 hour', v, 'update', "
        "'ana', 'postgres', 'new' FROM crm.customers c, "
        "generate_series(timestamptz '2025-01-01', '2025-01-01 09:00', '1 hour') v",
        "INSERT INTO crm.comments (customer_id, author, body, created_at) "
        f"SELECT 1, 'ana', 'Called back ' || i, '2025-01-01' FROM generate_series(1, {comments}) i",
        *(f"ALTER TABLE crm.{table} ENABLE TRIGGER USER" for table in tables),
        "VACUUM ANALYZE", "CHECKPOINT",
    )
    what = (f"instructions per save with {bench.server.count('crm.customers'):,} customers, "
            f"{bench.server.count('crm.customer_history'):,} rows of history and {comments:,} comments on that "
            "customer, against a small database")
    if "small" not in bench.results.instructions:
        raise SystemExit("\"size\" compares with what \"instructions\" measures: ask for both")
    bench.results.instructions["large"] = count_instructions(bench, {ONE_CUSTOMER: one_customer})
    small, large = (bench.results.instructions[size][ONE_CUSTOMER] for size in ("small", "large"))
    bench.results.aims.append(Aim(what, 1.05, large / small, at_most=True))


def plain(bench: Bench) -> None:
    """UPDATEs that know nothing of versions: each row found for itself, and each in a statement and a transaction."""
    contenders = {peer.label: many_updates(peer.schema) for peer in (peers.UNATTACHED, peers.ATTACHED)}
    if not bench.options.quick:
        contenders[peers.AUDITED.label] = many_updates(peers.AUDITED.schema)
        contenders |= {f"{peer.label}, each a transaction": executed(peer, bench.server.recorded(peer))
                       for peer in (peers.UNATTACHED, peers.AUDITED, peers.ATTACHED)}
    costs = count_instructions(bench, contenders)
    bench.results.plain = costs
    bench.results.aims.append(Aim(
        "instructions per single-row plain UPDATE, attached against unattached", 2.2,
        costs[peers.ATTACHED.label] / costs[peers.UNATTACHED.label], at_most=True))


def count_instructions(bench: Bench, contenders: dict[str, Statements]) -> dict[str, float]:
    """Instructions per call; those of crm_update_customer also by part."""
    bench.server.stop()
    costs = {}
    for label, statements in contenders.items():
        print(f"  instructions: {label}", flush=True)
        call = per_call(bench, bench.options.calls, statements,
                        parts_of=INSTRUCTIONS if label == peers.CRM.label else ())
        costs[label] = call.sum(INSTRUCTIONS)
        if call.parts:
            bench.results.shares = call.parts
    bench.server.start()
    return costs


def many(function: str, schema: str, accepted: str) -> Statements:
    """Saves of so many customers in one statement, so that little but the calls is counted; and the proof."""
    return lambda n: (
        "SET search_path = crm, public;\n"
        f"SELECT count(*) FROM (SELECT id, updated_at FROM {schema}.customers WHERE id > 10 ORDER BY id LIMIT {n}) c, "
        f"LATERAL {function}(c.id, c.updated_at, 'changed', 'Called back', 'ana') save WHERE {accepted};\n",
        f'count = "{n}"',
    )


def many_updates(schema: str) -> Statements:
    """UPDATEs of so many customers in one statement, each found by its key; and the proof."""
    return lambda n: (
        f"SET search_path = {schema}, public;\n"
        "SET enable_hashjoin = off;\nSET enable_mergejoin = off;\n"
        "UPDATE customers c SET status = 'changed' "
        f"FROM (SELECT id FROM customers WHERE id > 10 ORDER BY id DESC LIMIT {n}) s WHERE c.id = s.id;\n"
        "SELECT count(*) FROM customers WHERE status = 'changed';\n",
        f'count = "{n}"',
    )


def by_statements(n: int) -> tuple[str, str]:
    """The saves of many() where no row is read or written but by a statement."""
    statements, proof = many("crm_update_customer", "crm", "outcome = 'updated'")(n)
    return "SET crm_concurrency.access_path = spi;\n" + statements, proof


def by_access_methods(n: int) -> tuple[str, str]:
    """The saves of many() by the function that tells nothing; what it left is the proof."""
    statements, _ = many("floor.save", "floor", "outcome IS NULL")(n)
    return (
        statements + "SELECT count(*) AS saved FROM floor.customer_history h JOIN floor.comments c "
        "ON c.customer_id = h.customer_id AND c.id = h.comment_id JOIN floor.customers u "
        "ON u.id = h.customer_id AND u.updated_at = h.version WHERE c.body = 'Called back' AND u.status = 'changed';\n",
        f'saved = "{n}"',
    )


def refused(n: int) -> tuple[str, str]:
    """So many saves from the version before the last change, each told of its own status, without which the server
    would call the function once for all; and the proof."""
    return (
        "SET search_path = crm, public;\n"
        "UPDATE customers SET status = 'changed' WHERE id = 2;\n"
        "SELECT count(DISTINCT detail->'conflicts'->0->>'mine') "
        "FROM (SELECT previous FROM customer_history WHERE customer_id = 2 ORDER BY version DESC LIMIT 1) h, "
        f"generate_series(1, {n}) i, LATERAL crm_update_customer(2, previous, 'lost ' || i, NULL, 'ana') save "
        "WHERE outcome = 'conflict';\n",
        f'count = "{n}"',
    )


def merged_over(changes: int, most: int) -> Statements:
    """Saves of so many of the customers that are made for it, each merged with so many changes since its base, and its
    answer as text; and the proof. All are changed alike, however many are saved."""
    return lambda n: (
        "SET search_path = hot, public;\n"
        "INSERT INTO customers (id, name, updated_at) "
        f"SELECT i, 'Customer', '2025-01-01' FROM generate_series(1001, {1000 + most}) i;\n"
        + "".join(f"UPDATE customers SET field_{i} = 'changed' WHERE id > 1000;\n" for i in range(1, 1 + changes))
        + "SELECT count(detail::text) FROM customers c, LATERAL crm_update_customer(c.id, '2025-01-01', NULL, "
        "'Called back, they want a quote by Friday', 'ana', merge => true, fields => '{\"field_0\": \"mine\"}') save "
        f"WHERE c.id BETWEEN 1001 AND {1000 + n} AND outcome = 'merged';\n",
        f'count = "{n}"',
    )


def one_customer(n: int) -> tuple[str, str]:
    """So many saves of one customer, each a transaction; and the proof."""
    return (
        "SET search_path = crm, public;\n"
        "PREPARE save(text) AS SELECT outcome FROM crm_update_customer(1, "
        "(SELECT updated_at FROM crm.customers WHERE id = 1), $1, $1, 'ana');\n"
        + "".join(f"EXECUTE save('call {i}');\n" for i in range(n))
        + f"SELECT count(*) FROM crm.comments WHERE customer_id = 1 AND body LIKE 'call %' HAVING count(*) = {n};\n",
        f'count = "{n}"',
    )


# Cold lines -------------------------------------------------------------------------------------------------------

# More than the cache that is simulated holds.
OVERWRITE = "SELECT count(*) FROM generate_series(1, 15000);\n"


def cold(bench: Bench) -> None:
    """What a call fetches into a processor's cache when others have used it since the last call."""
    contenders: tuple[Peer, ...] = (peers.CRM, peers.CTE, peers.NOOP)
    if not bench.options.quick:
        contenders = (peers.CRM, peers.PLPGSQL, peers.CTE, peers.BLIND, peers.NOOP, peers.FLOOR, peers.ONE_COMMENT)
    earlier = {peer.name: bench.server.recorded(peer) for peer in contenders}
    bench.server.stop()

    def lines(label: str, statements: Statements, parts_of: Sequence[str] = ()) -> PerCall:
        print(f"  cold: {label}", flush=True)
        return per_call(bench, bench.options.cold_calls, statements, CACHE, parts_of)

    overwriting = lines("what overwrites the cache", lambda n: (n * OVERWRITE, ""))
    found = {}
    for peer in contenders:
        call = lines(peer.label, executed(peer, earlier[peer.name], OVERWRITE), LINES if peer is peers.CRM else ())
        found[peer.label] = {
            "all": call.sum(LINES) - overwriting.sum(LINES),
            "of them code": call.sum(CODE_LINES) - overwriting.sum(CODE_LINES),
        }
        if call.parts:
            parts = call.parts
            parts["the statement around the call"] -= overwriting.sum(LINES)
            bench.results.cold_shares = parts
    bench.server.start()
    for cost in found.values():
        cost["net of (e)"] = cost["all"] - found[peers.NOOP.label]["all"]
    bench.results.cold = found
    bench.results.aims.append(Aim(
        "cold lines per accepted save, net of (e), against (b)", 0.60,
        found[peers.CRM.label]["net of (e)"] / found[peers.CTE.label]["net of (e)"], at_most=True))



def executed(peer: Peer, earlier: int, before: str = "") -> Statements:
    """So many calls of a peer's statement, prepared and executed as pgbench does, each after another statement; and the
    proof, if they leave rows of history beside the earlier ones."""
    statement = " ".join(line for line in peer.script.splitlines() if not line.startswith("\\"))
    names = re.findall(r"(?<!:):(\w+)", statement)
    for number in range(1, len(names) + 1):
        statement = re.sub(r"(?<!:):\w+", f"${number}", statement, count=1)

    def statements(n: int) -> tuple[str, str]:
        calls = []
        for i in range(n):
            values = {"id": 101 + i, "n": 1_000_000 + i}
            calls.append(f"{before}EXECUTE call({', '.join(str(values[name]) for name in names)});\n")
        proof = (f"SELECT count(*) AS recorded FROM {peer.schema}.customer_history;\n",
                 f'recorded = "{earlier + n}"') if peer.records else ("", "")
        settings = f"SET search_path = {peer.schema}, public;\nSET synchronous_commit = off;\n"
        return f"{settings}PREPARE call AS {statement}\n{''.join(calls)}{proof[0]}", proof[1]

    return statements
