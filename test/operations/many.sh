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
    local number=300 batch=10 settings=(max_locks_per_transaction=10 max_connections=20) save doctor reads
    if [[ $full == yes ]]; then
        # as the server has them where nobody set them
        number=2000 batch=100 settings=(max_locks_per_transaction=64 max_connections=100)
    fi
    private_server "${settings[@]}"
    there postgres -c 'CREATE DATABASE crm'
    there crm -c 'CREATE EXTENSION crm_concurrency'
    succeeds "$number schemas are attached" tenants "$number" "$batch"
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
}
