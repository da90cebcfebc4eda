# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034 # what test/operations/run sets, and what it uses
# The extension behind PgBouncer: the load driver and what sessions must not share.

pool_size=5

test_pgbouncer() {
    local program
    program=$(PATH=$PATH:/usr/sbin command -v pgbouncer || true)
    if [[ -z $program ]]; then
        fails "PgBouncer is installed"
        return 0
    fi
    # Where the server's user can be.
    pool=$(mktemp -d "$(temporary_root)/crm_pool.XXXXXX")
    chown "$server_user" "$pool"
    # A role that may do no more than an application's.
    password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    new_database crm_operations_pool
    on postgres -c 'DROP ROLE IF EXISTS crm_operations_pooled' \
        -c "CREATE ROLE crm_operations_pooled LOGIN PASSWORD '$password'"
    on crm_operations_pool -o /dev/null -c 'CREATE EXTENSION crm_concurrency' -c 'SELECT crm_create_tables()' \
        -c "INSERT INTO customers (id) VALUES (1000001), (1000002)" \
        -c 'GRANT SELECT, INSERT, UPDATE, DELETE ON customers TO crm_operations_pooled' \
        -c 'GRANT SELECT, INSERT ON comments TO crm_operations_pooled' \
        -c 'GRANT SELECT ON customer_history, customer_deletions, comment_edits, customer_refused_saves TO crm_operations_pooled' \
        -c 'GRANT SELECT, UPDATE (ended_by) ON customer_locks TO crm_operations_pooled' \
        -c "ALTER DATABASE crm_operations_pool SET crm_concurrency.repeated_comment_window = '1h'"
    succeeds "PgBouncer starts" start_pgbouncer "$program"
    pgbouncer_pid=$(<"$pool/pid")
    started+=("$pgbouncer_pid")
    test_load transaction
    is "transaction: they used so many" "$(server_connections)" "$pool_size"
    test_settings_in_pool
    test_load statement
    is "statement: they used so many more" "$(server_connections)" $((2 * pool_size))
    test_statements_in_pool
    succeeds "PgBouncer stops" stop_pgbouncer
    is "crm_verify() finds nothing" "$(on crm_operations_pool -c 'SELECT * FROM crm_verify()')" ''
    on postgres -c 'DROP DATABASE crm_operations_pool' -c 'DROP ROLE crm_operations_pooled'
    rm -rf "$pool"
}

start_pgbouncer() {
    local attempt=0
    while ((attempt++ < 3)); do
        pool_port=$(free_port)
        echo "$pool_port" >"$pool/port"
        cat >"$pool/ini" <<INI
[databases]
transaction = host=$PGHOST port=${PGPORT:-5432} dbname=crm_operations_pool pool_mode=transaction
statement = host=$PGHOST port=${PGPORT:-5432} dbname=crm_operations_pool pool_mode=statement
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $pool_port
unix_socket_dir =
auth_type = scram-sha-256
auth_file = $pool/users
default_pool_size = $pool_size
max_client_conn = 100
server_reset_query = DISCARD ALL
ignore_startup_parameters = extra_float_digits, options
logfile = $pool/log
pidfile = $pool/pid
INI
        echo "\"crm_operations_pooled\" \"$password\"" >"$pool/users"
        chown "$server_user" "$pool"/*
        chmod 600 "$pool/users"
        # Somebody else may take the port first.
        if as_server_user "$1" -q -d "$pool/ini" && holds_within 10 pgbouncer_answers; then
            return
        fi
    done
    cat "$pool/log"
    return 1
}

pgbouncer_answers() {
    through transaction -c 'SELECT 1' >/dev/null
}

stop_pgbouncer() {
    kill "$pgbouncer_pid" && holds_within 10 has_ended "$pgbouncer_pid"
}

# pool_dsn MODE
pool_dsn() {
    echo "host=127.0.0.1 port=$(<"$pool/port") user=crm_operations_pooled password=$password dbname=$1"
}

# through MODE PSQL_ARGUMENT…: runs SQL through the pool.
through() {
    psql -X -qAt -v ON_ERROR_STOP=1 -v VERBOSITY=sqlstate -d "$(pool_dsn "$1")" "${@:2}" 2>&1
}

test_load() {
    local mode check=()
    if [[ $1 == statement ]]; then
        # At the end the driver reads the tables in one snapshot.
        check=(--check-dsn "host=$PGHOST port=${PGPORT:-5432} dbname=crm_operations_pool")
    fi
    # Sessions are shared, and with them what they set: none keeps refused saves whole.
    for mode in 'race --rounds 5' 'retry --rounds 1' "mixed --customers 50 --seconds $seconds"; do
        # shellcheck disable=SC2086
        succeeds "$1: the load driver, ${mode%% *}, 30 users on $pool_size connections" \
            "$hammer" --dsn "$(pool_dsn "$1")" "${check[@]}" --resolutions 0 --users 30 --seed 7 --mode $mode
    done
}

server_connections() {
    on postgres -c "SELECT count(*) FROM pg_stat_activity WHERE usename = 'crm_operations_pooled'"
}

stale() {
    echo "SELECT outcome FROM crm_update_customer(1000001, '2001-01-01 00:00:00+00', 'x', NULL, '$1')"
}

save_in_pool="SELECT outcome FROM crm_update_customer(1000002, (SELECT updated_at FROM customers WHERE id = 1000002), NULL, 'x',
    'ana')"

test_settings_in_pool() {
    local merging="SELECT outcome FROM crm_update_customer(1000001, (SELECT previous FROM customer_history
        WHERE customer_id = 1000001 ORDER BY version DESC LIMIT 1), NULL, 'm', 'ana')"
    on crm_operations_pool -c "UPDATE customers SET phone = '1' WHERE id = 1000001"
    is "transaction: SET LOCAL holds for a transaction" \
        "$(through transaction -c BEGIN -c 'SET LOCAL crm_concurrency.on_conflict = raise' -c "$save_in_pool" \
            -c "$(stale ana)")" \
        $'updated\nERROR:  PT409'
    is "transaction: also one that commits" \
        "$(through transaction -c BEGIN -c 'SET LOCAL crm_concurrency.on_conflict = raise' -c "$save_in_pool" -c COMMIT)" updated
    is "transaction: merge too" \
        "$(through transaction -c BEGIN -c 'SET LOCAL crm_concurrency.merge = on' -c "$merging" -c COMMIT)" merged
    is "transaction: it ends with the transaction, in every session of the pool" "$(every_session "$(stale ben)")" conflict
    is "transaction: so does merge" \
        "$(every_session "SELECT coalesce(current_setting('crm_concurrency.merge', true), 'off')")" off
    # The reason for SET LOCAL.
    through transaction -c 'SET crm_concurrency.on_conflict = raise'
    is "transaction: a plain SET meets others" "$(every_session "$(stale cy)")" $'ERROR:  PT409\nconflict'
}

test_statements_in_pool() {
    is "statement: a save is one statement" "$(through statement -c "$save_in_pool")" updated
    is "statement: so is a batch" "$(through statement -c "SELECT count(*) FROM crm_update_customers('[]')")" 0
    is "statement: a transaction of more is refused" "$(through statement -c BEGIN | grep -c 'FATAL')" 1
}

# every_session SQL: what the sessions of the pool answer, each different answer once. While a transaction is open, its session
# is not given to another client.
every_session() {
    local i
    for ((i = 0; i < pool_size; i++)); do
        open_session "pool$i" "$(pool_dsn transaction)"
        say "pool$i" BEGIN
    done
    for ((i = 0; i < pool_size; i++)); do
        say "pool$i" "$1"
    done | sort -u
    for ((i = 0; i < pool_size; i++)); do
        say "pool$i" ROLLBACK
        close_session "pool$i"
    done
}
