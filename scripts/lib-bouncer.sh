# shellcheck shell=bash
# A PgBouncer before each of the servers of lib-scale.sh, configured as scale/README.md says. To be sourced after it.
#
# They live in the directory $bouncers; the port of each is in its file "port".

# shellcheck disable=SC2154 # lib.sh has server_user and project, who sources this scale and pool_size

bouncers=
bouncer_pids=()
bouncer_ports=()

# make_bouncers: the directory, and the passwords of crm and of the console; before any is started.
make_bouncers() {
    local shard
    pgbouncer=$(PATH=$PATH:/usr/sbin command -v pgbouncer) || die "PgBouncer is not installed"
    # From 1.23 on it waits for its clients on SIGTERM.
    stop_signal=$("$pgbouncer" --version | awk '/^PgBouncer / { split($2, v, "."); print (v[1] > 1 || v[2] >= 23 ? "QUIT" : "TERM") }')
    bouncers=$(mktemp -d "$(temporary_root)/crm_bouncers.XXXXXX")
    password=$(<"$scale/password")
    for shard in "$scale"/shard-*; do
        mkdir "$bouncers/${shard##*-}"
    done
    printf '"%s" "%s"\n' crm "$password" bouncer "$password" >"$bouncers/users"
    chmod 600 "$bouncers/users"
    chown -R "$server_user" "$bouncers"
}

# write_bouncer SHARD [SETTING…]: the configuration of the document, but for the values that are this machine's. A SETTING with a
# plus sign is none of the document's.
write_bouncer() {
    local directory=$bouncers/$1 setting
    # shellcheck disable=SC2016 # these are no substitutions
    sed -n '/^```ini$/,/^```$/{/^```/!p}' "$project/scale/README.md" >"$directory/ini"
    for setting in "\\* = host=127.0.0.1 port=$(server_port "$scale/shard-$1")" "listen_port = ${bouncer_ports[$1]}" \
        "auth_file = $bouncers/users" "logfile = $directory/log" "pidfile = $directory/pid" \
        "default_pool_size = $pool_size" "${@:2}"; do
        if [[ $setting == +* ]]; then
            echo "${setting#+}" >>"$directory/ini"
            continue
        fi
        grep -q "^${setting%% = *} = " "$directory/ini" || die "the document does not set ${setting%% = *}"
        sed -i "s|^${setting%% = *} = .*|$setting|" "$directory/ini"
    done
}

# start_bouncer SHARD [SETTING…]
start_bouncer() {
    local attempt
    # Somebody else may take the port first.
    for ((attempt = 0; attempt < 3; attempt++)); do
        bouncer_ports[$1]=${bouncer_ports[$1]:-$(free_port)}
        write_bouncer "$@"
        if as_server_user "$pgbouncer" -q -d "$bouncers/$1/ini" && answers_within 10 console "$1" 'SHOW VERSION'; then
            bouncer_pids[$1]=$(<"$bouncers/$1/pid")
            # for who calls it in a subshell
            echo "${bouncer_ports[$1]}" >"$bouncers/$1/port"
            return
        fi
        bouncer_ports[$1]=
    done
    cat "$bouncers/$1/log"
    return 1
}

# At once, whatever is under way.
stop_bouncer() {
    local pid=${bouncer_pids[$1]}
    kill "-$stop_signal" "$pid" && until has_ended "$pid"; do sleep 0.02; done
    bouncer_pids[$1]=
}

end_bouncers() {
    local pid
    for pid in "${bouncer_pids[@]}"; do
        if [[ -n $pid ]]; then
            kill "-$stop_signal" "$pid" 2>/dev/null || true
        fi
    done
    rm -rf "$bouncers"
}

# answers_within SECONDS COMMAND…
answers_within() {
    local deadline=$((SECONDS + $1))
    until "${@:2}" >/dev/null 2>&1; do
        ((SECONDS < deadline)) || return 1
        sleep 0.05
    done
}

# console SHARD COMMAND: in the administration console.
console() {
    psql -X -qAt -d "host=127.0.0.1 port=${bouncer_ports[$1]} user=bouncer password=$password dbname=pgbouncer" -c "$2"
}

bouncer_connection() {
    echo "host=127.0.0.1 port=${bouncer_ports[$1]} dbname=$(partition_database "$2")"
}
