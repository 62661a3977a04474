# What the tests of ragd-model share. Sourced.
# shellcheck shell=bash
# shellcheck source=tests/checks.sh
. "$(dirname "${BASH_SOURCE[0]}")/../checks.sh"
models=$RAGD_SRCDIR/../shared/models
trap 'checks_end $?' EXIT

[ -x "$RAGD_BUILDDIR/ragd-model" ] || skip "this build has no ragd-model"
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
	[ -d "$models/llm" ] || skip "no models in ../shared"
}
