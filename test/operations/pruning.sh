# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034 # what test/operations/run sets, and what it uses
# Pruning goes on beside everything else that is under way.

test_pruning() {
    local database=crm_operations_pruning number body doing prune="SELECT crm_prune_history('1 year')"
    new_database "$database"
    on "$database" -o /dev/null -c 'CREATE EXTENSION crm_concurrency' -c 'SELECT crm_create_tables()' \
        -c "INSERT INTO customers (id, updated_at) OVERRIDING SYSTEM VALUE SELECT i, '2026-01-05 10:00Z' FROM generate_series(1, 2) i"
    # The numbers of two locks were the same for this comment and for the pruning of this history.
    number=$(on "$database" -c "SELECT 'customer_history'::regclass::oid::bigint # 'comments'::regclass::oid::bigint")
    body=$(PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$here/collision.py" "$number" 1 ana)
    body=${body//\'/\'\'}
    is "a comment has the number of the pruning" \
        "$(on "$database" -c "SELECT hashtextextended('$body', hashtextextended('ana', hashtextextended('1', 0)))")" "$number"

    open_session busy "dbname=$database"
    for doing in "SELECT crm_add_comment(1, '$body', 'ana')" \
        "SELECT outcome FROM crm_update_customer(1, '2001-01-01', 'x', '$body', 'ana')" \
        "SELECT crm_import_comments(1, '[1/2/2024, 9:00:00 AM] ana: Old')" \
        "SELECT outcome FROM crm_update_customer(2, '2026-01-05 10:00Z', 'x', 'Words', 'ana')"; do
        say busy "BEGIN; $doing" >/dev/null
        is "nothing is waited for while there is under way: ${doing%%(*}()" \
            "$(on "$database" -c "SET lock_timeout = '2s'" -c "$prune")" 0
        say busy ROLLBACK
        say busy "BEGIN; $prune" >/dev/null
        is "nor does it wait for the pruning" \
            "$(on "$database" -o /dev/null -c "SET lock_timeout = '2s'" -c BEGIN -c "$doing" -c ROLLBACK)" ''
        say busy ROLLBACK
    done
    say busy "BEGIN; $prune" >/dev/null
    is "another pruning of the history does" \
        "$(on "$database" -v VERBOSITY=sqlstate -c "SET lock_timeout = '200ms'" -c "$prune")" 'ERROR:  55P03'
    say busy ROLLBACK
    close_session busy
}
