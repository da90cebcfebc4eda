# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034 # what test/operations/run sets, and what it uses
# Logical replication of attached tables, to a subscriber with the extension and to one without, and what the
# application must have when it moves there: in one server, or from one version of PostgreSQL to another and back.

publisher=crm_operations_publisher
subscriber=crm_operations_subscriber
ordinary=crm_operations_ordinary
tables='customers, comments, customer_history, customer_locks'

# The server that has each database, where it is not the shared one.
declare -A server_of=()

test_replication() {
    local level older newer
    if [[ -z $from ]]; then
        level=$(on postgres -c 'SHOW wal_level')
        is "wal_level is logical" "$level" logical
        [[ $level == logical ]] || return 0
        drop_all_replicated
        replicate
        drop_all_replicated
        return
    fi
    with_older private_server wal_level=logical
    older=$server
    private_server wal_level=logical
    newer=$server
    replicate_between "$older" "$newer"
    replicate_between "$newer" "$older"
}

# replicate_between PUBLISHER SUBSCRIBER
replicate_between() {
    printf '# from %s to %s\n' "$(sql "$1" postgres -At -c 'SHOW server_version')" \
        "$(sql "$2" postgres -At -c 'SHOW server_version')"
    server_of=([$publisher]=$1 [$subscriber]=$2 [$ordinary]=$2)
    replicate
    drop_all_replicated
    server_of=()
}

# at DATABASE [PSQL_ARGUMENT…]: runs SQL there, as on does.
at() {
    on "$(dsn_of "$1")" "${@:2}"
}

# beside DATABASE [PSQL_ARGUMENT…]: runs SQL in another database of the same server.
beside() {
    if [[ -n ${server_of[$1]-} ]]; then
        on "$(server_dsn "${server_of[$1]}" postgres)" "${@:2}"
    else
        on postgres "${@:2}"
    fi
}

replicate() {
    local database
    for database in "$publisher" "$subscriber" "$ordinary"; do
        beside "$database" -c "CREATE DATABASE $database TEMPLATE template0"
    done
    fill at "$publisher"
    at "$publisher" -c "CREATE PUBLICATION crm FOR TABLE $tables"
    at "$subscriber" -o /dev/null -c 'CREATE EXTENSION crm_concurrency' -c 'SELECT crm_create_tables()'
    # The tables without the triggers of an extension that is not there.
    pg_dump -Fc --schema-only -t customers -t comments -t customer_history -t customer_locks -f "$scratch/tables" \
        "$(dsn_of "$publisher")"
    pg_restore -l "$scratch/tables" | grep -v ' TRIGGER ' >"$scratch/list"
    succeeds "tables are made without the extension" make_ordinary

    subscribe "$subscriber"
    subscribe "$ordinary"
    # While the first copies are made, and after.
    succeeds "the publisher works under load" "$hammer" --dsn "$(dsn_of "$publisher")" --mode mixed --users 8 --customers 20 \
        --seconds "$seconds" --seed 5
    at "$publisher" -o /dev/null -c "DELETE FROM customers WHERE id BETWEEN 30 AND 35" -c "UPDATE customers SET phone = '1'" \
        -c "SELECT crm_erase_customer(40)" -c "SELECT crm_prune_history('0', 50)"
    # 6 has the request that is repeated later.
    at "$publisher" -o /dev/null -c "INSERT INTO customers (id, name) VALUES (5000, 'moves')" \
        -c "SELECT crm_update_customer(5000, (SELECT updated_at FROM customers WHERE id = 5000), 'asked', 'Asked once', 'eve')" \
        -c "UPDATE customers SET phone = 'later' WHERE id = 5000" \
        -c "SELECT crm_lock_customer(5000::bigint, 'ana', '1 hour')"
    is "the publisher's chains are unbroken" "$(verify "$publisher")" ''

    for database in "$subscriber" "$ordinary"; do
        succeeds "$database: gets everything" holds_within 60 has_the_same "$database"
        is "$database: every row of the four tables is the publisher's" "$(digests_of "$database")" "$(digests_of "$publisher")"
    done
    is "the subscriber with the extension finds every chain unbroken" "$(verify "$subscriber")" ''
    is "and shows the publisher's edit locks" "$(at "$subscriber" -c 'SELECT key, author FROM crm_locks')" '5000|ana'

    test_triggers_at_subscriber
    test_save_at_subscriber
    unsubscribe "$ordinary"
    move_to "$subscriber"
    at "$ordinary" -o /dev/null -c 'CREATE EXTENSION crm_concurrency' -c "SELECT crm_attach('customers', comments => 'comments',
        history => 'customer_history', locks => 'customer_locks')"
    move_to "$ordinary"
}

# An older server does not know every setting that the dump of a newer one begins with.
make_ordinary() {
    pg_restore -L "$scratch/list" -f - "$scratch/tables" | grep -v '^SET transaction_timeout' >"$scratch/ordinary" &&
        at "$ordinary" -o /dev/null -f "$scratch/ordinary"
}

verify() {
    at "$1" -c 'SELECT * FROM crm_verify()'
}

dsn_of() {
    if [[ -n ${server_of[$1]-} ]]; then
        server_dsn "${server_of[$1]}" "$1"
        return
    fi
    echo "host=$PGHOST port=${PGPORT:-5432} user=${PGUSER:-postgres} dbname=$1${PGPASSWORD:+ password=$PGPASSWORD}"
}

# In one cluster the slot must be made first: making it waits for the transaction that makes the subscription.
subscribe() {
    at "$publisher" -o /dev/null -c "SELECT pg_create_logical_replication_slot('$1', 'pgoutput')"
    at "$1" -c "CREATE SUBSCRIPTION $1 CONNECTION '$(dsn_of "$publisher")' PUBLICATION crm WITH (create_slot = false)"
}

unsubscribe() {
    at "$1" -c "ALTER SUBSCRIPTION $1 DISABLE" -c "ALTER SUBSCRIPTION $1 SET (slot_name = NONE)" -c "DROP SUBSCRIPTION $1"
    holds_within 30 drop_slot "$1"
}

drop_slot() {
    beside "$publisher" -o /dev/null -c "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots
        WHERE slot_name = '$1'" >"$scratch/slot" 2>&1
}

is_subscribed() {
    [[ -n $(beside "$1" -c "SELECT subname FROM pg_subscription WHERE subname = '$1'") ]]
}

# What an earlier run may have left, too. A database with slots cannot be dropped.
drop_all_replicated() {
    local database
    for database in "$subscriber" "$ordinary"; do
        if is_subscribed "$database"; then
            unsubscribe "$database"
        fi
        drop_slot "$database"
    done
    for database in "$subscriber" "$ordinary" "$publisher"; do
        beside "$database" -c "DROP DATABASE IF EXISTS $database"
    done
}

digests_of() {
    local table
    for table in customers comments customer_history customer_locks; do
        at "$1" -c "SELECT '$table', count(*), md5(string_agg(md5(t::text), '' ORDER BY md5(t::text))) FROM $table t"
    done
}

has_the_same() {
    [[ $(digests_of "$1") == "$(digests_of "$publisher")" ]]
}

# The extension's triggers do not fire there. Others do, where they are enabled so.
test_triggers_at_subscriber() {
    local failed mode
    at "$subscriber" -f "$here/triggers_of_others.sql"
    at "$publisher" -c "UPDATE customers SET phone = '2' WHERE id = 50"
    succeeds "the subscriber follows" holds_within 60 has_the_same "$subscriber"
    is "of triggers of others it fires those for replicas, and those that always fire" \
        "$(at "$subscriber" -c 'SELECT name FROM fired ORDER BY name')" $'as_always\nas_replica'
    at "$subscriber" -c 'DROP TABLE fired' -c 'DROP FUNCTION note CASCADE'
    for mode in ALWAYS REPLICA; do
        failed=$(apply_failures_of "$subscriber")
        at "$subscriber" -c "ALTER TABLE customers ENABLE $mode TRIGGER crm_history, ENABLE $mode TRIGGER crm_history_end"
        at "$publisher" -c "UPDATE customers SET phone = '$mode' WHERE id = 50"
        succeeds "with triggers of the extension enabled as $mode, the subscription stops" holds_within 30 has_failed "$subscriber" "$failed"
        at "$subscriber" -c 'ALTER TABLE customers ENABLE TRIGGER crm_history, ENABLE TRIGGER crm_history_end'
        succeeds "as they were, it goes on" holds_within 60 has_the_same "$subscriber"
    done
    is "and every chain is unbroken" "$(verify "$subscriber")" ''
}

apply_failures_of() {
    at "$1" -c "SELECT apply_error_count FROM pg_stat_subscription_stats WHERE subname = '$1'"
}

# has_failed SUBSCRIBER TIMES: more often than that
has_failed() {
    (($(apply_failures_of "$1") > $2))
}

# Nothing keeps a subscriber from being written, and what it writes is its own: the publisher's next change of the customer
# takes the customer's row, and meets the history.
test_save_at_subscriber() {
    local save="SELECT outcome FROM crm_update_customer(50, (SELECT updated_at FROM customers WHERE id = 50), 'here', NULL,
        'ana')"
    is "the subscriber takes a save of its own" "$(at "$subscriber" -c "$save")" updated
    at "$publisher" -o /dev/null -c "UPDATE customers SET status = 'there' WHERE id = 50"
    succeeds "the publisher's change of that customer takes its place" holds_within 30 publisher_won
    is "crm_verify() tells that two have written" \
        "$(at "$subscriber" -c 'SELECT DISTINCT customer, invariant FROM crm_verify() ORDER BY invariant')" \
        $'50|one_chain\n50|one_successor'
    # The subscriber is made right as any replica is: by the publisher's rows.
    at "$subscriber" -c 'SET session_replication_role = replica' \
        -c "DELETE FROM customer_history WHERE customer_id = 50 AND status_to = 'here'"
    is "without its own change it is right again" "$(verify "$subscriber")" ''
}

publisher_won() {
    [[ $(at "$subscriber" -c "SELECT status FROM customers WHERE id = 50") == there ]] &&
        [[ $(at "$subscriber" -c "SELECT count(*) FROM customer_history WHERE customer_id = 50 AND status_to = 'there'") == 1 ]]
}

# move_to DATABASE: the application goes there, and the subscription with it.
move_to() {
    local database=$1
    local comment="SELECT outcome FROM crm_update_customer(5000, (SELECT updated_at FROM customers WHERE id = 5000), 'moved',
        'Said there', 'ana')"
    if is_subscribed "$database"; then
        unsubscribe "$database"
    fi
    is "$database: without its sequences a customer meets an id that is taken" \
        "$(at "$database" -v VERBOSITY=sqlstate -c "INSERT INTO customers (name) VALUES ('new')")" 'ERROR:  23505'
    is "$database: and a comment gets an id below those before it" \
        "$(at "$database" -c BEGIN -c "${comment/outcome/comment_id < (SELECT max(id) FROM comments WHERE customer_id = 5000)}" \
            -c ROLLBACK)" t
    succeeds "$database: the sequences follow" at "$database" -o /dev/null -c "$(sql_of 'Logical replication' 2)"
    is "$database: a request that the publisher applied is replayed" \
        "$(at "$database" -c "SELECT outcome, comment_id = (SELECT max(id) FROM comments WHERE customer_id = 5000)
            FROM crm_update_customer(5000, (SELECT previous FROM customer_history WHERE customer_id = 5000 AND author = 'eve'),
            'asked', 'Asked once', 'eve')")" 'replayed|t'
    is "$database: the edit lock keeps others out" \
        "$(at "$database" -c "SELECT outcome FROM crm_update_customer(5000, (SELECT updated_at FROM customers
            WHERE id = 5000), 'moved', NULL, 'ben')")" locked
    is "$database: a save is taken" "$(at "$database" -c "$comment")" updated
    is "$database: a new customer has an id of its own" \
        "$(at "$database" -c "INSERT INTO customers (name) VALUES ('new') RETURNING id > 5000")" t
    succeeds "$database: it works under load" "$hammer" --dsn "$(dsn_of "$database")" --mode mixed --users 8 --customers 20 \
        --seconds 1 --seed 6
    is "$database: every chain is unbroken" "$(verify "$database")" ''
}
