# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034 # what test/operations/run sets, and what it uses
# pg_upgrade to a new cluster of the same version, with and without --link: nothing is to be repaired.

test_upgrade() {
    local program
    # Programs of PostgreSQL look for others beside themselves.
    private_server
    for program in "$pg_bindir"/*; do
        [[ $program == */postgres ]] || cp "$program" "$server/tree$pg_bindir"
    done
    there postgres -c 'CREATE DATABASE crm' -c 'CREATE DATABASE crm_attached'
    fill there crm
    # Its tables have other numbers than those that a new cluster would give, and one is renamed.
    there crm -o /dev/null -c 'CREATE SCHEMA gone' -c "SELECT crm_create_tables('gone')" -c 'DROP SCHEMA gone CASCADE' \
        -c 'CREATE SCHEMA second' -c "SELECT crm_create_tables('second')" -c "INSERT INTO second.customers DEFAULT VALUES" \
        -c 'ALTER TABLE second.customers RENAME TO clients'
    make_attached_sql | there crm_attached -o /dev/null -f -
    facts >"$scratch/facts"

    succeeds "the server stops" stop_server
    succeeds "a new cluster is made" make_cluster
    test_without_library
    if [[ $full == yes ]]; then
        check_upgrade --copy
        # What is done to the copy is not in the old cluster, which is upgraded again.
        is "--copy: it replays an old request and takes new saves" "$(use_it there crm)" "$all_well"
        succeeds "the old cluster is in its place again" use_old
        succeeds "a new cluster is made" make_cluster
    fi
    check_upgrade --link
    is "it replays an old request and takes new saves" "$(use_it there crm)" "$all_well"
    is "every chain is unbroken" "$(violations_of there crm)" ''
    is "a second CRM in the database works" \
        "$(there crm -c 'SET search_path = second, public' -c "SELECT outcome FROM crm_update_customer(1,
            (SELECT updated_at FROM clients), 'x', 'After', 'ana')")" updated
    is "an attached table of another shape works" "$(use_attached_sql | there crm_attached -f -)" \
        "$attached_is_well"
}

# check_upgrade MODE: upgrades to the new cluster, and starts that.
check_upgrade() {
    succeeds "$1: pg_upgrade" upgrade "$1"
    succeeds "$1: the new cluster starts" start_new
    is "$1: registry, tables and sequences are the same" "$(facts)" "$(<"$scratch/facts")"
    is "$1: crm_doctor() finds nothing" \
        "$(there crm -c "SELECT * FROM crm_doctor() WHERE status <> 'ok' AND check_name NOT IN ('settings', 'clock')")" ''
    is "$1: every chain is unbroken" "$(violations_of there crm)" ''
    is "$1: the upgrade is no change of a customer" \
        "$(there crm -c "SELECT count(*) FROM customer_history WHERE recorded_at > '$(<"$scratch/stopped")'")" 0
}

# What must be the same: rows, the registry with the numbers of its tables, the sequences.
facts() {
    rows_of there crm
    there crm -c 'SELECT customers::oid, comments::oid, history::oid, locks::oid, a.* FROM crm_attached_tables a
            ORDER BY attached_at' \
        -c 'SELECT oid, oid::regclass FROM pg_class WHERE oid IN (SELECT unnest(ARRAY[customers, comments, history, locks])
            FROM crm_attached_tables) ORDER BY 1' \
        -c "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public' ORDER BY 1"
}

stop_server() {
    there crm -c 'SELECT clock_timestamp()' >"$scratch/stopped"
    quietly as_server_user "$pg_bindir/pg_ctl" -D "$server/data" --wait -m fast stop
}

# A cluster beside the other one, where the server's user may write.
make_cluster() {
    quietly as_server_user "$pg_bindir/initdb" -D "$server/socket/new" -U postgres --encoding=UTF8 --locale=C.UTF-8 \
        --auth-local=trust --auth-host=scram-sha-256 --no-sync
}

# In a directory that the server's user may write.
upgrade() {
    local options=()
    if [[ $1 == --link ]]; then
        # --copy is the default, and the name of an option from 16 on alone.
        options=(--link)
    fi
    # from 15 on
    if [[ $("$pg_bindir/pg_upgrade" --help) == *--no-sync* ]]; then
        options+=(--no-sync)
    fi
    as_server_user bash -c 'cd "$1" && exec "${@:2}"' bash "$server/socket" \
        "$server/tree$pg_bindir/pg_upgrade" -b "$server/tree$pg_bindir" -B "$server/tree$pg_bindir" \
        -d "$server/data" -D "$server/socket/new" -U postgres -o '-c fsync=off' -O '-c fsync=off' -j 2 "${options[@]}"
}

# The new cluster takes the place of the old one, which stays in $server/old.
start_new() {
    mv "$server/data" "$server/old" && mv "$server/socket/new" "$server/data" &&
        cp "$server/old/postgresql.conf" "$server/data/postgresql.conf" && chown "$server_user" "$server/data/postgresql.conf" &&
        server_boot "$server"
}

use_old() {
    quietly as_server_user "$pg_bindir/pg_ctl" -D "$server/data" --wait -m fast stop &&
        rm -rf "$server/data" && mv "$server/old" "$server/data"
}

# Without the extension's files for the new server, pg_upgrade refuses before it does anything.
test_without_library() {
    local output
    mv "$server/tree$pg_pkglibdir/crm_concurrency.so" "$server/library"
    output=$(upgrade --copy 2>&1) || true
    mv "$server/library" "$server/tree$pg_pkglibdir/crm_concurrency.so"
    is "without the library pg_upgrade refuses" "$(grep -c 'loadable libraries that are missing' <<<"$output")" 1
}
