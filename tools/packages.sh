#!/bin/sh
# Sees to it that commands are there: packages.sh COMMAND[=PACKAGE]...
#
# On Debian as root, what is missing is installed with apt, and no service that comes with it is started. Elsewhere it is
# named, and the exit status is 1. `python3-venv` stands for Python's own venv module, which Debian packs apart.
set -eu
PATH=$PATH:/usr/sbin:/sbin

is_there() {
    case $1 in
    python3-venv) "${PYTHON:-python3}" -c 'import ensurepip, venv' 2>/dev/null ;;
    *) command -v "$1" >/dev/null ;;
    esac
}

# The package lists that are there mostly do; where they don't (none yet, or too old) they are fetched.
install() {
    set -- apt-get -qq -y -o Dpkg::Use-Pty=0 install --no-install-recommends "$@"
    "$@" >"$log" 2>&1 && return
    apt-get -qq update >"$log" 2>&1 && "$@" >>"$log" 2>&1 && return
    tail -n 20 "$log" >&2
    exit 1
}

missing=""
for pair in "$@"; do
    is_there "${pair%%=*}" || missing="$missing ${pair#*=}"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "packages missing:$missing; install them (on Debian: apt-get install$missing) and try again" >&2
    exit 1
fi

echo "installing:$missing"
log=$(mktemp)
# Debian's maintainer scripts ask this file before they start a service: 101 is "don't".
policy=/usr/sbin/policy-rc.d
if [ -e "$policy" ]; then
    trap 'rm -f "$log"' EXIT
else
    trap 'rm -f "$log" "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi
trap 'exit 130' INT TERM
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086  # one word a package
install $missing
