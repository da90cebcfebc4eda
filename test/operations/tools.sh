# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034 # what test/operations/run sets, and what it uses
# What doc/operations.md says of other tools, each beside saves that go on, and with its own result. pgaudit is in the suite audit,
# PgBouncer in the part pgbouncer.

test_tools() {
    local preloaded=() tool
    for tool in pg_stat_statements auto_explain pg_cron; do
        if has_library "$tool"; then
            preloaded+=("$tool")
        fi
    done
    private_server wal_level=logical shared_preload_libraries="$(IFS=, && echo "${preloaded[*]}")"
    there postgres -c 'CREATE DATABASE crm'
    fill there crm
    with_tool pg_stat_statements test_statement_statistics
    with_tool auto_explain test_auto_explain
    with_tool hypopg test_hypopg
    with_tool wal2json test_wal2json
    with_tool pg_partman_bgw test_partman
    with_tool pg_repack test_repack
    is "beside all of them: crm_verify() finds nothing" "$(violations_of there crm)" ''
    with_tool pg_cron test_cron
    # Where it is preloaded, DROP DATABASE waits for ever: the server ends with its databases.
    with_tool pglogical test_pglogical
}

has_library() {
    [[ -e $pg_pkglibdir/$1.so ]]
}

# with_tool LIBRARY COMMAND…
with_tool() {
    if has_library "$1"; then
        "${@:2}"
    else
        skips "$1" "it is not installed"
    fi
}

# tool_is EXTENSION [SCHEMA]: makes it, and tells which it is.
tool_is() {
    there crm -c "CREATE EXTENSION $1 ${2:+SCHEMA $2}" && printf '# %s %s\n' "$1" \
        "$(there crm -c "SELECT extversion FROM pg_extension WHERE extname = '$1'")"
}

# a_save STATUS [COMMENT]: of customer 7, as one column.
a_save() {
    echo "SELECT outcome FROM crm_update_customer(7, (SELECT updated_at FROM customers WHERE id = 7), '$1', ${2:-NULL}, 'ana')"
}

# by PATH SQL…: runs it in one session on an access path.
by() {
    local commands=() command
    for command in "${@:2}"; do
        commands+=(-c "$command")
    done
    there crm -c "SET crm_concurrency.access_path = $1" "${commands[@]}"
}

problems="SELECT check_name, finding FROM crm_doctor() WHERE status <> 'ok' AND check_name NOT IN ('settings', 'clock')"

# pg_stat_statements --------------------------------------------------------------------------------------------------

test_statement_statistics() {
    local path
    tool_is pg_stat_statements
    for path in auto spi; do
        there crm -o /dev/null -c 'SELECT pg_stat_statements_reset()'
        is "$path: a save is answered" \
            "$(by "$path" "SET pg_stat_statements.track = 'all'" "$(a_save "counted by $path" "'Words of $path'")")" updated
        is "$path: pg_stat_statements has the call, once, with what it wrote, and without its words" \
            "$(there crm -c "SELECT calls, rows, wal_records >= 3, query !~ 'Words' FROM pg_stat_statements
                WHERE toplevel AND query LIKE 'SELECT outcome FROM crm_update_customer(%'")" '1|1|t|t'
    done
    is "spi: with track = all, the statements that write the rows of a save are there too" "$(nested_writes)" \
        $'INSERT INTO public.comments|1|1\nINSERT INTO public.customer_history|1|1\nUPDATE public.customers|1|1'
    there crm -o /dev/null -c 'SELECT pg_stat_statements_reset()'
    is "auto: a save has none" "$(
        by auto "SET pg_stat_statements.track = 'all'" "$(a_save 'counted again' "'More words'")"
        there crm -c 'SELECT query FROM pg_stat_statements WHERE NOT toplevel'
    )" updated
}

nested_writes() {
    there crm -c "SELECT substring(query FROM '^(?:INSERT INTO|UPDATE) [a-z_.]+') AS writes, calls, rows FROM pg_stat_statements
        WHERE NOT toplevel AND query ~ '^(INSERT|UPDATE|DELETE)' ORDER BY writes"
}

# auto_explain --------------------------------------------------------------------------------------------------------

test_auto_explain() {
    local path plans
    for path in auto spi; do
        plans=$(
            PGOPTIONS='-c client_min_messages=notice' sql "$server" crm -At -c "SET crm_concurrency.access_path = $path" \
                -c 'SET auto_explain.log_nested_statements = on' -c 'SET auto_explain.log_analyze = on' \
                -c 'SET auto_explain.log_triggers = on' -c 'SET auto_explain.log_verbose = on' \
                -c 'SET auto_explain.log_level = notice' -c 'SET auto_explain.log_min_duration = 0' \
                -c "$(a_save "explained on $path" "'Words in a plan'")" -c "$(a_save "explained on $path")" 2>&1
        )
        is "$path: a save under auto_explain is answered as ever" "$(grep -cxE 'updated|unchanged' <<<"$plans")" 2
        is "$path: the plan of the call has its words" "$(grep -c "^Query Text: .*'Words in a plan'" <<<"$plans")" 1
        is "$path: auto_explain logs the UPDATE within a save" "$(grep -c '^Query Text: UPDATE public.customers ' <<<"$plans")" \
            "$(if [[ $path == spi ]]; then echo 1; else echo 0; fi)"
    done
}

# hypopg --------------------------------------------------------------------------------------------------------------

test_hypopg() {
    local path plans
    tool_is hypopg
    there crm -c 'ANALYZE customer_history, customers, comments'
    for path in auto spi; do
        plans=$(by "$path" 'SET enable_seqscan = off' \
            "SELECT count(*) FROM hypopg_create_index('CREATE INDEX ON customer_history (author)')" \
            "SELECT count(*) FROM hypopg_create_index('CREATE INDEX ON customers (status)')" \
            "EXPLAIN SELECT * FROM customer_history WHERE author = 'nobody'" \
            "EXPLAIN SELECT * FROM customers WHERE status = 'none'" \
            "$(a_save "supposed on $path" "'Said there'")" "EXPLAIN (ANALYZE) $(a_save 'x')" "$(a_save "supposed again on $path")" \
            "$problems")
        is "$path: queries of history and customers would use indexes that are not there" \
            "$(grep -oE 'btree_customer_history_author|btree_customers_status' <<<"$plans" | sort -u)" \
            $'btree_customer_history_author\nbtree_customers_status'
        is "$path: saves of that session are answered, and crm_doctor() finds nothing" \
            "$(grep -vE '^( |1$|Index|Bitmap|Function|Planning|Execution)' <<<"$plans")" $'updated\nupdated'
    done
}

# wal2json ------------------------------------------------------------------------------------------------------------

test_wal2json() {
    local path decoded
    printf '# wal2json\n'
    allow_plugin wal2json
    there crm -o /dev/null -c "SELECT pg_create_logical_replication_slot('tool', 'wal2json')"
    for path in auto spi; do
        is "$path: a save, one that is refused, and one that is rolled back" \
            "$(by "$path" "SET crm_concurrency.events = logical" "$(a_save "decoded on $path" "'Said on $path'")" \
                "SELECT outcome FROM crm_update_customer(7, '2001-01-01', 'x', 'Refused on $path', 'ben')" \
                BEGIN "$(a_save 'never' "'Never said'")" ROLLBACK)" $'updated\nconflict\nupdated'
        decoded=$(there crm -c "SELECT xid, data FROM pg_logical_slot_get_changes('tool', NULL, NULL, 'format-version', '2')")
        is "$path: wal2json has each in one transaction: the rows, and the events as messages" "$(changes_of "$decoded")" \
            "1 B
1 I comments Said on $path
1 M comment
1 U customers decoded on $path
1 I customer_history decoded on $path
1 M version
1 C
2 B
2 I comments Refused on $path
2 M comment
2 C"
    done
    there crm -o /dev/null -c "SELECT pg_drop_replication_slot('tool')"
}

# allow_plugin LIBRARY: lets it decode, where the server has a list of those that may.
allow_plugin() {
    if [[ -z $(there postgres -c "SELECT name FROM pg_settings WHERE name = 'output_plugin_libraries'") ]]; then
        return
    fi
    is "the server refuses $1, which it does not list" \
        "$(there postgres -v VERBOSITY=sqlstate -c "SELECT pg_create_logical_replication_slot('tool', '$1')")" 'ERROR:  42501'
    there postgres -o /dev/null -c "ALTER SYSTEM SET output_plugin_libraries = 'pgoutput', 'test_decoding', '$1'" \
        -c 'SELECT pg_reload_conf()'
    succeeds "it lists $1" holds_within 20 plugin_is_listed "$1"
}

plugin_is_listed() {
    [[ $(there postgres -c 'SHOW output_plugin_libraries') == *"$1"* ]]
}

# changes_of DECODED: the number of the transaction and what wal2json says of each change.
changes_of() {
    local xid json last='' number=0
    while IFS='|' read -r xid json; do
        if [[ $xid != "$last" ]]; then
            last=$xid
            number=$((number + 1))
        fi
        jq -r --arg number "$number" '
            def value($name): .columns[] | select(.name == $name).value;
            [$number, .action] +
            if .action == "M" then [.content | fromjson.event]
            elif .table == "comments" then [.table, value("body")]
            elif .table == "customers" then [.table, value("status")]
            elif .table == "customer_history" then [.table, value("status_to")]
            else [.table // empty] end | join(" ")' <<<"$json"
    done <<<"$1"
}

# pg_partman ----------------------------------------------------------------------------------------------------------

test_partman() {
    local type=native number archive
    there crm -c 'CREATE SCHEMA partman'
    tool_is pg_partman partman
    if [[ $(there crm -c "SELECT extversion FROM pg_extension WHERE extname = 'pg_partman'") != 4.* ]]; then
        type=range
    fi
    archive=$(sql_of 'Beside other tools' 2)
    there crm -o /dev/null -c "${archive/native/$type}"
    is "pg_partman makes an archive of the history, which has every row, each in the partition of its month" \
        "$(there crm -c "SELECT count(*) FILTER (WHERE a IS NULL), count(*) FILTER (WHERE a.tableoid = to_regclass('history_archive_default'))
            FROM customer_history h LEFT JOIN history_archive a USING (customer_id, version)
            WHERE version < now() - interval '1 second'")" '0|0'
    is "an erasure does not reach it" "$(there crm -c "SELECT (crm_erase_customer(30) -> 'history')::int > 0" \
        -c "SELECT count(*) > 0 FROM history_archive WHERE customer_id = 30 AND fields::text LIKE '%555-30%'")" $'t\nt'
    there crm -c "UPDATE partman.part_config SET retention = '0 months', retention_keep_table = false"
    number=$(archived_months)
    succeeds "pg_partman's maintenance is done" there crm -c "SELECT partman.run_maintenance('public.history_archive')"
    is "which removes old partitions, of those that it made" "$((1 < $(archived_months) && $(archived_months) < number))" 1
    is "and saves go on" "$(there crm -c "$(a_save 'archived')")" updated

    is "a partitioned table is not attached" \
        "$(there crm -v VERBOSITY=verbose -c "SELECT crm_attach('history_archive')" | head -n 2)" \
        'ERROR:  42809: cannot attach "history_archive": it is a partitioned table
DETAIL:  The triggers that guard customers see every write only in an ordinary, logged table that stands alone.'
    is "nor taken for the history of one" \
        "$(there crm -v VERBOSITY=verbose -c 'CREATE TABLE deals (id bigint PRIMARY KEY, status text)' \
            -c "SELECT crm_attach('deals', history => 'history_archive')" | head -n 3)" \
        'ERROR:  42P07: relation "history_archive" already exists and is not of these customers
DETAIL:  It is no ordinary table. Nothing was attached.
HINT:  Name another table: crm_attach(..., history => ...).'
    there crm -c 'DROP TABLE deals'
    if [[ $type == native ]]; then
        test_trigger_partitions
    fi
    there crm -c 'DROP EXTENSION pg_partman' -c 'DROP SCHEMA partman CASCADE' -c 'DROP TABLE history_archive'
}

# The partitions that pg_partman 4 makes of an ordinary table by a trigger.
test_trigger_partitions() {
    local table path
    for table in customer_history:version comments:created_at; do
        for path in auto spi; do
            is "$path: with ${table%:*} partitioned by a trigger, a save is refused" \
                "$(there crm -v VERBOSITY=verbose -c "SET crm_concurrency.access_path = $path" -c BEGIN \
                    -o /dev/null -c "SELECT partman.create_parent('public.${table%:*}', '${table#*:}', 'partman', 'monthly')" \
                    -c "$(a_save 'x' "'Lost'")" | head -n 2)" \
                "ERROR:  09000: another trigger or rule suppressed a write to \"${table%:*}\" for key 7
DETAIL:  Nothing was saved."
        done
    done
    is "with the customers partitioned, crm_doctor() names each partition" \
        "$(there crm -c BEGIN -c "DO \$\$ BEGIN PERFORM partman.create_parent('public.customers', 'updated_at', 'partman', 'monthly'); END \$\$" \
            -c "SELECT count(*) > 3, count(*) - count(DISTINCT finding)
                FROM pg_inherits LEFT JOIN (SELECT * FROM crm_doctor()) d ON d.check_name = 'attached_tables'
                    AND d.finding = format('rows of public.%s, which inherits from public.customers, are not guarded', inhrelid::regclass)
                WHERE inhparent = 'customers'::regclass" -c ROLLBACK)" 't|0'
}

archived_months() {
    there crm -c "SELECT count(*) FROM pg_inherits WHERE inhparent = 'history_archive'::regclass"
}

# pg_repack -----------------------------------------------------------------------------------------------------------

# repack [OPTION…]
repack() {
    as_client "$(command -v pg_repack)" --dbname=crm --no-order "$@" 2>&1
}

# as_client COMMAND…: with $server in the PG* variables.
as_client() {
    PGHOST=$server/socket PGPORT=$(server_port "$server") PGUSER=postgres "$@"
}

repacked=(customers comments customer_history)

test_repack() {
    local path rows registry triggers
    tool_is pg_repack
    # The guard of other tables must not be in its way.
    there crm -c 'CREATE EVENT TRIGGER crm_guard ON sql_drop EXECUTE FUNCTION crm_refuse_drop()'
    for path in auto spi; do
        open_session "kept_$path" "$(server_dsn "$server" crm)"
        say "kept_$path" "SET crm_concurrency.access_path = $path;
            PREPARE save AS SELECT outcome FROM crm_update_customer(8, (SELECT updated_at FROM customers WHERE id = 8), NULL,
                clock_timestamp()::text, 'ana');
            PREPARE read AS SELECT count(*) FROM customer_history h JOIN comments c ON c.customer_id = h.customer_id
                AND c.id = h.comment_id WHERE h.customer_id = 8 AND h.author = 'ana'"
    done
    for path in 1 2 3 4 5 6; do
        kept_sessions_save >/dev/null
    done

    rows=$(rows_of there crm)
    registry=$(there crm -c 'SELECT t, t.customers::oid FROM crm_attached_tables t')
    triggers=$(guards)
    is "pg_repack rewrites every table of the extension" \
        "$(files >"$scratch/before" && repack "${all_tables[@]/#/--table=}" >"$scratch/repack" && files | sort - "$scratch/before" | uniq -d)" ''
    is "every row is there" "$(rows_of there crm)" "$rows"
    is "the registry is as it was" "$(there crm -c 'SELECT t, t.customers::oid FROM crm_attached_tables t')" "$registry"
    is "so are the triggers and the statistics objects" "$(guards)" "$triggers"
    is "crm_doctor() finds nothing" "$(there crm -c "$problems")" ''
    is "sessions that were open save as before" "$(kept_sessions_save)" "$(kept_answers 7)"
    test_repack_at_work
    test_repack_under_load
    test_repack_waits
    close_session kept_auto
    close_session kept_spi
    there crm -c 'DROP EVENT TRIGGER crm_guard' -c 'DROP EXTENSION pg_repack'
}

all_tables=(customers comments customer_history customer_locks customer_deletions comment_edits customer_refused_saves
    crm_attached_tables)

files() {
    local table
    for table in "${all_tables[@]}"; do
        there crm -c "SELECT '$table', pg_relation_filenode('$table')"
    done
}

guards() {
    there crm -c "SELECT tgrelid::regclass, tgname, tgfoid::regproc, tgenabled, pg_get_triggerdef(oid) FROM pg_trigger
        WHERE NOT tgisinternal ORDER BY 1, 2" -c 'SELECT stxrelid::regclass, stxname, stxkeys FROM pg_statistic_ext ORDER BY 1, 2'
}

# Each session saves and reads by its prepared statements.
kept_sessions_save() {
    say kept_auto 'EXECUTE save; EXECUTE read'
    say kept_spi 'EXECUTE save; EXECUTE read'
}

# kept_answers TIMES: what they say the last of so many times.
kept_answers() {
    printf 'updated\n%d\nupdated\n%d\n' $((2 * $1 - 1)) $((2 * $1))
}

# While pg_repack has copied a table, and waits for a transaction that began before, its own trigger is on the table.
test_repack_at_work() {
    local table path expected status
    for table in "${repacked[@]}"; do
        open_session earlier "$(server_dsn "$server" crm)"
        say earlier 'BEGIN; SELECT pg_current_xact_id()' >/dev/null
        repack --table="$table" >"$scratch/repack" &
        started+=($!)
        succeeds "pg_repack is at work on $table" holds_within 60 is_being_repacked "$table"
        for path in auto spi; do
            is "$path: beside it calls and plain writes are answered as ever, and crm_doctor() finds nothing" \
                "$(by "$path" "$(a_save "beside $table, $path" "'Said on $path'")" \
                    "SELECT outcome FROM crm_update_customer(7, '2001-01-01', 'x', 'Refused beside $table, $path', 'ben')" \
                    "SELECT outcome FROM crm_delete_customer(9, (SELECT updated_at FROM customers WHERE id = 9), 'Bye', 'ana')" \
                    "SELECT outcome FROM crm_restore_customer(9, 'ana')" \
                    "UPDATE customers SET phone = '$table' || id WHERE id BETWEEN 10 AND 20" \
                    "SELECT crm_prune_history('10 years')" "$problems")" \
                $'updated\nconflict\ndeleted\nrestored\n0'
        done
        say earlier COMMIT
        close_session earlier
        status=0
        wait "${started[-1]}" || status=$?
        unset 'started[-1]'
        is "it ends, and tells of nothing but its waiting" "$status$(grep -vE '^(INFO: repacking|NOTICE: Waiting)' "$scratch/repack")" 0
        is "nothing of it is left on $table" "$(there crm -c "SELECT tgname FROM pg_trigger WHERE tgname = 'repack_trigger'")" ''
        is "every chain is unbroken" "$(violations_of there crm)" ''
    done
    expected=$(printf '%s\n' "${repacked[@]/%/, auto}" "${repacked[@]/%/, spi}" | sed 's/^/beside /' | sort)
    is "each of these saves is there" \
        "$(there crm -c "SELECT status_to FROM customer_history WHERE customer_id = 7 AND status_to LIKE 'beside %' ORDER BY 1")" "$expected"
    is "and each comment that was refused" "$(there crm -c "SELECT count(*) FROM comments WHERE body LIKE 'Refused beside %'")" 6
}

is_being_repacked() {
    [[ -n $(there crm -c "SELECT 1 FROM pg_trigger WHERE tgname = 'repack_trigger' AND tgrelid = '$1'::regclass") ]]
}

test_repack_under_load() {
    local table
    begin_load "$hammer" 8 11 "$(server_dsn "$server" crm)"
    for table in "${repacked[@]}"; do
        succeeds "pg_repack rewrites $table under load" repack --table="$table"
        succeeds "saves go on" load_goes_on 20
    done
    succeeds "pg_repack rewrites indexes under load" repack --table=customers --only-indexes
    succeeds "saves go on" load_goes_on 20
    check_load_alone
    is "sessions that were open save as before" "$(kept_sessions_save)" "$(kept_answers 8)"
}

# pg_repack wants its locks: of sessions that keep it waiting it ends the transactions, unless it is told not to.
test_repack_waits() {
    open_session holder "$(server_dsn "$server" crm)"
    is "a session saves and does not commit" "$(say holder "BEGIN; $(a_save 'held')")" updated
    matches "with --no-kill-backend pg_repack leaves the table alone" \
        "$(repack --table=customers --wait-timeout=1 --no-kill-backend)" 'Skipping repack public.customers due to timeout'
    is "and the save is committed" "$(say holder "COMMIT; SELECT status FROM customers WHERE id = 7")" held
    is "a session saves and does not commit" "$(say holder "BEGIN; $(a_save 'held again')")" updated
    succeeds "without it pg_repack does its work" repack --table=customers --wait-timeout=1
    close_session holder 2>/dev/null
    is "and the save is not there" "$(there crm -c 'SELECT status FROM customers WHERE id = 7')" held
}

# pg_cron -------------------------------------------------------------------------------------------------------------

test_cron() {
    local job
    printf '%s\n' "cron.database_name = 'crm'" 'cron.use_background_workers = on' >>"$server/data/postgresql.conf"
    restart
    tool_is pg_cron
    there crm -o /dev/null <<'SQL'
CREATE ROLE crm_owner LOGIN;
CREATE ROLE clerk LOGIN;
CREATE SCHEMA app AUTHORIZATION crm_owner;
ALTER ROLE crm_owner SET search_path = app, public;
ALTER ROLE clerk SET search_path = app, public;
GRANT USAGE ON SCHEMA app, cron TO clerk;
SET ROLE crm_owner;
SET search_path = app, public;
SELECT crm_create_tables('app');
INSERT INTO customers (id, updated_at) SELECT i, '2019-01-01' FROM generate_series(1, 30) i;
UPDATE customers SET phone = '1', updated_at = '2019-02-01';
UPDATE customers SET phone = '2';
UPDATE customer_history SET recorded_at = version;
SQL
    there crm -o /dev/null <<<"GRANT USAGE ON SCHEMA cron TO crm_owner; SET ROLE crm_owner; $(sql_of 'Beside other tools')"
    there crm -o /dev/null -c 'SET ROLE clerk' -c "SELECT cron.schedule('clerk', '@reboot', \$\$SELECT crm_prune_history('2 years')\$\$)"
    is "the job is its owner's" \
        "$(there crm -c "SELECT username, database, schedule FROM cron.job WHERE jobname = 'crm_prune_history'")" 'crm_owner|crm|30 3 * * *'
    # No test waits for the night.
    there crm -o /dev/null -c "UPDATE cron.job SET schedule = '@reboot'"
    restart
    succeeds "both jobs are run" holds_within 30 jobs_have_run
    is "the owner's prunes, in batches until nothing is left to prune" \
        "$(there crm -c "SELECT status FROM cron.job_run_details WHERE username = 'crm_owner'" \
            -c 'SELECT count(*), count(*) FILTER (WHERE earlier_pruned) FROM app.customer_history')" $'succeeded\n30|30'
    is "another role's does not, and is told so" \
        "$(there crm -c "SELECT status, return_message FROM cron.job_run_details WHERE username = 'clerk'" | head -n 1)" \
        'failed|ERROR: must be owner of table customer_history'
    is "every chain is unbroken" "$(there crm -c 'SET search_path = app, public' -c 'SELECT * FROM crm_verify()')" ''
    is "and saves go on" \
        "$(there crm -c 'SET search_path = app, public' \
            -c "SELECT outcome FROM crm_update_customer(7, (SELECT updated_at FROM customers WHERE id = 7), 'x', NULL, 'ana')")" updated
}

jobs_have_run() {
    [[ $(there crm -c "SELECT count(*) FROM cron.job_run_details WHERE status IN ('succeeded', 'failed')") == 2 ]]
}

# pglogical -----------------------------------------------------------------------------------------------------------

test_pglogical() {
    local database provider subscriber tables
    private_server wal_level=logical shared_preload_libraries=pglogical max_worker_processes=20
    allow_plugin pglogical_output
    for database in provider crm; do
        there postgres -c "CREATE DATABASE $database"
        there "$database" -o /dev/null -c 'CREATE EXTENSION pglogical' -c 'CREATE EXTENSION crm_concurrency' \
            -c "SELECT pglogical.create_node('$database', '$(server_dsn "$server" "$database")')"
    done
    printf '# pglogical %s\n' "$(there crm -c "SELECT extversion FROM pg_extension WHERE extname = 'pglogical'")"
    there provider -f "$dump/source.sql"
    there crm -o /dev/null -c 'SELECT crm_create_tables()'
    there provider -o /dev/null -c "SELECT pglogical.replication_set_add_table('default', name::regclass)
        FROM unnest(ARRAY['customers', 'comments', 'customer_history', 'customer_locks']) name"
    there crm -o /dev/null -c "SELECT pglogical.create_subscription('crm', '$(server_dsn "$server" provider)')" \
        -c "SET statement_timeout = '60s'" -c "SELECT pglogical.wait_for_subscription_sync_complete('crm')"
    succeeds "the provider works under load" "$hammer" --dsn "$(server_dsn "$server" provider)" --mode mixed --users 8 \
        --customers 20 --seconds 1 --seed 12
    everything_has_come
    is "pglogical's subscriber has every row of the provider" "$(rows_of there crm)" "$(rows_of there provider)"
    is "and finds every chain unbroken" "$(violations_of there crm)" ''
    is "crm_doctor() finds nothing there" "$(there crm -c "$problems")" ''

    # The extension's triggers do not fire there; others do where they are enabled so.
    there crm -f "$here/triggers_of_others.sql"
    is "the provider saves" "$(there provider -c "$(a_save 'there')")" updated
    everything_has_come
    is "of triggers of others, the subscriber fires those for replicas, and those that always fire" \
        "$(there crm -c 'SELECT name FROM fired ORDER BY name')" $'as_always\nas_replica'
    is "which crm_doctor() says nothing of" "$(there crm -c "$problems")" ''

    is "the subscriber takes a save of its own" "$(there crm -c "$(a_save 'here')")" updated
    is "so does the provider" "$(there provider -c "$(a_save 'there again')")" updated
    everything_has_come
    is "the provider's takes its place" "$(there crm -c 'SELECT status FROM customers WHERE id = 7')" 'there again'
    is "and crm_verify() tells that two have written" \
        "$(there crm -c 'SELECT DISTINCT customer, invariant FROM crm_verify() ORDER BY invariant')" $'7|one_chain\n7|one_successor'
}

everything_has_come() {
    there provider -o /dev/null -c "SET statement_timeout = '60s'" -c 'SELECT pglogical.wait_slot_confirm_lsn(NULL, NULL)'
}
