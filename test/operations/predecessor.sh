# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034 # what test/operations/run sets, and what it uses
# The releases before, from their sources: their data and dumps in the hands of the new library; an old library with new SQL
# objects, and a new library with old ones.

test_predecessor() {
    local archive
    for archive in "$here"/../releases/crm_concurrency-*.tar.gz; do
        check_predecessor "$(basename "$archive" .tar.gz)"
    done
}

# check_predecessor NAME-VERSION
check_predecessor() {
    local version=${1##*-} release newest rows dumped statement
    newest=$(sed -nE "s/^default_version = '(.*)'$/\1/p" "$project/crm_concurrency.control")
    release=$build/releases/$1-$("$pg_bindir/postgres" --version | sed -E 's/[^0-9]*([0-9a-z.]+).*/\1/')
    quietly with_build_lock releases build_release "$1"

    private_server
    rm "$server/tree$pg_sharedir/extension"/crm_concurrency*
    quietly install_release
    there postgres -c 'CREATE DATABASE crm' -c 'CREATE DATABASE crm_attached' -c 'CREATE DATABASE crm_restored'
    fill there crm
    make_attached_sql | there crm_attached -o /dev/null -f -
    is "$version: a database of that release" "$(state crm)" "$version"
    rows=$(rows_of there crm)
    dumped=$rows
    succeeds "$version: is dumped" pg_dump -d "$(server_dsn "$server" crm)" -f "$scratch/predecessor.sql"
    test_old_library
    test_new_library_with_old_objects
    test_updated
    test_old_dump
}

# Without bitcode and optimization, once for each PostgreSQL. What was built in part is built again.
build_release() {
    local room project=$release.new
    if [[ ! -f $release/objects ]]; then
        rm -rf "$project" "$release" && mkdir -p "$project" &&
            tar -C "$project" --strip-components=1 -xf "$here/../releases/$1.tar.gz" && : >"$project/objects" || return
        for room in "$project"/src/*; do
            compile_together "${room##*/}" "$room"/*.cpp || return
        done
        make_release all && mv "$project" "$release"
    fi
}

# compile_together NAME FILE…: as one source, which takes no longer than one of them; in halves where their names meet.
compile_together() {
    local half=$(($# / 2)) files=("${@:2}")
    printf '#include "%s"\n' "${files[@]#"$project/"}" >"$project/$1.cpp"
    if make_release "$1.o" >"$project/$1.log" 2>&1; then
        echo "$1.o" >>"$project/objects"
    elif ((${#files[@]} > 1)); then
        compile_together "$1-1" "${files[@]:0:half}" && compile_together "$1-2" "${files[@]:half}"
    else
        cat "$project/$1.log"
        return 1
    fi
}

make_release() {
    make_module with_llvm=no CXXFLAGS='-O0 -g0' OBJS="$(paste -sd ' ' "$project/objects")" "$@"
}

install_release() {
    project=$release make_release install DESTDIR="$server/tree"
}

# The version of the SQL objects.
state() {
    there "$1" -c "SELECT extversion FROM pg_extension WHERE extname = 'crm_concurrency'"
}

# The error of the statements, as users see it.
error_of() {
    PGOPTIONS='-c client_min_messages=warning' psql -X -qAt -v ON_ERROR_STOP=1 -v VERBOSITY=verbose \
        -d "$(server_dsn "$server" "$1")" "${@:2}" 2>&1 | grep -E '^(ERROR|DETAIL|HINT)'
}

# The new scripts are there before the new library: a package that was installed in part.
test_old_library() {
    local refusal
    cp "$project"/crm_concurrency.control "$project"/crm_concurrency--*.sql "$server/tree$pg_sharedir/extension"
    refusal="ERROR:  55000: the library of crm_concurrency is older than version $newest
DETAIL:  could not find function \"crm_concurrency_version\" in file \"$server/tree$pg_pkglibdir/crm_concurrency.so\"
HINT:  Install the library of version $newest, and reconnect; restart the server where shared_preload_libraries names it."
    is "$version: its library refuses the update" "$(error_of crm -c 'ALTER EXTENSION crm_concurrency UPDATE')" "$refusal"
    is "$version: and a new installation" \
        "$(error_of crm_restored -c 'CREATE EXTENSION crm_concurrency')" "$refusal"
    is "$version: which changes nothing" "$(state crm) $(rows_of there crm)" "$version $rows"
}

# Who installs a package updates the databases later.
test_new_library_with_old_objects() {
    open_session old "$(server_dsn "$server" crm)"
    is "$version: a session with its library saves" "$(say old "$(save 20)")" updated
    quietly with_build_lock module make_module install DESTDIR="$server/tree"
    is "$version: while the new one is installed, it goes on" "$(say old "$(save 20)")" updated
    is "$version: the new library saves beside it" "$(there crm -c "$(save 20)")" updated
    is "$version: the new library replays what the old one saved" \
        "$(there crm -c "SELECT outcome FROM crm_update_customer(20, (SELECT previous FROM customer_history
            WHERE customer_id = 20 ORDER BY version DESC LIMIT 1), NULL, 'x', 'ana')")" replayed
    is "$version: crm_doctor() of the new library says so" \
        "$(there crm -c "SELECT status, finding FROM crm_doctor() WHERE check_name = 'library_version'")" \
        "warning|the library is version $newest, the SQL objects are $version"
    is "$version: edit locks of the old release hold" \
        "$(there crm_attached -c 'SET search_path = "My CRM", public' -c "SELECT outcome, author
            FROM crm_lock_customer_by_key('00000000-0000-0000-0000-000000000002', 'bo')")" 'locked|ana'
    # Those of another release are refused, and nothing is written.
    there crm -c "UPDATE pg_extension SET extversion = '0.9' WHERE extname = 'crm_concurrency'"
    rows=$(rows_of there crm)
    for statement in "$(save 20)" "UPDATE customers SET phone = '1' WHERE id = 20" 'DELETE FROM customers WHERE id = 20' \
        "INSERT INTO comments (customer_id, author, body) VALUES (20, 'ana', 'x')" 'SELECT crm_get_customer(20)' \
        "CREATE SCHEMA another; SELECT crm_create_tables('another')" "SELECT crm_detach('customers')" 'SELECT * FROM crm_doctor()' \
        'SELECT * FROM crm_verify()' "SELECT crm_prune_history('1 day')" 'SELECT * FROM crm_locks'; do
        is "SQL objects of an unknown version: ${statement:0:40}" "$(error_of crm -c "$statement")" \
            "ERROR:  55000: the library of crm_concurrency is version $newest, the SQL objects are 0.9
DETAIL:  They do not work together. Nothing was done.
HINT:  Run ALTER EXTENSION crm_concurrency UPDATE where the library is the newer one; or else install the library of version 0.9, and reconnect."
    done
    is "SQL objects of an unknown version: nothing was written" "$(rows_of there crm)" "$rows"
    there crm -c "UPDATE pg_extension SET extversion = '$version' WHERE extname = 'crm_concurrency'"
}

# Continues with the session of the old library.
test_updated() {
    local database
    open_session new "$(server_dsn "$server" crm)"
    is "$version: a session with the new library saves" "$(say new "$(save 21)")" updated
    rows=$(rows_of there crm)
    for database in crm crm_attached; do
        succeeds "$version: $database is updated" there $database -c 'ALTER EXTENSION crm_concurrency UPDATE'
        is "$version: $database has version $newest" "$(state $database)" "$newest"
    done
    is "$version: the update changes no row" "$(rows_of there crm)" "$rows"
    is "$version: the open sessions go on" "$(say old "$(save 21)" && say new "$(save 21)")" $'updated\nupdated'
    is "$version: what is new is said clearly to the old library" \
        "$(say old 'SELECT crm_concurrency_version()')" 'ERROR:  42883'
    close_session old
    close_session new
    is "$version: the library says its version" "$(there crm -c 'SELECT crm_concurrency_version()')" "$newest"
    is "$version: crm_doctor() has nothing to say of it" \
        "$(there crm -c "SELECT status FROM crm_doctor() WHERE check_name = 'library_version'")" ok
    is "$version: it replays an old request and takes new saves" "$(use_it there crm)" "$all_well"
    is "$version: every chain is unbroken" "$(violations_of there crm)" ''
    is "$version: an attached table of another shape works" "$(use_attached_sql | there crm_attached -f -)" "$attached_is_well"
    # A package that was replaced by an older one.
    quietly install_release
    is "$version: its library with the newer SQL objects saves" "$(there crm -c "$(save 22)")" updated
    is "$version: and its crm_doctor() says so" \
        "$(there crm -c "SELECT finding FROM crm_doctor() WHERE check_name = 'library_version'")" \
        "the library is version $version, the SQL objects are $newest"
    quietly with_build_lock module make_module install DESTDIR="$server/tree"
    is "$version: every chain is unbroken" "$(violations_of there crm)" ''
}

test_old_dump() {
    succeeds "$version: its dump is restored" there crm_restored -o /dev/null -f "$scratch/predecessor.sql"
    is "$version: into version $newest" "$(state crm_restored)" "$newest"
    is "$version: every row is there" "$(rows_of there crm_restored)" "$dumped"
    is "$version: it replays an old request and takes new saves" "$(use_it there crm_restored)" "$all_well"
    is "$version: every chain is unbroken" "$(violations_of there crm_restored)" ''
}
