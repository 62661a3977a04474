# Sourced by what the shell tests of a folder share: a fresh folder $T, checks, and how they are summed up.
# shellcheck shell=bash
set -u
RAGD_SRCDIR=${RAGD_SRCDIR:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}
RAGD_BUILDDIR=${RAGD_BUILDDIR:-$PWD}
T=$(mktemp -d /tmp/ragd-test-XXXXXX) || exit 99
n_passed=0
n_failed=0

# checks_end RC: the end of a script that would exit with RC; closes like the units' runner does.
checks_end() {
	rm -rf "$T"
	[ "$1" = 77 ] && exit 77
	echo "[==========] $((n_passed + n_failed)) check(s) run."
	echo "[  PASSED  ] $n_passed check(s)."
	[ "$n_failed" = 0 ] || echo "[  FAILED  ] $n_failed check(s)."
	[ "$1" = 0 ] && [ "$n_failed" = 0 ] && [ "$n_passed" -gt 0 ] && exit 0
	exit 1
}

skip() { echo "SKIP: $*"; exit 77; }
pass() { n_passed=$((n_passed + 1)); echo "ok: $*"; }
fail() { n_failed=$((n_failed + 1)); echo "NOT OK: $*"; }

# check NAME COMMAND…: the command succeeds.
check() {
	local name=$1
	shift
	if "$@"; then pass "$name"; else fail "$name"; fi
}

# is NAME GOT WANT; has NAME TEXT PART; hasnt NAME TEXT PART
is() { if [ "$2" = "$3" ]; then pass "$1"; else fail "$1: got '$2', want '$3'"; fi; }
has() { case $2 in *"$3"*) pass "$1" ;; *) fail "$1: '$3' is not in: $2" ;; esac; }
hasnt() { case $2 in *"$3"*) fail "$1: '$3' is in: $2" ;; *) pass "$1" ;; esac; }
