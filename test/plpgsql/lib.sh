# shellcheck shell=bash
# shellcheck disable=SC2154 # scratch is a directory of who sources it, and full is yes or no
# What the tests of the PL/pgSQL edition share. To be sourced, with the PG* variables naming a server.

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck disable=SC2034 # who sources it reads this
edition_sql=$project/plpgsql/crm_concurrency.sql

# The script of the edition in the release before.
predecessor() {
    tar -xOf "$project/test/releases/crm_concurrency-1.0.tar.gz" crm_concurrency-1.0/plpgsql/crm_concurrency.sql
}

# Runs SQL in a database, and fails on the first error.
sql() {
    PGOPTIONS="-c client_min_messages=warning -c search_path=${SEARCH_PATH:-public}" \
        psql -X -qAt -v ON_ERROR_STOP=1 -d "$1" "${@:2}"
}

new_database() {
    sql postgres -c "DROP DATABASE IF EXISTS $1" -c "CREATE DATABASE $1 TEMPLATE template0"
}

# The same scripts on both ------------------------------------------------------------------------

# What of a script in sql/ is about other things than the edition has, as commands of sed; everything else must be the same.
left_out() {
    # The edition is where its tables are.
    echo 's/public\.(crm_update_customer\()/\1/'
    case $1 in
        # Keys of other types than bigint, and how far a comment that is added twice is looked for.
        add_comment) echo '/^-- as far back as the window reaches/,/^RESET crm_concurrency.repeated_comment_window/d
                           /^CREATE SCHEMA add_comment_by_key/,/^SELECT regress.state\(\$\$SELECT crm_add_comment_by_key/d
                           s/^(DROP SCHEMA add_comment), .*/\1 CASCADE;/' ;;
        locks) echo '/^-- keys of another type/,/^SELECT crm_unlock_customer_by_key\(.6f9619ff/d
                     s/^(DROP SCHEMA locks), .*/\1 CASCADE;/' ;;
        update_customers) echo '/^-- keys of another type/,/"key": "1"/d
                                s/^(DROP SCHEMA update_customers), .*/\1 CASCADE;/
                                /^SET search_path = public;/,/^SET search_path = update_customers/d' ;;
        # A version column of microseconds: the edition makes it of milliseconds.
        version_rule) echo '/^-- a version of microseconds/,/^SET search_path = version_rule, public/d' ;;
        # Without the extension its settings are not defined: they cannot be shown, and take any value from anybody.
        merge) echo '/^SHOW crm_concurrency/d' ;;
        identity) echo '/SET crm_concurrency.author_setting = ..\$\$/d
                        /^-- what the setting takes/,/^FROM unnest/d' ;;
        # What counting, reading, verifying and importing say comes last.
        settings) echo '/^-- Counting needs/,$d
                        /^LOAD/d; /^SELECT name, unit/,/gx$/d
                        /^-- values that are not allowed/,/^SHOW crm_concurrency/d
                        /SET crm_concurrency.max_comment_length = 5\$\$/d
                        /^-- a connection.s own value/,/^DROP ROLE regress_crm_login/d' ;;
        # Reading, verifying, and a second row of large values, which takes seconds. What of large values takes many seconds
        # is only in the full form; one beyond what jsonb compares is in fields.
        omitted_values)
            echo '/crm_(get_customer|timeline|verify)\(/d
                              /^-- a save whose trigger fills them/,/^DROP TRIGGER fill/d'
            [[ $full == yes ]] || echo '/^-- What is left out for its size/,$d'
            ;;
        # Reading, verifying, the older text form of comments, and the code of others that runs while one is stored.
        comments) echo "s/'SELECT crm_get_customer\(2\)', 'SELECT crm_timeline\(2\)', 'SELECT crm_verify\(\)', //
                        /crm_(export_comments|import_comments|get_customer|timeline)\(/d
                        /^-- Code of others that deletes the customer/,\$d" ;;
        # Columns with json that jsonb does not hold, and one that names the registry.
        fields) echo '/^-- Customers have columns of their own/,$d' ;;
        # There are as many functions of the name as there are schemas with the edition.
        # What an owner does past the triggers: the edition notices less of it, in other words.
        # Comments of 10 MB, which take seconds.
        errors) echo '/^SELECT count.* FROM pg_proc/d
                      /^-- what only an owner brings about/,/^-- keys, versions, tables/d
                      /^-- 10 MB/,/^SELECT outcome, length.detail/d' ;;
        # Erasure.
        simple_writes) echo '/crm_erase_customer/d' ;;
        # A rule that does nothing instead: PostgreSQL keeps the plan of such a statement when the rule is dropped. A trigger
        # that gives a comment another id after the guard. Other words for the same SQLSTATE where triggers are off, and
        # another SQLSTATE where those of the comments are, or where the history notices what the version trigger did not do.
        # Triggers that fire in replicas.
        other_triggers) echo '/^-- Triggers of others that fire in replicas/,$d
                              /^CREATE RULE nothing/,/^DROP RULE nothing/d
                              /^CREATE TRIGGER zzz_other_id/,/^DROP TRIGGER zzz_other_id/d
                              /^SET session_replication_role/,/^RESET session_replication_role/d
                              /ENABLE REPLICA TRIGGER/,/^SELECT state/d' ;;
        # The registry, crm_create_tables() in another schema, comments that were moved, and a search_path that puts operators of others before
        # PostgreSQL's: the edition is saved from that only where it runs with its owner's rights. Errors that name a GRANT.
        privileges) echo '/^-- without USAGE/,/^RESET ROLE/d
                          /^-- nor the registry/,/crm_attached_tables SELECT/d
                          /^-- ordinary users make tables/,/^-- row security: everyone/d
                          /^-- attacks by the search_path/,/^DISCARD TEMP/d
                          /^-- in a schema that may not be used/,/^RESET ROLE; ALTER TABLE privileges_elsewhere/d
                          /^-- Each error names what is not granted/,$d' ;;
        # Functions in PL/pgSQL are stopped by PostgreSQL where they write in a parallel worker.
        transactions) echo "/^-- nor does anything write in a parallel/,/'off', false/d" ;;
    esac
}

scripts=(update_customer replay merge fields comments add_comment locks version_rule update_customers transactions errors
    identity settings privileges simple_writes other_triggers omitted_values)

# output_of DATABASE FILE: large values are compressed in the quicker way, where the server has it.
output_of() {
    PGOPTIONS="$quick_compression" psql -X -a -q -v SHOW_CONTEXT=never -d "$1" <"$2" 2>&1
}

# compare_scripts EXTENSION EDITION: the scripts print on the database of the edition what they print on that of the extension.
compare_scripts() {
    local extension=$1 edition=$2 name file quick_compression
    quick_compression=$(sql postgres -c "
        SELECT '-c default_toast_compression=lz4' FROM pg_settings WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)")
    for name in "${scripts[@]}"; do
        file=$scratch/$name.sql
        sed -E -f <(left_out "$name") "$project/sql/$name.sql" >"$file"
        output_of "$extension" "$file" >"$scratch/expected" || true
        output_of "$edition" "$file" >"$scratch/got" || true
        is "the edition prints what the extension does: sql/$name.sql" \
            "$(
                [[ -s $scratch/expected ]] || echo 'the extension printed nothing'
                diff "$scratch/expected" "$scratch/got" | head -n 100
            )" ''
    done
}

# What is there ----------------------------------------------------------------------------------

# rows_of DATABASE: digests of the rows in the tables of the schema crm.
rows_of() {
    local table
    for table in customers comments customer_history customer_locks; do
        sql "$1" -c "SELECT '$table', count(*), md5(string_agg(t::text, E'\\n' ORDER BY t::text)) FROM crm.$table t"
    done
}

# schema_of DATABASE: all objects of the schema crm, as pg_dump describes them.
schema_of() {
    pg_dump --schema-only --schema=crm -d "$1" | grep -vE '^\\(un)?restrict '
}

# Applied saves asked again, of those that before.sql made, and a new one.
# shellcheck disable=SC2034 # who sources it reads it
retries="SELECT n, r.outcome, r.comment_id, r.status FROM (SELECT * FROM asked ORDER BY n) a,
             LATERAL crm_update_customer(id, base, status, comment, author, merge, reply_to, fields) r;
         SELECT outcome FROM crm_update_customer(1000009, (SELECT first FROM moved WHERE id = 1000009), 'new', 'words', 'ana')"
