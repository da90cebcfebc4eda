# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034 # what test/operations/run sets, and what it uses
# DROP EXTENSION CASCADE leaves the data, and crm_attach takes it again.

test_drop() {
    test_drop_and_attach
    test_drop_under_load
}

test_drop_and_attach() {
    local database=crm_operations_drop before schema save replay
    local gone=$'ERROR:  42883' unattached=$'ERROR:  55000'
    new_database "$database"
    fill on "$database"
    # 20 is saved by the session that stays, again and again.
    save="SELECT outcome FROM crm_update_customer(20, (SELECT updated_at FROM customers WHERE id = 20), NULL, 'Called', 'ana')"
    replay="SELECT outcome, comment_id FROM crm_update_customer(6, (SELECT previous FROM customer_history
        WHERE customer_id = 6 AND author = 'eve'), 'asked', 'Asked once', 'eve')"
    open_session old "dbname=$database"
    is "a session saves" "$(say old "PREPARE save AS $save" && say old 'EXECUTE save')" updated
    say old "CREATE FUNCTION save() RETURNS text LANGUAGE plpgsql AS \$\$ BEGIN RETURN ($save); END \$\$"
    is "and by a function" "$(say old 'SELECT save()')" updated
    before=$(rows_of on "$database")
    schema=$(schema_of "$database")

    is "the extension is not dropped while it guards tables" \
        "$(on "$database" -v VERBOSITY=sqlstate -c 'DROP EXTENSION crm_concurrency')" 'ERROR:  2BP01'
    succeeds "with CASCADE it is" on "$database" -c 'DROP EXTENSION crm_concurrency CASCADE'
    is "every row is there" "$(rows_of on "$database")" "$before"
    is "and every column, index, constraint and right" "$(schema_of "$database")" "$schema"
    is "the sessions are told that the function is gone" \
        "$(
            say old "$save"
            say old 'EXECUTE save'
            say old 'SELECT save()'
        )" "$gone"$'\n'"$gone"$'\n'"$gone"
    is "the table is an ordinary one" \
        "$(say old "BEGIN; UPDATE customers SET status = 'x', updated_at = '2001-01-01 00:00:00+00' WHERE id = 20
                    RETURNING status, extract(year FROM updated_at); ROLLBACK")" 'x|2001'

    succeeds "the extension is created again" on "$database" -c 'CREATE EXTENSION crm_concurrency'
    is "the sessions are told that nothing is attached" \
        "$(
            say old "$save"
            say old 'EXECUTE save'
            say old 'SELECT save()'
        )" "$unattached"$'\n'"$unattached"$'\n'"$unattached"
    succeeds "the tables are attached again" on "$database" -c "SELECT crm_attach('customers')"
    is "every row is there" "$(rows_of on "$database")" "$before"
    is "a request from before is replayed" "$(say old "$replay")" \
        "replayed|$(on "$database" -c "SELECT comment_id FROM customer_history WHERE author = 'eve'")"
    is "the session saves" "$(
        say old "$save"
        say old 'EXECUTE save'
        say old 'SELECT save()'
    )" $'updated\nupdated\nupdated'
    is "it replays an old request and takes new saves" "$(use_it on "$database")" "$all_well"
    is "every chain is unbroken" "$(violations_of on "$database")" ''
    is "crm_doctor() finds nothing missing" \
        "$(on "$database" -c "SELECT * FROM crm_doctor() WHERE status <> 'ok' AND check_name NOT IN ('settings', 'clock')")" ''
    close_session old
    on postgres -c "DROP DATABASE $database"
}

# What of the tables is not the extension's.
schema_of() {
    pg_dump --schema-only -t customers -t comments -t customer_history -t customer_locks "$1" |
        grep -vE '^(--|CREATE TRIGGER |\\(un)?restrict |$)'
}

# Sessions save all the time while the extension goes and comes.
test_drop_under_load() {
    local database=crm_operations_drop i name before states drop told
    drop=$(sql_of 'Dropping the extension')
    new_database "$database"
    on "$database" -o /dev/null -c 'CREATE EXTENSION crm_concurrency' -c 'SELECT crm_create_tables()' \
        -c "INSERT INTO customers (id) SELECT generate_series(1, 3)" -c 'CREATE TABLE answers (answer text)' \
        -c 'CREATE TABLE over ()'
    for name in one two three; do
        open_session "$name" "dbname=$database"
        ask "$name" "DO \$\$
DECLARE
    base timestamptz;
    answered text;
BEGIN
    WHILE to_regclass('over') IS NOT NULL LOOP
        -- in a transaction before, so that the call itself is the first to wait for the DROP
        SELECT updated_at INTO base FROM customers WHERE id = 1;
        COMMIT;
        BEGIN
            SELECT outcome INTO answered FROM crm_update_customer(1, base, NULL, gen_random_uuid()::text, '$name');
        EXCEPTION WHEN OTHERS THEN
            answered := SQLSTATE || ' ' || SQLERRM;
        END;
        INSERT INTO answers VALUES (answered);
        COMMIT;
    END LOOP;
END \$\$"
    done
    for i in 1 2 3 4 5; do
        before=$(on "$database" -c "SELECT count(*) FROM customer_history WHERE author IS NOT NULL")
        succeeds "cycle $i: saves go on" holds_within 30 saved_since "$database" "$before"
        succeeds "cycle $i: the extension is dropped" on "$database" -c "$drop"
        succeeds "cycle $i: created" on "$database" -c 'CREATE EXTENSION crm_concurrency'
        succeeds "cycle $i: the tables are attached" on "$database" -c "SELECT crm_attach('customers')"
    done
    told=$(times_told "$database")
    succeeds "all three in one transaction" on "$database" -c "${drop%COMMIT;}" -c 'CREATE EXTENSION crm_concurrency' \
        -c "SELECT crm_attach('customers')" -c COMMIT
    before=$(on "$database" -c "SELECT count(*) FROM customer_history WHERE author IS NOT NULL")
    succeeds "saves go on" holds_within 30 saved_since "$database" "$before"
    on "$database" -c 'DROP TABLE over'
    for name in one two three; do
        is "session $name goes on to the end" "$(hear "$name")" ''
        close_session "$name"
    done
    # PostgreSQL itself says that the type of the function's result is gone, to who has just begun to look it up.
    states=$(on "$database" -c "SELECT DISTINCT answer FROM answers WHERE answer NOT IN ('updated', 'conflict')
        AND answer !~ '^(42883 |55000 |XX000 could not open relation with OID|XX000 cache lookup failed for type)'")
    is "they are told of what is gone, and of nothing else" "$states" ''
    is "they are told so" "$((told > 0))" 1
    is "where all is one transaction, only those who wait for it are" \
        "$(($(times_told "$database") <= told + 3))" 1
    is "every chain is unbroken" "$(violations_of on "$database")" ''
    on postgres -c "DROP DATABASE $database"
}

times_told() {
    on "$1" -c "SELECT count(*) FROM answers WHERE answer ~ '^(42883|55000) '"
}

saved_since() {
    (($(on "$1" -c "SELECT count(*) FROM customer_history WHERE author IS NOT NULL") > $2 + 20))
}
