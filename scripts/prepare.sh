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
    export DEBIAN_FRONTEND=noninteractive
    if ! apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null 2>&1; then
        apt-get update -qq >&2
        apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
    fi
}

# configure PRESET: only when there is something to configure; the build itself re-runs cmake when files change.
configure() {
    cmake --preset "$1" >"build/configure-$1.log" 2>&1 || { cat "build/configure-$1.log" >&2; exit 1; }
    grep -h "CUDA:" "build/configure-$1.log" | sed 's/^-- //' >&2 || true
}

BUILD_PACKAGES=(gcc libc6-dev cmake ninja-build git ca-certificates libcjson-dev libstb-dev libncurses-dev ncurses-bin)
TEST_PACKAGES=(libcmocka-dev libvterm-dev clang libclang-rt-dev)
