# shellcheck shell=bash
# A proxy and several servers with the partitions of a crm database, on one machine. To be sourced after lib.sh.
#
# They live in one directory:
#
#     crm_concurrency-scale   marks the directory as one that these commands made; holds the numbers of shards and partitions
#     proxy/                  the proxy's server, as lib.sh makes it; its database crm has scale/proxy.sql
#     shard-0/ shard-1/ ...   the servers that have the partitions, the databases crm_00, crm_01, ...
#     password                of the role crm: the owner of the partitions' tables, as whom the proxy connects

scale_marker=crm_concurrency-scale

is_scale_directory() {
    [[ -f $1/$scale_marker && -O $1/$scale_marker ]]
}

# partition_database NUMBER: the name of its database.
partition_database() {
    printf 'crm_%02d' "$1"
}

# partition_connection DIRECTORY SHARD NUMBER: how the proxy reaches a partition on the server in DIRECTORY/SHARD.
partition_connection() {
    echo "host=127.0.0.1 port=$(server_port "$1/$2") dbname=$(partition_database "$3")"
}

# create_scale_role SERVER PASSWORD: the role crm.
create_scale_role() {
    sql "$1" postgres <<<"CREATE ROLE crm LOGIN PASSWORD '$2'"
}

# create_partition SERVER NUMBER: an empty partition, owned by crm.
create_partition() {
    local database
    database=$(partition_database "$2")
    quietly sql "$1" postgres -c "CREATE DATABASE $database OWNER crm"
    # shellcheck disable=SC2154 # lib.sh has the project
    quietly sql "$1" "$database" -c 'CREATE EXTENSION crm_concurrency' -c 'SET ROLE crm' -c 'SELECT crm_create_tables()' \
        -f "$project/scale/shard.sql" -c "SELECT crm_shard.spread_comment_ids($2)"
}

# scale_start DIRECTORY SHARDS PARTITIONS [NAME=VALUE…]: starts all of it; the rest are settings of the servers. The
# partitions go round the shards. The directory must not exist.
scale_start() {
    local directory=$1 shards=$2 partitions=$3 shard partition password options=()
    shift 3
    mkdir "$directory" || die "could not make the directory $directory"
    echo "$shards $partitions" >"$directory/$scale_marker"
    made_scale=$directory
    (umask 077 && od -An -N16 -tx1 /dev/urandom | tr -d ' \n' >"$directory/password")
    password=$(<"$directory/password")

    for ((shard = 0; shard < shards; shard++)); do
        # each session of the proxy has a connection to each partition
        server_start "$directory/shard-$shard" '' max_connections=500 wal_level=logical "$@"
        create_scale_role "$directory/shard-$shard" "$password"
    done
    for ((partition = 0; partition < partitions; partition++)); do
        shard=shard-$((partition % shards))
        create_partition "$directory/$shard" "$partition"
        options+=("p$partition '$(partition_connection "$directory" "$shard" "$partition")'")
    done

    server_start "$directory/proxy" '' "$@"
    create_scale_role "$directory/proxy" "$password"
    quietly sql "$directory/proxy" postgres -c 'CREATE DATABASE crm' \
        -c 'ALTER DATABASE crm SET client_min_messages = warning'
    quietly sql "$directory/proxy" crm -1 -f "$project/scale/proxy.sql"
    sql "$directory/proxy" crm <<SQL
CREATE SERVER crm FOREIGN DATA WRAPPER plproxy OPTIONS ($(IFS=, && echo "${options[*]}"));
CREATE USER MAPPING FOR PUBLIC SERVER crm OPTIONS (user 'crm', password '$password');
GRANT USAGE ON FOREIGN SERVER crm TO crm;
SQL
}

# scale_dsn DIRECTORY: the proxy's database.
scale_dsn() {
    server_dsn "$1/proxy" crm
}

# partition_server DIRECTORY NUMBER: the directory of the server that has the partition now.
partition_server() {
    local port shard
    port=$(sql "$1/proxy" crm -At -c "SELECT substring(connection FROM 'port=(\d+)') FROM crm_proxy.partitions()
        WHERE partition = $2")
    for shard in "$1"/shard-*; do
        if [[ $(server_port "$shard") == "$port" ]]; then
            echo "$shard"
            return
        fi
    done
    return 1
}

# scale_sql DIRECTORY [PSQL_ARGUMENT…], partition_sql DIRECTORY NUMBER [PSQL_ARGUMENT…]: run SQL in the proxy's database, or
# as the superuser in a partition's.
scale_sql() {
    sql "$1/proxy" crm "${@:2}"
}

partition_sql() {
    sql "$(partition_server "$1" "$2")" "$(partition_database "$2")" "${@:3}"
}

# scale_move DIRECTORY NUMBER SHARD [OPTION…]: moves a partition to another of the servers.
scale_move() {
    local from to=$1/shard-$3
    from=$(partition_server "$1" "$2") || die "there is no partition $2"
    is_server_directory "$to" || die "there is no server $to"
    [[ $from != "$to" ]] || die "partition $2 is on $to already"
    "$project/scale/move_partition" --partition "$2" --source "$(server_dsn "$from" "$(partition_database "$2")")" \
        --target "$(server_dsn "$to" postgres)" --connection "$(partition_connection "$1" "shard-$3" "$2")" \
        --proxy "$(scale_dsn "$1")" "${@:4}"
}

# scale_stop DIRECTORY: stops the servers and removes all of it.
scale_stop() {
    local server
    is_scale_directory "$1" || die "$1 is not a directory that $(id -un) made with these commands"
    for server in "$1"/proxy "$1"/shard-*; do
        if is_server_directory "$server"; then
            server_stop "$server"
        fi
    done
    rm -rf "$1"
}

# The set-up that the end of the program stops, in place of lib.sh's servers alone.
made_scale=

clean_up_scale() {
    clean_up
    if [[ -n $made_scale ]]; then
        scale_stop "$made_scale"
    fi
}

clean_up_scale_at_exit() {
    clean_up_at_exit
    trap clean_up_scale EXIT
}

keep_scale() {
    keep_server
    made_scale=
}
