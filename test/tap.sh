# shellcheck shell=bash
# How the test scripts report: TAP, the Test Anything Protocol. To be sourced.

tap_tests=0
tap_failures=0

# passes NAME, fails NAME: the result of one test.
passes() {
    echo "ok $((++tap_tests)) - $1"
}

fails() {
    echo "not ok $((++tap_tests)) - $1"
    tap_failures=$((tap_failures + 1))
}

# skips NAME REASON: what cannot be tested here.
skips() {
    echo "ok $((++tap_tests)) - $1 # SKIP $2"
}

# Explains a failed test.
explain() {
    sed 's/^/# /' <<<"$1"
}

# succeeds NAME COMMAND…: the command's exit status is 0.
succeeds() {
    local name=$1 output status=0
    shift
    output=$("$@" 2>&1 </dev/null) || status=$?
    if ((status == 0)); then
        passes "$name"
    else
        fails "$name"
        explain "exit status $status of: $*"$'\n'"$output"
    fi
}

# is NAME GOT EXPECTED
is() {
    if [[ $2 == "$3" ]]; then
        passes "$1"
    else
        fails "$1"
        explain "got:"$'\n'"$2"$'\n'"expected:"$'\n'"$3"
    fi
}

# matches NAME GOT PATTERN: by an extended regular expression.
matches() {
    if [[ $2 =~ $3 ]]; then
        passes "$1"
    else
        fails "$1"
        explain "got:"$'\n'"$2"$'\n'"expected to match: $3"
    fi
}

# Ends the tests: the exit status is 0 only if all passed.
end_of_tests() {
    echo "1..$tap_tests"
    exit $((tap_failures > 0))
}
