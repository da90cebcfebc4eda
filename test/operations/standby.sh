# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034 # what test/operations/run sets, and what it uses
# What a physical standby answers, and what becomes of it when pg_createsubscriber makes a logical subscriber of it.

test_standby() {
    local primary standby
    private_server wal_level=logical
    primary=$server
    there postgres -c 'CREATE DATABASE crm'
    fill there crm
    there crm -o /dev/null -c "SELECT crm_lock_customer(7, 'ana', '1 hour')"
    private_server
    standby=$server
    succeeds "a standby is made" make_standby
    succeeds "it has what the primary has" holds_within 60 has_replayed
    is "its readers are answered as on the primary" "$(reads_of "$standby")" "$(reads_of "$primary")"
    is "a save there says why not" \
        "$(there crm -v VERBOSITY=sqlstate -c "SELECT crm_update_customer(6, now(), 'x', 'Said', 'ana')")" \
        'ERROR:  25006'
    if ((major < 17)); then
        skips "pg_createsubscriber" "before PostgreSQL 17"
    else
        test_createsubscriber
    fi
}

# In the place of the server's own data.
make_standby() {
    as_server_user "$pg_bindir/pg_ctl" -D "$standby/data" --wait --silent -m fast stop && rm -rf "$standby/data" &&
        install -d -m 700 -o "$server_user" "$standby/data" &&
        as_server_user "$pg_bindir/pg_basebackup" -D "$standby/data" -R -X stream -c fast --no-sync \
            -d "$(server_dsn "$primary" postgres)" || return
    printf '%s\n' "unix_socket_directories = '$standby/socket'" "port = $(server_port "$standby")" \
        >>"$standby/data/postgresql.conf"
    server_boot "$standby"
}

has_replayed() {
    [[ $(sql "$standby" postgres -At -c "SELECT pg_last_wal_replay_lsn() >= '$(sql "$primary" postgres -At \
        -c 'SELECT pg_current_wal_lsn()')'") == t ]]
}

# What every function for readers says.
reads_of() {
    sql "$1" crm -At \
        -c "SELECT md5(string_agg(crm_get_customer(id)::text, '' ORDER BY id)) FROM customers" \
        -c "SELECT md5(string_agg(t::text, '' ORDER BY c.id, t::text))
            FROM customers c, crm_timeline(c.id) t" \
        -c 'SELECT * FROM crm_locks' -c 'SELECT count(*) FROM crm_verify()' \
        -c "SELECT check_name, status, finding FROM crm_doctor() WHERE check_name <> 'clock' ORDER BY 1, 3" 2>&1
}

has_the_rows() {
    [[ $(rows_of sql "$primary" crm) == "$(rows_of sql "$standby" crm)" ]]
}

test_createsubscriber() {
    local registry='SELECT customers::oid, comments::oid, history::oid, locks::oid FROM crm_attached_tables'
    there crm -c "$registry" >"$scratch/registry"
    copy_programs
    quietly as_server_user "$pg_bindir/pg_ctl" -D "$standby/data" --wait -m fast stop
    # Between the stop and the start there are saves.
    sql "$primary" crm -o /dev/null -c "SELECT crm_update_customer(8, (SELECT updated_at FROM customers WHERE id = 8),
        'away', 'While it was away', 'ana')"
    succeeds "pg_createsubscriber" as_server_user bash -c 'cd "$1" && exec "${@:2}"' bash "$standby/socket" \
        "$standby/tree$pg_bindir/pg_createsubscriber" -D "$standby/data" -P "$(server_dsn "$primary" postgres)" -d crm \
        --publication=crm_all --subscription=crm --socketdir="$standby/socket"
    succeeds "the subscriber starts" server_boot "$standby"
    is "its registry names its tables" "$(there crm -c "$registry")" "$(<"$scratch/registry")"

    # It publishes all tables, the registry among them.
    sql "$primary" crm -c 'CREATE PUBLICATION crm FOR TABLE customers, comments, customer_history, customer_locks'
    there crm -c 'ALTER SUBSCRIPTION crm SET PUBLICATION crm WITH (copy_data = false)'
    sql "$primary" crm -c 'DROP PUBLICATION crm_all' -o /dev/null \
        -c "SELECT crm_update_customer(9, (SELECT updated_at FROM customers WHERE id = 9), 'later', 'Later', 'ana')" \
        -c 'CREATE SCHEMA second' -c "SELECT crm_create_tables('second')" -c "DELETE FROM customers WHERE id = 11"
    succeeds "what is saved on the primary comes" holds_within 60 has_the_rows
    is "what is attached there is not attached here" "$(there crm -c "$registry")" "$(<"$scratch/registry")"
    is "every chain is unbroken" "$(violations_of there crm)" ''

    there crm -c 'DROP SUBSCRIPTION crm'
    there crm -o /dev/null -c "$(sql_of 'Logical replication' 2)"
    is "it replays an old request and takes new saves" "$(use_it there crm)" "$all_well"
    is "the edit lock keeps others out" \
        "$(there crm -c "SELECT outcome FROM crm_update_customer(7, (SELECT updated_at FROM customers WHERE id = 7),
            'x', NULL, 'ben')")" locked
    is "every chain is unbroken then" "$(violations_of there crm)" ''
    is "crm_doctor() finds nothing" \
        "$(there crm -c "SELECT * FROM crm_doctor()
            WHERE status <> 'ok' AND check_name NOT IN ('settings', 'clock')")" ''
}
