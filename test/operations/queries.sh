# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034 # what test/operations/run sets, and what it uses
# The queries of doc/operations.md show what the page says; the suite docs runs all of its statements.

page=$here/../../doc/operations.md

# sql_of HEADING [N]: the Nth block of SQL (default: the first) below a heading of the page.
sql_of() {
    local found
    found=$(awk -v heading="## $1" -v n="${2:-1}" '
        /^## /     { here = $0 == heading }
        /^```$/    { inside = 0 }
        inside     { print }
        /^```sql$/ { inside = here && ++blocks == n }' "$page")
    [[ -n $found ]] || die "doc/operations.md has no ${2:-1}. SQL below \"$1\""
    echo "$found"
}

test_queries() {
    local database=crm_operations_queries
    new_database "$database"
    on "$database" -o /dev/null -c 'CREATE EXTENSION crm_concurrency' -c 'SELECT crm_create_tables()' \
        -c "INSERT INTO customers (id, name) SELECT i, 'customer ' || i FROM generate_series(1, 200) i"
    test_hottest "$database"
    test_waiting "$database"
    test_timeouts "$database"
    test_bloat "$database"
    on postgres -c "DROP DATABASE $database"
}

test_hottest() {
    on "$1" -o /dev/null -c "UPDATE customers SET phone = '1' WHERE id IN (7, 8)" \
        -c "UPDATE customers SET phone = '2' WHERE id = 7" \
        -c "SELECT crm_update_customer(7, (SELECT version FROM customer_history WHERE customer_id = 7 ORDER BY version LIMIT 1),
            'x', 'Too late', 'ben')" \
        -c "SELECT crm_update_customer(7, (SELECT updated_at FROM customers WHERE id = 7), 'x', NULL, 'ana')"
    is "the hottest customers come first, with changes, authors and refused comments" \
        "$(on "$1" -c "$(sql_of 'Hottest customers')" | head -n 2)" $'7|3|1|1\n8|1|0|0'
}

save_of() {
    echo "SELECT outcome FROM crm_update_customer($1, (SELECT updated_at FROM customers WHERE id = $1), NULL,
        gen_random_uuid()::text, 'ana')"
}

test_waiting() {
    local found ctid
    open_session holder "dbname=$1"
    open_session waiter "dbname=$1"
    is "a session saves and does not commit" "$(say holder "BEGIN; $(save_of 3)")" updated
    ask waiter "$(save_of 3)"
    succeeds "another one waits" holds_within 20 waits waiter
    found=$(on "$1" -c "$(sql_of 'Waiting saves')")
    ctid=$(on "$1" -c 'SELECT ctid FROM customers WHERE id = 3')
    is "the query shows who waits for whom, in which row" \
        "$(awk -F '|' -v OFS='|' '{ print $2, $4, $5, $6, $8, $9 }' <<<"$found")" \
        "waiter|Lock: transactionid|customers|$ctid|holder|idle in transaction"
    found=$(on "$1" -c "$(sql_of 'Waiting saves' 2 | sed 's/1 minute/0/')")
    is "and the other one who keeps a transaction open" "$(grep -c '|holder|idle in transaction|' <<<"$found")" 1
    say holder COMMIT
    is "the other one goes on, and is told that it was late" "$(hear waiter)" conflict
    close_session holder
    close_session waiter
}

waits() {
    [[ $(on postgres -c "SELECT wait_event_type FROM pg_stat_activity WHERE application_name = '$1'") == Lock ]]
}

# What a timeout ends did not happen, and can be sent again.
test_timeouts() {
    local save="SELECT outcome FROM crm_update_customer(4, '2001-01-01 00:00:00+00', 'won', 'Signed', 'ana')"
    on "$1" -o /dev/null -c "INSERT INTO customers (id, updated_at) VALUES (1004, '2001-01-01 00:00:00+00')"
    save=${save/\(4,/\(1004,}
    open_session holder "dbname=$1"
    open_session waiter "dbname=$1"
    say holder "BEGIN; UPDATE customers SET phone = phone WHERE id = 1004"
    is "lock_timeout ends a save that waits" "$(say waiter "SET lock_timeout = '100ms'; $save")" 'ERROR:  55P03'
    is "statement_timeout does" "$(say waiter "RESET lock_timeout; SET statement_timeout = '100ms'; $save")" 'ERROR:  57014'
    say holder ROLLBACK
    is "nothing of it was kept" "$(on "$1" -c 'SELECT count(*) FROM comments WHERE customer_id = 1004')" 0
    is "sent again, the save is applied" "$(say waiter "RESET statement_timeout; $save")" updated
    is "and sent once more it is replayed" "$(say waiter "$save")" replayed

    is "a client saves and goes to lunch" \
        "$(say holder "SET idle_in_transaction_session_timeout = '300ms'; BEGIN; $(save_of 4)")" updated
    is "idle_in_transaction_session_timeout ends its session, and others save" "$(say waiter "$(save_of 4)")" updated
    is "its save did not happen" "$(on "$1" -c 'SELECT count(*) FROM comments WHERE customer_id = 4')" 1
    close_session waiter
    close_session holder 2>/dev/null
    is "crm_verify() finds nothing" "$(on "$1" -c 'SELECT * FROM crm_verify()')" ''
}

test_bloat() {
    local found
    on "$1" -c "DO \$\$
        DECLARE
            i integer;
        BEGIN
            FOR i IN 1..200 LOOP
                PERFORM crm_update_customer(i, (SELECT updated_at FROM customers WHERE id = i), 'mailed', NULL, 'ana');
                COMMIT;
            END LOOP;
        END \$\$"
    succeeds "the statistics show every save as HOT" holds_within 20 is_hot "$1"
    found=$(on "$1" -c "$(sql_of 'Bloat')")
    is "the query shows the four tables" "$(cut -d '|' -f 1 <<<"$found" | sort)" \
        $'comments\ncustomer_history\ncustomer_locks\ncustomers'
    on "$1" -c 'CREATE INDEX in_the_way ON customers (status)' \
        -c "UPDATE customers SET status = 'written'"
    succeeds "an index on the status shows as fewer HOT updates" holds_within 20 is_less_hot "$1"
}

hot_percent() {
    on "$1" -c "$(sql_of 'Bloat')" | awk -F '|' '$1 == "customers" { print $5 }'
}

is_hot() {
    (($(on "$1" -c "SELECT n_tup_upd FROM pg_stat_user_tables WHERE relname = 'customers'") > 200)) &&
        [[ $(hot_percent "$1") =~ ^(9[5-9]|100) ]]
}

is_less_hot() {
    [[ $(hot_percent "$1") =~ ^[1-8][0-9]?\. ]]
}
