# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034 # what test/operations/run sets, and what it uses
# Logical replication of attached tables, to a subscriber with the extension and to one without, and what the application must
# have when it moves there.

publisher=crm_operations_publisher
subscriber=crm_operations_subscriber
ordinary=crm_operations_ordinary
tables='customers, comments, customer_history, customer_locks'

test_replication() {
    local level database
    level=$(on postgres -c 'SHOW wal_level')
    is "wal_level is logical" "$level" logical
    [[ $level == logical ]] || return 0
    drop_all_replicated
    for database in "$publisher" "$subscriber" "$ordinary"; do
        new_database "$database"
    done
    fill on "$publisher"
    on "$publisher" -c "CREATE PUBLICATION crm FOR TABLE $tables"
    on "$subscriber" -o /dev/null -c 'CREATE EXTENSION crm_concurrency' -c 'SELECT crm_create_tables()'
    # The tables without the triggers of an extension that is not there.
    pg_dump -Fc --schema-only -t customers -t comments -t customer_history -t customer_locks -f "$scratch/tables" "$publisher"
    pg_restore -l "$scratch/tables" | grep -v ' TRIGGER ' >"$scratch/list"
    succeeds "tables are made without the extension" \
        pg_restore --exit-on-error -L "$scratch/list" -d "$ordinary" "$scratch/tables"

    subscribe "$subscriber"
    subscribe "$ordinary"
    # While the first copies are made, and after.
    succeeds "the publisher works under load" "$hammer" --dsn "$(dsn_of "$publisher")" --mode mixed --users 8 --customers 20 \
        --seconds "$seconds" --seed 5
    on "$publisher" -o /dev/null -c "DELETE FROM customers WHERE id BETWEEN 30 AND 35" -c "UPDATE customers SET phone = '1'" \
        -c "SELECT crm_erase_customer(40)" -c "SELECT crm_prune_history('0', 50)"
    # 6 has the request that is repeated later.
    on "$publisher" -o /dev/null -c "INSERT INTO customers (id, name) VALUES (5000, 'moves')" \
        -c "SELECT crm_update_customer(5000, (SELECT updated_at FROM customers WHERE id = 5000), 'asked', 'Asked once', 'eve')" \
        -c "UPDATE customers SET phone = 'later' WHERE id = 5000" \
        -c "SELECT crm_lock_customer(5000::bigint, 'ana', '1 hour')"
    is "the publisher's chains are unbroken" "$(verify "$publisher")" ''

    for database in "$subscriber" "$ordinary"; do
        succeeds "$database: gets everything" holds_within 60 has_the_same "$database"
        is "$database: every row of the four tables is the publisher's" "$(digests_of "$database")" "$(digests_of "$publisher")"
    done
    is "the subscriber with the extension finds every chain unbroken" "$(verify "$subscriber")" ''
    is "and shows the publisher's edit locks" "$(on "$subscriber" -c 'SELECT key, author FROM crm_locks')" '5000|ana'

    test_save_at_subscriber
    unsubscribe "$ordinary"
    move_to "$subscriber"
    on "$ordinary" -o /dev/null -c 'CREATE EXTENSION crm_concurrency' -c "SELECT crm_attach('customers', comments => 'comments',
        history => 'customer_history', locks => 'customer_locks')"
    move_to "$ordinary"

    drop_all_replicated
}

verify() {
    on "$1" -c 'SELECT * FROM crm_verify()'
}

dsn_of() {
    echo "host=$PGHOST port=${PGPORT:-5432} user=${PGUSER:-postgres} dbname=$1${PGPASSWORD:+ password=$PGPASSWORD}"
}

# In one cluster the slot must be made first: making it waits for the transaction that makes the subscription.
subscribe() {
    on "$publisher" -o /dev/null -c "SELECT pg_create_logical_replication_slot('$1', 'pgoutput')"
    on "$1" -c "CREATE SUBSCRIPTION $1 CONNECTION '$(dsn_of "$publisher")' PUBLICATION crm WITH (create_slot = false)"
}

unsubscribe() {
    on "$1" -c "ALTER SUBSCRIPTION $1 DISABLE" -c "ALTER SUBSCRIPTION $1 SET (slot_name = NONE)" -c "DROP SUBSCRIPTION $1"
    holds_within 30 drop_slot "$1"
}

drop_slot() {
    on postgres -o /dev/null -c "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = '$1'" \
        >"$scratch/slot" 2>&1
}

is_subscribed() {
    [[ -n $(on postgres -c "SELECT subname FROM pg_subscription WHERE subname = '$1'") ]]
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
        on postgres -c "DROP DATABASE IF EXISTS $database"
    done
}

digests_of() {
    local table
    for table in customers comments customer_history customer_locks; do
        on "$1" -c "SELECT '$table', count(*), md5(string_agg(md5(t::text), '' ORDER BY md5(t::text))) FROM $table t"
    done
}

has_the_same() {
    [[ $(digests_of "$1") == "$(digests_of "$publisher")" ]]
}

# Nothing keeps a subscriber from being written, and what it writes is its own: the publisher's next change of the customer
# takes the customer's row, and meets the history.
test_save_at_subscriber() {
    local save="SELECT outcome FROM crm_update_customer(50, (SELECT updated_at FROM customers WHERE id = 50), 'here', NULL,
        'ana')"
    is "the subscriber takes a save of its own" "$(on "$subscriber" -c "$save")" updated
    on "$publisher" -o /dev/null -c "UPDATE customers SET status = 'there' WHERE id = 50"
    succeeds "the publisher's change of that customer takes its place" holds_within 30 publisher_won
    is "crm_verify() tells that two have written" \
        "$(on "$subscriber" -c 'SELECT DISTINCT customer, invariant FROM crm_verify() ORDER BY invariant')" \
        $'50|one_chain\n50|one_successor'
    # The subscriber is made right as any replica is: by the publisher's rows.
    on "$subscriber" -c 'SET session_replication_role = replica' \
        -c "DELETE FROM customer_history WHERE customer_id = 50 AND status_to = 'here'"
    is "without its own change it is right again" "$(verify "$subscriber")" ''
}

publisher_won() {
    [[ $(on "$subscriber" -c "SELECT status FROM customers WHERE id = 50") == there ]] &&
        [[ $(on "$subscriber" -c "SELECT count(*) FROM customer_history WHERE customer_id = 50 AND status_to = 'there'") == 1 ]]
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
        "$(on "$database" -v VERBOSITY=sqlstate -c "INSERT INTO customers (name) VALUES ('new')")" 'ERROR:  23505'
    is "$database: and a comment gets an id below those before it" \
        "$(on "$database" -c BEGIN -c "${comment/outcome/comment_id < (SELECT max(id) FROM comments WHERE customer_id = 5000)}" \
            -c ROLLBACK)" t
    succeeds "$database: the sequences follow" on "$database" -o /dev/null -c "$(sql_of 'Logical replication')"
    is "$database: a request that the publisher applied is replayed" \
        "$(on "$database" -c "SELECT outcome, comment_id = (SELECT max(id) FROM comments WHERE customer_id = 5000)
            FROM crm_update_customer(5000, (SELECT previous FROM customer_history WHERE customer_id = 5000 AND author = 'eve'),
            'asked', 'Asked once', 'eve')")" 'replayed|t'
    is "$database: the edit lock keeps others out" \
        "$(on "$database" -c "SELECT outcome FROM crm_update_customer(5000, (SELECT updated_at FROM customers
            WHERE id = 5000), 'moved', NULL, 'ben')")" locked
    is "$database: a save is taken" "$(on "$database" -c "$comment")" updated
    is "$database: a new customer has an id of its own" \
        "$(on "$database" -c "INSERT INTO customers (name) VALUES ('new') RETURNING id > 5000")" t
    succeeds "$database: it works under load" "$hammer" --dsn "$(dsn_of "$database")" --mode mixed --users 8 --customers 20 \
        --seconds 1 --seed 6
    is "$database: every chain is unbroken" "$(verify "$database")" ''
}
