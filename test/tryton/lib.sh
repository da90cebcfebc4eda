# shellcheck shell=bash
# Tryton on a private server. To be sourced after scripts/lib.sh.

tryton_source=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tryton_packages=(tryton-server tryton-modules-party tryton-modules-sale-opportunity tryton-proteus python3-psycopg2)

# Tryton's configuration, files, logs and passwords.
tryton_home=
tryton_port=

# role_dsn DIRECTORY ROLE: of Tryton's database.
role_dsn() {
    echo "host=$1/socket port=$(server_port "$1") user=$2 dbname=tryton"
}

# as_role DIRECTORY ROLE [PSQL_ARGUMENT…]: runs SQL in Tryton's database.
as_role() {
    psql -X -q -v ON_ERROR_STOP=1 -d "$(role_dsn "$1" "$2")" "${@:3}"
}

tryton_admin() {
    as_server_user env TRYTONPASSFILE="$tryton_home/password" trytond-admin -c "$tryton_home/trytond.conf" -d tryton "$@"
}

# create_tryton DIRECTORY: makes Tryton's database, of a role of its own, with the modules.
create_tryton() {
    command -v trytond-admin >/dev/null || die "Tryton is not installed: ${tryton_packages[*]}"
    tryton_home=$1/tryton
    tryton_port=$(free_port)
    install -d -m 700 -o "$server_user" "$tryton_home" "$tryton_home/files"
    (umask 077 && od -An -N16 -tx1 /dev/urandom | tr -d ' \n' >"$tryton_home/password" && echo >>"$tryton_home/password")
    # So many users log in at once that what a password's hash costs would be most of the work.
    cat >"$tryton_home/passlib.conf" <<CONF
[passlib]
schemes = bcrypt
bcrypt__rounds = 4
CONF
    cat >"$tryton_home/trytond.conf" <<CONF
[database]
uri = postgresql://tryton@/?host=$1/socket&port=$(server_port "$1")
path = $tryton_home/files
[web]
listen = 127.0.0.1:$tryton_port
[password]
passlib = $tryton_home/passlib.conf
entropy = 0
CONF
    chown -R "$server_user" "$tryton_home"
    quietly sql "$1" postgres -c 'CREATE ROLE tryton LOGIN' -c 'CREATE ROLE crm_web LOGIN' -c 'CREATE DATABASE tryton OWNER tryton' \
        -c 'ALTER ROLE crm_web SET search_path = public, crm'
    quietly tryton_admin -u sale_opportunity --activate-dependencies --email admin@example.com
}

# The background job that trytond is.
tryton_job=

# start_tryton: starts trytond on the loopback interface, and waits until it answers.
start_tryton() {
    as_server_user trytond -c "$tryton_home/trytond.conf" -d tryton --pidfile "$tryton_home/pid" \
        >"$tryton_home/log" 2>&1 </dev/null &
    tryton_job=$!
    until (exec 3<>"/dev/tcp/127.0.0.1/$tryton_port") 2>/dev/null; do
        if ! kill -0 "$tryton_job" 2>/dev/null; then
            cat "$tryton_home/log" >&2
            die "trytond did not start"
        fi
        sleep 0.1
    done
}

stop_tryton() {
    if [[ -n $tryton_home && -s $tryton_home/pid ]]; then
        kill "$(<"$tryton_home/pid")" 2>/dev/null || true
        # The server would end its connections in its midst.
        wait "$tryton_job" 2>/dev/null || true
    fi
}

# name_tryton DIRECTORY: tells the programs in Python how it is reached, and lets them call tryton_admin.
name_tryton() {
    TRYTON_URL=http://127.0.0.1:$tryton_port/tryton/
    TRYTON_PASSWORD=$(<"$tryton_home/password")
    TRYTON_OWNER=$(role_dsn "$1" tryton)
    TRYTON_CRM=$(role_dsn "$1" crm_web)
    export TRYTON_URL TRYTON_PASSWORD TRYTON_OWNER TRYTON_CRM server_user tryton_home
    export -f as_server_user tryton_admin
}

# tryton_python PROGRAM…: Debian's Python has Debian's packages.
tryton_python() {
    PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$tryton_source/$1" "${@:2}"
}
