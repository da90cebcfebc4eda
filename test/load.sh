# shellcheck shell=bash
# What the tests share that let the load driver run while they do harm to its server. To be sourced after lib.sh and tap.sh.
# The driver's output goes to the file "load" in the directory $scratch.

load_pid=

# shellcheck disable=SC2154 # the test makes it
# begin_load HAMMER USERS SEED DSN [OPTION…]: lets the driver work in the background, until check_load. DSN is also where
# load_goes_on looks, unless load_watch_dsn names another.
begin_load() {
    load_dsn=$4
    "$1" --mode mixed --users "$2" --customers 50 --seconds 1000000 --seed "$3" --dsn "$4 application_name=crm_hammer" \
        "${@:5}" >"$scratch/load" 2>&1 </dev/null &
    load_pid=$!
    load_goes_on 50 || die "the driver did not begin: $(<"$scratch/load")"
}

# However the test ends, the driver ends with it.
end_load() {
    if [[ -n $load_pid ]]; then
        kill -KILL "$load_pid" 2>/dev/null || true
    fi
}

# holds_within SECONDS COMMAND…: tries the command again and again until it succeeds.
holds_within() {
    local give_up=$((SECONDS + $1))
    until "${@:2}"; do
        if [[ -n $load_pid ]] && ! load_is_running; then
            echo "the driver has ended"
            return 1
        elif ((SECONDS > give_up)); then
            echo "not within $1 s: ${*:2}"
            return 1
        fi
        sleep 0.05
    done
}

load_is_running() {
    ! has_ended "$load_pid"
}

has_ended() {
    ! kill -0 "$1" 2>/dev/null
}

# The newest comment's number, which the load makes rise; a crash lets it skip no more than 32.
comments_so_far() {
    psql -X -qAt -d "${load_watch_dsn:-$load_dsn}" -c 'SELECT last_value FROM comments_id_seq' 2>/dev/null || echo 0
}

# load_goes_on COUNT: waits until the driver has stored so many more comments.
load_goes_on() {
    local before
    holds_within 60 load_is_answered && before=$(comments_so_far) && holds_within 60 load_has_reached $((before + $1))
}

load_is_answered() {
    (($(comments_so_far) > 0))
}

load_has_reached() {
    (($(comments_so_far) >= $1))
}

# not_answered WHAT: how often the driver, when it has ended, was not answered for this reason.
not_answered() {
    sed -n "s/^$1 *\([0-9]*\)\$/\1/p" "$scratch/load"
}

# Ends the load, and reports what the driver found in the tables.
check_load_alone() {
    local status=0 pid=$load_pid
    kill -TERM "$pid" 2>/dev/null || true
    # A commit that waits for a standby that never comes back would wait for ever.
    load_pid=
    # What it has to read and to check grows with the run.
    holds_within 900 has_ended "$pid" || kill -KILL "$pid"
    wait "$pid" || status=$?
    if ((status == 0)); then
        passes "the driver finds every invariant kept"
    else
        fails "the driver finds every invariant kept"
        explain "exit status $status"
    fi
    explain "$(<"$scratch/load")"
}

# The same where answers must have been lost on the way.
check_load() {
    local lost
    check_load_alone
    lost=$(not_answered 'no answer')
    if ((${lost:-0} > 0)); then
        passes "answers were lost on the way"
    else
        fails "answers were lost on the way"
    fi
}
