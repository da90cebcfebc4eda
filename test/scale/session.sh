# shellcheck shell=bash
# Sessions of psql that stay open: each new one with the proxy connects to all partitions anew. To be sourced.

declare -A session_in session_out session_pid

# session_open NAME DIRECTORY PSQL_ARGUMENT…: its files are in the directory for a moment.
session_open() {
    local descriptor files=$2/session
    mkfifo "$files.in" "$files.out"
    psql -X -qAt "${@:3}" <"$files.in" >"$files.out" 2>&1 &
    session_pid[$1]=$!
    exec {descriptor}>"$files.in"
    session_in[$1]=$descriptor
    exec {descriptor}<"$files.out"
    session_out[$1]=$descriptor
    rm "$files.in" "$files.out"
}

# session_close NAME…
session_close() {
    local name descriptor other
    for name in "$@"; do
        descriptor=${session_in[$name]} other=${session_out[$name]}
        # Sessions that were opened later, and servers, hold its input open too.
        echo "\\q" >&"$descriptor"
        exec {descriptor}>&- {other}<&-
        wait "${session_pid[$name]}" || true
        unset "session_in[$name]" "session_out[$name]" "session_pid[$name]"
    done
}

# session_ask NAME SQL…: prints what is answered.
session_ask() {
    local line
    # psql writes the result of a query at once, but not that of \echo.
    printf '%s;\n' "${@:2}" "SELECT 'end of answer'" >&"${session_in[$1]}"
    while IFS= read -r -t 60 line <&"${session_out[$1]}"; do
        if [[ $line == 'end of answer' ]]; then
            return
        fi
        printf '%s\n' "$line"
    done
    echo 'the session does not answer'
}
