# What the tests of ragd-model share. Sourced.
# shellcheck shell=bash
set -u
RAGD_SRCDIR=${RAGD_SRCDIR:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
RAGD_BUILDDIR=${RAGD_BUILDDIR:-$PWD}
models=$RAGD_SRCDIR/../shared/models
T=$(mktemp -d /tmp/ragd-test-XXXXXX) || exit 99
n_passed=0
n_failed=0

# Remove what was made, close like the units' runner does.
finish() {
	local rc=$?
	rm -rf "$T"
	[ "$rc" = 77 ] && exit 77
	echo "[==========] $((n_passed + n_failed)) check(s) run."
	echo "[  PASSED  ] $n_passed check(s)."
	[ "$n_failed" = 0 ] || echo "[  FAILED  ] $n_failed check(s)."
	[ "$rc" = 0 ] && [ "$n_failed" = 0 ] && [ "$n_passed" -gt 0 ] && exit 0
	exit 1
}
trap finish EXIT

pass() { n_passed=$((n_passed + 1)); echo "ok: $*"; }
fail() { n_failed=$((n_failed + 1)); echo "NOT OK: $*"; }

# check NAME COMMAND…: the command succeeds.
check() {
	local name=$1
	shift
	if "$@"; then pass "$name"; else fail "$name"; fi
}

# is NAME GOT WANT; has NAME TEXT PART
is() { if [ "$2" = "$3" ]; then pass "$1"; else fail "$1: got '$2', want '$3'"; fi; }
has() { case $2 in *"$3"*) pass "$1" ;; *) fail "$1: '$3' is not in: $2" ;; esac; }

[ -x "$RAGD_BUILDDIR/ragd-model" ] || { echo "SKIP: this build has no ragd-model"; exit 77; }
model() { "$RAGD_BUILDDIR/ragd-model" "$@"; }

# refuses NAME STATUS SENTENCE OPTION…: with that exit status and one line on standard error.
refuses() {
	local name=$1 want=$2 says=$3 rc=0
	shift 3
	model "$@" >/dev/null 2>"$T/err" </dev/null || rc=$?
	is "$name: exit status" "$rc" "$want"
	has "$name: sentence" "$(cat "$T/err")" "$says"
	is "$name: one line" "$(wc -l <"$T/err")" 1
}

need_models() {
	[ -d "$models/llm" ] || { echo "SKIP: no models in ../shared"; exit 77; }
}
