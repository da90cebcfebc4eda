"""The experiment that looks whether a session's memory grows."""

from results import Aim
from rounds import Bench

OUTCOMES = 8

# One save of each outcome: updated, replayed, unchanged, conflict, merged, locked, not_found and gone.
EVERY_OUTCOME = """
DO $$
DECLARE
    base timestamptz;
    outcomes text[];
    customer bigint;
    wanted CONSTANT text[] := '{updated,replayed,unchanged,conflict,merged,locked,not_found,gone}';
BEGIN
    FOR i IN 1..:rounds LOOP
        -- Each refusal counts the comments of its customer.
        customer := 6 + i % 500;
        SELECT updated_at INTO base FROM customers WHERE id = customer;
        outcomes := ARRAY[
            (SELECT outcome FROM crm_update_customer(customer, base, 'status ' || i, 'Comment ' || i, 'ana')),
            (SELECT outcome FROM crm_update_customer(customer, base, 'status ' || i, 'Comment ' || i, 'ana'))];
        outcomes := outcomes || ARRAY[
            (SELECT outcome FROM crm_update_customer(customer, (SELECT updated_at FROM customers WHERE id = customer),
                                                     'status ' || i,
                                                     NULL, 'ana')),
            (SELECT outcome FROM crm_update_customer(customer, base, 'other', 'Refused ' || i, 'ana')),
            (SELECT outcome FROM crm_update_customer(customer, base, NULL, NULL, 'ana', merge => true,
                                                     fields => jsonb_build_object('name', base::text))),
            (SELECT outcome FROM crm_update_customer(4, (SELECT updated_at FROM customers WHERE id = 4), 'x' || i, NULL,
                                                     'ana')),
            (SELECT outcome FROM crm_update_customer(-1, base, 'x', NULL, 'ana')),
            (SELECT outcome FROM crm_update_customer(5, base, 'x', NULL, 'ana'))];
        IF outcomes <> wanted THEN
            RAISE EXCEPTION 'these outcomes are not every one: %', outcomes;
        END IF;
        COMMIT;
    END LOOP;
END
$$
"""


def memory(bench: Bench) -> None:
    """One backend that saves with every outcome, again and again."""
    bench.server.set("synchronous_commit", "off")
    rounds = max(1, bench.options.saves // OUTCOMES)
    with bench.server.connect() as connection:
        def used() -> int:
            row = connection.execute("SELECT sum(total_bytes)::bigint FROM pg_backend_memory_contexts").fetchone()
            return int(row[0])  # type: ignore[index]

        connection.execute("SELECT crm_lock_customer(4, 'ben', '1 day')")
        connection.execute("DELETE FROM crm.customers WHERE id = 5")
        connection.execute(EVERY_OUTCOME.replace(":rounds", str(max(100, rounds // 10))))
        before = used()
        connection.execute(EVERY_OUTCOME.replace(":rounds", str(rounds)))
        bench.results.aims.append(
            Aim(f"growth of a backend's memory over {rounds * OUTCOMES:,} saves of every outcome", 1,
                (used() - before) / 2**20, "MB", at_most=True))
