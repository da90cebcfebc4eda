# shellcheck shell=bash
# What the commands of this directory share: building the project, and private throwaway servers. To be sourced.

# The server may run as another user than the caller, and must read what is installed for it.
umask 022

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$project/build

die() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# Runs a command whose output matters only if it fails.
quietly() {
    local output status=0
    output=$("$@" </dev/null 2>&1) || status=$?
    if ((status > 0)); then
        printf '%s\n%s: this failed: %s\n' "$output" "${0##*/}" "$*" >&2
    fi
    return "$status"
}

# step WHAT COMMAND…: runs a command that may take long, and says what is being done, and then how long it took.
step() {
    local start=$SECONDS
    echo "$1 ..." >&2
    "${@:2}"
    echo "$1: $((SECONDS - start)) s" >&2
}

# set_up [NEED [PACKAGE…]]: installs what is missing, of all or of what scripts/setup has by this name, and what is named: once,
# also for the commands that a command runs.
set_up() {
    if [[ -z ${CRM_IS_SET_UP-} ]]; then
        "$project/scripts/setup" "${@:-test}"
        export CRM_IS_SET_UP=yes
    fi
}

# PostgreSQL: the one of PG_CONFIG, or Debian's of the version PG_MAJOR ---------------------------

pg_config_path() {
    echo "${PG_CONFIG:-/usr/lib/postgresql/${PG_MAJOR:-15}/bin/pg_config}"
}

# Finds PostgreSQL, and puts its programs first in the PATH.
find_postgres() {
    PG_CONFIG=$(pg_config_path)
    [[ -x $PG_CONFIG ]] || die "there is no pg_config at $PG_CONFIG (PG_CONFIG or PG_MAJOR names another)"
    export PG_CONFIG
    pg_bindir=$("$PG_CONFIG" --bindir)
    pg_sharedir=$("$PG_CONFIG" --sharedir)
    pg_pkglibdir=$("$PG_CONFIG" --pkglibdir)
    PATH=$pg_bindir:$PATH
}

# Connections to a private server depend on nothing that the caller has set for others.
forget_connection_settings() {
    local name
    for name in $(compgen -e PG); do
        case $name in
            PG_CONFIG | PG_MAJOR) ;;
            *) unset "$name" ;;
        esac
    done
}

# Packages of npm ---------------------------------------------------------------------------------

# has_node_packages DIRECTORY: what its package.json names is installed there.
has_node_packages() {
    [[ $1/node_modules/.package-lock.json -nt $1/package-lock.json ]]
}

install_node_packages() {
    has_node_packages "$1" || step "Installing what $1/package.json names" quietly npm --prefix "$1" ci
}

# Building ----------------------------------------------------------------------------------------

# with_build_lock WHAT COMMAND…: two commands at once do not build the same in each other's way.
with_build_lock() {
    mkdir -p "$build"
    (
        flock 9
        "${@:2}" 9>&-
    ) 9>"$build/$1.lock"
}

# How the module is made otherwise than for use.
module_options=()

make_module() {
    make -s -j "$(nproc)" -C "$project" PG_CONFIG="$PG_CONFIG" "${module_options[@]}" "$@"
}

# build_copy DIRECTORY MODULE_OPTION…: what is built from here on is a copy, made otherwise than for use.
build_copy() {
    local file
    for file in Makefile CMakeLists.txt ./*.control ./*--*.sql src/*/*.cpp src/*/*.h test/unit/* test/hammer/*.* \
        test/hammer/*/* bench/client/* examples/sharded/*.h examples/sharded/test/* scale/partitions.json; do
        install -C -D -m 644 "$file" "$1/$file"
    done
    project=$1
    build=$1/build
    module_options=(with_llvm=no "${@:2}")
}

# Builds the module; objects that were made for another server, or with fewer options, are made again. Without the bitcode they
# are the same.
build_module() {
    local made_for=$build/module-made-for wanted
    wanted="$PG_CONFIG $("$PG_CONFIG" --version) ${module_options[*]/#with_llvm=no/}"
    if ! [[ -f $made_for && $(<"$made_for") == "$wanted"* ]]; then
        make_module clean || return
        echo "$wanted" >"$made_for"
    fi
    make_module all
}

# build_programs DIRECTORY TARGET… [-- CMAKE_OPTION…]: builds C++ programs of CMakeLists.txt.
build_programs() {
    local directory=$1 targets=()
    shift
    while (($# > 0)) && [[ $1 != -- ]]; do
        targets+=("$1")
        shift
    done
    with_build_lock "${directory##*/}" run_cmake "$directory" "$@"
}

run_cmake() {
    cmake -S "$project" -B "$1" -DCMAKE_BUILD_TYPE=RelWithDebInfo "${@:3}" &&
        cmake --build "$1" --parallel "$(nproc)" --target "${targets[@]}"
}

# Programs that run shorter than they would be optimised: several sources at once, by clang, which takes two thirds of the time.
quick_build=(
    -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_UNITY_BUILD=ON -DCMAKE_COMPILE_WARNING_AS_ERROR=ON
    "-DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-O0 -g1"
)
# shellcheck disable=SC2034 # the callers read it
driver=$build/driver/test/hammer/crm_hammer

# The load driver as the tests use it.
build_driver() {
    quietly build_programs "$build/driver" crm_hammer -- "${quick_build[@]}"
}

# The mirror of the distribution that this machine's apt uses.
mirror() {
    # shellcheck disable=SC2016
    apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' 'Created-By: Packages' |
        awk -F'|' '$1 == "Debian" && $2 == "Debian" && !found { found = $3 } END { print found }'
}

# Private servers ---------------------------------------------------------------------------------
#
# A server lives in one directory:
#
#     crm_concurrency-server  marks the directory as one that these commands made; holds the port
#     tree/                   an installation of its own
#     data/                   the data directory, server.log in it
#     socket/                 the Unix socket; only the server's user (and root) can enter
#     password                of the superuser postgres, for TCP connections to 127.0.0.1

marker=crm_concurrency-server
socket_name=/socket/.s.PGSQL.65535

# PostgreSQL refuses to run as root.
if ((EUID == 0)); then
    server_user=postgres
else
    server_user=$(id -un)
fi

as_server_user() {
    # Programs of PostgreSQL want a working directory that they can read.
    if ((EUID == 0)); then
        (cd / && exec runuser -u "$server_user" -- "$@")
    else
        (cd / && exec "$@")
    fi
}

# A path that make can install to and that stands in a connection string as it is.
is_plain_path() {
    [[ $1 =~ ^/[A-Za-z0-9/._+@=-]*$ ]]
}

# Where temporary files go: a directory that the server can be in and its user can reach.
temporary_root() {
    local root=${TMPDIR:-/tmp}
    if ! is_plain_path "$root" || ! as_server_user test -x "$root" 2>/dev/null; then
        root=/tmp
    fi
    echo "$root"
}

# A name for a server's directory that is not in use.
new_server_directory() {
    mktemp -u "$(temporary_root)/crm_concurrency.XXXXXX"
}

free_port() {
    local port
    while true; do
        # below the ports that systems give to outgoing connections
        port=$((20000 + RANDOM % 12000))
        if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            echo "$port"
            return
        fi
    done
}

# An installation of the module that make has not made, in a directory: servers get the module of it.
module_installed_in=

install_module() {
    local directory
    if [[ -z $module_installed_in ]]; then
        make_module install DESTDIR="$1"
        return
    fi
    for directory in "$pg_sharedir/extension" "$pg_pkglibdir"; do
        cp -a "$module_installed_in$directory/." "$1$directory" || return
    done
}

# An installation with the module in it, in $1. PostgreSQL finds its directories from where its program lies: with a copy
# of the program, and links to all else, the installed PostgreSQL stays as it is, whatever other servers run from it.
install_tree() {
    local tree=$1
    mkdir -p "$tree$pg_bindir" &&
        cp "$pg_bindir/postgres" "$tree$pg_bindir" &&
        link_entries "$pg_sharedir" "$tree$pg_sharedir" extension &&
        link_entries "$pg_sharedir/extension" "$tree$pg_sharedir/extension" &&
        link_entries "$pg_pkglibdir" "$tree$pg_pkglibdir" bitcode &&
        link_entries "$pg_pkglibdir/bitcode" "$tree$pg_pkglibdir/bitcode" &&
        install_module "$tree"
}

# link_entries FROM TO [EXCEPT]: makes links to what is in a directory, but for an installed crm_concurrency, over which the links
# would let make write.
link_entries() {
    mkdir -p "$2"
    if [[ -d $1 ]]; then
        find "$1" -mindepth 1 -maxdepth 1 ! -name 'crm_concurrency*' ! -name "${3-}" -exec ln -s -t "$2" '{}' +
    fi
}

is_server_directory() {
    [[ -f $1/$marker && -O $1/$marker ]]
}

server_port() {
    cat "$1/$marker"
}

server_runs() {
    as_server_user "$pg_bindir/pg_ctl" -D "$1/data" status >/dev/null 2>&1
}

# server_dsn DIRECTORY DATABASE
server_dsn() {
    echo "host=$1/socket port=$(server_port "$1") user=postgres dbname=$2"
}

# The same as a URI for drivers that know TCP only.
server_uri() {
    echo "postgresql://postgres:$(<"$1/password")@127.0.0.1:$(server_port "$1")/$2"
}

# server_boot DIRECTORY: starts the server that is there, as it is, and waits until it takes connections.
server_boot() {
    as_server_user "$pg_bindir/pg_ctl" -p "$1/tree$pg_bindir/postgres" -D "$1/data" -l "$1/data/server.log" \
        --wait --silent start >/dev/null 2>&1 </dev/null
}

# server_start DIRECTORY PORT [NAME=VALUE…]: builds the module and starts a server with it. The directory must not exist;
# an empty port is a free one; the rest are settings.
server_start() {
    local directory=$1 wanted_port=$2 port setting attempt
    shift 2

    is_plain_path "$directory" || die "the server cannot be in \"$directory\": choose a path of letters, digits and ._+@=-"
    # A Unix socket's address has room for 107 bytes.
    if ((${#directory} + ${#socket_name} > 107)); then
        die "the path $directory is too long for the server's socket: choose a shorter one (--dir or TMPDIR)"
    fi
    mkdir "$directory" || die "could not make the directory $directory"
    echo "${wanted_port:-0}" >"$directory/$marker"
    made_server=$directory
    made_servers+=("$directory")
    as_server_user test -x "$directory" ||
        die "the user $server_user, who runs the server, cannot reach $directory: choose another (--dir or TMPDIR)"

    if [[ -z $module_installed_in ]]; then
        quietly with_build_lock module build_module
        quietly with_build_lock module install_tree "$directory/tree"
    else
        quietly install_tree "$directory/tree"
    fi

    install -d -m 700 -o "$server_user" "$directory/data" "$directory/socket"
    quietly with_build_lock cluster init_data "$directory/data"
    {
        echo "listen_addresses = '127.0.0.1'"
        echo "unix_socket_directories = '$directory/socket'"
        echo "max_connections = 200"
        for setting in "$@"; do
            echo "${setting%%=*} = '$(sed "s/'/''/g" <<<"${setting#*=}")'"
        done
    } >>"$directory/data/postgresql.conf"

    # Somebody else may take a free port first.
    for attempt in 1 2 3; do
        port=${wanted_port:-$(free_port)}
        echo "port = $port" >>"$directory/data/postgresql.conf"
        if server_boot "$directory"; then
            break
        elif [[ -n $wanted_port || $attempt == 3 ]] || ! grep -q 'in use' "$directory/data/server.log"; then
            cat "$directory/data/server.log" >&2
            die "the server did not start on port $port"
        fi
    done
    echo "$port" >"$directory/$marker"

    (umask 077 && od -An -N16 -tx1 /dev/urandom | tr -d ' \n' >"$directory/password")
    sql "$directory" postgres >/dev/null <<<"ALTER ROLE postgres PASSWORD '$(<"$directory/password")'"
}

# How a data directory is made otherwise than for use.
cluster_options=()

# Makes a data directory. initdb takes many times as long as a copy of what it made for the first server.
init_data() {
    local options=(
        -U postgres --encoding=UTF8 --locale=C.UTF-8 --auth-local=trust --auth-host=scram-sha-256 --no-sync
        "${cluster_options[@]}"
    )
    local made
    made=$build/cluster-$(sha256sum <<<"$("$pg_bindir/initdb" --version) $server_user ${options[*]}" | head -c 16)
    if [[ ! -d $made ]]; then
        as_server_user "$pg_bindir/initdb" -D "$1" "${options[@]}" &&
            rm -rf "$made.new" && cp -a "$1" "$made.new" && mv "$made.new" "$made"
    else
        cp -a "$made/." "$1"
    fi
}

# sql DIRECTORY DATABASE [PSQL_ARGUMENT…]: runs SQL on the server, and fails on the first error.
sql() {
    psql -X -q -v ON_ERROR_STOP=1 -d "$(server_dsn "$1" "$2")" "${@:3}"
}

# create_crm_database DIRECTORY NAME: a database with the extension and its tables.
create_crm_database() {
    quietly sql "$1" postgres -c "CREATE DATABASE $2"
    quietly sql "$1" "$2" -c "CREATE EXTENSION crm_concurrency" -c "SELECT crm_create_tables()"
}

# attach_merge_groups DSN: lets columns of the customers merge as one, so that the load driver has a group to merge.
attach_merge_groups() {
    quietly psql -X -q -v ON_ERROR_STOP=1 -d "$1" -c "SELECT crm_attach('customers', merge_groups => '[[\"phone\", \"email\"]]')"
}

# Of a server's log: the assertions of PostgreSQL that failed, each with its stack. A PostgreSQL that is built for use has none.
failed_assertions() {
    local line program
    awk '/TRAP: / { print; kept = 1; next } kept && /\[0x[0-9a-f]+\]$/ { print; next } { kept = 0 }' |
        while IFS= read -r line; do
            # only functions that a library exports have their names in it
            if [[ $line =~ ^(.*)\(\+(0x[0-9a-f]+)\) ]] && command -v addr2line >/dev/null; then
                program=${BASH_REMATCH[1]}
                [[ -f $program ]] || program=$pg_bindir/postgres
                addr2line -Cfpis -e "$program" "$(printf '%#x' $((BASH_REMATCH[2] - 1)))" | sed 's/^/    /'
            else
                echo "$line"
            fi
        done
}

# keep_failed_assertions LOG: a server's log goes with the server; what failed there is appended to the file FAILED_ASSERTIONS.
keep_failed_assertions() {
    if [[ -n ${FAILED_ASSERTIONS-} && -f $1 ]]; then
        failed_assertions <"$1" >>"$FAILED_ASSERTIONS"
    fi
}

# server_stop DIRECTORY: stops the server and removes all of it.
server_stop() {
    local directory=$1
    is_server_directory "$directory" || die "$directory is not a server's directory that $(id -un) made with these commands"
    if server_runs "$directory"; then
        quietly as_server_user "$pg_bindir/pg_ctl" -D "$directory/data" --wait -m immediate stop ||
            die "could not stop the server in $directory"
    fi
    keep_failed_assertions "$directory/data/server.log"
    rm -rf "$directory"
}

# set_access_path DIRECTORY PATH: makes this access path the server's default; RESET is what the server had.
set_access_path() {
    local command="ALTER SYSTEM SET crm_concurrency.access_path = '$2'"
    if [[ $2 == RESET ]]; then
        command='ALTER SYSTEM RESET ALL'
    fi
    sql "$1" postgres -c "LOAD 'crm_concurrency'" -c "$command" -c 'SELECT pg_reload_conf()' >/dev/null
}

# The programs that compare the output of SQL with what is expected, and the database that each makes.
# shellcheck disable=SC2034
{
    regress_program=regress/pg_regress
    regress_database=contrib_regression
    isolation_program=isolation/pg_isolation_regress
    isolation_database=isolation_regression
}

# run_pg_regress DIRECTORY PROGRAM DATABASE INPUT_DIRECTORY OUTPUT_DIRECTORY NAME…: runs tests on a server.
run_pg_regress() {
    "$(dirname "$("$PG_CONFIG" --pgxs)")/../test/$2" --inputdir="$4" --outputdir="$5" --bindir="$pg_bindir" \
        --host="$1/socket" --port="$(server_port "$1")" --user=postgres --dbname="$3" "${@:6}"
}

# Cleaning up -------------------------------------------------------------------------------------

# The server that was started last, and all that the end of the program stops.
made_server=
made_servers=()
scratch=

# At the end of the program, however it ends, stops the servers that it started and removes its temporary files.
clean_up_at_exit() {
    trap clean_up EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
}

clean_up() {
    local directory
    for directory in "${made_servers[@]}"; do
        if [[ -d $directory ]]; then
            server_stop "$directory"
        fi
    done
    if [[ -n $scratch ]]; then
        rm -rf "$scratch"
    fi
}

keep_server() {
    # shellcheck disable=SC2034 # the callers read it
    made_server=
    made_servers=()
}
