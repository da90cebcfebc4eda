# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034 # what test/operations/run sets, and what it uses
# Very many attached tables: what goes over all of them fits into the server's lock table.

# make_tenants FIRST LAST: a schema with the tables of a CRM for each, in one transaction.
make_tenants() {
    there crm -o /dev/null <<SQL
BEGIN;
SELECT format('CREATE SCHEMA tenant_%s', n) FROM generate_series($1, $2) n \gexec
SELECT crm_create_tables('tenant_' || n) FROM generate_series($1, $2) n;
COMMIT;
SQL
}

# tenants NUMBER BATCH
tenants() {
    local first
    for ((first = 1; first <= $1; first += $2)); do
        make_tenants "$first" "$((first + $2 - 1))" || return
    done
}

test_many() {
    local number=300 batch=5 settings=(max_locks_per_transaction=10 max_connections=20)
    if [[ $full == yes ]]; then
        # as the server has them where nobody set them
        number=2000 batch=100 settings=(max_locks_per_transaction=64 max_connections=100)
    fi
    check_many "$number" "$batch" "${settings[@]}"
    # From PostgreSQL 18 on a session has as many fast-path locks as max_locks_per_transaction says, 16 at least.
    if ((major < 18)); then
        skips "many fast-path locks" "before PostgreSQL 18"
    else
        check_many 100 10 max_locks_per_transaction=128 max_connections=20
        is "a transaction that saves in 80 schemas has more fast-path locks than 16" \
            "$(there crm <<<"BEGIN; $(save_in 80)
                SELECT count(*) > 100 FROM pg_locks WHERE pid = pg_backend_pid() AND fastpath; COMMIT;")" t
    fi
}

# save_in NUMBER: saves and locks a customer in so many schemas.
save_in() {
    cat <<SQL
DO \$\$ DECLARE n int; saved text; locked text; BEGIN
    FOR n IN 1..$1 LOOP
        EXECUTE format('INSERT INTO tenant_%s.customers (id) VALUES (2) ON CONFLICT DO NOTHING', n);
        PERFORM set_config('search_path', format('tenant_%s, public', n), true);
        SELECT outcome INTO saved
        FROM crm_update_customer(2, (SELECT updated_at FROM customers WHERE id = 2), NULL, clock_timestamp()::text,
                                 'ana');
        SELECT outcome INTO locked FROM crm_lock_customer(2, 'ana');
        IF saved <> 'updated' OR locked NOT IN ('acquired', 'renewed') THEN
            RAISE EXCEPTION 'tenant %: % %', n, saved, locked;
        END IF;
    END LOOP;
    SET LOCAL search_path = public;
    IF (SELECT count(*) FROM crm_locks WHERE key = '2') < $1 THEN
        RAISE EXCEPTION 'crm_locks has %', (SELECT count(*) FROM crm_locks);
    END IF;
END \$\$;
SQL
}

# check_many NUMBER BATCH SETTING…
check_many() {
    local save doctor reads number=$1 settings=("${@:3}")
    printf '# %s\n' "${settings[*]}"
    private_server "${settings[@]}"
    there postgres -c 'CREATE DATABASE crm'
    there crm -c 'CREATE EXTENSION crm_concurrency'
    succeeds "$number schemas are attached" tenants "$number" "$2"
    there crm -o /dev/null -c 'CREATE ROLE tenant' -c "ALTER SCHEMA tenant_7 OWNER TO tenant" \
        -c "DO \$\$ DECLARE t regclass; BEGIN
            FOR t IN SELECT oid FROM pg_class WHERE relnamespace = 'tenant_7'::regnamespace AND relkind = 'r' LOOP
                EXECUTE format('ALTER TABLE %s OWNER TO tenant', t);
            END LOOP; END \$\$" \
        -c "INSERT INTO tenant_7.customers (id) OVERRIDING SYSTEM VALUE VALUES (1)"

    save="SET search_path = tenant_7, public; SELECT outcome FROM crm_update_customer(1, (SELECT updated_at FROM customers),
        NULL, clock_timestamp()::text, 'ana')"
    # the server runs without fsync
    doctor="SELECT check_name, finding FROM crm_doctor() WHERE status = 'error' AND finding NOT LIKE 'fsync %'"
    reads="SELECT customers FROM crm_locks; $doctor"
    is "a superuser saves" "$(there crm <<<"$save")" updated
    is "and locks a customer" "$(there crm -c 'SET search_path = tenant_7, public' \
        -c "SELECT outcome FROM crm_lock_customer(1, 'ana')")" acquired
    is "crm_locks shows the one edit lock" "$(there crm -c 'SELECT customers FROM crm_locks')" tenant_7.customers
    is "crm_doctor() examines all" "$(there crm -c "$doctor")" ''
    is "all of this fits into one transaction" \
        "$(there crm <<<"BEGIN; $save; $reads; RESET search_path; $reads; $save; COMMIT;")" \
        $'updated\ncustomers\ntenant_7.customers\nupdated'
    is "a tenant sees the lock, and saves" "$(there crm <<<"SET ROLE tenant; BEGIN; $reads; $save; COMMIT;")" \
        $'tenant_7.customers\nupdated'
    is "a new session's first statement may be any of them" "$(there crm <<<"$reads")" tenant_7.customers
    is "one transaction saves in 10 schemas, and locks a customer in each" "$(there crm <<<"$(save_in 10)")" ''
}
