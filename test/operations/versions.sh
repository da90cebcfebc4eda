# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034 # what test/operations/run sets, and what it uses
# What later versions of PostgreSQL have, and a server of an older one has not.

test_versions() {
    test_builtin_collations
    test_io_methods
}

# PostgreSQL 17 has collations that no library of the system defines, and 18 one more.
test_builtin_collations() {
    test_builtin_collation C.UTF-8 17
    test_builtin_collation PG_UNICODE_FAST 18
}

# test_builtin_collation COLLATION SINCE
test_builtin_collation() {
    local cluster_options=(--locale-provider=builtin --builtin-locale="$1") name="collation $1"
    if ((major < $2)); then
        skips "$name" "before PostgreSQL $2"
        return
    fi
    private_server wal_level=logical max_prepared_transactions=20
    there postgres -c 'CREATE DATABASE crm' -c 'CREATE DATABASE crm_attached'
    is "$name: is the database's" "$(there crm -c "SELECT datlocprovider, coalesce(to_jsonb(d)->>'datlocale', '')
        FROM pg_database d WHERE datname = current_database()")" "b|$1"
    fill there crm
    is "$name: requests are repeated, and saves taken" "$(use_it there crm)" "$all_well"
    is "$name: every chain is unbroken" "$(violations_of there crm)" ''
    make_attached_sql | there crm_attached -o /dev/null -f -
    is "$name: a table with a key of another type" "$(use_attached_sql | there crm_attached -f -)" "$attached_is_well"
    is "$name: keys and words that differ in case alone are others" "$(
        there crm_attached -f - <<'SQL'
SET search_path = public;
CREATE TABLE places (name text PRIMARY KEY, status text);
INSERT INTO places VALUES ('Straße', 'new'), ('STRASSE', 'new'), ('straße', 'new');
\o /dev/null
SELECT crm_attach('places');
SELECT crm_update_customer_by_key('straße', updated_at, 'won', 'Groß', 'Änne') FROM places WHERE name = 'straße';
SELECT crm_add_comment_by_key('straße', word, 'Änne') FROM unnest(ARRAY['groß', 'GROSS', 'groß']) word;
\o
SELECT string_agg(name || ' ' || status, ', ' ORDER BY name COLLATE "C") FROM places;
SELECT count(*), count(DISTINCT body) FROM places_comments;
SQL
    )" $'STRASSE new, Straße new, straße won\n3|3'
    if [[ $full == yes ]]; then
        test_suites "$name"
    fi
}

# test_suites NAME: the suites regress and isolation on $server.
test_suites() {
    succeeds "$1: the suite regress" compared "$regress_program" "$regress_database" "$project" sql/*.sql
    succeeds "$1: the suite isolation" compared "$isolation_program" "$isolation_database" "$project/test/isolation" \
        "$project"/test/isolation/specs/*.spec
}

# compared PROGRAM DATABASE INPUT_DIRECTORY FILE…
compared() {
    local names=("${@:4}") output=$scratch/compared
    names=("${names[@]##*/}")
    run_pg_regress "$server" "$1" "$2" "$3" "$output" "${names[@]%.*}" || {
        cat "$output"/regression.diffs
        return 1
    }
}

# From PostgreSQL 18 on a server reads ahead by itself, by workers or io_uring. In one with few buffers that crashes in
# the middle of its work nothing is lost; and it has checksums from the start.
test_io_methods() {
    local methods method
    if ((major < 18)); then
        skips "ways of input and output" "before PostgreSQL 18"
        skips "checksums" "before PostgreSQL 18"
        return
    fi
    private_server shared_buffers=1MB max_wal_size=32MB wal_level=logical max_prepared_transactions=20
    methods=$(there postgres -c "SELECT unnest(enumvals) FROM pg_settings WHERE name = 'io_method'")
    is "sync and worker are among the ways of input and output" "$(grep -cx 'sync\|worker' <<<"$methods")" 2
    is "a new cluster has checksums" "$(there postgres -c 'SHOW data_checksums')" on
    for method in $methods; do
        echo "io_method = $method" >>"$server/data/postgresql.conf"
        if [[ $method == io_uring ]] && ! restart; then
            # Many containers forbid it; what the server says of anything else is a failure.
            is "io_method $method: the server cannot, for the kernel forbids it" \
                "$(grep -o 'could not setup io_uring queue' "$server/data/server.log" | head -n 1)" \
                'could not setup io_uring queue'
            sed -i '/^io_method = io_uring$/d' "$server/data/postgresql.conf"
            server_boot "$server"
            continue
        fi
        succeeds "io_method $method: the server starts" restart
        is "io_method $method: is used" "$(there postgres -c 'SHOW io_method')" "$method"
        test_io_method "$method"
    done
    as_server_user "$pg_bindir/pg_ctl" -D "$server/data" --wait --silent -m fast stop
    succeeds "after the crashes every checksum is right" \
        as_server_user "$pg_bindir/pg_checksums" --check -D "$server/data"
}

test_io_method() {
    there postgres -c 'DROP DATABASE IF EXISTS crm' -c 'CREATE DATABASE crm'
    fill there crm
    there crm -o /dev/null \
        -c "INSERT INTO customers (id, name) SELECT i, 'customer ' || i FROM generate_series(10001, 30000) i" \
        -c 'UPDATE customers SET phone = id'
    is "io_method $1: every chain is unbroken" "$(violations_of there crm)" ''
    is "io_method $1: requests are repeated, and saves taken" "$(use_it there crm)" "$all_well"
    if [[ $full == yes ]]; then
        test_suites "io_method $1"
    fi
    there postgres -c 'DROP DATABASE IF EXISTS crm_load' -c 'CREATE DATABASE crm_load'
    there crm_load -o /dev/null -c 'CREATE EXTENSION crm_concurrency' -c 'SELECT crm_create_tables()'
    begin_load "$hammer" 8 7 "$(server_dsn "$server" crm_load)"
    started+=("$load_pid")
    succeeds "io_method $1: a process of the server dies under load" crash
    succeeds "io_method $1: the server recovers, and the load goes on" load_goes_on 100
    check_load
    is "io_method $1: every chain is unbroken then" "$(there crm_load -c 'SELECT * FROM crm_verify()')" ''
    is "io_method $1: and what was there before is there" "$(violations_of there crm)" ''
}

# One process that is killed makes the server begin anew, from its WAL.
crash() {
    local before
    before=$(recoveries)
    kill -KILL "$(there postgres -c "SELECT pid FROM pg_stat_activity
        WHERE backend_type IN ('io worker', 'checkpointer') ORDER BY backend_type DESC LIMIT 1")" &&
        holds_within 60 has_recovered "$before"
}

has_recovered() {
    (($(recoveries) > $1))
}

recoveries() {
    grep -c 'redo done at\|redo is not required' "$server/data/server.log" || true
}
