# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034 # what test/operations/run sets, and what it uses
# pg_upgrade to a new cluster, of the same version or from an older one: nothing is to be repaired.

test_upgrade() {
    local mode checksums
    with_older private_server shared_preload_libraries=crm_concurrency
    with_older copy_programs
    if [[ -n $from ]]; then
        quietly with_build_lock module build_module
        quietly with_build_lock module install_tree "$server/tree"
        copy_programs
    fi
    printf '# from PostgreSQL %s to %s\n' "$(there postgres -c 'SHOW server_version')" "$("$PG_CONFIG" --version)"
    there postgres -c 'CREATE DATABASE crm' -c 'CREATE DATABASE crm_attached'
    fill there crm
    # Its tables have other numbers than those that a new cluster would give, and one is renamed.
    there crm -o /dev/null -c 'CREATE SCHEMA gone' -c "SELECT crm_create_tables('gone')" -c 'DROP SCHEMA gone CASCADE' \
        -c 'CREATE SCHEMA second' -c "SELECT crm_create_tables('second')" -c "INSERT INTO second.customers DEFAULT VALUES" \
        -c 'ALTER TABLE second.customers RENAME TO clients'
    make_attached_sql | there crm_attached -o /dev/null -f -
    facts >"$scratch/facts"
    complaints >"$scratch/complaints"
    checksums=$(there postgres -c 'SHOW data_checksums')

    succeeds "the server stops" stop_older
    test_refused_upgrades
    for mode in $(modes); do
        if [[ $mode == --clone ]] && ! cp --reflink=always "$server/data/PG_VERSION" "$server/clone" 2>/dev/null; then
            skips "--clone: pg_upgrade" "this file system clones no files"
        else
            check_upgrade "$mode"
        fi
    done
}

# How pg_upgrade can take the files over. --copy is the default, and the name of an option from 16 on alone.
modes() {
    local help mode
    help=$("$pg_bindir/pg_upgrade" --help)
    if [[ $full == yes ]]; then
        echo --copy
        for mode in --clone --copy-file-range --swap; do
            [[ $help != *"$mode "* ]] || echo "$mode"
        done
    fi
    echo --link
}

# check_upgrade MODE: upgrades a copy of the old cluster to a new one, and uses that.
check_upgrade() {
    cp -a "$server/data" "$server/kept"
    succeeds "$1: a new cluster is made" make_cluster
    succeeds "$1: pg_upgrade" upgrade "$1"
    succeeds "$1: the new cluster starts" start_new
    is "$1: registry, tables, sequences and what readers see are the same" "$(facts)" "$(<"$scratch/facts")"
    is "$1: crm_doctor() and crm_verify() say what they said before" "$(complaints)" "$(<"$scratch/complaints")"
    is "$1: every chain is unbroken" "$(violations_of there crm)" ''
    is "$1: the upgrade is no change of a customer" \
        "$(there crm -c "SELECT count(*) FROM customer_history WHERE recorded_at > '$(<"$scratch/stopped")'")" 0
    # pg_upgrade takes the statistics of columns along since PostgreSQL 18.
    is "$1: what the planner knows of the tables" "$(analyzed_tables)" "$( ((major < 18)) || echo "$all_analyzed")"
    succeeds "$1: vacuumdb makes what is missing" analyze_all
    is "$1: and knows all then" "$(analyzed_tables)" "$all_analyzed"

    is "$1: it replays an old request and takes new saves" "$(use_it there crm)" "$all_well"
    is "$1: every chain is unbroken then" "$(violations_of there crm)" ''
    is "$1: a second CRM in the database works" \
        "$(there crm -c 'SET search_path = second, public' -c "SELECT outcome FROM crm_update_customer(1,
            (SELECT updated_at FROM clients), 'x', 'After', 'ana')")" updated
    is "$1: an attached table of another shape works" "$(use_attached_sql | there crm_attached -f -)" \
        "$attached_is_well"
    is "$1: the preloaded library counts" \
        "$(there crm -c "SELECT replayed, comments_adopted FROM crm_stat WHERE datname = 'crm'")" '1|1'
    succeeds "$1: the old cluster is in its place again" use_old
}

# What must be the same: rows, the registry with the numbers of its tables, sequences, edit locks, and what readers see.
facts() {
    rows_of there crm
    there crm -c 'SELECT customers::oid, comments::oid, history::oid, locks::oid, a.* FROM crm_attached_tables a
            ORDER BY attached_at' \
        -c 'SELECT oid, oid::regclass FROM pg_class WHERE oid IN (SELECT unnest(ARRAY[customers, comments, history, locks])
            FROM crm_attached_tables) ORDER BY 1' \
        -c "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public' ORDER BY 1" \
        -c "SELECT 'read: ' || md5(string_agg(crm_get_customer(id)::text, '' ORDER BY id)) FROM customers" \
        -c "SELECT 'timelines: ' || md5(string_agg(t::text, '' ORDER BY c.id, t::text))
            FROM customers c, crm_timeline(c.id) t" \
        -c "SELECT 'kept: ' || id FROM comments WHERE save_refused ORDER BY id" \
        -c "SELECT 'replies: ' || count(*) FROM comments WHERE reply_to IS NOT NULL"
    there crm_attached -c 'SELECT * FROM crm_locks' -c 'SELECT * FROM "My CRM"."Past" ORDER BY version'
}

# The tests' server runs without fsync.
complaints() {
    local database
    for database in crm crm_attached; do
        there "$database" -c 'SET search_path = "My CRM", public' \
            -c "SELECT check_name, status, finding FROM crm_doctor()
                WHERE status <> 'ok' AND check_name NOT IN ('settings', 'clock') ORDER BY 1, 3" \
            -c 'SELECT * FROM crm_verify()'
    done
}

all_analyzed='comments
customer_history
customers'

analyzed_tables() {
    there crm -c "SELECT DISTINCT tablename FROM pg_stats
        WHERE schemaname = 'public' AND tablename IN ('customers', 'comments', 'customer_history') ORDER BY 1"
}

analyze_all() {
    local options=(--all --analyze-only)
    if ((major >= 18)); then
        options+=(--missing-stats-only)
    fi
    quietly "$pg_bindir/vacuumdb" --maintenance-db="$(server_dsn "$server" postgres)" "${options[@]}"
}

stop_older() {
    there crm -o /dev/null -c ANALYZE
    there crm -c 'SELECT clock_timestamp()' >"$scratch/stopped"
    quietly as_server_user "$pg_bindir/pg_ctl" -D "$server/data" --wait -m fast stop
}

# A cluster beside the other one, where the server's user may write; without checksums if the other has none.
make_cluster() {
    local options=()
    if needs_no_checksums; then
        options=(--no-data-checksums)
    fi
    rm -rf "$server/socket/new"
    new_cluster "${options[@]}"
}

new_cluster() {
    quietly as_server_user "$pg_bindir/initdb" -D "$server/socket/new" -U postgres --encoding=UTF8 --locale=C.UTF-8 \
        --auth-local=trust --auth-host=scram-sha-256 --no-sync "$@"
}

# From PostgreSQL 18 on a new cluster has checksums unless it is told otherwise.
needs_no_checksums() {
    [[ $checksums == off ]] && ((major >= 18))
}

# In a directory that the server's user may write. One way is tried on servers that do not preload the library.
upgrade() {
    local options=(--no-sync) settings='-c fsync=off -c shared_preload_libraries='
    if [[ $1 != --copy ]]; then
        options+=("$1")
        settings+=crm_concurrency
    fi
    as_server_user bash -c 'cd "$1" && exec "${@:2}"' bash "$server/socket" \
        "$server/tree$pg_bindir/pg_upgrade" -b "$server/tree$(older_bindir)" -B "$server/tree$pg_bindir" \
        -d "$server/data" -D "$server/socket/new" -U postgres -o "$settings" -O "$settings" -j 2 "${options[@]}"
}

older_bindir() {
    "${from:-$PG_CONFIG}" --bindir
}

# The new cluster takes the place of the old one.
start_new() {
    mv "$server/data" "$server/old" && mv "$server/socket/new" "$server/data" &&
        cp "$server/old/postgresql.conf" "$server/data/postgresql.conf" && chown "$server_user" "$server/data/postgresql.conf" &&
        server_boot "$server"
}

use_old() {
    quietly as_server_user "$pg_bindir/pg_ctl" -D "$server/data" --wait -m fast stop &&
        rm -rf "$server/data" "$server/old" && mv "$server/kept" "$server/data"
}

# What pg_upgrade refuses before it does anything.
test_refused_upgrades() {
    local output
    succeeds "a new cluster is made" make_cluster
    mv "$server/tree$pg_pkglibdir/crm_concurrency.so" "$server/library"
    output=$(upgrade --copy 2>&1) || true
    mv "$server/library" "$server/tree$pg_pkglibdir/crm_concurrency.so"
    is "without the library for the new server" "$(grep -c 'loadable libraries that are missing' <<<"$output")" 1
    if needs_no_checksums; then
        rm -rf "$server/socket/new"
        succeeds "a cluster with checksums is made" new_cluster
        output=$(upgrade --copy 2>&1) || true
        is "without --no-data-checksums" "$(grep -c 'does not use data checksums but the new one does' <<<"$output")" 1
    fi
}
