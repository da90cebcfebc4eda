# shellcheck shell=bash
# PostgreSQL built otherwise than for use, from the source package of the distribution. To be sourced after lib.sh.
#
# It is that of PG_MAJOR, in the newest version whose source is to be had. All is kept in one directory, for the next
# run:
#
#     source/      what the package has
#     NAME/        the build of this name, installed

# shellcheck disable=SC2154 # lib.sh has what is not assigned here

unset PG_CONFIG
source_major=${PG_MAJOR:-15}
source_home=$build/postgresql-$source_major

# Extensions of others that the suites use.
other_extensions=(pgtap pgaudit)

# install_source_packages PACKAGE…: what building PostgreSQL needs, and these.
install_source_packages() {
    command -v apt-get >/dev/null || die "this is not a Debian machine: it has no source packages"
    local packages=(make dpkg-dev perl libicu-dev binutils "$@")
    # releases from 17 on come without what these make
    if ((source_major >= 17)); then
        packages+=(bison flex)
    fi
    "$project/scripts/setup" "${packages[@]}"
}

# Gets the source package, in the newest version that is to be had: an index may name one whose files are gone.
get_source() {
    local apt=$source_home/apt download=$source_home/download parts=() file name version list
    eval "$(apt-config shell list Dir::Etc::sourcelist/f)"
    parts+=("$list")
    eval "$(apt-config shell list Dir::Etc::sourceparts/d)"
    parts+=("${list%/}"/*.list "${list%/}"/*.sources)
    rm -rf "$apt"
    mkdir -p "$apt/parts" "$apt/lists/partial" "$apt/cache/archives/partial"
    for file in "${parts[@]}"; do
        if [[ -f $file ]]; then
            name=${file##*/}
            case $name in
                *.list) sed -nE 's/^[[:space:]]*deb(-src)?[[:space:]]/deb-src /p' "$file" >"$apt/parts/$name" ;;
                *.sources) sed -E 's/^Types:.*/Types: deb-src/' "$file" >"$apt/parts/$name" ;;
            esac
        fi
    done
    cat >"$apt/apt.conf" <<CONFIGURATION
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "$apt/parts";
Dir::State::lists "$apt/lists";
Dir::Cache "$apt/cache";
APT::Sandbox::User "$(id -un)";
CONFIGURATION
    export APT_CONFIG=$apt/apt.conf

    quietly apt-get update
    rm -rf "$source_home/source" "$download"
    mkdir "$download"
    while read -r version; do
        if (cd "$download" && apt-get source -qq "postgresql-$source_major=$version") >"$download/log" 2>&1 \
            </dev/null; then
            mv "$download"/postgresql-*/ "$source_home/source"
            break
        fi
    done < <(apt-cache showsrc "postgresql-$source_major" | sed -n 's/^Version: //p' | sort -Vru)
    if [[ ! -d $source_home/source ]]; then
        cat "$download/log" >&2
        die "the source of postgresql-$source_major is not to be had"
    fi
    rm -rf "$apt" "$download"
}

# build_postgres NAME OPTION…: builds and installs it with these options of configure, unless that was done.
build_postgres() {
    local prefix=$source_home/$1 objects=$source_home/$1-objects made wanted
    local options=(--enable-debug --with-icu --without-readline --without-zlib "${@:2}")
    made=$prefix/made-with wanted=${options[*]}
    if [[ -f $made && $(<"$made") == "$wanted" ]]; then
        return
    fi
    [[ -d $source_home/source ]] || get_source
    echo "Building PostgreSQL in $prefix" >&2
    rm -rf "$prefix" "$objects"
    mkdir -p "$objects"
    (cd "$objects" && quietly ../source/configure --quiet --prefix="$prefix" "${options[@]}")
    quietly make -s -j "$(nproc)" -C "$objects" all
    quietly make -s -j "$(nproc)" -C "$objects/contrib" all
    quietly make -s -C "$objects" install
    quietly make -s -C "$objects/contrib" install
    rm -rf "$objects"
    echo "$wanted" >"$made"
}

# Links to what Debian's packages have installed of the extensions of others. Their libraries are made for a server for
# use, but for the same interface.
link_extensions() {
    local built=$source_home/$1/bin/pg_config installed=/usr/lib/postgresql/$source_major/bin/pg_config name
    for name in "${other_extensions[@]}"; do
        find "$("$installed" --sharedir)/extension" \
            \( -name "$name.control" -o -name "$name--*.sql" -o -name "$name-*.sql" \) \
            -exec ln -sf -t "$("$built" --sharedir)/extension" '{}' +
        find "$("$installed" --pkglibdir)" -maxdepth 1 -name "$name.so" -exec ln -sf -t "$("$built" --pkglibdir)" '{}' +
    done
}

# make_build NAME OPTION…
make_build() {
    with_build_lock "${source_home##*/}" build_postgres "$@"
    link_extensions "$1"
}

# use_build NAME OPTION…: PG_CONFIG names it from here on.
use_build() {
    make_build "$@"
    export PG_CONFIG=$source_home/$1/bin/pg_config
    as_server_user test -x "$source_home/$1/bin/postgres" ||
        die "the user $server_user, who runs the server, cannot reach $source_home/$1"
}
