# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034 # what test/operations/run sets, and what it uses
# The machinery of ALTER EXTENSION UPDATE: what a release must have, and that an updated extension is what a new one is.

test_update() {
    local released=$here/released.sha256
    check_files "$project" "$released"
    # Files are put beside those of the tree.
    private_server
    extension_directory=$server/tree$pg_sharedir/extension
    check_all_updates
    test_checks
}

# What can be seen in the files ---------------------------------------------------------------------------------------

control_version() {
    sed -nE "s/^default_version = '(.*)'$/\1/p" "$1/crm_concurrency.control"
}

# check_files DIRECTORY RELEASED: the scripts of the directory are complete. RELEASED has the checksums of the scripts that
# were released: users have run them, so they never change again.
check_files() {
    local directory=$1 released=$2 default script
    default=$(control_version "$directory")
    succeeds "there is a script for version $default" compgen -G "$directory/crm_concurrency--*$default.sql"
    for script in proxy shard; do
        is "scale/$script.sql is of version $default" \
            "$(sed -nE "/FUNCTION crm_$script.version/,/^AS/ s/^AS .* SELECT '(.*)' .*/\1/p" "$directory/scale/$script.sql")" "$default"
    done
    while read -r script; do
        if [[ $script != *"--$default.sql" ]] || is_released "$directory" "$default"; then
            is "$script is among the released scripts" "$(grep -c "  $script$" "$released")" 1
        fi
    done < <(cd "$directory" && ls crm_concurrency--*.sql)
    is "no released script has changed" "$(cd "$directory" && changed_since "$released")" ''
}

# is_released DIRECTORY VERSION: the changelog has its date.
is_released() {
    grep -qE "^## \[${2//./\\.}(\.0)?\] - [0-9]" "$1/CHANGELOG.md"
}

changed_since() {
    local checksum script
    while read -r checksum script; do
        if [[ $checksum != '#' ]]; then
            sha256sum --check --quiet - <<<"$checksum  $script" 2>&1 || true
        fi
    done <"$1"
}

# What the server says ------------------------------------------------------------------------------------------------

# check_all_updates: from every version that can be created to the newest.
check_all_updates() {
    local default version
    default=$(there postgres -c "SELECT default_version FROM pg_available_extensions WHERE name = 'crm_concurrency'")
    is "crm_doctor() finds the library of version $default" \
        "$(in_new "$default" -c "SELECT status FROM crm_doctor() WHERE check_name = 'library_version'")" ok
    for version in $(there postgres -c "SELECT version FROM pg_available_extension_versions
                                        WHERE name = 'crm_concurrency' AND version <> '$default' ORDER BY version"); do
        check_update "$version" "$default"
    done
}

# in_new VERSION PSQL_ARGUMENT…: where the extension has just been created, in a transaction that is rolled back.
in_new() {
    there postgres -c BEGIN -c "CREATE EXTENSION crm_concurrency VERSION '$1'" "${@:2}" -c ROLLBACK
}

# check_update FROM TO: a database with data in it is updated, and is then what a new one is.
check_update() {
    local name="from $1 to $2" rows columns path
    path=$(there postgres -c "SELECT path FROM pg_extension_update_paths('crm_concurrency')
                              WHERE source = '$1' AND target = '$2'")
    is "$name: there is a way" "$([[ -n $path ]] && echo "$path")" "${path:-a path}"
    [[ -n $path ]] || return 0
    check_catalogue "$1" "$2"
    there postgres -c 'DROP DATABASE IF EXISTS crm_old' -c 'CREATE DATABASE crm_old'
    succeeds "$name: the older version is created" there crm_old -c "CREATE EXTENSION crm_concurrency VERSION '$1'"
    there crm_old -f "$dump/source.sql"
    columns=$(there crm_old -c "SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute
        WHERE attrelid = 'crm_attached_tables'::regclass AND attnum > 0")
    rows=$(
        rows_of there crm_old
        there crm_old -c "SELECT $columns FROM crm_attached_tables"
    )
    succeeds "$name: is updated" there crm_old -c "ALTER EXTENSION crm_concurrency UPDATE TO '$2'"
    is "$name: every row is there, those of the registry too" \
        "$(
            rows_of there crm_old
            there crm_old -c "SELECT $columns FROM crm_attached_tables"
        )" "$rows"
    is "$name: it replays an old request and takes new saves" "$(use_it there crm_old)" "$all_well"
    is "$name: every chain is unbroken" "$(violations_of there crm_old)" ''
}

# check_catalogue FROM TO
check_catalogue() {
    local updated new
    updated=$(in_new "$1" -c "ALTER EXTENSION crm_concurrency UPDATE TO '$2'" -f "$here/catalogue.sql") || true
    new=$(in_new "$2" -f "$here/catalogue.sql") || true
    is "from $1 to $2: the extension is described" "$(grep -c "^extension|crm_concurrency|$2|" <<<"$new")" 1
    is "from $1 to $2: is what a new one is" "$(diff -U0 <(echo "$updated") <(echo "$new"))" ''
}

# That the checks find what is forgotten ------------------------------------------------------------------------------

# failures_of COMMAND…: the names of the tests in it that fail.
failures_of() {
    (
        tap_tests=0
        "$@"
    ) 2>&1 | sed -nE 's/^not ok [0-9]+ - //p'
}

# A next version that never was: a function more, one less, a column of the registry, new words, another right.
test_checks() {
    local newest copy=$scratch/files full=$extension_directory/crm_concurrency--next.sql script step before released
    local control=$extension_directory/crm_concurrency.control change scripts objects
    newest=$(control_version "$project")
    step=$extension_directory/crm_concurrency--$newest--next.sql
    change=$(
        cat <<'SQL'
CREATE FUNCTION crm_added(id bigint, note text DEFAULT 'none') RETURNS text LANGUAGE sql STABLE AS $$ SELECT note $$;
COMMENT ON FUNCTION crm_added(bigint, text) IS 'added by the next version';
REVOKE EXECUTE ON FUNCTION crm_added(bigint, text) FROM PUBLIC;
DROP FUNCTION crm_erase_customer_by_key(text);
ALTER TABLE crm_attached_tables ADD COLUMN note text;
COMMENT ON COLUMN crm_attached_tables.note IS 'of the next version';
COMMENT ON FUNCTION crm_doctor() IS 'says other words';
SQL
    )
    sed -i "s/^default_version = .*/default_version = 'next'/" "$control"
    # The first release, and the steps from there.
    mapfile -t scripts < <(find "$extension_directory" -name 'crm_concurrency--*.sql' | awk -F-- '{ print NF, $0 }' | sort -V)
    objects=$(sed 's/^\\echo.*//' "${scripts[@]#* }")
    printf '%s\n' "$objects" "$change" >"$full"
    echo "$change" >"$step"
    is "a next version with its script passes, but for what needs its library" \
        "$(failures_of check_all_updates | sed 's/^from .*: //' | sort -u)" \
        'crm_doctor() finds the library of version next
every chain is unbroken
it replays an old request and takes new saves'

    local check=check_catalogue found='is what a new one is'
    forgotten "$step" '/crm_added(.* IS /d' "a forgotten comment on a function" "$found" "$check"
    forgotten "$step" '/OLUMN crm_attached_tables.note IS/d' "a forgotten comment on a column" "$found" "$check"
    forgotten "$step" '/REVOKE/d' "a forgotten REVOKE" "$found" "$check"
    forgotten "$step" '/DROP FUNCTION/d' "a function that was not dropped" "$found" "$check"
    forgotten "$step" '/ALTER TABLE/d; /OLUMN/d' "a forgotten column" "$found" "$check"
    forgotten "$step" "s/DEFAULT 'none'//" "another default of an argument" "$found" "$check"
    forgotten "$step" 's/STABLE/VOLATILE/' "another volatility" "$found" "$check"
    forgotten "$step" 's/SELECT note/SELECT 1::text/' "another body" "$found" "$check"
    forgotten "$step" "s/.*'says other words'.*//" "a comment that stayed as it was" "$found" "$check"
    forgotten "$step" '$ a UPDATE crm_attached_tables SET attached_at = now();' "a registry that was changed" \
        'every row is there, those of the registry too' check_update
    rm "$step"
    is "a forgotten script is found" "$(failures_of check_update "$newest" next)" "from $newest to next: there is a way"

    # The same in a copy of the files, of a tree with this version alone.
    mkdir -p "$copy"
    cp "$project"/crm_concurrency--*.sql "$project/crm_concurrency.control" "$copy"
    script=$(cd "$copy" && ls crm_concurrency--*"$newest.sql")
    before=$copy/before
    cp -r "$project/scale" "$copy"
    released=$copy/released
    grep -v -- "$script" "$here/released.sha256" >"$before"
    (cd "$copy" && sha256sum crm_concurrency--*.sql >"$released")
    echo '## [Unreleased]' >"$copy/CHANGELOG.md"
    is "a version that is not released yet passes" "$(failures_of check_files "$copy" "$before")" ''
    echo "## [$newest.0] - 2026-01-05" >>"$copy/CHANGELOG.md"
    is "a release whose script is not kept is found" "$(failures_of check_files "$copy" "$before")" \
        "$script is among the released scripts"
    is "with its checksum it passes" "$(failures_of check_files "$copy" "$released")" ''
    echo '-- a word more' >>"$copy/$script"
    is "a change of a released script is found" "$(failures_of check_files "$copy" "$released")" \
        'no released script has changed'
    sed -i "s/^default_version = .*/default_version = 'next'/" "$copy/crm_concurrency.control"
    is "a new version without its scripts is found" "$(failures_of check_files "$copy" "$released" | sort)" \
        "$(printf '%s\n' 'no released script has changed' 'scale/proxy.sql is of version next' \
            'scale/shard.sql is of version next' 'there is a script for version next')"
}

# forgotten FILE SED NAME FAILURE CHECK: with the file changed so, the check has this failure, perhaps with others.
forgotten() {
    cp "$1" "$scratch/kept"
    sed -i "$2" "$1"
    is "$3 is found" "$(failures_of "$5" "$newest" next | grep -Fx "from $newest to next: $4")" "from $newest to next: $4"
    cp "$scratch/kept" "$1"
}
