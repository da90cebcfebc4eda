# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034 # what test/operations/run sets, and what it uses
# What a session does with the library and its settings.

unknown='ERROR:  42704'

test_session() {
    private_server
    there postgres -c 'CREATE DATABASE crm'
    fill there crm
    test_discard
    test_early_settings
    test_preloading
    test_new_library
    is "crm_verify() finds nothing" "$(there crm -c 'SELECT * FROM crm_verify()')" ''
}

# save ID [STATUS]
save() {
    echo "SELECT outcome FROM crm_update_customer($1, (SELECT updated_at FROM customers WHERE id = $1), NULL, 'x', 'ana')"
}

# What pools send between clients.
test_discard() {
    local command stale="SELECT outcome FROM crm_update_customer(10, '2001-01-01 00:00:00+00', 'x', NULL, 'ana')"
    open_session pooled "$(server_dsn "$server" crm)"
    is "a session saves" "$(say pooled "$(save 10)")" updated
    for command in 'DISCARD ALL' 'DISCARD PLANS' 'RESET ALL' "LOAD 'crm_concurrency'" 'DEALLOCATE ALL'; do
        is "after $command it saves" "$(say pooled "$command; $(save 10)")" updated
    done
    is "DISCARD ALL takes settings away" \
        "$(say pooled "SET crm_concurrency.on_conflict = raise; $stale; DISCARD ALL; $stale; SHOW crm_concurrency.on_conflict")" \
        $'ERROR:  PT409\nconflict\nreturn'
    is "LOAD does not" \
        "$(say pooled "SET crm_concurrency.on_conflict = raise; LOAD 'crm_concurrency'; SHOW crm_concurrency.on_conflict;
            RESET ALL")" raise
    is "an unknown setting is refused" "$(say pooled 'SET crm_concurrency.no_such = 1')" 'ERROR:  42602'
    close_session pooled
}

# Settings that are made before the first call.
test_early_settings() {
    local warned
    warned=$(PGOPTIONS='' psql -X -qAt -d "$(server_dsn "$server" crm)" -c "SET crm_concurrency.merge = 'perhaps'" \
        -c 'SET crm_concurrency.no_such = 1' -c 'SET crm_concurrency.refused_comment_window = 5' -c "$(save 11)" \
        -c 'SHOW crm_concurrency.merge' -c 'SHOW crm_concurrency.refused_comment_window' \
        -c "SELECT count(*) FROM pg_settings WHERE name = 'crm_concurrency.no_such'" 2>&1)
    is "an early setting takes effect, an invalid one does not" "$(grep -v -e WARNING -e DETAIL -e HINT <<<"$warned")" \
        $'updated\noff\n5s\n0'
    is "with a warning for each" "$(grep -c '^WARNING: .*crm_concurrency.\(merge\|no_such\)' <<<"$warned")" 2
}

# What a new session says of a setting before it has used the extension.
merge_of() {
    there crm -v VERBOSITY=sqlstate -c 'SHOW crm_concurrency.merge'
}

test_preloading() {
    is "without preloading a new session does not know the settings" "$(merge_of)" "$unknown"
    # From 16 on a superuser may set what is not known yet.
    if (($(there crm -c 'SHOW server_version_num') < 160000)); then
        is "nor does ALTER SYSTEM" \
            "$(there crm -v VERBOSITY=sqlstate -c 'ALTER SYSTEM SET crm_concurrency.merge = on')" "$unknown"
    fi
    succeeds "after LOAD it does" there crm -c "LOAD 'crm_concurrency'" -c 'ALTER SYSTEM SET crm_concurrency.merge = on'
    there crm -o /dev/null -c 'SELECT pg_reload_conf()'
    succeeds "and new sessions obey" holds_within 20 eval \
        '[[ $(there crm -c "$(save 12)" -c "SHOW crm_concurrency.merge" | tail -n 1) == on ]]'
    there crm -o /dev/null -c 'ALTER SYSTEM RESET ALL' -c 'SELECT pg_reload_conf()'
    succeeds "ALTER ROLE needs no LOAD" there crm -c 'ALTER ROLE postgres SET crm_concurrency.merge = on'
    is "and sessions obey when they use the extension" \
        "$(there crm -c "$(save 12)" -c 'SHOW crm_concurrency.merge')" $'updated\non'
    there crm -c 'ALTER ROLE postgres RESET crm_concurrency.merge'

    there crm -c "ALTER DATABASE crm SET session_preload_libraries = 'crm_concurrency'"
    is "session_preload_libraries makes them known" "$(merge_of)" off
    there crm -c 'ALTER DATABASE crm RESET session_preload_libraries'

    mkdir "$server/tree$pg_pkglibdir/plugins"
    ln -s ../crm_concurrency.so "$server/tree$pg_pkglibdir/plugins/crm_concurrency.so"
    there crm -c "ALTER DATABASE crm SET local_preload_libraries = 'crm_concurrency'"
    is "local_preload_libraries does" "$(merge_of)" off
    is "and it is the same library for the functions" "$(there crm -c "$(save 12)")" updated
    there crm -c 'ALTER DATABASE crm RESET local_preload_libraries'

    echo "shared_preload_libraries = 'crm_concurrency'" >>"$server/data/postgresql.conf"
    echo "crm_concurrency.merge = on" >>"$server/data/postgresql.conf"
    succeeds "the server starts with shared_preload_libraries" restart
    is "which makes them known, with the value of postgresql.conf" "$(merge_of)" on
    succeeds "ALTER SYSTEM knows them" there crm -c 'ALTER SYSTEM SET crm_concurrency.merge = off'
    there crm -o /dev/null -c 'SELECT pg_reload_conf()'
    succeeds "and new sessions obey" holds_within 20 eval '[[ $(merge_of) == off ]]'
    is "a session saves" "$(there crm -c "$(save 12)")" updated
}

# library_of NAME: the inode of the library that the session NAME has loaded.
library_of() {
    local pid
    pid=$(say "$1" 'SELECT pg_backend_pid()')
    awk '$6 ~ /\/crm_concurrency\.so$/ { print $5; exit }' "/proc/$pid/maps"
}

library_inode() {
    stat -c %i "$server/tree$pg_pkglibdir/crm_concurrency.so"
}

# Continues with shared_preload_libraries.
test_new_library() {
    local first second
    first=$(library_inode)
    open_session preloaded "$(server_dsn "$server" crm)"
    quietly with_build_lock module make_module install DESTDIR="$server/tree"
    second=$(library_inode)
    is "make install makes a new file" "$([[ $first != "$second" ]] && echo new)" new
    open_session later "$(server_dsn "$server" crm)"
    is "with shared_preload_libraries, new sessions have the library that the server started with" \
        "$(library_of preloaded) $(library_of later)" "$first $first"
    is "and save" "$(say preloaded "$(save 13)" && say later "$(save 13)")" $'updated\nupdated'
    close_session preloaded
    close_session later

    sed -i '/^shared_preload_libraries\|^crm_concurrency/d' "$server/data/postgresql.conf"
    there crm -c 'ALTER SYSTEM RESET ALL'
    succeeds "the server starts anew, without" restart
    open_session old "$(server_dsn "$server" crm)"
    is "a session saves" "$(say old "$(save 13)")" updated
    quietly with_build_lock module make_module install DESTDIR="$server/tree"
    open_session new "$(server_dsn "$server" crm)"
    is "while the library is replaced, the session goes on" "$(say old "$(save 13)")" updated
    is "a new session saves" "$(say new "$(save 13)")" updated
    is "the old one has the old library, the new one the new" "$(library_of old) $(library_of new)" "$second $(library_inode)"
    is "they see each other's saves" \
        "$(say old "SELECT outcome FROM crm_update_customer(13, (SELECT previous FROM customer_history WHERE customer_id = 13
            ORDER BY version DESC LIMIT 1), NULL, 'x', 'ana')")" replayed
    close_session old
    close_session new
}
