# shellcheck shell=bash
# shellcheck disable=SC2154 # what lib.sh sets
# The version and what is told of it, for the commands that package and release. To be sourced after lib.sh.

# The version of the SQL objects, which is named in the control file alone.
extension_version() {
    sed -nE "s/^default_version = '(.*)'$/\1/p" "$project/crm_concurrency.control"
}

# The version of the release: of three numbers.
release_version() {
    local version
    version=$(extension_version)
    while [[ $version != *.*.* ]]; do
        version+=.0
    done
    echo "$version"
}

# The script that CREATE EXTENSION begins with: that of the version, or else the newest, from which updates go on.
first_script() {
    local script
    script=crm_concurrency--$(extension_version).sql
    if [[ ! -f $project/$script ]]; then
        script=$(cd "$project" && find . -maxdepth 1 -name 'crm_concurrency--*.sql' ! -name '*--*--*' -printf '%P\n' |
            sort -V | tail -n 1)
    fi
    echo "$script"
}

# meta_json [HOMEPAGE]: META.json as it must be, from what it is: with the version, and, where its home is given, with
# the addresses of the project.
meta_json() {
    jq --indent 4 --arg version "$(release_version)" --arg script "$(first_script)" --arg home "${1-}" '
        .version = $version
        | .provides.crm_concurrency.version = $version
        | .provides.crm_concurrency.file = $script
        | if $home == "" then . else .resources = {
            homepage: $home,
            bugtracker: { web: "\($home)/issues" },
            repository: { url: "\($home).git", web: $home, type: "git" }
          } end' "$project/META.json"
}

# The addresses of the project stand in META.json, once it has one.
homepage() {
    jq -r '.resources.homepage // empty' "$project/META.json"
}

# What CHANGELOG.md says -----------------------------------------------------------------------------

# The releases with their dates, the newest first: lines of VERSION DATE.
releases() {
    sed -nE 's/^## \[([0-9]+\.[0-9]+\.[0-9]+)\] - ([0-9]{4}-[0-9]{2}-[0-9]{2})$/\1 \2/p' "$project/CHANGELOG.md"
}

# release_date VERSION
release_date() {
    releases | awk -v version="$1" '$1 == version { print $2 }'
}

# release_notes VERSION: its section, without the heading.
release_notes() {
    awk -v heading="## [$1]" '
        /^## / { is_in = index($0, heading) == 1; next }
        is_in' "$project/CHANGELOG.md" | sed -e '/./,$ !d' | cat -s
}
