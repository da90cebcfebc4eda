# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034 # what test/operations/run sets, and what it uses
# A disk that is full: the tables of a CRM are in a tablespace of a few MB, beside a filler that is dropped later. Nothing of
# a save that fails is there, and the same session goes on when there is room.

test_disk_full() {
    local disk message
    if ((EUID != 0)); then
        skips 'saves on a full disk' 'only root can mount a small file system'
        return
    fi
    disk=$(mktemp -d "$(temporary_root)/crm_concurrency.disk.XXXXXX")
    if ! message=$(mount -t tmpfs -o size=5m,mode=755 crm_concurrency "$disk" 2>&1); then
        rmdir "$disk"
        skips 'saves on a full disk' "mount: ${message//$'\n'/ }"
        return
    fi
    mounts+=("$disk")
    private_server autovacuum=off
    for path in auto spi; do
        fill_disk "$disk" "$path"
    done
}

# long_text SEED LENGTH: the SQL of a text that does not compress to much less; LENGTH is in 32 characters.
long_text() {
    echo "(SELECT string_agg(md5('$1 ' || i), '') FROM generate_series(1, $2) i)"
}

# What the tables of a database say, in few words.
told='SELECT updated_at, status, (SELECT count(*) FROM comments), (SELECT count(*) FROM customer_history),
    (SELECT sum(octet_length(body)) FROM comments), (SELECT max(version) FROM customer_history) FROM customers'

# fill_disk DISK ACCESS_PATH
fill_disk() {
    local disk=$1 path=$2 database=crm_operations_disk_$2 session=disk_$2 tablespace=small_$2 length before base save answer n=0
    install -d -m 700 -o "$server_user" "$disk/$path"
    there postgres -c "CREATE TABLESPACE $tablespace LOCATION '$disk/$path'" -c "CREATE DATABASE $database"
    there "$database" -c "CREATE EXTENSION crm_concurrency" -c 'SELECT crm_create_tables()' -c "
        DO \$\$
        DECLARE relation regclass;
        BEGIN
            FOR relation IN SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND
                relname IN ('customers', 'comments', 'customer_history', 'customer_locks') LOOP
                EXECUTE format('ALTER TABLE %s SET TABLESPACE $tablespace', relation);
            END LOOP;
            FOR relation IN SELECT indexrelid FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
                WHERE relnamespace = 'public'::regnamespace AND reltablespace <> 0 LOOP
                EXECUTE format('ALTER INDEX %s SET TABLESPACE $tablespace', relation);
            END LOOP;
        END \$\$" -c "CREATE TABLE filler TABLESPACE $tablespace AS SELECT repeat('x', 1000) FROM generate_series(1, 1500)" \
        -c "INSERT INTO customers (id, status) VALUES (1, 'new')" \
        -c "SELECT crm_update_customer(1, (SELECT updated_at FROM customers), 'first', $(long_text first 3000), 'ana')" >/dev/null
    # Reading sets bits of the visibility map since PostgreSQL 19, and would have to make its files when the disk is full.
    there "$database" -c 'VACUUM customers, comments, customer_history'
    is "$path: every table and index is on the small disk" \
        "$(there "$database" -c "SELECT count(*) > 8 AND bool_and(spcname = '$tablespace') FROM pg_class c
            LEFT JOIN pg_tablespace t ON t.oid = c.reltablespace
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'i') AND c.relname LIKE 'c%'
                AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.deptype IN ('e', 'i') AND d.refclassid = 'pg_extension'::regclass
                    AND d.objid = c.oid) AND c.relname NOT LIKE 'crm\\_attached%'")" t

    open_session "$session" "$(server_dsn "$server" "$database")"
    say "$session" "SET crm_concurrency.access_path = $path; SET crm_concurrency.max_comment_length = 20000000"

    # Shorter texts come to an end at other files than the long ones.
    for length in 3000 100 1; do
        answer=updated
        while [[ $answer == updated ]] && ((++n < 5000)); do
            before=$(say "$session" "$told")
            base=${before%%|*}
            save="SELECT outcome FROM crm_update_customer(1, '$base', 'step $n', $(long_text "$n" "$length"), 'ana')"
            answer=$(say "$session" "$save")
        done
        is "$path: saves with comments of $((32 * length)) characters come to the end of the disk" "$answer" 'ERROR:  53100'
        is "$path: nothing of the save that failed is there" "$(say "$session" "$told")" "$before"
        is "$path: it fails again" "$(say "$session" "$save")" 'ERROR:  53100'
        is "$path: every chain is unbroken" "$(violations_of there "$database")" ''
    done
    is "$path: a stale save fails, and its comment is not kept" \
        "$(say "$session" "SELECT outcome FROM crm_update_customer(1, '2001-01-01', 'x', $(long_text stale 3000), 'ben')")" \
        'ERROR:  53100'
    is "$path: a comment alone fails" "$(say "$session" "SELECT crm_add_comment(1, $(long_text alone 3000), 'ben')")" \
        'ERROR:  53100'
    is "$path: so does an array of saves" \
        "$(say "$session" "SELECT outcome FROM crm_update_customers(jsonb_build_array(jsonb_build_object('id', 1,
            'expected_ts', '$base', 'author', 'ben', 'comment', $(long_text many 3000))))")" 'ERROR:  53100'
    is "$path: nothing of them is there" "$(say "$session" "$told")" "$before"
    is "$path: the customer is read" \
        "$(say "$session" "SELECT (crm_get_customer(1))->'customer'->>'status' = '$(cut -d'|' -f2 <<<"$before")'")" t

    there "$database" -c 'DROP TABLE filler'
    is "$path: with room again, the session makes the save that failed" "$(say "$session" "$save")" updated
    is "$path: asked again, it is applied once" "$(say "$session" "$save")" replayed
    is "$path: there is one comment and one change more" "$(say "$session" "$told" | cut -d'|' -f3,4)" \
        "$(awk -F'|' '{ print $3 + 1 "|" $4 + 1 }' <<<"$before")"
    is "$path: the session goes on" \
        "$(say "$session" "SELECT outcome FROM crm_update_customer(1, (SELECT updated_at FROM customers), 'on',
            $(long_text on 3000), 'ana')")" updated

    # One that fails after another of its transaction.
    base=$(say "$session" 'SELECT updated_at FROM customers')
    say "$session" 'BEGIN'
    is "$path: a save in a transaction" \
        "$(say "$session" "SELECT outcome FROM crm_update_customer(1, '$base', 'kept', 'Kept', 'ana')")" updated
    before=$(say "$session" "$told")
    say "$session" 'SAVEPOINT s'
    is "$path: the next one does not fit" \
        "$(say "$session" "SELECT outcome FROM crm_update_customer(1, (SELECT updated_at FROM customers), 'x',
            $(long_text huge 300000), 'ana')")" 'ERROR:  53100'
    say "$session" 'ROLLBACK TO s; COMMIT'
    is "$path: the first one is committed alone" "$(say "$session" "$told")" "$before"
    is "$path: every chain is unbroken" "$(violations_of there "$database")" ''
    close_session "$session"
    there postgres -c "DROP DATABASE $database" -c "DROP TABLESPACE $tablespace"
}
