# prepare.sh - sourced by run.sh and test.sh: what the build needs, installed by apt when we are root, named exactly otherwise.
# need PACKAGE...: one test per package, because dpkg answers faster than apt.

need() {
    local missing=()
    for package in "$@"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q "install ok installed" || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    if ! command -v apt-get >/dev/null; then
        echo "This is not a Debian or Ubuntu machine. Install the equivalents of: ${missing[*]}" >&2
        exit 2
    fi
    if [ "$(id -u)" -ne 0 ]; then
        echo "Some packages are missing. Install them, then start this again:" >&2
        echo "    sudo apt-get install -y --no-install-recommends ${missing[*]}" >&2
        exit 2
    fi
    echo "installing ${missing[*]}" >&2
    # needrestart is what stops an Ubuntu installation with a question.
    local log=build/packages.log install=(env DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a apt-get install -y --no-install-recommends)
    if ! "${install[@]}" "${missing[@]}" </dev/null >"$log" 2>&1 &&
        ! { apt-get update && "${install[@]}" "${missing[@]}"; } </dev/null >"$log" 2>&1; then
        tail -5 "$log" >&2
        echo "The packages could not be installed: is there a network, and does /etc/apt/sources.list name one with these: ${missing[*]}?" >&2
        [ ! -e /etc/lsb-release ] || echo "On Ubuntu they are in \`universe\`: add-apt-repository universe" >&2
        exit 2
    fi
}

# configure PRESET: a second or less when nothing changed.
configure() {
    local found want=3.25
    found=$(cmake --version | sed -nE '1s/.*version ([0-9]+\.[0-9]+).*/\1/p')
    if [ "$(printf '%s\n' "$want" "$found" | sort -V | head -1)" != "$want" ]; then
        echo "cmake $(command -v cmake) is $found, expected $want or newer (Debian 12, Ubuntu 24.04)" >&2
        exit 2
    fi
    local first=1
    [ ! -e "build/$1/build.ninja" ] || first=0
    if cmake --preset "$1" >"build/configure-$1.log" 2>&1; then
        [ $first = 0 ] || sed -n 's/^-- CUDA:/CUDA:/p' "build/configure-$1.log" >&2
        return 0
    fi
    cat "build/configure-$1.log" >&2
    # What a copied or moved tree leaves behind.
    if grep -q "is different than the directory" "build/configure-$1.log"; then echo "This tree was moved: rm -r build, then start this again." >&2; fi
    exit 1
}

# What compiles; what the tests need too; what the fuzzers need (large).
BUILD_PACKAGES=(gcc libc6-dev cmake ninja-build git libcjson-dev libstb-dev libncurses-dev ncurses-bin libsqlite3-dev)
TEST_PACKAGES=(libcmocka-dev libvterm-dev gnuplot-nox tmux)
FUZZ_PACKAGES=(clang libclang-rt-dev)
