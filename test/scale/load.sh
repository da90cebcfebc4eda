# shellcheck shell=bash
# What the tests share that let the load driver work through the proxy of several servers. To be sourced after lib.sh,
# lib-scale.sh, tap.sh and test/load.sh.

# scale_load_setup DIRECTORY: what the driver needs in the proxy and in the partitions.
scale_load_setup() {
    local partition server
    for server in "$1"/shard-*; do
        # Sessions of the proxy have no settings of their own.
        sql "$server" postgres -c "LOAD 'crm_concurrency'" -c "ALTER ROLE crm SET crm_concurrency.repeated_comment_window = '1h'" \
            -c "ALTER ROLE crm SET crm_concurrency.keep_refused = 'all'"
    done
    for partition in $(scale_sql "$1" -At -c 'SELECT partition FROM crm_proxy.partitions()'); do
        # shellcheck disable=SC2154 # lib.sh has the project
        partition_sql "$1" "$partition" -f "$project/test/hammer/partition.sql"
        attach_merge_groups "$(server_dsn "$(partition_server "$1" "$partition")" "$(partition_database "$partition")")"
    done
    scale_sql "$1" -f "$project/test/hammer/through_proxy.sql"
}

# scale_load_dsn DIRECTORY: the proxy's database, as the role of the application.
scale_load_dsn() {
    echo "host=$1/proxy/socket port=$(server_port "$1/proxy") user=crm dbname=crm"
}

# write_partitions DIRECTORY FILE: the partitions, as clients read them that choose the database themselves.
write_partitions() {
    scale_sql "$1" -At -c 'SELECT partition, connection FROM crm_proxy.partitions()' >"$2"
}

# In place of that of test/load.sh: the comments of all partitions, while all of them answer.
comments_so_far() {
    psql -X -qAt -d "${load_watch_dsn:-$load_dsn}" -c 'SELECT sum(comments) FROM crm_counts()' 2>/dev/null || echo 0
}

# set_partition_connection DIRECTORY NUMBER CONNECTION: for new and for open sessions of the proxy.
set_partition_connection() {
    scale_sql "$1" -c "ALTER SERVER crm OPTIONS (SET p$2 '$3')"
}
