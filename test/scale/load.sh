# shellcheck shell=bash
# What the tests share that let the load driver work through the proxy of several servers. To be sourced after lib.sh,
# lib-scale.sh, tap.sh, test/load.sh and session.sh.

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

# watch_load DIRECTORY [SQL]: from here on comments_so_far, in place of that of test/load.sh, counts the comments of all
# partitions while all of them answer, or what the SQL says, in one session of the proxy.
watch_load() {
    watched=${2-SELECT sum(comments) FROM crm_counts()}
    # shellcheck disable=SC2154 # the test makes it
    session_open watch "$scratch" -d "$(scale_load_dsn "$1")"
}

comments_so_far() {
    local count
    count=$(session_ask watch "$watched")
    if [[ $count =~ ^[0-9]+$ ]]; then
        echo "$count"
    else
        echo 0
    fi
}

# set_partition_connection DIRECTORY NUMBER CONNECTION: for new and for open sessions of the proxy.
set_partition_connection() {
    scale_sql "$1" -c "ALTER SERVER crm OPTIONS (SET p$2 '$3')"
}
